//! The audit trail: append-only; a record is durable before the action is answered.

use bulkhead_model::UserId;
use deadpool_postgres::GenericClient;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{Database, StoreError};

/// What happened.
#[derive(Clone, Debug)]
pub struct AuditRecord {
    /// The person, unless it was the system or a webhook.
    pub user: Option<UserId>,
    /// Their address, `root` or `webhook`.
    pub actor: String,
    /// `app.query.run`, `user.login`, ...
    pub action: &'static str,
    /// The kind and id of the thing that it was done to.
    pub object: Option<(&'static str, Uuid)>,
    /// Names and counts; never values or secrets.
    pub detail: Value,
    /// The request.
    pub request_id: String,
    /// Where it came from.
    pub address: Option<String>,
}

/// A stored record.
#[derive(Clone, Debug)]
pub struct StoredAuditRecord {
    /// Grows with time.
    pub id: i64,
    /// When, UTC.
    pub at: OffsetDateTime,
    /// The actor.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what kind of thing.
    pub object_kind: Option<String>,
    /// To which.
    pub object_id: Option<Uuid>,
    /// More about it.
    pub detail: Value,
    /// Where it came from.
    pub address: Option<String>,
}

impl Database {
    /// Writes records, all in one commit.
    pub async fn append_audit(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        let client = self.client(WRITE).await?;
        append_in(&client, records).await
    }

    /// The newest records before `before`.
    pub async fn audit_records(&self, before: Option<i64>, limit: i64) -> Result<Vec<StoredAuditRecord>, StoreError> {
        let operation = "read the audit trail";
        let client = self.client(operation).await?;
        let sql = "SELECT id, at, actor, action, object_kind, object_id, detail, address FROM audit_log
            WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2";
        let rows = client.query(sql, &[&before, &limit]).await.map_err(StoreError::of(operation))?;
        let record = |row: &tokio_postgres::Row| StoredAuditRecord {
            id: row.get(0),
            at: row.get(1),
            actor: row.get(2),
            action: row.get(3),
            object_kind: row.get(4),
            object_id: row.get(5),
            detail: row.get(6),
            address: row.get(7),
        };
        Ok(rows.iter().map(record).collect())
    }
}

const WRITE: &str = "write the audit trail";

/// Writes records as a part of more.
pub(crate) async fn append_in(client: &impl GenericClient, records: &[AuditRecord]) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit_log (user_id, actor, action, object_kind, object_id, detail, request_id, address)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::json[], $7::text[], $8::text[])";
    let statement = client.prepare_cached(sql).await.map_err(StoreError::of(WRITE))?;
    let users: Vec<Option<Uuid>> = records.iter().map(|record| record.user.map(|user| user.0)).collect();
    let actors: Vec<&str> = records.iter().map(|record| record.actor.as_str()).collect();
    let actions: Vec<&str> = records.iter().map(|record| record.action).collect();
    let (kinds, ids): (Vec<Option<&str>>, Vec<Option<Uuid>>) =
        records.iter().map(|record| record.object.unzip()).unzip();
    let details: Vec<&Value> = records.iter().map(|record| &record.detail).collect();
    let requests: Vec<&str> = records.iter().map(|record| record.request_id.as_str()).collect();
    let addresses: Vec<Option<&str>> = records.iter().map(|record| record.address.as_deref()).collect();
    let values: [&(dyn ToSql + Sync); 8] = [&users, &actors, &actions, &kinds, &ids, &details, &requests, &addresses];
    client.execute(&statement, &values).await.map(|_| ()).map_err(StoreError::of(WRITE))
}
