//! How blocks end: what they came to, with their logs, the variables that they set and what comes of their run, in one commit.

use std::collections::{BTreeMap, HashSet};

use bulkhead_model::run::{BlockStatus, LogLevel, RunError, RunResponse, RunStatus, Usage};
use bulkhead_model::workflow::Port;
use bulkhead_model::{Name, RunId};
use deadpool_postgres::Transaction;
use futures_util::future::try_join;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::types::{Json, ToSql};

use crate::children::{FailureRun, start_failure_run};
use crate::journal::{BlockOutcome, BlockPlace, rounds};
use crate::payload::Payload;
use crate::{Database, StoreError};

/// The first answer counts.
const RESPOND: &str = "UPDATE runs SET response = $2 WHERE id = $1 AND response IS NULL";
/// A run that has ended stays as it is. The run that waits for it is woken, and those that it waits for are cancelled.
const FINISH: &str = "WITH changed AS (
        UPDATE runs SET status = $2, error = $3, started_at = coalesce(started_at, now()), finished_at = now(), waiting_for = NULL,
            response = coalesce(response, $6), result_json = CASE WHEN parent_waits THEN $4::text END,
            result_packed = CASE WHEN parent_waits THEN $5::bytea END
        WHERE id = $1 AND finished_at IS NULL RETURNING id, parent_run, parent_waits),
    entries AS (INSERT INTO run_outbox (run_id, kind)
        SELECT parent_run, 'wake' FROM changed WHERE parent_waits
        UNION ALL SELECT c.id, 'cancel' FROM runs c JOIN changed ON c.parent_run = changed.id WHERE c.parent_waits AND c.finished_at IS NULL
        RETURNING run_id)
    SELECT (SELECT count(pg_notify('run_outbox', run_id::text)) FROM entries) FROM changed";
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
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        // Sent together, in this order: the one would wait for the other otherwise.
        let (is_new, ()) =
            try_join(store_blocks(&transaction, run, ends), conclude(&transaction, run, conclusion)).await?;
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
        // Not in the commit, as for starts; and nobody waits for it.
        tokio::spawn(async move {
            if let Ok(notify) = client.prepare_cached("SELECT pg_notify('run_changed', $1)").await {
                let _ = client.execute(&notify, &[&run.to_string()]).await;
            }
        });
        Ok(wrote)
    }

    /// Ends a run. One that has ended stays as it is.
    pub async fn finish_run(&self, run: RunId, end: RunEnd<'_>) -> Result<(), StoreError> {
        self.end_blocks(run, &[], Conclusion { end: Some(end), ..Conclusion::default() }).await.map(|_| ())
    }
}

/// Stores a run's answer and its end.
async fn conclude(transaction: &Transaction<'_>, run: RunId, conclusion: Conclusion<'_>) -> Result<(), StoreError> {
    let operation = "store the end of a run";
    let response = conclusion.response.map(Json);
    let Some(end) = conclusion.end else {
        let Some(response) = response else { return Ok(()) };
        let statement = transaction.prepare_cached(RESPOND).await.map_err(StoreError::of(operation))?;
        let values: [&(dyn ToSql + Sync); 2] = [&run.0, &response];
        return transaction.query(&statement, &values).await.map(|_| ()).map_err(StoreError::of(operation));
    };
    let result = Payload::of(operation, &end.result)?;
    let statement = transaction.prepare_cached(FINISH).await.map_err(StoreError::of(operation))?;
    let values: [&(dyn ToSql + Sync); 6] =
        [&run.0, &end.status.as_str(), &end.error.map(Json), &result.json, &result.packed, &response];
    let ended = transaction.query(&statement, &values).await.map_err(StoreError::of(operation))?;
    match conclusion.on_failure {
        Some(failure) if !ended.is_empty() => start_failure_run(transaction, run, &failure).await,
        _ => Ok(()),
    }
}

/// A row's key within its run.
type Key = (String, Vec<i32>, i32);

fn key(place: &BlockPlace) -> Key {
    (place.block.clone(), rounds(&place.iteration), place.attempt)
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
    let sql = "INSERT INTO block_runs (run_id, block, iteration, attempt, status, input_json, input_packed, result_json, result_packed,
            port, error, wall_ms, cpu_ms, peak_memory_bytes, started_at, finished_at, cover_block, cover_depth)
        SELECT $1, block, iteration::integer[], attempt, status, input_json, input_packed, result_json, result_packed,
            port, error::json, wall_ms, cpu_ms, peak, started_at, finished_at, cover_block, cover_depth
        FROM unnest($2::text[], $3::text[], $4::integer[], $5::text[], $6::text[], $7::bytea[], $8::text[], $9::bytea[], $10::text[],
            $11::text[], $12::float8[], $13::float8[], $14::bigint[], $15::timestamptz[], $16::timestamptz[], $17::text[], $18::smallint[])
            AS ended (block, iteration, attempt, status, input_json, input_packed, result_json, result_packed, port, error, wall_ms,
                cpu_ms, peak, started_at, finished_at, cover_block, cover_depth)
        ON CONFLICT (run_id, block, iteration, attempt) DO UPDATE SET status = excluded.status,
            input_json = CASE WHEN block_runs.input_json = 'null' THEN excluded.input_json ELSE block_runs.input_json END,
            input_packed = CASE WHEN block_runs.input_json = 'null' THEN excluded.input_packed ELSE block_runs.input_packed END,
            result_json = excluded.result_json, result_packed = excluded.result_packed, port = excluded.port, error = excluded.error,
            wall_ms = excluded.wall_ms, cpu_ms = excluded.cpu_ms, peak_memory_bytes = excluded.peak_memory_bytes,
            finished_at = excluded.finished_at
        WHERE block_runs.status = 'running' AND excluded.status <> 'running'
        RETURNING block, iteration, attempt";
    let statement = transaction.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
    let (mut iterations, mut errors) = (Vec::with_capacity(ends.len()), Vec::with_capacity(ends.len()));
    let (mut inputs, mut results) = (Payloads::default(), Payloads::default());
    for end in ends {
        let numbers: Vec<String> = rounds(&end.place.iteration).iter().map(i32::to_string).collect();
        iterations.push(format!("{{{}}}", numbers.join(",")));
        let error = end.outcome.error.as_ref().map(serde_json::to_string).transpose();
        errors.push(error.map_err(StoreError::damaged(operation))?);
        inputs.push(Payload::of(operation, end.input)?);
        results.push(Payload::of(operation, &end.outcome.result)?);
    }
    let texts = |one: fn(&BlockEnd<'_>) -> Option<String>| ends.iter().map(one).collect::<Vec<_>>();
    let numbers = |one: fn(&BlockEnd<'_>) -> f64| ends.iter().map(one).collect::<Vec<_>>();
    let times = |one: fn(&BlockEnd<'_>) -> Option<OffsetDateTime>| ends.iter().map(one).collect::<Vec<_>>();
    let attempts: Vec<i32> = ends.iter().map(|end| end.place.attempt).collect();
    let peaks: Vec<i64> =
        ends.iter().map(|end| i64::try_from(end.usage.peak_memory_bytes).unwrap_or(i64::MAX)).collect();
    let depths: Vec<Option<i16>> = ends.iter().map(|end| end.cover.map(|(_, depth)| depth)).collect();
    let values: [&(dyn ToSql + Sync); 18] = [
        &run.0,
        &texts(|end| Some(end.place.block.clone())),
        &iterations,
        &attempts,
        &texts(|end| Some(end.outcome.status.as_str().to_owned())),
        &inputs.json,
        &inputs.packed,
        &results.json,
        &results.packed,
        &texts(|end| end.outcome.port.as_ref().map(|port| port.as_str().to_owned())),
        &errors,
        &numbers(|end| end.usage.wall_ms),
        &numbers(|end| end.usage.cpu_ms),
        &peaks,
        &times(|end| Some(end.started_at)),
        &times(|end| end.finished_at),
        &texts(|end| end.cover.map(|(block, _)| block.to_owned())),
        &depths,
    ];
    let rows = transaction.query(&statement, &values).await.map_err(StoreError::of(operation))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

/// The two columns of some payloads.
#[derive(Default)]
struct Payloads {
    json: Vec<Option<String>>,
    packed: Vec<Option<Vec<u8>>>,
}

impl Payloads {
    fn push(&mut self, payload: Payload) {
        self.json.push(payload.json);
        self.packed.push(payload.packed);
    }
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
