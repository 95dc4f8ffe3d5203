//! The daemon as its callers see it: the real binary, real Node and Python, over its real socket.
#![allow(clippy::unwrap_used)]

#[path = "../../../../sandbox/tests/escape/attacks.rs"]
mod attacks;
mod backend;
mod bad_input;
mod executor;
mod functions;
mod isolation;
mod javascript_attacks;
mod languages;
mod libraries;
mod limits;
mod startup;
mod zygotes;
