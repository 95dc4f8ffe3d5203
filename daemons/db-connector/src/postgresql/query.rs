//! Running one statement: a transaction around it, its rows as they come, a clean connection afterwards.
//!
//! Everything that can be sent together is: a read is one round trip, its transaction's begin and end included. Whenever a
//! statement is left before its end, the server is told to stop it, and a connection whose state is not certain is closed.

mod list;

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bulkhead_model::change::TableChange;
use bulkhead_model::query::{QueryLimits, QueryMode};
use bulkhead_model::sql::{self, CompiledStatement, Dialect, SqlError};
use bulkhead_rpc::connector::QueryRequest;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::error::SqlState;

use super::connect::{Cancel, Connection, PrepareError, Prepared};
use super::reader::{End, Reader};
use super::{changes, parameters, session, statement};
use crate::answer::{self, Answer, Running, Summary};
use crate::error::QueryError;
use crate::export::Form;
use crate::pool;

type Pool = pool::Pool<Connection>;
type Loan = pool::Loan<Connection>;

/// How much longer than the statement's own timeout the server may take to say that it struck.
const GRACE: Duration = Duration::from_secs(2);
/// How long a commit may take, for example to reach a standby.
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
    changes::prepare_rows(pool, &mut request).await?;
    let outcome = run_once_or_twice(pool, &request, &form, started).await;
    match (outcome, &request.change) {
        (Err(error), Some(change)) => Err(changes::explained(error, change, pool).await),
        (outcome, _) => outcome,
    }
}

async fn run_once_or_twice(
    pool: &Arc<Pool>,
    request: &QueryRequest,
    form: &Form,
    started: Instant,
) -> Result<Answer, QueryError> {
    let of = request.before.len() + 1;
    if of > 1 && request.mode == QueryMode::Read {
        let words = "a list of statements is for writes; set the query's mode to \"write\"";
        return Err(QueryError::StatementRefused(words.to_owned()));
    }
    let before = request.before.iter().enumerate();
    let before = before.map(|(at, text)| {
        looked_at(sql::compile(text, Dialect::Postgresql), request.mode).map_err(|error| error.in_list(at + 1, of))
    });
    let before = before.collect::<Result<Vec<_>, _>>()?;
    let compiled = looked_at(request.compile(), request.mode).map_err(|error| error.in_list(of, of))?;
    let outcome = run_compiled(pool, request, (&before, &compiled), form, started).await;
    outcome.map_err(|error| error.in_list(of, of))
}

/// A statement, unless it is one that must not or cannot run.
fn looked_at(
    compiled: Result<CompiledStatement<'_>, SqlError>,
    mode: QueryMode,
) -> Result<CompiledStatement<'_>, QueryError> {
    let compiled = compiled?;
    statement::refuse_unsupported(&compiled.text, mode)?;
    Ok(compiled)
}

/// Runs a statement that was looked at, behind others in its transaction.
pub(super) async fn run_compiled(
    pool: &Arc<Pool>,
    request: &QueryRequest,
    (before, compiled): (&[CompiledStatement<'_>], &CompiledStatement<'_>),
    form: &Form,
    started: Instant,
) -> Result<Answer, QueryError> {
    let job = Job { pool, request, before, compiled, form, limits: request.limits, started };
    match job.attempt().await {
        Err(Failure::Stale) => {
            // Nothing was committed yet, so a second try repeats no effect.
            pool.forget_idle();
            job.attempt().await.map_err(|failure| job.give_up(failure))
        }
        first => first.map_err(|failure| job.give_up(failure)),
    }
}

/// Why an attempt failed.
enum Failure {
    /// The connection had died in the pool, or its prepared statement had been overtaken by a change of the schema.
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
    /// Run before it, in the transaction that it is run in.
    before: &'a [CompiledStatement<'a>],
    compiled: &'a CompiledStatement<'a>,
    form: &'a Form,
    limits: QueryLimits,
    started: Instant,
}

impl Job<'_> {
    async fn attempt(&self) -> Result<Answer, Failure> {
        let mut loan = self.pool.borrow().await?;
        let deadline = Instant::now() + Duration::from_millis(self.limits.timeout_ms.into()) + GRACE;
        // Dropped before it is disarmed (the caller went away, the deadline passed), this stops what runs on the server.
        let guard = CancelOnDrop(Some(loan.connection.cancel()));
        let reused = loan.reused;
        let late = |_| QueryError::Timeout(self.limits.timeout_ms);
        if !self.before.is_empty() {
            let ran = timeout_at(deadline, self.run_before(&loan)).await.map_err(late)?;
            if let Err(failure) = ran {
                guard.disarm();
                self.leave(loan);
                return Err(failure);
            }
        }
        let prepared = timeout_at(deadline, loan.connection.prepare(&self.compiled.text)).await.map_err(late)?;
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                guard.disarm();
                let failure = self.prepare_failed(error, reused);
                self.leave(loan);
                return Err(failure);
            }
        };
        let values =
            match parameters::bind(&self.compiled.expressions, prepared.statement.params(), &self.request.parameters) {
                Ok(values) => values,
                Err(error) => {
                    guard.disarm();
                    self.leave(loan);
                    return Err(error.into());
                }
            };
        let begun = timeout_at(deadline, self.begin(&loan, &prepared, values)).await.map_err(late)?;
        let (reader, ending) = match begun {
            Ok(begun) => begun,
            Err((error, ending)) => return Err(self.begin_failed(loan, guard, &prepared, &error, ending)),
        };
        let mut execution = Execution {
            loan,
            guard,
            ending,
            reader,
            source: Source { statement: self.request.statement.clone(), change: self.request.change.clone() },
            mode: self.request.mode,
            limits: self.limits,
            started: self.started,
            deadline,
        };
        match execution.fill().await {
            None => Ok(answer::pieces(execution)),
            Some(End::Failed(error)) if reused && error.is_closed() => Err(Failure::Stale),
            Some(end) => Ok(answer::whole(execution, end).await?),
        }
    }

    /// Sends the transaction's begin, the statement and, for a read, the transaction's end, all before any is answered.
    async fn begin(
        &self,
        loan: &Loan,
        prepared: &Prepared,
        values: Vec<parameters::Parameter>,
    ) -> Result<(Reader, Ending), (tokio_postgres::Error, Ending)> {
        let client = &loan.connection.client;
        // It is open already where something ran before.
        let open = match self.before.is_empty() {
            true => session::begin(self.request.mode, self.limits.timeout_ms),
            false => String::new(),
        };
        let mut ending = match self.request.mode {
            QueryMode::Read => send(loan, session::END_READ.to_owned()),
            QueryMode::Write => undo(loan),
        };
        // The first poll sends. A write ends by what its statement says, so its end is not sent yet.
        let first_poll = future::poll_fn(|context| match self.request.mode {
            QueryMode::Read => Poll::Ready(ending.as_mut().poll(context)),
            QueryMode::Write => Poll::Ready(Poll::Pending),
        });
        let (opened, rows, polled) =
            future::join3(client.batch_execute(&open), client.query_raw(&prepared.statement, values), first_poll).await;
        if let Poll::Ready(ended) = polled {
            ending = future::ready(ended).boxed();
        }
        match opened.and(rows) {
            Ok(rows) => Ok((Reader::new(rows, Arc::clone(&prepared.writer), self.limits, self.form), ending)),
            Err(error) => Err((error, ending)),
        }
    }

    fn prepare_failed(&self, error: PrepareError, reused: bool) -> Failure {
        match error {
            PrepareError::Server(error) if reused && error.is_closed() => Failure::Stale,
            PrepareError::Server(error) => self.said(&error).into(),
            PrepareError::Column(error) => error.into(),
        }
    }

    /// The statement was not started: a parameter does not fit, or the connection is gone.
    fn begin_failed(
        &self,
        mut loan: Loan,
        guard: CancelOnDrop,
        prepared: &Prepared,
        error: &tokio_postgres::Error,
        ending: Ending,
    ) -> Failure {
        guard.disarm();
        let overtaken = prepared.known && error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED);
        loan.connection.forget(&self.compiled.text);
        if overtaken || loan.reused && error.is_closed() {
            return Failure::Stale;
        }
        let types = prepared.statement.params();
        let resource = &self.pool.target.name;
        let error = super::error::of_parameters(error, resource, self.limits.timeout_ms, self.compiled, types);
        settle(loan, ending);
        error.into()
    }

    fn said(&self, error: &tokio_postgres::Error) -> QueryError {
        super::error::of_statement(error, &self.pool.target.name, self.limits.timeout_ms, self.compiled)
    }

    fn give_up(&self, failure: Failure) -> QueryError {
        match failure {
            Failure::Stale => QueryError::Lost(self.pool.target.name.clone()),
            Failure::Query(error) => error,
        }
    }
}

/// What ends a transaction: for a read already sent, for a write its undoing, not sent yet.
type Ending = BoxFuture<'static, Result<(), tokio_postgres::Error>>;

fn send(loan: &Loan, text: String) -> Ending {
    let client = Arc::clone(&loan.connection.client);
    async move { client.batch_execute(&text).await }.boxed()
}

fn undo(loan: &Loan) -> Ending {
    send(loan, format!("{}; {}", session::UNDO, session::clean_after_write()))
}

/// Waits in the background until the connection is clean, then gives it back; one that cannot be cleaned is closed.
fn settle(loan: Loan, ending: Ending) {
    tokio::spawn(async move {
        if matches!(timeout(CLEAN_PATIENCE, ending).await, Ok(Ok(()))) {
            loan.give_back();
        }
    });
}

/// Cancels on the server when dropped armed.
struct CancelOnDrop(Option<Cancel>);

impl CancelOnDrop {
    fn disarm(mut self) {
        self.0 = None;
    }

    fn take(mut self) -> Option<Cancel> {
        self.0.take()
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(cancel) = self.0.take() {
            tokio::spawn(cancel.send());
        }
    }
}

/// What a statement was compiled from.
struct Source {
    statement: String,
    change: Option<TableChange>,
}

/// A statement that runs.
struct Execution {
    loan: Loan,
    guard: CancelOnDrop,
    ending: Ending,
    reader: Reader,
    source: Source,
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
        timeout_at(self.deadline, self.reader.fill()).await.unwrap_or(Some(End::Late))
    }

    async fn finish(mut self, end: End) -> (Bytes, Option<QueryError>) {
        let truncated = matches!(end, End::Truncated);
        let outcome = match (end, self.mode) {
            (End::Whole | End::Truncated, QueryMode::Read) => Ok(None),
            // A write whose rows are cut at the cap is made all the same: its rows are what RETURNING tells of it.
            (End::Whole | End::Truncated, QueryMode::Write) => self.commit(truncated).await,
            (End::Unwritable(error), _) => Err(error),
            (End::Failed(error), _) => Err(self.said(&error)),
            (End::Late, _) => Err(QueryError::Timeout(self.limits.timeout_ms)),
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
        let Self { loan, guard, ending, reader, mode, deadline, .. } = self;
        match error {
            None if truncated && mode == QueryMode::Read => {
                tokio::spawn(stop(loan, guard, ending, reader, deadline));
            }
            None | Some(QueryError::Sql { .. } | QueryError::TooManyRows { .. }) => {
                guard.disarm();
                settle(loan, ending);
            }
            // Still running, or of unknown state: stopped by the guard, closed with the loan.
            Some(_) => {}
        }
    }

    /// Commits a write; its statement has run to its end only when its rows are read.
    async fn commit(&mut self, truncated: bool) -> Result<Option<u64>, QueryError> {
        if truncated {
            match timeout_at(self.deadline, self.reader.skip()).await {
                Err(_) => return Err(QueryError::Timeout(self.limits.timeout_ms)),
                Ok(Err(error)) => return Err(self.said(&error)),
                Ok(Ok(())) => {}
            }
        }
        let rows = self.reader.affected();
        if let (Some(change), Some(rows)) = (&self.source.change, rows)
            && let Some(at_most) = change.at_most().filter(|at_most| rows > *at_most)
        {
            return Err(QueryError::TooManyRows { rows, at_most });
        }
        let client = &self.loan.connection.client;
        match timeout(COMMIT_PATIENCE, client.batch_execute(session::COMMIT)).await {
            Ok(Ok(())) => {
                self.ending = send(&self.loan, session::clean_after_write());
                let is_change = self.source.change.is_some() || statement::changes_rows(&self.source.statement);
                Ok(rows.filter(|_| is_change))
            }
            // A deferred constraint, for example: the server has rolled back. What a pooler says of a connection is no such word.
            Ok(Err(error)) if error.code().is_some_and(|code| !is_of_connection(code.code())) => Err(self.said(&error)),
            Ok(Err(_)) | Err(_) => Err(QueryError::OutcomeUnknown(self.loan.resource().to_owned())),
        }
    }

    fn said(&self, error: &tokio_postgres::Error) -> QueryError {
        match sql::compile_either(&self.source.statement, self.source.change.as_ref()) {
            Ok(compiled) => super::error::of_statement(error, self.loan.resource(), self.limits.timeout_ms, &compiled),
            Err(error) => QueryError::Statement(error),
        }
    }
}

/// Whether an SQLSTATE is about the connection or the server's end, and so says nothing of a transaction.
fn is_of_connection(code: &str) -> bool {
    code.starts_with("08") || code.starts_with("57P")
}

/// Stops a read that has shown enough rows. The connection serves again only if the server said that the cancel struck this
/// statement: one that came too late would strike the next.
async fn stop(loan: Loan, guard: CancelOnDrop, ending: Ending, mut reader: Reader, deadline: Instant) {
    let stopped = async {
        if let Some(cancel) = guard.take() {
            cancel.send().await;
        }
        let ended = reader.skip().await;
        // Past the deadline it may have been the statement's own timeout.
        let struck = ended.is_err_and(|error| error.code() == Some(&SqlState::QUERY_CANCELED));
        struck && Instant::now() + GRACE < deadline && ending.await.is_ok()
    };
    if matches!(timeout(CLEAN_PATIENCE, stopped).await, Ok(true)) {
        loan.give_back();
    }
}
