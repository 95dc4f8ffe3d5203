//! One shared library for both interpreters: `serve` blocks in the zygote and returns in each run that it forks, inside the
//! run's sandbox; `waitForWork` blocks there until there is work.
//!
//! The interpreters' own functions are looked up when they are needed, so that the library has no symbol that one of the two
//! lacks. Nothing here decides about isolation: that is `bulkhead_sandbox::fork_server`.
#![allow(unsafe_code)]

use std::sync::Mutex;

use bulkhead_sandbox::fork_server::Run;

/// In a run, between `serve` and `wait_for_work`.
static RUN: Mutex<Option<Run>> = Mutex::new(None);

/// Becomes a run for which there is work.
fn wait_for_work() {
    if let Some(run) = RUN.lock().ok().and_then(|mut run| run.take()) {
        run.wait_for_work();
    }
}

/// In a fresh run: keeps it until the interpreter is prepared.
fn keep(run: Run) {
    if let Ok(mut place) = RUN.lock() {
        *place = Some(run);
    }
}

mod host;
mod node;
mod python;
