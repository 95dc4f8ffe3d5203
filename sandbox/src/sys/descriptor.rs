//! Descriptor numbers: dup2 and close_range.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use nix::fcntl::{FcntlArg, fcntl};

use super::check;

/// Above every number that a program is given.
const OUT_OF_THE_WAY: i32 = 64;

/// Puts the descriptors at 0, 1, 2, ... for the program and marks every other one, but for those of
/// the standard numbers, as closed at `execve`.
pub(crate) fn place_for_program(descriptors: Vec<OwnedFd>) -> io::Result<()> {
    // First away from the low numbers, or one placement would close the source of another.
    let mut moved = Vec::with_capacity(descriptors.len());
    for descriptor in descriptors {
        moved.push(fcntl(&descriptor, FcntlArg::F_DUPFD_CLOEXEC(OUT_OF_THE_WAY))?);
    }
    for (target, source) in (0i32..).zip(&moved) {
        // SAFETY: `source` was just made by fcntl and nothing else closes it; `target` is a number
        // below OUT_OF_THE_WAY whose former owner, if any, is not used again in this process, which
        // is about to call execve.
        check(unsafe { libc::dup2(*source, target) }.into())?;
    }
    let first_other = moved.len() as libc::c_uint;
    // SAFETY: close_range takes integers; with CLOSE_RANGE_CLOEXEC it closes nothing that Rust owns
    // before execve replaces the process.
    check(unsafe { libc::syscall(libc::SYS_close_range, first_other, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) })?;
    Ok(())
}

/// A copy of the stage's standard input, which is the control socket, at a high number.
pub(crate) fn take_standard_input() -> io::Result<OwnedFd> {
    let copy = fcntl(std::io::stdin(), FcntlArg::F_DUPFD_CLOEXEC(OUT_OF_THE_WAY))?;
    // SAFETY: fcntl just made this descriptor; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}
