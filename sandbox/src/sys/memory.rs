//! madvise: memory that a child would not get.

use std::io;

use super::check;

/// Has children get a range of this process's memory, although something asked that they should not.
pub(crate) fn copy_to_children(start: usize, length: usize) -> io::Result<()> {
    // SAFETY: the advice changes neither content nor protection; a range that is not mapped is an error.
    check(unsafe { libc::madvise(start as *mut libc::c_void, length, libc::MADV_DOFORK) }.into())?;
    Ok(())
}
