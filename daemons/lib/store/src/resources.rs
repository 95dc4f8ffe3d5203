//! Resources: settings in the clear, secrets sealed to db-connector.

use bulkhead_model::resource::ResourceConfig;
use bulkhead_model::{ResourceId, Role, UserId};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;

use crate::access::{ObjectKind, role};
use crate::{Database, StoreError};

/// A resource with its sealed secret.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The id.
    pub id: ResourceId,
    /// The name that queries use.
    pub name: String,
    /// The settings.
    pub config: ResourceConfig,
    /// Sealed to db-connector.
    pub sealed_secret: Option<String>,
    /// Whether it is the built-in tables database.
    pub built_in: bool,
    /// Grows with every change.
    pub revision: i64,
    /// When it changed last.
    pub updated_at: OffsetDateTime,
}

/// An app or a workflow with a query that names a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceUse {
    /// An app or a workflow.
    pub kind: ObjectKind,
    /// Its slug.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Whether the released version names it; else only the draft does.
    pub is_released: bool,
}

const COLUMNS: &str = "r.id, r.name, r.config, r.sealed_secret, r.built_in, r.revision, r.updated_at";

fn resource(operation: &'static str, row: &Row) -> Result<Resource, StoreError> {
    Ok(Resource {
        id: ResourceId(row.get(0)),
        name: row.get(1),
        config: serde_json::from_value(row.get::<_, Value>(2)).map_err(StoreError::damaged(operation))?,
        sealed_secret: row.get(3),
        built_in: row.get(4),
        revision: row.get(5),
        updated_at: row.get(6),
    })
}

impl Database {
    /// The resources that a person may see, with their role.
    pub async fn resources(&self, user: UserId, is_admin: bool) -> Result<Vec<(Resource, Role)>, StoreError> {
        let operation = "list resources";
        let client = self.client(operation).await?;
        let effective = ObjectKind::Resource.effective_role("$2");
        let sql = format!(
            "SELECT {COLUMNS}, role FROM (SELECT o.*, {effective} AS role FROM resources o
                 LEFT JOIN grants g ON g.object_kind = 'resource' AND g.object_id = o.id AND g.user_id = $1) r
             WHERE role IS NOT NULL ORDER BY r.name LIMIT 5000"
        );
        let rows = client.query(&sql, &[&user.0, &is_admin]).await.map_err(StoreError::of(operation))?;
        rows.iter().map(|row| Ok((resource(operation, row)?, role(operation, row.get(7))?))).collect()
    }

    /// A resource by its id.
    pub async fn resource(&self, id: ResourceId) -> Result<Resource, StoreError> {
        let operation = "read a resource";
        let client = self.client(operation).await?;
        let sql = format!("SELECT {COLUMNS} FROM resources r WHERE r.id = $1");
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&id.0]).await.map_err(StoreError::of(operation))?;
        resource(operation, &row.ok_or(StoreError::NotFound { operation })?)
    }

    /// The id of a resource, by the name that documents use.
    pub async fn resource_id(&self, name: &str) -> Result<Option<ResourceId>, StoreError> {
        let operation = "look up a resource";
        let client = self.client(operation).await?;
        let statement = client.prepare_cached("SELECT id FROM resources WHERE name = $1").await;
        let statement = statement.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&name]).await.map_err(StoreError::of(operation))?;
        Ok(row.map(|row| ResourceId(row.get(0))))
    }

    /// Adds a resource under an id that its secret is already sealed to.
    pub async fn create_resource(
        &self,
        id: ResourceId,
        name: &str,
        config: &ResourceConfig,
        sealed_secret: Option<&str>,
        built_in: bool,
    ) -> Result<(), StoreError> {
        let operation = "add a resource";
        let client = self.client(operation).await?;
        let json = serde_json::to_value(config).map_err(StoreError::damaged(operation))?;
        let sql = "INSERT INTO resources (id, name, config, sealed_secret, built_in) VALUES ($1, $2, $3, $4, $5)";
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] = [&id.0, &name, &json, &sealed_secret, &built_in];
        client.execute(sql, &values).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// Changes a resource; the stored secret stays where none is given.
    pub async fn update_resource(
        &self,
        id: ResourceId,
        config: &ResourceConfig,
        sealed_secret: Option<&str>,
    ) -> Result<(), StoreError> {
        let operation = "change a resource";
        let client = self.client(operation).await?;
        let json = serde_json::to_value(config).map_err(StoreError::damaged(operation))?;
        let sql =
            "UPDATE resources SET config = $2, sealed_secret = coalesce($3, sealed_secret), revision = revision + 1,
            updated_at = now() WHERE id = $1";
        match client.execute(sql, &[&id.0, &json, &sealed_secret]).await.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::NotFound { operation }),
            _ => Ok(()),
        }
    }

    /// Deletes a resource that is not built in, with its grants.
    pub async fn delete_resource(&self, id: ResourceId) -> Result<(), StoreError> {
        let operation = "delete a resource";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let deleted = transaction.execute("DELETE FROM resources WHERE id = $1 AND NOT built_in", &[&id.0]).await;
        if deleted.map_err(StoreError::of(operation))? == 0 {
            return Err(StoreError::NotFound { operation });
        }
        let grants = "DELETE FROM grants WHERE object_kind = 'resource' AND object_id = $1";
        transaction.execute(grants, &[&id.0]).await.map_err(StoreError::of(operation))?;
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    /// The apps and workflows whose draft or released version names a resource, by title, at most 1,000: those that a person may see,
    /// and the number of the others.
    pub async fn resource_uses(
        &self,
        name: &str,
        user: UserId,
        is_admin: bool,
    ) -> Result<(Vec<ResourceUse>, u64), StoreError> {
        let operation = "find where a resource is used";
        let client = self.client(operation).await?;
        let names = |document: &str| {
            format!(
                "jsonb_path_exists({document}::jsonb, '$.**.resource ? (@ == $name)', jsonb_build_object('name', $1::text))"
            )
        };
        let of = |kind: ObjectKind, table: &str, releases: &str, key: &str| {
            let (kind_name, effective) = (kind.as_str(), kind.effective_role("$3"));
            format!(
                "SELECT '{kind_name}' AS kind, o.slug, o.title, coalesce({released}, false) AS is_released, {effective} IS NOT NULL AS is_seen
                 FROM {table} o LEFT JOIN {releases} v ON v.{key} = o.id AND v.version = o.released_version
                     LEFT JOIN grants g ON g.object_kind = '{kind_name}' AND g.object_id = o.id AND g.user_id = $2
                 WHERE {drafted} OR coalesce({released}, false)",
                released = names("v.document"),
                drafted = names("o.draft"),
            )
        };
        let sql = format!(
            "{} UNION ALL {} ORDER BY title, slug LIMIT 1000",
            of(ObjectKind::App, "apps", "app_releases", "app_id"),
            of(ObjectKind::Workflow, "workflows", "workflow_releases", "workflow_id"),
        );
        let rows = client.query(&sql, &[&name, &user.0, &is_admin]).await.map_err(StoreError::of(operation))?;
        let (seen, hidden): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.get(4));
        let uses = seen.into_iter().map(|row| ResourceUse {
            kind: if row.get::<_, &str>(0) == ObjectKind::App.as_str() {
                ObjectKind::App
            } else {
                ObjectKind::Workflow
            },
            slug: row.get(1),
            title: row.get(2),
            is_released: row.get(3),
        });
        Ok((uses.collect(), hidden.len() as u64))
    }
}
