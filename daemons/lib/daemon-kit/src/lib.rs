//! What every daemon shares, so that each `main` is a dozen lines and all behave alike.
//!
//! ```no_run
//! use bulkhead_daemon_kit::{ConfigFault, Context, DaemonConfig, DaemonError, DaemonSpec, Role, Threads};
//!
//! #[derive(serde::Deserialize, Default)]
//! #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
//! struct RawConfig {}
//! struct Config;
//! impl DaemonConfig for Config {
//!     type Raw = RawConfig;
//!     fn from_raw(_: RawConfig) -> Result<Self, ConfigFault> {
//!         Ok(Self)
//!     }
//! }
//!
//! async fn serve(mut context: Context<Config>) -> Result<(), DaemonError> {
//!     let socket = context.internal_socket(Role::DbConnector)?;
//!     context.readiness.ready("database");
//!     context.notify_ready();
//!     let router = axum::Router::new();
//!     socket.serve(router, &context.lifetime).await?;
//!     Ok(())
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     bulkhead_daemon_kit::run(
//!         DaemonSpec {
//!             name: "bulkhead-example",
//!             about: "An example",
//!             version: env!("CARGO_PKG_VERSION"),
//!             config: "/etc/bulkhead/example.toml",
//!             threads: Threads::All,
//!         },
//!         serve,
//!     )
//! }
//! ```
//!
//! Owned here: the command line, the configuration files, the sockets that systemd hands over, credentials, logging, readiness,
//! the watchdog, signals, the drain, who may connect, and which addresses may be connected to. Not here: anything that knows what a daemon is for; of
//! its siblings this crate has only the one that knows roles and their certificates.

mod cli;
mod config;
mod control;
mod credentials;
mod daemon;
mod internal_socket;
mod internal_tls;
mod listeners;
mod logging;
mod mutual;
mod network;
mod peers;
mod readiness;
mod request_id;
mod serve;
mod tls;

pub use bulkhead_mtls::{Identity, Role};
pub use config::{ConfigError, ConfigFault, DaemonConfig};
pub use credentials::{CredentialError, Credentials};
pub use daemon::{Context, DaemonError, DaemonSpec, Lifetime, Threads, run};
pub use internal_socket::{InternalSocket, InternalSocketError};
pub use listeners::{Listener, ListenerError, Listeners};
pub use logging::chain;
pub use network::{NetworkPolicy, ResolveError};
pub use peers::{Peer, PeerError, PeerPolicy};
pub use readiness::Readiness;
pub use request_id::RequestId;
pub use serve::{ServeError, ServeOptions, serve};
pub use tls::{TlsError, TlsIdentity};

/// The registry that a daemon adds its metrics to; served as `/metrics` on the control socket.
pub type MetricsRegistry = prometheus_client::registry::Registry;
