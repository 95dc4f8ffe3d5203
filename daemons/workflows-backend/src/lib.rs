//! workflows-backend owns the effects of runs: what was called, what came of it, what was logged, how a run stands.
//!
//! A worker may die at any moment; what it asked for goes on here, and a repeat of the same call finds it. It also starts the runs of the
//! clock, escalates questions, deletes old runs and events, and sends traces of runs where that is wanted. State: the journal in
//! PostgreSQL, and in memory only which calls are under way in this process, and what code that runs has asked it for. It opens
//! the secrets that code may use and webhooks are signed with, each for one answer, and no others. It must not run user code.

mod actions;
mod body;
mod calls;
mod capabilities;
mod clock;
mod codes;
mod config;
mod error;
mod events;
mod metrics;
mod patience;
mod places;
mod routes;
mod secrets;
mod sending;
mod state;
mod token;
mod traces;

use bulkhead_daemon_kit::{Context, DaemonError, DaemonSpec, Readiness, Role, Threads};
use bulkhead_rpc::RpcClient;
use bulkhead_store::Database;

pub use config::Config;
pub use routes::{Backend, router};
pub use secrets::Secrets;
pub use token::{Scope, TokenKey};

/// Who this daemon is.
pub const SPEC: DaemonSpec = DaemonSpec {
    name: "bulkhead-workflows-backend",
    about: "Owns the effects, results and logs of running blocks",
    version: env!("CARGO_PKG_VERSION"),
    config: "/etc/bulkhead/workflows-backend.toml",
    threads: Threads::Few,
};

/// Serves until it is told to stop.
pub async fn run(mut context: Context<Config>) -> Result<(), DaemonError> {
    let socket = context.internal_socket(Role::WorkflowsBackend)?;
    let key = TokenKey::new(&context.credentials.read("run-token.key")?)?;
    let credential = |name| Ok(context.credentials.read_text(name)?);
    let database = Database::open(&context.config.database, SPEC.name, credential)?;
    let metrics = metrics::Metrics::register(&mut context.metrics);
    let connector =
        RpcClient::at("bulkhead-db-connector", &context.config.db_connector_socket, context.internal_tls.as_ref())?;
    let secrets = Secrets::open(database.clone(), &context.credentials, &context.readiness);
    if let Some(settings) = context.config.traces.clone() {
        let (metrics, readiness) = (metrics.clone(), context.readiness.clone());
        let exporter = traces::Exporter::new(database.clone(), settings, &context.credentials, metrics, readiness)?;
        tokio::spawn(exporter.run());
    }
    let backend = Backend::new(database.clone(), connector, key, secrets, metrics.clone());
    context.serve_control();
    tokio::spawn(clock::start_scheduled_runs(database.clone()));
    tokio::spawn(clock::delete_old_runs(database.clone()));
    tokio::spawn(clock::delete_old_events(database.clone()));
    tokio::spawn(clock::escalate_questions(database.clone()));
    tokio::spawn(clock::watch_queue(database.clone(), metrics.clone()));
    tokio::spawn(watch_database(database, context.readiness.clone()));
    context.notify_ready();
    socket.serve(router(backend.clone()), &context.lifetime).await?;
    // Calls go on when their caller is gone; they are part of the drain.
    backend.wait_for_calls(context.lifetime.drain_timeout).await;
    Ok(())
}

/// Keeps `/readyz` true about the database.
async fn watch_database(database: Database, readiness: Readiness) {
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
