//! A connection to a PostgreSQL resource: its password, its TLS, its prepared statements.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bulkhead_model::resource::{PostgresqlConfig, ResourceConfig, TlsMode};
use bulkhead_rpc::RpcError;
use tokio_postgres::config::SslMode;
use tokio_postgres::{CancelToken, Client, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::QueryError;
use crate::json::RowWriter;
use crate::route::{Route, RouteError, Routes};
use crate::{session, tls};

/// Statements that one connection keeps prepared.
const MAX_PREPARED: usize = 200;

/// A resource, ready to connect to.
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) config: ResourceConfig,
    pub(crate) password: zeroize::Zeroizing<Vec<u8>>,
    pub(crate) built_in: bool,
    /// Made with the first connection: reading the system's authorities takes milliseconds.
    pub(crate) tls: OnceLock<MakeRustlsConnect>,
}

/// A statement that a connection keeps prepared, with the form of its rows.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) statement: Statement,
    pub(crate) writer: Arc<RowWriter>,
    /// Whether it was prepared for an earlier query, so that the schema below it may have changed since.
    pub(crate) known: bool,
}

/// A connection with its prepared statements.
pub(crate) struct Connection {
    pub(crate) client: Arc<Client>,
    prepared: HashMap<String, Prepared>,
    server: Server,
    pub(crate) idle_since: Instant,
    /// Whether it has served before, so that the server may have closed it unseen.
    pub(crate) reused: bool,
}

/// Whom a connection speaks to, and how.
#[derive(Clone)]
struct Server {
    host: String,
    route: Route,
    tls: Option<MakeRustlsConnect>,
}

/// Asks the server to stop what a connection is doing.
pub(crate) struct Cancel {
    token: CancelToken,
    server: Server,
}

impl Cancel {
    pub(crate) async fn send(self) {
        let Self { token, server } = self;
        if let Err(error) = server.route.cancel(&token, &server.host, server.tls).await {
            // The statement's own timeout on the server still ends it.
            tracing::debug!("a cancel did not reach the server: {error:?}");
        }
    }
}

impl Connection {
    /// Connects and logs in.
    pub(crate) async fn open(target: &Target, routes: &Routes) -> Result<Self, QueryError> {
        let ResourceConfig::Postgresql(config) = &target.config;
        let route = routes.to(target, config).await?;
        let mut driver = tokio_postgres::Config::new();
        driver
            .port(config.port)
            .dbname(&config.database)
            .user(&config.user)
            .password(target.password.as_slice())
            .application_name("bulkhead")
            .connect_timeout(routes.timeout);
        let tls = match config.tls {
            TlsMode::Disabled => None,
            TlsMode::VerifyFull => Some(target.verified_tls(config)?),
        };
        driver.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        let opened = async {
            let client = route.connect(&mut driver, &config.host, tls.clone()).await?;
            client.batch_execute(&session::prepare()).await.map_err(RouteError::Database)?;
            Ok(client)
        };
        // tokio-postgres bounds the TCP connect; this bounds the handshakes after it too.
        let client = match tokio::time::timeout(routes.timeout, opened).await {
            Ok(opened) => opened.map_err(|error| target.refused(config, error))?,
            Err(_) => return Err(target.unreachable(config, no_answer(routes.timeout))),
        };
        let server = Server { host: config.host.clone(), route, tls };
        Ok(Self {
            client: Arc::new(client),
            prepared: HashMap::new(),
            server,
            idle_since: Instant::now(),
            reused: false,
        })
    }

    /// The prepared form of `text`, from this connection's cache where it can be.
    pub(crate) async fn prepare(&mut self, text: &str) -> Result<Prepared, PrepareError> {
        if let Some(prepared) = self.prepared.get(text) {
            return Ok(Prepared { known: true, ..prepared.clone() });
        }
        let statement = self.client.prepare(text).await.map_err(PrepareError::Server)?;
        let writer = RowWriter::new(statement.columns()).map_err(PrepareError::Column)?;
        if self.prepared.len() >= MAX_PREPARED {
            self.prepared.clear();
        }
        let prepared = Prepared { statement, writer: Arc::new(writer), known: false };
        self.prepared.insert(text.to_owned(), prepared.clone());
        Ok(prepared)
    }

    /// Forgets a prepared statement: the schema below it has changed.
    pub(crate) fn forget(&mut self, text: &str) {
        self.prepared.remove(text);
    }

    pub(crate) fn cancel(&self) -> Cancel {
        Cancel { token: self.client.cancel_token(), server: self.server.clone() }
    }
}

/// Why a statement cannot be prepared.
pub(crate) enum PrepareError {
    /// The server said so, or is gone.
    Server(tokio_postgres::Error),
    /// A column cannot be shown.
    Column(QueryError),
}

fn no_answer(timeout: Duration) -> String {
    format!("it did not answer within {} ms", timeout.as_millis())
}

impl Target {
    fn verified_tls(&self, config: &PostgresqlConfig) -> Result<MakeRustlsConnect, QueryError> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls.clone());
        }
        let made = tls::verifying(config.ca_certificate.as_deref()).map_err(|reason| self.no_tls(config, reason))?;
        Ok(self.tls.get_or_init(|| MakeRustlsConnect::new(made)).clone())
    }

    fn no_tls(&self, config: &PostgresqlConfig, reason: String) -> QueryError {
        QueryError::Tls { resource: self.name.clone(), host: config.host.clone(), port: config.port, reason }
    }

    fn unreachable(&self, config: &PostgresqlConfig, reason: String) -> QueryError {
        QueryError::Unreachable { resource: self.name.clone(), host: config.host.clone(), port: config.port, reason }
    }

    /// Why connecting failed.
    fn refused(&self, config: &PostgresqlConfig, error: RouteError) -> QueryError {
        let resource = self.name.clone();
        match error {
            RouteError::Database(error) => self.refused_by_database(config, &error),
            RouteError::Name(reason) => self.no_tls(config, reason),
            RouteError::Tunnel(RpcError::Problem(problem)) => QueryError::Tunnel { resource, problem },
            RouteError::Tunnel(error) => QueryError::NoSshConnector { resource, source: error },
        }
    }

    fn refused_by_database(&self, config: &PostgresqlConfig, error: &tokio_postgres::Error) -> QueryError {
        let resource = self.name.clone();
        if let Some(said) = error.as_db_error() {
            let log_in = said.code().code().starts_with("28") || said.code().code() == "3D000";
            let message = said.message().to_owned();
            return if log_in { QueryError::LogIn { resource, message } } else { self.unreachable(config, message) };
        }
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            reason = format!("{reason}: {error}");
            cause = error.source();
        }
        // The driver tells its kinds of errors apart only by their words.
        if reason.starts_with("error performing TLS handshake") {
            return self.no_tls(config, reason);
        }
        if reason.starts_with("authentication error") || reason.contains("password missing") {
            return QueryError::LogIn { resource, message: reason };
        }
        self.unreachable(config, reason)
    }
}
