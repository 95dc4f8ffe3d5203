//! Who may do what: roles on apps, workflows, resources and queries of the library.

use bulkhead_model::{Role, UserId};
use uuid::Uuid;

use crate::{Database, StoreError};

/// The kinds of objects that roles are granted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// An app.
    App,
    /// A workflow.
    Workflow,
    /// A resource.
    Resource,
    /// A query of the library.
    Query,
}

impl ObjectKind {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Workflow => "workflow",
            Self::Resource => "resource",
            Self::Query => "query",
        }
    }

    /// Its table and the column that names a row.
    pub(crate) fn table(self) -> (&'static str, &'static str) {
        match self {
            Self::App => ("apps", "slug"),
            Self::Workflow => ("workflows", "slug"),
            Self::Resource => ("resources", "name"),
            Self::Query => ("library_queries", "slug"),
        }
    }

    /// The role on object `o` with grant `g`, as an expression; `is_admin` is one too. Everybody is a viewer of a built-in
    /// resource: released queries of apps that they may use run on it without a grant of its own.
    pub(crate) fn effective_role(self, is_admin: &str) -> String {
        let granted = match self {
            Self::App | Self::Workflow | Self::Query => "g.role",
            Self::Resource => "coalesce(g.role, CASE WHEN o.built_in THEN 'viewer' END)",
        };
        format!("CASE WHEN {is_admin} THEN 'admin' ELSE {granted} END")
    }
}

/// An object as one person may see it.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// The object's id.
    pub id: Uuid,
    /// What the person may do with it.
    pub role: Role,
}

/// A role that a person has on an object.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The person.
    pub user: UserId,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// The role.
    pub role: Role,
}

pub(crate) fn role(operation: &'static str, word: &str) -> Result<Role, StoreError> {
    word.parse().map_err(|()| StoreError::bad_word(operation, word))
}

impl Database {
    /// The object named `name`, if it exists and `user` has any role on it. An administrator has the highest on all.
    pub async fn access(
        &self,
        kind: ObjectKind,
        name: &str,
        user: UserId,
        is_admin: bool,
    ) -> Result<Option<Access>, StoreError> {
        let operation = "read a role";
        let client = self.client(operation).await?;
        let (table, column) = kind.table();
        let effective = kind.effective_role("$3");
        let sql = format!(
            "SELECT o.id, {effective} FROM {table} o
             LEFT JOIN grants g ON g.object_kind = $4 AND g.object_id = o.id AND g.user_id = $2
             WHERE o.{column} = $1 AND ({effective}) IS NOT NULL"
        );
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&name, &user.0, &is_admin, &kind.as_str()]).await;
        let row = row.map_err(StoreError::of(operation))?;
        row.map(|row| Ok(Access { id: row.get(0), role: role(operation, row.get(1))? })).transpose()
    }

    /// Whether somebody was given a role on an object, and does not have it as everybody has.
    pub async fn has_grant(&self, kind: ObjectKind, id: Uuid, user: UserId) -> Result<bool, StoreError> {
        let operation = "read a role";
        let client = self.client(operation).await?;
        let sql = "SELECT FROM grants WHERE object_kind = $1 AND object_id = $2 AND user_id = $3";
        let row = client.query_opt(sql, &[&kind.as_str(), &id, &user.0]).await;
        Ok(row.map_err(StoreError::of(operation))?.is_some())
    }

    /// All roles on an object.
    pub async fn grants(&self, kind: ObjectKind, id: Uuid) -> Result<Vec<Grant>, StoreError> {
        let operation = "list roles";
        let client = self.client(operation).await?;
        let sql = "SELECT u.id, u.email, u.name, g.role FROM grants g JOIN users u ON u.id = g.user_id
            WHERE g.object_kind = $1 AND g.object_id = $2 ORDER BY lower(u.email)";
        let rows = client.query(sql, &[&kind.as_str(), &id]).await.map_err(StoreError::of(operation))?;
        rows.iter()
            .map(|row| {
                let role = role(operation, row.get(3))?;
                Ok(Grant { user: UserId(row.get(0)), email: row.get(1), name: row.get(2), role })
            })
            .collect()
    }

    /// Gives `user` a role, in place of the one they had.
    pub async fn set_grant(&self, kind: ObjectKind, id: Uuid, user: UserId, role: Role) -> Result<(), StoreError> {
        let operation = "grant a role";
        let client = self.client(operation).await?;
        let sql = "INSERT INTO grants (object_kind, object_id, user_id, role) SELECT $1, $2, u.id, $4 FROM users u WHERE u.id = $3
            ON CONFLICT (object_kind, object_id, user_id) DO UPDATE SET role = excluded.role, granted_at = now()";
        let changed = client.execute(sql, &[&kind.as_str(), &id, &user.0, &role.as_str()]).await;
        match changed.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::NotFound { operation }),
            _ => Ok(()),
        }
    }

    /// Takes a role away.
    pub async fn remove_grant(&self, kind: ObjectKind, id: Uuid, user: UserId) -> Result<(), StoreError> {
        let operation = "take a role away";
        let client = self.client(operation).await?;
        let sql = "DELETE FROM grants WHERE object_kind = $1 AND object_id = $2 AND user_id = $3";
        match client.execute(sql, &[&kind.as_str(), &id, &user.0]).await.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::NotFound { operation }),
            _ => Ok(()),
        }
    }
}
