//! What the packages are and which files each has: `packaging/deb/debian/control` and its `*.install` files, which are the source of the rpms
//! too.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// A package.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Whether it is the same on every processor.
    pub(crate) is_noarch: bool,
    pub(crate) depends: Vec<String>,
    pub(crate) recommends: Vec<String>,
    pub(crate) summary: String,
    pub(crate) description: String,
    /// Of the tree that packages are built from, to where they are installed, without the slash at the start.
    pub(crate) files: Vec<(PathBuf, PathBuf)>,
}

/// All packages and their common version. `tree` is what [`crate::deb::assemble`] has laid out.
pub(crate) fn packages(tree: &Path) -> Result<(String, Vec<Package>)> {
    let debian = tree.join("debian");
    let changelog = read(&debian.join("changelog"))?;
    let version = changelog.split_once('(').and_then(|(_, rest)| rest.split_once(')')).context("a version")?.0;
    let control = read(&debian.join("control"))?;
    let packages = control.split("\n\n").filter(|stanza| stanza.contains("Package: "));
    Ok((version.to_owned(), packages.map(|stanza| package(stanza, tree)).collect::<Result<_>>()?))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

fn package(stanza: &str, tree: &Path) -> Result<Package> {
    let field = |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let list = |name: &str| -> Vec<String> {
        field(name)
            .unwrap_or_default()
            .split(',')
            .map(|word| word.trim().to_owned())
            .filter(|word| !word.is_empty())
            .collect()
    };
    let name = field("Package").context("a package without a name")?.to_owned();
    let (_, description) =
        stanza.split_once("\nDescription: ").with_context(|| format!("{name} has no description"))?;
    let (summary, description) = description.split_once('\n').context("a longer description")?;
    let description: Vec<&str> = description.lines().map(str::trim).collect();
    let install = tree.join(format!("debian/{name}.install"));
    let lines = if install.exists() { read(&install)? } else { String::new() };
    let mut files = Vec::new();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let (source, folder) = line.split_once(' ').with_context(|| format!("{name}.install: {line}"))?;
        files.extend(installed(tree, source, folder.trim()).with_context(|| format!("{name}.install: {line}"))?);
    }
    files.sort();
    Ok(Package {
        is_noarch: field("Architecture") == Some("all"),
        depends: list("Depends"),
        recommends: list("Recommends"),
        summary: summary.to_owned(),
        description: description.join("\n"),
        files,
        name,
    })
}

/// As dh_install does it: each thing that fits the pattern goes into the folder under its last name, folders whole.
fn installed(tree: &Path, pattern: &str, folder: &str) -> Result<Vec<(PathBuf, PathBuf)>> {
    let (parent, last) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let (before, after) = last.split_once('*').unwrap_or((last, ""));
    let fits = |name: &str| match last.contains('*') {
        true => name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after),
        false => name == last,
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(tree.join(parent)).with_context(|| format!("list {parent}"))? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|name| anyhow::anyhow!("{name:?} is no text"))?;
        if fits(&name) {
            below(&entry.path(), &Path::new(folder).join(name), &mut found)?;
        }
    }
    ensure!(!found.is_empty(), "nothing fits {pattern}");
    Ok(found)
}

fn below(source: &Path, target: &Path, found: &mut Vec<(PathBuf, PathBuf)>) -> Result<()> {
    if !source.is_dir() {
        found.push((source.to_owned(), target.to_owned()));
        return Ok(());
    }
    for entry in std::fs::read_dir(source)? {
        let entry = entry?;
        below(&entry.path(), &target.join(entry.file_name()), found)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_folders_are_installed_as_debhelper_does() {
        let tree = tempfile::tempdir().expect("a directory");
        let write = |path: &str, text: &str| {
            let path = tree.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        write("units/x.service", "");
        write("units/x-control.socket", "");
        write("units/y.socket", "");
        write("units/x.service.d/1.conf", "");
        write("debian/changelog", "x (1.2.3) unstable; urgency=low\n");
        write("debian/x.install", "units/x.service usr/lib\nunits/x*.socket usr/lib\nunits/x.service.d usr/lib\n");
        write(
            "debian/control",
            "Source: x\n\nPackage: x\nArchitecture: any\nDepends: y (= 1), ${misc:Depends}\nDescription: does things\n Long\n text.\n",
        );
        let (version, packages) = packages(tree.path()).expect("reads");
        assert_eq!(version, "1.2.3");
        let targets: Vec<String> = packages[0].files.iter().map(|(_, to)| to.display().to_string()).collect();
        assert_eq!(targets, ["usr/lib/x-control.socket", "usr/lib/x.service", "usr/lib/x.service.d/1.conf"]);
        assert_eq!((packages[0].summary.as_str(), packages[0].description.as_str()), ("does things", "Long\ntext."));
        assert_eq!(packages[0].depends, ["y (= 1)", "${misc:Depends}"]);
        write("debian/x.install", "units/z* usr/lib\n");
        assert!(super::packages(tree.path()).is_err(), "a line that fits nothing");
    }
}
