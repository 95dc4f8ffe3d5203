//! bulkhead-api: the HTTP API, the web UI, identity, permissions and the audit of what people do.
//!
//! It holds no state of its own: sessions, roles and documents are in PostgreSQL, so any number of replicas serve side by side
//! and a right that is taken away is gone at the next request. It can seal secrets and open none; it runs no query and no code
//! itself but asks db-connector and code-executor; runs start through the outbox, which a worker reads.

mod answers;
mod app_usage;
mod audit;
mod auth;
mod config;
mod http_error;
mod login_watch;
mod metrics;
mod routes;
mod run_watch;
mod state;
mod web;

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon_kit::{Context, DaemonError, Lifetime, PeerPolicy, Readiness, ServeOptions, TlsIdentity};
use bulkhead_store::Database;
use tokio::task::JoinSet;

pub use config::{Config, RawConfig};

use answers::Transport;
use metrics::ApiMetrics;
use state::{Api, SharedApi};

/// The daemon's name: of its binary, unit, user and database role.
pub const NAME: &str = "bulkhead-api";

/// The OpenAPI document of the routes below `/api/v1`, as JSON.
pub fn openapi_json() -> String {
    routes::openapi_json()
}

/// Serves until shutdown.
pub async fn serve(mut context: Context<Config>) -> Result<(), DaemonError> {
    let credential = |name| Ok(context.credentials.read_text(name)?);
    let database = Database::open(&context.config.database, NAME, credential)?;
    let metrics = ApiMetrics::register(&mut context.metrics);
    context.serve_control();
    // Read before anything waits: a certificate that is missing is told at once.
    let identity = TlsIdentity::load(&context.config.tls_certificate, &context.config.tls_key);
    let listeners = [
        (context.listeners.take_optional("https"), Transport::Tls),
        (context.listeners.take_optional("http"), Transport::Loopback),
        (context.listeners.take_optional("rpc"), Transport::Local),
    ];
    let tls = if listeners[0].0.is_some() { Some(identity?) } else { None };
    if !wait_for_schema(&database, &context.readiness, &context.lifetime).await {
        return Ok(());
    }
    let (readiness, shutdown) = (context.readiness.clone(), context.lifetime.shutdown.clone());
    let api =
        Api::start(context.config.clone(), context.internal_tls.as_ref(), database, metrics, readiness, shutdown)?;
    tokio::spawn(watch_database(api.clone(), context.readiness.clone(), context.lifetime.clone()));
    tokio::spawn(login_watch::watch(api.clone(), context.lifetime.shutdown.clone()));
    context.notify_ready();
    let mut served = JoinSet::new();
    for (listener, transport) in listeners {
        let Some(listener) = listener else { continue };
        let options = match (transport, &tls) {
            (Transport::Tls, Some(identity)) => {
                tokio::spawn(reload_on_hang_up(identity.clone(), context.lifetime.clone()));
                ServeOptions::tls(identity.server_config()?)
            }
            (Transport::Tls | Transport::Loopback, _) => ServeOptions::tcp(),
            // Root alone, and this daemon's own user: whoever gets in here administers the machine.
            (Transport::Local, _) => ServeOptions::unix(PeerPolicy::users(&[])?.and_root()),
        };
        let (router, lifetime) = (routes::router(&api, transport), context.lifetime.clone());
        served.spawn(async move { bulkhead_daemon_kit::serve(listener, router, options, &lifetime).await });
    }
    while let Some(ended) = served.join_next().await {
        ended??;
    }
    Ok(())
}

/// Waits for the schema that this build needs; false when shutdown comes first.
async fn wait_for_schema(database: &Database, readiness: &Readiness, lifetime: &Lifetime) -> bool {
    let report = |reason: Option<String>| match reason {
        Some(reason) => readiness.not_ready("database", reason),
        None => readiness.ready("database"),
    };
    tokio::select! {
        () = database.wait_for_schema(report) => true,
        () = lifetime.shutdown.cancelled() => false,
    }
}

/// Keeps `/readyz` true to whether the database answers.
async fn watch_database(api: SharedApi, readiness: Readiness, lifetime: Lifetime) {
    while !lifetime.shutdown.is_cancelled() {
        match api.database.ping().await {
            Ok(()) => readiness.ready("database"),
            Err(error) => readiness.not_ready("database", format!("{error}: check that PostgreSQL runs")),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(5)) => {}
            () = lifetime.shutdown.cancelled() => return,
        }
    }
}

/// Shows a renewed certificate from the next connection on.
async fn reload_on_hang_up(identity: Arc<TlsIdentity>, mut lifetime: Lifetime) {
    while lifetime.reload.changed().await.is_ok() {
        match identity.reload() {
            Ok(()) => tracing::info!("the TLS certificate was read again"),
            Err(error) => tracing::error!("the TLS certificate was not read again, the old one stays: {error}"),
        }
    }
}
