//! The queue of runs: who may start now, who first, and who has to wait.
//!
//! A start is an entry of the outbox. One of a workflow with a limit or a pause is held there until it is let in, which is decided by
//! one worker at a time for each workflow. The other workflows, which are most, pay nothing for that.

use bulkhead_model::{RunId, WorkflowId};
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::database::LAZILY;
use crate::{Database, StoreError};

/// What a notification of the outbox begins with for a start that may be claimed; a space and the run follow.
pub const START: &str = "start";
/// What it says when something is held: somebody has to let it in. All else is a word for a run.
pub const HELD: &str = "held";

/// The entry of a start, for the run of a clause `run (id, workflow_id)` before it; a query over its `entry` is to follow.
pub(crate) const START_ENTRY: &str = "entry AS (
        INSERT INTO run_outbox (run_id, kind, workflow_id, priority, is_held)
        SELECT run.id, 'start', run.workflow_id, coalesce(s.priority, 0), s.paused_at IS NOT NULL OR s.max_running IS NOT NULL
        FROM run LEFT JOIN workflow_settings s ON s.workflow_id = run.workflow_id RETURNING run_id, is_held)";

/// Tells workers of the entry before it.
pub(crate) const ANNOUNCE_ENTRY: &str =
    "pg_notify('run_outbox', CASE WHEN entry.is_held THEN 'held' ELSE 'start ' || entry.run_id END)";

/// The same, of the entry of a run that is stored. PostgreSQL lets commits that tell something pass one at a time, each with its wait
/// for the disk; so where there are many, they are told of after their commit. A word that is lost is made up for by a look.
pub(crate) const ANNOUNCE_START: &str =
    "SELECT pg_notify('run_outbox', CASE WHEN is_held THEN 'held' ELSE 'start ' || run_id END)
    FROM run_outbox WHERE run_id = $1 AND kind = 'start'";

/// How the runs of a workflow are taken up and for how long they are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkflowSettings {
    /// -1, 0 or 1: the higher is taken up first.
    pub priority: i16,
    /// How many runs may be under way; those that wait do not count.
    pub max_running: Option<i32>,
    /// Since when no run starts.
    pub paused_at: Option<OffsetDateTime>,
    /// For how many days a run is kept that has ended.
    pub keep_days: Option<i32>,
    /// How many runs are kept that have ended.
    pub keep_runs: Option<i32>,
    /// How many megabytes of runs are kept that have ended.
    pub keep_mb: Option<i32>,
}

/// How the queue stands.
#[derive(Clone, Debug)]
pub struct QueueState {
    /// Since when nothing starts, and who has paused it.
    pub paused: Option<(OffsetDateTime, String)>,
    /// Starts that a worker may take up.
    pub queued: i64,
    /// Starts that are held: their workflow is paused or at its limit.
    pub held: i64,
    /// When the oldest of all of them was accepted.
    pub oldest: Option<OffsetDateTime>,
    /// Runs that are under way.
    pub running: i64,
    /// Runs that wait for a time, a person or another run.
    pub waiting: i64,
}

/// Why a run has not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queued {
    /// The whole queue is paused.
    QueuePaused,
    /// Its workflow is paused.
    WorkflowPaused,
    /// As many runs of its workflow are under way as may be.
    Limit,
    /// So many starts are before it.
    Behind(i64),
}

impl Database {
    /// The settings of a workflow.
    pub async fn workflow_settings(&self, workflow: WorkflowId) -> Result<WorkflowSettings, StoreError> {
        let operation = "read a workflow's settings";
        let client = self.client(operation).await?;
        let sql = "SELECT priority, max_running, paused_at, keep_days, keep_runs, keep_mb FROM workflow_settings WHERE workflow_id = $1";
        let row = client.query_opt(sql, &[&workflow.0]).await.map_err(StoreError::of(operation))?;
        Ok(row.map_or_else(WorkflowSettings::default, |row| WorkflowSettings {
            priority: row.get(0),
            max_running: row.get(1),
            paused_at: row.get(2),
            keep_days: row.get(3),
            keep_runs: row.get(4),
            keep_mb: row.get(5),
        }))
    }

    /// Changes the settings of a workflow, but for its pause, for what is in the queue already too.
    pub async fn set_workflow_settings(
        &self,
        workflow: WorkflowId,
        settings: &WorkflowSettings,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO workflow_settings (workflow_id, priority, max_running, keep_days, keep_runs, keep_mb)
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workflow_id) DO UPDATE SET priority = excluded.priority,
                max_running = excluded.max_running, keep_days = excluded.keep_days, keep_runs = excluded.keep_runs,
                keep_mb = excluded.keep_mb";
        let WorkflowSettings { priority, max_running, paused_at: _, keep_days, keep_runs, keep_mb } = settings;
        self.change_settings(workflow, sql, &[&workflow.0, priority, max_running, keep_days, keep_runs, keep_mb]).await
    }

    /// Pauses a workflow, or lets its runs start again.
    pub async fn pause_workflow(&self, workflow: WorkflowId, pause: bool) -> Result<(), StoreError> {
        let sql = "INSERT INTO workflow_settings AS s (workflow_id, paused_at) VALUES ($1, CASE WHEN $2 THEN now() END)
            ON CONFLICT (workflow_id) DO UPDATE SET paused_at = CASE WHEN $2 THEN coalesce(s.paused_at, now()) END";
        self.change_settings(workflow, sql, &[&workflow.0, &pause]).await
    }

    /// Makes a change, and the queue what it is by the settings then.
    async fn change_settings(
        &self,
        workflow: WorkflowId,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<(), StoreError> {
        let operation = "change a workflow's settings";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        transaction.execute(sql, values).await.map_err(StoreError::of(operation))?;
        // One that a worker has taken up already goes on.
        let sql = "UPDATE run_outbox o SET priority = s.priority, is_held = s.max_running IS NOT NULL OR s.paused_at IS NOT NULL
            FROM workflow_settings s WHERE s.workflow_id = $1 AND o.workflow_id = $1 AND o.kind = 'start' AND o.sent_at IS NULL
                AND o.claimed_by IS NULL";
        transaction.execute(sql, &[&workflow.0]).await.map_err(StoreError::of(operation))?;
        let sql = "INSERT INTO run_slots (run_id, workflow_id) SELECT r.id, r.workflow_id
            FROM runs r JOIN workflow_settings s ON s.workflow_id = r.workflow_id AND s.max_running IS NOT NULL
            WHERE r.workflow_id = $1 AND r.finished_at IS NULL
              AND (r.status = 'running' OR r.status = 'queued' AND EXISTS (SELECT FROM run_outbox o
                WHERE o.run_id = r.id AND o.kind = 'start' AND o.claimed_by IS NOT NULL))
            ON CONFLICT DO NOTHING";
        transaction.execute(sql, &[&workflow.0]).await.map_err(StoreError::of(operation))?;
        let sql = "SELECT pg_notify('run_outbox', $1)";
        transaction.query(sql, &[&HELD]).await.map_err(StoreError::of(operation))?;
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    /// Lets in held starts, as many as their workflows have room for. Gives how many, and whether some are left.
    pub async fn let_in(&self) -> Result<(u64, bool), StoreError> {
        let operation = "let in runs";
        let mut client = self.client(operation).await?;
        // One worker for each workflow: two would each fill the same room. The room is looked at in a second statement, which sees what
        // the worker before has done.
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let sql = "SELECT s.workflow_id, s.max_running FROM workflow_settings s
            WHERE s.paused_at IS NULL AND EXISTS (SELECT FROM run_outbox o
                WHERE o.workflow_id = s.workflow_id AND o.sent_at IS NULL AND o.kind = 'start' AND o.is_held)
              AND pg_try_advisory_xact_lock(hashtextextended(s.workflow_id::text, 4))";
        let statement = transaction.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let rows = transaction.query(&statement, &[]).await.map_err(StoreError::of(operation))?;
        if rows.is_empty() {
            return Ok((0, false));
        }
        let (workflows, limits): (Vec<Uuid>, Vec<Option<i32>>) =
            rows.iter().map(|row| (row.get::<_, Uuid>(0), row.get::<_, Option<i32>>(1))).unzip();
        // What has no limit any more is let in a thousand at a time.
        let sql = format!(
            "WITH room AS (
                SELECT g.workflow_id, g.most IS NOT NULL AS is_limited, greatest(coalesce(g.most - (
                    SELECT count(*) FROM run_slots t JOIN runs r ON r.id = t.run_id
                    WHERE t.workflow_id = g.workflow_id AND r.finished_at IS NULL AND r.status <> 'waiting'), 1000), 0) AS places
                FROM unnest($1::uuid[], $2::integer[]) AS g (workflow_id, most)),
            next AS (
                SELECT room.workflow_id, room.is_limited, o.id, o.run_id FROM room CROSS JOIN LATERAL (
                    SELECT o.id, o.run_id FROM run_outbox o
                    WHERE o.workflow_id = room.workflow_id AND o.sent_at IS NULL AND o.kind = 'start' AND o.is_held
                    ORDER BY o.priority DESC, o.id LIMIT room.places) o),
            gone AS (DELETE FROM run_slots t USING runs r
                WHERE t.workflow_id = ANY($1) AND r.id = t.run_id AND (r.finished_at IS NOT NULL OR r.status = 'waiting')),
            slots AS (INSERT INTO run_slots (run_id, workflow_id) SELECT run_id, workflow_id FROM next WHERE is_limited ON CONFLICT DO NOTHING)
            UPDATE run_outbox o SET is_held = false FROM next, {LAZILY} WHERE o.id = next.id"
        );
        let statement = transaction.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let count = transaction.execute(&statement, &[&workflows, &limits]).await.map_err(StoreError::of(operation))?;
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok((count, true))
    }

    /// Pauses the whole queue, or lets it go on.
    pub async fn pause_queue(&self, by: Option<&str>) -> Result<(), StoreError> {
        let operation = "pause the queue";
        let client = self.client(operation).await?;
        let sql = "WITH changed AS (UPDATE queue SET paused_at = CASE WHEN $1::text IS NULL THEN NULL ELSE coalesce(paused_at, now()) END, paused_by = $1)
            SELECT pg_notify('run_outbox', $2)";
        client.query(sql, &[&by, &HELD]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// How the queue stands.
    pub async fn queue_state(&self) -> Result<QueueState, StoreError> {
        let operation = "look at the queue";
        let client = self.client(operation).await?;
        let sql = "SELECT q.paused_at, coalesce(q.paused_by, ''), o.queued, o.held, o.oldest, r.running, r.waiting FROM queue q,
            (SELECT count(*) FILTER (WHERE NOT is_held) AS queued, count(*) FILTER (WHERE is_held) AS held, min(created_at) AS oldest
             FROM run_outbox WHERE sent_at IS NULL AND kind = 'start' AND (claimed_until IS NULL OR claimed_until < now())) o,
            (SELECT count(*) FILTER (WHERE status = 'running') AS running, count(*) FILTER (WHERE status = 'waiting') AS waiting
             FROM runs WHERE finished_at IS NULL) r";
        let row = client.query_one(sql, &[]).await.map_err(StoreError::of(operation))?;
        Ok(QueueState {
            paused: row.get::<_, Option<OffsetDateTime>>(0).map(|at| (at, row.get(1))),
            queued: row.get(2),
            held: row.get(3),
            oldest: row.get(4),
            running: row.get(5),
            waiting: row.get(6),
        })
    }

    /// Why a run has not begun; none where a worker has taken it up.
    pub async fn queued_because(&self, run: RunId) -> Result<Option<Queued>, StoreError> {
        let operation = "look for a run in the queue";
        let client = self.client(operation).await?;
        // Whoever is far behind need not know how far.
        let sql = "SELECT EXISTS (SELECT FROM queue WHERE paused_at IS NOT NULL), s.paused_at IS NOT NULL, o.is_held,
                (SELECT count(*) FROM (SELECT FROM run_outbox b WHERE b.sent_at IS NULL AND b.kind = 'start' AND NOT b.is_held
                    AND (b.priority > o.priority OR b.priority = o.priority AND b.id < o.id) LIMIT 10000) before)
            FROM run_outbox o LEFT JOIN workflow_settings s ON s.workflow_id = o.workflow_id
            WHERE o.run_id = $1 AND o.kind = 'start' AND o.sent_at IS NULL AND (o.claimed_until IS NULL OR o.claimed_until < now())";
        let row = client.query_opt(sql, &[&run.0]).await.map_err(StoreError::of(operation))?;
        Ok(row.map(|row| match (row.get(0), row.get(1), row.get(2)) {
            (true, _, _) => Queued::QueuePaused,
            (_, true, true) => Queued::WorkflowPaused,
            (_, _, true) => Queued::Limit,
            _ => Queued::Behind(row.get(3)),
        }))
    }
}
