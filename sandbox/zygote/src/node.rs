//! Node.js: an addon with `serve()`, which gives random bits in each run, `waitForWork()` and `exit(code)`.

use std::ffi::{CStr, c_char, c_void};

use bulkhead_sandbox::fork_server::{Interpreter, serve};

use crate::host;

type Environment = *mut c_void;
type Value = *mut c_void;
type Callback = extern "C" fn(Environment, *mut c_void) -> Value;
/// libuv's loop.
type Loop = *mut c_void;

/// What the event loop needs after a fork.
struct Node {
    event_loop: Loop,
    loop_fork: unsafe extern "C" fn(Loop) -> i32,
}

impl Interpreter for Node {
    fn before_fork(&mut self) {}

    fn after_fork_in_zygote(&mut self) {}

    fn after_fork_in_run(&mut self) {
        // SAFETY: the loop is this thread's and does not run: JavaScript does, which has called us.
        if unsafe { (self.loop_fork)(self.event_loop) } != 0 {
            host::exit_now(1);
        }
    }
}

/// Node calls this when it has loaded the library.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn napi_register_module_v1(environment: Environment, exports: Value) -> Value {
    define(environment, exports, c"serve", js_serve);
    define(environment, exports, c"waitForWork", js_wait_for_work);
    define(environment, exports, c"exit", js_exit);
    exports
}

extern "C" fn js_serve(environment: Environment, _info: *mut c_void) -> Value {
    let event_loop = event_loop(environment);
    // SAFETY: libuv has it with this signature since 1.12.
    let loop_fork = unsafe {
        std::mem::transmute::<*mut c_void, unsafe extern "C" fn(Loop) -> i32>(host::function(c"uv_loop_fork"))
    };
    crate::keep(serve(&mut Node { event_loop, loop_fork }));
    number(environment, host::random())
}

extern "C" fn js_wait_for_work(environment: Environment, _info: *mut c_void) -> Value {
    crate::wait_for_work();
    // SAFETY: libuv's signature; the loop is this thread's and does not run. Its clock stood still while this run waited, and
    // timers count from it.
    unsafe {
        let update_time =
            std::mem::transmute::<*mut c_void, unsafe extern "C" fn(Loop)>(host::function(c"uv_update_time"));
        update_time(event_loop(environment));
    }
    std::ptr::null_mut()
}

fn event_loop(environment: Environment) -> Loop {
    type GetLoop = unsafe extern "C" fn(Environment, *mut Loop) -> i32;
    let mut event_loop: Loop = std::ptr::null_mut();
    // SAFETY: Node-API's signature since version 2; `environment` is the one that we were called with, the loop is written to a
    // local.
    let failed = unsafe {
        let get_loop = std::mem::transmute::<*mut c_void, GetLoop>(host::function(c"napi_get_uv_event_loop"));
        get_loop(environment, &raw mut event_loop)
    };
    if failed != 0 || event_loop.is_null() {
        host::exit_now(1);
    }
    event_loop
}

extern "C" fn js_exit(environment: Environment, info: *mut c_void) -> Value {
    type GetInfo =
        unsafe extern "C" fn(Environment, *mut c_void, *mut usize, *mut Value, *mut Value, *mut *mut c_void) -> i32;
    type GetInt32 = unsafe extern "C" fn(Environment, Value, *mut i32) -> i32;
    let (mut count, mut argument, mut code) = (1, std::ptr::null_mut(), 0);
    // SAFETY: the signatures are Node-API's; at most `count` values are written to `argument`, which holds one.
    unsafe {
        let get_info = std::mem::transmute::<*mut c_void, GetInfo>(host::function(c"napi_get_cb_info"));
        let get_int32 = std::mem::transmute::<*mut c_void, GetInt32>(host::function(c"napi_get_value_int32"));
        let none = std::ptr::null_mut();
        get_info(environment, info, &raw mut count, &raw mut argument, none, std::ptr::null_mut());
        // What is no number leaves the code at 0, as `process.exit()` has it.
        get_int32(environment, argument, &raw mut code);
    }
    host::exit_now(code)
}

fn define(environment: Environment, exports: Value, name: &CStr, callback: Callback) {
    type CreateFunction =
        unsafe extern "C" fn(Environment, *const c_char, usize, Callback, *mut c_void, *mut Value) -> i32;
    type SetProperty = unsafe extern "C" fn(Environment, Value, *const c_char, Value) -> i32;
    let mut function: Value = std::ptr::null_mut();
    // SAFETY: the signatures are Node-API's; names are terminated and their length is given.
    unsafe {
        let create = std::mem::transmute::<*mut c_void, CreateFunction>(host::function(c"napi_create_function"));
        let set = std::mem::transmute::<*mut c_void, SetProperty>(host::function(c"napi_set_named_property"));
        create(environment, name.as_ptr(), name.to_bytes().len(), callback, std::ptr::null_mut(), &raw mut function);
        set(environment, exports, name.as_ptr(), function);
    }
}

fn number(environment: Environment, value: f64) -> Value {
    type CreateDouble = unsafe extern "C" fn(Environment, f64, *mut Value) -> i32;
    let mut created: Value = std::ptr::null_mut();
    // SAFETY: the signature is Node-API's; the value is written to a local.
    unsafe {
        let create = std::mem::transmute::<*mut c_void, CreateDouble>(host::function(c"napi_create_double"));
        create(environment, value, &raw mut created);
    }
    created
}
