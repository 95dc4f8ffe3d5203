//! code-executor: runs JavaScript and Python blocks, each in a sandboxed process of its own.
//!
//! Callers are api (a single block from the editor) and workflows-worker (blocks and expressions of a
//! run). Code speaks only over one inherited descriptor; this daemon adds the
//! run's capability token to what it asks for, and workflows-backend decides. Nothing is stored here.

mod block;
mod bodies;
mod calls;
mod chain;
mod child;
mod config;
mod frames;
mod interpreter;
mod logs;
mod metrics;
mod pool;
mod queue;
mod request;
mod routes;
mod startup;
mod verdict;

use std::process::ExitCode;
use std::sync::Arc;

use bulkhead_daemon_kit::{Context, DaemonError, DaemonSpec, Role, Threads};

use crate::bodies::Bodies;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::routes::Service;

fn main() -> ExitCode {
    // Before any thread: this process may be a sandbox's stage.
    bulkhead_sandbox::init_if_requested();
    bulkhead_daemon_kit::run(
        DaemonSpec {
            name: "bulkhead-code-executor",
            about: "Runs JavaScript and Python in the sandbox",
            version: env!("CARGO_PKG_VERSION"),
            config: "/etc/bulkhead/code-executor.toml",
            threads: Threads::Few,
        },
        serve,
    )
}

async fn serve(mut context: Context<Config>) -> Result<(), DaemonError> {
    let socket = context.internal_socket(Role::CodeExecutor)?;
    let config = &context.config;
    let metrics = Arc::new(Metrics::new(&mut context.metrics));
    let runner = Arc::new(startup::prepare(config, context.internal_tls.as_ref(), &context.readiness, &metrics)?);
    let service = Service {
        runner: Arc::clone(&runner),
        queue: Queue::new(config.concurrency, config.queue),
        memory_max_bytes: config.memory_max_bytes,
        bodies: Bodies::new(config.body_limit_bytes),
        metrics,
    };
    let router = routes::router(service);
    context.serve_control();
    tokio::spawn(startup::close_unused(Arc::clone(&runner)));
    tokio::spawn(startup::try_interpreters(runner, context.readiness.clone()));
    context.notify_ready();
    socket.serve(router, &context.lifetime).await?;
    Ok(())
}
