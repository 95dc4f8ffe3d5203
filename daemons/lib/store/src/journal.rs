//! The journal of a run, as workflows-backend keeps it: blocks, calls with effects, logs, status.
//!
//! Everything here may be told twice: a report that is already stored changes nothing, and a status only moves forward.

use bulkhead_model::run::{BlockStatus, LogLevel, RunError, RunResponse, RunStatus, Usage};
use bulkhead_model::workflow::{Port, WorkflowDocument};
use bulkhead_model::{RunId, WorkflowId};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};

use crate::payload::Payload;
use crate::{Database, StoreError};

/// The first answer counts.
const RESPOND: &str = "WITH changed AS (UPDATE runs SET response = $2 WHERE id = $1 AND response IS NULL RETURNING id)
    SELECT pg_notify('run_changed', id::text) FROM changed";
/// A run that has ended stays as it is.
const FINISH: &str = "WITH changed AS (
        UPDATE runs SET status = $2, error = $3, started_at = coalesce(started_at, now()), finished_at = now()
        WHERE id = $1 AND status IN ('queued', 'running') RETURNING id)
    SELECT pg_notify('run_changed', id::text) FROM changed";

/// A run with its pinned release.
#[derive(Clone, Debug)]
pub struct PinnedRun {
    /// Its workflow.
    pub workflow: WorkflowId,
    /// The release's number.
    pub version: i32,
    /// The release.
    pub document: WorkflowDocument,
    /// What code sees as `trigger`.
    pub trigger: Value,
    /// Where it stands.
    pub status: RunStatus,
}

/// A block that ended, as stored.
#[derive(Clone, Debug)]
pub struct FinishedBlock {
    /// The block.
    pub block: String,
    /// How it ended.
    pub status: BlockStatus,
    /// What it gave.
    pub result: Value,
    /// Which way a branch went.
    pub port: Option<Port>,
    /// Why it failed.
    pub error: Option<RunError>,
}

/// What comes of a run with blocks that ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conclusion<'a> {
    /// Its answer.
    pub response: Option<&'a RunResponse>,
    /// Its end, and why it failed.
    pub end: Option<(RunStatus, Option<&'a RunError>)>,
}

/// A block that ended, to store.
#[derive(Clone, Debug)]
pub struct BlockEnd<'a> {
    /// What came of it.
    pub finished: FinishedBlock,
    /// What it was given.
    pub input: &'a Value,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// When it ended.
    pub finished_at: OffsetDateTime,
    /// What it used.
    pub usage: Usage,
    /// What it logged: level, time, text.
    pub logs: Vec<(LogLevel, OffsetDateTime, &'a str)>,
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
    /// It failed, without effect.
    Failed(RunError),
    /// A person has to say what became of it.
    OutcomeUnknown,
    /// Something else was asked for under this key before.
    AnotherRequest,
}

/// The key of a call: with the run, what a repeat is recognised by.
#[derive(Clone, Copy, Debug)]
pub struct CallKey<'a> {
    /// The run.
    pub run: RunId,
    /// The block.
    pub block: &'a str,
    /// Counts within the block.
    pub call: i32,
}

impl Database {
    /// A run with its pinned release.
    pub async fn pinned_run(&self, id: RunId) -> Result<PinnedRun, StoreError> {
        let operation = "read a run";
        let client = self.client(operation).await?;
        let sql = "SELECT r.workflow_id, r.version, v.document, r.trigger, r.status FROM runs r
            JOIN workflow_releases v ON v.workflow_id = r.workflow_id AND v.version = r.version WHERE r.id = $1";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&id.0]).await.map_err(StoreError::of(operation))?;
        let row = row.ok_or(StoreError::NotFound { operation })?;
        let status: &str = row.get(4);
        Ok(PinnedRun {
            workflow: WorkflowId(row.get(0)),
            version: row.get(1),
            document: serde_json::from_value(row.get(2)).map_err(StoreError::damaged(operation))?,
            trigger: row.get(3),
            status: status.parse().map_err(|()| StoreError::bad_word(operation, status))?,
        })
    }

    /// A worker has begun the run.
    pub async fn mark_running(&self, id: RunId) -> Result<(), StoreError> {
        let operation = "mark a run as running";
        let client = self.client(operation).await?;
        // Not waited for on the disk: a mark that is lost with the power is made again when the run goes on.
        let sql = "WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true))
            UPDATE runs SET status = 'running', started_at = now() FROM relaxed WHERE id = $1 AND status = 'queued'";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        client.execute(&statement, &[&id.0]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// The blocks of a run that have ended.
    pub async fn finished_blocks(&self, id: RunId) -> Result<Vec<FinishedBlock>, StoreError> {
        let operation = "read the journal";
        let client = self.client(operation).await?;
        let sql = "SELECT block, status, result_json, result_packed, port, error FROM block_runs
            WHERE run_id = $1 AND status <> 'running'";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let rows = client.query(&statement, &[&id.0]).await.map_err(StoreError::of(operation))?;
        rows.iter().map(|row| finished_block(operation, row)).collect()
    }

    /// Stores blocks that ended, with their logs and with what came of the run, in one commit. What is stored already stays as
    /// it is.
    pub async fn end_blocks(
        &self,
        run: RunId,
        ends: &[BlockEnd<'_>],
        conclusion: Conclusion<'_>,
    ) -> Result<(), StoreError> {
        let operation = "store the results of blocks";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        for end in ends {
            let input = Payload::of(operation, end.input)?;
            let result = Payload::of(operation, &end.finished.result)?;
            let port = end.finished.port.map(|port| if port == Port::True { "true" } else { "false" });
            let error = end.finished.error.as_ref().map(Json);
            let peak = i64::try_from(end.usage.peak_memory_bytes).unwrap_or(i64::MAX);
            let sql = "INSERT INTO block_runs (run_id, block, status, input_json, input_packed, result_json, result_packed, port, error,
                    wall_ms, cpu_ms, peak_memory_bytes, started_at, finished_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
                ON CONFLICT (run_id, block, iteration, attempt) DO UPDATE SET status = excluded.status,
                    input_json = excluded.input_json, input_packed = excluded.input_packed, result_json = excluded.result_json,
                    result_packed = excluded.result_packed, port = excluded.port, error = excluded.error, wall_ms = excluded.wall_ms,
                    cpu_ms = excluded.cpu_ms, peak_memory_bytes = excluded.peak_memory_bytes, finished_at = excluded.finished_at
                WHERE block_runs.status = 'running'";
            let statement = transaction.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
            let values: [&(dyn ToSql + Sync); 14] = [
                &run.0,
                &end.finished.block,
                &end.finished.status.as_str(),
                &input.json,
                &input.packed,
                &result.json,
                &result.packed,
                &port,
                &error,
                &end.usage.wall_ms,
                &end.usage.cpu_ms,
                &peak,
                &end.started_at,
                &end.finished_at,
            ];
            let stored = transaction.execute(&statement, &values).await.map_err(StoreError::of(operation))?;
            if stored > 0 && !end.logs.is_empty() {
                store_logs(&transaction, run, end).await?;
            }
        }
        if let Some(response) = conclusion.response {
            let statement = transaction.prepare_cached(RESPOND).await.map_err(StoreError::of(operation))?;
            let values: [&(dyn ToSql + Sync); 2] = [&run.0, &Json(response)];
            transaction.query(&statement, &values).await.map_err(StoreError::of(operation))?;
        }
        if let Some((status, error)) = conclusion.end {
            let statement = transaction.prepare_cached(FINISH).await.map_err(StoreError::of(operation))?;
            let values: [&(dyn ToSql + Sync); 3] = [&run.0, &status.as_str(), &error.map(Json)];
            transaction.query(&statement, &values).await.map_err(StoreError::of(operation))?;
        }
        let notify = transaction
            .prepare_cached("SELECT pg_notify('run_changed', $1)")
            .await
            .map_err(StoreError::of(operation))?;
        transaction.execute(&notify, &[&run.to_string()]).await.map_err(StoreError::of(operation))?;
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    /// Stores the answer of a run; the first one counts.
    pub async fn respond(&self, run: RunId, response: &RunResponse) -> Result<(), StoreError> {
        let operation = "store a run's response";
        let client = self.client(operation).await?;
        let statement = client.prepare_cached(RESPOND).await.map_err(StoreError::of(operation))?;
        client.query(&statement, &[&run.0, &Json(response)]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// Ends a run. One that has ended stays as it is.
    pub async fn finish_run(&self, run: RunId, status: RunStatus, error: Option<&RunError>) -> Result<(), StoreError> {
        let operation = "end a run";
        let client = self.client(operation).await?;
        let statement = client.prepare_cached(FINISH).await.map_err(StoreError::of(operation))?;
        let error = error.map(Json);
        client
            .query(&statement, &[&run.0, &status.as_str(), &error])
            .await
            .map(|_| ())
            .map_err(StoreError::of(operation))
    }

    /// Marks a call as started, durably, or says where it stands.
    pub async fn begin_call(&self, key: CallKey<'_>, request_hash: &[u8]) -> Result<JournalledCall, StoreError> {
        let operation = "journal a call";
        let client = self.client(operation).await?;
        let sql =
            "INSERT INTO block_calls (run_id, block, call, request_hash, status) VALUES ($1, $2, $3, $4, 'started')
            ON CONFLICT (run_id, block, iteration, call) DO NOTHING";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let inserted = client.execute(&statement, &[&key.run.0, &key.block, &key.call, &request_hash]).await;
        if inserted.map_err(StoreError::of(operation))? == 1 {
            return Ok(JournalledCall::New);
        }
        let sql = "SELECT status, request_hash = $4, result_json, result_packed, error FROM block_calls
            WHERE run_id = $1 AND block = $2 AND iteration = 0 AND call = $3";
        let row = client.query_one(sql, &[&key.run.0, &key.block, &key.call, &request_hash]).await;
        let row = row.map_err(StoreError::of(operation))?;
        if !row.get::<_, bool>(1) {
            return Ok(JournalledCall::AnotherRequest);
        }
        Ok(match row.get(0) {
            "started" => JournalledCall::Started,
            "finished" => JournalledCall::Finished(Payload::read(operation, row.get(2), row.get(3))?),
            "failed" => match row.get::<_, Option<Json<RunError>>>(4) {
                Some(error) => JournalledCall::Failed(error.0),
                None => return Err(StoreError::bad_word(operation, "failed without an error")),
            },
            "outcome-unknown" => JournalledCall::OutcomeUnknown,
            word => return Err(StoreError::bad_word(operation, word)),
        })
    }

    /// Stores how a started call ended.
    pub async fn end_call(&self, key: CallKey<'_>, outcome: Result<&Value, &RunError>) -> Result<(), StoreError> {
        let operation = "journal the end of a call";
        let payload = Payload::of(operation, outcome.unwrap_or(&Value::Null))?;
        let status = if outcome.is_ok() { "finished" } else { "failed" };
        self.set_call(operation, key, status, payload, outcome.err()).await
    }

    /// Nothing tells how a started call ended.
    pub async fn call_outcome_unknown(&self, key: CallKey<'_>) -> Result<(), StoreError> {
        let operation = "journal an unknown outcome";
        self.set_call(operation, key, "outcome-unknown", Payload { json: None, packed: None }, None).await
    }

    async fn set_call(
        &self,
        operation: &'static str,
        key: CallKey<'_>,
        status: &str,
        payload: Payload,
        error: Option<&RunError>,
    ) -> Result<(), StoreError> {
        let client = self.client(operation).await?;
        let sql =
            "UPDATE block_calls SET status = $4, result_json = $5, result_packed = $6, error = $7, finished_at = now()
            WHERE run_id = $1 AND block = $2 AND iteration = 0 AND call = $3 AND status = 'started'";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let error = error.map(Json);
        let values: [&(dyn ToSql + Sync); 7] =
            [&key.run.0, &key.block, &key.call, &status, &payload.json, &payload.packed, &error];
        client.execute(&statement, &values).await.map(|_| ()).map_err(StoreError::of(operation))
    }
}

async fn store_logs(
    transaction: &deadpool_postgres::Transaction<'_>,
    run: RunId,
    end: &BlockEnd<'_>,
) -> Result<(), StoreError> {
    let operation = "store the log of a block";
    let sql = "INSERT INTO block_logs (run_id, block, seq, level, logged_at, text)
        SELECT $1, $2, (line.seq - 1)::integer, line.level, line.at, line.text
        FROM unnest($3::text[], $4::timestamptz[], $5::text[]) WITH ORDINALITY AS line (level, at, text, seq)
        ON CONFLICT DO NOTHING";
    let statement = transaction.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
    let levels: Vec<&str> = end.logs.iter().map(|(level, ..)| level.as_str()).collect();
    let times: Vec<OffsetDateTime> = end.logs.iter().map(|(_, at, _)| *at).collect();
    // PostgreSQL's text cannot hold NUL, which a program may well print.
    let texts: Vec<String> = end.logs.iter().map(|(.., text)| text.replace('\0', "\u{2400}")).collect();
    let values: [&(dyn ToSql + Sync); 5] = [&run.0, &end.finished.block, &levels, &times, &texts];
    transaction.execute(&statement, &values).await.map(|_| ()).map_err(StoreError::of(operation))
}

fn finished_block(operation: &'static str, row: &Row) -> Result<FinishedBlock, StoreError> {
    let status: &str = row.get(1);
    Ok(FinishedBlock {
        block: row.get(0),
        status: status.parse().map_err(|()| StoreError::bad_word(operation, status))?,
        result: Payload::read(operation, row.get(2), row.get(3))?,
        port: row.get::<_, Option<&str>>(4).map(|port| if port == "true" { Port::True } else { Port::False }),
        error: row.get::<_, Option<Json<RunError>>>(5).map(|json| json.0),
    })
}
