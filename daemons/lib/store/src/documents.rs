//! Drafts and releases: what apps and workflows have in common.

use bulkhead_model::{Role, UserId};
use deadpool_postgres::Transaction;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::access::{ObjectKind, role};
use crate::sharing::delete_grants;
use crate::{Database, StoreError};

/// A line of a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The id.
    pub id: Uuid,
    /// The slug.
    pub slug: String,
    /// The title.
    pub title: String,
    /// What the person may do.
    pub role: Role,
    /// The version that viewers and triggers use.
    pub released_version: Option<i32>,
    /// When the draft changed last.
    pub updated_at: OffsetDateTime,
    /// The path of its folder; empty for the top.
    pub folder: String,
}

/// A draft with its revision.
#[derive(Clone, Debug)]
pub struct Draft<T> {
    /// The document.
    pub document: T,
    /// Counts the saves.
    pub revision: i64,
    /// The version that viewers and triggers use.
    pub released_version: Option<i32>,
}

/// A released version.
#[derive(Clone, Debug)]
pub struct Release {
    /// Counts from 1.
    pub version: i32,
    /// Who released it.
    pub released_by: Option<String>,
    /// When.
    pub released_at: OffsetDateTime,
    /// What it changes, in the words of who released it.
    pub notes: String,
}

/// What is released, by whom, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Releasing<'a> {
    /// The draft's revision.
    pub(crate) revision: i64,
    pub(crate) by: Option<UserId>,
    pub(crate) notes: &'a str,
}

/// What a new document is called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewDocument<'a> {
    pub(crate) id: Uuid,
    pub(crate) slug: &'a str,
    pub(crate) title: &'a str,
}

/// The tables of one kind of document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tables {
    pub(crate) kind: ObjectKind,
    pub(crate) table: &'static str,
    pub(crate) releases: &'static str,
    pub(crate) key: &'static str,
}

/// What a list of documents says of each, and where it stands as `l`: `$1` is the person, `$2` whether they are an administrator. Whoever
/// lists leaves out those without a role.
pub(crate) fn list(tables: Tables) -> String {
    format!(
        "l.id, l.slug, l.title, l.role, l.released_version, l.updated_at, coalesce(lf.path, '')
         FROM (SELECT o.*, {} AS role FROM {} o OFFSET 0) l LEFT JOIN folders lf ON lf.id = l.folder_id",
        tables.kind.effective_role("$2::boolean", "$1::uuid"),
        tables.table
    )
}

/// Reads the columns of [`list`].
pub(crate) fn listed(operation: &'static str, row: &Row) -> Result<Listed, StoreError> {
    Ok(Listed {
        id: row.get(0),
        slug: row.get(1),
        title: row.get(2),
        role: role(operation, row.get(3))?,
        released_version: row.get(4),
        updated_at: row.get(5),
        folder: row.get(6),
    })
}

impl Database {
    pub(crate) async fn list_documents(
        &self,
        tables: Tables,
        user: UserId,
        is_admin: bool,
    ) -> Result<Vec<Listed>, StoreError> {
        let operation = "list documents";
        let client = self.client(operation).await?;
        let sql =
            format!("SELECT {} WHERE l.role IS NOT NULL ORDER BY lower(l.title), l.slug LIMIT 5000", list(tables));
        let rows = client.query(&sql, &[&user.0, &is_admin]).await.map_err(StoreError::of(operation))?;
        rows.iter().map(|row| listed(operation, row)).collect()
    }

    /// Creates a document and makes its creator the administrator of it.
    pub(crate) async fn create_document<T: Serialize>(
        &self,
        tables: Tables,
        NewDocument { id, slug, title }: NewDocument<'_>,
        document: &T,
        creator: Option<UserId>,
    ) -> Result<(), StoreError> {
        let operation = "create a document";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let json = serde_json::to_value(document).map_err(StoreError::damaged(operation))?;
        let sql = format!("INSERT INTO {} (id, slug, title, draft) VALUES ($1, $2, $3, $4)", tables.table);
        transaction.execute(&sql, &[&id, &slug, &title, &json]).await.map_err(StoreError::of(operation))?;
        if let Some(creator) = creator {
            let grant = "INSERT INTO grants (object_kind, object_id, user_id, role) VALUES ($1, $2, $3, 'admin')";
            transaction
                .execute(grant, &[&tables.kind.as_str(), &id, &creator.0])
                .await
                .map_err(StoreError::of(operation))?;
        }
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    pub(crate) async fn draft<T: DeserializeOwned>(&self, tables: Tables, id: Uuid) -> Result<Draft<T>, StoreError> {
        let operation = "read a draft";
        let client = self.client(operation).await?;
        let sql = format!("SELECT draft, draft_revision, released_version FROM {} WHERE id = $1", tables.table);
        let row = client.query_opt(&sql, &[&id]).await.map_err(StoreError::of(operation))?;
        let row = row.ok_or(StoreError::NotFound { operation })?;
        let document = serde_json::from_value(row.get::<_, Value>(0)).map_err(StoreError::damaged(operation))?;
        Ok(Draft { document, revision: row.get(1), released_version: row.get(2) })
    }

    /// Saves a draft that was read at `revision`; [`StoreError::Changed`] when somebody saved meanwhile.
    pub(crate) async fn save_draft<T: Serialize>(
        &self,
        tables: Tables,
        id: Uuid,
        revision: i64,
        title: &str,
        document: &T,
    ) -> Result<i64, StoreError> {
        let operation = "save a draft";
        let client = self.client(operation).await?;
        let json = serde_json::to_value(document).map_err(StoreError::damaged(operation))?;
        let sql = format!(
            "UPDATE {} SET draft = $3, title = $4, draft_revision = draft_revision + 1, updated_at = now()
             WHERE id = $1 AND draft_revision = $2 RETURNING draft_revision",
            tables.table
        );
        let row = client.query_opt(&sql, &[&id, &revision, &json, &title]).await.map_err(StoreError::of(operation))?;
        row.map(|row| row.get(0)).ok_or(StoreError::Changed { operation })
    }

    /// Makes the draft at `revision` the next released version.
    pub(crate) async fn release(&self, tables: Tables, id: Uuid, releasing: Releasing<'_>) -> Result<i32, StoreError> {
        let operation = "release";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let version = release_in(&transaction, tables, id, releasing).await?;
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(version)
    }

    pub(crate) async fn releases(&self, tables: Tables, id: Uuid) -> Result<Vec<Release>, StoreError> {
        let operation = "list releases";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT r.version, u.name, r.released_at, r.notes FROM {} r LEFT JOIN users u ON u.id = r.released_by
             WHERE r.{} = $1 ORDER BY r.version DESC LIMIT 1000",
            tables.releases, tables.key
        );
        let rows = client.query(&sql, &[&id]).await.map_err(StoreError::of(operation))?;
        Ok(rows
            .iter()
            .map(|row| Release {
                version: row.get(0),
                released_by: row.get(1),
                released_at: row.get(2),
                notes: row.get(3),
            })
            .collect())
    }

    /// Points viewers and triggers at an earlier version.
    pub(crate) async fn restore_release(&self, tables: Tables, id: Uuid, version: i32) -> Result<(), StoreError> {
        let operation = "restore a release";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        restore_in(&transaction, tables, id, version).await?;
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    pub(crate) async fn released_document<T: DeserializeOwned>(
        &self,
        tables: Tables,
        id: Uuid,
        version: i32,
    ) -> Result<T, StoreError> {
        let operation = "read a release";
        let client = self.client(operation).await?;
        let sql = format!("SELECT document FROM {} WHERE {} = $1 AND version = $2", tables.releases, tables.key);
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&id, &version]).await.map_err(StoreError::of(operation))?;
        let row = row.ok_or(StoreError::NotFound { operation })?;
        serde_json::from_value(row.get::<_, Value>(0)).map_err(StoreError::damaged(operation))
    }

    /// The version that viewers and triggers use now.
    pub(crate) async fn released_version(&self, tables: Tables, id: Uuid) -> Result<Option<i32>, StoreError> {
        let operation = "read the released version";
        let client = self.client(operation).await?;
        let sql = format!("SELECT released_version FROM {} WHERE id = $1", tables.table);
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&id]).await.map_err(StoreError::of(operation))?;
        Ok(row.ok_or(StoreError::NotFound { operation })?.get(0))
    }

    /// Deletes a document with all that belongs to it.
    pub(crate) async fn delete_document(&self, tables: Tables, id: Uuid) -> Result<(), StoreError> {
        let operation = "delete a document";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        delete_in(&transaction, tables, id).await?;
        transaction.commit().await.map_err(StoreError::of(operation))
    }
}

/// Deletes a document with all that belongs to it as a part of more.
pub(crate) async fn delete_in(transaction: &Transaction<'_>, tables: Tables, id: Uuid) -> Result<(), StoreError> {
    let operation = "delete a document";
    delete_grants(transaction, tables.kind, id).await?;
    let sql = format!("DELETE FROM {} WHERE id = $1", tables.table);
    transaction.execute(&sql, &[&id]).await.map(|_| ()).map_err(StoreError::of(operation))
}

/// Releases the draft at `revision` as a part of more.
pub(crate) async fn release_in(
    transaction: &Transaction<'_>,
    tables: Tables,
    id: Uuid,
    Releasing { revision, by, notes }: Releasing<'_>,
) -> Result<i32, StoreError> {
    let operation = "release";
    let Tables { table, releases, key, .. } = tables;
    // The row's lock makes two releases at once come one after the other.
    let lock = format!("SELECT draft_revision FROM {table} WHERE id = $1 FOR UPDATE");
    let row = transaction.query_opt(&lock, &[&id]).await.map_err(StoreError::of(operation))?;
    let current: i64 = row.ok_or(StoreError::NotFound { operation })?.get(0);
    if current != revision {
        return Err(StoreError::Changed { operation });
    }
    let insert = format!(
        "INSERT INTO {releases} ({key}, version, document, released_by, notes)
         SELECT id, 1 + coalesce((SELECT max(version) FROM {releases} WHERE {key} = $1), 0), draft, $2, $3 FROM {table} WHERE id = $1
         RETURNING version"
    );
    let row = transaction
        .query_one(&insert, &[&id, &by.map(|user| user.0), &notes])
        .await
        .map_err(StoreError::of(operation))?;
    let version: i32 = row.get(0);
    let point = format!("UPDATE {table} SET released_version = $2 WHERE id = $1");
    transaction.execute(&point, &[&id, &version]).await.map_err(StoreError::of(operation))?;
    Ok(version)
}

/// Puts an earlier version in use as a part of more.
pub(crate) async fn restore_in(
    transaction: &Transaction<'_>,
    tables: Tables,
    id: Uuid,
    version: i32,
) -> Result<(), StoreError> {
    let operation = "restore a release";
    let sql = format!(
        "UPDATE {0} SET released_version = $2 WHERE id = $1 AND EXISTS (SELECT FROM {1} WHERE {2} = $1 AND version = $2)",
        tables.table, tables.releases, tables.key
    );
    match transaction.execute(&sql, &[&id, &version]).await.map_err(StoreError::of(operation))? {
        0 => Err(StoreError::NotFound { operation }),
        _ => Ok(()),
    }
}
