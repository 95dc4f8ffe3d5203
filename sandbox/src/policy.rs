//! What a sandboxed program may see and use, as pure data.
//!
//! A [`Policy`] is made by the caller, travels as JSON to the stage and is applied there. This module
//! performs no IO and knows no system call; the mechanisms read it and may not add to it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

const MIB: u64 = 1024 * 1024;

/// Everything a run is given. What is not named here does not exist for the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// The host user that the run's inner user maps to.
    pub identity: Identity,
    /// The file tree, applied in order: a later mount may lie below an earlier one.
    pub mounts: Vec<Mount>,
    /// Files or directories below which `execve` is permitted (landlock). Mapping a library into
    /// memory needs no entry.
    pub executable: Vec<PathBuf>,
    /// Whether `/proc` exists.
    pub proc: Proc,
    /// Whether the program may start processes of its own.
    pub processes: Processes,
    /// Resource limits.
    pub limits: Limits,
    /// Where the program starts; must exist inside.
    pub working_directory: PathBuf,
    /// The whole environment. Empty by default: an environment is how secrets leak.
    pub environment: BTreeMap<String, String>,
    /// The name that `uname` gives inside.
    pub hostname: String,
}

/// Who the sandbox is on the host. Inside, the run is user and group 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// The calling user. Refused when that is root: inner ids never map to host id 0.
    Caller,
    /// For a caller that is root: the stage becomes this user before it does anything else.
    Switch {
        /// Host user id, not 0.
        uid: u32,
        /// Host group id, not 0.
        gid: u32,
    },
}

/// User and group id inside the sandbox. Not 0, so that `execve` takes every capability away.
pub(crate) const INNER_ID: u32 = 1000;

/// One entry of the file tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub enum Mount {
    /// A top-level directory of the operating system, at the same path and read-only. Where the
    /// distribution makes it a symbolic link (`/lib -> usr/lib`) the link is copied; where it does not
    /// exist it is left out.
    System {
        /// For example `/usr`.
        path: PathBuf,
    },
    /// A file or directory of the host, read-only, with no set-user-id and no devices.
    ReadOnly {
        /// Path on the host.
        source: PathBuf,
        /// Path inside.
        target: PathBuf,
        /// Leave it out, instead of failing, when the source does not exist.
        #[serde(default)]
        optional: bool,
    },
    /// A directory of the host that can be written to: what is put there outlives the run. Nothing in it can be executed.
    Writable {
        /// Path on the host.
        source: PathBuf,
        /// Path inside.
        target: PathBuf,
    },
    /// A device node of the host, at the same path.
    Device {
        /// For example `/dev/null`.
        path: PathBuf,
    },
    /// A read-only file with this content.
    File {
        /// Path inside.
        target: PathBuf,
        /// The whole content.
        content: String,
    },
    /// An empty writable directory in memory that is gone after the run. Nothing in it can be
    /// executed.
    Scratch {
        /// Path inside.
        target: PathBuf,
        /// Largest total size in bytes.
        size_bytes: u64,
    },
}

/// The `/proc` of the run's own pid namespace; the host's is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proc {
    /// No `/proc`: the same everywhere, and the smallest surface.
    None,
    /// A fresh one (process directories only, others' hidden) where the kernel permits it. Containers
    /// that mask their own `/proc` forbid it; the program then runs without.
    WherePermitted,
}

/// Whether the program may start processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Processes {
    /// Threads only: `fork` and its kin fail with EPERM. Per-process limits are then limits of the run.
    ThreadsOnly,
    /// Children too, up to [`Limits::tasks`].
    Allowed,
    /// Only copies of itself, each in a sandbox of its own that it sets up itself: an interpreter that serves
    /// [`crate::fork_server`]. Such a program is trusted until it has forked.
    Zygote,
}

/// Limits of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Milliseconds from start to end, kept by the supervisor.
    pub wall_time_ms: u64,
    /// Seconds of CPU time of one process (RLIMIT_CPU).
    pub cpu_time_s: u64,
    /// Bytes of memory: `memory.max` of the run's cgroup where there is one.
    pub memory_bytes: u64,
    /// Bytes of private writable memory of one process (RLIMIT_DATA). Larger than `memory_bytes`
    /// where a runtime maps more than it touches.
    pub data_bytes: u64,
    /// Bytes of address space of one process (RLIMIT_AS); `None` for runtimes that reserve gigabytes.
    pub address_space_bytes: Option<u64>,
    /// Processes and threads together.
    pub tasks: u64,
    /// Open descriptors of one process.
    pub open_files: u64,
    /// Bytes of one file.
    pub file_size_bytes: u64,
    /// Bytes that may come out of standard output and error together; kept by whoever reads them.
    pub output_bytes: u64,
    /// Hundredths of one CPU (`cpu.max` of the run's cgroup).
    pub cpu_percent: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall_time_ms: 10_000,
            cpu_time_s: 10,
            memory_bytes: 256 * MIB,
            data_bytes: 256 * MIB,
            address_space_bytes: None,
            tasks: 64,
            open_files: 256,
            file_size_bytes: 64 * MIB,
            output_bytes: 16 * MIB,
            cpu_percent: 100,
        }
    }
}

/// What to execute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Absolute path inside the sandbox.
    pub path: PathBuf,
    /// Arguments after the program's name.
    pub arguments: Vec<String>,
}

impl Policy {
    /// The operating system read-only, an empty `/tmp`, five harmless devices and nothing else.
    pub fn minimal(identity: Identity) -> Self {
        let system = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"];
        let devices = ["null", "zero", "full", "random", "urandom"];
        let mut mounts: Vec<Mount> = system.iter().map(|path| Mount::System { path: PathBuf::from(path) }).collect();
        mounts.extend(devices.iter().map(|name| Mount::Device { path: PathBuf::from("/dev").join(name) }));
        mounts.extend([
            // Without the loader's cache each library is searched for along the default path.
            Mount::ReadOnly { source: "/etc/ld.so.cache".into(), target: "/etc/ld.so.cache".into(), optional: true },
            // Debian's numpy reaches its BLAS through links in here.
            Mount::ReadOnly { source: "/etc/alternatives".into(), target: "/etc/alternatives".into(), optional: true },
            Mount::File {
                target: "/etc/passwd".into(),
                content: format!("sandbox:x:{INNER_ID}:{INNER_ID}::/tmp:/usr/sbin/nologin\n"),
            },
            Mount::File { target: "/etc/group".into(), content: format!("sandbox:x:{INNER_ID}:\n") },
            Mount::Scratch { target: "/tmp".into(), size_bytes: 64 * MIB },
        ]);
        Self {
            identity,
            mounts,
            executable: vec!["/usr".into(), "/bin".into(), "/lib".into(), "/lib64".into()],
            proc: Proc::WherePermitted,
            processes: Processes::Allowed,
            limits: Limits::default(),
            working_directory: "/tmp".into(),
            environment: BTreeMap::new(),
            hostname: "sandbox".into(),
        }
    }

    /// Adds a file or directory of the host, read-only and at the same path, from which programs may
    /// be executed.
    pub fn with_read_only(mut self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        self.executable.push(path.clone());
        self.mounts.push(Mount::ReadOnly { source: path.clone(), target: path, optional: false });
        self
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_policy_survives_the_way_to_the_stage() {
        let policy = Policy::minimal(Identity::Switch { uid: 7, gid: 8 }).with_read_only("/opt/data");

        let json = serde_json::to_string(&policy).unwrap();

        assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let mut json = serde_json::to_value(Policy::minimal(Identity::Caller)).unwrap();
        json["network"] = true.into();

        assert!(serde_json::from_value::<Policy>(json).is_err());
    }

    #[test]
    fn the_environment_is_empty_unless_the_caller_fills_it() {
        assert!(Policy::minimal(Identity::Caller).environment.is_empty());
    }
}
