//! The stage: the caller's binary once more, as a fresh process of one thread.
//!
//! It takes its order, becomes the unprivileged user, leaves the host's namespaces, forks PID 1 and
//! then only watches: the end of the control socket ends PID 1, the end of PID 1 ends the stage.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::unistd::{ForkResult, Pid};

use crate::control::{Fact, receive_order, send_fact};
use crate::error::{AtStep, StepError};
use crate::memory_watch::MemoryWatch;
use crate::{capabilities, identity, init, namespaces, sys};

/// `argv[0]` of the stage.
pub(crate) const STAGE_NAME: &str = "bulkhead-sandbox-stage";

/// Becomes the stage, and never returns, if this process was started as one.
///
/// Must be the first thing in `main` of a binary that starts sandboxes: before any thread, because a
/// process with threads cannot leave its user namespace, and before any configuration is read.
pub fn init_if_requested() {
    if std::env::args_os().next().is_some_and(|name| name == STAGE_NAME) {
        std::process::exit(run());
    }
}

fn run() -> i32 {
    let Ok(control) = sys::descriptor::take_standard_input() else { return 1 };
    match run_order(&control) {
        Ok(()) => 0,
        Err(error) => {
            send_fact(&control, &error.into());
            1
        }
    }
}

fn run_order(control: &OwnedFd) -> Result<(), StepError> {
    let (order, descriptors) = receive_order(control).at("receiving the policy")?;
    identity::assume(order.policy.identity)?;
    namespaces::enter(order.policy.processes)?;
    // Opened now: when PID 1 has its root, this process has that too.
    let memory = order.watch_memory.then(|| MemoryWatch::new(order.policy.limits.memory_bytes)).transpose()?;
    match sys::process::fork().at("forking PID 1")? {
        ForkResult::Child => init::run(&order, descriptors, control),
        ForkResult::Parent { child } => {
            // The program's descriptors are not ours: a pipe must end when the program does. Nor are
            // the capabilities that came with the namespaces needed any more.
            drop(descriptors);
            capabilities::drop_all()?;
            watch(control, child, memory.as_ref()).at("watching PID 1")
        }
    }
}

/// How long PID 1 may take to kill and count everything before it is killed itself.
const GRACE_MS: u16 = 200;
/// How often memory is looked at where no cgroup limits it.
const MEMORY_LOOKS_MS: u16 = 20;

fn watch(control: &OwnedFd, first: Pid, memory: Option<&MemoryWatch>) -> io::Result<()> {
    let process = sys::pidfd::open(first.as_raw())?;
    let mut events = [
        PollFd::new(process.as_fd(), PollFlags::POLLIN),
        // Nothing is ever sent after the order, so whatever there is to read is the end.
        PollFd::new(control.as_fd(), PollFlags::POLLIN),
    ];
    match memory {
        None => drop(wait_readable(&mut events, PollTimeout::NONE)?),
        Some(memory) => {
            while wait_readable(&mut events, PollTimeout::from(MEMORY_LOOKS_MS))? == 0 {
                if memory.is_exceeded_by(first) {
                    send_fact(control, &Fact::OutOfMemory);
                    break;
                }
            }
        }
    }
    if events[0].any() != Some(true) {
        sys::pidfd::signal(process.as_fd(), Signal::SIGTERM)?;
        wait_readable(&mut events[..1], PollTimeout::from(GRACE_MS))?;
        // PID 1 has not come to its handler yet, or a million processes keep it busy: the kernel is
        // quicker, but does not tell what they used.
        sys::pidfd::signal(process.as_fd(), Signal::SIGKILL)?;
    }
    // The kernel lets PID 1 be waited for only when nothing is left in its pid namespace.
    let (_, _, usage) = sys::process::wait(Some(first))?;
    send_fact(control, &Fact::Used(usage));
    Ok(())
}

fn wait_readable(events: &mut [PollFd<'_>], timeout: PollTimeout) -> io::Result<i32> {
    loop {
        match poll(events, timeout) {
            Err(nix::errno::Errno::EINTR) => {}
            result => return Ok(result?),
        }
    }
}
