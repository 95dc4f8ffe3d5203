//! Running one statement: its rows as they come, and its end on the server whenever it is left before.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::query::{QueryLimits, QueryMode};
use bulkhead_rpc::connector::QueryRequest;
use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::reader::{End, Reader};
use super::{Loan, Pool, error, request, statement};
use crate::answer::{self, Answer, Running, Summary};
use crate::error::QueryError;
use crate::export::Form;
use crate::http::{Bounds, begin, exchange};

/// How long stopping a query may take.
const KILL_PATIENCE: Duration = Duration::from_secs(5);
/// What is read of an answer that is no success.
const MAX_REFUSAL: usize = 64 * 1024;

/// Runs a statement. Returns with its first chunk, so that until then an error has its own status.
pub(super) async fn run(
    pool: &Arc<Pool>,
    asked: &QueryRequest,
    form: Form,
    started: Instant,
) -> Result<Answer, QueryError> {
    if asked.change.is_some() {
        return Err(QueryError::Unsupported("a change of a table is said in SQL here: write INSERT, ALTER or DELETE"));
    }
    let (mode, limits) = (asked.mode, asked.limits);
    let compiled = statement::compile(&asked.statement, &asked.parameters)?;
    let id = Uuid::new_v4();
    let sent = request::statement(&pool.config, &pool.target, &compiled, id, mode, limits)?;
    let deadline = Instant::now() + Duration::from_millis(limits.timeout_ms.into());
    let bounds = Bounds { deadline, timeout_ms: limits.timeout_ms, max_bytes: limits.max_bytes, mode };
    // Dropped before it is disarmed (the caller went away, the deadline passed), this stops what runs on the server.
    let guard = KillOnDrop(Some((Arc::clone(pool), id)));
    let (loan, response) = match begin(pool, sent, bounds).await {
        Ok(begun) => begun,
        // Nothing has come to run.
        Err(error @ (QueryError::Busy(_) | QueryError::Unreachable { .. } | QueryError::Tls { .. })) => {
            guard.disarm();
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    if !response.status().is_success() {
        guard.disarm();
        return Err(refused(pool, loan, response, bounds).await);
    }
    let (parts, body) = response.into_parts();
    let format = parts.headers.get("x-clickhouse-format").map(|format| format.as_bytes() == request::FORMAT.as_bytes());
    if format == Some(false) {
        return Err(QueryError::Unsupported("its FORMAT is the connector's to choose: leave it out"));
    }
    let is_insert = compiled.text.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("insert"));
    let written = written_rows(&parts.headers).filter(|rows| *rows > 0 || is_insert);
    let reader = Reader::new(body, limits, mode, form);
    let mut execution =
        Execution { pool: Arc::clone(pool), loan, guard, reader, written, limits, mode, started, deadline };
    match execution.fill().await {
        None => Ok(answer::pieces(execution)),
        Some(end) => answer::whole(execution, end).await,
    }
}

async fn refused(pool: &Pool, loan: Loan, response: Response<Incoming>, bounds: Bounds) -> QueryError {
    let (parts, body) = response.into_parts();
    let body = timeout_at(bounds.deadline, Limited::new(body, MAX_REFUSAL).collect()).await;
    let body = match body {
        Ok(Ok(body)) => {
            loan.give_back();
            body.to_bytes()
        }
        Ok(Err(_)) | Err(_) => Bytes::new(),
    };
    match error::refusal(&parts.headers, &body) {
        Some(said) => said.into_error(bounds.mode, bounds.timeout_ms, &pool.target),
        None => error::other_server(parts.status),
    }
}

/// Rows that a statement has written, as the server sums it up.
fn written_rows(headers: &HeaderMap) -> Option<u64> {
    let summary: Value = serde_json::from_slice(headers.get("x-clickhouse-summary")?.as_bytes()).ok()?;
    summary["written_rows"].as_str()?.parse().ok()
}

/// Kills the query on the server when dropped armed.
struct KillOnDrop(Option<(Arc<Pool>, Uuid)>);

impl KillOnDrop {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let Some((pool, id)) = self.0.take() else { return };
        tokio::spawn(async move {
            let Ok(kill) = request::kill(&pool.config, &pool.target, id) else { return };
            let deadline = Instant::now() + KILL_PATIENCE;
            let bounds = Bounds { deadline, timeout_ms: 0, max_bytes: 64 * 1024, mode: QueryMode::Read };
            // One that cannot be stopped ends by its own limit of time.
            let _ = exchange(&pool, kill, bounds).await;
        });
    }
}

/// A statement that runs.
struct Execution {
    pool: Arc<Pool>,
    loan: Loan,
    guard: KillOnDrop,
    reader: Reader,
    written: Option<u64>,
    limits: QueryLimits,
    mode: QueryMode,
    started: Instant,
    deadline: Instant,
}

impl Running for Execution {
    type End = End;

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn take_chunk(&mut self) -> Bytes {
        self.reader.take_chunk()
    }

    async fn fill(&mut self) -> Option<End> {
        match timeout_at(self.deadline, self.reader.fill(&self.pool.target)).await {
            Ok(end) => end,
            Err(_) if self.mode == QueryMode::Write => {
                Some(End::Failed(QueryError::OutcomeUnknown(self.pool.target.name.clone())))
            }
            Err(_) => Some(End::Failed(QueryError::Timeout(self.limits.timeout_ms))),
        }
    }

    async fn finish(self, end: End) -> (Bytes, Option<QueryError>) {
        let Self { loan, guard, mut reader, written, started, .. } = self;
        let mut summary = Summary::since(started);
        match end {
            End::Whole => {
                guard.disarm();
                loan.give_back();
                summary.affected = written.filter(|_| !reader.has_columns());
            }
            // Rows that nobody will read: the guard stops the statement, and the connection is closed with the loan.
            End::Truncated => summary.truncated = true,
            End::Failed(error) => {
                // The server has ended it itself.
                if matches!(error, QueryError::Sql { .. }) {
                    guard.disarm();
                }
                summary.error = Some(error);
            }
        }
        (reader.close(&summary), summary.error)
    }
}
