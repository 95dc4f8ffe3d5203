//! What a worker's starter and reconciler need: the outbox, and runs that have not ended.

use std::time::Duration;

use bulkhead_model::RunId;

use crate::{Database, StoreError};

/// What an entry asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// Start the run.
    Start,
    /// Cancel it.
    Cancel,
    /// Look again at what it waits for.
    Wake,
}

/// An entry that was not sent yet.
#[derive(Clone, Copy, Debug)]
pub struct OutboxEntry {
    /// Grows with time.
    pub id: i64,
    /// The run.
    pub run: RunId,
    /// What to do with it.
    pub kind: EntryKind,
}

impl Database {
    /// The oldest entries that were not sent. Two starters may both read one: starting is idempotent by the run's id.
    pub async fn unsent(&self, limit: i64) -> Result<Vec<OutboxEntry>, StoreError> {
        let operation = "read the outbox";
        let client = self.client(operation).await?;
        let sql = "SELECT id, run_id, kind FROM run_outbox WHERE sent_at IS NULL ORDER BY id LIMIT $1";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let rows = client.query(&statement, &[&limit]).await.map_err(StoreError::of(operation))?;
        rows.iter()
            .map(|row| {
                let kind = match row.get(2) {
                    "start" => EntryKind::Start,
                    "cancel" => EntryKind::Cancel,
                    "wake" => EntryKind::Wake,
                    word => return Err(StoreError::bad_word(operation, word)),
                };
                Ok(OutboxEntry { id: row.get(0), run: RunId(row.get(1)), kind })
            })
            .collect()
    }

    /// Marks entries as sent, after Temporal has accepted them.
    pub async fn mark_sent(&self, ids: &[i64]) -> Result<(), StoreError> {
        let operation = "mark outbox entries as sent";
        let client = self.client(operation).await?;
        let statement = client.prepare_cached("UPDATE run_outbox SET sent_at = now() WHERE id = ANY($1)").await;
        let statement = statement.map_err(StoreError::of(operation))?;
        client.execute(&statement, &[&ids]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// Whether somebody has asked for a run to be cancelled.
    pub async fn cancel_requested(&self, run: RunId) -> Result<bool, StoreError> {
        let operation = "look for a cancel";
        let client = self.client(operation).await?;
        let sql = "SELECT EXISTS (SELECT FROM run_outbox WHERE run_id = $1 AND kind = 'cancel')";
        let row = client.query_one(sql, &[&run.0]).await.map_err(StoreError::of(operation))?;
        Ok(row.get(0))
    }

    /// Runs that have not ended although they were accepted at least `grace` ago and their start was sent.
    pub async fn unfinished_runs(
        &self,
        grace: Duration,
        after: Option<RunId>,
        limit: i64,
    ) -> Result<Vec<RunId>, StoreError> {
        let operation = "look for unfinished runs";
        let client = self.client(operation).await?;
        let sql =
            "SELECT r.id FROM runs r WHERE r.finished_at IS NULL AND r.created_at < now() - make_interval(secs => $1)
              AND ($2::uuid IS NULL OR r.id > $2)
              AND NOT EXISTS (SELECT FROM run_outbox o WHERE o.run_id = r.id AND o.kind = 'start' AND o.sent_at IS NULL)
            ORDER BY r.id LIMIT $3";
        let rows = client.query(sql, &[&grace.as_secs_f64(), &after.map(|id| id.0), &limit]).await;
        Ok(rows.map_err(StoreError::of(operation))?.iter().map(|row| RunId(row.get(0))).collect())
    }
}
