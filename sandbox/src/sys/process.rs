//! fork, wait4, kill and signal dispositions.

use std::io;

use nix::unistd::{ForkResult, Pid};

use crate::outcome::{ProgramEnd, Usage};

/// Forks this process, which must have one thread only.
pub(crate) fn fork() -> io::Result<ForkResult> {
    debug_assert_eq!(
        std::fs::read_dir("/proc/self/task").map(Iterator::count).unwrap_or(1),
        1,
        "the stage has one thread"
    );
    // SAFETY: the stage is a fresh process of one thread (unshare(CLONE_NEWUSER) has refused it
    // otherwise), so no lock can be held by a thread that does not exist in the child.
    Ok(unsafe { nix::unistd::fork() }?)
}

/// Waits for a child, any one if `pid` is none. Gives its id, its end, and what it and the children
/// that it had reaped used.
pub(crate) fn wait(pid: Option<Pid>) -> io::Result<(Pid, ProgramEnd, Usage)> {
    let mut status: libc::c_int = 0;
    // SAFETY: rusage is a struct of integers, for which all zeroes is a value.
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to locals that outlive the call.
        let ended = unsafe { libc::wait4(pid.map_or(-1, Pid::as_raw), &mut status, 0, &mut used) };
        if ended > 0 {
            let end = if libc::WIFSIGNALED(status) {
                ProgramEnd::Signalled(libc::WTERMSIG(status))
            } else {
                ProgramEnd::Exited(libc::WEXITSTATUS(status))
            };
            return Ok((Pid::from_raw(ended), end, usage(&used)));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn usage(used: &libc::rusage) -> Usage {
    let micros = |time: libc::timeval| {
        u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(time.tv_usec).unwrap_or(0)
    };
    Usage {
        cpu_us: micros(used.ru_utime) + micros(used.ru_stime),
        // ru_maxrss is in KiB.
        peak_memory_bytes: u64::try_from(used.ru_maxrss).unwrap_or(0) * 1024,
    }
}

/// CPU time that a process has used, in microseconds; `None` when it has ended.
pub(crate) fn cpu_us(pid: i32) -> Option<u64> {
    let mut clock: libc::clockid_t = 0;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: both calls write to locals of the right type.
    let failed = unsafe {
        libc::clock_getcpuclockid(pid, &raw mut clock) != 0 || libc::clock_gettime(clock, &raw mut time) != 0
    };
    if failed {
        return None;
    }
    Some(u64::try_from(time.tv_sec).ok()? * 1_000_000 + u64::try_from(time.tv_nsec).ok()? / 1000)
}

/// Ends this process and nothing else: no destructor and no exit handler of the interpreter it is in.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: integers only; it does not return.
    unsafe { libc::_exit(code) }
}

/// Kills every process of this pid namespace but PID 1, which must be the caller. None left is no error.
pub(crate) fn kill_all_others() {
    // SAFETY: integers only. As PID 1 of its own namespace the caller cannot reach a process outside.
    unsafe { libc::kill(-1, libc::SIGKILL) };
}

/// Makes SIGTERM kill every other process of PID 1's namespace. `execve` takes the handler away.
pub(crate) fn kill_all_others_on_terminate() -> io::Result<()> {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
    extern "C" fn on_terminate(_signal: libc::c_int) {
        kill_all_others();
    }
    let action = SigAction::new(SigHandler::Handler(on_terminate), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler makes one system call, which is async-signal-safe, and touches no memory.
    unsafe { sigaction(Signal::SIGTERM, &action) }?;
    Ok(())
}

/// Gives SIGPIPE its default meaning back, which Rust's start-up code changed; `execve` would hand
/// the change on.
pub(crate) fn restore_signals() -> io::Result<()> {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: SIG_DFL installs no function.
    unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }?;
    Ok(())
}
