//! Folders: a tree that holds apps, workflows, resources and queries of the library. What is inside takes over the folder's roles.

use bulkhead_model::{FolderId, Role, UserId};
use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::access::{ObjectKind, role};
use crate::sharing::delete_grants;
use crate::{Database, StoreError};

/// Folders of one instance at most.
pub const MAX_FOLDERS: i64 = 2000;
/// Folders in each other.
pub const MAX_DEPTH: usize = 5;
/// Characters of a folder's path.
pub const MAX_PATH: usize = 120;

/// A folder as one person may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// The id.
    pub id: FolderId,
    /// The folder around it.
    pub parent: Option<FolderId>,
    /// Its name behind those of the folders around it, with / between them.
    pub path: String,
    /// What the person may do with it.
    pub role: Role,
    /// Apps right in it.
    pub apps: i64,
    /// Workflows right in it.
    pub workflows: i64,
    /// Resources right in it.
    pub resources: i64,
    /// Queries of the library right in it.
    pub queries: i64,
}

/// Why a folder was not made or renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderRefusal {
    /// There are [`MAX_FOLDERS`].
    TooMany,
    /// There would be more than [`MAX_DEPTH`] in each other.
    TooDeep,
    /// A path would have more than [`MAX_PATH`] characters.
    TooLong,
}

impl Database {
    /// The folders that a person has a role on, by path.
    pub async fn folders(&self, user: UserId, is_admin: bool) -> Result<Vec<Folder>, StoreError> {
        let operation = "list folders";
        let client = self.client(operation).await?;
        let effective = ObjectKind::Folder.effective_role("$2::boolean", "$1::uuid");
        let sql = format!(
            "SELECT f.id, f.parent_id, f.path, f.role, (SELECT count(*) FROM apps c WHERE c.folder_id = f.id),
                (SELECT count(*) FROM workflows c WHERE c.folder_id = f.id), (SELECT count(*) FROM resources c WHERE c.folder_id = f.id),
                (SELECT count(*) FROM library_queries c WHERE c.folder_id = f.id)
             FROM (SELECT o.*, {effective} AS role FROM folders o OFFSET 0) f WHERE f.role IS NOT NULL ORDER BY f.path"
        );
        let rows = client.query(&sql, &[&user.0, &is_admin]).await.map_err(StoreError::of(operation))?;
        let folder = |row: &Row| {
            Ok(Folder {
                id: FolderId(row.get(0)),
                parent: row.get::<_, Option<Uuid>>(1).map(FolderId),
                path: row.get(2),
                role: role(operation, row.get(3))?,
                apps: row.get(4),
                workflows: row.get(5),
                resources: row.get(6),
                queries: row.get(7),
            })
        };
        rows.iter().map(folder).collect()
    }

    /// The path of a folder.
    pub async fn folder_path(&self, id: FolderId) -> Result<String, StoreError> {
        let operation = "read a folder";
        let client = self.client(operation).await?;
        let row = client.query_opt("SELECT path FROM folders WHERE id = $1", &[&id.0]).await;
        Ok(row.map_err(StoreError::of(operation))?.ok_or(StoreError::NotFound { operation })?.get(0))
    }

    /// Makes a folder in another one, or on the top; its creator owns it. Gives its path.
    pub async fn create_folder(
        &self,
        id: FolderId,
        (parent, name): (Option<FolderId>, &str),
        creator: Option<UserId>,
    ) -> Result<Result<String, FolderRefusal>, StoreError> {
        let operation = "make a folder";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        alone(&transaction, operation).await?;
        let count: i64 =
            transaction.query_one("SELECT count(*) FROM folders", &[]).await.map_err(StoreError::of(operation))?.get(0);
        if count >= MAX_FOLDERS {
            return Ok(Err(FolderRefusal::TooMany));
        }
        let (mut path, mut lineage) = (String::new(), Vec::new());
        if let Some(parent) = parent {
            let sql = "SELECT path || '/', lineage FROM folders WHERE id = $1";
            let row = transaction.query_opt(sql, &[&parent.0]).await.map_err(StoreError::of(operation))?;
            let row = row.ok_or(StoreError::NotFound { operation })?;
            (path, lineage) = (row.get(0), row.get::<_, Vec<Uuid>>(1));
        }
        path.push_str(name);
        lineage.push(id.0);
        if lineage.len() > MAX_DEPTH {
            return Ok(Err(FolderRefusal::TooDeep));
        }
        if path.chars().count() > MAX_PATH {
            return Ok(Err(FolderRefusal::TooLong));
        }
        let sql = "INSERT INTO folders (id, parent_id, path, lineage) VALUES ($1, $2, $3, $4)";
        let inserted = transaction.execute(sql, &[&id.0, &parent.map(|parent| parent.0), &path, &lineage]).await;
        inserted.map_err(StoreError::of(operation))?;
        if let Some(creator) = creator {
            let sql = "INSERT INTO grants (object_kind, object_id, user_id, role) VALUES ('folder', $1, $2, 'admin')";
            transaction.execute(sql, &[&id.0, &creator.0]).await.map_err(StoreError::of(operation))?;
        }
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(Ok(path))
    }

    /// Gives a folder another name; its path and those of all in it change.
    pub async fn rename_folder(&self, id: FolderId, name: &str) -> Result<Result<String, FolderRefusal>, StoreError> {
        let operation = "rename a folder";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        alone(&transaction, operation).await?;
        let sql =
            "SELECT f.path, p.path || '/', (SELECT max(length(i.path)) FROM folders i WHERE f.id = ANY (i.lineage))
            FROM folders f LEFT JOIN folders p ON p.id = f.parent_id WHERE f.id = $1";
        let row = transaction.query_opt(sql, &[&id.0]).await.map_err(StoreError::of(operation))?;
        let row = row.ok_or(StoreError::NotFound { operation })?;
        let (old, around, longest): (String, Option<String>, i32) = (row.get(0), row.get(1), row.get(2));
        let path = around.unwrap_or_default() + name;
        let inside = usize::try_from(longest).unwrap_or_default().saturating_sub(old.chars().count());
        if path.chars().count() + inside > MAX_PATH {
            return Ok(Err(FolderRefusal::TooLong));
        }
        let sql = "UPDATE folders SET path = $2::text || substr(path, length($3::text) + 1) WHERE $1 = ANY (lineage)";
        transaction.execute(sql, &[&id.0, &path, &old]).await.map_err(StoreError::of(operation))?;
        // The api of the version before reads the label.
        let sql = "UPDATE apps SET folder = f.path FROM folders f WHERE f.id = apps.folder_id AND $1 = ANY (f.lineage)";
        transaction.execute(sql, &[&id.0]).await.map_err(StoreError::of(operation))?;
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(Ok(path))
    }

    /// Deletes a folder with its roles; false where something is in it.
    pub async fn delete_folder(&self, id: FolderId) -> Result<bool, StoreError> {
        let operation = "delete a folder";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        delete_grants(&transaction, ObjectKind::Folder, id.0).await?;
        match transaction.execute("DELETE FROM folders WHERE id = $1", &[&id.0]).await {
            Ok(0) => Err(StoreError::NotFound { operation }),
            Ok(_) => transaction.commit().await.map(|()| true).map_err(StoreError::of(operation)),
            Err(error) if error.code() == Some(&SqlState::FOREIGN_KEY_VIOLATION) => Ok(false),
            Err(error) => Err(StoreError::of(operation)(error)),
        }
    }
}

/// One at a time changes the tree: a path that changes must meet every folder under it. Readers are not held up.
async fn alone(transaction: &Transaction<'_>, operation: &'static str) -> Result<(), StoreError> {
    let lock = "LOCK TABLE folders IN SHARE ROW EXCLUSIVE MODE";
    transaction.batch_execute(lock).await.map_err(StoreError::of(operation))
}
