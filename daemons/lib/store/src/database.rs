//! Connections to the `bulkhead` database.

use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod, Runtime, Timeouts,
};
use tokio_postgres::Socket;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::database_config::{DatabaseConfig, DatabaseConfigError};
use crate::database_tls;

use crate::keyed_locks::KeyedLocks;
use crate::release_cache::ReleaseCache;
use crate::{SCHEMA_VERSION, StoreError};

/// A clause that makes a commit not wait for the disk: for what does no harm when a power cut takes it back. To be named in a FROM.
pub(crate) const LAZILY: &str = "(SELECT set_config('synchronous_commit', 'off', true)) AS lazily";

/// The systemd credential of a password.
const PASSWORD: &str = "database.password";

/// How connections to other machines are encrypted. One to a socket of this machine is not.
#[derive(Clone)]
pub(crate) struct Tls(MakeRustlsConnect);

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Tls")
    }
}

/// What the driver hands out.
pub(crate) type Connection =
    tokio_postgres::Connection<Socket, <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<Socket>>::Stream>;

/// A pool of connections. Clones share it.
#[derive(Clone, Debug)]
pub struct Database {
    pool: Pool,
    config: tokio_postgres::Config,
    tls: Tls,
    pub(crate) releases: ReleaseCache,
    /// Of events, by workflow, name and key.
    pub(crate) events: KeyedLocks,
}

/// Makes connections that do not come from the pool.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    config: tokio_postgres::Config,
    tls: Tls,
}

impl Connector {
    pub(crate) async fn connect(&self) -> Result<(tokio_postgres::Client, Connection), tokio_postgres::Error> {
        self.config.connect(self.tls.0.clone()).await
    }
}

impl Database {
    /// A pool for `role` (the daemon's Unix user), with the password that `credential` reads where the configuration asks for one. Connects
    /// on first use, so a database that is down is no error here.
    pub fn open<S: AsRef<str>>(
        config: &DatabaseConfig,
        role: &str,
        credential: impl FnOnce(&'static str) -> Result<S, Box<dyn std::error::Error + Send + Sync>>,
    ) -> Result<Self, DatabaseConfigError> {
        let mut postgres = tokio_postgres::Config::new();
        postgres.dbname(&config.name).user(config.user.as_deref().unwrap_or(role)).application_name(role);
        if config.hosts.is_empty() {
            postgres.host(&config.socket_directory).port(config.port).connect_timeout(Duration::from_secs(5));
            return Ok(Self::with_config(postgres, config.max_connections.into()));
        }
        for host in &config.hosts {
            postgres.host(host).port(config.port);
        }
        // A server that stands by takes no writes: the one that took its place is found.
        postgres.ssl_mode(SslMode::Require).target_session_attrs(TargetSessionAttrs::ReadWrite);
        postgres.connect_timeout(Duration::from_secs(if config.hosts.len() > 1 { 2 } else { 5 }));
        // A machine without power is noticed within half a minute.
        postgres.keepalives_idle(Duration::from_secs(10)).keepalives_interval(Duration::from_secs(5));
        postgres.keepalives_retries(3).tcp_user_timeout(Duration::from_secs(25));
        if config.password {
            let password = credential(PASSWORD).map_err(DatabaseConfigError::Password)?;
            postgres.password(password.as_ref().trim_end_matches(['\r', '\n']));
        }
        let tls = database_tls::client(config)?;
        Ok(Self::over(postgres, tls, config.max_connections.into()))
    }

    /// A pool with an explicit driver configuration, without encryption.
    pub fn with_config(mut config: tokio_postgres::Config, max_connections: usize) -> Self {
        config.ssl_mode(SslMode::Disable);
        Self::over(config, database_tls::unused(), max_connections)
    }

    fn over(config: tokio_postgres::Config, tls: MakeRustlsConnect, max_connections: usize) -> Self {
        let recycling_method = RecyclingMethod::Fast;
        let manager = Manager::from_config(config.clone(), tls.clone(), ManagerConfig { recycling_method });
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
        Self { pool, config, tls: Tls(tls), releases: ReleaseCache::default(), events: KeyedLocks::default() }
    }

    /// A connection from the pool.
    pub(crate) async fn client(&self, operation: &'static str) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|source| StoreError::Unavailable { operation, source: Box::new(source) })
    }

    /// Connections of one's own, beside the pool.
    pub(crate) fn connector(&self) -> Connector {
        Connector { config: self.config.clone(), tls: self.tls.clone() }
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
