//! The query library: drafts, releases, and who refers to which query.

use bulkhead_model::library_query::LibraryQuery;
use bulkhead_model::{LibraryQueryId, UserId};
use serde_json::Value;
use tokio_postgres::types::Json;

use crate::access::ObjectKind;
pub use crate::documents::{Draft, Listed, Release};
use crate::documents::{NewDocument, Releasing, Tables};
use crate::{Database, StoreError};

const TABLES: Tables =
    Tables { kind: ObjectKind::Query, table: "library_queries", releases: "library_query_releases", key: "query_id" };

/// A released version of a query of the library.
#[derive(Clone, Debug)]
pub struct LibraryRelease {
    /// The query.
    pub id: LibraryQueryId,
    /// The version.
    pub version: i32,
    /// What was released.
    pub document: LibraryQuery,
}

/// A document that refers to a query of the library.
#[derive(Clone, Debug)]
pub struct LibraryUser {
    /// An app or a workflow.
    pub kind: ObjectKind,
    /// Its slug.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Whether it is the released version; else it is the draft.
    pub is_released: bool,
    /// The document.
    pub document: Value,
}

impl Database {
    /// The queries that a person may see.
    pub async fn library_queries(&self, user: UserId, is_admin: bool) -> Result<Vec<Listed>, StoreError> {
        self.list_documents(TABLES, user, is_admin).await
    }

    /// What is released of each query, by its slug; the draft of one that was never released.
    pub async fn library_documents(&self) -> Result<Vec<(String, LibraryQuery)>, StoreError> {
        let operation = "read the query library";
        let client = self.client(operation).await?;
        let sql = "SELECT q.slug, coalesce(d.document, q.draft) FROM library_queries q
            LEFT JOIN library_query_releases d ON d.query_id = q.id AND d.version = q.released_version ORDER BY q.slug LIMIT 5000";
        let rows = client.query(sql, &[]).await.map_err(StoreError::of(operation))?;
        rows.iter()
            .map(|row| {
                let document = serde_json::from_value(row.get(1)).map_err(StoreError::damaged(operation))?;
                Ok((row.get(0), document))
            })
            .collect()
    }

    /// Creates a query; its creator becomes its administrator.
    pub async fn create_library_query(
        &self,
        slug: &str,
        document: &LibraryQuery,
        creator: Option<UserId>,
    ) -> Result<LibraryQueryId, StoreError> {
        let id = LibraryQueryId::new();
        let new = NewDocument { id: id.0, slug, title: &document.title };
        self.create_document(TABLES, new, document, creator).await?;
        Ok(id)
    }

    /// The draft of a query.
    pub async fn library_draft(&self, id: LibraryQueryId) -> Result<Draft<LibraryQuery>, StoreError> {
        self.draft(TABLES, id.0).await
    }

    /// Saves a draft that was read at `revision`; [`StoreError::Changed`] when somebody saved meanwhile.
    pub async fn save_library_draft(
        &self,
        id: LibraryQueryId,
        revision: i64,
        document: &LibraryQuery,
    ) -> Result<i64, StoreError> {
        self.save_draft(TABLES, id.0, revision, &document.title, document).await
    }

    /// Makes the draft at `revision` the latest release.
    pub async fn release_library_query(
        &self,
        id: LibraryQueryId,
        revision: i64,
        by: Option<UserId>,
    ) -> Result<i32, StoreError> {
        self.release(TABLES, id.0, Releasing { revision, by, notes: "" }).await
    }

    /// All releases of a query, newest first.
    pub async fn library_releases(&self, id: LibraryQueryId) -> Result<Vec<Release>, StoreError> {
        self.releases(TABLES, id.0).await
    }

    /// Makes an earlier version the latest release again.
    pub async fn restore_library_release(&self, id: LibraryQueryId, version: i32) -> Result<(), StoreError> {
        self.restore_release(TABLES, id.0, version).await
    }

    /// A released version.
    pub async fn library_document(&self, id: LibraryQueryId, version: i32) -> Result<LibraryQuery, StoreError> {
        self.released_document(TABLES, id.0, version).await
    }

    /// The version that `latest` means, if there is one.
    pub async fn library_released_version(&self, id: LibraryQueryId) -> Result<Option<i32>, StoreError> {
        self.released_version(TABLES, id.0).await
    }

    /// Deletes a query with its releases and grants.
    pub async fn delete_library_query(&self, id: LibraryQueryId) -> Result<(), StoreError> {
        self.delete_document(TABLES, id.0).await
    }

    /// The release that a reference means: of this version, or the latest one.
    pub async fn library_release(
        &self,
        slug: &str,
        version: Option<i32>,
    ) -> Result<Option<LibraryRelease>, StoreError> {
        let operation = "look up a query of the library";
        let client = self.client(operation).await?;
        let sql = "SELECT q.id, d.version, d.document FROM library_queries q
            JOIN library_query_releases d ON d.query_id = q.id AND d.version = coalesce($2, q.released_version) WHERE q.slug = $1";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&slug, &version]).await.map_err(StoreError::of(operation))?;
        row.map(|row| {
            let document = serde_json::from_value(row.get(2)).map_err(StoreError::damaged(operation))?;
            Ok(LibraryRelease { id: LibraryQueryId(row.get(0)), version: row.get(1), document })
        })
        .transpose()
    }

    /// The drafts and the versions in use of apps and workflows that refer to a query, at most 2,000.
    pub async fn library_users(&self, slug: &str) -> Result<Vec<LibraryUser>, StoreError> {
        let operation = "find where a query is used";
        let client = self.client(operation).await?;
        let of = |kind: ObjectKind, table: &str, releases: &str, key: &str| {
            let kind = kind.as_str();
            format!(
                "SELECT '{kind}' AS kind, o.slug, o.title, false AS is_released, o.draft AS document FROM {table} o
                UNION ALL SELECT '{kind}', o.slug, o.title, true, v.document FROM {table} o
                JOIN {releases} v ON v.{key} = o.id AND v.version = o.released_version"
            )
        };
        let sql = format!(
            "SELECT kind, slug, title, is_released, document FROM ({} UNION ALL {}) known
            WHERE jsonb_path_exists(document::jsonb, '$.**.library.query ? (@ == $name)', jsonb_build_object('name', $1::text))
            ORDER BY title, slug, is_released LIMIT 2000",
            of(ObjectKind::App, "apps", "app_releases", "app_id"),
            of(ObjectKind::Workflow, "workflows", "workflow_releases", "workflow_id"),
        );
        let rows = client.query(&sql, &[&slug]).await.map_err(StoreError::of(operation))?;
        Ok(rows
            .iter()
            .map(|row| LibraryUser {
                kind: if row.get::<_, &str>(0) == "app" { ObjectKind::App } else { ObjectKind::Workflow },
                slug: row.get(1),
                title: row.get(2),
                is_released: row.get(3),
                document: row.get::<_, Json<Value>>(4).0,
            })
            .collect())
    }
}
