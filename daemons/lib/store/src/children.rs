//! Runs that other runs start: by a block, or by their failure.

use bulkhead_model::run::{RunError, RunResponse, RunStatus};
use bulkhead_model::{RunId, WorkflowId};
use deadpool_postgres::Transaction;
use serde_json::Value;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use crate::journal::{BlockPlace, rounds};
use crate::payload::Payload;
use crate::queues::{ANNOUNCE_ENTRY, START_ENTRY};
use crate::{Database, StoreError};

/// A run to start from a block.
#[derive(Clone, Debug)]
pub struct NewChild<'a> {
    /// The run whose block it is.
    pub parent: RunId,
    /// That block.
    pub place: &'a BlockPlace,
    /// How many runs the new one descends from.
    pub depth: i32,
    /// The workflow to run, by its slug.
    pub workflow: &'a str,
    /// What code sees as `trigger`.
    pub trigger: &'a Value,
    /// Whether the block waits for its end: it is woken then, and its own end cancels the run.
    pub waits: bool,
}

/// A run to start since another one has failed.
#[derive(Clone, Copy, Debug)]
pub struct FailureRun<'a> {
    /// The workflow to run, by its slug.
    pub workflow: &'a str,
    /// What code sees as `trigger`.
    pub trigger: &'a Value,
}

/// Where such a run stands.
#[derive(Clone, Debug)]
pub struct Child {
    /// The run.
    pub run: RunId,
    /// Where it stands.
    pub status: RunStatus,
    /// Why it failed.
    pub error: Option<RunError>,
    /// What its response block answered.
    pub response: Option<RunResponse>,
    /// What its last block came to.
    pub result: Value,
}

impl Database {
    /// The run that a block has started, if it has.
    pub async fn child(&self, parent: RunId, place: &BlockPlace) -> Result<Option<Child>, StoreError> {
        let operation = "look for the run of a block";
        let client = self.client(operation).await?;
        let sql = "SELECT id, status, error, response, result_json, result_packed FROM runs
            WHERE parent_run = $1 AND parent_block = $2 AND parent_iteration = $3";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let values: [&(dyn ToSql + Sync); 3] = [&parent.0, &place.block, &rounds(&place.iteration)];
        let Some(row) = client.query_opt(&statement, &values).await.map_err(StoreError::of(operation))? else {
            return Ok(None);
        };
        let status: &str = row.get(1);
        Ok(Some(Child {
            run: RunId(row.get(0)),
            status: status.parse().map_err(|()| StoreError::bad_word(operation, status))?,
            error: row.get::<_, Option<Json<RunError>>>(2).map(|json| json.0),
            response: row.get::<_, Option<Json<RunResponse>>>(3).map(|json| json.0),
            result: Payload::read(operation, row.get(4), row.get(5))?,
        }))
    }

    /// The released version of a workflow, by its slug.
    pub async fn released_workflow(&self, slug: &str) -> Result<Option<(WorkflowId, i32)>, StoreError> {
        let operation = "look for a workflow";
        let client = self.client(operation).await?;
        let sql = "SELECT id, released_version FROM workflows WHERE slug = $1 AND released_version IS NOT NULL";
        let row = client.query_opt(sql, &[&slug]).await.map_err(StoreError::of(operation))?;
        Ok(row.map(|row| (WorkflowId(row.get(0)), row.get(1))))
    }

    /// Starts the run of a block, unless there is one already; false where the workflow has no released version.
    pub async fn start_child(&self, new: &NewChild<'_>) -> Result<bool, StoreError> {
        let operation = "start the run of a block";
        let Some((workflow, version)) = self.released_workflow(new.workflow).await? else { return Ok(false) };
        let client = self.client(operation).await?;
        let sql = format!(
            "WITH run AS (
                INSERT INTO runs (id, workflow_id, version, status, trigger, started_by, parent_run, parent_block, parent_iteration, depth,
                    parent_waits, environment_id)
                SELECT $1, $2, $3, 'queued', $4, started_by, id, $6, $7, $8, $9, environment_id FROM runs WHERE id = $5 AND finished_at IS NULL
                FOR NO KEY UPDATE
                ON CONFLICT DO NOTHING RETURNING id, workflow_id),
            {START_ENTRY} SELECT {ANNOUNCE_ENTRY} FROM entry"
        );
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let BlockPlace { block, iteration, .. } = new.place;
        let values: [&(dyn ToSql + Sync); 9] = [
            &Uuid::now_v7(),
            &workflow.0,
            &version,
            new.trigger,
            &new.parent.0,
            block,
            &rounds(iteration),
            &new.depth,
            &new.waits,
        ];
        client.query(&statement, &values).await.map_err(StoreError::of(operation))?;
        Ok(true)
    }
}

/// Starts the run that the failure of another one starts. Nothing happens where that workflow has no released version: a failure that
/// nobody is told of is shown all the same.
pub(crate) async fn start_failure_run(
    transaction: &Transaction<'_>,
    failed: RunId,
    failure: &FailureRun<'_>,
) -> Result<(), StoreError> {
    let operation = "start the run for a failure";
    let sql = format!(
        "WITH run AS (
            INSERT INTO runs (id, workflow_id, version, status, trigger, idempotency_key, environment_id)
            SELECT $1, w.id, w.released_version, 'queued', $3, 'failure/' || $4, f.environment_id
            FROM workflows w JOIN runs f ON f.id = $5 WHERE w.slug = $2 AND w.released_version IS NOT NULL
            ON CONFLICT DO NOTHING RETURNING id, workflow_id),
        {START_ENTRY} SELECT {ANNOUNCE_ENTRY} FROM entry"
    );
    let statement = transaction.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
    let text = failed.to_string();
    let values: [&(dyn ToSql + Sync); 5] = [&Uuid::now_v7(), &failure.workflow, failure.trigger, &text, &failed.0];
    transaction.query(&statement, &values).await.map(|_| ()).map_err(StoreError::of(operation))
}
