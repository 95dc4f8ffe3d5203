//! Secrets that code may use: sealed to workflows-backend, granted to workflows.
//!
//! api may write a sealed value and not even read it back sealed: its role has no right to select that column.

use std::collections::BTreeMap;

use bulkhead_model::run::RunStatus;
use bulkhead_model::{RunId, UserId, WorkflowId};
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Database, StoreError};

/// A secret, without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// The id, which its value is sealed to.
    pub id: Uuid,
    /// The name that code uses.
    pub name: String,
    /// The workflows whose code may use it.
    pub workflows: Vec<GrantedWorkflow>,
    /// When its value was set last.
    pub updated_at: OffsetDateTime,
    /// Who set it, unless that was root on the machine.
    pub updated_by: Option<String>,
}

/// A workflow whose code may use a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedWorkflow {
    /// Its name in addresses.
    pub slug: String,
    /// Its title.
    pub title: String,
}

/// What code asks for when it asks for a secret, and whether it may have it.
#[derive(Clone, Debug)]
pub struct SecretUse {
    /// The workflow that the code belongs to.
    pub workflow: WorkflowId,
    /// Its name in addresses.
    pub slug: String,
    /// Where the run stands, if it is one.
    pub status: Option<RunStatus>,
    /// The secret's id and sealed value; nothing where the workflow has no grant, or no secret has this name.
    pub sealed: Option<(Uuid, String)>,
}

/// The grant of secret `$2` to workflow `w`, if there is one.
const GRANTED: &str =
    "LEFT JOIN (secrets s JOIN secret_grants g ON g.secret_id = s.id AND s.name = $2) ON g.workflow_id = w.id";

impl Database {
    /// All secrets, by name.
    pub async fn secrets(&self) -> Result<Vec<Secret>, StoreError> {
        let operation = "list secrets";
        let client = self.client(operation).await?;
        let sql = "SELECT s.id, s.name, s.updated_at, u.name FROM secrets s LEFT JOIN users u ON u.id = s.updated_by ORDER BY s.name";
        let rows = client.query(sql, &[]).await.map_err(StoreError::of(operation))?;
        let mut secrets: Vec<Secret> = rows.iter().map(secret).collect();
        let sql = "SELECT g.secret_id, w.slug, w.title FROM secret_grants g JOIN workflows w ON w.id = g.workflow_id
            ORDER BY lower(w.title), w.slug";
        let mut granted: BTreeMap<Uuid, Vec<GrantedWorkflow>> = BTreeMap::new();
        for row in client.query(sql, &[]).await.map_err(StoreError::of(operation))? {
            let workflow = GrantedWorkflow { slug: row.get(1), title: row.get(2) };
            granted.entry(row.get(0)).or_default().push(workflow);
        }
        for secret in &mut secrets {
            secret.workflows = granted.remove(&secret.id).unwrap_or_default();
        }
        Ok(secrets)
    }

    /// A secret by its name.
    pub async fn secret(&self, name: &str) -> Result<Secret, StoreError> {
        let operation = "read a secret";
        let client = self.client(operation).await?;
        let sql = "SELECT s.id, s.name, s.updated_at, u.name FROM secrets s LEFT JOIN users u ON u.id = s.updated_by WHERE s.name = $1";
        let row = client.query_opt(sql, &[&name]).await.map_err(StoreError::of(operation))?;
        let mut secret = secret(&row.ok_or(StoreError::NotFound { operation })?);
        let sql = "SELECT w.slug, w.title FROM secret_grants g JOIN workflows w ON w.id = g.workflow_id
            WHERE g.secret_id = $1 ORDER BY lower(w.title), w.slug";
        let rows = client.query(sql, &[&secret.id]).await.map_err(StoreError::of(operation))?;
        secret.workflows = rows.iter().map(|row| GrantedWorkflow { slug: row.get(0), title: row.get(1) }).collect();
        Ok(secret)
    }

    /// Adds a secret under an id that its value is already sealed to, with its grants.
    pub async fn create_secret(
        &self,
        id: Uuid,
        name: &str,
        sealed: &str,
        workflows: &[WorkflowId],
        by: Option<UserId>,
    ) -> Result<(), StoreError> {
        let operation = "add a secret";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let sql = "INSERT INTO secrets (id, name, sealed, updated_by) VALUES ($1, $2, $3, $4)";
        let by = by.map(|user| user.0);
        transaction.execute(sql, &[&id, &name, &sealed, &by]).await.map_err(StoreError::of(operation))?;
        grant(operation, &transaction, id, workflows).await?;
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    /// Replaces the value of a secret.
    pub async fn replace_secret(&self, id: Uuid, sealed: &str, by: Option<UserId>) -> Result<(), StoreError> {
        let operation = "replace a secret";
        let client = self.client(operation).await?;
        let sql = "UPDATE secrets SET sealed = $2, updated_by = $3, updated_at = now() WHERE id = $1";
        match client.execute(sql, &[&id, &sealed, &by.map(|user| user.0)]).await.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::NotFound { operation }),
            _ => Ok(()),
        }
    }

    /// Deletes a secret with its grants.
    pub async fn delete_secret(&self, id: Uuid) -> Result<(), StoreError> {
        let operation = "delete a secret";
        let client = self.client(operation).await?;
        let deleted = client.execute("DELETE FROM secrets WHERE id = $1", &[&id]).await;
        match deleted.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::NotFound { operation }),
            _ => Ok(()),
        }
    }

    /// Grants a secret to these workflows and to no others.
    pub async fn set_secret_grants(&self, id: Uuid, workflows: &[WorkflowId]) -> Result<(), StoreError> {
        let operation = "grant a secret";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let ids: Vec<Uuid> = workflows.iter().map(|workflow| workflow.0).collect();
        let sql = "DELETE FROM secret_grants WHERE secret_id = $1 AND NOT workflow_id = ANY($2)";
        transaction.execute(sql, &[&id, &ids]).await.map_err(StoreError::of(operation))?;
        grant(operation, &transaction, id, workflows).await?;
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    /// A secret as the code of a run asks for it.
    pub async fn secret_for_run(&self, run: RunId, name: &str) -> Result<SecretUse, StoreError> {
        let operation = "look up a secret";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT w.id, w.slug, s.id, s.sealed, r.status FROM runs r JOIN workflows w ON w.id = r.workflow_id {GRANTED} WHERE r.id = $1"
        );
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&run.0, &name]).await.map_err(StoreError::of(operation))?;
        let row = row.ok_or(StoreError::NotFound { operation })?;
        let status: &str = row.get(4);
        let status = status.parse().map_err(|()| StoreError::bad_word(operation, status))?;
        Ok(SecretUse { status: Some(status), ..secret_use(&row) })
    }

    /// A secret as a workflow has it, without a run: for code of its draft, and for the signatures of its webhooks.
    pub async fn secret_of_workflow(&self, workflow: WorkflowId, name: &str) -> Result<SecretUse, StoreError> {
        let operation = "look up a secret";
        let client = self.client(operation).await?;
        let sql = format!("SELECT w.id, w.slug, s.id, s.sealed FROM workflows w {GRANTED} WHERE w.id = $1");
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&workflow.0, &name]).await.map_err(StoreError::of(operation))?;
        row.as_ref().map(secret_use).ok_or(StoreError::NotFound { operation })
    }
}

fn secret(row: &Row) -> Secret {
    Secret { id: row.get(0), name: row.get(1), workflows: Vec::new(), updated_at: row.get(2), updated_by: row.get(3) }
}

fn secret_use(row: &Row) -> SecretUse {
    let sealed = row.get::<_, Option<Uuid>>(2).zip(row.get::<_, Option<String>>(3));
    SecretUse { workflow: WorkflowId(row.get(0)), slug: row.get(1), status: None, sealed }
}

async fn grant(
    operation: &'static str,
    transaction: &deadpool_postgres::Transaction<'_>,
    secret: Uuid,
    workflows: &[WorkflowId],
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = workflows.iter().map(|workflow| workflow.0).collect();
    let sql = "INSERT INTO secret_grants (secret_id, workflow_id) SELECT $1, unnest($2::uuid[]) ON CONFLICT DO NOTHING";
    transaction.execute(sql, &[&secret, &ids]).await.map(|_| ()).map_err(StoreError::of(operation))
}
