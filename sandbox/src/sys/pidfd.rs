//! Processes by descriptor: pidfd_open and pidfd_send_signal.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::sys::signal::Signal;

use super::check;

/// A descriptor of a process; readable once it has ended.
///
/// Sound against reuse of the number only while the caller has not reaped the process.
pub(crate) fn open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: integers only; on success the kernel returns a descriptor that nobody else owns. It is
    // closed at execve by itself.
    unsafe {
        let descriptor = check(libc::syscall(libc::SYS_pidfd_open, pid, 0))?;
        Ok(OwnedFd::from_raw_fd(descriptor as i32))
    }
}

/// The number that a process has in this process's namespace.
pub(crate) fn number(process: &OwnedFd) -> io::Result<i32> {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", process.as_raw_fd()))?;
    let number = info.lines().find_map(|line| line.strip_prefix("Pid:")).and_then(|text| text.trim().parse().ok());
    number.filter(|number| *number > 0).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Sends a signal; a process that has ended already is no error.
pub(crate) fn signal(process: BorrowedFd<'_>, signal: Signal) -> io::Result<()> {
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: a null siginfo is what the kernel wants for an ordinary signal; the descriptor is borrowed.
    let result = check(unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal as libc::c_int, no_info, 0)
    });
    match result {
        Err(error) if error.raw_os_error() != Some(libc::ESRCH) => Err(error),
        _ => Ok(()),
    }
}
