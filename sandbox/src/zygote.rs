//! The caller's side of a zygote: an interpreter that has started once and gives a copy of itself to each run.
//!
//! The zygote is a sandboxed program like any other, with the right to fork (`Processes::Zygote`); PID 1 of its sandbox is the
//! parent of its runs, reaps them and tells how they ended. Dropping a [`Zygote`] ends it and every run that it has forked.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::Signal;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use crate::cgroup::{Delegation, RunCgroup};
use crate::control::{Fact, receive_fact};
use crate::error::SandboxError;
use crate::fork_protocol::{FromZygote, ToZygote, WorkLimits, receive, say, send};
use crate::launcher::{Descriptors, Launcher, Sandbox, Stop};
use crate::outcome::{Ending, Facts, Outcome, ProgramEnd, Usage, decide};
use crate::policy::{Limits, Policy, Processes, Program};
use crate::sys;
use crate::touched::Touched;

/// How long an interpreter may take to start: a machine that boots, emulated perhaps, is slow.
const STARTING: Duration = Duration::from_secs(60);
/// How long a run may take to be set up. Far more than it takes on a loaded machine.
const SETTING_UP: Duration = Duration::from_secs(20);
/// How long after its end PID 1 may take to reap a run.
const REAPING: Duration = Duration::from_secs(5);

/// A running zygote.
#[derive(Debug)]
pub struct Zygote {
    // Dropped first: with it every process ends, and then the reader.
    sandbox: Option<Sandbox>,
    socket: OwnedFd,
    ends: Arc<Ends>,
    reader: Option<JoinHandle<()>>,
    cgroups: Option<Delegation>,
    limits: Limits,
    /// What a run shares with it; known from the first run on.
    shared_bytes: Option<u64>,
    /// Runs that were asked for and not handed out yet, in order.
    begun: VecDeque<Begun>,
    /// How many were asked for.
    asked: u64,
}

/// A run on its way into its sandbox.
#[derive(Debug)]
struct Begun {
    number: u64,
    cgroup: Option<RunCgroup>,
    /// Its number in the zygote's sandbox, and its process.
    forked: Option<(i32, OwnedFd)>,
    is_ready: bool,
}

/// A run that a zygote has forked: in its sandbox, waiting on its channel for [`WorkLimits`] and then for work.
#[derive(Debug)]
pub struct Forked {
    process: OwnedFd,
    /// Its number as this process has it.
    pid: i32,
    ended: Arc<EventFd>,
    end: Receiver<(ProgramEnd, Usage)>,
    cgroup: Option<RunCgroup>,
    limits: Limits,
    cpu_us_before: u64,
    shared_bytes: u64,
    stopped: Option<Stop>,
}

/// Who waits for the end of which run.
#[derive(Debug, Default)]
struct Ends {
    by_number: Mutex<HashMap<i32, Slot>>,
}

/// A run's end and who wants to know it: whichever came first.
#[derive(Debug)]
enum Slot {
    Waiting { ended: Arc<EventFd>, sender: Sender<(ProgramEnd, Usage)> },
    Ended(ProgramEnd, Usage),
}

impl Zygote {
    /// Starts an interpreter that will serve forks, and waits until it does. `policy` is that of its runs; `program` must call
    /// [`crate::fork_server::serve`].
    pub fn start(launcher: &Launcher, policy: &Policy, program: Program) -> Result<Self, SandboxError> {
        let (socket, zygotes_end) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
            .map_err(|error| failed("its socket")(error.into()))?;
        let null = || std::fs::File::options().read(true).write(true).open("/dev/null").map(OwnedFd::from);
        let descriptors = Descriptors {
            stdin: null().map_err(failed("its descriptors"))?,
            stdout: null().map_err(failed("its descriptors"))?,
            // Where an interpreter that does not start says why; its runs have their own.
            stderr: io::stderr().as_fd().try_clone_to_owned().map_err(failed("its descriptors"))?,
            channel: Some(zygotes_end),
        };
        let mut own_policy = policy.clone();
        own_policy.processes = Processes::Zygote;
        own_policy.limits = limits_of_zygote(&policy.limits);
        let sandbox = launcher.without_cgroups().start(own_policy, program, descriptors)?;
        let ends = Arc::new(Ends::default());
        let control = sandbox.control().try_clone_to_owned().map_err(failed("its reader"))?;
        let reader = std::thread::Builder::new()
            .name("zygote-ends".into())
            .spawn({
                let ends = Arc::clone(&ends);
                move || ends.read(&control)
            })
            .map_err(failed("its reader"))?;
        let zygote = Self {
            sandbox: Some(sandbox),
            socket,
            ends,
            reader: Some(reader),
            cgroups: launcher.cgroups().cloned(),
            limits: policy.limits.clone(),
            shared_bytes: None,
            begun: VecDeque::new(),
            asked: 0,
        };
        say(&zygote.socket, &ToZygote::Serve(Box::new(policy.clone()))).map_err(failed("sending its policy"))?;
        match zygote.hear(STARTING)? {
            (FromZygote::Serving, _) => Ok(zygote),
            (other, _) => Err(unexpected(&other)),
        }
    }

    /// Asks for a run. [`Zygote::next_ready`] gives it; until then others may be asked for, which are set up beside it. After an error the
    /// zygote is of no use any more.
    pub fn begin_fork(
        &mut self,
        own_network: bool,
        stdout: OwnedFd,
        stderr: OwnedFd,
        channel: OwnedFd,
    ) -> Result<(), SandboxError> {
        let cgroup = self.cgroups.as_ref().map(|delegation| delegation.create_run(&self.limits)).transpose()?;
        let mut descriptors = vec![stdout, stderr, channel];
        if let Some(cgroup) = &cgroup {
            descriptors.push(cgroup.open()?);
        }
        let number = self.asked;
        send(&self.socket, &ToZygote::Fork { number, own_network }, &descriptors)
            .map_err(failed("asking for a run"))?;
        self.asked += 1;
        self.begun.push_back(Begun { number, cgroup, forked: None, is_ready: false });
        Ok(())
    }

    /// Waits until the run that was asked for first is in its sandbox; none where none was.
    pub fn next_ready(&mut self) -> Result<Option<Forked>, SandboxError> {
        while self.begun.front().is_some_and(|first| !first.is_ready || first.forked.is_none()) {
            let (message, descriptors) = self.hear(SETTING_UP)?;
            self.note(message, descriptors)?;
        }
        let Some(Begun { cgroup, forked: Some((number_in_sandbox, process)), .. }) = self.begun.pop_front() else {
            return Ok(None);
        };
        let ended = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .map_err(|error| failed("watching a run")(error.into()))?;
        let ended = Arc::new(ended);
        let pid = sys::pidfd::number(&process).map_err(failed("finding a run's number"))?;
        let end = self.ends.wait_for(number_in_sandbox, Arc::clone(&ended));
        let limits = self.limits.clone();
        // The same for all runs of a zygote, and dear to find out.
        let shared_bytes = *self.shared_bytes.get_or_insert_with(|| shared_bytes(pid).unwrap_or(0));
        Ok(Some(Forked { process, pid, ended, end, cgroup, limits, cpu_us_before: 0, shared_bytes, stopped: None }))
    }

    /// Takes note of how far a run is. One is quick at times, and says that it is ready before the zygote says that there is one.
    fn note(&mut self, message: FromZygote, mut descriptors: Vec<OwnedFd>) -> Result<(), SandboxError> {
        let (FromZygote::Forked { number, .. } | FromZygote::Ready(number)) = message else {
            return Err(unexpected(&message));
        };
        let Some(run) = self.begun.iter_mut().find(|run| run.number == number) else {
            return Err(unexpected(&message));
        };
        match (&message, descriptors.pop()) {
            (FromZygote::Forked { pid, .. }, Some(process)) => run.forked = Some((*pid, process)),
            (FromZygote::Ready(_), None) => run.is_ready = true,
            _ => return Err(unexpected(&message)),
        }
        Ok(())
    }

    /// Has all later runs touch ahead what this one has touched, which has done typical work and waits to be ended.
    pub fn learn_from(&mut self, run: &Forked) -> Result<(), SandboxError> {
        let touched = Touched::by(run.pid).map_err(failed("looking at a run's memory"))?;
        say(&self.socket, &ToZygote::TouchAhead(touched)).map_err(failed("telling what runs touch"))
    }

    /// The next message, if it comes in time.
    fn hear(&self, patience: Duration) -> Result<(FromZygote, Vec<OwnedFd>), SandboxError> {
        const HEARING: &str = "hearing from its zygote";
        let mut events = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        loop {
            match poll(&mut events, timeout) {
                Err(nix::errno::Errno::EINTR) => {}
                Ok(0) => return Err(failed(HEARING)(io::ErrorKind::TimedOut.into())),
                Ok(_) => break,
                Err(error) => return Err(failed(HEARING)(error.into())),
            }
        }
        let received = receive(&self.socket).map_err(failed(HEARING))?;
        received.ok_or_else(|| failed(HEARING)(io::ErrorKind::UnexpectedEof.into()))
    }
}

impl Drop for Zygote {
    fn drop(&mut self) {
        drop(self.sandbox.take());
        if let Some(reader) = self.reader.take() {
            // It ends with the control socket; a panic in it has told itself.
            let _ = reader.join();
        }
    }
}

impl Forked {
    /// Becomes readable when the run has ended and nothing is left of it.
    pub fn process(&self) -> BorrowedFd<'_> {
        self.ended.as_fd()
    }

    /// Takes the limits of the work to come; the caller writes what it gets to the channel, before the work.
    pub fn limit(&mut self, limits: &Limits) -> Result<[u8; WorkLimits::BYTES], SandboxError> {
        if let Some(cgroup) = &mut self.cgroup {
            cgroup.limit(limits)?;
        }
        self.limits = limits.clone();
        // What it took to get it here is not the work's.
        self.cpu_us_before = sys::process::cpu_us(self.pid).unwrap_or(0);
        Ok(WorkLimits::of(limits).to_bytes())
    }

    /// What the run has used until now; `None` when it has ended, and then [`Forked::finish`] tells.
    pub fn usage_so_far(&self) -> Option<Usage> {
        let so_far = Usage { cpu_us: sys::process::cpu_us(self.pid)?, peak_memory_bytes: peak_memory_bytes(self.pid)? };
        Some(self.of_the_work(so_far))
    }

    /// Orders the end of the run. The first reason counts; a run that has ended keeps its own.
    pub fn stop(&mut self, why: Stop) {
        if self.stopped.is_none() {
            self.stopped = Some(why);
            // Fails only for a run that is gone.
            let _ = sys::pidfd::signal(self.process.as_fd(), Signal::SIGKILL);
        }
    }

    /// Waits for the end and decides how it came. Returns at once when [`Forked::process`] is readable.
    pub fn finish(mut self) -> Result<Outcome, SandboxError> {
        if self.stopped.is_none() {
            // Whoever calls this for a run that goes on wants to wait for as long as it takes.
            let mut events = [PollFd::new(self.ended.as_fd(), PollFlags::POLLIN)];
            while matches!(poll(&mut events, PollTimeout::NONE), Err(nix::errno::Errno::EINTR)) {}
        }
        let (end, mut usage) = self.wait()?;
        let mut facts = Facts { out_of_memory: false, cpu_time_s: self.limits.cpu_time_s, cpu_us: usage.cpu_us };
        facts.out_of_memory = self.cgroup.as_ref().is_some_and(RunCgroup::out_of_memory);
        usage = self.of_the_work(usage);
        let ending: Ending = match self.stopped {
            Some(why) if end == ProgramEnd::Signalled(libc::SIGKILL) => why.into(),
            _ => decide(Some(end), facts),
        };
        Ok(Outcome { ending, usage })
    }

    /// By the cgroup where there is one, and without what was used before there was work.
    fn of_the_work(&self, usage: Usage) -> Usage {
        let usage = match &self.cgroup {
            Some(cgroup) => cgroup.usage(usage),
            // Most of what it holds it shares with its zygote.
            None => Usage { peak_memory_bytes: usage.peak_memory_bytes.saturating_sub(self.shared_bytes), ..usage },
        };
        Usage { cpu_us: usage.cpu_us.saturating_sub(self.cpu_us_before), ..usage }
    }

    fn wait(&mut self) -> Result<(ProgramEnd, Usage), SandboxError> {
        self.end.recv_timeout(REAPING).map_err(|_| {
            failed("waiting for a run")(io::Error::other("its zygote's sandbox has ended, or does not reap"))
        })
    }
}

impl Drop for Forked {
    fn drop(&mut self) {
        self.stop(Stop::Cancelled);
    }
}

impl Ends {
    fn wait_for(&self, number: i32, ended: Arc<EventFd>) -> Receiver<(ProgramEnd, Usage)> {
        let (sender, receiver) = channel();
        let mut slots = self.lock();
        if let Some(Slot::Ended(end, usage)) = slots.remove(&number) {
            tell(&ended, &sender, end, usage);
        } else {
            slots.insert(number, Slot::Waiting { ended, sender });
        }
        receiver
    }

    /// Reads until the sandbox is gone; whoever waits then learns that.
    fn read(&self, control: &OwnedFd) {
        while let Ok(Some(fact)) = receive_fact(control) {
            let Fact::ForkEnded { pid, end, usage } = fact else { continue };
            let mut slots = self.lock();
            match slots.remove(&pid) {
                Some(Slot::Waiting { ended, sender }) => tell(&ended, &sender, end, usage),
                _ => drop(slots.insert(pid, Slot::Ended(end, usage))),
            }
        }
        for (_, slot) in std::mem::take(&mut *self.lock()) {
            if let Slot::Waiting { ended, sender } = slot {
                drop(sender);
                let _ = ended.write(1);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i32, Slot>> {
        self.by_number.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever has dropped its run does not want to know.
fn tell(ended: &EventFd, sender: &Sender<(ProgramEnd, Usage)>, end: ProgramEnd, usage: Usage) {
    let _ = sender.send((end, usage));
    let _ = ended.write(1);
}

/// A zygote's own limits are what its runs may still lower.
fn limits_of_zygote(limits: &Limits) -> Limits {
    const NONE: u64 = libc::RLIM_INFINITY - 1;
    Limits { cpu_time_s: NONE, data_bytes: NONE, address_space_bytes: None, tasks: 4096, ..limits.clone() }
}

/// The largest resident memory of a process; `None` when it has ended, or does not let itself be looked at.
fn peak_memory_bytes(pid: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// How much of what a process holds others hold too; `None` when it has ended, or does not let itself be looked at.
fn shared_bytes(pid: i32) -> Option<u64> {
    let sums = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let shared = sums.lines().filter_map(|line| line.strip_prefix("Shared_")?.split_once(':'));
    let kib = shared.map(|(_, size)| size.trim().strip_suffix(" kB").and_then(|size| size.parse::<u64>().ok()));
    Some(kib.sum::<Option<u64>>()? * 1024)
}

fn failed(operation: &'static str) -> impl Fn(io::Error) -> SandboxError {
    move |source| SandboxError::Stage { operation, source }
}

fn unexpected(message: &FromZygote) -> SandboxError {
    match message {
        FromZygote::Failed { step, object, errno } => SandboxError::Setup {
            step: step.clone(),
            object: object.clone(),
            source: io::Error::from_raw_os_error(*errno),
        },
        other => failed("hearing from its zygote")(io::Error::other(format!("it said {other:?}"))),
    }
}
