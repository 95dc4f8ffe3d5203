//! One shared library for both interpreters: `serve` blocks in the zygote and returns in each run that it forks, inside the
//! run's sandbox, when there is work.
//!
//! The interpreters' own functions are looked up when they are needed, so that the library has no symbol that one of the two
//! lacks. Nothing here decides about isolation: that is `bulkhead_sandbox::fork_server`.
#![allow(unsafe_code)]

mod host;
mod node;
mod python;
