//! Descriptor numbers: dup2 and close_range.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, fcntl};

use super::check;

/// Above every number that a program is given.
const OUT_OF_THE_WAY: i32 = 64;

/// A zygote finds the socket to its caller where a run finds its channel, and `/proc` behind it.
const ZYGOTES_SOCKET: RawFd = CHANNEL;
const ZYGOTES_PROC: RawFd = CHANNEL + 1;
/// Where a run finds its channel.
const CHANNEL: RawFd = 3;

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

/// Puts the descriptors at 0, 1, 2, 3 of a run that its zygote has forked, in place of the zygote's. The others stay.
pub(crate) fn place_for_run(descriptors: Vec<OwnedFd>) -> io::Result<()> {
    for (target, source) in (0i32..).zip(descriptors) {
        replace(target, source, 0)?;
    }
    Ok(())
}

/// Makes `target` another name of what `source` leads to; what it was is closed, and so is `source`.
pub(crate) fn replace(target: RawFd, source: OwnedFd, flags: i32) -> io::Result<()> {
    // SAFETY: both are plain numbers to the kernel. `target` belongs to the interpreter, by its number alone, or is one of the
    // standard ones: nothing of Rust's owns it.
    check(unsafe { libc::dup3(source.as_raw_fd(), target, flags) }.into())?;
    Ok(())
}

/// Closes a descriptor that belongs to the interpreter around us.
pub(crate) fn close_foreign(number: RawFd) {
    // SAFETY: a number that nothing of Rust's owns; the caller knows whose it is.
    unsafe { libc::close(number) };
}

/// What a descriptor of the interpreter around us is opened for.
pub(crate) fn flags_of_foreign(number: RawFd) -> io::Result<i32> {
    // SAFETY: asks and changes nothing.
    Ok(check(unsafe { libc::fcntl(number, libc::F_GETFL) }.into())? as i32)
}

/// How many bytes a descriptor of the interpreter around us has to read; none where that cannot be asked.
pub(crate) fn pending_of_foreign(number: RawFd) -> usize {
    let mut pending: libc::c_int = 0;
    // SAFETY: the kernel writes one integer, for which there is room.
    let asked = unsafe { libc::ioctl(number, libc::FIONREAD, &raw mut pending) };
    if asked == 0 { usize::try_from(pending).unwrap_or(0) } else { 0 }
}

/// A zygote's socket to its caller and its `/proc`, at high numbers; their own, 3 and 4, are free then.
pub(crate) fn take_zygotes() -> (OwnedFd, OwnedFd) {
    let take = |number: RawFd| {
        // SAFETY: the launcher put these two there for this function, which is called once, by the only one who knows them.
        let given = unsafe { OwnedFd::from_raw_fd(number) };
        let moved = fcntl(&given, FcntlArg::F_DUPFD_CLOEXEC(OUT_OF_THE_WAY));
        // SAFETY: as above; without a second name the first one stays.
        moved.map_or(given, |moved| unsafe { OwnedFd::from_raw_fd(moved) })
    };
    (take(ZYGOTES_SOCKET), take(ZYGOTES_PROC))
}

/// A run's channel. It is the interpreter's later on: the caller must not let it be closed.
pub(crate) fn channel() -> OwnedFd {
    // SAFETY: `place_for_run` put it there.
    unsafe { OwnedFd::from_raw_fd(CHANNEL) }
}

/// A copy of the stage's standard input, which is the control socket, at a high number.
pub(crate) fn take_standard_input() -> io::Result<OwnedFd> {
    let copy = fcntl(std::io::stdin(), FcntlArg::F_DUPFD_CLOEXEC(OUT_OF_THE_WAY))?;
    // SAFETY: fcntl just made this descriptor; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}
