//! Workflows: drafts, releases.

use std::sync::Arc;

use bulkhead_model::workflow::WorkflowDocument;
use bulkhead_model::{EnvironmentId, UserId, WorkflowId};
use deadpool_postgres::Transaction;
use uuid::Uuid;

use crate::access::ObjectKind;
pub use crate::documents::{Draft, Listed, Release};
use crate::documents::{NewDocument, Releasing, Tables, delete_in, release_in, restore_in};
use crate::schedules::put_schedules;
use crate::{Database, StoreError};

const TABLES: Tables =
    Tables { kind: ObjectKind::Workflow, table: "workflows", releases: "workflow_releases", key: "workflow_id" };

impl Database {
    /// The workflows that a person may see.
    pub async fn workflows(&self, user: UserId, is_admin: bool) -> Result<Vec<Listed>, StoreError> {
        self.list_documents(TABLES, user, is_admin).await
    }

    /// Creates a workflow; its creator becomes its administrator.
    pub async fn create_workflow(
        &self,
        slug: &str,
        document: &WorkflowDocument,
        creator: Option<UserId>,
    ) -> Result<WorkflowId, StoreError> {
        let id = WorkflowId::new();
        let new = NewDocument { id: id.0, slug, title: &document.title };
        self.create_document(TABLES, new, document, creator).await?;
        Ok(id)
    }

    /// The draft of a workflow.
    pub async fn workflow_draft(&self, id: WorkflowId) -> Result<Draft<WorkflowDocument>, StoreError> {
        self.draft(TABLES, id.0).await
    }

    /// Saves a draft that was read at `revision`; [`StoreError::Changed`] when somebody saved meanwhile.
    pub async fn save_workflow_draft(
        &self,
        id: WorkflowId,
        revision: i64,
        document: &WorkflowDocument,
    ) -> Result<i64, StoreError> {
        self.save_draft(TABLES, id.0, revision, &document.title, document).await
    }

    /// Makes the draft at `revision` the next released version, by whose schedules the clock goes from now on.
    pub async fn release_workflow(&self, id: WorkflowId, revision: i64, by: Option<UserId>) -> Result<i32, StoreError> {
        let operation = "release a workflow";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let version = release_in(&transaction, TABLES, id.0, Releasing { revision, by, notes: "" }).await?;
        use_schedules(&transaction, id, version).await?;
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(version)
    }

    /// All releases of a workflow, newest first.
    pub async fn workflow_releases(&self, id: WorkflowId) -> Result<Vec<Release>, StoreError> {
        self.releases(TABLES, id.0).await
    }

    /// Points users at an earlier version.
    pub async fn restore_workflow_release(&self, id: WorkflowId, version: i32) -> Result<(), StoreError> {
        let operation = "restore a release";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        restore_in(&transaction, TABLES, id.0, version).await?;
        use_schedules(&transaction, id, version).await?;
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    /// A released version.
    pub async fn workflow_release(&self, id: WorkflowId, version: i32) -> Result<Arc<WorkflowDocument>, StoreError> {
        if let Some(document) = self.releases.get(id, version) {
            return Ok(document);
        }
        let document = Arc::new(self.released_document(TABLES, id.0, version).await?);
        self.releases.keep(id, version, &document);
        Ok(document)
    }

    /// The version in use, if there is one.
    pub async fn workflow_released_version(&self, id: WorkflowId) -> Result<Option<i32>, StoreError> {
        self.released_version(TABLES, id.0).await
    }

    /// Deletes a workflow with its releases, grants and runs. Runs of others that wait for one of these are woken: they find it gone.
    pub async fn delete_workflow(&self, id: WorkflowId) -> Result<(), StoreError> {
        let operation = "delete a workflow";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let sql = "WITH waiting AS (
                SELECT DISTINCT p.id FROM runs c JOIN runs p ON p.id = c.parent_run
                WHERE c.workflow_id = $1 AND c.parent_waits AND c.finished_at IS NULL AND p.workflow_id <> $1 AND p.finished_at IS NULL),
            entries AS (INSERT INTO run_outbox (run_id, kind) SELECT id, 'wake' FROM waiting RETURNING run_id)
            SELECT pg_notify('run_outbox', run_id::text) FROM entries";
        transaction.query(sql, &[&id.0]).await.map_err(StoreError::of(operation))?;
        delete_in(&transaction, TABLES, id.0).await?;
        transaction.commit().await.map_err(StoreError::of(operation))
    }
}

/// Makes the schedules those of a version.
async fn use_schedules(transaction: &Transaction<'_>, id: WorkflowId, version: i32) -> Result<(), StoreError> {
    let operation = "read a release";
    let sql = "SELECT document FROM workflow_releases WHERE workflow_id = $1 AND version = $2";
    let row = transaction.query_one(sql, &[&id.0, &version]).await.map_err(StoreError::of(operation))?;
    let document: WorkflowDocument = serde_json::from_value(row.get(0)).map_err(StoreError::damaged(operation))?;
    put_schedules(transaction, id.0, version, &document).await
}

/// A workflow that a webhook's key opens.
#[derive(Clone, Copy, Debug)]
pub struct WebhookTarget {
    /// The workflow.
    pub workflow: WorkflowId,
    /// Its released version, if any.
    pub released_version: Option<i32>,
    /// The environment that is meant where the trigger names none.
    pub default_environment: Option<EnvironmentId>,
}

impl Database {
    /// Gives a webhook trigger a new key; the old one dies.
    pub async fn set_webhook_key(&self, id: WorkflowId, trigger: &str, key_hash: &[u8]) -> Result<(), StoreError> {
        let operation = "store a webhook's key";
        let client = self.client(operation).await?;
        let sql = "INSERT INTO webhook_keys (workflow_id, trigger, key_hash) VALUES ($1, $2, $3)
            ON CONFLICT (workflow_id, trigger) DO UPDATE SET key_hash = excluded.key_hash, created_at = now()";
        client.execute(sql, &[&id.0, &trigger, &key_hash]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// The workflow whose trigger has this key. Looking up by a hash of the key leaks nothing of it by its timing.
    pub async fn webhook_target(
        &self,
        slug: &str,
        trigger: &str,
        key_hash: &[u8],
    ) -> Result<Option<WebhookTarget>, StoreError> {
        let operation = "look up a webhook";
        let client = self.client(operation).await?;
        let sql = "SELECT w.id, w.released_version, (SELECT e.id FROM environments e WHERE e.is_default)
            FROM workflows w JOIN webhook_keys k ON k.workflow_id = w.id
            WHERE w.slug = $1 AND k.trigger = $2 AND k.key_hash = $3";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let row =
            client.query_opt(&statement, &[&slug, &trigger, &key_hash]).await.map_err(StoreError::of(operation))?;
        Ok(row.map(|row| WebhookTarget {
            workflow: WorkflowId(row.get(0)),
            released_version: row.get(1),
            default_environment: row.get::<_, Option<Uuid>>(2).map(EnvironmentId),
        }))
    }
}
