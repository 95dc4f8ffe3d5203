//! MongoDB: documents are found, aggregated and changed over its own protocol.

mod fill;
mod find;
mod json;
mod message;
mod schema;
mod scram;
mod session;
mod write;

use std::sync::Arc;
use std::time::Instant;

use bson::{Document, RawDocumentBuf};
use bulkhead_model::operation::{MongodbRequest, Operation};
use bulkhead_model::query::QueryMode;
use bulkhead_model::resource::MongodbConfig;
use bulkhead_rpc::connector::{QueryRequest, Schema};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::timeout_at;

use crate::answer::Answer;
use crate::error::QueryError;
use crate::http::Bounds;
use crate::kind::{Kind, operation};
use crate::pool::{self, Shared};
use crate::target::Target;
use crate::wire::WireError;
use session::{Failure, Members, Refusal, Session};

type Pool = pool::Pool<Session>;
type Loan = pool::Loan<Session>;

/// How long the connector's own questions may take.
const OWN_MS: u32 = 10_000;
const OWN_BYTES: u32 = 16 * 1024 * 1024;

/// What a server says that was a primary and is none.
const NOT_PRIMARY: &[i32] = &[10_107, 13_435, 13_436];
/// What it says when it stops, or stops being the primary, under a command.
const INTERRUPTED: &[i32] = &[91, 189, 11_600, 11_602];
/// What it says when the time of a command is over.
const OVER_TIME: &[i32] = &[50, 262];

/// A database of MongoDB.
pub(crate) struct Mongodb(Arc<Pool>);

impl Mongodb {
    pub(crate) fn new(config: MongodbConfig, target: Target, shared: &Shared) -> Self {
        Self(Arc::new(Pool::new(Members::of(config), target, shared)))
    }
}

impl Kind for Mongodb {
    fn run(
        self: Arc<Self>,
        request: QueryRequest,
        started: tokio::time::Instant,
    ) -> BoxFuture<'static, Result<Answer, QueryError>> {
        async move {
            let Operation::Mongodb(asked) = operation(&request)? else { return Err(QueryError::OtherOperation) };
            let bounds = Bounds::of(&request, started);
            match &**asked {
                MongodbRequest::Find { .. } | MongodbRequest::Aggregate { .. } => {
                    find::documents(&self.0, asked, &request, bounds, started).await
                }
                MongodbRequest::Count { .. } | MongodbRequest::Distinct { .. } => {
                    find::value(&self.0, asked, &request, bounds, started).await
                }
                change => write::change(&self.0, change, &request, bounds, started).await,
            }
        }
        .boxed()
    }

    fn test(self: Arc<Self>) -> BoxFuture<'static, Result<(), QueryError>> {
        async move { schema::test(&self.0).await }.boxed()
    }

    fn schema(self: Arc<Self>) -> BoxFuture<'static, Result<Schema, QueryError>> {
        async move { schema::read(&self.0).await }.boxed()
    }

    fn close_idle(&self, oldest: Instant) -> bool {
        self.0.close_idle(oldest)
    }
}

/// Runs one command within the query's time. A read is asked once more where its connection had died in the pool, or its server is the
/// primary no longer; a change never is.
async fn command(
    pool: &Arc<Pool>,
    mut command: Document,
    bounds: Bounds,
) -> Result<(Loan, RawDocumentBuf), QueryError> {
    let mut sent = false;
    command.insert("$db", pool.config.config.database.as_str());
    match timeout_at(bounds.deadline, send(pool, &command, bounds, &mut sent)).await {
        Ok(answered) => answered,
        Err(_) if sent && bounds.mode == QueryMode::Write => Err(QueryError::OutcomeUnknown(pool.target.name.clone())),
        Err(_) => Err(QueryError::Timeout(bounds.timeout_ms)),
    }
}

async fn send(
    pool: &Arc<Pool>,
    command: &Document,
    bounds: Bounds,
    sent: &mut bool,
) -> Result<(Loan, RawDocumentBuf), QueryError> {
    let mut may_ask_again = bounds.mode == QueryMode::Read;
    loop {
        *sent = false;
        let mut loan = pool.borrow().await?;
        if loan.reused && !loan.connection.still_lives().await {
            continue;
        }
        *sent = true;
        let failure = match loan.connection.command(command).await {
            Ok(reply) => return Ok((loan, reply)),
            Err(failure) => failure,
        };
        match failure {
            Failure::Refused(refusal) if NOT_PRIMARY.contains(&refusal.code) || INTERRUPTED.contains(&refusal.code) => {
                pool.forget_idle();
                if !may_ask_again {
                    return Err(refused(pool, refusal, bounds));
                }
            }
            Failure::Refused(refusal) => {
                loan.give_back();
                return Err(refused(pool, refusal, bounds));
            }
            Failure::Wire(WireError::Closed | WireError::Io(_)) if loan.reused && may_ask_again => pool.forget_idle(),
            Failure::Form(error) => return Err(QueryError::Invalid(format!("it cannot be sent: {error}"))),
            Failure::Wire(_) if bounds.mode == QueryMode::Write => {
                return Err(QueryError::OutcomeUnknown(pool.target.name.clone()));
            }
            Failure::Wire(WireError::Broken(reason)) => {
                return Err(pool.target.unreachable(&pool.config.config.server(), reason));
            }
            Failure::Wire(_) => return Err(QueryError::Lost(pool.target.name.clone())),
        }
        may_ask_again = false;
    }
}

/// What a server said, as an error. Some of it leaves open what became of a change.
fn refused(pool: &Pool, refusal: Refusal, bounds: Bounds) -> QueryError {
    let Refusal { code, name, message } = refusal;
    let is_write = bounds.mode == QueryMode::Write;
    let is_open = NOT_PRIMARY.contains(&code) || INTERRUPTED.contains(&code) || OVER_TIME.contains(&code);
    if is_write && is_open {
        return QueryError::Undecided { resource: pool.target.name.clone(), message };
    }
    if OVER_TIME.contains(&code) {
        return QueryError::Timeout(bounds.timeout_ms);
    }
    QueryError::Sql { message, sqlstate: name, position: None }
}

/// Milliseconds that are left, for the server to keep to.
fn left_ms(bounds: Bounds) -> i64 {
    let left = bounds.deadline.saturating_duration_since(tokio::time::Instant::now());
    i64::try_from(left.as_millis()).unwrap_or(i64::MAX).max(1)
}
