//! clone3: a child with all its namespaces in one call.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::check;

/// Which side of the fork this is.
pub(crate) enum Cloned {
    /// The caller; the child's number and descriptor.
    Caller { pid: i32, process: OwnedFd },
    /// The child.
    Child,
}

const NAMESPACES: libc::c_int = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
const PR_GET_TID_ADDRESS: libc::c_int = 40;

#[repr(C)]
#[derive(Default)]
struct Arguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// Where the C library keeps this thread's number; the child's has to be put there.
pub(crate) fn thread_id_address() -> io::Result<u64> {
    let mut address: u64 = 0;
    // SAFETY: the kernel writes one pointer-sized integer, for which there is room, and reads nothing.
    check(unsafe { libc::prctl(PR_GET_TID_ADDRESS, &raw mut address) }.into())?;
    Ok(address)
}

/// Forks this process into new namespaces, and into a cgroup if one is given. The child's parent is this process's own, which
/// reaps it. `thread_id_address` is that of the calling thread.
///
/// Sound as fork is: other threads do not exist in the child, so none may hold a lock now.
pub(crate) fn fork_sibling(
    own_network: bool,
    cgroup: Option<BorrowedFd<'_>>,
    thread_id_address: u64,
) -> io::Result<Cloned> {
    let mut pidfd: i32 = -1;
    let shared =
        libc::CLONE_PARENT | libc::CLONE_PIDFD | libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID | NAMESPACES;
    let network = if own_network { libc::CLONE_NEWNET } else { 0 };
    let mut arguments = Arguments {
        flags: u64::from((shared | network).cast_unsigned()),
        pidfd: (&raw mut pidfd) as u64,
        child_tid: thread_id_address,
        // CLONE_PARENT takes over the signal that this process's own end sends.
        ..Arguments::default()
    };
    if let Some(cgroup) = cgroup {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: without CLONE_VM and a stack of its own the child goes on here with a copy of everything. The kernel reads
    // `arguments` and writes `pidfd`, which both outlive the call, and in the child the C library's own thread id.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<Arguments>()) })?;
    if pid == 0 {
        return Ok(Cloned::Child);
    }
    // SAFETY: the kernel has just made this descriptor for us.
    let process = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Cloned::Caller { pid: pid as i32, process })
}
