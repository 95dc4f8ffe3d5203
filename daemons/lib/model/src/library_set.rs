//! Sets of libraries as people define them: a lock file under a name.
//!
//! What is checked here can be told from the text alone. Whether the packages exist and match their hashes, the builder finds out.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::workflow::Language;
use crate::{Fault, Name};

/// The longest lock file, in bytes.
pub const MAX_LOCK_BYTES: usize = 2 * 1024 * 1024;
/// Modules that one set may import ahead.
pub const MAX_PRELOAD: usize = 64;
/// The longest name of a module, in bytes.
const MAX_MODULE_BYTES: usize = 200;

/// The sets of libraries that a workflow's code uses, by name: at most one for each language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LibraryNames {
    /// For JavaScript.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub javascript: Option<Name>,
    /// For Python.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<Name>,
}

impl LibraryNames {
    /// Whether no set is named.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Those for `language` alone.
    pub fn of(&self, language: Language) -> Self {
        match language {
            Language::Javascript => Self { python: None, ..self.clone() },
            Language::Python => Self { javascript: None, ..self.clone() },
        }
    }

    /// The named sets, each with the language that it is named for.
    pub fn iter(&self) -> impl Iterator<Item = (Language, &Name)> {
        let named = [(Language::Javascript, &self.javascript), (Language::Python, &self.python)];
        named.into_iter().filter_map(|(language, name)| Some((language, name.as_ref()?)))
    }
}

/// What a set of libraries is built from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LibrarySet {
    /// The language. It never changes: documents name a set under its language.
    pub language: Language,
    /// The text of `package-lock.json`, or of `requirements.txt` with hashes.
    pub lock: String,
    /// Modules to import once, ahead of all runs.
    #[serde(default)]
    pub preload: Vec<String>,
}

/// A package in a built set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LibraryPackage {
    /// Its name in its registry.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl LibrarySet {
    /// Faults that can be told from the text.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.lock.len() > MAX_LOCK_BYTES {
            faults.push(Fault::new("lock", format!("has {} bytes; the most is {MAX_LOCK_BYTES}", self.lock.len())));
        } else if let Err(message) = check_lock(self.language, &self.lock) {
            faults.push(Fault::new("lock", message));
        }
        if self.preload.len() > MAX_PRELOAD {
            faults.push(Fault::new(
                "preload",
                format!("names {} modules; the most is {MAX_PRELOAD}", self.preload.len()),
            ));
        }
        for (index, module) in self.preload.iter().enumerate() {
            if !is_module(self.language, module) {
                faults.push(Fault::new(format!("preload.{index}"), module_hint(self.language)));
            }
        }
        faults
    }
}

fn check_lock(language: Language, lock: &str) -> Result<(), String> {
    match language {
        Language::Javascript => check_package_lock(lock),
        Language::Python => check_requirements(lock),
    }
}

/// `package-lock.json`: each package that comes from elsewhere carries its hash.
fn check_package_lock(lock: &str) -> Result<(), String> {
    let lock: Value = serde_json::from_str(lock).map_err(|error| format!("is no package-lock.json: {error}"))?;
    if !lock["lockfileVersion"].as_u64().is_some_and(|version| (2..=3).contains(&version)) {
        return Err("is no package-lock.json of version 2 or 3: write it with npm 7 or later".into());
    }
    let Some(packages) = lock["packages"].as_object() else {
        return Err("has no `packages`: write it with npm 7 or later".into());
    };
    let mut installed = packages.iter().filter(|(path, _)| !path.is_empty()).peekable();
    if installed.peek().is_none() {
        return Err("names no package".into());
    }
    for (path, package) in installed {
        let path: String = path.chars().take(120).collect();
        if package["link"] == true {
            return Err(format!("links `{path}` to a folder, which is not there when the set is built"));
        }
        if package["integrity"].as_str().is_none_or(str::is_empty) && package["inBundle"] != true {
            return Err(format!("has no integrity hash for `{path}`: take packages from a registry"));
        }
    }
    Ok(())
}

/// `requirements.txt`: one pinned package with hashes a line, lines joined by a backslash.
fn check_requirements(lock: &str) -> Result<(), String> {
    let mut packages = 0_u32;
    for (number, line) in logical_lines(lock) {
        let text = line.split(" #").next().unwrap_or(&line).trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if text.starts_with('-') {
            return Err(format!("line {number}: options are not taken, only packages with hashes"));
        }
        if text.contains(" @ ") || text.contains("://") {
            return Err(format!("line {number}: an address is not taken, only a package of a registry by its version"));
        }
        if !text.contains("==") || !text.contains("--hash=sha256:") {
            return Err(format!(
                "line {number}: needs `name==version --hash=sha256:...`; `pip-compile --generate-hashes` and \
                 `uv pip compile --generate-hashes` write it so"
            ));
        }
        packages += 1;
    }
    if packages == 0 { Err("names no package".into()) } else { Ok(()) }
}

/// Lines with their continuations, each with the number of its first line.
fn logical_lines(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut lines = text.lines().enumerate();
    std::iter::from_fn(move || {
        let (number, first) = lines.next()?;
        let mut whole = first.trim_end().to_owned();
        while let Some(open) = whole.strip_suffix('\\') {
            whole = open.to_owned();
            let Some((_, next)) = lines.next() else { break };
            whole.push(' ');
            whole.push_str(next.trim_end());
        }
        Some((number + 1, whole))
    })
}

fn is_module(language: Language, name: &str) -> bool {
    if name.is_empty() || name.len() > MAX_MODULE_BYTES {
        return false;
    }
    match language {
        Language::Python => name.split('.').all(|part| {
            part.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        }),
        Language::Javascript => name.strip_prefix('@').unwrap_or(name).split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        }),
    }
}

fn module_hint(language: Language) -> &'static str {
    match language {
        Language::Python => "must be a module as `import` names it, such as `numpy.linalg`",
        Language::Javascript => "must be a module as `import` names it, such as `lodash` or `@scope/package/part`",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const REQUIREMENT: &str =
        "# by hand\nnumpy==2.1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via pandas\n";

    fn faults(language: Language, lock: &str, preload: &[&str]) -> Vec<String> {
        let preload = preload.iter().map(ToString::to_string).collect();
        LibrarySet { language, lock: lock.to_owned(), preload }.validate().iter().map(ToString::to_string).collect()
    }

    fn package_lock(package: Value) -> String {
        json!({ "lockfileVersion": 3, "packages": { "": {}, "node_modules/lodash": package } }).to_string()
    }

    #[test]
    fn locks_with_hashes_are_taken() {
        assert_eq!(faults(Language::Python, REQUIREMENT, &["numpy", "numpy.linalg"]), [] as [&str; 0]);
        let lock = package_lock(json!({ "version": "4.17.21", "integrity": "sha512-x" }));
        assert_eq!(faults(Language::Javascript, &lock, &["lodash", "@scope/a/b.js"]), [] as [&str; 0]);
    }

    #[test]
    fn what_is_not_pinned_by_a_hash_is_refused_with_its_place() {
        for (lock, part) in [
            ("", "names no package"),
            ("numpy\n", "line 1: needs"),
            ("a==1 --hash=sha256:x\nb==2\n", "line 2: needs"),
            ("--index-url http://x\n", "line 1: options"),
            ("a @ https://x/a.whl --hash=sha256:x", "line 1: an address"),
            ("-e .\n", "line 1: options"),
        ] {
            let faults = faults(Language::Python, lock, &[]);
            assert!(faults.len() == 1 && faults[0].contains(part), "{lock}: {faults:?}");
        }
        for (lock, part) in [
            ("{", "is no package-lock.json"),
            ("{\"lockfileVersion\": 1}", "version 2 or 3"),
            ("{\"lockfileVersion\": 3, \"packages\": {\"\": {}}}", "names no package"),
            (&package_lock(json!({ "version": "1" })), "no integrity hash for `node_modules/lodash`"),
            (&package_lock(json!({ "link": true, "resolved": "../x" })), "links `node_modules/lodash`"),
        ] {
            let faults = faults(Language::Javascript, lock, &[]);
            assert!(faults.len() == 1 && faults[0].contains(part), "{lock}: {faults:?}");
        }
        let large = " ".repeat(MAX_LOCK_BYTES + 1);
        assert!(faults(Language::Python, &large, &[])[0].contains("the most is"));
    }

    #[test]
    fn what_is_no_module_is_named_by_its_number() {
        for bad in ["", "..", "a..b", "a b", "a;b", "1a"] {
            assert!(faults(Language::Python, REQUIREMENT, &["numpy", bad])[0].starts_with("preload.1"), "{bad}");
        }
        let lock = package_lock(json!({ "integrity": "x" }));
        for bad in ["./x", "/etc/passwd", "a/../b", "https://x", "@/a"] {
            assert!(faults(Language::Javascript, &lock, &[bad])[0].starts_with("preload.0"), "{bad}");
        }
    }

    #[test]
    fn a_document_names_at_most_one_set_for_each_language() {
        let names: LibraryNames = serde_json::from_value(json!({ "python": "science" })).expect("reads");
        assert_eq!(
            names.iter().map(|(language, name)| (language, name.as_str())).collect::<Vec<_>>(),
            [(Language::Python, "science")]
        );
        assert!(LibraryNames::default().is_empty() && !names.is_empty());
        assert!(serde_json::from_value::<LibraryNames>(json!({ "python": "not-a-name" })).is_err());
        assert!(serde_json::from_value::<LibraryNames>(json!({ "ruby": "x" })).is_err());
    }
}
