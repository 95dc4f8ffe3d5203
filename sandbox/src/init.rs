//! PID 1 of the run, and the last steps of the program before its `execve`.
//!
//! PID 1 applies what needs capabilities, gives them up, starts the program and reaps. It is not the
//! program itself because the kernel shields PID 1 from signals: `abort` would not end it, and the
//! cause of its end would be lost. It cannot be attacked from within: signals do not reach it, and it
//! is not dumpable, so that the program can neither trace it nor look into its `/proc`.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::sys::prctl::{set_dumpable, set_pdeathsig};
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{ForkResult, Pid, chdir, execve, sethostname, setsid};

use crate::control::{Fact, Order, send_fact};
use crate::error::{AtStep, StepError};
use crate::policy::Processes;
use crate::{capabilities, landlock, rlimits, root, seccomp, sys};

/// The step whose failure means that the program itself could not be executed.
pub(crate) const EXECUTE: &str = "executing the program";

/// Runs as PID 1 and never returns.
pub(crate) fn run(order: &Order, mut descriptors: Vec<OwnedFd>, control: &OwnedFd) -> ! {
    if let Err(error) = add_proc(order, &mut descriptors) {
        send_fact(control, &error.into());
        std::process::exit(1);
    }
    let code = match prepare(order).and_then(|()| sys::process::fork().at("forking the program")) {
        Ok(ForkResult::Child) => {
            let error = start(order, descriptors, control);
            send_fact(control, &error.into());
            1
        }
        Ok(ForkResult::Parent { child }) => {
            drop(descriptors);
            reap(child, order.policy.processes, control);
            0
        }
        Err(error) => {
            send_fact(control, &error.into());
            1
        }
    };
    std::process::exit(code)
}

/// A zygote finds the host's `/proc` behind its channel: its children map their ids there, and it looks at its own memory. They
/// close it before any user's code.
fn add_proc(order: &Order, descriptors: &mut Vec<OwnedFd>) -> Result<(), StepError> {
    if order.policy.processes == Processes::Zygote {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        descriptors.push(open("/proc", flags, Mode::empty()).at_object("opening", "/proc")?);
    }
    Ok(())
}

/// Everything that program and PID 1 share.
fn prepare(order: &Order) -> Result<(), StepError> {
    // The stage dies only by force; nothing of the run may outlive it.
    set_pdeathsig(Signal::SIGKILL).at("tying PID 1 to the stage")?;
    sys::process::kill_all_others_on_terminate().at("preparing the end")?;
    umask(Mode::from_bits_truncate(0o022));
    root::enter(&order.policy)?;
    sethostname(&order.policy.hostname).at("setting the host name")?;
    capabilities::drop_all()?;
    // Who is under landlock cannot mount, which a zygote's children have to before they restrict themselves.
    if order.policy.processes != Processes::Zygote {
        landlock::restrict(&order.policy)?;
    }
    set_dumpable(false).at("shielding PID 1")
}

/// The program's own last steps; returns only if one failed.
fn start(order: &Order, descriptors: Vec<OwnedFd>, control: &OwnedFd) -> StepError {
    match try_start(order, descriptors, control) {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

fn try_start(
    order: &Order,
    descriptors: Vec<OwnedFd>,
    control: &OwnedFd,
) -> Result<std::convert::Infallible, StepError> {
    let policy = &order.policy;
    let program = c_path(&order.program.path)?;
    let mut arguments = vec![program.clone()];
    for argument in &order.program.arguments {
        arguments.push(c_text(argument)?);
    }
    let mut environment = Vec::with_capacity(policy.environment.len());
    for (name, value) in &policy.environment {
        environment.push(c_text(&format!("{name}={value}"))?);
    }
    // A session of its own has no controlling terminal to type into.
    setsid().at("leaving the session")?;
    chdir(&policy.working_directory).at_object("entering the working directory", policy.working_directory.display())?;
    sys::descriptor::place_for_program(descriptors).at("placing descriptors")?;
    debug_assert!(std::os::fd::AsRawFd::as_raw_fd(control) > 3, "the control socket is out of the way");
    sys::process::restore_signals().at("restoring signals")?;
    rlimits::apply(&policy.limits)?;
    seccomp::restrict(policy.processes)?;
    execve(&program, &arguments, &environment).at_object(EXECUTE, order.program.path.display())
}

/// Waits until the program ends, and reports it. What it leaves behind is killed and reaped here, and
/// not by the end of the namespace, so that its CPU time is counted. The runs that a zygote has forked
/// are reported too, and outlive it.
fn reap(program: Pid, processes: Processes, control: &OwnedFd) {
    while let Ok((ended, end, usage)) = sys::process::wait(None) {
        if ended != program && processes == Processes::Zygote {
            send_fact(control, &Fact::ForkEnded { pid: ended.as_raw(), end, usage });
        }
        if ended == program {
            send_fact(control, &Fact::Ended(end));
            if processes != Processes::Zygote {
                sys::process::kill_all_others();
            }
        }
    }
}

fn c_path(path: &Path) -> Result<CString, StepError> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| std::io::Error::from_raw_os_error(libc::EINVAL))
        .at_object(EXECUTE, path.display())
}

fn c_text(text: &str) -> Result<CString, StepError> {
    CString::new(text)
        .map_err(|_| std::io::Error::from_raw_os_error(libc::EINVAL))
        .at_object(EXECUTE, "an argument with a NUL byte")
}
