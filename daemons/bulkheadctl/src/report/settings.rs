//! Settings that weaken: each is somebody's right to make, and an auditor's to know.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use toml::{Table, Value};

use crate::daemons::DAEMONS;

/// A setting that is in force.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Setting {
    daemon: &'static str,
    key: &'static str,
    value: String,
    means: &'static str,
}

impl Setting {
    pub(super) fn row(&self) -> [String; 4] {
        [self.daemon.to_owned(), self.key.to_owned(), self.value.clone(), self.means.to_owned()]
    }
}

/// Whether a value weakens.
type Weakens = fn(&Value) -> bool;

const WEAKER: &[(&str, &str, Weakens, &str)] = &[
    ("api", "base-url", is_http_elsewhere, "people reach api without TLS, or through a proxy that has it"),
    (
        "api",
        "audit-parameters",
        is_true,
        "the audit trail has values of queries, which may be what no administrator ought to read",
    ),
    ("api", "frame-origins", is_filled, "apps show pages of these origins in frames"),
    ("code-executor", "allow-missing-cgroup-limits", is_true, "code runs although this host gives no cgroup limits"),
    ("code-executor", "run-as-user", is_root, "code runs as root"),
    (
        "db-connector",
        "allow-networks",
        is_filled,
        "resources may be in networks that the built-in policy refuses, such as this machine itself",
    ),
    ("db-connector", "allow-fetch", is_filled, "code reaches these origins over the network"),
    ("db-connector", "sqlite-directories", is_filled, "resources read and write files of this machine"),
    (
        "jobs-runner",
        "allow-networks",
        is_filled,
        "git repositories may be in networks that the built-in policy refuses",
    ),
    (
        "library-builder",
        "allow-networks",
        is_filled,
        "package registries may be in networks that the built-in policy refuses",
    ),
    ("library-builder", "unpack-here", is_true, "archives of strangers are opened by a daemon that has a network"),
    ("ssh-connector", "allow-networks", is_filled, "SSH hosts may be in networks that the built-in policy refuses"),
    (
        "workflows-worker",
        "temporal.address",
        is_elsewhere,
        "Temporal is on another machine; without temporal.tls it is reached in the clear",
    ),
];

fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true)
}

fn is_filled(value: &Value) -> bool {
    value.as_array().is_some_and(|list| !list.is_empty())
}

fn is_root(value: &Value) -> bool {
    value.as_str() == Some("root")
}

fn is_http_elsewhere(value: &Value) -> bool {
    value.as_str().and_then(|url| url.strip_prefix("http://")).is_some_and(|host| !is_loopback(host))
}

fn is_elsewhere(value: &Value) -> bool {
    value.as_str().is_some_and(|address| !is_loopback(address))
}

fn is_loopback(host: &str) -> bool {
    ["localhost", "127.", "[::1]"].iter().any(|start| host.starts_with(start))
}

/// Those that are in force on this machine.
pub(super) fn look(etc: &Path) -> Result<Vec<Setting>> {
    let mut found = Vec::new();
    for daemon in DAEMONS.iter().map(|daemon| daemon.name) {
        let settings = effective(etc, daemon)?;
        for (_, key, weakens, means) in WEAKER.iter().filter(|(of, ..)| *of == daemon) {
            let value = key.split('.').try_fold(None, |inside: Option<&Value>, part| {
                let table = inside.map_or(Some(&settings), |value| value.as_table())?;
                table.get(part).map(Some)
            });
            if let Some(value) = value.flatten().filter(|value| weakens(value)) {
                found.push(Setting { daemon, key, value: value.to_string(), means });
            }
        }
    }
    Ok(found)
}

/// A daemon's settings as it reads them: the file, then the fragments in order of name; tables are merged by key.
pub(crate) fn effective(etc: &Path, daemon: &str) -> Result<Table> {
    let mut files = vec![etc.join(format!("{daemon}.toml"))];
    let mut fragments: Vec<_> = fs::read_dir(etc.join(format!("{daemon}.d")))
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    fragments.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    fragments.sort();
    files.extend(fragments);
    let mut settings = Table::new();
    for file in files.iter().filter(|file| file.exists()) {
        let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        merge(&mut settings, text.parse().with_context(|| format!("{} is not valid TOML", file.display()))?);
    }
    Ok(settings)
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(value)) => merge(inner, value),
            (_, value) => drop(into.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_weakens_is_told_and_defaults_are_not() {
        let etc = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            let path = etc.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        };
        write("api.toml", "base-url = 'http://127.0.0.1:8080'\naudit-parameters = false\n");
        write("code-executor.toml", "allow-missing-cgroup-limits = true\n");
        assert_eq!(look(etc.path()).expect("looks").len(), 1);
        write("code-executor.d/10.toml", "allow-missing-cgroup-limits = false\n");
        assert_eq!(look(etc.path()).expect("looks"), []);
        write("api.d/10.toml", "base-url = 'http://tools.example.org'\n");
        write("db-connector.toml", "allow-fetch = []\nallow-networks = ['10.0.0.0/8']\n");
        write("workflows-worker.toml", "[temporal]\naddress = 'temporal.example:7233'\n");
        let found: Vec<_> = look(etc.path()).expect("looks").into_iter().map(|one| (one.daemon, one.key)).collect();
        assert_eq!(
            found,
            [("db-connector", "allow-networks"), ("workflows-worker", "temporal.address"), ("api", "base-url")]
        );
        write("api.toml", "= no toml");
        assert!(look(etc.path()).is_err());
    }

    /// A key that no daemon has would never be found.
    #[test]
    fn every_key_is_one_of_the_shipped_files() {
        for (daemon, key, ..) in WEAKER {
            let path = format!("{}/../../packaging/default-config/{daemon}.toml", env!("CARGO_MANIFEST_DIR"));
            let text = fs::read_to_string(path).expect("reads");
            let name = key.rsplit('.').next().expect("a name");
            assert!(text.contains(&format!("# {name} = ")), "{daemon}: {key}");
        }
    }
}
