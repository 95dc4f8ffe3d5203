//! The journal of calls with effects: each is marked as started, durably, before it is made, and as ended after.

use bulkhead_model::RunId;
use bulkhead_model::run::RunError;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};

use crate::journal::{BlockPlace, rounds};
use crate::payload::Payload;
use crate::{Database, StoreError};

/// The number of the call of a block that acts itself; those of code count from 0.
pub const OWN_CALL: i32 = i32::MAX;

/// Where a call with effects stands in the journal.
#[derive(Clone, Debug)]
pub enum JournalledCall {
    /// Nobody has made it; it is now marked as started, durably.
    New,
    /// It was started and nothing tells how it ended.
    Started {
        /// When, by the clock of whoever started it.
        at: OffsetDateTime,
    },
    /// It ended well, with this result.
    Finished(Value),
    /// It failed.
    Failed(RunError),
    /// A person has to say what became of it.
    OutcomeUnknown,
    /// Something else was asked for under this key before.
    AnotherRequest,
}

/// How a started call ended.
#[derive(Clone, Copy, Debug)]
pub enum CallEnd<'a> {
    /// Well, with this result.
    Finished(&'a Value),
    /// It took effect, and its answer is of no use.
    Answered(&'a RunError),
    /// Without effect.
    Failed(&'a RunError),
    /// Nothing tells.
    Unknown,
}

/// The key of a call: with the run, what a repeat is recognised by.
#[derive(Clone, Copy, Debug)]
pub struct CallKey<'a> {
    /// The run.
    pub run: RunId,
    /// The block, in its round and attempt.
    pub place: &'a BlockPlace,
    /// Its number within the block.
    pub call: i32,
}

const STANDING: &str = "status, result_json, result_packed, error, started_at";

impl Database {
    /// Marks a call as started now, durably, or says where it stands.
    pub async fn begin_call(
        &self,
        key: CallKey<'_>,
        request_hash: &[u8],
        now: OffsetDateTime,
    ) -> Result<JournalledCall, StoreError> {
        let operation = "journal a call";
        let client = self.client(operation).await?;
        let iteration = rounds(&key.place.iteration);
        let sql = "INSERT INTO block_calls (run_id, block, iteration, attempt, call, request_hash, status, started_at)
            VALUES ($1, $2, $3, $4, $5, $6, 'started', $7) ON CONFLICT (run_id, block, iteration, attempt, call) DO NOTHING";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let BlockPlace { block, attempt, .. } = key.place;
        let values: [&(dyn ToSql + Sync); 7] = [&key.run.0, block, &iteration, attempt, &key.call, &request_hash, &now];
        if client.execute(&statement, &values).await.map_err(StoreError::of(operation))? == 1 {
            return Ok(JournalledCall::New);
        }
        let sql = format!(
            "SELECT {STANDING}, request_hash = $6 FROM block_calls
            WHERE run_id = $1 AND block = $2 AND iteration = $3 AND attempt = $4 AND call = $5"
        );
        let row = client.query_one(&sql, &values[..6]).await.map_err(StoreError::of(operation))?;
        if !row.get::<_, bool>(5) {
            return Ok(JournalledCall::AnotherRequest);
        }
        standing(operation, &row)
    }

    /// The call of a block's code that has asked for this, after so many that have asked for the same: its number, and where it stands.
    pub async fn find_call(
        &self,
        run: RunId,
        place: &BlockPlace,
        request_hash: &[u8],
        times: i64,
    ) -> Result<Option<(i32, JournalledCall)>, StoreError> {
        let operation = "look for a call";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT {STANDING}, call FROM block_calls
            WHERE run_id = $1 AND block = $2 AND iteration = $3 AND attempt = $4 AND call < {OWN_CALL} AND request_hash = $5
            ORDER BY call LIMIT 1 OFFSET $6"
        );
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let BlockPlace { block, iteration, attempt } = place;
        let values: [&(dyn ToSql + Sync); 6] = [&run.0, block, &rounds(iteration), attempt, &request_hash, &times];
        let row = client.query_opt(&statement, &values).await.map_err(StoreError::of(operation))?;
        row.map(|row| Ok((row.get(5), standing(operation, &row)?))).transpose()
    }

    /// Stores how a started call ended.
    pub async fn end_call(&self, key: CallKey<'_>, end: CallEnd<'_>) -> Result<(), StoreError> {
        let operation = "journal the end of a call";
        let (status, value, error) = match end {
            CallEnd::Finished(value) => ("finished", Some(value), None),
            CallEnd::Answered(error) => ("finished", None, Some(error)),
            CallEnd::Failed(error) => ("failed", None, Some(error)),
            CallEnd::Unknown => ("outcome-unknown", None, None),
        };
        let payload = Payload::of(operation, value.unwrap_or(&Value::Null))?;
        let client = self.client(operation).await?;
        let sql =
            "UPDATE block_calls SET status = $6, result_json = $7, result_packed = $8, error = $9, finished_at = now()
            WHERE run_id = $1 AND block = $2 AND iteration = $3 AND attempt = $4 AND call = $5 AND status = 'started'";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let (error, iteration) = (error.map(Json), rounds(&key.place.iteration));
        let BlockPlace { block, attempt, .. } = key.place;
        let values: [&(dyn ToSql + Sync); 9] =
            [&key.run.0, block, &iteration, attempt, &key.call, &status, &payload.json, &payload.packed, &error];
        client.execute(&statement, &values).await.map(|_| ()).map_err(StoreError::of(operation))
    }
}

/// The columns of [`STANDING`].
fn standing(operation: &'static str, row: &Row) -> Result<JournalledCall, StoreError> {
    let error = row.get::<_, Option<Json<RunError>>>(3);
    Ok(match (row.get(0), error) {
        ("started", _) => JournalledCall::Started { at: row.get(4) },
        ("finished" | "failed", Some(error)) => JournalledCall::Failed(error.0),
        ("finished", None) => JournalledCall::Finished(Payload::read(operation, row.get(1), row.get(2))?),
        ("outcome-unknown", _) => JournalledCall::OutcomeUnknown,
        (word, _) => return Err(StoreError::bad_word(operation, word)),
    })
}
