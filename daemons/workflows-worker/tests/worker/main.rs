//! Runs on real parts: PostgreSQL, Temporal, workflows-backend, db-connector, code-executor, and workers that are killed.

#![allow(clippy::unwrap_used)]

mod controls;
mod events;
mod faults;
mod programs;
mod runs;
mod scopes;
mod temporal;
mod waits;
mod world;
