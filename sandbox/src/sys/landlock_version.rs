//! The version query of landlock_create_ruleset, which the landlock crate keeps to itself.

/// The kernel's landlock ABI, or `None` without landlock.
pub(crate) fn abi() -> Option<u32> {
    const VERSION_QUERY: libc::c_uint = 1;
    let no_attributes = std::ptr::null::<libc::c_void>();
    // SAFETY: with the version flag the kernel wants a null pointer and size 0, and reads no memory.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, no_attributes, 0usize, VERSION_QUERY) };
    u32::try_from(version).ok().filter(|version| *version > 0)
}
