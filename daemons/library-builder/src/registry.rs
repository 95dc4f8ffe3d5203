//! Where archives are: addresses at an npm registry, and files of a Python index. Pure; fetching is the caller's.

mod simple;

use bulkhead_rpc::library_builder::FailureKind;
use url::Url;

use crate::digest::Digest;
use crate::error::BuildError;
use crate::interpreter::Interpreter;
use crate::lock::Package;
use crate::wheel::fit;

pub(crate) use simple::{ACCEPT, parse};

/// A file of a Python index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexFile {
    pub(crate) filename: String,
    pub(crate) url: Url,
    /// An index need not say it.
    pub(crate) sha256: Option<Digest>,
}

/// The address of an npm archive at the registry `base`, wherever the lock file was made.
pub(crate) fn npm_archive(base: &Url, package: &Package, resolved: Option<&str>) -> Url {
    let name = &package.name;
    let resolved = resolved.and_then(|resolved| Url::parse(resolved).ok());
    if let Some(url) = &resolved
        && url.origin() == base.origin()
        && url.path().starts_with(base.path())
    {
        let mut own = base.clone();
        own.set_path(url.path());
        return own;
    }
    let below = match resolved {
        Some(url) => {
            let path = url.path().replace("%2f", "/").replace("%2F", "/");
            // A mirror keeps this part of the path and has its own in front.
            match path.find(&format!("/{name}/-/")) {
                Some(at) => path[at + 1..].to_owned(),
                None => path.trim_start_matches('/').to_owned(),
            }
        }
        None => {
            let short = name.rsplit('/').next().unwrap_or(name);
            format!("{name}/-/{short}-{}.tgz", package.version)
        }
    };
    let mut url = base.clone();
    url.set_path(&format!("{}{below}", base.path()));
    url
}

/// The page of a package at the index `base`. Its name is normalised and needs no escaping.
pub(crate) fn index_page(base: &Url, package: &Package) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{}/", base.path(), package.name));
    url
}

/// The wheel that the lock file names and that fits the interpreter best.
pub(crate) fn choose<'a>(
    files: &'a [IndexFile],
    package: &Package,
    interpreter: &Interpreter,
) -> Result<&'a IndexFile, BuildError> {
    let locked = |file: &&IndexFile| match &file.sha256 {
        Some(sha256) => package.hashes.contains(sha256),
        None => version_of(&file.filename) == Some(package.version.as_str()),
    };
    let found: Vec<&IndexFile> = files.iter().filter(locked).collect();
    let fitting = found.iter().filter_map(|file| fit(&file.filename, interpreter).map(|fit| (fit, *file)));
    if let Some((_, best)) = fitting.max_by(|(one, a), (other, b)| one.cmp(other).then(a.filename.cmp(&b.filename))) {
        return Ok(best);
    }
    let names = || found.iter().map(|file| file.filename.as_str()).collect::<Vec<_>>().join(", ");
    let reason = if found.is_empty() {
        "the index has no file with a hash that the lock file names".to_owned()
    } else if found.iter().all(|file| !file.filename.ends_with(".whl")) {
        format!(
            "it is there as source only ({}), and nothing is built from source: choose a version with a wheel",
            names()
        )
    } else {
        format!("no wheel fits {}: there are {}", interpreter.tag(), names())
    };
    Err(BuildError::Missing { package: package.label(), reason })
}

fn version_of(filename: &str) -> Option<&str> {
    filename.strip_suffix(".whl")?.split('-').nth(1)
}

/// What a failure to fetch means for a build.
pub(crate) fn kind_of(error: &crate::fetch::FetchError) -> FailureKind {
    use crate::fetch::FetchError;
    match error {
        FetchError::Status { status, .. } if matches!(status.as_u16(), 404 | 410) => FailureKind::Missing,
        FetchError::TooLarge { .. } => FailureKind::Limit,
        _ => FailureKind::Registry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::Kind;

    fn package(name: &str) -> Package {
        let hashes = vec![Digest::sha256(&"a".repeat(64)).expect("a digest")];
        Package { name: name.into(), version: "1.0.0".into(), kind: Kind::Wheel, hashes }
    }

    #[test]
    fn an_npm_address_is_moved_to_the_configured_registry() {
        let base = Url::parse("https://mirror.example/npm/").expect("a url");
        for (name, resolved, expected) in [
            ("a", Some("https://public.example/a/-/a-1.0.0.tgz"), "https://mirror.example/npm/a/-/a-1.0.0.tgz"),
            (
                "@s/a",
                Some("https://x.example/repo/@s%2fa/-/a-1.0.0.tgz"),
                "https://mirror.example/npm/@s/a/-/a-1.0.0.tgz",
            ),
            ("@s/a", None, "https://mirror.example/npm/@s/a/-/a-1.0.0.tgz"),
            ("a", Some("https://mirror.example/npm/download/a/1"), "https://mirror.example/npm/download/a/1"),
            ("a", Some("https://x.example/download/a/1?token=x"), "https://mirror.example/npm/download/a/1"),
            (
                "a",
                Some("https://x.example/https://evil.example/a"),
                "https://mirror.example/npm/https://evil.example/a",
            ),
        ] {
            assert_eq!(npm_archive(&base, &package(name), resolved).as_str(), expected);
        }
    }

    #[test]
    fn the_best_wheel_that_the_lock_names_is_chosen() {
        let interpreter = Interpreter::for_tests();
        let file = |filename: &str, digit: &str| IndexFile {
            filename: filename.into(),
            url: Url::parse("https://x.example/f").expect("a url"),
            sha256: Digest::sha256(&digit.repeat(64)),
        };
        let mut package = package("n");
        package.hashes.push(Digest::sha256(&"b".repeat(64)).expect("a digest"));
        let any = file("n-1.0.0-py3-none-any.whl", "a");
        let exact = file("n-1.0.0-cp311-cp311-manylinux2014_x86_64.whl", "b");
        let stranger = file("n-1.0.0-cp311-cp311-manylinux_2_28_x86_64.whl", "c");

        let all = [any.clone(), exact.clone(), stranger.clone()];

        assert_eq!(choose(&all, &package, &interpreter).expect("chosen"), &exact);
        assert!(
            choose(&[stranger], &package, &interpreter).expect_err("none").to_string().contains("no file with a hash")
        );
        let source = [file("n-1.0.0.tar.gz", "a")];
        assert!(choose(&source, &package, &interpreter).expect_err("none").to_string().contains("source only"));
    }
}
