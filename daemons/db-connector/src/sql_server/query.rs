//! Running one statement, or a list in one transaction: its rows as they come, a clean connection afterwards.
//!
//! Rows are read from the server only as fast as the result is taken. Whenever a statement is left before its end, the server is told
//! to stop it, and a connection whose state is not certain is closed, which makes the server roll back.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::query::{QueryLimits, QueryMode};
use bulkhead_model::sql::{self, CompiledStatement, Dialect};
use bulkhead_rpc::connector::QueryRequest;
use bytes::Bytes;
use tokio::time::{Instant, timeout, timeout_at};

use super::connect::Connection;
use super::reader::{End, Reader};
use super::statement::Nature;
use super::wire::Failed;
use super::{changes, error, parameters};
use crate::answer::{self, Answer, Running, Summary};
use crate::error::QueryError;
use crate::export::Form;
use crate::pool;

pub(super) type Pool = pool::Pool<Connection>;
pub(super) type Loan = pool::Loan<Connection>;

/// How long a commit may take, for example to reach a replica.
const COMMIT_PATIENCE: Duration = Duration::from_secs(30);
/// How long cleaning a connection may take before it is closed instead.
const CLEAN_PATIENCE: Duration = Duration::from_secs(5);

/// Runs a statement. Returns with its first chunk, so that until then an error has its own status.
pub(super) async fn run(
    pool: &Arc<Pool>,
    mut request: QueryRequest,
    form: Form,
    started: Instant,
) -> Result<Answer, QueryError> {
    if let Some(change) = request.change.take() {
        return changes::run(pool, &change, &request, started).await;
    }
    let of = request.before.len() + 1;
    if of > 1 && request.mode == QueryMode::Read {
        let words = "a list of statements is for writes; set the query's mode to \"write\"";
        return Err(QueryError::StatementRefused(words.to_owned()));
    }
    let texts = request.before.iter().chain([&request.statement]).enumerate();
    let statements = texts.map(|(at, text)| looked_at(text, request.mode).map_err(|error| error.in_list(at + 1, of)));
    let statements = statements.collect::<Result<Vec<_>, _>>()?;
    let nature = Nature { is_undone: statements.iter().all(|(_, nature)| nature.is_undone) };
    let job = Job { pool, request: &request, statements: &statements, form: &form, nature, started };
    match job.attempt().await {
        Err(Failure::Stale) => {
            // Nothing was started on a connection that works, so a second try repeats no effect.
            pool.forget_idle();
            job.attempt().await.map_err(|failure| job.give_up(failure))
        }
        first => first.map_err(|failure| job.give_up(failure)),
    }
}

/// A statement, unless it is one that must not or cannot run.
fn looked_at(text: &str, mode: QueryMode) -> Result<(CompiledStatement<'_>, Nature), QueryError> {
    let compiled = sql::compile(text, Dialect::SqlServer)?;
    let nature = Nature::of(&compiled.text, mode)?;
    Ok((compiled, nature))
}

/// Why an attempt failed.
pub(super) enum Failure {
    /// The connection had died in the pool.
    Stale,
    Query(QueryError),
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self::Query(error)
    }
}

struct Job<'a> {
    pool: &'a Arc<Pool>,
    request: &'a QueryRequest,
    /// The last one has the result.
    statements: &'a [(CompiledStatement<'a>, Nature)],
    form: &'a Form,
    nature: Nature,
    started: Instant,
}

impl Job<'_> {
    async fn attempt(&self) -> Result<Answer, Failure> {
        let limits = self.request.limits;
        let mut busy = Busy::new(self.pool.borrow().await?, self.request.mode);
        let deadline = Instant::now() + Duration::from_millis(limits.timeout_ms.into());
        let begun = timeout_at(deadline, self.begin(&mut busy)).await;
        let reader = begun.map_err(|_| self.outcome().late(&self.pool.target.name, limits))??;
        let mut execution =
            Execution { busy, reader, outcome: self.outcome(), limits, started: self.started, deadline };
        match execution.fill().await {
            None => Ok(answer::pieces(execution)),
            Some(end) => Ok(answer::whole(execution, end).await?),
        }
    }

    fn outcome(&self) -> Outcome {
        Outcome { mode: self.request.mode, is_undone: self.nature.is_undone }
    }

    /// Sends the statements and reads how the answer of the last begins.
    async fn begin(&self, busy: &mut Busy) -> Result<Reader, Failure> {
        let was_reused = busy.loan().reused;
        let connection = busy.connection();
        if self.request.mode == QueryMode::Write {
            connection.begin_write().await.map_err(|failed| self.before_start(failed, was_reused))?;
        }
        let of = self.statements.len();
        let mut reader = None;
        for (at, (compiled, _)) in self.statements.iter().enumerate() {
            let in_list = |error: QueryError| error.in_list(at + 1, of);
            let values = parameters::bind(&compiled.expressions, &self.request.parameters).map_err(in_list)?;
            let answered = match connection.execute(&compiled.text, &values).await {
                Ok(answered) => answered,
                Err(failed) if self.request.mode == QueryMode::Read => {
                    return Err(self.before_start(failed, was_reused));
                }
                Err(failed) => return Err(in_list(self.said(failed)).into()),
            };
            if at + 1 < of {
                if matches!(answered, super::connect::Answered::Rows(_)) {
                    connection.end().await.map_err(|failed| in_list(self.said(failed)))?;
                }
            } else {
                reader = Some(Reader::new(answered, self.request.limits, self.form));
            }
        }
        reader.ok_or_else(|| QueryError::Lost(self.pool.target.name.clone()).into())
    }

    /// Why nothing was started, or nothing that matters.
    fn before_start(&self, failed: Failed, was_reused: bool) -> Failure {
        if failed.is_gone() && was_reused {
            return Failure::Stale;
        }
        error::of(failed, &self.pool.target.name, self.request.limits.max_bytes).into()
    }

    fn said(&self, failed: Failed) -> QueryError {
        if failed.is_gone() {
            return self.outcome().lost(&self.pool.target.name);
        }
        error::of(failed, &self.pool.target.name, self.request.limits.max_bytes)
    }

    fn give_up(&self, failure: Failure) -> QueryError {
        match failure {
            Failure::Stale => QueryError::Lost(self.pool.target.name.clone()),
            Failure::Query(error) => error,
        }
    }
}

/// What is known of a statement that was not committed.
#[derive(Clone, Copy)]
pub(super) struct Outcome {
    mode: QueryMode,
    is_undone: bool,
}

impl Outcome {
    /// The connection is gone. The server rolls back what belongs to the transaction.
    fn lost(self, resource: &str) -> QueryError {
        match self.mode {
            QueryMode::Write if !self.is_undone => QueryError::OutcomeUnknown(resource.to_owned()),
            _ => QueryError::Lost(resource.to_owned()),
        }
    }

    /// The time is up, and the statement is being stopped.
    fn late(self, resource: &str, limits: QueryLimits) -> QueryError {
        match self.mode {
            QueryMode::Write if !self.is_undone => QueryError::OutcomeUnknown(resource.to_owned()),
            _ => QueryError::Timeout(limits.timeout_ms),
        }
    }
}

/// A connection in use. Dropped, it is stopped if it is still at work, made ready and given back; one that cannot be is closed.
pub(super) struct Busy {
    loan: Option<Loan>,
    mode: QueryMode,
}

impl Busy {
    pub(super) fn new(loan: Loan, mode: QueryMode) -> Self {
        Self { loan: Some(loan), mode }
    }

    pub(super) fn loan(&self) -> &Loan {
        self.loan.as_ref().expect("there until it is dropped")
    }

    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.loan.as_mut().expect("there until it is dropped").connection
    }

    /// Commits. `Err` where the server said no and has rolled back, or nobody knows.
    pub(super) async fn commit(&mut self, limits: QueryLimits) -> Result<(), QueryError> {
        match timeout(COMMIT_PATIENCE, self.connection().commit()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(failed @ Failed::Server(_))) => Err(error::of(failed, self.loan().resource(), limits.max_bytes)),
            Ok(Err(_)) | Err(_) => {
                self.connection().abandon();
                Err(QueryError::OutcomeUnknown(self.loan().resource().to_owned()))
            }
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let Some(mut loan) = self.loan.take().filter(|loan| !loan.connection.is_broken()) else { return };
        let mode = self.mode;
        tokio::spawn(async move {
            let settled = async {
                loan.connection.stop().await?;
                match mode {
                    QueryMode::Read => loan.connection.settle_read().await,
                    QueryMode::Write => loan.connection.reset().await,
                }
            };
            if matches!(timeout(CLEAN_PATIENCE, settled).await, Ok(Ok(()))) {
                loan.give_back();
            }
        });
    }
}

/// A statement that runs.
struct Execution {
    busy: Busy,
    reader: Reader,
    outcome: Outcome,
    limits: QueryLimits,
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
        timeout_at(self.deadline, self.reader.fill(self.busy.connection())).await.unwrap_or(Some(End::Late))
    }

    async fn finish(mut self, end: End) -> (Bytes, Option<QueryError>) {
        let truncated = matches!(end, End::Truncated);
        let outcome = match (end, self.outcome.mode) {
            (End::Whole | End::Truncated, QueryMode::Read) => Ok(None),
            // A write whose rows are cut at the cap is made all the same: its rows are what OUTPUT tells of it.
            (End::Whole | End::Truncated, QueryMode::Write) => self.commit().await,
            (End::Unwritable(error), _) => Err(error),
            (End::Failed(failed), _) => Err(self.said(failed)),
            (End::Late, _) => Err(self.outcome.late(self.busy.loan().resource(), self.limits)),
        };
        let (affected, error) = match outcome {
            Ok(affected) => (affected, None),
            Err(error) => (None, Some(error)),
        };
        let truncated = truncated && error.is_none();
        let summary = Summary { affected, truncated, error, ..Summary::since(self.started) };
        (self.reader.close(&summary), summary.error)
    }
}

impl Execution {
    /// Commits a write; its statement has run to its end only when its rows are read.
    async fn commit(&mut self) -> Result<Option<u64>, QueryError> {
        if !self.busy.connection().is_settled() {
            match timeout_at(self.deadline, self.busy.connection().end()).await {
                Err(_) => return Err(self.outcome.late(self.busy.loan().resource(), self.limits)),
                Ok(Err(failed)) => return Err(self.said(failed)),
                Ok(Ok(())) => {}
            }
        }
        let changed = self.busy.connection().changed();
        self.busy.commit(self.limits).await?;
        Ok(changed)
    }

    fn said(&self, failed: Failed) -> QueryError {
        let resource = self.busy.loan().resource();
        if failed.is_gone() { self.outcome.lost(resource) } else { error::of(failed, resource, self.limits.max_bytes) }
    }
}
