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

/// How metrics' names begin.
const METRIC_PREFIXES: [&str; 2] = ["bulkhead_", "executor_"];
/// Services that nobody connects to by a socket of systemd's.
const SERVICES_WITHOUT_SOCKETS: [&str; 2] = ["bulkhead-backup.", "bulkhead-temporal"];

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
    faults.extend(metrics(&root, listed.lines())?);
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

/// Alerts, the dashboard and the docs speak of metrics that some daemon has.
fn metrics<'a>(root: &Path, names: impl Iterator<Item = &'a str>) -> Result<Vec<String>> {
    let mut registered = BTreeSet::new();
    for name in names.filter(|name| name.starts_with("daemons/") && name.ends_with(".rs") && name.contains("/src/")) {
        // Deleted but not yet committed: nothing to read.
        let Ok(text) = std::fs::read_to_string(root.join(name)) else { continue };
        registered.extend(metrics_of(&text));
    }
    let mut faults = Vec::new();
    for name in ["packaging/monitoring/alerts.yml", "packaging/monitoring/dashboard.json", "docs/operations.md"] {
        let text = std::fs::read_to_string(root.join(name)).with_context(|| format!("read {name}"))?;
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let spoken_of: BTreeSet<&str> = words.filter(|word| is_metric(word)).collect();
        if spoken_of.is_empty() {
            faults.push(format!("{name}: speaks of no metric"));
        }
        for metric in spoken_of {
            let ends = ["", "_total", "_bucket", "_count", "_sum"];
            if !ends.iter().any(|end| metric.strip_suffix(end).is_some_and(|bare| registered.contains(bare))) {
                faults.push(format!("{name}: no daemon has the metric {metric}"));
            }
        }
    }
    Ok(faults)
}

fn is_metric(word: &str) -> bool {
    METRIC_PREFIXES.iter().any(|prefix| word.len() > prefix.len() && word.starts_with(prefix))
        && word != "bulkhead_tables"
}

/// The names that a source file registers: literals, and those below a prefix.
fn metrics_of(text: &str) -> BTreeSet<String> {
    let literals = text.split('"').skip(1).step_by(2);
    let mut found: BTreeSet<String> = literals.filter(|literal| is_metric(literal)).map(str::to_owned).collect();
    for prefix in text.split("sub_registry_with_prefix(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        let below = text.split(".register(\"").skip(1).filter_map(|rest| rest.split('"').next());
        found.extend(below.map(|name| format!("{prefix}_{name}")));
    }
    found
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
    let without = |name: &str| SERVICES_WITHOUT_SOCKETS.iter().any(|service| name.starts_with(service));
    for name in names.iter().filter(|name| name.ends_with(".service") && !without(name)) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_found_as_they_are_registered() {
        let text = "let api = registry.sub_registry_with_prefix(\"bulkhead_api\");\napi.register(\"requests\", \"Requests\", x);\n\
            registry.register(\n    \"bulkhead_jobs_rounds\",\n    \"Rounds\", y);";
        let found = metrics_of(text);
        assert!(found.contains("bulkhead_api_requests") && found.contains("bulkhead_jobs_rounds"), "{found:?}");
        assert!(!found.contains("requests"));
    }

    #[test]
    fn what_is_watched_exists() {
        let root = paths::repository();
        let listed = output(command("git", &["ls-files"]).current_dir(&root)).expect("listed");
        assert_eq!(metrics(&root, listed.lines()).expect("read"), [] as [String; 0]);
    }
}
