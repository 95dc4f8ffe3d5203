//! Whether a wheel fits an interpreter, by its file name. Formats: "Binary distribution format" and "Platform compatibility tags"
//! of the Python packaging specifications.

use crate::interpreter::Interpreter;

/// How well a wheel fits: the larger, the more it is made for just this interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// Pure Python.
    AnyPlatform,
    /// Native code that does not touch the interpreter.
    Platform,
    /// For this version of the interpreter and later ones.
    StableAbi,
    /// For exactly this version of the interpreter.
    Exact,
}

/// How `filename` fits `interpreter`; `None` if it does not, or is no wheel.
pub(crate) fn fit(filename: &str, interpreter: &Interpreter) -> Option<Fit> {
    let parts: Vec<&str> = filename.strip_suffix(".whl")?.split('-').collect();
    // Name, version, perhaps a build number, then the tags.
    let [.., pythons, abis, platforms] = parts.as_slice() else { return None };
    if !matches!(parts.len(), 5 | 6) {
        return None;
    }
    let mut best = None;
    for platform in platforms.split('.').filter(|platform| platform_fits(platform, interpreter)) {
        for abi in abis.split('.') {
            for python in pythons.split('.') {
                best = best.max(tag_fits(python, abi, platform, interpreter));
            }
        }
    }
    best
}

fn tag_fits(python: &str, abi: &str, platform: &str, interpreter: &Interpreter) -> Option<Fit> {
    let own = format!("cp3{}", interpreter.minor);
    match abi {
        _ if abi == own && python == own => Some(Fit::Exact),
        "abi3" => {
            minor_of(python, "cp3").filter(|minor| (2..=interpreter.minor).contains(minor)).map(|_| Fit::StableAbi)
        }
        "none" => {
            let generic = python == "py3" || minor_of(python, "py3").is_some_and(|minor| minor <= interpreter.minor);
            let fit = if platform == "any" { Fit::AnyPlatform } else { Fit::Platform };
            (generic || python == own).then_some(fit)
        }
        _ => None,
    }
}

fn minor_of(python: &str, prefix: &str) -> Option<u32> {
    python.strip_prefix(prefix)?.parse().ok()
}

fn platform_fits(platform: &str, interpreter: &Interpreter) -> bool {
    if platform == "any" {
        return true;
    }
    let Some(rest) = platform.strip_suffix(&format!("_{}", interpreter.machine)) else { return false };
    let wanted = match rest {
        "linux" => return true,
        "manylinux1" => Some((2, 5)),
        "manylinux2010" => Some((2, 12)),
        "manylinux2014" => Some((2, 17)),
        other => other
            .strip_prefix("manylinux_")
            .and_then(|version| version.split_once('_'))
            .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?))),
    };
    wanted.zip(interpreter.glibc()).is_some_and(|(wanted, present)| wanted <= present)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tags_decide() {
        // CPython 3.11, glibc 2.36, x86_64.
        let interpreter = Interpreter::for_tests();
        for (name, expected) in [
            ("numpy-2.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", Some(Fit::Exact)),
            ("numpy-2.0-1-cp311-cp311-manylinux2010_x86_64.whl", Some(Fit::Exact)),
            ("c-1-cp37-abi3-manylinux_2_28_x86_64.whl", Some(Fit::StableAbi)),
            ("c-1-cp312-abi3-manylinux_2_28_x86_64.whl", None),
            ("c-1-py3-none-manylinux_2_36_x86_64.whl", Some(Fit::Platform)),
            ("c-1-py3-none-manylinux_2_37_x86_64.whl", None),
            ("six-1.16.0-py2.py3-none-any.whl", Some(Fit::AnyPlatform)),
            ("six-1.16.0-py310-none-any.whl", Some(Fit::AnyPlatform)),
            ("six-1.16.0-py2-none-any.whl", None),
            ("numpy-2.0-cp312-cp312-manylinux_2_17_x86_64.whl", None),
            ("numpy-2.0-cp311-cp311-manylinux_2_17_aarch64.whl", None),
            ("numpy-2.0-cp311-cp311-musllinux_1_1_x86_64.whl", None),
            ("numpy-2.0-cp311-cp311-win_amd64.whl", None),
            ("numpy-2.0-cp311-cp311t-manylinux2014_x86_64.whl", None),
            ("numpy-2.0.tar.gz", None),
            ("a-b.whl", None),
        ] {
            assert_eq!(fit(name, &interpreter), expected, "{name}");
        }
    }
}
