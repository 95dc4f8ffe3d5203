//! The journal of a run, as workflows-backend keeps it: blocks, logs, status. Calls with effects have a module of their own.
//!
//! Everything here may be told twice: a report that is already stored changes nothing, and a status only moves forward.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::run::{BlockStatus, Choice, Iteration, RunError, RunStatus};
use bulkhead_model::workflow::{Port, WorkflowDocument};
use bulkhead_model::{EnvironmentId, Name, RunId, WorkflowId};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::block_ends::SET_VARIABLE;
use crate::database::LAZILY;
use crate::payload::Payload;
use crate::{Database, StoreError};

const PINNED: &str = "r.workflow_id, r.version, r.trigger, r.status, r.created_at, r.depth, r.paused_at IS NOT NULL, r.from_block, r.from_run,
    r.environment_id, (SELECT e.name FROM environments e WHERE e.id = r.environment_id)";

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
    /// The environment that it runs in.
    pub environment: EnvironmentId,
    /// That environment's name.
    pub environment_name: String,
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

/// Rounds of a loop, one after the other, that ended well and have nothing to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct EndedRounds {
    /// The loop.
    pub block: String,
    /// In which round of which loops around it.
    pub iteration: Iteration,
    /// The first of them.
    pub first: u32,
    /// The last of them.
    pub last: u32,
    /// When the last of them ended.
    pub finished_at: OffsetDateTime,
}

/// Whether a row `b` is a round that ended well and has nothing to tell.
const IS_PLAIN_ROUND: &str = "(b.cover_block = b.block AND b.status = 'succeeded' AND b.result_json = 'null' AND b.port IS NULL AND b.attempt = 1)";
/// Whether a row `b` is covered by another.
const IS_COVERED: &str = "(b.cover_block IS NOT NULL AND EXISTS (SELECT FROM block_runs cover WHERE cover.run_id = $1
    AND cover.block = b.cover_block AND cover.iteration = b.iteration[1:b.cover_depth] AND cover.status <> 'running'))";

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

impl Database {
    /// A run with its pinned release.
    pub async fn pinned_run(&self, id: RunId) -> Result<PinnedRun, StoreError> {
        self.pinned(id, &format!("SELECT {PINNED} FROM runs r WHERE r.id = $1")).await
    }

    /// Marks a run as running, for a worker that goes on with it; gives it as it was before. Where that is not done, what is stored of the
    /// run next marks it.
    pub async fn take_up_run(&self, id: RunId) -> Result<PinnedRun, StoreError> {
        // Not waited for on the disk: a mark that is lost with the power is made again when the run goes on.
        let sql = format!(
            "WITH marked AS (
                UPDATE runs SET status = 'running', started_at = coalesce(started_at, now()), waiting_for = NULL
                FROM {LAZILY} WHERE id = $1 AND status IN ('queued', 'waiting'))
            SELECT {PINNED} FROM runs r WHERE r.id = $1"
        );
        self.pinned(id, &sql).await
    }

    async fn pinned(&self, id: RunId, sql: &str) -> Result<PinnedRun, StoreError> {
        let operation = "read a run";
        let client = self.client(operation).await?;
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
            environment: EnvironmentId(row.get(9)),
            environment_name: row.get::<_, Option<String>>(10).unwrap_or_default(),
            begins_at: row.get::<_, Option<String>>(7).map(|block| (block, row.get::<_, Option<Uuid>>(8).map(RunId))),
        })
    }

    /// A worker has left the run to wait.
    pub async fn mark_waiting(&self, id: RunId, waiting_for: &Value) -> Result<(), StoreError> {
        let operation = "mark a run as waiting";
        let client = self.client(operation).await?;
        let sql = format!(
            "WITH changed AS (
                UPDATE runs SET status = 'waiting', waiting_for = $2, started_at = coalesce(started_at, now())
                FROM {LAZILY} WHERE id = $1 AND finished_at IS NULL RETURNING id)
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
    /// round or loop which they are part of, and for what [`Database::ended_rounds`] has.
    pub async fn journal(&self, id: RunId) -> Result<Vec<BlockRow>, StoreError> {
        let operation = "read the journal";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT DISTINCT ON (b.block, b.iteration) b.block, b.iteration, b.attempt, b.status, b.result_json, b.result_packed,
                b.port, b.error, b.started_at, b.finished_at, b.wrote, b.choice
            FROM block_runs b WHERE b.run_id = $1 AND NOT {IS_COVERED} AND {IS_PLAIN_ROUND} IS NOT TRUE
            ORDER BY b.block, b.iteration, b.attempt DESC"
        );
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let rows = client.query(&statement, &[&id.0]).await.map_err(StoreError::of(operation))?;
        rows.iter().map(|row| block_row(operation, row)).collect()
    }

    /// The rounds of loops under way that ended well and have nothing to tell. A loop may have a million of them, so those that follow one
    /// another are told of together.
    pub async fn ended_rounds(&self, id: RunId) -> Result<Vec<EndedRounds>, StoreError> {
        let operation = "read the rounds of loops";
        let client = self.client(operation).await?;
        let sql = format!(
            "WITH round AS (
                SELECT b.block, b.iteration[1:b.cover_depth] AS around, b.iteration[b.cover_depth + 1] AS number, b.finished_at
                FROM block_runs b WHERE b.run_id = $1 AND {IS_PLAIN_ROUND} AND NOT {IS_COVERED}),
            numbered AS (
                SELECT *, number - row_number() OVER (PARTITION BY block, around ORDER BY number) AS gaps FROM round)
            SELECT block, around, min(number), max(number), max(finished_at) FROM numbered
            GROUP BY block, around, gaps ORDER BY block, around, min(number)"
        );
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let rows = client.query(&statement, &[&id.0]).await.map_err(StoreError::of(operation))?;
        let number = |number: i32| u32::try_from(number).unwrap_or_default();
        let rounds = rows.iter().map(|row| EndedRounds {
            block: row.get(0),
            iteration: iteration(row.get::<_, Vec<i32>>(1).as_slice()),
            first: number(row.get(2)),
            last: number(row.get(3)),
            finished_at: row.get(4),
        });
        Ok(rounds.collect())
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
