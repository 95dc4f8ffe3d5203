//! The only unsafe code of the sandbox: one file for one family of system calls, each a thin safe
//! function. No policy is decided here.
#![allow(unsafe_code)]

pub(crate) mod capability;
pub(crate) mod clone;
pub(crate) mod descriptor;
pub(crate) mod landlock_version;
pub(crate) mod memory;
pub(crate) mod mount;
pub(crate) mod packet;
pub(crate) mod pidfd;
pub(crate) mod process;
pub(crate) mod seccomp;

use std::io;

/// Turns the return value of a raw system call into a result.
fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
