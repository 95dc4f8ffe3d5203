//! What is known of the Python that will run the code, as it says itself in the sandbox.

use serde::{Deserialize, Serialize};

/// Prints an [`Interpreter`].
pub(crate) const QUESTION: &str = "
import json, os, sys
uname = os.uname()
try:
    libc = os.confstr('CS_GNU_LIBC_VERSION') or ''
except (AttributeError, ValueError, OSError):
    libc = ''
print(json.dumps({
    'implementation': sys.implementation.name,
    'major': sys.version_info[0],
    'minor': sys.version_info[1],
    'micro': sys.version_info[2],
    'abiflags': sys.abiflags,
    'machine': uname.machine,
    'libc': libc,
}))
";

/// A Python interpreter.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Interpreter {
    implementation: String,
    pub(crate) major: u32,
    pub(crate) minor: u32,
    micro: u32,
    abiflags: String,
    pub(crate) machine: String,
    /// `glibc 2.41`.
    libc: String,
}

impl Interpreter {
    /// Whether wheels can be chosen for it.
    pub(crate) fn is_supported(&self) -> bool {
        self.implementation == "cpython" && self.major == 3 && self.abiflags.is_empty() && self.glibc().is_some()
    }

    /// The version of the GNU C library.
    pub(crate) fn glibc(&self) -> Option<(u32, u32)> {
        let (major, minor) = self.libc.strip_prefix("glibc ")?.split_once('.')?;
        Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
    }

    /// What a set of wheels is bound to.
    pub(crate) fn tag(&self) -> String {
        format!("cp{}{}-{}", self.major, self.minor, self.machine)
    }

    /// An environment marker's variable.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let full = format!("{}.{}.{}", self.major, self.minor, self.micro);
        Some(match name {
            "python_version" => format!("{}.{}", self.major, self.minor),
            "python_full_version" | "implementation_version" => full,
            "os_name" => "posix".to_owned(),
            "sys_platform" => "linux".to_owned(),
            "platform_system" => "Linux".to_owned(),
            "platform_machine" => self.machine.clone(),
            "platform_python_implementation" => "CPython".to_owned(),
            "implementation_name" => self.implementation.clone(),
            // A lock file lists what its extras need by itself.
            "extra" => String::new(),
            _ => return None,
        })
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self {
            implementation: "cpython".into(),
            major: 3,
            minor: 11,
            micro: 2,
            abiflags: String::new(),
            machine: "x86_64".into(),
            libc: "glibc 2.36".into(),
        }
    }
}
