//! The sandboxes: one that unpacks archives, one that asks Python who it is. No network, no environment, nothing of the host but
//! the operating system, and in the first one a directory to read and one to write.

use std::io;
use std::path::{Path, PathBuf};

use bulkhead_sandbox::{
    Ending, Identity, Launcher, Limits, Mount, Policy, Proc, Processes, Program, Stream, run_command, selfcheck,
};
use thiserror::Error;

use crate::error::BuildError;
use crate::interpreter::{Interpreter, QUESTION};
use crate::plan::{ARCHIVES, Report, TREE, TreeLimits};
use crate::unpack;

const MIB: u64 = 1024 * 1024;

/// Why the daemon does not start.
#[derive(Debug, Error)]
pub(crate) enum WorkshopError {
    #[error("archives cannot be isolated on this machine, so no libraries are built: {0}")]
    Isolation(String),
    #[error("the program for the sandbox cannot be put in place")]
    Program(#[source] io::Error),
}

/// Starts the sandboxes. Its calls block.
#[derive(Clone, Debug)]
pub(crate) struct Workshop {
    launcher: Launcher,
    identity: Identity,
    /// This program, where the sandbox's user can reach it.
    program: PathBuf,
    python: PathBuf,
}

impl Workshop {
    /// Checks that the machine can isolate. `shared` is a directory for a copy of this program, for a daemon that is root: the
    /// user that it switches to may not reach the original.
    pub(crate) fn open(identity: Identity, python: &Path, shared: &Path) -> Result<Self, WorkshopError> {
        let launcher = Launcher::of_this_binary();
        // One process in each sandbox, so that its own limits are those of the run and no cgroup is needed.
        let report = selfcheck(&launcher, identity, Ok(()));
        let missing: Vec<&str> = report.fatal().map(|finding| finding.message.as_str()).collect();
        if !missing.is_empty() {
            return Err(WorkshopError::Isolation(missing.join("; ")));
        }
        let own = std::env::current_exe().map_err(WorkshopError::Program)?;
        let program = match identity {
            Identity::Caller => own,
            Identity::Switch { .. } => {
                let copy = shared.join("unpacker");
                let fresh = copy.with_extension("new");
                std::fs::copy(own, &fresh)
                    .and_then(|_| std::fs::set_permissions(&fresh, std::os::unix::fs::PermissionsExt::from_mode(0o755)))
                    .and_then(|()| std::fs::rename(&fresh, &copy))
                    .map_err(WorkshopError::Program)?;
                copy
            }
        };
        Ok(Self { launcher, identity, program, python: python.to_owned() })
    }

    /// Carries out the plan in `archives`, into `tree`.
    pub(crate) fn unpack(
        &self,
        archives: &Path,
        tree: &Path,
        limits: TreeLimits,
        wall_s: u64,
    ) -> Result<(), BuildError> {
        if let Identity::Switch { uid, gid } = self.identity {
            std::os::unix::fs::chown(tree, Some(uid), Some(gid))
                .map_err(BuildError::storage("giving the tree away"))?;
        }
        let inside = PathBuf::from("/unpacker");
        let mut policy = self.policy(wall_s);
        policy.limits.file_size_bytes = limits.bytes;
        policy.executable.push(inside.clone());
        policy.mounts.extend([
            Mount::ReadOnly { source: self.program.clone(), target: inside.clone(), optional: false },
            Mount::ReadOnly { source: archives.to_owned(), target: ARCHIVES.into(), optional: false },
            Mount::Writable { source: tree.to_owned(), target: TREE.into() },
        ]);
        let text = self.run(policy, Program { path: inside, arguments: vec![unpack::ARGUMENT.to_owned()] })?;
        match serde_json::from_slice(&text) {
            Ok(Report::Done) => Ok(()),
            Ok(Report::Refused(refusal)) => Err(BuildError::Refused(refusal)),
            Err(error) => Err(BuildError::Unpacking(format!("the report cannot be read: {error}"))),
        }
    }

    /// Asks Python who it is.
    pub(crate) fn interpreter(&self) -> Result<Interpreter, BuildError> {
        let arguments = ["-I", "-S", "-c", QUESTION].map(str::to_owned).into();
        let mut policy = self.policy(20);
        if !self.python.starts_with("/usr") {
            policy = policy.with_read_only(self.python.clone());
        }
        let text = self.run(policy, Program { path: self.python.clone(), arguments })?;
        serde_json::from_slice(&text)
            .map_err(|error| BuildError::Unpacking(format!("Python's answer cannot be read: {error}")))
    }

    fn policy(&self, wall_s: u64) -> Policy {
        let limits = Limits {
            wall_time_ms: wall_s.saturating_mul(1000),
            cpu_time_s: wall_s,
            memory_bytes: 512 * MIB,
            data_bytes: 512 * MIB,
            tasks: 4,
            output_bytes: 64 * 1024,
            ..Limits::default()
        };
        let hostname = "library-builder".to_owned();
        let minimal = Policy::minimal(self.identity);
        Policy { proc: Proc::None, processes: Processes::ThreadsOnly, limits, hostname, ..minimal }
    }

    /// What the program prints.
    fn run(&self, policy: Policy, program: Program) -> Result<Vec<u8>, BuildError> {
        let (mut out, mut said) = (Vec::new(), Vec::new());
        let outcome = run_command(&self.launcher, policy, program, |stream, bytes| {
            match stream {
                Stream::Out => out.extend_from_slice(bytes),
                Stream::Error => said.extend_from_slice(bytes),
            }
            Ok(())
        });
        match outcome.map_err(BuildError::Sandbox)?.ending {
            Ending::Exited(0) => Ok(out),
            ending => {
                tracing::warn!("a sandbox ended with {ending:?}: {}", String::from_utf8_lossy(&said));
                Err(BuildError::of_ending(ending))
            }
        }
    }
}
