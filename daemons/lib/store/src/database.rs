//! Connections to the `bulkhead` database.

use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod, Runtime, Timeouts,
};
use serde::Deserialize;
use tokio_postgres::NoTls;

use crate::keyed_locks::KeyedLocks;
use crate::release_cache::ReleaseCache;
use crate::{SCHEMA_VERSION, StoreError};

/// A clause that makes a commit not wait for the disk: for what does no harm when a power cut takes it back. To be named in a FROM.
pub(crate) const LAZILY: &str = "(SELECT set_config('synchronous_commit', 'off', true)) AS lazily";

/// How to reach the database: the `[database]` table of a daemon's configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// Directory of PostgreSQL's Unix socket. The kernel tells PostgreSQL who connects (peer authentication), so there is no
    /// password.
    pub socket_directory: String,
    /// The port that is part of the socket's name.
    pub port: u16,
    /// Database name.
    pub name: String,
    /// Role; the daemon's own Unix user when absent, as peer authentication wants it.
    pub user: Option<String>,
    /// Connections held at most.
    pub max_connections: u16,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            socket_directory: "/run/postgresql".into(),
            port: 5432,
            name: "bulkhead".into(),
            user: None,
            max_connections: 16,
        }
    }
}

/// A pool of connections. Clones share it.
#[derive(Clone, Debug)]
pub struct Database {
    pool: Pool,
    config: tokio_postgres::Config,
    pub(crate) releases: ReleaseCache,
    /// Of events, by workflow, name and key.
    pub(crate) events: KeyedLocks,
}

impl Database {
    /// A pool for `role` (the daemon's Unix user). Connects on first use, so a database that is down is no error here.
    pub fn new(config: &DatabaseConfig, role: &str) -> Self {
        let mut postgres = tokio_postgres::Config::new();
        postgres
            .host(&config.socket_directory)
            .port(config.port)
            .dbname(&config.name)
            .user(config.user.as_deref().unwrap_or(role))
            .application_name(role)
            .connect_timeout(Duration::from_secs(5));
        Self::with_config(postgres, config.max_connections.into())
    }

    /// A pool with an explicit driver configuration.
    pub fn with_config(config: tokio_postgres::Config, max_connections: usize) -> Self {
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_config(config.clone(), NoTls, ManagerConfig { recycling_method });
        let wait = Some(Duration::from_secs(5));
        let pool = Pool::builder(manager)
            .max_size(max_connections)
            // The one that was used last: its process has plans and caches that are warm.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts { wait, create: wait, recycle: wait })
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move {
                    // An acknowledged write survives a power cut whatever the cluster's default is.
                    let set = "SET synchronous_commit = on; SET statement_timeout = '30s'; SET TIME ZONE 'UTC'";
                    client.batch_execute(set).await.map_err(HookError::Backend)
                })
            }))
            .build()
            .expect("a pool with a runtime always builds");
        Self { pool, config, releases: ReleaseCache::default(), events: KeyedLocks::default() }
    }

    /// A connection from the pool.
    pub(crate) async fn client(&self, operation: &'static str) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|source| StoreError::Unavailable { operation, source: Box::new(source) })
    }

    pub(crate) fn driver_config(&self) -> &tokio_postgres::Config {
        &self.config
    }

    /// The schema's version; 0 before the first migration.
    pub async fn schema_version(&self) -> Result<i32, StoreError> {
        let operation = "read the schema's version";
        let client = self.client(operation).await?;
        let exists = client.query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[]).await;
        if !exists.map_err(StoreError::of(operation))?.get::<_, bool>(0) {
            return Ok(0);
        }
        let row = client.query_one("SELECT coalesce(max(version), 0) FROM schema_migrations", &[]).await;
        Ok(row.map_err(StoreError::of(operation))?.get(0))
    }

    /// Waits until the schema is at least what this build needs, telling `report` why it waits; `None` when all is well.
    pub async fn wait_for_schema(&self, mut report: impl FnMut(Option<String>)) {
        loop {
            let reason = match self.schema_version().await {
                Ok(version) if version >= SCHEMA_VERSION => {
                    report(None);
                    return;
                }
                Ok(version) => format!(
                    "the database has schema {version} and this version needs {SCHEMA_VERSION}: bulkhead-jobs-runner migrates it, see its journal"
                ),
                Err(error) => {
                    format!("{error}: check that PostgreSQL runs and has the role of this daemon (bulkheadctl doctor)")
                }
            };
            report(Some(reason));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Whether a statement gets through right now.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let operation = "reach the database";
        let client = self.client(operation).await?;
        client.simple_query("SELECT 1").await.map(|_| ()).map_err(StoreError::of(operation))
    }
}
