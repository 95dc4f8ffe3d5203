//! Runs as traces: which are to be sent, and what is sent of them.
//!
//! Whoever sends them walks over the runs in the order of their ids, which is that of their creation, and keeps those whose trace is to
//! be sent until it was. So a run that nobody wants a trace of costs nothing, and one that is kept is sent at least once.

use std::time::Duration;

use bulkhead_model::run::{BlockStatus, Iteration, RunStatus};
use bulkhead_model::{RunId, TraceParent, WorkflowId};
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::journal::iteration;
use crate::{Database, StoreError};

/// A run, as far as its trace tells of it: no data.
#[derive(Clone, Debug)]
pub struct TracedRun {
    /// The run.
    pub id: RunId,
    /// Its workflow.
    pub workflow: WorkflowId,
    /// That workflow's slug.
    pub workflow_slug: String,
    /// The release.
    pub version: i32,
    /// What started it: the trigger's kind.
    pub trigger: Option<String>,
    /// How it ended.
    pub status: RunStatus,
    /// Why it failed: a word.
    pub error: Option<String>,
    /// When it was accepted.
    pub created_at: OffsetDateTime,
    /// When a worker began it.
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    pub finished_at: OffsetDateTime,
    /// The trace of whoever asked for it.
    pub trace_parent: Option<TraceParent>,
    /// The block that started it: of which run, with which trace of its own, and where.
    pub parent: Option<(RunId, Option<TraceParent>, String, Iteration)>,
    /// The earlier run that it took over from.
    pub from_run: Option<(RunId, Option<TraceParent>)>,
}

/// A block of a run in one round, with all its attempts.
#[derive(Clone, Debug)]
pub struct TracedBlock {
    /// The block.
    pub block: String,
    /// In which round of which loops.
    pub iteration: Iteration,
    /// The row that it is part of: the round's or the loop's.
    pub cover: Option<(String, Iteration)>,
    /// When its first attempt began.
    pub started_at: OffsetDateTime,
    /// Its attempts, in order.
    pub attempts: Vec<TracedAttempt>,
}

/// One attempt.
#[derive(Clone, Debug)]
pub struct TracedAttempt {
    /// Counts from 1.
    pub number: i32,
    /// How it ended.
    pub status: BlockStatus,
    /// Why it failed: a word.
    pub error: Option<String>,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
}

impl Database {
    /// Goes on over the runs up to the id `horizon`, at most `limit` of them, not before the id `oldest`, and notes those that `keep` wants.
    /// Gives how many it has seen. The first time it begins at the horizon. Somebody else who does this meanwhile is left to it.
    pub async fn note_traces(
        &self,
        (oldest, horizon): (Uuid, Uuid),
        limit: i64,
        keep: impl Fn(RunId, Option<TraceParent>) -> bool,
    ) -> Result<usize, StoreError> {
        let operation = "look for runs to trace";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let sql = "SELECT last_run FROM trace_cursor FOR UPDATE SKIP LOCKED";
        let Some(cursor) = transaction.query_opt(sql, &[]).await.map_err(StoreError::of(operation))? else {
            return Ok(0);
        };
        let last = cursor.get::<_, Option<Uuid>>(0).unwrap_or(horizon).max(oldest);
        let sql = "SELECT id, trace_parent FROM runs WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3";
        let seen = transaction.query(sql, &[&last, &horizon, &limit]).await.map_err(StoreError::of(operation))?;
        let ids = seen.iter().map(|row| (row.get::<_, Uuid>(0), trace_parent(row, 1)));
        let kept: Vec<Uuid> = ids.filter(|(id, parent)| keep(RunId(*id), *parent)).map(|(id, _)| id).collect();
        let sql = "INSERT INTO run_traces (run_id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING";
        transaction.execute(sql, &[&kept]).await.map_err(StoreError::of(operation))?;
        // No further than what was seen: a clock that was ahead for a while would pass over what comes.
        let last = seen.last().map_or(last, |row| row.get(0));
        transaction
            .execute("UPDATE trace_cursor SET last_run = $1", &[&last])
            .await
            .map_err(StoreError::of(operation))?;
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(seen.len())
    }

    /// Claims runs that have ended and whose trace is to be sent.
    pub async fn claim_traces(&self, limit: i64, lease: Duration) -> Result<Vec<RunId>, StoreError> {
        let operation = "claim traces";
        let client = self.client(operation).await?;
        let sql = "UPDATE run_traces t SET claimed_until = now() + make_interval(secs => $2) FROM (
                SELECT p.run_id FROM run_traces p JOIN runs r ON r.id = p.run_id
                WHERE r.finished_at IS NOT NULL AND p.claimed_until <= now() ORDER BY p.run_id LIMIT $1 FOR UPDATE OF p SKIP LOCKED) due
            WHERE t.run_id = due.run_id RETURNING t.run_id";
        let rows = client.query(sql, &[&limit, &lease.as_secs_f64()]).await.map_err(StoreError::of(operation))?;
        let mut runs: Vec<RunId> = rows.iter().map(|row| RunId(row.get(0))).collect();
        runs.sort();
        Ok(runs)
    }

    /// Gives claimed traces back: they were not sent.
    pub async fn release_traces(&self, runs: &[RunId]) -> Result<(), StoreError> {
        let operation = "give traces back";
        let sql = "UPDATE run_traces SET claimed_until = '-infinity' WHERE run_id = ANY($1)";
        self.change_traces(operation, sql, runs).await
    }

    /// Forgets traces: they were sent, or never will be.
    pub async fn forget_traces(&self, runs: &[RunId]) -> Result<(), StoreError> {
        let operation = "forget traces";
        self.change_traces(operation, "DELETE FROM run_traces WHERE run_id = ANY($1)", runs).await
    }

    async fn change_traces(&self, operation: &'static str, sql: &str, runs: &[RunId]) -> Result<(), StoreError> {
        let client = self.client(operation).await?;
        let ids: Vec<Uuid> = runs.iter().map(|run| run.0).collect();
        client.execute(sql, &[&ids]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// Forgets the traces of runs that have ended longer ago than this; gives how many.
    pub async fn give_up_traces(&self, age: Duration) -> Result<u64, StoreError> {
        let operation = "give up traces";
        let client = self.client(operation).await?;
        let sql = "DELETE FROM run_traces t USING runs r
            WHERE r.id = t.run_id AND r.finished_at < now() - make_interval(secs => $1) AND t.claimed_until <= now()";
        client.execute(sql, &[&age.as_secs_f64()]).await.map_err(StoreError::of(operation))
    }

    /// What a run's trace tells: the run, at most `limit` of its blocks, the outer ones first, and how many there are. None where the run
    /// is gone or goes on.
    pub async fn traced_run(
        &self,
        id: RunId,
        limit: i64,
    ) -> Result<Option<(TracedRun, Vec<TracedBlock>, i64)>, StoreError> {
        let operation = "read a run for its trace";
        let client = self.client(operation).await?;
        let sql = "SELECT r.workflow_id, w.slug, r.version, r.trigger ->> 'kind', r.status, r.error ->> 'kind', r.created_at, r.started_at,
                r.finished_at, r.trace_parent, r.parent_run, p.trace_parent, r.parent_block, r.parent_iteration, r.from_run,
                f.trace_parent
            FROM runs r JOIN workflows w ON w.id = r.workflow_id LEFT JOIN runs p ON p.id = r.parent_run LEFT JOIN runs f ON f.id = r.from_run
            WHERE r.id = $1 AND r.finished_at IS NOT NULL";
        let Some(row) = client.query_opt(sql, &[&id.0]).await.map_err(StoreError::of(operation))? else {
            return Ok(None);
        };
        let run = traced_run(operation, id, &row)?;
        // What was taken over from an earlier run is part of that one's trace.
        let sql = "SELECT block, iteration, (array_agg(cover_block ORDER BY attempt DESC))[1], (array_agg(cover_depth ORDER BY attempt DESC))[1],
                min(started_at), array_agg(attempt ORDER BY attempt), array_agg(status ORDER BY attempt),
                array_agg(error ->> 'kind' ORDER BY attempt), array_agg(finished_at ORDER BY attempt), count(*) OVER ()
            FROM block_runs WHERE run_id = $1 AND ($2::timestamptz IS NULL OR started_at >= $2)
            GROUP BY block, iteration ORDER BY cardinality(iteration), min(started_at), block, iteration LIMIT $3";
        let since = run.from_run.map(|_| run.created_at);
        let rows = client.query(sql, &[&id.0, &since, &limit]).await.map_err(StoreError::of(operation))?;
        let count = rows.first().map_or(0, |row| row.get(9));
        let blocks = rows.iter().map(|row| traced_block(operation, row)).collect::<Result<_, _>>()?;
        Ok(Some((run, blocks, count)))
    }
}

/// The database holds what was checked when it was written.
fn trace_parent(row: &Row, column: usize) -> Option<TraceParent> {
    row.get::<_, Option<&str>>(column)?.parse().ok()
}

fn traced_run(operation: &'static str, id: RunId, row: &Row) -> Result<TracedRun, StoreError> {
    let status: &str = row.get(4);
    let parent = row.get::<_, Option<Uuid>>(10).map(|parent| {
        let block = row.get::<_, Option<String>>(12).unwrap_or_default();
        let rounds = row.get::<_, Option<Vec<i32>>>(13).unwrap_or_default();
        (RunId(parent), trace_parent(row, 11), block, iteration(&rounds))
    });
    Ok(TracedRun {
        id,
        workflow: WorkflowId(row.get(0)),
        workflow_slug: row.get(1),
        version: row.get(2),
        trigger: row.get(3),
        status: status.parse().map_err(|()| StoreError::bad_word(operation, status))?,
        error: row.get(5),
        created_at: row.get(6),
        started_at: row.get(7),
        finished_at: row.get(8),
        trace_parent: trace_parent(row, 9),
        parent,
        from_run: row.get::<_, Option<Uuid>>(14).map(|earlier| (RunId(earlier), trace_parent(row, 15))),
    })
}

fn traced_block(operation: &'static str, row: &Row) -> Result<TracedBlock, StoreError> {
    let rounds: Vec<i32> = row.get(1);
    let depth = row.get::<_, Option<i16>>(3).and_then(|depth| usize::try_from(depth).ok()).unwrap_or_default();
    let cover = row.get::<_, Option<String>>(2).map(|block| (block, iteration(&rounds[..depth.min(rounds.len())])));
    let numbers: Vec<i32> = row.get(5);
    let (statuses, errors): (Vec<String>, Vec<Option<String>>) = (row.get(6), row.get(7));
    let finished: Vec<Option<OffsetDateTime>> = row.get(8);
    let attempts = numbers.into_iter().zip(statuses).zip(errors.into_iter().zip(finished));
    let attempts = attempts.map(|((number, status), (error, finished_at))| {
        let status = status.parse().map_err(|()| StoreError::bad_word(operation, &status))?;
        Ok(TracedAttempt { number, status, error, finished_at })
    });
    Ok(TracedBlock {
        block: row.get(0),
        iteration: iteration(&rounds),
        cover,
        started_at: row.get(4),
        attempts: attempts.collect::<Result<_, StoreError>>()?,
    })
}
