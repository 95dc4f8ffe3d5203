//! CPython: called through `ctypes.PyDLL`, which holds the interpreter's lock.

use bulkhead_sandbox::fork_server::{Interpreter, serve};

use crate::host;

struct Python {
    before: extern "C" fn(),
    after_in_parent: extern "C" fn(),
    after_in_child: extern "C" fn(),
}

impl Interpreter for Python {
    fn before_fork(&mut self) {
        (self.before)();
    }

    fn after_fork_in_zygote(&mut self) {
        (self.after_in_parent)();
    }

    // Seeds `random` anew, among others.
    fn after_fork_in_run(&mut self) {
        (self.after_in_child)();
    }
}

/// Serves forks; returns in a run.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bulkhead_serve_python() {
    let function = |name| {
        // SAFETY: CPython's C API has these with this signature since 3.7.
        unsafe { std::mem::transmute::<*mut libc::c_void, extern "C" fn()>(host::function(name)) }
    };
    let mut python = Python {
        before: function(c"PyOS_BeforeFork"),
        after_in_parent: function(c"PyOS_AfterFork_Parent"),
        after_in_child: function(c"PyOS_AfterFork_Child"),
    };
    crate::keep(serve(&mut python));
}

/// In a run: waits for work.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn bulkhead_wait_for_work() {
    crate::wait_for_work();
}
