//! One statement on a thread that may block: a transaction around a write, rows handed on as they come.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bulkhead_model::query::{QueryLimits, QueryMode};
use bytes::Bytes;
use fallible_iterator::FallibleIterator;
use rusqlite::types::Value as Stored;
use rusqlite::{Batch, Connection, ErrorCode, InterruptHandle, Statement};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::{file, value};
use crate::answer::{Chunk, Columns, RowsWriter, Summary};
use crate::error::QueryError;
use crate::export::Form;

/// Steps of SQLite's machine between two looks at whether to stop.
const STEPS: i32 = 1000;

/// A statement to run.
pub(super) struct Job {
    pub(super) path: PathBuf,
    pub(super) resource: String,
    pub(super) text: String,
    pub(super) parameters: Vec<Stored>,
    pub(super) mode: QueryMode,
    pub(super) limits: QueryLimits,
    pub(super) form: Form,
    pub(super) started: Instant,
    /// Set when nobody waits for it any more, or its time is up.
    pub(super) stop: Arc<AtomicBool>,
}

/// A piece of the result.
pub(super) enum Piece {
    Chunk(Bytes),
    /// The last one, with the error that it tells of.
    Last(Bytes, Option<QueryError>),
}

impl Job {
    /// Runs it. `handle` is given what interrupts it; `pieces` are waited for, so that a slow reader slows this thread alone.
    pub(super) fn run(self, handle: oneshot::Sender<InterruptHandle>, pieces: &mpsc::Sender<Piece>) {
        let outcome = file::open(&self.path, self.mode, self.limits, &self.resource);
        let last = match outcome {
            Err(error) => Piece::Last(Bytes::new(), Some(error)),
            Ok(connection) => {
                // Whoever would interrupt it may be gone.
                let _ = handle.send(connection.get_interrupt_handle());
                let mut rows = Rows { job: &self, pieces, columns: Columns::default(), writer: None };
                let mut summary = Summary::default();
                if let Err(error) = rows.run(&connection, &mut summary) {
                    summary = Summary { error: Some(error), ..Summary::default() };
                }
                summary.duration_ms = self.started.elapsed().as_secs_f64() * 1e3;
                Piece::Last(rows.close(&summary), summary.error)
            }
        };
        // A reader that left misses nothing that anybody else wants.
        let _ = pieces.blocking_send(last);
    }

    fn said(&self, error: &rusqlite::Error) -> QueryError {
        let code = error.sqlite_error_code();
        if code == Some(ErrorCode::OperationInterrupted) {
            return QueryError::Timeout(self.limits.timeout_ms);
        }
        let mut message = match error {
            rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
            other => other.to_string(),
        };
        match code {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                message.push_str(": another program or query writes to the file: try again");
            }
            Some(ErrorCode::AuthorizationForStatementDenied | ErrorCode::ReadOnly) if self.mode == QueryMode::Read => {
                message.push_str(
                    ": a read changes nothing; set the query's mode to \"write\" if it is meant to change data",
                );
            }
            Some(ErrorCode::AuthorizationForStatementDenied) => {
                message.push_str(
                    ": a query is one statement in one file, without transactions of its own, ATTACH, pragmas that set something and \
                     extensions",
                );
            }
            Some(ErrorCode::ReadOnly) => {
                message.push_str(": the file and its directory must be writable for db-connector, and in ReadWritePaths= of its unit");
            }
            _ => {}
        }
        let sqlstate = error.sqlite_error().map(|error| error.extended_code.to_string()).unwrap_or_default();
        QueryError::Sql { message, sqlstate, position: None }
    }
}

/// The rows of a job on their way to JSON.
struct Rows<'a> {
    job: &'a Job,
    pieces: &'a mpsc::Sender<Piece>,
    columns: Columns,
    writer: Option<RowsWriter>,
}

impl Rows<'_> {
    fn run(&mut self, connection: &Connection, summary: &mut Summary) -> Result<(), QueryError> {
        let job = self.job;
        let said = |error: rusqlite::Error| job.said(&error);
        let stop = Arc::clone(&job.stop);
        connection.progress_handler(STEPS, Some(move || stop.load(Ordering::Relaxed)));
        if job.mode == QueryMode::Write {
            connection.execute_batch("BEGIN IMMEDIATE").map_err(said)?;
        }
        // What is not committed is rolled back when the connection is closed.
        file::guard(connection, job.mode);
        let changed = self.statement(connection, summary)?;
        if job.mode == QueryMode::Write {
            if job.stop.load(Ordering::Relaxed) {
                return Err(QueryError::Timeout(job.limits.timeout_ms));
            }
            file::unguard(connection);
            connection.execute_batch("COMMIT").map_err(said)?;
            summary.affected = changed;
        }
        Ok(())
    }

    /// Runs the statement to its end. The rows that it changed, if it changes any.
    fn statement(&mut self, connection: &Connection, summary: &mut Summary) -> Result<Option<u64>, QueryError> {
        let job = self.job;
        let said = |error: rusqlite::Error| job.said(&error);
        let mut batch = Batch::new(connection, &job.text);
        let mut statement = batch.next().map_err(said)?.ok_or(QueryError::Unsupported("it has no statement in it"))?;
        if !matches!(batch.next(), Ok(None)) {
            return Err(QueryError::Unsupported("it is more than one statement: make a query of each"));
        }
        self.describe(&statement);
        let columns = statement.column_count();
        for (index, value) in job.parameters.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, value).map_err(said)?;
        }
        let changes = (!statement.readonly()).then_some(());
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(said)? {
            let Some(writer) = &mut self.writer else { continue };
            if writer.has_all() {
                summary.truncated = true;
                // A write goes on to its end: its rows are only what it tells of itself.
                if job.mode == QueryMode::Read {
                    return Ok(None);
                }
                continue;
            }
            let names = &self.columns;
            let chunk = writer.row(|out| {
                for (index, key) in names.keys().enumerate().take(columns) {
                    out.push(if index == 0 { b'{' } else { b',' });
                    out.extend_from_slice(key);
                    value::write(row.get_ref(index).map_err(|error| job.said(&error))?, out);
                }
                out.push(b'}');
                Ok(())
            })?;
            if chunk == Chunk::Full && job.mode == QueryMode::Read {
                let chunk = Piece::Chunk(writer.take_chunk());
                self.pieces.blocking_send(chunk).map_err(|_| QueryError::Timeout(job.limits.timeout_ms))?;
            }
        }
        Ok(changes.map(|()| connection.changes()))
    }

    fn describe(&mut self, statement: &Statement<'_>) {
        for column in statement.columns() {
            self.columns.add(column.name(), column.decl_type().unwrap_or("any"));
        }
        if statement.column_count() > 0 {
            self.writer = Some(RowsWriter::with(&self.columns, self.job.limits, &self.job.form));
        }
    }

    fn close(&mut self, summary: &Summary) -> Bytes {
        let (columns, job) = (&self.columns, self.job);
        self.writer.get_or_insert_with(|| RowsWriter::with(columns, job.limits, &job.form)).close(summary)
    }
}
