//! library-builder: builds sets of libraries for user code from lock files. It is the only process that reaches package
//! registries, and jobs-runner is the only one that asks it.
//!
//! Nothing of a package is ever executed. Archives are checked against the hashes of the lock file before anything looks inside,
//! and what does look inside is this same program once more, in a sandbox without a network (`unpack`). State: the sets in
//! `/var/lib/bulkhead-libraries`, each whole or not there, and a cache of archives that may be lost.

mod archives;
mod audit;
mod build;
mod config;
mod digest;
mod error;
mod fetch;
mod images;
mod interpreter;
mod lock;
mod metrics;
mod plan;
mod registry;
mod routes;
mod unpack;
mod unpacker;
mod wheel;
mod workshop;

use std::process::ExitCode;
use std::sync::Arc;

use bulkhead_daemon_kit::{Context, DaemonError, DaemonSpec, Role, Threads};

use crate::build::Builder;
use crate::config::Config;

fn main() -> ExitCode {
    // Before any thread: this process may be a sandbox's stage, or the program in it.
    bulkhead_sandbox::init_if_requested();
    match std::env::args().nth(1).as_deref() {
        Some(unpack::ARGUMENT) => return unpack::main(),
        Some(unpacker::ARGUMENT) => return unpacker::main(),
        _ => {}
    }
    bulkhead_daemon_kit::run(
        DaemonSpec {
            name: "bulkhead-library-builder",
            about: "Builds sets of libraries for user code from lock files",
            version: env!("CARGO_PKG_VERSION"),
            config: "/etc/bulkhead/library-builder.toml",
            threads: Threads::All,
        },
        serve,
    )
}

async fn serve(mut context: Context<Config>) -> Result<(), DaemonError> {
    let socket = context.internal_socket(Role::LibraryBuilder)?;
    let metrics = metrics::Metrics::register(&mut context.metrics);
    let builder = Arc::new(Builder::open(&context.config, &context.credentials, metrics)?);
    context.readiness.ready("sandbox");
    context.serve_control();
    context.notify_ready();
    socket.serve(routes::router(builder), &context.lifetime).await?;
    Ok(())
}
