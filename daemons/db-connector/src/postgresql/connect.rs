//! A connection to a PostgreSQL resource: its password, its TLS, its prepared statements.

use std::collections::HashMap;
use std::sync::Arc;

use bulkhead_model::resource::{self, PostgresqlConfig};
use tokio_postgres::config::SslMode;
use tokio_postgres::{CancelToken, Client, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::json::RowWriter;
use super::session;
use super::way::{self, WayError};
use crate::error::QueryError;
use crate::pool;
use crate::route::{Route, Routes, no_tunnel};
use crate::target::Target;

/// Statements that one connection keeps prepared.
const MAX_PREPARED: usize = 200;

/// A statement that a connection keeps prepared, with the form of its rows.
#[derive(Clone)]
pub(super) struct Prepared {
    pub(super) statement: Statement,
    pub(super) writer: Arc<RowWriter>,
    /// Whether it was prepared for an earlier query, so that the schema below it may have changed since.
    pub(super) known: bool,
}

/// A connection with its prepared statements.
pub(super) struct Connection {
    pub(super) client: Arc<Client>,
    prepared: HashMap<String, Prepared>,
    server: Server,
}

/// Whom a connection speaks to, and how.
#[derive(Clone)]
struct Server {
    host: String,
    route: Route,
    tls: Option<MakeRustlsConnect>,
}

/// Asks the server to stop what a connection is doing.
pub(super) struct Cancel {
    token: CancelToken,
    server: Server,
}

impl Cancel {
    pub(super) async fn send(self) {
        let Self { token, server } = self;
        if let Err(error) = way::cancel(&server.route, &token, &server.host, server.tls).await {
            // The statement's own timeout on the server still ends it.
            tracing::debug!("a cancel did not reach the server: {error:?}");
        }
    }
}

impl pool::Connection for Connection {
    type Config = PostgresqlConfig;

    async fn open(config: &PostgresqlConfig, target: &Target, routes: &Routes) -> Result<Self, QueryError> {
        let server = config.server();
        let route = routes.to(target, &server).await?;
        let mut driver = tokio_postgres::Config::new();
        driver
            .port(config.port)
            .dbname(&config.database)
            .user(&config.user)
            .password(target.required_secret()?)
            .application_name("bulkhead")
            .connect_timeout(routes.timeout);
        let tls = target.tls(&server)?.map(|tls| MakeRustlsConnect::new((*tls).clone()));
        driver.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        let opened = async {
            let client = way::connect(&route, &mut driver, &config.host, tls.clone()).await?;
            client.batch_execute(&session::prepare()).await.map_err(WayError::Database)?;
            Ok(client)
        };
        // tokio-postgres bounds the TCP connect; this bounds the handshakes after it too.
        let client = match tokio::time::timeout(routes.timeout, opened).await {
            Ok(opened) => opened.map_err(|error| refused(target, &server, error))?,
            Err(_) => return Err(routes.no_answer(target, &server)),
        };
        let server = Server { host: config.host.clone(), route, tls };
        Ok(Self { client: Arc::new(client), prepared: HashMap::new(), server })
    }

    fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}

impl Connection {
    /// The prepared form of `text`, from this connection's cache where it can be.
    pub(super) async fn prepare(&mut self, text: &str) -> Result<Prepared, PrepareError> {
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
    pub(super) fn forget(&mut self, text: &str) {
        self.prepared.remove(text);
    }

    pub(super) fn cancel(&self) -> Cancel {
        Cancel { token: self.client.cancel_token(), server: self.server.clone() }
    }
}

/// Why a statement cannot be prepared.
pub(super) enum PrepareError {
    /// The server said so, or is gone.
    Server(tokio_postgres::Error),
    /// A column cannot be shown.
    Column(QueryError),
}

/// Why connecting failed.
fn refused(target: &Target, server: &resource::Server<'_>, error: WayError) -> QueryError {
    match error {
        WayError::Database(error) => refused_by_database(target, server, &error),
        WayError::Name(reason) => target.no_tls(server, reason),
        WayError::Tunnel(error) => no_tunnel(target, error),
    }
}

fn refused_by_database(target: &Target, server: &resource::Server<'_>, error: &tokio_postgres::Error) -> QueryError {
    if let Some(said) = error.as_db_error() {
        let is_log_in = said.code().code().starts_with("28") || said.code().code() == "3D000";
        let message = said.message();
        return if is_log_in { target.log_in(message) } else { target.unreachable(server, message) };
    }
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        reason = format!("{reason}: {error}");
        cause = error.source();
    }
    // The driver tells its kinds of errors apart only by their words.
    if reason.starts_with("error performing TLS handshake") {
        return target.no_tls(server, reason);
    }
    if reason.starts_with("authentication error") || reason.contains("password missing") {
        return target.log_in(reason);
    }
    target.unreachable(server, reason)
}
