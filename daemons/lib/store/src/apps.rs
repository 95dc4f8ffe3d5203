//! Apps: drafts, releases.

use bulkhead_model::app::AppDocument;
use bulkhead_model::{AppId, UserId};

use crate::access::ObjectKind;
pub use crate::documents::{Draft, Listed, Release};
use crate::documents::{NewDocument, Releasing, Tables};
use crate::{Database, StoreError};

pub(crate) const TABLES: Tables =
    Tables { kind: ObjectKind::App, table: "apps", releases: "app_releases", key: "app_id" };

/// What an app is marked as, beside what its document says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppMarks {
    /// It is a module, which stands in other apps.
    pub is_module: bool,
    /// Its draft changes by pulls of Source Control alone.
    pub is_protected: bool,
}

impl Database {
    /// Creates a app; its creator becomes its administrator.
    pub async fn create_app(
        &self,
        slug: &str,
        document: &AppDocument,
        creator: Option<UserId>,
    ) -> Result<AppId, StoreError> {
        let id = AppId::new();
        let new = NewDocument { id: id.0, slug, title: &document.title };
        self.create_document(TABLES, new, document, creator).await?;
        Ok(id)
    }

    /// The draft of a app.
    pub async fn app_draft(&self, id: AppId) -> Result<Draft<AppDocument>, StoreError> {
        self.draft(TABLES, id.0).await
    }

    /// Saves a draft that was read at `revision`; [`StoreError::Changed`] when somebody saved meanwhile.
    pub async fn save_app_draft(&self, id: AppId, revision: i64, document: &AppDocument) -> Result<i64, StoreError> {
        self.save_draft(TABLES, id.0, revision, &document.title, document).await
    }

    /// Makes the draft at `revision` the next released version, with a word on what it changes.
    pub async fn release_app(
        &self,
        id: AppId,
        revision: i64,
        by: Option<UserId>,
        notes: &str,
    ) -> Result<i32, StoreError> {
        self.release(TABLES, id.0, Releasing { revision, by, notes }).await
    }

    /// All releases of a app, newest first.
    pub async fn app_releases(&self, id: AppId) -> Result<Vec<Release>, StoreError> {
        self.releases(TABLES, id.0).await
    }

    /// Points users at an earlier version.
    pub async fn restore_app_release(&self, id: AppId, version: i32) -> Result<(), StoreError> {
        self.restore_release(TABLES, id.0, version).await
    }

    /// A released version. It never changes, so it may be cached.
    pub async fn app_release(&self, id: AppId, version: i32) -> Result<AppDocument, StoreError> {
        self.released_document(TABLES, id.0, version).await
    }

    /// The version in use, if there is one.
    pub async fn app_released_version(&self, id: AppId) -> Result<Option<i32>, StoreError> {
        self.released_version(TABLES, id.0).await
    }

    /// What it is marked as.
    pub async fn app_marks(&self, id: AppId) -> Result<AppMarks, StoreError> {
        let operation = "read what an app is marked as";
        let client = self.client(operation).await?;
        let row = client.query_opt("SELECT is_module, is_protected FROM apps WHERE id = $1", &[&id.0]).await;
        let row = row.map_err(StoreError::of(operation))?.ok_or(StoreError::NotFound { operation })?;
        Ok(AppMarks { is_module: row.get(0), is_protected: row.get(1) })
    }

    /// Deletes a app with its releases and grants.
    pub async fn delete_app(&self, id: AppId) -> Result<(), StoreError> {
        self.delete_document(TABLES, id.0).await
    }
}
