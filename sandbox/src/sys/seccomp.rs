//! seccomp(2): load a filter, ask for an action.

use std::io;

use super::check;
use crate::seccomp::Instruction;

/// Loads a filter for this thread, which must have set no_new_privs; it can never be taken off.
pub(crate) fn load(filter: &[Instruction]) -> io::Result<()> {
    let program: Vec<libc::sock_filter> = filter
        .iter()
        .map(|one| libc::sock_filter { code: one.code, jt: one.jump_true, jf: one.jump_false, k: one.operand })
        .collect();
    let length = u16::try_from(program.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let header = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel copies `len` instructions from `filter` during the call and never writes to
    // them; both outlive it.
    check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &header) })?;
    Ok(())
}

/// Whether the kernel can kill a whole process from a filter.
pub(crate) fn can_kill_process() -> bool {
    let action = libc::SECCOMP_RET_KILL_PROCESS;
    // SAFETY: the kernel reads one 32-bit integer, which outlives the call.
    unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0 }
}
