//! `package-lock.json`, version 2 and 3: its map `packages` from install path to entry. Format: "package-lock.json" in npm's manual.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Kind, Lock, LockError, Package};
use crate::digest::Digest;

/// `node_modules` folders inside one another.
const MAX_NESTING: usize = 32;
/// Bytes of a package's name; npm's own limit.
const MAX_NAME_BYTES: usize = 214;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LockFile {
    lockfile_version: u32,
    #[serde(default)]
    packages: BTreeMap<String, Entry>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Entry {
    name: Option<String>,
    version: Option<String>,
    resolved: Option<String>,
    integrity: Option<String>,
    link: bool,
    dev: bool,
    optional: bool,
    dev_optional: bool,
    extraneous: bool,
    in_bundle: bool,
    has_install_script: bool,
    os: OneOrMore,
    cpu: OneOrMore,
    libc: OneOrMore,
}

/// npm copies what a package says of itself, and packages write both.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl Default for OneOrMore {
    fn default() -> Self {
        Self::More(Vec::new())
    }
}

pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let file: LockFile = serde_json::from_str(text)
        .map_err(|error| LockError::new("package-lock.json", format!("it cannot be read: {error}")))?;
    if !matches!(file.lockfile_version, 2 | 3) {
        let message = format!(
            "its lockfileVersion is {}; 2 and 3 are understood: write it anew with npm 7 or newer",
            file.lockfile_version
        );
        return Err(LockError::new("package-lock.json", message));
    }
    let mut lock = Lock { packages: Vec::new(), notes: Vec::new() };
    for (path, entry) in file.packages {
        // The project itself has the empty path; a bundled package comes inside its parent's archive.
        if path.is_empty() || entry.dev || entry.extraneous || entry.in_bundle {
            continue;
        }
        if !entry.fits_this_machine() {
            if entry.optional || entry.dev_optional {
                continue;
            }
            return Err(LockError::new(path, "it is for other machines (os, cpu or libc) and not optional"));
        }
        if entry.has_install_script {
            lock.notes.push(format!("{path}: has install scripts, which are never run; it may not work without them"));
        }
        lock.packages.push(entry.package(path)?);
    }
    Ok(lock)
}

impl Entry {
    fn fits_this_machine(&self) -> bool {
        let cpu = match std::env::consts::ARCH {
            "x86_64" => "x64",
            "aarch64" => "arm64",
            other => other,
        };
        self.os.permits("linux") && self.cpu.permits(cpu) && self.libc.permits("glibc")
    }

    fn package(self, path: String) -> Result<Package, LockError> {
        let fault = |message: &str| LockError::new(&path, message);
        let folder = package_folder(&path)
            .ok_or_else(|| fault("it is not below node_modules: folders of a workspace cannot be installed"))?;
        if self.link {
            return Err(fault("it is a link to a folder; only packages of a registry can be installed"));
        }
        if let Some(resolved) = &self.resolved
            && !resolved.starts_with("https://")
            && !resolved.starts_with("http://")
        {
            let kind = resolved.split(':').next().unwrap_or_default();
            return Err(fault(&format!("it comes from `{kind}:`; only packages of a registry can be installed")));
        }
        let integrity = self.integrity.as_deref().unwrap_or_default();
        let hashes = Digest::of_integrity(integrity);
        if hashes.is_empty() {
            return Err(fault(if integrity.is_empty() {
                "it has no integrity hash: write the lock file anew from a registry that gives one"
            } else {
                "its integrity has no sha512, sha384 or sha256 hash: write the lock file anew with a current npm"
            }));
        }
        let version = self.version.filter(|version| plain(version)).ok_or_else(|| fault("it has no version"))?;
        // Under an alias the folder has another name than the package.
        let name = match self.name {
            Some(name) if is_package_name(&name) => name,
            Some(_) => return Err(fault("its name is no package name")),
            None => folder.to_owned(),
        };
        Ok(Package { name, version, kind: Kind::Npm { path, resolved: self.resolved }, hashes })
    }
}

impl OneOrMore {
    /// Whether a list such as `["linux", "darwin"]` or `["!win32"]` lets `this` in.
    fn permits(&self, this: &str) -> bool {
        let list = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(list) => list,
        };
        let refused = list.iter().any(|one| one.strip_prefix('!') == Some(this));
        let only: Vec<&String> = list.iter().filter(|one| !one.starts_with('!')).collect();
        !refused && (only.is_empty() || only.iter().any(|one| *one == this || *one == "any"))
    }
}

/// The name of the last folder of `node_modules/a/node_modules/@b/c`, if the path is one of that kind.
fn package_folder(path: &str) -> Option<&str> {
    let mut rest = path.strip_prefix("node_modules/")?;
    for _ in 0..MAX_NESTING {
        match rest.split_once("/node_modules/") {
            Some((name, below)) if is_package_name(name) => rest = below,
            Some(_) => return None,
            None => return is_package_name(rest).then_some(rest),
        }
    }
    None
}

/// `name` or `@scope/name`, of characters that mean nothing in a path or an address.
fn is_package_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part != "node_modules"
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~!'()*".contains(&byte))
    };
    let fits = name.len() <= MAX_NAME_BYTES;
    fits && match name.strip_prefix('@') {
        Some(scoped) => scoped.split_once('/').is_some_and(|(scope, name)| part(scope) && part(name)),
        None => part(name),
    }
}

/// Whether a version has only characters that versions have.
fn plain(version: &str) -> bool {
    let fits = (1..=256).contains(&version.len());
    fits && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn hash() -> String {
        format!("sha512-{}==", "A".repeat(86))
    }

    fn entry(extra: Value) -> Value {
        let mut entry =
            json!({ "version": "1.0.0", "resolved": "https://r.example/a/-/a-1.0.0.tgz", "integrity": hash() });
        entry.as_object_mut().expect("an object").extend(extra.as_object().cloned().unwrap_or_default());
        entry
    }

    fn parsed(packages: Value) -> Result<Lock, LockError> {
        parse(&json!({ "lockfileVersion": 3, "packages": packages }).to_string())
    }

    fn names(lock: &Lock) -> Vec<&str> {
        lock.packages.iter().map(|package| package.name.as_str()).collect()
    }

    #[test]
    fn what_production_needs_on_this_machine_is_taken() {
        let lock = parsed(json!({
            "": { "name": "x" },
            "node_modules/a": entry(json!({ "hasInstallScript": true })),
            "node_modules/a/node_modules/@s/b": entry(json!({})),
            "node_modules/alias": entry(json!({ "name": "real" })),
            "node_modules/c": entry(json!({ "dev": true })),
            "node_modules/d": entry(json!({ "optional": true, "os": ["darwin"] })),
            "node_modules/d2": entry(json!({ "optional": true, "os": "darwin" })),
            "node_modules/e": entry(json!({ "optional": true, "os": ["!win32"], "cpu": ["x64", "arm64"] })),
            "node_modules/f": { "version": "1.0.0", "inBundle": true },
        }))
        .expect("parses");

        assert_eq!(names(&lock), ["a", "@s/b", "real", "e"]);
        assert_eq!(lock.notes.len(), 1);
    }

    #[test]
    fn what_has_no_hash_or_no_registry_is_refused_by_its_entry() {
        for (extra, word) in [
            (json!({ "link": true }), "link"),
            (json!({ "resolved": "git+ssh://git@x/y.git#1" }), "git+ssh"),
            (json!({ "resolved": "file:../x" }), "file"),
            (json!({ "integrity": null }), "no integrity"),
            (json!({ "integrity": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=" }), "sha512"),
            (json!({ "os": ["win32"] }), "other machines"),
            (json!({ "version": "1\n2" }), "no version"),
        ] {
            let error = parsed(json!({ "node_modules/bad": entry(extra) })).expect_err("refused").to_string();
            assert!(error.starts_with("node_modules/bad: ") && error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_path_cannot_lead_out_of_the_tree() {
        for path in [
            "packages/a",
            "node_modules/..",
            "node_modules/a/../b",
            "node_modules/.bin",
            "/etc",
            "node_modules/a/b",
            "node_modules/@s",
            "node_modules/node_modules/x",
        ] {
            assert!(parsed(json!({ path: entry(json!({})) })).is_err(), "{path}");
        }
        let deep = vec!["node_modules/a"; 40].join("/");
        assert!(parsed(json!({ deep: entry(json!({})) })).is_err());
    }

    #[test]
    fn an_old_lock_file_is_refused_with_the_fix() {
        let error = parse(r#"{"lockfileVersion": 1}"#).expect_err("refused").to_string();
        assert!(error.contains("npm 7"), "{error}");
        assert!(parse(&"[".repeat(1000)).is_err());
    }
}
