//! What people say to runs that go on.

use bulkhead_model::RunId;
use bulkhead_model::run::{Choice, RunError, RunStatus};
use tokio_postgres::types::ToSql;

use crate::block_ends::RunEnd;
use crate::journal::{BlockPlace, rounds};
use crate::{Database, StoreError};

impl Database {
    /// Asks for a run to be cancelled. Without effect on one that has ended.
    pub async fn request_cancel(&self, id: RunId) -> Result<(), StoreError> {
        let operation = "cancel a run";
        let client = self.client(operation).await?;
        let sql = "WITH entry AS (
                INSERT INTO run_outbox (run_id, kind) SELECT id, 'cancel' FROM runs WHERE id = $1 AND finished_at IS NULL
                RETURNING run_id)
            SELECT pg_notify('run_outbox', run_id::text) FROM entry";
        client.query(sql, &[&id.0]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// Ends a run here and now, as cancelled. Whatever still runs for it has no effect any more.
    pub async fn terminate_run(&self, id: RunId, by: &str) -> Result<(), StoreError> {
        // Temporal is told too; it need not answer for the run to end.
        self.request_cancel(id).await?;
        let error = RunError::new("terminated", format!("{by} ended the run"));
        self.finish_run(id, RunEnd { status: RunStatus::Cancelled, error: Some(&error), result: None }).await
    }

    /// Pauses a run before its next step. Without effect on one that has ended.
    pub async fn pause_run(&self, id: RunId) -> Result<(), StoreError> {
        let operation = "pause a run";
        let client = self.client(operation).await?;
        let sql = "WITH changed AS (UPDATE runs SET paused_at = now() WHERE id = $1 AND finished_at IS NULL AND paused_at IS NULL RETURNING id)
            SELECT pg_notify('run_changed', id::text) FROM changed";
        client.query(sql, &[&id.0]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// Lets a paused run go on.
    pub async fn resume_run(&self, id: RunId) -> Result<(), StoreError> {
        let operation = "let a run go on";
        let client = self.client(operation).await?;
        let sql = "WITH changed AS (UPDATE runs SET paused_at = NULL WHERE id = $1 AND paused_at IS NOT NULL AND finished_at IS NULL RETURNING id),
            entry AS (INSERT INTO run_outbox (run_id, kind) SELECT id, 'wake' FROM changed RETURNING run_id)
            SELECT pg_notify('run_outbox', run_id::text), pg_notify('run_changed', run_id::text) FROM entry";
        client.query(sql, &[&id.0]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// Chooses what becomes of a block whose outcome is unknown, and wakes its run. The first choice counts: [`StoreError::Changed`] for
    /// another one, [`StoreError::NotFound`] where there is nothing to choose.
    pub async fn choose(&self, run: RunId, place: &BlockPlace, choice: Choice, by: &str) -> Result<(), StoreError> {
        let operation = "choose what becomes of a block";
        let client = self.client(operation).await?;
        let sql = "WITH changed AS (UPDATE block_runs b SET choice = $5, chosen_by = $6 FROM runs r
                WHERE b.run_id = $1 AND b.block = $2 AND b.iteration = $3 AND b.attempt = $4 AND b.status = 'outcome-unknown'
                  AND b.choice IS NULL AND r.id = b.run_id AND r.finished_at IS NULL RETURNING b.run_id),
            entry AS (INSERT INTO run_outbox (run_id, kind) SELECT run_id, 'wake' FROM changed RETURNING run_id)
            SELECT pg_notify('run_outbox', run_id::text), pg_notify('run_changed', run_id::text) FROM entry";
        let BlockPlace { block, iteration, attempt } = place;
        let rounds = rounds(iteration);
        let values: [&(dyn ToSql + Sync); 6] = [&run.0, block, &rounds, attempt, &choice.as_str(), &by];
        let chosen = client.query(sql, &values).await.map_err(StoreError::of(operation))?;
        if !chosen.is_empty() {
            return Ok(());
        }
        let sql = "SELECT choice FROM block_runs
            WHERE run_id = $1 AND block = $2 AND iteration = $3 AND attempt = $4 AND status = 'outcome-unknown' AND choice IS NOT NULL";
        let known =
            client.query_opt(sql, &[&run.0, block, &rounds, attempt]).await.map_err(StoreError::of(operation))?;
        match known.map(|row| row.get::<_, String>(0)) {
            Some(known) if known == choice.as_str() => Ok(()),
            Some(_) => Err(StoreError::Changed { operation }),
            None => Err(StoreError::NotFound { operation }),
        }
    }
}
