//! Redis and Valkey: one command at a time on a connection that nobody else uses meanwhile.

mod metered;
mod value;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_model::operation::Operation;
use bulkhead_model::query::QueryMode;
use bulkhead_model::resource::RedisConfig;
use bulkhead_rpc::connector::QueryRequest;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ProtocolVersion, RedisConnectionInfo, RedisError};

use crate::answer::{Answer, Summary, of_value};
use crate::error::QueryError;
use crate::kind::{Kind, operation};
use crate::pool::{self, Pool, Shared};
use crate::route::Routes;
use crate::target::Target;
use metered::{Budget, Metered};

/// Commands that change the connection itself or take it over; it is shared with other queries.
const OF_THE_CONNECTION: &[&str] = &[
    "asking",
    "auth",
    "client",
    "discard",
    "exec",
    "hello",
    "monitor",
    "multi",
    "psubscribe",
    "psync",
    "punsubscribe",
    "quit",
    "readonly",
    "readwrite",
    "replconf",
    "reset",
    "select",
    "ssubscribe",
    "subscribe",
    "sunsubscribe",
    "sync",
    "unsubscribe",
    "unwatch",
    "watch",
];

/// What a log-in is answered at most.
const MAX_GREETING: usize = 1024 * 1024;

/// A Redis server.
pub(crate) struct Redis(Arc<Pool<Connection>>);

impl Redis {
    pub(crate) fn new(config: RedisConfig, target: Target, shared: &Shared) -> Self {
        Self(Arc::new(Pool::new(config, target, shared)))
    }
}

/// A connection that is logged in.
struct Connection {
    client: MultiplexedConnection,
    driver: tokio::task::JoinHandle<()>,
    budget: Budget,
}

impl pool::Connection for Connection {
    type Config = RedisConfig;

    async fn open(config: &RedisConfig, target: &Target, routes: &Routes) -> Result<Self, QueryError> {
        let server = config.server();
        let budget = Budget::new(MAX_GREETING);
        let stream = Metered::new(routes.connect(target, &server).await?, budget.clone());
        // The newer form of the protocol tells maps from lists.
        let mut info = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            .set_db(config.database.into())
            .set_skip_set_lib_name();
        if !config.user.is_empty() {
            info = info.set_username(&config.user);
        }
        if let Some(password) = target.secret_text()? {
            info = info.set_password(password);
        }
        // Each query has its own limit of time.
        let timeouts = AsyncConnectionConfig::new().set_response_timeout(None);
        let opened = async {
            let opened = MultiplexedConnection::new_with_config(&info, stream, timeouts).await;
            opened.map_err(|error| match error.is_io_error() || error.is_connection_dropped() {
                true => target.unreachable(&server, error.to_string()),
                false => target.log_in(said(&error)),
            })
        };
        let (client, driver) = routes.within(target, &server, opened).await?;
        Ok(Self { client, driver: tokio::spawn(driver), budget })
    }

    fn is_closed(&self) -> bool {
        self.driver.is_finished()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Kind for Redis {
    fn run(
        self: Arc<Self>,
        request: QueryRequest,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async move {
            let value = command(&self.0, &request).await?;
            of_value(value, Summary::since(started), request.limits)
        }
        .boxed()
    }

    fn test(self: Arc<Self>) -> BoxFuture<'static, Result<(), QueryError>> {
        async move { self.0.connect().await.map(drop) }.boxed()
    }

    fn close_idle(&self, oldest: Instant) -> bool {
        self.0.close_idle(oldest)
    }
}

async fn command(pool: &Arc<Pool<Connection>>, request: &QueryRequest) -> Result<serde_json::Value, QueryError> {
    let Operation::Command(command) = operation(request)? else { return Err(QueryError::OtherOperation) };
    if OF_THE_CONNECTION.contains(&command.name().as_str()) {
        return Err(QueryError::Unsupported("it is for the connection, which other queries use too"));
    }
    let words = command.fill(&request.parameters)?;
    let mut sent = redis::cmd(words.first().map_or("", String::as_str));
    words.iter().skip(1).for_each(|word| {
        sent.arg(word);
    });
    loop {
        let mut loan = pool.borrow().await?;
        let limit = Duration::from_millis(request.limits.timeout_ms.into());
        // The protocol takes up to twice the room of the JSON.
        loan.connection.budget.set(2 * request.limits.max_bytes as usize + MAX_GREETING);
        // A connection whose answer was not waited for is closed with its loan.
        let answer = tokio::time::timeout(limit, sent.query_async::<redis::Value>(&mut loan.connection.client)).await;
        let error = match answer {
            Ok(Ok(value)) => {
                loan.give_back();
                return value::json(value);
            }
            Err(_) => return Err(left(pool, request, QueryError::Timeout(request.limits.timeout_ms))),
            Ok(Err(error)) => error,
        };
        // Only what the server said leaves the connection in a known state.
        if error.code().is_some() {
            loan.give_back();
            let sqlstate = error.code().unwrap_or_default().to_owned();
            return Err(QueryError::Sql { message: said(&error), sqlstate, position: None });
        }
        if !loan.connection.budget.had_room() {
            return Err(left(pool, request, QueryError::NoRoom(pool.target.name.clone())));
        }
        if loan.connection.budget.is_spent() {
            return Err(too_large(request));
        }
        if !loan.reused || request.mode == QueryMode::Write {
            return Err(left(pool, request, QueryError::Lost(pool.target.name.clone())));
        }
        // It had died in the pool: a read is asked again on a new one.
        pool.forget_idle();
    }
}

/// Nobody knows whether a change whose answer did not come was made.
fn left(pool: &Pool<Connection>, request: &QueryRequest, otherwise: QueryError) -> QueryError {
    match request.mode {
        QueryMode::Read => otherwise,
        QueryMode::Write => QueryError::OutcomeUnknown(pool.target.name.clone()),
    }
}

/// An answer that is too large.
fn too_large(request: &QueryRequest) -> QueryError {
    QueryError::too_large(request.mode, "the answer", request.limits.max_bytes, "")
}

/// What the server said, with its code.
fn said(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => error.to_string(),
    }
}
