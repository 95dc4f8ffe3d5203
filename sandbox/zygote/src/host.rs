//! Functions of the program that has loaded this library.

use std::ffi::CStr;

/// The address of a function of the interpreter's. A missing one ends the process: the interpreter is none that we know, and
/// whoever has started it falls back to starting one for each run.
pub(crate) fn function(name: &CStr) -> *mut libc::c_void {
    // SAFETY: a terminated name; RTLD_DEFAULT searches what the program has loaded.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    if found.is_null() {
        eprintln!("this interpreter has no {}", name.to_string_lossy());
        std::process::exit(1);
    }
    found
}

/// Ends the process at once: no exit handler, which would wait for threads that a fork has not copied.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: integers only; it does not return.
    unsafe { libc::_exit(code) }
}

/// 53 random bits, as many as a double holds.
pub(crate) fn random() -> f64 {
    let mut bits: u64 = 0;
    // SAFETY: the kernel writes eight bytes, for which there is room.
    let got = unsafe { libc::getrandom((&raw mut bits).cast(), size_of::<u64>(), 0) };
    if got != size_of::<u64>() as isize {
        exit_now(1);
    }
    (bits >> 11) as f64
}
