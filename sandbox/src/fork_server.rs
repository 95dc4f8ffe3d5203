//! The zygote's side: runs inside an interpreter, in its only running thread, and forks it for each run.
//!
//! ```text
//! zygote   receive a request, clone3 with all namespaces     (PID 1 of the zygote's sandbox becomes the parent)
//!  `- run  session, ids, scratch, descriptors, capabilities, landlock, limits, seccomp; "ready"; waits for work
//! ```
//!
//! A zygote is never PID 1 itself: libraries tell by their process's number that they were forked, and every run is PID 1 of
//! its namespace. It holds nothing that belongs to anybody, because all its runs can read what it held.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::fcntl::{OFlag, openat};
use nix::mount::mount;
use nix::sys::stat::Mode;
use nix::unistd::{setsid, write};

use crate::error::{AtStep, StepError};
use crate::fork_protocol::{FromZygote, ToZygote, WorkLimits, receive, say, send};
use crate::inherited::Inherited;
use crate::policy::{INNER_ID, Limits, Mount, Policy};
use crate::root::scratch_options;
use crate::seccomp::Instruction;
use crate::sys::clone::{Cloned, fork_sibling, thread_id_address};
use crate::touched::Touched;
use crate::{capabilities, inherited, landlock, namespaces, resident, rlimits, seccomp, sys};

/// What an interpreter does around a fork.
pub trait Interpreter {
    /// In the zygote, before each fork.
    fn before_fork(&mut self);
    /// In the zygote, after each fork.
    fn after_fork_in_zygote(&mut self);
    /// In the run, once its descriptors are its own and before it is restricted.
    fn after_fork_in_run(&mut self);
}

/// What every run is made from.
struct Server {
    control: OwnedFd,
    proc: OwnedFd,
    policy: Policy,
    inherited: Inherited,
    touched: Touched,
    narrowing: Vec<Instruction>,
    thread_id_address: u64,
}

/// A run in its sandbox, which nobody knows of yet: the interpreter may still prepare itself.
#[derive(Debug)]
pub struct Run {
    control: OwnedFd,
    number: u64,
    limits: Limits,
}

/// Serves forks on descriptor 3, with `/proc` on descriptor 4. Returns in each run and never in the zygote, whose process ends
/// with the socket.
pub fn serve(interpreter: &mut dyn Interpreter) -> Run {
    let (control, proc) = sys::descriptor::take_zygotes();
    let prepared = match receive::<ToZygote>(&control) {
        Ok(Some((ToZygote::Serve(policy), _))) => Server::prepare(*policy, control, proc),
        // Nobody is there to be told.
        _ => std::process::exit(1),
    };
    let mut server = match prepared {
        Ok(server) => server,
        Err((error, control)) => {
            let _ = say(&control, &FromZygote::from(error));
            std::process::exit(1);
        }
    };
    if say(&server.control, &FromZygote::Serving).is_err() {
        std::process::exit(1);
    }
    while let Ok(Some((message, descriptors))) = receive(&server.control) {
        let (number, own_network) = match message {
            ToZygote::Fork { number, own_network } => (number, own_network),
            ToZygote::TouchAhead(touched) => {
                server.touched = touched;
                continue;
            }
            ToZygote::Serve(_) => break,
        };
        interpreter.before_fork();
        let cgroup = descriptors.get(3).map(|cgroup| cgroup.as_fd());
        let cloned = fork_sibling(own_network, cgroup, server.thread_id_address).at("forking the zygote");
        if let Ok(Cloned::Child) = cloned {
            return server.become_run(interpreter, descriptors, number);
        }
        interpreter.after_fork_in_zygote();
        let told = match cloned {
            Ok(Cloned::Caller { pid, process }) => {
                send(&server.control, &FromZygote::Forked { number, pid }, &[process])
            }
            Ok(Cloned::Child) => break,
            Err(error) => say(&server.control, &FromZygote::from(error)),
        };
        if told.is_err() {
            break;
        }
    }
    std::process::exit(0);
}

impl Server {
    fn prepare(policy: Policy, control: OwnedFd, proc: OwnedFd) -> Result<Self, (StepError, OwnedFd)> {
        let prepared = (|| {
            sys::memory::close_heap();
            inherited::copy_all_memory(&proc)?;
            inherited::require_parked_threads(&proc)?;
            // Only slower without.
            let _ = resident::hold_used_files(&proc);
            let inherited = Inherited::take_stock(&proc, &[control.as_raw_fd(), proc.as_raw_fd()])?;
            Ok((inherited, thread_id_address().at("finding the thread's number")?))
        })();
        match prepared {
            Ok((inherited, thread_id_address)) => {
                let narrowing = seccomp::compile_narrowing();
                let touched = Touched::default();
                Ok(Self { control, proc, policy, inherited, touched, narrowing, thread_id_address })
            }
            Err(error) => Err((error, control)),
        }
    }

    /// In the new process.
    fn become_run(self, interpreter: &mut dyn Interpreter, descriptors: Vec<OwnedFd>, number: u64) -> Run {
        let Self { control, proc, policy, inherited, touched, narrowing, .. } = self;
        let set_up = (|| {
            touched.touch();
            // In the zygote's process group, `kill(0)` would reach it and its other runs.
            setsid().at("leaving the session")?;
            map_ids(&proc)?;
            mount_scratch(&policy)?;
            drop(proc);
            place(descriptors)?;
            inherited.renew()?;
            interpreter.after_fork_in_run();
            capabilities::drop_all()?;
            landlock::restrict(&policy)?;
            seccomp::narrow(&narrowing)
        })();
        if let Err(error) = set_up {
            let _ = say(&control, &FromZygote::from(error));
            sys::process::exit_now(1);
        }
        Run { control, number, limits: policy.limits }
    }
}

impl Run {
    /// Says that this run is ready, and waits until there is work for it, with the limits that go with it. Before this no user's
    /// code may run: the zygote's socket is still here.
    pub fn wait_for_work(self) {
        let Self { control, number, limits } = self;
        let told = say(&control, &FromZygote::Ready(number));
        drop(control);
        if told.and_then(|()| take_limits(&limits)).is_err() {
            // Nobody wants this run any more.
            sys::process::exit_now(1);
        }
    }
}

/// As [`namespaces::enter`] does for itself, by a `/proc` that came along. The outer user is the zygote's own inner one.
fn map_ids(proc: &OwnedFd) -> Result<(), StepError> {
    for (file, text) in namespaces::id_maps(INNER_ID, INNER_ID) {
        let path = format!("self/{file}");
        let opened = openat(proc, path.as_str(), OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty());
        let file = opened.at_object("mapping ids", &path)?;
        write(&file, text.as_bytes()).at_object("mapping ids", &path)?;
    }
    Ok(())
}

/// The run's own scratch directories, over the zygote's.
fn mount_scratch(policy: &Policy) -> Result<(), StepError> {
    for wanted in &policy.mounts {
        if let Mount::Scratch { target, size_bytes } = wanted {
            let (flags, options) = scratch_options(*size_bytes);
            mount(Some("scratch"), target, Some("tmpfs"), flags, Some(options.as_str()))
                .at_object("mounting a scratch directory", target.display())?;
        }
    }
    let directory = &policy.working_directory;
    nix::unistd::chdir(directory).at_object("entering the working directory", directory.display())
}

/// Standard input is empty; output, error and channel are the run's own.
fn place(mut descriptors: Vec<OwnedFd>) -> Result<(), StepError> {
    const STEP: &str = "placing descriptors";
    descriptors.truncate(3);
    let null = nix::fcntl::open("/dev/null", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).at(STEP)?;
    descriptors.insert(0, null);
    sys::descriptor::place_for_run(descriptors).at(STEP)
}

/// Waits for the limits of the work, and takes them on.
fn take_limits(of_zygote: &Limits) -> io::Result<()> {
    let mut bytes = [0; WorkLimits::BYTES];
    // The channel stays open for the interpreter.
    let mut channel = std::mem::ManuallyDrop::new(File::from(sys::descriptor::channel()));
    channel.read_exact(&mut bytes)?;
    let limits = WorkLimits::from_bytes(bytes).within(of_zygote);
    rlimits::apply(&limits).map_err(|error| io::Error::from_raw_os_error(error.errno))
}
