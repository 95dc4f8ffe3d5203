//! db-connector runs every query against a resource. It is the only process that can open resource credentials.
//!
//! State: the connections to each resource in use, at one revision, and results of reads that are kept for a while. It owns nothing
//! durable. It must not decide who may run what (api and workflows-backend do), and it must not log statements' values or secrets.

mod accounts;
mod amqp;
mod answer;
mod cache;
mod change;
mod clickhouse;
mod config;
mod elasticsearch;
mod error;
mod export;
mod fetch;
mod graphql;
mod grpc;
mod http;
mod json;
mod kind;
mod ldap;
mod memory;
mod metrics;
mod mongodb;
mod mysql;
mod nats;
mod pool;
mod postgresql;
mod redis;
mod resources;
mod rest;
mod route;
mod routes;
mod s3;
mod sign_in;
mod smtp;
mod sql_server;
mod sqlite;
mod statement;
mod target;
mod tls;
mod wire;

use std::sync::Arc;

use bulkhead_daemon_kit::{Context, DaemonError, DaemonSpec, Role, Threads};
use bulkhead_rpc::RpcClient;
use bulkhead_seal::SealPrivateKey;
use bulkhead_store::Database;

pub use config::Config;
pub use fetch::Origins;
pub use routes::{Connector, router};

/// Who this daemon is.
pub const SPEC: DaemonSpec = DaemonSpec {
    name: "bulkhead-db-connector",
    about: "Runs every query against a resource",
    version: env!("CARGO_PKG_VERSION"),
    config: "/etc/bulkhead/db-connector.toml",
    threads: Threads::All,
};

/// Serves until it is told to stop.
pub async fn run(mut context: Context<Config>) -> Result<(), DaemonError> {
    let socket = context.internal_socket(Role::DbConnector)?;
    let key = SealPrivateKey::from_text(&context.credentials.read_text("seal.key")?)?;
    let credential = |name| Ok(context.credentials.read_text(name)?);
    let database = Database::open(&context.config.database, SPEC.name, credential)?;
    let metrics = metrics::Metrics::register(&mut context.metrics);
    let ssh_connector =
        RpcClient::at("bulkhead-ssh-connector", &context.config.ssh_connector_socket, context.internal_tls.as_ref())?;
    let connector = Connector::new(database.clone(), key, &context.config, ssh_connector, metrics);
    context.serve_control();
    tokio::spawn(watch_database(database, context.readiness.clone()));
    tokio::spawn(Arc::clone(&connector).clean_up());
    context.notify_ready();
    socket.serve(router(connector), &context.lifetime).await?;
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
