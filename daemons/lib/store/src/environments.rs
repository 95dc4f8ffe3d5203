//! Environments: which there are, who may use them, and what keeps one from being removed.

use bulkhead_model::environment::{EnvironmentAccess, EnvironmentColor};
use bulkhead_model::{EnvironmentId, Role, RunId, UserId};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::{Database, StoreError};

/// An environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// The id.
    pub id: EnvironmentId,
    /// The name that documents, people and expressions use.
    pub name: String,
    /// Of its badge.
    pub color: EnvironmentColor,
    /// Who may use it, beside administrators.
    pub access: EnvironmentAccess,
    /// The groups that may use it, where it is for groups; by name.
    pub groups: Vec<String>,
    /// Whether it is the one that is meant where none is named.
    pub is_default: bool,
}

/// How an environment is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentBadge {
    /// The name.
    pub name: String,
    /// Of its badge.
    pub color: EnvironmentColor,
    /// Whether it is the one that is meant where none is named.
    pub is_default: bool,
}

/// What an administrator says of an environment.
#[derive(Clone, Copy, Debug)]
pub struct EnvironmentSettings<'a> {
    /// The name.
    pub name: &'a str,
    /// Of its badge.
    pub color: EnvironmentColor,
    /// Who may use it.
    pub access: EnvironmentAccess,
    /// The groups that may use it. Names that no group has are left out.
    pub groups: &'a [String],
}

/// An environment as one person may use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentUse {
    /// The id.
    pub id: EnvironmentId,
    /// The name.
    pub name: String,
    /// Whether they may.
    pub is_allowed: bool,
}

/// What keeps an environment from being removed or renamed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvironmentUses {
    /// Resources that have settings for it, by name.
    pub resources: Vec<String>,
    /// Workflows with a trigger that names it, in the draft or in the version in use; by slug.
    pub workflows: Vec<String>,
    /// Runs in it that have not ended.
    pub runs: i64,
}

impl EnvironmentUses {
    /// Whether nothing does.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.workflows.is_empty() && self.runs == 0
    }
}

/// Whether environment `e` may be used, as an expression over those that say who asks: whether they are an administrator, their id, and
/// their role on the app or workflow.
pub(crate) fn allowed(is_admin: &str, user: &str, role: &str) -> String {
    format!(
        "({is_admin} OR e.is_default OR e.access = 'everyone' OR (e.access = 'builders' AND {role} IN ('editor', 'admin'))
          OR (e.access = 'groups' AND EXISTS (SELECT FROM environment_groups eg JOIN group_members em ON em.group_id = eg.group_id
              WHERE eg.environment_id = e.id AND em.user_id = {user})))"
    )
}

/// Which environment `e` a name stands for: the default one where it is null.
pub(crate) fn named(name: &str) -> String {
    format!("e.removed_at IS NULL AND CASE WHEN {name}::text IS NULL THEN e.is_default ELSE e.name = {name}::text END")
}

const COLUMNS: &str = "e.id, e.name, e.color, e.access, e.is_default,
    ARRAY(SELECT g.name FROM environment_groups eg JOIN groups g ON g.id = eg.group_id WHERE eg.environment_id = e.id ORDER BY g.name)";

fn environment(operation: &'static str, row: &Row) -> Result<Environment, StoreError> {
    let (color, access): (&str, &str) = (row.get(2), row.get(3));
    Ok(Environment {
        id: EnvironmentId(row.get(0)),
        name: row.get(1),
        color: color.parse().map_err(|()| StoreError::bad_word(operation, color))?,
        access: access.parse().map_err(|()| StoreError::bad_word(operation, access))?,
        is_default: row.get(4),
        groups: row.get(5),
    })
}

impl Database {
    /// All environments, the default one first.
    pub async fn environments(&self) -> Result<Vec<Environment>, StoreError> {
        let operation = "list environments";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT {COLUMNS} FROM environments e WHERE e.removed_at IS NULL ORDER BY NOT e.is_default, e.name"
        );
        let rows = client.query(&sql, &[]).await.map_err(StoreError::of(operation))?;
        rows.iter().map(|row| environment(operation, row)).collect()
    }

    /// The environments that a person with `role` on an app or workflow may use, the default one first.
    pub async fn environments_of(
        &self,
        user: UserId,
        is_admin: bool,
        role: Role,
    ) -> Result<Vec<Environment>, StoreError> {
        let operation = "list environments";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT {COLUMNS} FROM environments e WHERE e.removed_at IS NULL AND {} ORDER BY NOT e.is_default, e.name",
            allowed("$1", "$2", "$3::text")
        );
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let values: [&(dyn ToSql + Sync); 3] = [&is_admin, &user.0, &role.as_str()];
        let rows = client.query(&statement, &values).await.map_err(StoreError::of(operation))?;
        rows.iter().map(|row| environment(operation, row)).collect()
    }

    /// An environment by its name.
    pub async fn environment(&self, name: &str) -> Result<Environment, StoreError> {
        let operation = "read an environment";
        let client = self.client(operation).await?;
        let sql = format!("SELECT {COLUMNS} FROM environments e WHERE e.removed_at IS NULL AND e.name = $1");
        let row = client.query_opt(&sql, &[&name]).await.map_err(StoreError::of(operation))?;
        environment(operation, &row.ok_or(StoreError::NotFound { operation })?)
    }

    /// The environment of this name, or the default one, as a person with `role` on an app or workflow may use it.
    pub async fn environment_use(
        &self,
        name: Option<&str>,
        (user, is_admin): (UserId, bool),
        role: Role,
    ) -> Result<Option<EnvironmentUse>, StoreError> {
        let operation = "look up an environment";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT e.id, e.name, {} FROM environments e WHERE {}",
            allowed("$2", "$3", "$4::text"),
            named("$1")
        );
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let values: [&(dyn ToSql + Sync); 4] = [&name, &is_admin, &user.0, &role.as_str()];
        let row = client.query_opt(&statement, &values).await.map_err(StoreError::of(operation))?;
        let found =
            row.map(|row| EnvironmentUse { id: EnvironmentId(row.get(0)), name: row.get(1), is_allowed: row.get(2) });
        Ok(found)
    }

    /// The id of the environment of this name, or of the default one.
    pub async fn environment_id(&self, name: Option<&str>) -> Result<Option<EnvironmentId>, StoreError> {
        let operation = "look up an environment";
        let client = self.client(operation).await?;
        let sql = format!("SELECT e.id FROM environments e WHERE {}", named("$1"));
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&name]).await.map_err(StoreError::of(operation))?;
        Ok(row.map(|row| EnvironmentId(row.get(0))))
    }

    /// The environment that a run is in, also one that was removed.
    pub async fn environment_of_run(&self, run: RunId) -> Result<EnvironmentId, StoreError> {
        let operation = "look up the environment of a run";
        let client = self.client(operation).await?;
        let sql = "SELECT environment_id FROM runs WHERE id = $1";
        let row = client.query_opt(sql, &[&run.0]).await.map_err(StoreError::of(operation))?;
        Ok(EnvironmentId(row.ok_or(StoreError::NotFound { operation })?.get(0)))
    }

    /// The name of an environment, also of one that was removed.
    pub async fn environment_name(&self, id: EnvironmentId) -> Result<String, StoreError> {
        let operation = "look up an environment";
        let client = self.client(operation).await?;
        let statement = client.prepare_cached("SELECT name FROM environments WHERE id = $1").await;
        let statement = statement.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&id.0]).await.map_err(StoreError::of(operation))?;
        Ok(row.ok_or(StoreError::NotFound { operation })?.get(0))
    }

    /// Adds an environment; false where there are `most` already.
    pub async fn create_environment(
        &self,
        id: EnvironmentId,
        settings: &EnvironmentSettings<'_>,
        most: i64,
    ) -> Result<bool, StoreError> {
        let operation = "add an environment";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let sql = "INSERT INTO environments (id, name, color, access) SELECT $1, $2, $3, $4
            WHERE (SELECT count(*) FROM environments WHERE removed_at IS NULL) < $5";
        let values: [&(dyn ToSql + Sync); 5] =
            [&id.0, &settings.name, &settings.color.as_str(), &settings.access.as_str(), &most];
        if transaction.execute(sql, &values).await.map_err(StoreError::of(operation))? == 0 {
            return Ok(false);
        }
        transaction.execute(PUT_GROUPS, &[&id.0, &settings.groups]).await.map_err(StoreError::of(operation))?;
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(true)
    }

    /// Changes an environment. What is bound to it goes by its id and stays.
    pub async fn update_environment(
        &self,
        id: EnvironmentId,
        settings: &EnvironmentSettings<'_>,
    ) -> Result<(), StoreError> {
        let operation = "change an environment";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let sql = "UPDATE environments SET name = $2, color = $3, access = $4 WHERE id = $1 AND removed_at IS NULL";
        let values: [&(dyn ToSql + Sync); 4] =
            [&id.0, &settings.name, &settings.color.as_str(), &settings.access.as_str()];
        if transaction.execute(sql, &values).await.map_err(StoreError::of(operation))? == 0 {
            return Err(StoreError::NotFound { operation });
        }
        let sql = "DELETE FROM environment_groups WHERE environment_id = $1";
        transaction.execute(sql, &[&id.0]).await.map_err(StoreError::of(operation))?;
        transaction.execute(PUT_GROUPS, &[&id.0, &settings.groups]).await.map_err(StoreError::of(operation))?;
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    /// Removes an environment that nothing uses and that is not the default one. Else it stays, and what uses it is the answer.
    pub async fn remove_environment(&self, id: EnvironmentId) -> Result<EnvironmentUses, StoreError> {
        let operation = "remove an environment";
        let uses = self.environment_uses(id).await?;
        if !uses.is_empty() {
            return Ok(uses);
        }
        let client = self.client(operation).await?;
        // What came to use it since it was looked at: settings keep it, too. A run that begins meanwhile finds none.
        let sql = "UPDATE environments SET removed_at = now() WHERE id = $1 AND NOT is_default AND removed_at IS NULL
            AND NOT EXISTS (SELECT FROM resource_environments WHERE environment_id = $1)";
        match client.execute(sql, &[&id.0]).await.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::NotFound { operation }),
            _ => Ok(uses),
        }
    }

    /// What uses an environment.
    pub async fn environment_uses(&self, id: EnvironmentId) -> Result<EnvironmentUses, StoreError> {
        let operation = "find what uses an environment";
        let client = self.client(operation).await?;
        let names = "jsonb_path_exists(document::jsonb, '$.triggers.*.environment ? (@ == $name)', jsonb_build_object('name', e.name))";
        let sql = format!(
            "SELECT ARRAY(SELECT r.name FROM resource_environments s JOIN resources r ON r.id = s.resource_id
                          WHERE s.environment_id = e.id ORDER BY r.name),
                ARRAY(SELECT DISTINCT slug FROM (
                          SELECT w.slug, w.draft AS document FROM workflows w
                          UNION ALL SELECT w.slug, d.document FROM workflows w
                              JOIN workflow_releases d ON d.workflow_id = w.id AND d.version = w.released_version) known
                      WHERE {names} ORDER BY slug),
                (SELECT count(*) FROM runs u WHERE u.environment_id = e.id AND u.finished_at IS NULL)
            FROM environments e WHERE e.id = $1"
        );
        let row = client.query_opt(&sql, &[&id.0]).await.map_err(StoreError::of(operation))?;
        let row = row.ok_or(StoreError::NotFound { operation })?;
        Ok(EnvironmentUses { resources: row.get(0), workflows: row.get(1), runs: row.get(2) })
    }
}

const PUT_GROUPS: &str = "INSERT INTO environment_groups (environment_id, group_id)
    SELECT $1, g.id FROM groups g WHERE g.name = ANY($2)";
