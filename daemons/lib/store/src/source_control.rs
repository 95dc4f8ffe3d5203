//! Source Control: the repository with its sealed secret, and the work that people ask jobs-runner for.
//!
//! What documents there are on either side, and how they come from one to the other, is in [`crate::source_documents`].

use bulkhead_model::UserId;
use bulkhead_model::source_control::SourceControlConfig;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{Database, StoreError};

/// Jobs that are remembered.
const KEPT_JOBS: i64 = 200;

/// The repository, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceControl {
    /// What its secret is sealed to.
    pub id: Uuid,
    /// Where it is.
    pub config: SourceControlConfig,
    /// The commit at the end of the branch, as it was fetched last.
    pub head: Option<String>,
    /// When that was.
    pub fetched_at: Option<OffsetDateTime>,
}

/// What a person asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceControlJob {
    /// The id.
    pub id: Uuid,
    /// `fetch`, `pull`, `commit` or `branches`.
    pub kind: String,
    /// What exactly.
    pub request: Value,
    /// `waiting`, `running`, `done` or `failed`.
    pub status: String,
    /// The name of who asked.
    pub requested_by: Option<String>,
    /// When.
    pub requested_at: OffsetDateTime,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
    /// What it does at the moment.
    pub progress: String,
    /// What came of it.
    pub result: Option<Value>,
    /// Why it failed: a code and words.
    pub error: Option<(String, String)>,
}

/// A job that is to be done now.
#[derive(Clone, Debug)]
pub struct ClaimedJob {
    /// The id.
    pub id: Uuid,
    /// `fetch`, `pull`, `commit` or `branches`.
    pub kind: String,
    /// What exactly.
    pub request: Value,
    /// Who asked: id, name and address.
    pub by: Option<(UserId, String, String)>,
}

const JOB: &str = "j.id, j.kind, j.request, j.status, u.name, j.requested_at, j.finished_at, j.progress, j.result, j.error_code, j.error";

fn job(row: &Row) -> SourceControlJob {
    SourceControlJob {
        id: row.get(0),
        kind: row.get(1),
        request: row.get(2),
        status: row.get(3),
        requested_by: row.get(4),
        requested_at: row.get(5),
        finished_at: row.get(6),
        progress: row.get(7),
        result: row.get(8),
        error: row.get::<_, Option<String>>(9).zip(row.get(10)),
    }
}

fn connection(operation: &'static str, row: &Row) -> Result<SourceControl, StoreError> {
    let config = serde_json::from_value(row.get(1)).map_err(StoreError::damaged(operation))?;
    Ok(SourceControl { id: row.get(0), config, head: row.get(2), fetched_at: row.get(3) })
}

impl Database {
    /// The repository, if one is connected.
    pub async fn source_control(&self) -> Result<Option<SourceControl>, StoreError> {
        let operation = "read the connection to the repository";
        let client = self.client(operation).await?;
        let sql = "SELECT id, config, head, fetched_at FROM source_control";
        let row = client.query_opt(sql, &[]).await.map_err(StoreError::of(operation))?;
        row.map(|row| connection(operation, &row)).transpose()
    }

    /// Connects a repository in the place of the one before. What was known of another repository or branch is forgotten.
    pub async fn connect_source_control(
        &self,
        id: Uuid,
        config: &SourceControlConfig,
        sealed: Option<&str>,
    ) -> Result<(), StoreError> {
        let operation = "connect a repository";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let json = serde_json::to_value(config).map_err(StoreError::damaged(operation))?;
        let row =
            transaction.query_opt("SELECT id, config, head, fetched_at FROM source_control FOR UPDATE", &[]).await;
        let before = row.map_err(StoreError::of(operation))?.map(|row| connection(operation, &row)).transpose()?;
        let is_same = before.as_ref().is_some_and(|before| {
            before.config.branch == config.branch && before.config.remote().ok() == config.remote().ok()
        });
        // Removed and added again, since api may write a sealed secret and not read it: an upsert reads it.
        let written = match sealed {
            Some(sealed) => {
                let delete = "DELETE FROM source_control";
                transaction.execute(delete, &[]).await.map_err(StoreError::of(operation))?;
                let (head, fetched_at) =
                    before.filter(|_| is_same).map_or((None, None), |one| (one.head, one.fetched_at));
                let sql =
                    "INSERT INTO source_control (id, config, sealed, head, fetched_at) VALUES ($1, $2, $3, $4, $5)";
                let values: [&(dyn ToSql + Sync); 5] = [&id, &json, &sealed, &head, &fetched_at];
                transaction.execute(sql, &values).await
            }
            None => {
                let sql = "UPDATE source_control SET config = $2, updated_at = now() WHERE id = $1";
                transaction.execute(sql, &[&id, &json]).await
            }
        };
        if written.map_err(StoreError::of(operation))? == 0 {
            return Err(StoreError::Changed { operation });
        }
        if !is_same {
            let forget = "UPDATE source_control SET head = NULL, fetched_at = NULL";
            transaction.execute(forget, &[]).await.map_err(StoreError::of(operation))?;
            let forget = "DELETE FROM source_control_documents";
            transaction.execute(forget, &[]).await.map_err(StoreError::of(operation))?;
        }
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    /// Forgets the repository, its secret and what it has. Documents stay as they are.
    pub async fn disconnect_source_control(&self) -> Result<(), StoreError> {
        let operation = "disconnect the repository";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        transaction.execute("DELETE FROM source_control", &[]).await.map_err(StoreError::of(operation))?;
        transaction.execute("DELETE FROM source_control_documents", &[]).await.map_err(StoreError::of(operation))?;
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    /// Asks for work.
    pub async fn request_source_control_job(
        &self,
        kind: &str,
        request: &Value,
        by: Option<UserId>,
    ) -> Result<Uuid, StoreError> {
        let operation = "ask for work on the repository";
        let client = self.client(operation).await?;
        let id = Uuid::now_v7();
        let sql =
            "WITH asked AS (INSERT INTO source_control_jobs (id, kind, request, requested_by) VALUES ($1, $2, $3, $4))
            SELECT pg_notify('source_control_jobs', '')";
        let by = by.map(|user| user.0);
        let values: [&(dyn ToSql + Sync); 4] = [&id, &kind, &request, &by];
        client.query(sql, &values).await.map_err(StoreError::of(operation))?;
        Ok(id)
    }

    /// A job.
    pub async fn source_control_job(&self, id: Uuid) -> Result<SourceControlJob, StoreError> {
        let operation = "read work on the repository";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT {JOB} FROM source_control_jobs j LEFT JOIN users u ON u.id = j.requested_by WHERE j.id = $1"
        );
        let row = client.query_opt(&sql, &[&id]).await.map_err(StoreError::of(operation))?;
        row.as_ref().map(job).ok_or(StoreError::NotFound { operation })
    }

    /// The newest jobs.
    pub async fn source_control_jobs(&self, limit: i64) -> Result<Vec<SourceControlJob>, StoreError> {
        let operation = "list work on the repository";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT {JOB} FROM source_control_jobs j LEFT JOIN users u ON u.id = j.requested_by
            ORDER BY j.requested_at DESC LIMIT $1"
        );
        let rows = client.query(&sql, &[&limit]).await.map_err(StoreError::of(operation))?;
        Ok(rows.iter().map(job).collect())
    }
}

/// As jobs-runner does the work.
impl Database {
    /// Gives out again what somebody worked at who is gone, and forgets old jobs.
    pub async fn reopen_source_control_jobs(&self) -> Result<(), StoreError> {
        let operation = "look for unfinished work on the repository";
        let client = self.client(operation).await?;
        let sql = "UPDATE source_control_jobs SET status = 'waiting', progress = '' WHERE status = 'running'";
        client.execute(sql, &[]).await.map_err(StoreError::of(operation))?;
        let sql = "DELETE FROM source_control_jobs WHERE status IN ('done', 'failed')
            AND id NOT IN (SELECT id FROM source_control_jobs ORDER BY requested_at DESC LIMIT $1)";
        client.execute(sql, &[&KEPT_JOBS]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// The job that waits longest, which runs now.
    pub async fn claim_source_control_job(&self) -> Result<Option<ClaimedJob>, StoreError> {
        let operation = "claim work on the repository";
        let client = self.client(operation).await?;
        let sql = "UPDATE source_control_jobs j SET status = 'running' FROM
            (SELECT o.id, u.id AS user_id, u.name, u.email FROM source_control_jobs o LEFT JOIN users u ON u.id = o.requested_by
             WHERE o.status = 'waiting' ORDER BY o.requested_at LIMIT 1) n
            WHERE j.id = n.id RETURNING j.id, j.kind, j.request, n.user_id, n.name, n.email";
        let row = client.query_opt(sql, &[]).await.map_err(StoreError::of(operation))?;
        Ok(row.map(|row| ClaimedJob {
            id: row.get(0),
            kind: row.get(1),
            request: row.get(2),
            by: row.get::<_, Option<Uuid>>(3).map(|id| (UserId(id), row.get(4), row.get(5))),
        }))
    }

    /// The repository with its secret, sealed.
    pub async fn sealed_source_control(&self) -> Result<Option<(SourceControl, String)>, StoreError> {
        let operation = "read the connection to the repository";
        let client = self.client(operation).await?;
        let sql = "SELECT id, config, head, fetched_at, sealed FROM source_control";
        let row = client.query_opt(sql, &[]).await.map_err(StoreError::of(operation))?;
        row.map(|row| Ok((connection(operation, &row)?, row.get(4)))).transpose()
    }

    /// Says what a job does at the moment.
    pub async fn source_control_progress(&self, id: Uuid, progress: &str) -> Result<(), StoreError> {
        let operation = "tell how work on the repository goes";
        let client = self.client(operation).await?;
        let sql = "UPDATE source_control_jobs SET progress = $2 WHERE id = $1";
        client.execute(sql, &[&id, &progress]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// Stores how a job ended: what came of it, or a code and words.
    pub async fn finish_source_control_job(
        &self,
        id: Uuid,
        outcome: Result<&Value, (&str, &str, &Value)>,
    ) -> Result<(), StoreError> {
        let operation = "store how work on the repository ended";
        let client = self.client(operation).await?;
        let sql = "UPDATE source_control_jobs SET status = $2, result = $3, error_code = $4, error = $5, progress = '', finished_at = now()
            WHERE id = $1";
        let (status, result, code, error) = match outcome {
            Ok(result) => ("done", result, None, None),
            Err((code, error, result)) => ("failed", result, Some(code), Some(error)),
        };
        let values: [&(dyn ToSql + Sync); 5] = [&id, &status, result, &code, &error];
        client.execute(sql, &values).await.map(|_| ()).map_err(StoreError::of(operation))
    }
}
