//! How blocks end: what they came to, with their logs, the variables that they set and what comes of their run, in one commit.

use std::collections::{BTreeMap, HashSet};

use bulkhead_model::run::{BlockStatus, LogLevel, RunError, RunResponse, RunStatus, Usage};
use bulkhead_model::workflow::Port;
use bulkhead_model::{Name, RunId};
use deadpool_postgres::{GenericClient, Transaction};
use futures_util::future::try_join;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Statement;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{Json, ToSql};

use crate::block_rows::{BlockRows, Key, Row, all_stored, key, one_row_each, stored};
use crate::children::{FailureRun, start_failure_run};
use crate::journal::{BlockOutcome, BlockPlace, rounds};
use crate::payload::Payload;
use crate::{Database, StoreError};

/// A run of which something is stored has begun, also where the worker that took it up has not said so. The first answer counts.
const GO_ON: &str = "begun AS (
        UPDATE runs SET response = coalesce(response, $3), status = CASE status WHEN 'queued' THEN 'running' ELSE status END,
            started_at = coalesce(started_at, CASE WHEN $2::timestamptz IS NULL THEN now() ELSE greatest(created_at, $2) END)
        WHERE id = $1 AND (status = 'queued' OR response IS NULL AND $3::json IS NOT NULL))";
/// A run that has ended stays as it is. Its start need not be looked at any more, the run that waits for it is woken, and those that it
/// waits for are cancelled.
const FINISH: &str = "changed AS (
        UPDATE runs SET status = $4, error = $5, finished_at = now(), waiting_for = NULL, response = coalesce(response, $3),
            started_at = coalesce(started_at, CASE WHEN $2::timestamptz IS NULL THEN now() ELSE greatest(created_at, $2) END),
            result_json = CASE WHEN parent_waits THEN $6::text END, result_packed = CASE WHEN parent_waits THEN $7::bytea END
        WHERE id = $1 AND finished_at IS NULL RETURNING id, parent_run, parent_waits),
    marked AS (UPDATE run_outbox o SET sent_at = now() FROM changed WHERE o.run_id = changed.id AND o.kind = 'start' AND o.sent_at IS NULL),
    entries AS (INSERT INTO run_outbox (run_id, kind)
        SELECT parent_run, 'wake' FROM changed WHERE parent_waits
        UNION ALL SELECT c.id, 'cancel' FROM runs c JOIN changed ON c.parent_run = changed.id WHERE c.parent_waits AND c.finished_at IS NULL
        RETURNING run_id)";
/// Whether a run was ended by that; those whom it concerns are told.
const FINISHED: &str =
    "EXISTS (SELECT FROM changed), (SELECT count(pg_notify('run_outbox', run_id::text)) FROM entries)";
/// Whoever follows a run looks again. Not in the commit, as for starts.
const ANNOUNCE_CHANGE: &str = "SELECT pg_notify('run_changed', $1)";
/// A block that is stored already sets nothing again.
pub(crate) const SET_VARIABLE: &str = "INSERT INTO run_variables (run_id, name, value) VALUES ($1, $2, $3)
    ON CONFLICT (run_id, name) DO UPDATE SET value = excluded.value";

/// What comes of a run with blocks that ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conclusion<'a> {
    /// Its answer.
    pub response: Option<&'a RunResponse>,
    /// Its end.
    pub end: Option<RunEnd<'a>>,
    /// The run that its failure starts.
    pub on_failure: Option<FailureRun<'a>>,
}

/// How a run ends.
#[derive(Clone, Copy, Debug)]
pub struct RunEnd<'a> {
    /// A final status.
    pub status: RunStatus,
    /// Why it failed.
    pub error: Option<&'a RunError>,
    /// What its last block came to, for the run that waits for it.
    pub result: Option<&'a Value>,
}

/// What a block came to, to store.
#[derive(Clone, Debug)]
pub struct BlockEnd<'a> {
    /// Which.
    pub place: BlockPlace,
    /// What came of it.
    pub outcome: BlockOutcome,
    /// The row that covers this one once it has ended: its block, and how many of this one's rounds are its own.
    pub cover: Option<(&'a str, i16)>,
    /// What it was given.
    pub input: &'a Value,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// When it ended, if it has.
    pub finished_at: Option<OffsetDateTime>,
    /// What it used.
    pub usage: Usage,
    /// What it logged: level, time, text.
    pub logs: Vec<(LogLevel, OffsetDateTime, &'a str)>,
    /// Variables of the run that it sets.
    pub variables: Option<&'a BTreeMap<Name, Value>>,
}

impl Database {
    /// Stores what blocks came to, with their logs and with what came of the run, in one commit. What is stored already stays as
    /// it is; [`StoreError::Changed`], and nothing of it is stored, where somebody else has found that a block came to something else.
    /// Says of which, by their number, a failed attempt had made calls that change something.
    pub async fn end_blocks(
        &self,
        run: RunId,
        ends: &[BlockEnd<'_>],
        conclusion: Conclusion<'_>,
    ) -> Result<Vec<usize>, StoreError> {
        let operation = "store the results of blocks";
        let mut client = self.client(operation).await?;
        let announce = client.prepare_cached(ANNOUNCE_CHANGE).await.map_err(StoreError::of(operation))?;
        let text = run.to_string();
        let about: [&(dyn ToSql + Sync); 1] = [&text];
        let began_at = ends.iter().map(|end| end.started_at).min();
        if let Some(rows) = rows_of_news(ends, conclusion)? {
            let sql = statement_of(conclusion, rows.as_ref());
            let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
            let storing = store(&client, &statement, (run, began_at), rows.as_ref(), conclusion);
            // Sent together, done one after the other. A word that is lost is made up for by a look.
            match futures_util::join!(storing, client.query(&announce, &about)).0 {
                Ok(_) => return Ok(Vec::new()),
                Err(error) if is_no_news(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let sql = statement_of(conclusion, None);
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let concluded = store(&transaction, &statement, (run, began_at), None, conclusion);
        // Sent together, in this order: the one would wait for the other otherwise.
        let (is_new, has_ended) = try_join(store_blocks(&transaction, run, ends), concluded).await?;
        if let Some(failure) = conclusion.on_failure.filter(|_| has_ended) {
            start_failure_run(&transaction, run, &failure).await?;
        }
        let mut wrote = Vec::new();
        for (number, (end, is_new)) in ends.iter().zip(is_new).enumerate() {
            if is_new && !end.logs.is_empty() {
                store_logs(&transaction, run, end).await?;
            }
            for (name, value) in end.variables.filter(|_| is_new).into_iter().flatten() {
                let statement = transaction.prepare_cached(SET_VARIABLE).await.map_err(StoreError::of(operation))?;
                let values: [&(dyn ToSql + Sync); 3] = [&run.0, &name.as_str(), value];
                transaction.execute(&statement, &values).await.map_err(StoreError::of(operation))?;
            }
            if end.outcome.status == BlockStatus::Failed && has_written(&transaction, run, &end.place, is_new).await? {
                wrote.push(number);
            }
        }
        transaction.commit().await.map_err(StoreError::of(operation))?;
        // Nobody waits for this.
        tokio::spawn(async move { client.query(&announce, &[&text]).await.map(|_| ()) });
        Ok(wrote)
    }

    /// Ends a run. One that has ended stays as it is.
    pub async fn finish_run(&self, run: RunId, end: RunEnd<'_>) -> Result<(), StoreError> {
        self.end_blocks(run, &[], Conclusion { end: Some(end), ..Conclusion::default() }).await.map(|_| ())
    }
}

/// What one statement can store, if all of it is news, as it is nearly always: no log lines, no variables, and nothing to be looked up
/// for a failure. The inner one is none where there are no blocks.
fn rows_of_news(ends: &[BlockEnd<'_>], conclusion: Conclusion<'_>) -> Result<Option<Option<BlockRows>>, StoreError> {
    let is_plain = |end: &BlockEnd<'_>| {
        end.logs.is_empty() && end.variables.is_none() && end.outcome.status != BlockStatus::Failed
    };
    if conclusion.on_failure.is_some() || !ends.iter().all(is_plain) {
        return Ok(None);
    }
    match one_row_each(ends) {
        None => Ok(None),
        Some(rows) if rows.is_empty() => Ok(Some(None)),
        Some(rows) => BlockRows::of("store the results of blocks", &rows).map(|rows| Some(Some(rows))),
    }
}

/// Stores rows, which must be news, and what comes of their run.
fn statement_of(conclusion: Conclusion<'_>, rows: Option<&BlockRows>) -> String {
    let (run, first, ended) = match conclusion.end {
        Some(_) => (FINISH, 8, FINISHED),
        None => (GO_ON, 4, "false"),
    };
    match rows {
        Some(_) => format!("WITH {}, {run} SELECT {ended}, {}", stored(first), all_stored(first)),
        None => format!("WITH {run} SELECT {ended}"),
    }
}

/// Does what that statement says for a run and when it has begun; gives whether the run was ended by it.
async fn store(
    client: &impl GenericClient,
    statement: &Statement,
    (run, began_at): (RunId, Option<OffsetDateTime>),
    rows: Option<&BlockRows>,
    conclusion: Conclusion<'_>,
) -> Result<bool, StoreError> {
    let operation = "store the results of blocks";
    let response = conclusion.response.map(Json);
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&run.0, &began_at, &response];
    let (status, error, result);
    if let Some(end) = conclusion.end {
        (status, error, result) = (end.status.as_str(), end.error.map(Json), Payload::of(operation, &end.result)?);
        values.extend([&status as &(dyn ToSql + Sync), &error, &result.json, &result.packed]);
    }
    values.extend(rows.map(BlockRows::values).into_iter().flatten());
    let row = client.query_one(statement, &values).await.map_err(StoreError::of(operation))?;
    Ok(row.get(0))
}

/// Whether nothing was stored because some of it is stored already.
fn is_no_news(error: &StoreError) -> bool {
    matches!(error, StoreError::Refused { source, .. } if source.code() == Some(&SqlState::INVALID_TEXT_REPRESENTATION))
}

/// Stores rows; says of each whether it is new, or goes on from "running".
async fn store_blocks(
    transaction: &Transaction<'_>,
    run: RunId,
    ends: &[BlockEnd<'_>],
) -> Result<Vec<bool>, StoreError> {
    let mut stored = Vec::with_capacity(ends.len());
    let mut rest = ends;
    while !rest.is_empty() {
        // One statement takes a row once: a block that has begun and ended since the last commit comes twice.
        let mut seen = HashSet::new();
        let several = rest.iter().take_while(|end| seen.insert(key(&end.place))).count();
        let (now, later) = rest.split_at(several);
        let new = insert_blocks(transaction, run, now).await?;
        for end in now {
            let is_new = new.contains(&key(&end.place));
            if !is_new {
                require_same(transaction, run, end).await?;
            }
            stored.push(is_new);
        }
        rest = later;
    }
    Ok(stored)
}

/// Gives the keys of the rows that are new, or go on from "running".
async fn insert_blocks(
    transaction: &Transaction<'_>,
    run: RunId,
    ends: &[BlockEnd<'_>],
) -> Result<HashSet<Key>, StoreError> {
    let operation = "store the results of blocks";
    let rows: Vec<Row<'_>> = ends.iter().map(Row::from).collect();
    let rows = BlockRows::of(operation, &rows)?;
    let sql = format!("WITH {} SELECT block, iteration, attempt FROM stored", stored(2));
    let statement = transaction.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
    let values: Vec<&(dyn ToSql + Sync)> = [&run.0 as &(dyn ToSql + Sync)].into_iter().chain(rows.values()).collect();
    let stored = transaction.query(&statement, &values).await.map_err(StoreError::of(operation))?;
    Ok(stored.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

/// A row that is stored already must say the same. It was told twice, or by two who make the same step: only one of them may go on with
/// what it has found.
async fn require_same(transaction: &Transaction<'_>, run: RunId, end: &BlockEnd<'_>) -> Result<(), StoreError> {
    let operation = "store the result of a block";
    let result = Payload::of(operation, &end.outcome.result)?;
    let sql = "SELECT $5 = 'running' OR status = $5 AND port IS NOT DISTINCT FROM $8
            AND result_json IS NOT DISTINCT FROM $6 AND result_packed IS NOT DISTINCT FROM $7
        FROM block_runs WHERE run_id = $1 AND block = $2 AND iteration = $3 AND attempt = $4";
    let statement = transaction.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
    let values: [&(dyn ToSql + Sync); 8] = [
        &run.0,
        &end.place.block,
        &rounds(&end.place.iteration),
        &end.place.attempt,
        &end.outcome.status.as_str(),
        &result.json,
        &result.packed,
        &end.outcome.port.as_ref().map(Port::as_str),
    ];
    let row = transaction.query_one(&statement, &values).await.map_err(StoreError::of(operation))?;
    if row.get::<_, Option<bool>>(0) == Some(false) { Err(StoreError::Changed { operation }) } else { Ok(()) }
}

/// Whether an attempt had made calls that change something when it failed; a call that failed has changed nothing. The answer is
/// kept: what follows a failure must not change with what a call comes to later.
async fn has_written(
    transaction: &Transaction<'_>,
    run: RunId,
    place: &BlockPlace,
    is_new: bool,
) -> Result<bool, StoreError> {
    let operation = "look for calls of a block";
    let sql = "UPDATE block_runs SET wrote = wrote OR $5 AND EXISTS (SELECT FROM block_calls
            WHERE run_id = $1 AND block = $2 AND iteration = $3 AND attempt = $4 AND status <> 'failed')
        WHERE run_id = $1 AND block = $2 AND iteration = $3 AND attempt = $4 RETURNING wrote";
    let statement = transaction.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
    let values: [&(dyn ToSql + Sync); 5] = [&run.0, &place.block, &rounds(&place.iteration), &place.attempt, &is_new];
    Ok(transaction.query_one(&statement, &values).await.map_err(StoreError::of(operation))?.get(0))
}

async fn store_logs(transaction: &Transaction<'_>, run: RunId, end: &BlockEnd<'_>) -> Result<(), StoreError> {
    let operation = "store the log of a block";
    let sql = "INSERT INTO block_logs (run_id, block, iteration, attempt, seq, level, logged_at, text)
        SELECT $1, $2, $6, $7, (line.seq - 1)::integer, line.level, line.at, line.text
        FROM unnest($3::text[], $4::timestamptz[], $5::text[]) WITH ORDINALITY AS line (level, at, text, seq)
        ON CONFLICT DO NOTHING";
    let statement = transaction.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
    let levels: Vec<&str> = end.logs.iter().map(|(level, ..)| level.as_str()).collect();
    let times: Vec<OffsetDateTime> = end.logs.iter().map(|(_, at, _)| *at).collect();
    // PostgreSQL's text cannot hold NUL, which a program may well print.
    let texts: Vec<String> = end.logs.iter().map(|(.., text)| text.replace('\0', "\u{2400}")).collect();
    let BlockPlace { block, iteration, attempt } = &end.place;
    let values: [&(dyn ToSql + Sync); 7] = [&run.0, block, &levels, &times, &texts, &rounds(iteration), attempt];
    transaction.execute(&statement, &values).await.map(|_| ()).map_err(StoreError::of(operation))
}
