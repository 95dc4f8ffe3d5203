//! `bulkhead-jobs-runner`: migrates the database at its start, then does the background jobs.
//!
//! Exactly one works: the one whose connection holds an advisory lock. A second waits and takes over when the first is gone. It
//! owns the schema; it answers no requests but those on its control socket.

mod audit;
mod config;
mod jobs;
mod libraries;
mod source_control;

use bulkhead_daemon_kit::{Context, DaemonError, DaemonSpec, Threads};
use bulkhead_rpc::RpcClient;
use bulkhead_seal::SealPrivateKey;
use bulkhead_store::Database;

use crate::config::Config;

const SPEC: DaemonSpec = DaemonSpec {
    name: "bulkhead-jobs-runner",
    about: "Migrates the database and does the background jobs",
    version: env!("CARGO_PKG_VERSION"),
    config: "/etc/bulkhead/jobs-runner.toml",
    threads: Threads::All,
};

fn main() -> std::process::ExitCode {
    bulkhead_daemon_kit::run(SPEC, run)
}

async fn run(mut context: Context<Config>) -> Result<(), DaemonError> {
    let credential = |name| Ok(context.credentials.read_text(name)?);
    let database = Database::open(&context.config.database, SPEC.name, credential)?;
    let metrics = jobs::Metrics::register(&mut context.metrics);
    context.serve_control();
    context.readiness.not_ready("schema", "the migrations have not run yet");
    context.notify_ready();
    let builders = context
        .config
        .library_builder_socket
        .each()
        .into_iter()
        .map(|address| RpcClient::at("bulkhead-library-builder", &address, context.internal_tls.as_ref()));
    let libraries = libraries::Libraries::new(database.clone(), builders.collect::<Result<_, _>>()?);
    let audit = audit::AuditSeals::new(database.clone(), context.config.audit_keep_days);
    let source_control = source_control::SourceControl::new(
        database.clone(),
        seal_key(&context),
        context.config.network.clone(),
        context.config.folders.clone(),
    );
    let work = jobs::Work { libraries, audit, source_control };
    let jobs = jobs::Jobs::new(database, context.readiness.clone(), metrics, context.config.interval, work);
    tokio::select! {
        () = context.lifetime.shutdown.cancelled() => {}
        () = jobs.run() => {}
    }
    Ok(())
}

/// None on an installation that is older than this key: all but Source Control works without it, migrations above all.
fn seal_key(context: &Context<Config>) -> Option<SealPrivateKey> {
    let text = context.credentials.read_text("seal.key").ok()?;
    let key = SealPrivateKey::from_text(&text);
    if let Err(error) = &key {
        tracing::info!("Source Control has no key yet: run `sudo bulkheadctl setup` once ({error})");
    }
    key.ok()
}
