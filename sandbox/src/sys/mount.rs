//! The descriptor-based mount calls: open_tree, mount_setattr, move_mount (Linux 5.12).

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::check;

/// Restrictions of a mount; they can be added by an unprivileged owner, never taken away.
pub(crate) const READ_ONLY: u64 = 0x1;
pub(crate) const NO_SUID: u64 = 0x2;
pub(crate) const NO_DEVICES: u64 = 0x4;
pub(crate) const NO_EXEC: u64 = 0x8;

const OPEN_TREE_CLONE: libc::c_uint = 1;
const OPEN_TREE_CLOEXEC: libc::c_uint = libc::O_CLOEXEC as libc::c_uint;
const RECURSIVE: libc::c_uint = libc::AT_RECURSIVE as libc::c_uint;
const EMPTY_PATH: libc::c_uint = libc::AT_EMPTY_PATH as libc::c_uint;
const MOVE_FROM_EMPTY_PATH: libc::c_uint = 0x4;

#[repr(C)]
struct Attributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// A detached copy of the mounts at and below a path.
pub(crate) fn clone_tree(path: &CStr) -> io::Result<OwnedFd> {
    let flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | RECURSIVE;
    // SAFETY: `path` is a terminated string that outlives the call; on success the kernel returns a
    // descriptor that nobody else owns.
    unsafe {
        let tree = check(libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags))?;
        Ok(OwnedFd::from_raw_fd(tree as i32))
    }
}

/// Restricts every mount of a detached tree.
pub(crate) fn restrict_tree(tree: &OwnedFd, restrictions: u64) -> io::Result<()> {
    set_attributes(tree.as_raw_fd(), c"", EMPTY_PATH | RECURSIVE, restrictions)
}

/// Restricts the one mount at a path.
pub(crate) fn restrict_mount(path: &CStr, restrictions: u64) -> io::Result<()> {
    set_attributes(libc::AT_FDCWD, path, 0, restrictions)
}

/// Attaches a detached tree to a path.
pub(crate) fn attach_tree(tree: &OwnedFd, target: &CStr) -> io::Result<()> {
    // SAFETY: both paths are terminated strings that outlive the call; the descriptor is borrowed.
    check(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            target.as_ptr(),
            MOVE_FROM_EMPTY_PATH,
        )
    })?;
    Ok(())
}

fn set_attributes(directory: i32, path: &CStr, flags: libc::c_uint, set: u64) -> io::Result<()> {
    let attributes = Attributes { set, clear: 0, propagation: 0, user_namespace: 0 };
    // SAFETY: the kernel reads `size` bytes of `attributes`, which is exactly that long and outlives
    // the call, and a terminated path.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            directory,
            path.as_ptr(),
            flags,
            &attributes,
            std::mem::size_of::<Attributes>(),
        )
    })?;
    Ok(())
}
