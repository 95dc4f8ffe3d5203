//! capset, and the capability part of prctl.

use std::io;

use super::check;

const VERSION_3: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Empties the effective, permitted and inheritable sets of this thread.
pub(crate) fn clear_sets() -> io::Result<()> {
    let header = Header { version: VERSION_3, pid: 0 };
    let data = [Data { effective: 0, permitted: 0, inheritable: 0 }; 2];
    // SAFETY: version 3 reads one header and exactly two data structs, which both outlive the call.
    check(unsafe { libc::syscall(libc::SYS_capset, &header, data.as_ptr()) })?;
    Ok(())
}

/// Empties the ambient set of this thread.
pub(crate) fn clear_ambient() -> io::Result<()> {
    prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong)
}

/// Takes a capability out of the bounding set; false if the kernel does not know its number.
pub(crate) fn drop_from_bounding_set(capability: u32) -> io::Result<bool> {
    match prctl(libc::PR_CAPBSET_DROP, libc::c_ulong::from(capability)) {
        Ok(()) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Sets the secure bits of this thread.
pub(crate) fn set_secure_bits(bits: libc::c_ulong) -> io::Result<()> {
    prctl(libc::PR_SET_SECUREBITS, bits)
}

fn prctl(option: libc::c_int, argument: libc::c_ulong) -> io::Result<()> {
    let zero: libc::c_ulong = 0;
    // SAFETY: the options above take integers only; no memory is passed.
    check(unsafe { libc::prctl(option, argument, zero, zero, zero) }.into())?;
    Ok(())
}
