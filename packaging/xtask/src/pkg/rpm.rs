//! rpm packages: the same files as the Debian packages, by the same lists, with a spec that is written from them.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::list::{self, Package};
use crate::shell::{command, run_quietly, step};
use crate::{deb, install, paths};

/// What EL calls otherwise. Without a second name there is no need of it there.
const NAMES: &[(&str, Option<&str>)] = &[
    // sysusers makes the users.
    ("adduser", None),
    ("postgresql", Some("postgresql-server")),
    ("postgresql-client", Some("postgresql")),
    // A part of git that brings no Perl.
    ("git (>= 1:2.36)", Some("git-core >= 2.36")),
    ("openssh-client", Some("openssh-clients")),
    // Its package has an epoch.
    ("nodejs (>= 18)", Some("nodejs >= 1:18")),
];
/// Daemons that have a unit to restart and sockets to close.
const WITHOUT_SCRIPTS: [&str; 3] = ["bulkhead", "bulkhead-common", "bulkheadctl"];
/// Folders that are no other package's.
const OWN_FOLDERS: [&str; 5] = [
    "/etc/bulkhead",
    "/usr/lib/bulkhead",
    "/usr/share/bulkhead",
    "/usr/share/doc/bulkhead",
    "/usr/lib/systemd/system/bulkhead",
];

/// Builds all packages, unless nothing that goes into them changed. Returns their paths.
pub(crate) fn build(programs: Option<&Path>) -> Result<Vec<PathBuf>> {
    install::ensure(&[install::PACKAGES, install::RPM])?;
    let parts = deb::Parts::build(programs)?;
    let output = paths::cache().join("rpm");
    let key = parts.key(&["packaging/rpm", "packaging/xtask/src/pkg"])?;
    let stamp = output.join("content.key");
    if std::fs::read_to_string(&stamp).is_ok_and(|built| built == key) {
        return packages(&output);
    }
    step("packaging rpms", || {
        if output.exists() {
            std::fs::remove_dir_all(&output)?;
        }
        let tree = output.join("tree");
        parts.assemble(&tree)?;
        let (version, list) = list::packages(&tree)?;
        let root = output.join("root");
        lay_out(&list, &root)?;
        let spec = output.join("bulkhead.spec");
        std::fs::write(&spec, written(&version, &list, &tree)?)?;
        let define = |name: &str, value: &Path| format!("{name} {}", value.display());
        let mut rpmbuild = command("rpmbuild", &["-bb", "--quiet", "--nodeps"]);
        rpmbuild.args(["--define", &define("_topdir", &output.join("build"))]);
        rpmbuild.args(["--define", &define("_rpmdir", &output)]);
        rpmbuild.args(["--define", &define("bulkhead_root", &root)]);
        run_quietly(rpmbuild.arg(&spec))?;
        for folder in [&tree, &root, &output.join("build")] {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::write(&stamp, key).context("write the packages' stamp")
    })?;
    packages(&output)
}

fn packages(output: &Path) -> Result<Vec<PathBuf>> {
    let found = deb::with_extension(output, "rpm")?;
    ensure!(!found.is_empty(), "no packages were built in {}", output.display());
    Ok(found)
}

/// Puts all files where they will be installed. Modes are those that debhelper gives.
fn lay_out(packages: &[Package], root: &Path) -> Result<()> {
    for (source, target) in packages.iter().flat_map(|package| &package.files) {
        let at = root.join(target);
        std::fs::create_dir_all(at.parent().context("a folder")?)?;
        std::fs::copy(source, &at).with_context(|| format!("copy {}", source.display()))?;
        let executable = std::fs::metadata(source)?.permissions().mode() & 0o100 != 0
            && at.extension().is_none_or(|end| end != "so");
        std::fs::set_permissions(&at, PermissionsExt::from_mode(if executable { 0o755 } else { 0o644 }))?;
        if is_man_page(target) {
            run_quietly(command("gzip", &["-9n"]).arg(&at))?;
        }
    }
    Ok(())
}

fn is_man_page(path: &Path) -> bool {
    path.starts_with("usr/share/man")
}

/// The spec.
fn written(version: &str, packages: &[Package], tree: &Path) -> Result<String> {
    let repository = paths::repository();
    let script = |name: &str| {
        let path = repository.join("packaging/rpm").join(name);
        std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
    };
    let mut spec = script("bulkhead.spec.in")?.replace("@VERSION@", version);
    let first = packages.first().context("there is no package")?;
    ensure!(first.name == "bulkhead", "the first package is the one that brings all");
    spec = spec.replace("@SUMMARY@", &capitalised(&first.summary));
    let (mut files, mut scripts) = (String::new(), String::new());
    for package in packages {
        let Package { name, summary, description, .. } = package;
        let mut head = String::new();
        if name != "bulkhead" {
            writeln!(head, "%package -n {name}\nSummary: {}", capitalised(summary))?;
            if package.is_noarch {
                writeln!(head, "BuildArch: noarch")?;
            }
        }
        for need in package.depends.iter().filter_map(|need| translated(need)) {
            writeln!(head, "Requires: {need}")?;
        }
        for wish in package.recommends.iter().filter_map(|wish| translated(wish)) {
            writeln!(head, "Recommends: {wish}")?;
        }
        if name == "bulkhead" {
            spec = spec.replace("@NEEDS@", head.trim_end());
            writeln!(spec, "\n%description\n{description}")?;
        } else {
            write!(spec, "\n{head}\n%description -n {name}\n{description}\n")?;
        }
        writeln!(files, "\n%files -n {name}\n{}", file_list(package))?;
        let daemon = name.strip_prefix("bulkhead-").filter(|_| !WITHOUT_SCRIPTS.contains(&name.as_str()));
        if let Some(daemon) = daemon {
            let unit =
                if daemon == "workflows-worker" { "bulkhead-workflows-worker@*".to_owned() } else { name.clone() };
            for (section, file) in [("post", "daemon.post.in"), ("preun", "daemon.preun.in")] {
                let text = script(file)?.replace("@UNIT@", &unit).replace("@SOCKETS@", &format!("{name}*"));
                writeln!(scripts, "\n%{section} -n {name}\n{}", text.trim_end())?;
            }
        }
    }
    writeln!(scripts, "\n%post -n bulkhead-common\n{}", script("bulkhead-common.post")?.trim_end())?;
    let changes = changelog(&std::fs::read_to_string(tree.join("debian/changelog"))?)?;
    Ok(format!(
        "{spec}\n%install\nmkdir -p %{{buildroot}}\ncp -a %{{bulkhead_root}}/. %{{buildroot}}/\n{scripts}{files}\n%changelog\n{changes}"
    ))
}

fn file_list(package: &Package) -> String {
    let mut lines = BTreeSet::new();
    for (_, target) in &package.files {
        let path = format!("/{}", target.display());
        for folder in target.ancestors().skip(1).map(|folder| format!("/{}", folder.display())) {
            if OWN_FOLDERS.iter().any(|own| folder.starts_with(own)) {
                lines.insert(format!("%dir \"{folder}\""));
            }
        }
        let quoted = format!("\"{path}{}\"", if is_man_page(target) { ".gz" } else { "" });
        lines.insert(match () {
            () if path.starts_with("/etc/") => format!("%config(noreplace) {quoted}"),
            () if path.starts_with("/usr/share/doc/") => format!("%doc {quoted}"),
            () => quoted,
        });
    }
    lines.into_iter().collect::<Vec<_>>().join("\n")
}

/// A dependency of Debian's in rpm's words, where there is one.
fn translated(need: &str) -> Option<String> {
    if need.starts_with("${") {
        return None;
    }
    if let Some((_, name)) = NAMES.iter().find(|(debian, _)| *debian == need) {
        return name.map(str::to_owned);
    }
    let Some((name, version)) = need.split_once(" (") else { return Some(need.to_owned()) };
    let version = version.trim_end_matches(')').replace("${source:Version}", "%{version}-%{release}");
    Some(format!("{name} {version}"))
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The newest entry of Debian's in rpm's form.
fn changelog(text: &str) -> Result<String> {
    let (signature, version) = (
        text.lines().find_map(|line| line.strip_prefix(" -- ")).context("a changelog without a signature")?,
        text.split_once('(').and_then(|(_, rest)| rest.split_once(')')).context("a version")?.0,
    );
    let (person, date) = signature.split_once("  ").context("a signature without a date")?;
    // `Mon, 23 Nov 2026 12:00:00 +0000` becomes `Mon Nov 23 2026`.
    let words: Vec<&str> = date.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let [weekday, day, month, year, ..] = words.as_slice() else { anyhow::bail!("{date} is no date") };
    let says =
        text.lines().filter_map(|line| line.strip_prefix("  * ")).map(|line| format!("- {line}\n")).collect::<String>();
    Ok(format!("* {weekday} {month} {day} {year} {person} - {version}-1\n{says}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_said_in_rpms_words() {
        assert_eq!(translated("${misc:Depends}"), None);
        assert_eq!(translated("adduser"), None);
        assert_eq!(translated("nodejs (>= 18)").as_deref(), Some("nodejs >= 1:18"));
        assert_eq!(translated("python3 (>= 3.9)").as_deref(), Some("python3 >= 3.9"));
        let ours = translated("bulkhead-api (= ${source:Version})");
        assert_eq!(ours.as_deref(), Some("bulkhead-api = %{version}-%{release}"));
    }

    #[test]
    fn the_changelog_is_turned() {
        let text =
            "x (0.1.0) unstable; urgency=low\n\n  * First.\n\n -- A B <a@b.example>  Mon, 23 Nov 2026 12:00:00 +0000\n";
        assert_eq!(changelog(text).expect("turned"), "* Mon Nov 23 2026 A B <a@b.example> - 0.1.0-1\n- First.\n");
    }
}
