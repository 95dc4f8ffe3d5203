//! Runs as api needs them: started, listed, shown.

use bulkhead_model::environment::EnvironmentColor;
use bulkhead_model::run::{BlockStatus, Choice, Iteration, LogLevel, RunError, RunResponse, RunStatus, Usage};
use bulkhead_model::{EnvironmentId, RunId, TraceParent, UserId, WorkflowId};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use crate::audit::AuditRecord;
use crate::database::LAZILY;
use crate::environments::EnvironmentBadge;
use crate::journal::{BlockPlace, iteration, rounds};
use crate::payload::Payload;
use crate::queues::{ANNOUNCE_ENTRY, ANNOUNCE_START, START_ENTRY};
use crate::{Database, StoreError};

/// The channel that says "there is something in the outbox".
pub const OUTBOX_CHANNEL: &str = "run_outbox";
/// The channel whose payloads are ids of runs that changed.
pub const CHANGED_CHANNEL: &str = "run_changed";

/// A run to start.
#[derive(Clone, Debug)]
pub struct NewRun<'a> {
    /// Its workflow.
    pub workflow: WorkflowId,
    /// The release that it is pinned to.
    pub version: i32,
    /// The environment that it runs in.
    pub environment: EnvironmentId,
    /// What code sees as `trigger`.
    pub trigger: &'a Value,
    /// Who started it, unless a webhook did.
    pub started_by: Option<UserId>,
    /// The same key for the same workflow is the same run.
    pub idempotency_key: Option<&'a str>,
    /// The block that it begins at, with what came before in an earlier run; its start when absent.
    pub begins_at: Option<(RunId, &'a str)>,
    /// The trace that it is part of, by the request that started it.
    pub trace_parent: Option<TraceParent>,
    /// What the audit trail says of it.
    pub record: &'a AuditRecord,
}

/// A run, without its blocks.
#[derive(Clone, Debug)]
pub struct Run {
    /// The id.
    pub id: RunId,
    /// Its workflow.
    pub workflow: WorkflowId,
    /// That workflow's slug.
    pub workflow_slug: String,
    /// That workflow's title.
    pub workflow_title: String,
    /// The release that it is pinned to.
    pub version: i32,
    /// Where it stands.
    pub status: RunStatus,
    /// What started it.
    pub trigger: Value,
    /// Why it failed.
    pub error: Option<RunError>,
    /// What it answered.
    pub response: Option<RunResponse>,
    /// When it was accepted.
    pub created_at: OffsetDateTime,
    /// When a worker began it.
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
    /// What it waits for: `{kind, block, until}`.
    pub waiting_for: Option<Value>,
    /// The run that a block of started it.
    pub parent: Option<RunId>,
    /// Since when a person has paused it.
    pub paused_at: Option<OffsetDateTime>,
    /// The earlier run that it took over from.
    pub from_run: Option<RunId>,
    /// The environment that it runs in.
    pub environment: EnvironmentBadge,
}

/// A block of a run.
#[derive(Clone, Debug)]
pub struct BlockRun {
    /// Which.
    pub place: BlockPlace,
    /// Where it stands.
    pub status: BlockStatus,
    /// What it was given.
    pub input: Value,
    /// What it gave.
    pub result: Value,
    /// Which way a branch went.
    pub port: Option<String>,
    /// Why it failed.
    pub error: Option<RunError>,
    /// What it used.
    pub usage: Option<Usage>,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
    /// In how many rounds and attempts it has run.
    pub times: i64,
    /// What a person has chosen where its outcome was unknown, and who.
    pub choice: Option<(Choice, String)>,
}

/// A line that a block logged.
#[derive(Clone, Debug)]
pub struct BlockLog {
    /// Of which block.
    pub place: BlockPlace,
    /// Counts from 0 within the block.
    pub seq: i32,
    /// The level.
    pub level: LogLevel,
    /// When.
    pub at: OffsetDateTime,
    /// The text.
    pub text: String,
}

pub(crate) const RUN_COLUMNS: &str =
    "r.id, r.workflow_id, w.slug, w.title, r.version, r.status, r.trigger, r.error, r.response, r.created_at,
    r.started_at, r.finished_at, r.waiting_for, r.parent_run, r.paused_at, r.from_run,
    (SELECT json_build_array(e.name, e.color, e.is_default) FROM environments e WHERE e.id = r.environment_id)";

/// How the environment of a run is shown. Each run has one: a removed one keeps its row.
fn badge(
    operation: &'static str,
    found: Option<Json<(String, EnvironmentColor, bool)>>,
) -> Result<EnvironmentBadge, StoreError> {
    let Json((name, color, is_default)) = found.ok_or_else(|| StoreError::bad_word(operation, "environment"))?;
    Ok(EnvironmentBadge { name, color, is_default })
}

pub(crate) fn run(operation: &'static str, row: &Row) -> Result<Run, StoreError> {
    let status: &str = row.get(5);
    Ok(Run {
        id: RunId(row.get(0)),
        workflow: WorkflowId(row.get(1)),
        workflow_slug: row.get(2),
        workflow_title: row.get(3),
        version: row.get(4),
        status: status.parse().map_err(|()| StoreError::bad_word(operation, status))?,
        trigger: row.get(6),
        error: row.get::<_, Option<Json<RunError>>>(7).map(|json| json.0),
        response: row.get::<_, Option<Json<RunResponse>>>(8).map(|json| json.0),
        created_at: row.get(9),
        started_at: row.get(10),
        finished_at: row.get(11),
        waiting_for: row.get(12),
        parent: row.get::<_, Option<Uuid>>(13).map(RunId),
        paused_at: row.get(14),
        from_run: row.get::<_, Option<Uuid>>(15).map(RunId),
        environment: badge(operation, row.get::<_, Option<Json<_>>>(16))?,
    })
}

/// When what is written is safe from a crash.
#[derive(Clone, Copy, Debug)]
enum Durable {
    /// Before the call returns.
    Now,
    /// Before anything that is stored later and waits for the disk.
    WithWhatFollows,
}

impl Database {
    /// Writes a run, its outbox entry and its audit record in one transaction: from here on it is never lost. Returns the run that the
    /// idempotency key already stands for, if there is one, and whether this call made it.
    pub async fn start_run(&self, new: &NewRun<'_>) -> Result<(RunId, bool), StoreError> {
        self.start(RunId::new(), new, Durable::Now).await
    }

    /// The same for a caller who is told of no run before it has answered or ended, or [`Database::settle_run`] has returned: until
    /// something of it is stored for good, a crash may take it back whole. Under this id: who chooses it can listen before it begins.
    pub async fn start_run_for_answer(&self, id: RunId, new: &NewRun<'_>) -> Result<(RunId, bool), StoreError> {
        self.start(id, new, Durable::WithWhatFollows).await
    }

    /// Makes sure that a run which was started for its answer is not lost any more; [`StoreError::NotFound`] where it is.
    pub async fn settle_run(&self, id: RunId) -> Result<(), StoreError> {
        let operation = "keep a run";
        let client = self.client(operation).await?;
        // Whatever is written waits for the disk, and so for all that was written before.
        let settled = client.execute("UPDATE runs SET trace_parent = trace_parent WHERE id = $1", &[&id.0]).await;
        match settled.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::NotFound { operation }),
            _ => Ok(()),
        }
    }

    async fn start(&self, id: RunId, new: &NewRun<'_>, durable: Durable) -> Result<(RunId, bool), StoreError> {
        let operation = "start a run";
        let client = self.client(operation).await?;
        let told = match durable {
            Durable::Now => "SELECT FROM entry".to_owned(),
            // A commit that does not wait for the disk may tell of itself.
            Durable::WithWhatFollows => format!("SELECT {ANNOUNCE_ENTRY} FROM entry, {LAZILY}"),
        };
        let sql = format!(
            "WITH run AS (
                INSERT INTO runs (id, workflow_id, version, status, trigger, started_by, idempotency_key, from_run, from_block, trace_parent,
                    environment_id)
                VALUES ($1, $2, $3, 'queued', $4, $5, $6, $15, $16, $17, $18)
                ON CONFLICT (workflow_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING RETURNING id, workflow_id),
            {START_ENTRY},
            record AS (INSERT INTO audit_log (user_id, actor, action, object_kind, object_id, detail, request_id, address)
                VALUES ($7, $8, $9, $10, $11, $12, $13, $14))
            {told}"
        );
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let AuditRecord { user, actor, action, object, detail, request_id, address } = new.record;
        let (object_kind, object_id) = object.unzip();
        let user = user.map(|user| user.0);
        let started_by = new.started_by.map(|user| user.0);
        let (from_run, from_block) = new.begins_at.map(|(run, block)| (run.0, block)).unzip();
        let trace_parent = new.trace_parent.map(|parent| parent.to_string());
        let values: [&(dyn ToSql + Sync); 18] = [
            &id.0,
            &new.workflow.0,
            &new.version,
            new.trigger,
            &started_by,
            &new.idempotency_key,
            &user,
            actor,
            action,
            &object_kind,
            &object_id,
            detail,
            request_id,
            address,
            &from_run,
            &from_block,
            &trace_parent,
            &new.environment.0,
        ];
        let created = match durable {
            Durable::Now => {
                let announce = client.prepare_cached(ANNOUNCE_START).await.map_err(StoreError::of(operation))?;
                // Sent together, done one after the other.
                let about: [&(dyn ToSql + Sync); 1] = [&id.0];
                futures_util::join!(client.query(&statement, &values), client.query(&announce, &about)).0
            }
            Durable::WithWhatFollows => client.query(&statement, &values).await,
        };
        let created = created.map_err(StoreError::of(operation))?;
        if !created.is_empty() {
            return Ok((id, true));
        }
        let sql = "SELECT id FROM runs WHERE workflow_id = $1 AND idempotency_key = $2";
        let row =
            client.query_one(sql, &[&new.workflow.0, &new.idempotency_key]).await.map_err(StoreError::of(operation))?;
        Ok((RunId(row.get(0)), false))
    }

    /// A run by its id.
    pub async fn run(&self, id: RunId) -> Result<Run, StoreError> {
        let operation = "read a run";
        let client = self.client(operation).await?;
        let sql = format!("SELECT {RUN_COLUMNS} FROM runs r JOIN workflows w ON w.id = r.workflow_id WHERE r.id = $1");
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&id.0]).await.map_err(StoreError::of(operation))?;
        run(operation, &row.ok_or(StoreError::NotFound { operation })?)
    }

    /// Each block of a run, as it stands in the round and attempt that began last, in the order in which they began. A loop stands for
    /// itself, and not for its last round.
    pub async fn block_runs(&self, id: RunId) -> Result<Vec<BlockRun>, StoreError> {
        let operation = "read the blocks of a run";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT * FROM (SELECT DISTINCT ON (block) {BLOCK_COLUMNS}, count(*) OVER (PARTITION BY block) AS times
                FROM block_runs WHERE run_id = $1
                ORDER BY block, cover_block IS NOT DISTINCT FROM block, started_at DESC, iteration DESC) newest
            ORDER BY started_at, finished_at NULLS LAST, block"
        );
        let rows = client.query(&sql, &[&id.0]).await.map_err(StoreError::of(operation))?;
        rows.iter().map(|row| block_run(operation, row)).collect()
    }

    /// The rounds and attempts of one block after one of them, in order.
    pub async fn block_rounds(
        &self,
        id: RunId,
        block: &str,
        after: Option<(&Iteration, i32)>,
        limit: i64,
    ) -> Result<Vec<BlockRun>, StoreError> {
        let operation = "read the rounds of a block";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT {BLOCK_COLUMNS}, 1::bigint FROM block_runs WHERE run_id = $1 AND block = $2
                AND ($3::integer[] IS NULL OR (iteration, attempt) > ($3, $4)) ORDER BY iteration, attempt LIMIT $5"
        );
        let (after_iteration, after_attempt) = after.map(|(iteration, attempt)| (rounds(iteration), attempt)).unzip();
        let rows = client.query(&sql, &[&id.0, &block, &after_iteration, &after_attempt, &limit]).await;
        rows.map_err(StoreError::of(operation))?.iter().map(|row| block_run(operation, row)).collect()
    }

    /// The log lines of a run.
    pub async fn block_logs(&self, id: RunId) -> Result<Vec<BlockLog>, StoreError> {
        let operation = "read the log of a run";
        let client = self.client(operation).await?;
        let sql = "SELECT block, iteration, attempt, seq, level, logged_at, text FROM block_logs WHERE run_id = $1
            ORDER BY logged_at, block, iteration, attempt, seq LIMIT 20000";
        let rows = client.query(sql, &[&id.0]).await.map_err(StoreError::of(operation))?;
        rows.iter()
            .map(|row| {
                let level: &str = row.get(4);
                Ok(BlockLog {
                    place: place(row),
                    seq: row.get(3),
                    level: level.parse().map_err(|()| StoreError::bad_word(operation, level))?,
                    at: row.get(5),
                    text: row.get(6),
                })
            })
            .collect()
    }
}

const BLOCK_COLUMNS: &str =
    "block, iteration, attempt, status, input_json, input_packed, result_json, result_packed, port, error,
    wall_ms, cpu_ms, peak_memory_bytes, started_at, finished_at, choice, chosen_by";

/// The first three columns.
fn place(row: &Row) -> BlockPlace {
    BlockPlace { block: row.get(0), iteration: iteration(row.get::<_, Vec<i32>>(1).as_slice()), attempt: row.get(2) }
}

fn block_run(operation: &'static str, row: &Row) -> Result<BlockRun, StoreError> {
    let status: &str = row.get(3);
    let usage = row.get::<_, Option<f64>>(10).map(|wall_ms| Usage {
        wall_ms,
        cpu_ms: row.get::<_, Option<f64>>(11).unwrap_or_default(),
        peak_memory_bytes: row
            .get::<_, Option<i64>>(12)
            .and_then(|bytes| u64::try_from(bytes).ok())
            .unwrap_or_default(),
    });
    let choice = row.get::<_, Option<&str>>(15).map(str::parse).transpose();
    let choice = choice.map_err(|()| StoreError::bad_word(operation, "choice"))?;
    Ok(BlockRun {
        place: place(row),
        status: status.parse().map_err(|()| StoreError::bad_word(operation, status))?,
        input: Payload::read(operation, row.get(4), row.get(5))?,
        result: Payload::read(operation, row.get(6), row.get(7))?,
        port: row.get(8),
        error: row.get::<_, Option<Json<RunError>>>(9).map(|json| json.0),
        usage,
        started_at: row.get(13),
        finished_at: row.get(14),
        choice: choice.map(|choice| (choice, row.get::<_, Option<String>>(16).unwrap_or_default())),
        times: row.get(17),
    })
}

/// What a waiting caller needs to know of a run.
#[derive(Clone, Debug)]
pub struct RunAnswer {
    /// Where it stands.
    pub status: RunStatus,
    /// What its response block answered.
    pub response: Option<RunResponse>,
    /// Why it failed.
    pub error: Option<RunError>,
}

impl Database {
    /// Whether a run has answered or ended, cheaply enough to ask at each of its notifications.
    pub async fn run_answer(&self, id: RunId) -> Result<RunAnswer, StoreError> {
        let operation = "read a run's answer";
        let client = self.client(operation).await?;
        let statement = client.prepare_cached("SELECT status, response, error FROM runs WHERE id = $1").await;
        let statement = statement.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&id.0]).await.map_err(StoreError::of(operation))?;
        let row = row.ok_or(StoreError::NotFound { operation })?;
        let status: &str = row.get(0);
        Ok(RunAnswer {
            status: status.parse().map_err(|()| StoreError::bad_word(operation, status))?,
            response: row.get::<_, Option<Json<RunResponse>>>(1).map(|json| json.0),
            error: row.get::<_, Option<Json<RunError>>>(2).map(|json| json.0),
        })
    }

    /// A number that grows whenever something about a run becomes visible, and whether it has ended. The same on every
    /// replica, so a follower can go on from the last number that it saw.
    pub async fn run_progress(&self, id: RunId) -> Result<(i64, bool), StoreError> {
        let operation = "read a run's progress";
        let client = self.client(operation).await?;
        let sql = "SELECT r.finished_at IS NOT NULL,
                (r.started_at IS NOT NULL)::int + (r.response IS NOT NULL)::int + (r.finished_at IS NOT NULL)::int
                + (r.waiting_for IS NOT NULL)::int + (r.paused_at IS NOT NULL)::int
                + (SELECT count(*) + count(b.finished_at) + count(b.choice) FROM block_runs b WHERE b.run_id = r.id)
            FROM runs r WHERE r.id = $1";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&id.0]).await.map_err(StoreError::of(operation))?;
        let row = row.ok_or(StoreError::NotFound { operation })?;
        Ok((row.get(1), row.get(0)))
    }
}
