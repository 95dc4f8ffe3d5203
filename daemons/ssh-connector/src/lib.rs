//! ssh-connector opens SSH tunnels for db-connector. It is the only process that can open the keys and passwords of SSH hosts.
//!
//! State: SSH sessions that wait for their next tunnel. It owns nothing durable. It must not speak to a host that shows another
//! key than the pinned one, and it must not look at the bytes that it carries.

mod carry;
mod config;
mod credential;
mod error;
mod log_in;
mod metrics;
mod routes;
mod session;
mod sessions;
mod target;
mod trial;

use std::sync::Arc;

use bulkhead_daemon_kit::{Context, DaemonError, DaemonSpec, Role, Threads};
use bulkhead_seal::SealPrivateKey;
use bulkhead_store::Database;

pub use config::Config;
pub use metrics::Metrics;
pub use routes::{Tunnels, router};

/// Who this daemon is.
pub const SPEC: DaemonSpec = DaemonSpec {
    name: "bulkhead-ssh-connector",
    about: "Opens and keeps SSH tunnels with pinned host keys",
    version: env!("CARGO_PKG_VERSION"),
    config: "/etc/bulkhead/ssh-connector.toml",
    threads: Threads::All,
};

/// Serves until it is told to stop.
pub async fn run(mut context: Context<Config>) -> Result<(), DaemonError> {
    let socket = context.internal_socket(Role::SshConnector)?;
    let key = SealPrivateKey::from_text(&context.credentials.read_text("seal.key")?)?;
    let credential = |name| Ok(context.credentials.read_text(name)?);
    let database = Database::open(&context.config.database, SPEC.name, credential)?;
    let metrics = Metrics::register(&mut context.metrics);
    let tunnels = Tunnels::new(database.clone(), key, &context.config, metrics, context.lifetime.shutdown.clone());
    context.serve_control();
    tokio::spawn(watch_database(database, context.readiness.clone()));
    tokio::spawn(Arc::clone(&tunnels).close_idle_sessions());
    context.notify_ready();
    socket.serve(router(Arc::clone(&tunnels)), &context.lifetime).await?;
    tunnels.drain(context.lifetime.drain_timeout).await;
    Ok(())
}

/// Keeps `/readyz` true about the database.
async fn watch_database(database: Database, readiness: bulkhead_daemon_kit::Readiness) {
    loop {
        database
            .wait_for_schema(|reason| match reason {
                Some(reason) => readiness.not_ready("database", reason),
                None => readiness.ready("database"),
            })
            .await;
        tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    }
}
