//! The caller's side: starts a stage, watches it by descriptor, ends it, decides how it ended.
//!
//! Nothing here blocks but [`Sandbox::finish`] on a run that is still going, so that an event loop can
//! own many runs: it waits for [`Sandbox::process`] to become readable and then calls `finish`.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nix::sys::socket::{AddressFamily, Shutdown, SockFlag, SockType, shutdown, socketpair};

use crate::cgroup::{Delegation, RunCgroup};
use crate::control::{Fact, MESSAGE_LIMIT_BYTES, Order, receive_facts, send_order};
use crate::error::SandboxError;
use crate::identity;
use crate::outcome::{Ending, Facts, Outcome, ProgramEnd, Usage, decide};
use crate::policy::{Limits, Policy, Processes, Program};
use crate::stage::STAGE_NAME;
use crate::sys;

/// Starts sandboxes.
#[derive(Debug, Clone)]
pub struct Launcher {
    stage: PathBuf,
    cgroups: Option<Delegation>,
}

/// What the program gets as descriptors 0, 1, 2 and, if there is a channel, 3.
#[derive(Debug)]
pub struct Descriptors {
    /// Standard input.
    pub stdin: OwnedFd,
    /// Standard output.
    pub stdout: OwnedFd,
    /// Standard error.
    pub stderr: OwnedFd,
    /// One more, found as descriptor 3.
    pub channel: Option<OwnedFd>,
}

/// Why the caller ends a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The wall clock ran out.
    WallTime,
    /// It wrote too much.
    Output,
    /// Nobody wants it any more.
    Cancelled,
}

impl From<Stop> for Ending {
    fn from(why: Stop) -> Self {
        match why {
            Stop::WallTime => Self::WallTime,
            Stop::Output => Self::Output,
            Stop::Cancelled => Self::Cancelled,
        }
    }
}

/// A run. Dropping it ends the run and waits until nothing is left of it.
#[derive(Debug)]
pub struct Sandbox {
    stage: Child,
    process: OwnedFd,
    control: OwnedFd,
    cgroup: Option<RunCgroup>,
    limits: Limits,
    stopped: Option<Stop>,
    reaped: bool,
}

impl Launcher {
    /// A launcher whose stage is this binary, which must call [`crate::init_if_requested`].
    pub fn of_this_binary() -> Self {
        Self::with_stage("/proc/self/exe")
    }

    /// A launcher whose stage is another binary that calls [`crate::init_if_requested`], for callers
    /// that do not own their `main`.
    pub fn with_stage(stage: impl Into<PathBuf>) -> Self {
        Self { stage: stage.into(), cgroups: None }
    }

    /// Gives each run a cgroup of its own.
    pub fn with_cgroups(mut self, delegation: Delegation) -> Self {
        self.cgroups = Some(delegation);
        self
    }

    /// The same without cgroups, for what outlives runs.
    pub(crate) fn without_cgroups(&self) -> Self {
        Self { stage: self.stage.clone(), cgroups: None }
    }

    /// Where runs get cgroups, if they do.
    pub(crate) fn cgroups(&self) -> Option<&Delegation> {
        self.cgroups.as_ref()
    }

    /// Starts a program. Errors of the set-up itself come from [`Sandbox::finish`].
    pub fn start(&self, policy: Policy, program: Program, descriptors: Descriptors) -> Result<Sandbox, SandboxError> {
        identity::refuse_root(policy.identity)?;
        let limits = policy.limits.clone();
        // One process is limited by the kernel, several of them together only by a cgroup.
        let watch_memory = self.cgroups.is_none() && policy.processes == Processes::Allowed;
        let order = serde_json::to_vec(&Order { policy, program, watch_memory })
            .map_err(|error| stage_error("writing the policy")(error.into()))?;
        if order.len() > MESSAGE_LIMIT_BYTES {
            return Err(SandboxError::PolicyTooLarge { size: order.len(), limit: MESSAGE_LIMIT_BYTES });
        }
        let cgroup = self.cgroups.as_ref().map(|delegation| delegation.create_run(&limits)).transpose()?;
        let (control, stages_end) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
            .map_err(|error| stage_error("making the control socket")(error.into()))?;
        let stage = Command::new(&self.stage)
            .arg0(OsString::from(STAGE_NAME))
            .env_clear()
            .current_dir("/")
            .stdin(stages_end)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(stage_error("starting it"))?;
        // Not reaped yet, so the number is still this process's. From here on the value owns it.
        let process = sys::pidfd::open(stage.id().cast_signed()).map_err(stage_error("opening its process"))?;
        let sandbox = Sandbox { stage, process, control, cgroup, limits, stopped: None, reaped: false };
        // The stage waits for its order, so the cgroup holds it before it has done anything.
        if let Some(cgroup) = &sandbox.cgroup {
            cgroup.add(sandbox.stage.id())?;
        }
        let Descriptors { stdin, stdout, stderr, channel } = descriptors;
        let mut sent = vec![stdin, stdout, stderr];
        sent.extend(channel);
        send_order(&sandbox.control, &order, &sent).map_err(stage_error("sending the policy"))?;
        Ok(sandbox)
    }
}

impl Sandbox {
    /// Becomes readable when the run has ended and nothing is left of it.
    pub fn process(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }

    /// Where the stage and PID 1 tell facts.
    pub(crate) fn control(&self) -> BorrowedFd<'_> {
        self.control.as_fd()
    }

    /// Orders the end of the run. The first reason counts; a run that has ended keeps its own.
    pub fn stop(&mut self, why: Stop) {
        if self.stopped.is_none() {
            self.stopped = Some(why);
            // Half-closed and not dropped: the facts are still to be read. Only a stage that is
            // gone already makes this fail.
            let _ = shutdown(self.control.as_raw_fd(), Shutdown::Write);
        }
    }

    /// Waits for the end and decides how it came. Returns at once when [`Sandbox::process`] is readable.
    pub fn finish(mut self) -> Result<Outcome, SandboxError> {
        self.reap().map_err(stage_error("waiting for it"))?;
        let facts = receive_facts(&self.control).map_err(stage_error("reading its report"))?;
        let (mut end, mut out_of_memory) = (None, false);
        let mut usage = Usage::default();
        for fact in facts {
            match fact {
                Fact::Failed { step, object, errno } => {
                    return Err(SandboxError::Setup { step, object, source: io::Error::from_raw_os_error(errno) });
                }
                Fact::Ended(ended) => end = Some(ended),
                Fact::OutOfMemory => out_of_memory = true,
                Fact::Used(used) => usage = used,
                // Only a zygote forks, and nobody asks how that itself ended.
                Fact::ForkEnded { .. } => {}
            }
        }
        let mut facts = Facts { out_of_memory, cpu_time_s: self.limits.cpu_time_s, cpu_us: usage.cpu_us };
        if let Some(cgroup) = &self.cgroup {
            facts.out_of_memory = cgroup.out_of_memory();
            usage = cgroup.usage(usage);
        }
        // A program that ended by itself before the order arrived keeps its own end.
        let killed = matches!(end, None | Some(ProgramEnd::Signalled(libc::SIGKILL)));
        let ending = match self.stopped {
            Some(why) if killed => why.into(),
            _ => decide(end, facts),
        };
        Ok(Outcome { ending, usage })
    }

    fn reap(&mut self) -> io::Result<()> {
        if !self.reaped {
            self.stage.wait()?;
            self.reaped = true;
        }
        Ok(())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if !self.reaped {
            self.stop(Stop::Cancelled);
            // A destructor has nobody to tell; a wait for one's own child fails only if it is gone.
            let _ = self.reap();
        }
    }
}

fn stage_error(operation: &'static str) -> impl FnOnce(io::Error) -> SandboxError {
    move |source| SandboxError::Stage { operation, source }
}
