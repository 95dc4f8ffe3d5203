//! Events: sent to the runs of a workflow, and taken by blocks that wait for them.
//!
//! Who sends and who begins to wait hold a lock on name and key until they have committed. So whoever is second sees what the first
//! has written: an event is there when the wait looks, or the wait is there when the event wakes.

use bulkhead_model::{RunId, WorkflowId};
use deadpool_postgres::Transaction;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::audit::{AuditRecord, append_in};
use crate::journal::{BlockPlace, rounds};
use crate::payload::Payload;
use crate::{Database, StoreError};

/// Events that are stored for one workflow at most.
pub const MAX_EVENTS: i64 = 50_000;
/// Days after which an event is deleted.
pub const KEEP_EVENT_DAYS: i32 = 30;
/// Days after which it is deleted if no run is left that was there when it came. Until then its idempotency key counts.
const KEEP_UNWANTED_DAYS: i32 = 1;

/// An event to store.
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    /// The workflow to whose runs it is sent.
    pub workflow: WorkflowId,
    /// Its name.
    pub name: &'a str,
    /// Its key; empty where it has none.
    pub key: &'a str,
    /// What it carries.
    pub body: &'a Value,
    /// The same key for the same workflow is the same event.
    pub idempotency_key: Option<&'a str>,
    /// What the audit trail says of it.
    pub record: &'a AuditRecord,
}

/// What became of an event that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is stored.
    Stored {
        /// Its id.
        id: Uuid,
        /// How many runs wait for it now.
        runs: i64,
    },
    /// It was stored before, under the same idempotency key.
    Known {
        /// Its id.
        id: Uuid,
    },
    /// There are [`MAX_EVENTS`] already.
    Full,
}

/// A block that waits for an event.
#[derive(Clone, Debug)]
pub struct NewEventWait<'a> {
    /// The run.
    pub run: RunId,
    /// The block.
    pub place: &'a BlockPlace,
    /// Its workflow.
    pub workflow: WorkflowId,
    /// The name of the event.
    pub name: &'a str,
    /// Its key; empty where it has none.
    pub key: &'a str,
    /// Until when it waits.
    pub deadline: Option<OffsetDateTime>,
}

/// An event as a block takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: Uuid,
    /// Its key; empty where it has none.
    pub key: String,
    /// What it carries.
    pub body: Value,
    /// When it was stored.
    pub received_at: OffsetDateTime,
}

/// Where a wait for an event stands.
#[derive(Clone, Debug, PartialEq)]
pub enum EventWaitState {
    /// The event has not come.
    Waiting {
        /// Until when it waits.
        deadline: Option<OffsetDateTime>,
    },
    /// It has.
    Came(Event),
    /// The deadline has passed before it came.
    TimedOut,
}

/// What the sends and waits of one key are done under, one after the other.
fn lock_of(workflow: WorkflowId, name: &str, key: &str) -> String {
    // No name has a colon in it.
    format!("event:{workflow}:{name}:{key}")
}

/// Held until the transaction has ended.
async fn lock(operation: &'static str, transaction: &Transaction<'_>, what: &str) -> Result<(), StoreError> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    let statement = transaction.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
    transaction.query(&statement, &[&what]).await.map(|_| ()).map_err(StoreError::of(operation))
}

impl Database {
    /// Stores an event with its audit record and wakes the runs that wait for it, in one transaction.
    pub async fn send_event(&self, new: &NewEvent<'_>) -> Result<Sent, StoreError> {
        let operation = "store an event";
        let what = lock_of(new.workflow, new.name, new.key);
        // Those of this process wait here, without a connection.
        let _held = self.events.lock(&what).await;
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        lock(operation, &transaction, &what).await?;
        if let Some(id) = known_event(operation, &transaction, new).await? {
            return Ok(Sent::Known { id });
        }
        let sql = "SELECT count(*) FROM (SELECT FROM workflow_events WHERE workflow_id = $1 LIMIT $2) stored";
        let row = transaction.query_one(sql, &[&new.workflow.0, &MAX_EVENTS]).await;
        if row.map_err(StoreError::of(operation))?.get::<_, i64>(0) >= MAX_EVENTS {
            return Ok(Sent::Full);
        }
        let id = Uuid::now_v7();
        let Payload { json, packed } = Payload::of(operation, new.body)?;
        let sql = "INSERT INTO workflow_events (id, workflow_id, name, key, body_json, body_packed, idempotency_key)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (workflow_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING";
        let values: [&(dyn ToSql + Sync); 7] =
            [&id, &new.workflow.0, &new.name, &new.key, &json, &packed, &new.idempotency_key];
        if transaction.execute(sql, &values).await.map_err(StoreError::of(operation))? == 0 {
            // Stored meanwhile, under another name or key: those have another lock.
            let id = known_event(operation, &transaction, new).await?.ok_or(StoreError::Changed { operation })?;
            return Ok(Sent::Known { id });
        }
        append_in(&transaction, std::slice::from_ref(new.record)).await?;
        let sql = "WITH woken AS (
                INSERT INTO run_outbox (run_id, kind) SELECT DISTINCT w.run_id, 'wake' FROM event_waits w JOIN runs r ON r.id = w.run_id
                WHERE w.workflow_id = $1 AND w.name = $2 AND w.key = $3 AND w.ended_at IS NULL AND r.finished_at IS NULL
                RETURNING run_id)
            SELECT pg_notify('run_outbox', run_id::text) FROM woken";
        let woken = transaction.query(sql, &[&new.workflow.0, &new.name, &new.key]).await;
        let runs = woken.map_err(StoreError::of(operation))?.len();
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(Sent::Stored { id, runs: i64::try_from(runs).unwrap_or(i64::MAX) })
    }

    /// The key that a block waits for already.
    pub async fn awaited_key(&self, run: RunId, place: &BlockPlace) -> Result<Option<String>, StoreError> {
        let operation = "look for a wait";
        let client = self.client(operation).await?;
        let sql = "SELECT key FROM event_waits WHERE run_id = $1 AND block = $2 AND iteration = $3";
        let row = client.query_opt(sql, &[&run.0, &place.block, &rounds(&place.iteration)]).await;
        Ok(row.map_err(StoreError::of(operation))?.map(|row| row.get(0)))
    }

    /// Has a block wait for an event, unless it does already, and says where it stands. It takes the oldest event of that name and key
    /// that has come since its run was created and that no other block of the run has taken. A paused run takes none: a step that had begun
    /// before the pause must not go on with what came after it.
    pub async fn await_event(&self, new: &NewEventWait<'_>) -> Result<EventWaitState, StoreError> {
        let operation = "wait for an event";
        let what = lock_of(new.workflow, new.name, new.key);
        // Those of this process wait here, without a connection.
        let _held = self.events.lock(&what).await;
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        lock(operation, &transaction, &what).await?;
        let iteration = rounds(&new.place.iteration);
        let sql = "INSERT INTO event_waits (run_id, block, iteration, workflow_id, name, key, deadline)
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (run_id, block, iteration) DO NOTHING";
        let values: [&(dyn ToSql + Sync); 7] =
            [&new.run.0, &new.place.block, &iteration, &new.workflow.0, &new.name, &new.key, &new.deadline];
        transaction.execute(sql, &values).await.map_err(StoreError::of(operation))?;
        let own: [&(dyn ToSql + Sync); 3] = [&new.run.0, &new.place.block, &iteration];
        let sql = "WITH next AS (
                SELECT e.id FROM event_waits w JOIN runs r ON r.id = w.run_id
                JOIN workflow_events e ON e.workflow_id = w.workflow_id AND e.name = w.name AND e.key = w.key
                WHERE w.run_id = $1 AND w.block = $2 AND w.iteration = $3 AND w.ended_at IS NULL
                  AND e.received_at >= r.created_at AND (w.deadline IS NULL OR e.received_at <= w.deadline)
                  AND NOT EXISTS (SELECT FROM event_waits o WHERE o.run_id = w.run_id AND o.event_id = e.id)
                ORDER BY e.received_at, e.id LIMIT 1)
            UPDATE event_waits SET event_id = (SELECT id FROM next), ended_at = now()
            WHERE run_id = $1 AND block = $2 AND iteration = $3 AND ended_at IS NULL
              AND EXISTS (SELECT FROM runs WHERE id = $1 AND paused_at IS NULL)
              AND (EXISTS (SELECT FROM next) OR deadline <= now())";
        transaction.execute(sql, &own).await.map_err(StoreError::of(operation))?;
        let sql = "SELECT w.ended_at IS NOT NULL, w.deadline, e.id, e.key, e.body_json, e.body_packed, e.received_at
            FROM event_waits w LEFT JOIN workflow_events e ON e.id = w.event_id
            WHERE w.run_id = $1 AND w.block = $2 AND w.iteration = $3";
        let row = transaction.query_one(sql, &own).await.map_err(StoreError::of(operation))?;
        transaction.commit().await.map_err(StoreError::of(operation))?;
        state(operation, &row)
    }

    /// Deletes events that are too old, and those that nobody can take any more; how many. Ends the waits of runs that have ended.
    pub async fn delete_old_events(&self, limit: i64) -> Result<u64, StoreError> {
        let operation = "delete old events";
        let client = self.client(operation).await?;
        // Nobody comes for these: whoever sends an event need not look at them.
        let sql = "UPDATE event_waits w SET ended_at = r.finished_at FROM runs r
            WHERE w.ended_at IS NULL AND r.id = w.run_id AND r.finished_at IS NOT NULL";
        client.execute(sql, &[]).await.map_err(StoreError::of(operation))?;
        // What a run has taken stays for as long again, or until the run has ended: the journal may not have it yet.
        let sql = "WITH oldest AS (SELECT workflow_id, min(created_at) AS created_at FROM runs WHERE finished_at IS NULL GROUP BY workflow_id),
            old AS (
                SELECT e.id FROM workflow_events e LEFT JOIN oldest o ON o.workflow_id = e.workflow_id
                WHERE e.received_at < now() - make_interval(days => $2)
                  AND (e.received_at < now() - make_interval(days => $1) OR o.created_at IS NULL OR o.created_at > e.received_at)
                  AND NOT EXISTS (SELECT FROM event_waits w JOIN runs r ON r.id = w.run_id WHERE w.event_id = e.id AND r.finished_at IS NULL
                      AND w.ended_at > now() - make_interval(days => $1))
                LIMIT $3)
            DELETE FROM workflow_events WHERE id IN (SELECT id FROM old)";
        let values: [&(dyn ToSql + Sync); 3] = [&KEEP_EVENT_DAYS, &KEEP_UNWANTED_DAYS, &limit];
        client.execute(sql, &values).await.map_err(StoreError::of(operation))
    }
}

async fn known_event(
    operation: &'static str,
    transaction: &Transaction<'_>,
    new: &NewEvent<'_>,
) -> Result<Option<Uuid>, StoreError> {
    let Some(key) = new.idempotency_key else { return Ok(None) };
    let sql = "SELECT id FROM workflow_events WHERE workflow_id = $1 AND idempotency_key = $2";
    let row = transaction.query_opt(sql, &[&new.workflow.0, &key]).await.map_err(StoreError::of(operation))?;
    Ok(row.map(|row| row.get(0)))
}

fn state(operation: &'static str, row: &Row) -> Result<EventWaitState, StoreError> {
    Ok(match (row.get(0), row.get::<_, Option<Uuid>>(2)) {
        (false, _) => EventWaitState::Waiting { deadline: row.get(1) },
        (true, None) => EventWaitState::TimedOut,
        (true, Some(id)) => EventWaitState::Came(Event {
            id,
            key: row.get(3),
            body: Payload::read(operation, row.get(4), row.get(5))?,
            received_at: row.get(6),
        }),
    })
}
