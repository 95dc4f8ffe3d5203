//! The sandboxes: one that unpacks archives, one that asks Python who it is. No network, no environment, nothing of the host but
//! the operating system, and in the first one a directory to read and one to write.
//!
//! On an installed machine they are started by a unit of its own, `bulkhead-library-builder-unpacker@`, because what starts sandboxes needs
//! namespaces and mounts and what downloads needs a network: nobody has both. A checkout starts them from the daemon itself.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use bulkhead_sandbox::{
    Ending, Identity, Launcher, Limits, Mount, Policy, Proc, Processes, Program, Stream, run_command, selfcheck,
};
use serde::{Deserialize, Serialize};

use crate::error::BuildError;
use crate::interpreter::{Interpreter, QUESTION};
use crate::plan::{ARCHIVES, Refusal, Report, TREE, TreeLimits};
use crate::unpack;

const MIB: u64 = 1024 * 1024;

/// What is to be done in a sandbox.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    /// Say whether this machine can isolate.
    Check,
    /// Carry out the plan in one directory, into another.
    Unpack { archives: PathBuf, tree: PathBuf, limits: TreeLimits, wall_s: u64 },
    /// Ask this Python who it is.
    Interpreter { python: PathBuf },
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Done,
    Interpreter(Interpreter),
    /// An archive is not taken.
    Refused(Refusal),
    /// The program in the sandbox came to an end that is not its own; in words.
    Ended(String),
    /// There was no sandbox; in words.
    NoSandbox(String),
}

/// Who starts the sandboxes. Calls block.
#[derive(Clone, Debug)]
pub(crate) enum Workshop {
    /// This process.
    Here(Here),
    /// Whoever listens at this socket.
    Unit(PathBuf),
}

impl Workshop {
    /// Whether this machine can isolate.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        self.carry_out(Order::Check).map(drop)
    }

    /// Carries out the plan in `archives`, into `tree`.
    pub(crate) fn unpack(
        &self,
        archives: &Path,
        tree: &Path,
        limits: TreeLimits,
        wall_s: u64,
    ) -> Result<(), BuildError> {
        let (archives, tree) = (archives.to_owned(), tree.to_owned());
        self.carry_out(Order::Unpack { archives, tree, limits, wall_s }).map(drop)
    }

    /// Asks Python who it is.
    pub(crate) fn interpreter(&self, python: &Path) -> Result<Interpreter, BuildError> {
        match self.carry_out(Order::Interpreter { python: python.to_owned() })? {
            Answer::Interpreter(interpreter) => Ok(interpreter),
            other => Err(BuildError::Unpacking(format!("instead of an interpreter there was {other:?}"))),
        }
    }

    fn carry_out(&self, order: Order) -> Result<Answer, BuildError> {
        let answer = match self {
            Self::Here(here) => here.carry_out(order),
            Self::Unit(socket) => {
                ask(socket, &order).map_err(BuildError::storage("asking bulkhead-library-builder-unpacker"))?
            }
        };
        match answer {
            Answer::Refused(refusal) => Err(BuildError::Refused(refusal)),
            Answer::Ended(how) => Err(BuildError::Unpacking(how)),
            Answer::NoSandbox(why) => Err(BuildError::Sandbox(why)),
            done => Ok(done),
        }
    }
}

/// One order on one connection. Closing it, as a death does, ends what was ordered.
fn ask(socket: &Path, order: &Order) -> io::Result<Answer> {
    let mut connection = UnixStream::connect(socket)?;
    serde_json::to_writer(&connection, order)?;
    io::Write::write_all(&mut connection, b"\n")?;
    Ok(serde_json::from_reader(&connection)?)
}

/// Starts sandboxes from this process.
#[derive(Clone, Debug)]
pub(crate) struct Here {
    launcher: Launcher,
    identity: Identity,
    /// This program, where the sandbox's user can reach it.
    program: PathBuf,
}

impl Here {
    /// `shared` is a directory for a copy of this program, for a daemon that is root: the user that it switches to may not reach
    /// the original.
    pub(crate) fn open(identity: Identity, shared: &Path) -> io::Result<Self> {
        let own = std::env::current_exe()?;
        let program = match identity {
            Identity::Caller => own,
            Identity::Switch { .. } => {
                let copy = shared.join("unpacker");
                let fresh = copy.with_extension("new");
                std::fs::copy(own, &fresh)?;
                std::fs::set_permissions(&fresh, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
                std::fs::rename(&fresh, &copy)?;
                copy
            }
        };
        Ok(Self { launcher: Launcher::of_this_binary(), identity, program })
    }

    pub(crate) fn carry_out(&self, order: Order) -> Answer {
        let done = match order {
            Order::Check => self.check(),
            Order::Unpack { archives, tree, limits, wall_s } => self.unpack(&archives, &tree, limits, wall_s),
            Order::Interpreter { python } => self.interpreter(&python),
        };
        done.unwrap_or_else(|answer| answer)
    }

    fn check(&self) -> Result<Answer, Answer> {
        // One process in each sandbox, so that its own limits are those of the run and no cgroup is needed.
        let report = selfcheck(&self.launcher, self.identity, Ok(()));
        let missing: Vec<&str> = report.fatal().map(|finding| finding.message.as_str()).collect();
        if missing.is_empty() { Ok(Answer::Done) } else { Err(Answer::NoSandbox(missing.join("; "))) }
    }

    fn unpack(&self, archives: &Path, tree: &Path, limits: TreeLimits, wall_s: u64) -> Result<Answer, Answer> {
        if let Identity::Switch { uid, gid } = self.identity {
            std::os::unix::fs::chown(tree, Some(uid), Some(gid))
                .map_err(|error| Answer::NoSandbox(format!("the tree cannot be given away: {error}")))?;
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
            Ok(Report::Done) => Ok(Answer::Done),
            Ok(Report::Refused(refusal)) => Ok(Answer::Refused(refusal)),
            Err(error) => Err(Answer::Ended(format!("the report cannot be read: {error}"))),
        }
    }

    fn interpreter(&self, python: &Path) -> Result<Answer, Answer> {
        let arguments = ["-I", "-S", "-c", QUESTION].map(str::to_owned).into();
        let mut policy = self.policy(20);
        if !python.starts_with("/usr") {
            policy = policy.with_read_only(python);
        }
        let text = self.run(policy, Program { path: python.to_owned(), arguments })?;
        let answer = serde_json::from_slice(&text).map(Answer::Interpreter);
        answer.map_err(|error| Answer::Ended(format!("Python's answer cannot be read: {error}")))
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
    fn run(&self, policy: Policy, program: Program) -> Result<Vec<u8>, Answer> {
        let (mut out, mut said) = (Vec::new(), Vec::new());
        let outcome = run_command(&self.launcher, policy, program, |stream, bytes| {
            match stream {
                Stream::Out => out.extend_from_slice(bytes),
                Stream::Error => said.extend_from_slice(bytes),
            }
            Ok(())
        });
        let outcome = outcome.map_err(|error| Answer::NoSandbox(bulkhead_daemon_kit::chain(&error)))?;
        match outcome.ending {
            Ending::Exited(0) => Ok(out),
            ending => {
                tracing::warn!("a sandbox ended with {ending:?}: {}", String::from_utf8_lossy(&said));
                Err(Answer::Ended(in_words(ending)))
            }
        }
    }
}

fn in_words(ending: Ending) -> String {
    match ending {
        Ending::WallTime | Ending::CpuTime => "it takes too long (unpack-timeout-s in library-builder.toml)".to_owned(),
        Ending::Memory => "it needs too much memory".to_owned(),
        Ending::FileSize => "a file is too large".to_owned(),
        other => format!("{other:?}"),
    }
}
