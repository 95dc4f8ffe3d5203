//! `requirements.txt` with exact versions and hashes, as pip-compile, uv and poetry write it. Format: "Requirements file format" of
//! pip and PEP 508.

use std::collections::BTreeMap;

use super::{Kind, Lock, LockError, Package, markers};
use crate::digest::Digest;
use crate::interpreter::Interpreter;

/// Options that say where packages come from, which here the administrator says.
const IGNORED: [&str; 7] = [
    "--index-url",
    "-i",
    "--extra-index-url",
    "--trusted-host",
    "--require-hashes",
    "--only-binary",
    "--prefer-binary",
];

pub(super) fn parse(text: &str, interpreter: &Interpreter) -> Result<Lock, LockError> {
    let mut found: BTreeMap<String, Package> = BTreeMap::new();
    let mut notes = Vec::new();
    for (number, line) in logical_lines(text) {
        let place = format!("line {number}");
        if line.starts_with('-') {
            let option = line.split([' ', '=']).next().unwrap_or_default();
            if !IGNORED.contains(&option) {
                let message = format!("the option `{option}` is not taken: list packages with versions and hashes");
                return Err(LockError::new(place, message));
            }
            if option != "--require-hashes" {
                notes.push(format!("{place}: {option} is ignored; the index is set in library-builder.toml"));
            }
            continue;
        }
        let Some(package) = requirement(&line, interpreter).map_err(|message| LockError::new(&place, message))? else {
            continue;
        };
        let name = package.name.clone();
        if found.insert(name.clone(), package).is_some() {
            return Err(LockError::new(place, format!("{name} is required twice for this interpreter")));
        }
    }
    Ok(Lock { packages: found.into_values().collect(), notes })
}

/// Lines joined where a backslash ends them, without comments and empty ones, with the number of their first.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let (first, mut joined) = open.take().unwrap_or((index + 1, String::new()));
        let line = without_comment(line).trim();
        match line.strip_suffix('\\') {
            Some(part) => {
                joined.push_str(part);
                joined.push(' ');
                open = Some((first, joined));
            }
            None => {
                joined.push_str(line);
                lines.push((first, joined.trim().to_owned()));
            }
        }
    }
    lines.extend(open);
    lines.retain(|(_, line)| !line.is_empty());
    lines
}

/// A comment starts at `#` at the start or after a space.
fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (index, character) in line.char_indices() {
        if character == '#' && before.is_whitespace() {
            return &line[..index];
        }
        before = character;
    }
    line
}

/// One requirement; `None` if its marker does not hold here.
fn requirement(line: &str, interpreter: &Interpreter) -> Result<Option<Package>, String> {
    let (specifier, options) = match line.find(" --") {
        Some(at) => (&line[..at], &line[at..]),
        None => (line, ""),
    };
    let (specifier, marker) = match specifier.split_once(';') {
        Some((specifier, marker)) => (specifier.trim(), Some(marker.trim())),
        None => (specifier.trim(), None),
    };
    let shown: String = specifier.chars().take(100).collect();
    if let Some(marker) = marker
        && !markers::holds(marker, interpreter).map_err(|message| format!("{shown}: {message}"))?
    {
        return Ok(None);
    }
    if specifier.contains('@') {
        return Err(format!("{shown}: an address instead of a version; only packages of the index can be installed"));
    }
    let exact = specifier.split_once("==").map(|(name, version)| (name, version.trim_start_matches('=').trim()));
    let Some((name, version)) = exact.filter(|(_, version)| is_version(version)) else {
        return Err(format!("{shown}: it needs one exact version, name==1.2.3"));
    };
    // Extras say what else is needed, and that is in the lock file already.
    let name = name.split('[').next().unwrap_or_default().trim();
    let name = normalized(name).ok_or_else(|| format!("{shown}: this is no package name"))?;
    let mut hashes = Vec::new();
    for option in options.split_ascii_whitespace() {
        let value = option.strip_prefix("--hash=").ok_or_else(|| format!("{shown}: `{option}` is not taken here"))?;
        match value.split_once(':') {
            Some(("sha256", digits)) => {
                hashes.push(Digest::sha256(digits).ok_or_else(|| format!("{shown}: `{value}` is no SHA-256"))?);
            }
            Some(("sha384" | "sha512", _)) => {}
            _ => return Err(format!("{shown}: the hash `{value}` is too weak or not understood; sha256 is")),
        }
    }
    hashes.sort();
    hashes.dedup();
    if hashes.is_empty() {
        return Err(format!(
            "{shown}: it has no --hash=sha256:..., which pip-compile --generate-hashes and uv export write"
        ));
    }
    Ok(Some(Package { name, version: version.to_owned(), kind: Kind::Wheel, hashes }))
}

fn is_version(text: &str) -> bool {
    let fits = (1..=128).contains(&text.len());
    fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+!-_".contains(&byte))
}

/// The name as an index spells it (PEP 503): lower case, `-` between the parts.
fn normalized(name: &str) -> Option<String> {
    let bytes = name.as_bytes();
    let ends_well = bytes.first()?.is_ascii_alphanumeric() && bytes.last()?.is_ascii_alphanumeric();
    let plain = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
    if !ends_well || !plain || bytes.len() > 128 {
        return None;
    }
    let parts: Vec<&str> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    Some(parts.join("-").to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Lock, LockError> {
        parse(text, &Interpreter::for_tests())
    }

    #[test]
    fn what_the_tools_write_is_understood() {
        let (one, two) = ("a".repeat(64), "b".repeat(64));
        let text = format!(
            "# made by a tool\n--index-url https://x.example/simple\n\nZope.Interface==6.0 \\\n    --hash=sha256:{one} \\\n    --hash=sha256:{two}\n    # via thing\n\
             requests[socks]==2.32.3 ; python_version >= '3.8' --hash=sha256:{one}  # why\n\
             colorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:{one}\n"
        );

        let lock = parsed(&text).expect("parses");

        let names: Vec<_> = lock.packages.iter().map(|package| (package.name.as_str(), package.hashes.len())).collect();
        assert_eq!(names, [("requests", 1), ("zope-interface", 2)]);
        assert_eq!(lock.notes.len(), 1);
    }

    #[test]
    fn a_requirement_without_version_or_hash_is_named_with_its_line() {
        let hash = format!("--hash=sha256:{}", "a".repeat(64));
        for (line, word) in [
            (format!("numpy {hash}"), "exact version"),
            (format!("numpy>=1.0 {hash}"), "exact version"),
            (format!("numpy==1.* {hash}"), "exact version"),
            ("numpy==1.0".to_owned(), "no --hash"),
            ("numpy==1.0 --hash=md5:abc".to_owned(), "too weak"),
            ("numpy==1.0 --hash=sha256:abc".to_owned(), "no SHA-256"),
            (format!("numpy @ https://x.example/n.whl {hash}"), "address"),
            ("-r other.txt".to_owned(), "`-r`"),
            ("-e .".to_owned(), "`-e`"),
            (format!("../x==1 {hash}"), "package name"),
            (format!("numpy==1.0 ; nonsense {hash}"), "marker"),
        ] {
            let error = parsed(&format!("# first\n{line}\n")).expect_err("refused").to_string();
            assert!(error.starts_with("line 2: ") && error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_package_is_required_once() {
        let hash = format!("--hash=sha256:{}", "a".repeat(64));
        assert!(parsed(&format!("a-b==1 {hash}\nA_b==2 {hash}\n")).is_err());
    }
}
