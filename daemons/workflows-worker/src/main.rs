//! `bulkhead-workflows-worker`: polls Temporal and drives runs.
//!
//! It interprets the pinned release of a run, block by block: code goes to code-executor, queries to workflows-backend, which keeps
//! the journal. It holds no state of a run: whatever it knows it has from the journal, so it may die at any moment. It must not
//! write to the tables of runs.

mod blocks;
mod config;
mod env;
mod executor;
mod first;
mod flow;
mod interpreter;
mod known;
mod metrics;
mod plain;
mod reports;
mod scopes;
mod starter;
mod step;
mod text;

use std::sync::Arc;

use bulkhead_daemon_kit::{Context, DaemonError, DaemonSpec, Readiness, Threads};
use bulkhead_rpc::RpcClient;
use bulkhead_store::Database;
use bulkhead_temporal_engine::{Engine, EngineState};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::first::FirstSteps;
use crate::interpreter::Interpreter;
use crate::metrics::Metrics;
use crate::starter::Starter;

const SPEC: DaemonSpec = DaemonSpec {
    name: "bulkhead-workflows-worker",
    about: "Polls Temporal and drives runs",
    version: env!("CARGO_PKG_VERSION"),
    config: "/etc/bulkhead/workflows-worker.toml",
    threads: Threads::Few,
};

fn main() -> std::process::ExitCode {
    bulkhead_daemon_kit::run(SPEC, run)
}

async fn run(mut context: Context<Config>) -> Result<(), DaemonError> {
    let credential = |name| Ok(context.credentials.read_text(name)?);
    let database = Database::open(&context.config.database, SPEC.name, credential)?;
    let mut temporal = context.config.temporal.clone();
    if context.config.temporal_api_key {
        temporal.api_key = Some(context.credentials.read_text("temporal-api-key")?.trim().to_owned());
    }
    let identity = context.internal_tls.as_ref();
    let backend = RpcClient::at("bulkhead-workflows-backend", &context.config.workflows_backend_socket, identity)?;
    let executor = RpcClient::at("bulkhead-code-executor", &context.config.code_executor_socket, identity)?;
    let metrics = Metrics::register(&mut context.metrics);
    context.serve_control();
    // A starter that reads an outbox of another shape would only fail in a loop.
    let readiness = context.readiness.clone();
    context.notify_ready();
    tokio::select! {
        () = context.lifetime.shutdown.cancelled() => return Ok(()),
        () = database.wait_for_schema(|reason| match reason {
            Some(reason) => readiness.not_ready("database", reason),
            None => readiness.ready("database"),
        }) => {}
    }
    let interpreter =
        Arc::new(Interpreter::new(backend, executor, metrics.clone(), context.config.recycle_after_steps));
    let worn_out = interpreter.worn_out();
    // The engine's own token: steps under way are drained before the thread ends.
    let stop = CancellationToken::new();
    let (engine, thread) = Engine::start_thread(temporal, Arc::clone(&interpreter) as _, stop.clone())?;
    let watched = watch_engine(engine.clone(), readiness);
    let first_steps = FirstSteps::new(database.clone(), engine.clone(), interpreter, metrics.clone());
    let reconcile_interval = context.config.reconcile_interval;
    let starter = Starter { database, engine, metrics, first_steps, reconcile_interval };
    let mut started = std::pin::pin!(starter.run(stop.clone()));
    tokio::select! {
        () = context.lifetime.shutdown.cancelled() => {}
        () = worn_out.cancelled() => {}
        () = &mut started => {}
        // Only a panic ends the engine's thread now. Without it this process is a worker that does nothing.
        () = watched => return Err("the thread that talks to Temporal has died: systemd starts this daemon anew".into()),
    }
    stop.cancel();
    let drained = async { tokio::join!(started, tokio::task::spawn_blocking(move || thread.join())) };
    if tokio::time::timeout(context.lifetime.drain_timeout, drained).await.is_err() {
        tracing::warn!("steps under way did not end in time; another worker goes on with them");
    }
    Ok(())
}

/// Keeps `/readyz` true about Temporal, until the engine ends.
async fn watch_engine(engine: Engine, readiness: Readiness) {
    let mut state = engine.state();
    loop {
        let now = state.borrow_and_update().clone();
        match now {
            EngineState::Working => readiness.ready("temporal"),
            EngineState::Waiting(reason) => {
                readiness.not_ready("temporal", format!("{reason}; runs wait and nothing is lost"))
            }
        }
        if state.changed().await.is_err() {
            return;
        }
    }
}
