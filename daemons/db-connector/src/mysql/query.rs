//! Running one statement: a transaction around it, its rows as they come, a clean connection afterwards.
//!
//! Rows are read from the server only as fast as the result is taken. Whenever a statement is left before its end, the server is told
//! to stop it by a connection of its own, and a connection whose state is not certain is closed.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::query::{QueryLimits, QueryMode};
use bulkhead_model::sql::{self, CompiledStatement, Dialect};
use bulkhead_rpc::connector::QueryRequest;
use bytes::Bytes;
use tokio::time::{Instant, timeout, timeout_at};

use super::connect::{Connection, kill};
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
/// The server does not know the prepared statement any more, or cannot prepare it again.
const OVERTAKEN: [u16; 2] = [1243, 1615];

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
    let compiled = sql::compile(&request.statement, Dialect::Mysql)?;
    let nature = Nature::of(&compiled.text, request.mode)?;
    let job = Job { pool, request: &request, compiled: &compiled, form: &form, nature, started };
    match job.attempt().await {
        Err(Failure::Stale) => {
            // The statement was not started on a connection that works, so a second try repeats no effect.
            pool.forget_idle();
            job.attempt().await.map_err(|failure| job.give_up(failure))
        }
        first => first.map_err(|failure| job.give_up(failure)),
    }
}

/// Why an attempt failed.
pub(super) enum Failure {
    /// The connection had died in the pool, or its prepared statement had been overtaken.
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
    compiled: &'a CompiledStatement<'a>,
    form: &'a Form,
    nature: Nature,
    started: Instant,
}

impl Job<'_> {
    async fn attempt(&self) -> Result<Answer, Failure> {
        let limits = self.request.limits;
        let mut loan = self.pool.borrow().await?;
        let deadline = Instant::now() + Duration::from_millis(limits.timeout_ms.into());
        // Dropped before it is disarmed (the caller went away, the deadline passed), this stops what runs on the server.
        let guard = KillOnDrop::of(self.pool, &loan);
        let begun = timeout_at(deadline, self.begin(&mut loan)).await;
        let late = |_| late(self.request.mode, &self.pool.target.name, limits);
        let reader = match begun.map_err(late)? {
            Ok(reader) => reader,
            Err(Refused { failure, is_clean }) => {
                guard.disarm();
                if is_clean {
                    settle(loan, self.request.mode, self.nature.leaves_traces);
                }
                return Err(failure);
            }
        };
        let mut execution = Execution {
            loan,
            guard,
            reader,
            nature: self.nature,
            mode: self.request.mode,
            limits,
            started: self.started,
            deadline,
        };
        match execution.fill().await {
            None => Ok(answer::pieces(execution)),
            Some(end) => Ok(answer::whole(execution, end).await?),
        }
    }

    /// Sends the statement and reads how its answer begins.
    async fn begin(&self, loan: &mut Loan) -> Result<Reader, Refused> {
        let connection = &mut loan.connection;
        if self.request.mode == QueryMode::Write {
            connection.begin_write().await.map_err(|failed| self.refused(failed, loan.reused))?;
        }
        let prepared = connection.prepare(&self.compiled.text).await;
        let prepared = prepared.map_err(|failed| self.refused(failed, loan.reused))?;
        if prepared.parameters != self.compiled.expressions.len() {
            return Err(Refused::clean(QueryError::Unsupported(
                "a ? is a parameter of MySQL's own: write {{ }} in its place",
            )));
        }
        let values = parameters::bind(self.compiled, &self.request.parameters).map_err(Refused::clean)?;
        match connection.execute(prepared, &values).await {
            Ok(answered) => Reader::new(answered, self.request.limits, self.form)
                // The rows of the answer are still to come.
                .map_err(|error| Refused { failure: error.into(), is_clean: false }),
            Err(failed) if failed.code().is_some_and(|code| OVERTAKEN.contains(&code)) && prepared.known => {
                connection.forget(&self.compiled.text);
                Err(Refused { failure: Failure::Stale, is_clean: true })
            }
            Err(failed) if failed.is_gone() && self.request.mode == QueryMode::Write => {
                // The server rolls back what it can, and tables of some engines keep what was done to them: only a change of a table has
                // looked at its engine.
                let error = QueryError::lost(self.request.mode, &self.pool.target.name);
                Err(Refused { failure: error.into(), is_clean: false })
            }
            Err(failed) => Err(self.refused(failed, loan.reused)),
        }
    }

    /// Nothing of the statement was started, or it was undone.
    fn refused(&self, failed: Failed, was_reused: bool) -> Refused {
        if failed.is_gone() && was_reused {
            return Refused { failure: Failure::Stale, is_clean: false };
        }
        let is_clean = matches!(failed, Failed::Server(_));
        let QueryLimits { timeout_ms, max_bytes, .. } = self.request.limits;
        Refused { failure: error::of(failed, &self.pool.target.name, timeout_ms, max_bytes).into(), is_clean }
    }

    fn give_up(&self, failure: Failure) -> QueryError {
        match failure {
            Failure::Stale => QueryError::Lost(self.pool.target.name.clone()),
            Failure::Query(error) => error,
        }
    }
}

/// The time is up, and the statement is being stopped.
fn late(mode: QueryMode, resource: &str, limits: QueryLimits) -> QueryError {
    match mode {
        QueryMode::Write => QueryError::lost(mode, resource),
        QueryMode::Read => QueryError::Timeout(limits.timeout_ms),
    }
}

/// A statement that has no answer to read.
struct Refused {
    failure: Failure,
    /// Whether the connection can be made ready for the next query.
    is_clean: bool,
}

impl Refused {
    fn clean(error: QueryError) -> Self {
        Self { failure: error.into(), is_clean: true }
    }
}

/// Makes a connection ready in the background, then gives it back; one that cannot be is closed.
pub(super) fn settle(mut loan: Loan, mode: QueryMode, leaves_traces: bool) {
    tokio::spawn(async move {
        let settled = async {
            match mode {
                QueryMode::Read => loan.connection.settle_read(leaves_traces).await,
                QueryMode::Write => loan.connection.reset().await,
            }
        };
        if matches!(timeout(CLEAN_PATIENCE, settled).await, Ok(Ok(()))) {
            loan.give_back();
        }
    });
}

/// Commits. `Err` where the server said no and has rolled back, or nobody knows.
pub(super) async fn commit(loan: &mut Loan, limits: QueryLimits) -> Result<(), QueryError> {
    match timeout(COMMIT_PATIENCE, loan.connection.text("COMMIT")).await {
        Ok(Ok(_)) => Ok(()),
        // It has rolled back.
        Ok(Err(failed @ Failed::Server(_))) => {
            Err(error::of(failed, loan.resource(), limits.timeout_ms, limits.max_bytes))
        }
        Ok(Err(_)) | Err(_) => Err(QueryError::OutcomeUnknown(loan.resource().to_owned())),
    }
}

/// Stops on the server what a connection is doing, when dropped armed.
pub(super) struct KillOnDrop(Option<(Arc<Pool>, u32)>);

impl KillOnDrop {
    pub(super) fn of(pool: &Arc<Pool>, loan: &Loan) -> Self {
        Self(Some((Arc::clone(pool), loan.connection.id)))
    }

    pub(super) fn disarm(mut self) {
        self.0 = None;
    }

    async fn strike(mut self) {
        if let Some((pool, id)) = self.0.take() {
            kill(pool, id).await;
        }
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Some((pool, id)) = self.0.take() {
            tokio::spawn(kill(pool, id));
        }
    }
}

/// A statement that runs.
struct Execution {
    loan: Loan,
    guard: KillOnDrop,
    reader: Reader,
    nature: Nature,
    mode: QueryMode,
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
        timeout_at(self.deadline, self.reader.fill(&mut self.loan.connection)).await.unwrap_or(Some(End::Late))
    }

    async fn finish(mut self, end: End) -> (Bytes, Option<QueryError>) {
        let truncated = matches!(end, End::Truncated);
        let outcome = match (end, self.mode) {
            (End::Whole | End::Truncated, QueryMode::Read) => Ok(None),
            // A write whose rows are cut at the cap is made all the same: its rows are what RETURNING tells of it.
            (End::Whole | End::Truncated, QueryMode::Write) => self.commit(truncated).await,
            (End::Unwritable(_), mode @ QueryMode::Write) => Err(QueryError::lost(mode, self.loan.resource())),
            (End::Unwritable(error), _) => Err(error),
            (End::Failed(failed), _) if failed.is_gone() => Err(QueryError::lost(self.mode, self.loan.resource())),
            (End::Failed(failed), _) => Err(self.said(failed)),
            (End::Late, mode) => Err(late(mode, self.loan.resource(), self.limits)),
        };
        let (affected, error) = match outcome {
            Ok(affected) => (affected, None),
            Err(error) => (None, Some(error)),
        };
        let truncated_whole = truncated && error.is_none();
        let summary = Summary { affected, truncated: truncated_whole, error, ..Summary::since(self.started) };
        let last = self.reader.close(&summary);
        self.release(truncated, summary.error.as_ref());
        (last, summary.error)
    }
}

impl Execution {
    /// What becomes of the connection.
    fn release(self, truncated: bool, error: Option<&QueryError>) {
        let Self { loan, guard, reader, mode, nature, .. } = self;
        match error {
            None if truncated && mode == QueryMode::Read => {
                tokio::spawn(stop(loan, guard, reader, nature));
            }
            None | Some(QueryError::Sql { .. }) => {
                guard.disarm();
                settle(loan, mode, nature.leaves_traces);
            }
            // Still running, or of unknown state: stopped by the guard, closed with the loan.
            Some(_) => {}
        }
    }

    /// Commits a write; its statement has run to its end only when its rows are read.
    async fn commit(&mut self, truncated: bool) -> Result<Option<u64>, QueryError> {
        if truncated {
            match timeout_at(self.deadline, self.reader.skip(&mut self.loan.connection)).await {
                Err(_) => return Err(late(self.mode, self.loan.resource(), self.limits)),
                Ok(Err(failed)) if failed.is_gone() => {
                    return Err(QueryError::lost(self.mode, self.loan.resource()));
                }
                Ok(Err(failed)) => return Err(self.said(failed)),
                Ok(Ok(())) => {}
            }
        }
        commit(&mut self.loan, self.limits).await?;
        let is_counted = if self.reader.has_rows() { self.nature.returns_changed } else { self.nature.changes_rows };
        Ok(is_counted.then(|| self.reader.count()))
    }

    fn said(&self, failed: Failed) -> QueryError {
        error::of(failed, self.loan.resource(), self.limits.timeout_ms, self.limits.max_bytes)
    }
}

/// Stops a read that has shown enough rows. The connection serves again only if the server said that this statement was struck: a
/// command that came too late would strike the next.
async fn stop(mut loan: Loan, guard: KillOnDrop, mut reader: Reader, nature: Nature) {
    let stopped = async {
        guard.strike().await;
        let ended = reader.skip(&mut loan.connection).await;
        ended.is_err_and(|failed| failed.code() == Some(error::KILLED))
    };
    if matches!(timeout(CLEAN_PATIENCE, stopped).await, Ok(true)) {
        settle(loan, QueryMode::Read, nature.leaves_traces);
    }
}
