//! Runs one program to its end, blocking: what `bulkheadctl sandbox run` does.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::pipe2;

use crate::error::SandboxError;
use crate::init::EXECUTE;
use crate::launcher::{Descriptors, Launcher, Stop};
use crate::outcome::{Ending, Outcome};
use crate::policy::{Policy, Program};

/// Which of the program's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Error,
}

/// Runs a program with the caller's standard input and hands its output to `sink` as it comes.
///
/// Keeps the wall clock and the output limit: at the latter the output is cut, a line on standard
/// error says so, and the run ends.
pub fn run_command(
    launcher: &Launcher,
    policy: Policy,
    program: Program,
    mut sink: impl FnMut(Stream, &[u8]) -> io::Result<()>,
) -> Result<Outcome, SandboxError> {
    let io_error = |source: io::Error| SandboxError::Stage { operation: "passing its output on", source };
    let deadline = Instant::now() + Duration::from_millis(policy.limits.wall_time_ms);
    let mut budget = policy.limits.output_bytes;
    let limit = budget;
    let (out, out_end) = pipe2(OFlag::O_CLOEXEC).map_err(|error| io_error(error.into()))?;
    let (error, error_end) = pipe2(OFlag::O_CLOEXEC).map_err(|error| io_error(error.into()))?;
    let stdin = io::stdin().as_fd().try_clone_to_owned().map_err(io_error)?;
    let descriptors = Descriptors { stdin, stdout: out_end, stderr: error_end, channel: None };
    let mut sandbox = launcher.start(policy, program, descriptors)?;

    let mut open: Vec<(Stream, std::fs::File)> = vec![(Stream::Out, out.into()), (Stream::Error, error.into())];
    // Both pipes end with the run at the latest, because nothing of it is left then.
    while !open.is_empty() {
        let ready = wait_readable(&open, deadline).map_err(io_error)?;
        if ready.is_empty() && Instant::now() >= deadline {
            sandbox.stop(Stop::WallTime);
            break;
        }
        for index in ready.into_iter().rev() {
            let mut buffer = [0; 64 * 1024];
            let length = open[index].1.read(&mut buffer).map_err(io_error)?;
            if length == 0 {
                open.remove(index);
                continue;
            }
            let passed = length.min(usize::try_from(budget).unwrap_or(usize::MAX));
            sink(open[index].0, &buffer[..passed]).map_err(io_error)?;
            budget -= passed as u64;
            if passed < length {
                let marker = format!("\n[sandbox: output cut at {limit} bytes]\n");
                sink(Stream::Error, marker.as_bytes()).map_err(io_error)?;
                sandbox.stop(Stop::Output);
                return sandbox.finish();
            }
        }
    }
    if !wait_for_end(sandbox.process(), deadline).map_err(io_error)? {
        sandbox.stop(Stop::WallTime);
    }
    sandbox.finish()
}

/// The indices of what can be read; empty at the deadline.
fn wait_readable(open: &[(Stream, std::fs::File)], deadline: Instant) -> io::Result<Vec<usize>> {
    let mut events: Vec<PollFd<'_>> =
        open.iter().map(|(_, pipe)| PollFd::new(pipe.as_fd(), PollFlags::POLLIN)).collect();
    poll_until(&mut events, deadline)?;
    Ok(events.iter().enumerate().filter(|(_, event)| event.any() == Some(true)).map(|(index, _)| index).collect())
}

/// Whether the run ended before the deadline.
fn wait_for_end(process: impl AsFd, deadline: Instant) -> io::Result<bool> {
    poll_until(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], deadline)
}

fn poll_until(events: &mut [PollFd<'_>], deadline: Instant) -> io::Result<bool> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(events, timeout) {
            Err(nix::errno::Errno::EINTR) => {}
            Ok(0) if !left.is_zero() => {}
            result => return Ok(result? > 0),
        }
    }
}

/// The exit code by which a command line tells how a run ended: the program's own, or
///
/// | code | meaning |
/// |---|---|
/// | 120 | CPU time |
/// | 121 | memory |
/// | 122 | output |
/// | 123 | a forbidden system call |
/// | 124 | wall time |
/// | 125 | the sandbox could not be set up; the program was not started |
/// | 126 | the program could not be executed |
/// | 127 | there is no such program |
/// | 128 + n | it died of signal n (130: it was interrupted; 153: a file grew past its limit) |
pub fn exit_code(result: &Result<Outcome, SandboxError>) -> i32 {
    match result {
        Ok(outcome) => match outcome.ending {
            Ending::Exited(code) => code,
            Ending::Signalled(signal) => 128 + signal,
            Ending::CpuTime => 120,
            Ending::Memory => 121,
            Ending::Output => 122,
            Ending::ForbiddenSystemCall => 123,
            Ending::WallTime => 124,
            Ending::FileSize => 128 + libc::SIGXFSZ,
            Ending::Cancelled => 128 + libc::SIGINT,
        },
        Err(SandboxError::Setup { step, source, .. }) if step == EXECUTE => {
            if source.kind() == io::ErrorKind::NotFound { 127 } else { 126 }
        }
        Err(_) => 125,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Usage;

    #[test]
    fn a_limit_has_a_code_of_its_own() {
        let of = |ending| exit_code(&Ok(Outcome { ending, usage: Usage::default() }));

        assert_eq!(of(Ending::Exited(7)), 7);
        assert_eq!(of(Ending::WallTime), 124);
        assert_eq!(of(Ending::Signalled(9)), 137);
        assert_eq!(exit_code(&Err(SandboxError::Root)), 125);
    }
}
