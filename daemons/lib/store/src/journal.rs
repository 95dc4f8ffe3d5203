//! The journal of a run, as workflows-backend keeps it: blocks, calls with effects, logs, status.
//!
//! Everything here may be told twice: a report that is already stored changes nothing, and a status only moves forward.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::run::{BlockStatus, Choice, Iteration, LogLevel, RunError, RunResponse, RunStatus, Usage};
use bulkhead_model::workflow::{Port, WorkflowDocument};
use bulkhead_model::{Name, RunId, WorkflowId};
use futures_util::future::try_join_all;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use crate::children::{FailureRun, start_failure_run};
use crate::database::LAZILY;
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
const SET_VARIABLE: &str = "INSERT INTO run_variables (run_id, name, value) VALUES ($1, $2, $3)
    ON CONFLICT (run_id, name) DO UPDATE SET value = excluded.value";

/// A run with its pinned release.
#[derive(Clone, Debug)]
pub struct PinnedRun {
    /// Its workflow.
    pub workflow: WorkflowId,
    /// The release's number.
    pub version: i32,
    /// The release.
    pub document: Arc<WorkflowDocument>,
    /// What code sees as `trigger`.
    pub trigger: Value,
    /// Where it stands.
    pub status: RunStatus,
    /// When it was accepted.
    pub created_at: OffsetDateTime,
    /// How many runs it descends from.
    pub depth: i32,
    /// Whether a person has paused it.
    pub is_paused: bool,
    /// Where it begins, unless at its start: at this block, with what came before in that run; none where that run is gone.
    pub begins_at: Option<(String, Option<RunId>)>,
}

/// A block of a run.
#[derive(Clone, Debug)]
pub struct BlockPlace {
    /// The block.
    pub block: String,
    /// In which round of which loops.
    pub iteration: Iteration,
    /// Attempts count from 1.
    pub attempt: i32,
}

/// What came of a block.
#[derive(Clone, Debug)]
pub struct BlockOutcome {
    /// How it ended, or that it has begun.
    pub status: BlockStatus,
    /// What it gave, or where it stands.
    pub result: Value,
    /// Which way it was left.
    pub port: Option<Port>,
    /// Why it failed.
    pub error: Option<RunError>,
}

/// The newest attempt of a block, as stored.
#[derive(Clone, Debug)]
pub struct BlockRow {
    /// Which.
    pub place: BlockPlace,
    /// What came of it.
    pub outcome: BlockOutcome,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
    /// Whether it failed after it had made calls that change something.
    pub wrote: bool,
    /// What a person has chosen, where its outcome is unknown.
    pub choice: Option<Choice>,
}

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

/// Where a call with effects stands in the journal.
#[derive(Clone, Debug)]
pub enum JournalledCall {
    /// Nobody has made it; it is now marked as started, durably.
    New,
    /// It was started and nothing tells how it ended.
    Started,
    /// It ended well, with this result.
    Finished(Value),
    /// It failed.
    Failed(RunError),
    /// A person has to say what became of it.
    OutcomeUnknown,
    /// Something else was asked for under this key before.
    AnotherRequest,
}

/// How a started call ended.
#[derive(Clone, Copy, Debug)]
pub enum CallEnd<'a> {
    /// Well, with this result.
    Finished(&'a Value),
    /// It took effect, and its answer is of no use.
    Answered(&'a RunError),
    /// Without effect.
    Failed(&'a RunError),
    /// Nothing tells.
    Unknown,
}

/// What a run takes over from an earlier one.
#[derive(Clone, Copy, Debug)]
pub struct Earlier<'a> {
    /// The blocks whose results it has from the start.
    pub blocks: &'a [&'a str],
    /// The blocks that set variables.
    pub setters: &'a [&'a str],
    /// The block that it begins at.
    pub before: &'a str,
}

/// The key of a call: with the run, what a repeat is recognised by.
#[derive(Clone, Copy, Debug)]
pub struct CallKey<'a> {
    /// The run.
    pub run: RunId,
    /// The block, in its round and attempt.
    pub place: &'a BlockPlace,
    /// Counts within the block.
    pub call: i32,
}

impl Database {
    /// A run with its pinned release.
    pub async fn pinned_run(&self, id: RunId) -> Result<PinnedRun, StoreError> {
        let operation = "read a run";
        let client = self.client(operation).await?;
        let sql = "SELECT r.workflow_id, r.version, r.trigger, r.status, r.created_at, r.depth, r.paused_at IS NOT NULL, r.from_block,
                r.from_run FROM runs r WHERE r.id = $1";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&id.0]).await.map_err(StoreError::of(operation))?;
        let row = row.ok_or(StoreError::NotFound { operation })?;
        // Reading the release may need a connection too.
        drop(client);
        let (workflow, version) = (WorkflowId(row.get(0)), row.get(1));
        let status: &str = row.get(3);
        Ok(PinnedRun {
            workflow,
            version,
            document: self.workflow_release(workflow, version).await?,
            trigger: row.get(2),
            status: status.parse().map_err(|()| StoreError::bad_word(operation, status))?,
            created_at: row.get(4),
            depth: row.get(5),
            is_paused: row.get(6),
            begins_at: row.get::<_, Option<String>>(7).map(|block| (block, row.get::<_, Option<Uuid>>(8).map(RunId))),
        })
    }

    /// A worker has begun the run.
    pub async fn mark_running(&self, id: RunId) -> Result<(), StoreError> {
        let operation = "mark a run as running";
        let client = self.client(operation).await?;
        // Not waited for on the disk: a mark that is lost with the power is made again when the run goes on.
        let sql = format!(
            "UPDATE runs SET status = 'running', started_at = coalesce(started_at, now()), waiting_for = NULL
            FROM {LAZILY} WHERE id = $1 AND status IN ('queued', 'waiting')"
        );
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        client.execute(&statement, &[&id.0]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// A worker has left the run to wait.
    pub async fn mark_waiting(&self, id: RunId, waiting_for: &Value) -> Result<(), StoreError> {
        let operation = "mark a run as waiting";
        let client = self.client(operation).await?;
        let sql = format!(
            "WITH changed AS (
                UPDATE runs SET status = 'waiting', waiting_for = $2 FROM {LAZILY} WHERE id = $1 AND finished_at IS NULL RETURNING id)
            SELECT pg_notify('run_changed', id::text) FROM changed"
        );
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        client.query(&statement, &[&id.0, waiting_for]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// Takes over what blocks of an earlier run came to, unless that was done: the newest attempt of each of `blocks`, outside of loops,
    /// and what the blocks `setters` had set when `before` began.
    pub async fn take_over(&self, run: RunId, from: RunId, earlier: &Earlier<'_>) -> Result<(), StoreError> {
        let operation = "take over what an earlier run came to";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let sql = "INSERT INTO block_runs (run_id, block, iteration, attempt, status, input_json, input_packed, result_json, result_packed, port,
                error, wall_ms, cpu_ms, peak_memory_bytes, started_at, finished_at, cover_block, cover_depth, wrote)
            SELECT DISTINCT ON (block) $1, block, iteration, attempt, status, input_json, input_packed, result_json, result_packed, port,
                error, wall_ms, cpu_ms, peak_memory_bytes, started_at, finished_at, cover_block, cover_depth, wrote
            FROM block_runs WHERE run_id = $2 AND block = ANY($3) AND iteration = '{}' AND status = 'succeeded'
            ORDER BY block, attempt DESC ON CONFLICT DO NOTHING";
        transaction.execute(sql, &[&run.0, &from.0, &earlier.blocks]).await.map_err(StoreError::of(operation))?;
        let sql = "SELECT result_json, result_packed FROM block_runs
            WHERE run_id = $1 AND block = ANY($2) AND status = 'succeeded'
              AND finished_at <= (SELECT min(started_at) FROM block_runs WHERE run_id = $1 AND block = $3)
            ORDER BY finished_at, iteration";
        let rows = transaction.query(sql, &[&from.0, &earlier.setters, &earlier.before]).await;
        let mut variables = serde_json::Map::new();
        for row in rows.map_err(StoreError::of(operation))? {
            if let Value::Object(set) = Payload::read(operation, row.get(0), row.get(1))? {
                variables.extend(set);
            }
        }
        for (name, value) in &variables {
            transaction.execute(SET_VARIABLE, &[&run.0, name, value]).await.map_err(StoreError::of(operation))?;
        }
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    /// The variables of a run that were set.
    pub async fn run_variables(&self, id: RunId) -> Result<BTreeMap<Name, Value>, StoreError> {
        let operation = "read a run's variables";
        let client = self.client(operation).await?;
        let statement = client.prepare_cached("SELECT name, value FROM run_variables WHERE run_id = $1").await;
        let statement = statement.map_err(StoreError::of(operation))?;
        let rows = client.query(&statement, &[&id.0]).await.map_err(StoreError::of(operation))?;
        // A name that is none is no variable of any document.
        Ok(rows.iter().filter_map(|row| Some((row.get::<_, &str>(0).parse().ok()?, row.get(1)))).collect())
    }

    /// What is needed to go on with a run: the newest attempt of each block, but for those that are covered by the end of the
    /// round or loop which they are part of.
    pub async fn journal(&self, id: RunId) -> Result<Vec<BlockRow>, StoreError> {
        let operation = "read the journal";
        let client = self.client(operation).await?;
        let sql = "SELECT DISTINCT ON (b.block, b.iteration) b.block, b.iteration, b.attempt, b.status, b.result_json, b.result_packed,
                b.port, b.error, b.started_at, b.finished_at, b.wrote, b.choice
            FROM block_runs b
            WHERE b.run_id = $1 AND (b.cover_block IS NULL OR NOT EXISTS (SELECT FROM block_runs cover WHERE cover.run_id = $1
                AND cover.block = b.cover_block AND cover.iteration = b.iteration[1:b.cover_depth] AND cover.status <> 'running'))
            ORDER BY b.block, b.iteration, b.attempt DESC";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let rows = client.query(&statement, &[&id.0]).await.map_err(StoreError::of(operation))?;
        rows.iter().map(|row| block_row(operation, row)).collect()
    }

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
        let mut wrote = Vec::new();
        // Sent together: each would wait for the one before otherwise.
        let stored = try_join_all(ends.iter().map(|end| store_block(&transaction, run, end))).await?;
        for (number, (end, is_new)) in ends.iter().zip(stored).enumerate() {
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
        conclude(&transaction, run, conclusion).await?;
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

    /// Marks a call as started, durably, or says where it stands.
    pub async fn begin_call(&self, key: CallKey<'_>, request_hash: &[u8]) -> Result<JournalledCall, StoreError> {
        let operation = "journal a call";
        let client = self.client(operation).await?;
        let iteration = rounds(&key.place.iteration);
        let sql = "INSERT INTO block_calls (run_id, block, iteration, attempt, call, request_hash, status)
            VALUES ($1, $2, $3, $4, $5, $6, 'started') ON CONFLICT (run_id, block, iteration, attempt, call) DO NOTHING";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let BlockPlace { block, attempt, .. } = key.place;
        let values: [&(dyn ToSql + Sync); 6] = [&key.run.0, block, &iteration, attempt, &key.call, &request_hash];
        if client.execute(&statement, &values).await.map_err(StoreError::of(operation))? == 1 {
            return Ok(JournalledCall::New);
        }
        let sql = "SELECT status, request_hash = $6, result_json, result_packed, error FROM block_calls
            WHERE run_id = $1 AND block = $2 AND iteration = $3 AND attempt = $4 AND call = $5";
        let row = client.query_one(sql, &values).await.map_err(StoreError::of(operation))?;
        if !row.get::<_, bool>(1) {
            return Ok(JournalledCall::AnotherRequest);
        }
        let error = row.get::<_, Option<Json<RunError>>>(4);
        Ok(match (row.get(0), error) {
            ("started", _) => JournalledCall::Started,
            ("finished" | "failed", Some(error)) => JournalledCall::Failed(error.0),
            ("finished", None) => JournalledCall::Finished(Payload::read(operation, row.get(2), row.get(3))?),
            ("outcome-unknown", _) => JournalledCall::OutcomeUnknown,
            (word, _) => return Err(StoreError::bad_word(operation, word)),
        })
    }

    /// Stores how a started call ended.
    pub async fn end_call(&self, key: CallKey<'_>, end: CallEnd<'_>) -> Result<(), StoreError> {
        let operation = "journal the end of a call";
        let (status, value, error) = match end {
            CallEnd::Finished(value) => ("finished", Some(value), None),
            CallEnd::Answered(error) => ("finished", None, Some(error)),
            CallEnd::Failed(error) => ("failed", None, Some(error)),
            CallEnd::Unknown => ("outcome-unknown", None, None),
        };
        let payload = Payload::of(operation, value.unwrap_or(&Value::Null))?;
        let client = self.client(operation).await?;
        let sql =
            "UPDATE block_calls SET status = $6, result_json = $7, result_packed = $8, error = $9, finished_at = now()
            WHERE run_id = $1 AND block = $2 AND iteration = $3 AND attempt = $4 AND call = $5 AND status = 'started'";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let (error, iteration) = (error.map(Json), rounds(&key.place.iteration));
        let BlockPlace { block, attempt, .. } = key.place;
        let values: [&(dyn ToSql + Sync); 9] =
            [&key.run.0, block, &iteration, attempt, &key.call, &status, &payload.json, &payload.packed, &error];
        client.execute(&statement, &values).await.map(|_| ()).map_err(StoreError::of(operation))
    }
}

/// An iteration as the database has it.
pub(crate) fn rounds(iteration: &Iteration) -> Vec<i32> {
    iteration.0.iter().map(|round| i32::try_from(*round).unwrap_or(i32::MAX)).collect()
}

/// What the database has, as an iteration.
pub(crate) fn iteration(rounds: &[i32]) -> Iteration {
    Iteration(rounds.iter().map(|round| u32::try_from(*round).unwrap_or_default()).collect())
}

/// Stores a run's answer and its end.
async fn conclude(
    transaction: &deadpool_postgres::Transaction<'_>,
    run: RunId,
    conclusion: Conclusion<'_>,
) -> Result<(), StoreError> {
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

/// Whether the row is new, or goes on from "running".
async fn store_block(
    transaction: &deadpool_postgres::Transaction<'_>,
    run: RunId,
    end: &BlockEnd<'_>,
) -> Result<bool, StoreError> {
    let operation = "store the result of a block";
    let BlockPlace { block, iteration, attempt } = &end.place;
    let (cover, depth) = end.cover.unzip();
    let input = Payload::of(operation, end.input)?;
    let result = Payload::of(operation, &end.outcome.result)?;
    let peak = i64::try_from(end.usage.peak_memory_bytes).unwrap_or(i64::MAX);
    let sql = "INSERT INTO block_runs (run_id, block, iteration, attempt, status, input_json, input_packed, result_json, result_packed,
            port, error, wall_ms, cpu_ms, peak_memory_bytes, started_at, finished_at, cover_block, cover_depth)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
        ON CONFLICT (run_id, block, iteration, attempt) DO UPDATE SET status = excluded.status,
            input_json = CASE WHEN block_runs.input_json = 'null' THEN excluded.input_json ELSE block_runs.input_json END,
            input_packed = CASE WHEN block_runs.input_json = 'null' THEN excluded.input_packed ELSE block_runs.input_packed END,
            result_json = excluded.result_json, result_packed = excluded.result_packed, port = excluded.port, error = excluded.error, wall_ms = excluded.wall_ms,
            cpu_ms = excluded.cpu_ms, peak_memory_bytes = excluded.peak_memory_bytes, finished_at = excluded.finished_at
        WHERE block_runs.status = 'running' AND excluded.status <> 'running'";
    let statement = transaction.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
    let values: [&(dyn ToSql + Sync); 18] = [
        &run.0,
        block,
        &rounds(iteration),
        attempt,
        &end.outcome.status.as_str(),
        &input.json,
        &input.packed,
        &result.json,
        &result.packed,
        &end.outcome.port.as_ref().map(Port::as_str),
        &end.outcome.error.as_ref().map(Json),
        &end.usage.wall_ms,
        &end.usage.cpu_ms,
        &peak,
        &end.started_at,
        &end.finished_at,
        &cover,
        &depth,
    ];
    if transaction.execute(&statement, &values).await.map_err(StoreError::of(operation))? > 0 {
        return Ok(true);
    }
    // Told twice, or by two who make the same step: only one of them may go on with what it has found.
    let sql = "SELECT $5 = 'running' OR status = $5 AND port IS NOT DISTINCT FROM $8
            AND result_json IS NOT DISTINCT FROM $6 AND result_packed IS NOT DISTINCT FROM $7
        FROM block_runs WHERE run_id = $1 AND block = $2 AND iteration = $3 AND attempt = $4";
    let statement = transaction.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
    let values: [&(dyn ToSql + Sync); 8] = [
        &run.0,
        block,
        &rounds(iteration),
        attempt,
        &end.outcome.status.as_str(),
        &result.json,
        &result.packed,
        &end.outcome.port.as_ref().map(Port::as_str),
    ];
    let row = transaction.query_one(&statement, &values).await.map_err(StoreError::of(operation))?;
    if row.get::<_, Option<bool>>(0) == Some(false) { Err(StoreError::Changed { operation }) } else { Ok(false) }
}

/// Whether an attempt had made calls that change something when it failed; a call that failed has changed nothing. The answer is
/// kept: what follows a failure must not change with what a call comes to later.
async fn has_written(
    transaction: &deadpool_postgres::Transaction<'_>,
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

async fn store_logs(
    transaction: &deadpool_postgres::Transaction<'_>,
    run: RunId,
    end: &BlockEnd<'_>,
) -> Result<(), StoreError> {
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

fn block_row(operation: &'static str, row: &Row) -> Result<BlockRow, StoreError> {
    let status: &str = row.get(3);
    let port = row.get::<_, Option<String>>(6).map(Port::try_from).transpose();
    let choice = row.get::<_, Option<&str>>(11).map(str::parse);
    Ok(BlockRow {
        place: BlockPlace {
            block: row.get(0),
            iteration: iteration(row.get::<_, Vec<i32>>(1).as_slice()),
            attempt: row.get(2),
        },
        outcome: BlockOutcome {
            status: status.parse().map_err(|()| StoreError::bad_word(operation, status))?,
            result: Payload::read(operation, row.get(4), row.get(5))?,
            port: port.map_err(|error| StoreError::bad_word(operation, &error.to_string()))?,
            error: row.get::<_, Option<Json<RunError>>>(7).map(|json| json.0),
        },
        started_at: row.get(8),
        finished_at: row.get(9),
        wrote: row.get(10),
        choice: choice.transpose().map_err(|()| StoreError::bad_word(operation, "choice"))?,
    })
}
