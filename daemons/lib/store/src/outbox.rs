//! What a worker's starter and reconciler need: the outbox, and runs that have not ended.

use std::time::Duration;

use bulkhead_model::RunId;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::database::LAZILY;
use crate::{Database, StoreError};

/// A claim on the start of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The entry.
    pub entry: i64,
    /// The run.
    pub run: RunId,
    /// Whether nobody has claimed it before.
    pub is_first: bool,
}

/// What an entry asks for, other than to start a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordKind {
    /// Cancel it.
    Cancel,
    /// Look again at what it waits for.
    Wake,
}

/// A word for a run that was not sent yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The entry; grows with time.
    pub entry: i64,
    /// The run.
    pub run: RunId,
    /// What it says.
    pub kind: WordKind,
    /// Whether the run has ended.
    pub has_ended: bool,
    /// Whether the run's start was not sent yet: Temporal knows nothing of it.
    pub is_unstarted: bool,
}

// A claim, a renewal or a mark that a power cut takes back does no harm, so none waits for the disk.
impl Database {
    /// Claims up to `limit` starts that nobody has claimed and nothing holds back, by priority and then the oldest first, for `worker` and
    /// as long as `lease`. Those that somebody wants cancelled are left to [`Database::claim_start_of`].
    pub async fn claim_starts(&self, worker: Uuid, lease: Duration, limit: i64) -> Result<Vec<Claim>, StoreError> {
        let sql = format!(
            "WITH next AS (
                SELECT o.id, o.claimed_by IS NULL AS is_first FROM run_outbox o
                WHERE o.kind = 'start' AND o.sent_at IS NULL AND NOT o.is_held AND (o.claimed_until IS NULL OR o.claimed_until < now())
                  AND NOT EXISTS (SELECT FROM queue WHERE paused_at IS NOT NULL)
                  AND NOT EXISTS (SELECT FROM run_outbox c WHERE c.run_id = o.run_id AND c.kind = 'cancel' AND c.sent_at IS NULL)
                ORDER BY o.priority DESC, o.id LIMIT $3 FOR UPDATE OF o SKIP LOCKED)
            UPDATE run_outbox o SET claimed_by = $1, claimed_until = now() + make_interval(secs => $2) FROM next, {LAZILY}
            WHERE o.id = next.id RETURNING o.id, o.run_id, next.is_first"
        );
        self.claim(&sql, &[&worker, &lease.as_secs_f64(), &limit]).await
    }

    /// Claims the start of one run, unless somebody holds it or it was sent.
    pub async fn claim_start_of(&self, run: RunId, worker: Uuid, lease: Duration) -> Result<Option<Claim>, StoreError> {
        let sql = format!(
            "UPDATE run_outbox SET claimed_by = $1, claimed_until = now() + make_interval(secs => $2) FROM {LAZILY}
            WHERE run_id = $3 AND kind = 'start' AND sent_at IS NULL AND (claimed_until IS NULL OR claimed_until < now())
            RETURNING id, run_id, false"
        );
        Ok(self.claim(&sql, &[&worker, &lease.as_secs_f64(), &run.0]).await?.pop())
    }

    async fn claim(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Claim>, StoreError> {
        let operation = "claim starts of runs";
        let client = self.client(operation).await?;
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let rows = client.query(&statement, values).await.map_err(StoreError::of(operation))?;
        Ok(rows.iter().map(|row| Claim { entry: row.get(0), run: RunId(row.get(1)), is_first: row.get(2) }).collect())
    }

    /// Holds claims for longer; gives those that are still `worker`'s.
    pub async fn renew_claims(&self, worker: Uuid, entries: &[i64], lease: Duration) -> Result<Vec<i64>, StoreError> {
        let operation = "renew claims";
        let client = self.client(operation).await?;
        let sql = format!(
            "UPDATE run_outbox SET claimed_until = now() + make_interval(secs => $3) FROM {LAZILY}
            WHERE id = ANY($2) AND claimed_by = $1 AND claimed_until > now() RETURNING id"
        );
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let rows = client.query(&statement, &[&worker, &entries, &lease.as_secs_f64()]).await;
        Ok(rows.map_err(StoreError::of(operation))?.iter().map(|row| row.get(0)).collect())
    }

    /// The oldest words that were not sent. Two workers may both read one: each does no harm when it is sent twice.
    pub async fn unsent_words(&self, limit: i64) -> Result<Vec<Word>, StoreError> {
        let operation = "read the outbox";
        let client = self.client(operation).await?;
        let sql = "SELECT o.id, o.run_id, o.kind, r.finished_at IS NOT NULL,
                EXISTS (SELECT FROM run_outbox s WHERE s.run_id = o.run_id AND s.kind = 'start' AND s.sent_at IS NULL)
            FROM run_outbox o JOIN runs r ON r.id = o.run_id WHERE o.sent_at IS NULL AND o.kind <> 'start' ORDER BY o.id LIMIT $1";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let rows = client.query(&statement, &[&limit]).await.map_err(StoreError::of(operation))?;
        rows.iter()
            .map(|row| {
                let kind = match row.get(2) {
                    "cancel" => WordKind::Cancel,
                    "wake" => WordKind::Wake,
                    word => return Err(StoreError::bad_word(operation, word)),
                };
                let (has_ended, is_unstarted) = (row.get(3), row.get(4));
                Ok(Word { entry: row.get(0), run: RunId(row.get(1)), kind, has_ended, is_unstarted })
            })
            .collect()
    }

    /// Marks entries as sent: the run has ended, or Temporal has accepted them.
    pub async fn mark_sent(&self, entries: &[i64]) -> Result<(), StoreError> {
        let operation = "mark outbox entries as sent";
        let client = self.client(operation).await?;
        let sql = format!("UPDATE run_outbox SET sent_at = now() FROM {LAZILY} WHERE id = ANY($1)");
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        client.execute(&statement, &[&entries]).await.map(|_| ()).map_err(StoreError::of(operation))
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
