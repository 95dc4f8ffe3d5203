//! Wire types and clients of the internal sockets.
//!
//! Every internal service speaks HTTP/1.1 with JSON over a Unix socket, or over TLS between machines. A type lives here when two daemons must agree
//! on it; the server's routes live with the server. Daemons reach each other only through this crate.

pub mod accounts;
pub mod address;
pub mod backend;
pub mod client;
mod connection;
pub mod connector;
pub mod executor;
pub mod export;
pub mod fetch;
pub mod library_builder;
pub mod problem;
mod replicas;
pub mod sign_in;
pub mod ssh;
pub mod tables;

pub use address::Address;
pub use client::{RpcClient, RpcError};
pub use problem::Problem;
