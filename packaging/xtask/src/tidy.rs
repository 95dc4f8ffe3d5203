//! `tidy`: the rules of the repository that no other tool knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::paths;
use crate::shell::{command, output};

/// Longest files, in lines, tests not counted.
const MAX_LINES: [(&str, usize); 3] = [("rs", 800), ("ts", 600), ("tsx", 600)];
/// Where unsafe code may stand.
const UNSAFE_FOLDERS: [&str; 2] = ["sandbox/src/sys/", "sandbox/zygote/src/"];
/// What the repository must not speak of: addresses of package registries' hosts, paths of somebody's machine.
const FORBIDDEN: [&str; 3] =
    [concat!("/work", "/main"), concat!("registry.npmjs", ".org"), concat!("index.crates", ".io")];

/// Checks all rules; every violation is printed.
pub(crate) fn tidy() -> Result<()> {
    let root = paths::repository();
    let listed =
        output(command("git", &["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(&root))?;
    let mut faults = dependencies(&root)?;
    for name in listed.lines() {
        // Deleted but not yet committed, or no text: nothing to read.
        let Ok(text) = std::fs::read_to_string(root.join(name)) else { continue };
        faults.extend(file(name, &text));
    }
    faults.extend(units(&root)?);
    for fault in &faults {
        eprintln!("    {fault}");
    }
    if faults.is_empty() { Ok(()) } else { bail!("{} violations", faults.len()) }
}

fn file(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let extension = name.rsplit('.').next().unwrap_or_default();
    let generated = name.contains("generated") || name.ends_with(".lock") || name.ends_with("package-lock.json");
    if let Some((_, most)) = MAX_LINES.iter().find(|(of, _)| *of == extension && !generated) {
        let body = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
        let lines = body.lines().count();
        if lines > *most && !name.contains("/tests/") {
            faults.push(format!("{name}: {lines} lines; the most is {most}: split it"));
        }
    }
    if extension == "rs" {
        if !text.trim_start().starts_with("//!") && !text.trim_start().starts_with("#![") {
            faults.push(format!("{name}: starts without a //! comment that says what it is for"));
        }
        let unsafe_allowed = UNSAFE_FOLDERS.iter().any(|folder| name.starts_with(folder));
        let opens_unsafe = |line: &&str| {
            line.trim_start().starts_with("unsafe ")
                || line.contains(concat!("= unsafe", " {"))
                || line.contains(concat!(" unsafe", " {"))
        };
        if !unsafe_allowed
            && text.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| opens_unsafe(&line))
        {
            faults.push(format!("{name}: unsafe code outside {}", UNSAFE_FOLDERS.join(", ")));
        }
    }
    if !generated {
        for word in FORBIDDEN.iter().filter(|word| text.contains(**word)) {
            faults.push(format!("{name}: speaks of {word}"));
        }
    }
    faults
}

/// Which crate of the workspace may depend on which: `dependencies.toml` beside this crate is the list.
fn dependencies(root: &Path) -> Result<Vec<String>> {
    let text =
        std::fs::read_to_string(root.join("packaging/xtask/dependencies.toml")).context("read dependencies.toml")?;
    let allowed: BTreeMap<String, BTreeSet<String>> = toml::from_str(&text).context("parse dependencies.toml")?;
    let metadata = cargo_metadata::MetadataCommand::new().no_deps().current_dir(root).exec()?;
    let members: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let mut faults = Vec::new();
    for package in &metadata.packages {
        let Some(may) = allowed.get(package.name.as_str()) else {
            faults.push(format!("packaging/xtask/dependencies.toml: says nothing of {}", package.name));
            continue;
        };
        let normal = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != cargo_metadata::DependencyKind::Development);
        let found: BTreeSet<&str> =
            normal.map(|dependency| dependency.name.as_str()).filter(|name| members.contains(name)).collect();
        for name in found.iter().filter(|name| !may.contains(**name)) {
            faults.push(format!("{} must not depend on {name} (packaging/xtask/dependencies.toml)", package.name));
        }
        for name in may.iter().filter(|name| !found.contains(name.as_str())) {
            faults.push(format!(
                "{} no longer depends on {name}: remove it from packaging/xtask/dependencies.toml",
                package.name
            ));
        }
    }
    Ok(faults)
}

/// Every socket names a service that exists, and every daemon's service a socket.
fn units(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("units/system");
    let mut faults = Vec::new();
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(&folder).context("list units/system")? {
        names.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    for name in names.iter().filter(|name| name.ends_with(".socket")) {
        let text = std::fs::read_to_string(folder.join(name))?;
        let service = if text.contains("\nAccept=yes") {
            // One instance for each connection, named after the socket.
            name.replace(".socket", "@.service")
        } else {
            text.lines().find_map(|line| line.strip_prefix("Service=")).unwrap_or_default().replace("%i", "")
        };
        if !names.contains(&service) {
            faults.push(format!("units/system/{name}: Service={service} is no unit here"));
        }
    }
    for name in names.iter().filter(|name| name.ends_with(".service") && !name.contains("temporal")) {
        let text = std::fs::read_to_string(folder.join(name))?;
        for socket in text.lines().filter_map(|line| line.strip_prefix("Sockets=")).flat_map(str::split_whitespace) {
            if !names.contains(&socket.replace("%i", "")) {
                faults.push(format!("units/system/{name}: Sockets={socket} is no unit here"));
            }
        }
        // Those that are started for a connection get that, and no socket.
        if !text.contains("\nSockets=") && !text.contains("\nStandardInput=socket") {
            faults.push(format!("units/system/{name}: names no socket"));
        }
    }
    Ok(faults)
}
