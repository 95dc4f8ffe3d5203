//! Runs on real parts: PostgreSQL, Temporal, workflows-backend, db-connector, code-executor, and workers that are killed.

#![allow(clippy::unwrap_used)]

mod bounds;
mod changes;
mod controls;
mod elsewhere;
mod events;
mod faults;
mod histories;
mod programs;
mod runs;
mod scopes;
mod secured;
mod temporal;
mod tls_proxy;
mod waits;
mod world;
