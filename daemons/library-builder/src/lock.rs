//! Lock files: what a set is made of, with a hash for everything. Pure: text in, packages out.

mod markers;
mod npm;
mod requirements;
mod version;

use bulkhead_model::LibraryImage;
use bulkhead_model::workflow::Language;
use thiserror::Error;

use crate::digest::{Algorithm, Digest, Hasher};
use crate::interpreter::Interpreter;

/// What a lock file may ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LockLimits {
    pub(crate) packages: usize,
}

/// A lock file, understood.
#[derive(Debug)]
pub(crate) struct Lock {
    /// In a fixed order.
    pub(crate) packages: Vec<Package>,
    /// What a person may want to know.
    pub(crate) notes: Vec<String>,
}

/// One package to install.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) kind: Kind,
    /// Of the same algorithm; any of them names an archive that will do. Never empty.
    pub(crate) hashes: Vec<Digest>,
}

/// Where a package comes from and goes to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// From an npm registry.
    Npm {
        /// Below the tree, `node_modules/a/node_modules/b`.
        path: String,
        /// The archive's address, as far as the lock file knows one.
        resolved: Option<String>,
    },
    /// A wheel from a Python index.
    Wheel,
}

impl Package {
    /// What messages call it.
    pub(crate) fn label(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

/// A lock file that cannot be built, with the place.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{place}: {message}")]
pub(crate) struct LockError {
    place: String,
    message: String,
}

impl LockError {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

/// Understands a `package-lock.json`.
pub(crate) fn javascript(text: &str, limits: LockLimits) -> Result<Lock, LockError> {
    finish(npm::parse(text)?, limits)
}

/// Understands a `requirements.txt` for `interpreter`.
pub(crate) fn python(text: &str, interpreter: &Interpreter, limits: LockLimits) -> Result<Lock, LockError> {
    finish(requirements::parse(text, interpreter)?, limits)
}

fn finish(mut lock: Lock, limits: LockLimits) -> Result<Lock, LockError> {
    let count = lock.packages.len();
    if count == 0 {
        return Err(LockError::new("lock file", "it names no package to install on this machine"));
    }
    if count > limits.packages {
        let message = format!(
            "it names {count} packages; the limit is {} (max-packages in library-builder.toml)",
            limits.packages
        );
        return Err(LockError::new("lock file", message));
    }
    lock.packages.sort();
    Ok(lock)
}

/// The name of the set: a hash of all that goes into it.
pub(crate) fn image(
    language: Language,
    interpreter: Option<&Interpreter>,
    preload: &[String],
    lock: &Lock,
) -> LibraryImage {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    // No part can hold a line's end, so that no two sets have the same lines.
    let mut line = |parts: &[&str]| {
        hasher.update(parts.join("\t").as_bytes());
        hasher.update(b"\n");
    };
    line(&["bulkhead library image", "1"]);
    match language {
        Language::Javascript => line(&["javascript", std::env::consts::ARCH]),
        Language::Python => line(&["python", &interpreter.map(Interpreter::tag).unwrap_or_default()]),
    }
    for module in preload {
        line(&["preload", module]);
    }
    for package in &lock.packages {
        let hashes: Vec<String> = package.hashes.iter().map(Digest::to_string).collect();
        let path = match &package.kind {
            Kind::Npm { path, .. } => path,
            Kind::Wheel => &package.name,
        };
        line(&["package", path, &package.name, &package.version, &hashes.join(",")]);
    }
    let digits = hasher.finish().to_string();
    let digits = digits.trim_start_matches("sha256-");
    digits.parse().expect("a SHA-256 in hexadecimal names an image")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(version: &str) -> Lock {
        let hashes = vec![Digest::sha256(&"a".repeat(64)).expect("a digest")];
        let package = Package { name: "a".into(), version: version.into(), kind: Kind::Wheel, hashes };
        Lock { packages: vec![package], notes: Vec::new() }
    }

    #[test]
    fn an_image_is_named_by_all_that_goes_into_it() {
        let interpreter = Interpreter::for_tests();
        let name = |lock: &Lock, preload: &[String]| image(Language::Python, Some(&interpreter), preload, lock);

        let first = name(&lock("1"), &[]);

        assert_eq!(first, name(&lock("1"), &[]));
        assert_ne!(first, name(&lock("2"), &[]));
        assert_ne!(first, name(&lock("1"), &["a".to_owned()]));
    }

    /// Text that comes near to what the parsers look for.
    fn nearly() -> impl proptest::strategy::Strategy<Value = String> {
        proptest::string::string_regex(
            "([a-z\\[\\]@;#\\\\\n \"'é(){}:,.-]|==|--hash=sha256:|python_version|node_modules/|and |\"packages\"|3\\.1){0,40}",
        )
        .expect("a pattern")
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(text in nearly()) {
            let limits = LockLimits { packages: 10 };
            let _ = python(&text, &Interpreter::for_tests(), limits);
            let _ = python(&format!("a==1 ; {text}"), &Interpreter::for_tests(), limits);
            let _ = javascript(&text, limits);
            let _ = crate::registry::parse("text/html", &format!("<a {text}>{text}"), &url::Url::parse("https://x.example").expect("a url"));
            let _ = crate::wheel::fit(&format!("{text}.whl"), &Interpreter::for_tests());
        }

        #[test]
        fn whatever_path_a_lock_file_has_stays_below_the_tree(path in "(node_modules/|[a-z@.]{1,3}|/|\\.\\./){1,8}") {
            let hash = format!("sha512-{}==", "A".repeat(86));
            let text = serde_json::json!({ "lockfileVersion": 3, "packages": { path: { "version": "1", "integrity": hash } } });
            if let Ok(lock) = javascript(&text.to_string(), LockLimits { packages: 10 }) {
                let Kind::Npm { path, .. } = &lock.packages[0].kind else { panic!("no npm package") };
                proptest::prop_assert!(path.starts_with("node_modules/"));
                proptest::prop_assert!(path.split('/').all(|part| !part.is_empty() && !part.starts_with('.')));
            }
        }
    }
}
