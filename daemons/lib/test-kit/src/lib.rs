//! Real services for tests: a fresh PostgreSQL database for each test, a Temporal server, a provider of OpenID Connect.
//!
//! `cargo xtask test` starts what is needed and names it in the environment. A missing prerequisite is a panic with the
//! command that provides it, never a skipped test.

#![allow(clippy::disallowed_methods, reason = "tests are told by the environment where the services are")]

mod activation;
mod authority;
mod daemon;
mod network;
mod oidc;
mod postgres;
mod server;
mod temporal;

pub use activation::activated;
pub use authority::TestAuthority;
pub use daemon::{Daemon, Signal};
pub use network::Network;
pub use oidc::{CLIENT_SECRET, OidcServer};
pub use postgres::TestDatabase;
pub use server::{TestServer, free_port};
pub use temporal::TestTemporal;

/// The value of a variable that `cargo xtask test` sets.
pub fn provided(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run the tests by `cargo xtask test`"))
}
