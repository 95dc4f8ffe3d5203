//! The smallest daemon that uses everything: a template for a new one, and what this crate's tests start.

use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, Query, State};
use axum::routing::get;
use bulkhead_daemon_kit::{
    ConfigFault, Context, DaemonConfig, DaemonError, DaemonSpec, Peer, PeerPolicy, Readiness, RequestId, ServeOptions,
    Threads, serve,
};
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct RawConfig {
    /// Users that may connect.
    peers: Vec<String>,
    /// Milliseconds between start and readiness, at most 60000.
    warm_up_ms: u64,
}

struct Config {
    peers: Vec<String>,
    warm_up: Duration,
}

impl DaemonConfig for Config {
    type Raw = RawConfig;

    fn from_raw(raw: RawConfig) -> Result<Self, ConfigFault> {
        if raw.warm_up_ms > 60_000 {
            return Err(ConfigFault::new("warm-up-ms", "must be at most 60000"));
        }
        Ok(Self { peers: raw.peers, warm_up: Duration::from_millis(raw.warm_up_ms) })
    }
}

#[derive(Deserialize)]
struct Pause {
    ms: u64,
}

async fn daemon(mut context: Context<Config>) -> Result<(), DaemonError> {
    let listener = context.listeners.take("rpc")?;
    let names: Vec<&str> = context.config.peers.iter().map(String::as_str).collect();
    let peers = PeerPolicy::users(&names)?;
    let reloads = context.lifetime.reload.clone();
    context.readiness.not_ready("warm-up", "it has just started");
    context.serve_control();
    tokio::time::sleep(context.config.warm_up).await;
    context.readiness.ready("warm-up");
    context.notify_ready();
    let router = Router::new()
        .route("/", get(async |Extension(id): Extension<RequestId>| id.0))
        .route(
            "/peer",
            get(async |Extension(peer): Extension<Peer>| peer.uid.map_or_else(String::new, |uid| uid.to_string())),
        )
        .route("/slow", get(slow))
        .route("/panic", get(fail))
        .route("/wedge", get(wedge))
        .route("/reloads", get(async move || reloads.borrow().to_string()))
        .route("/degrade", get(degrade).with_state(context.readiness.clone()));
    serve(listener, router, ServeOptions::unix(peers), &context.lifetime).await?;
    Ok(())
}

async fn slow(Query(pause): Query<Pause>) -> &'static str {
    tokio::time::sleep(Duration::from_millis(pause.ms)).await;
    "done"
}

async fn fail() -> &'static str {
    // What a fault of ours looks like: the request dies, the daemon does not.
    std::panic::panic_any("on purpose")
}

/// Blocks every worker of the runtime for as long as asked, as a fault of ours would.
async fn wedge(Query(pause): Query<Pause>) -> &'static str {
    let workers = tokio::runtime::Handle::current().metrics().num_workers();
    let blocked =
        (0..workers * 2).map(|_| tokio::spawn(async move { std::thread::sleep(Duration::from_millis(pause.ms)) }));
    let blocked: Vec<_> = blocked.collect();
    for task in blocked {
        // A task that only sleeps cannot fail.
        let _ = task.await;
    }
    "unblocked"
}

async fn degrade(State(readiness): State<Readiness>) {
    readiness.degraded("warm-up", "it is cold again");
}

fn main() -> std::process::ExitCode {
    bulkhead_daemon_kit::run(
        DaemonSpec {
            name: "bulkhead-small",
            about: "A daemon for tests",
            version: env!("CARGO_PKG_VERSION"),
            config: "/etc/bulkhead/small.toml",
            threads: Threads::All,
        },
        daemon,
    )
}
