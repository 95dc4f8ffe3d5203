//! Resources: settings in the clear, secrets sealed to db-connector. Those of the default environment stand with the resource itself.

use std::collections::HashMap;

use bulkhead_model::resource::ResourceConfig;
use bulkhead_model::{EnvironmentId, ResourceId, Role, UserId};
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::access::{ObjectKind, role};
use crate::sharing::delete_grants;
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

/// A resource as it is in one environment, for the daemon that connects to it.
#[derive(Clone, Debug)]
pub struct ResourceInEnvironment {
    /// The resource's name.
    pub name: String,
    /// The environment's name.
    pub environment: String,
    /// What is known of it there; nothing where it has no settings for the environment.
    pub settings: Option<ConnectedSettings>,
}

/// What connecting takes.
#[derive(Clone, Debug)]
pub struct ConnectedSettings {
    /// The settings.
    pub config: ResourceConfig,
    /// Sealed to db-connector.
    pub sealed_secret: Option<String>,
    /// Whether they are those of the built-in tables database.
    pub built_in: bool,
    /// Grows with every change.
    pub revision: i64,
}

/// The settings of a resource in an environment beside the default one, without the secret.
#[derive(Clone, Debug)]
pub struct EnvironmentSettings {
    /// The environment.
    pub environment: EnvironmentId,
    /// Its name.
    pub name: String,
    /// The settings.
    pub config: ResourceConfig,
    /// Whether a secret is stored.
    pub has_secret: bool,
    /// Grows with every change.
    pub revision: i64,
    /// When they changed last.
    pub updated_at: OffsetDateTime,
}

/// An app, a workflow or a query of the library that names a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceUse {
    /// An app, a workflow or a query.
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
    /// The resources that a person may see, with their role and the path of the folder, which is empty for the top.
    pub async fn resources(&self, user: UserId, is_admin: bool) -> Result<Vec<(Resource, Role, String)>, StoreError> {
        let operation = "list resources";
        let client = self.client(operation).await?;
        let effective = ObjectKind::Resource.effective_role("$2::boolean", "$1::uuid");
        let sql = format!(
            "SELECT {COLUMNS}, r.role, coalesce(f.path, '') FROM (SELECT o.*, {effective} AS role FROM resources o OFFSET 0) r
             LEFT JOIN folders f ON f.id = r.folder_id WHERE r.role IS NOT NULL ORDER BY r.name LIMIT 5000"
        );
        let rows = client.query(&sql, &[&user.0, &is_admin]).await.map_err(StoreError::of(operation))?;
        rows.iter().map(|row| Ok((resource(operation, row)?, role(operation, row.get(7))?, row.get(8)))).collect()
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

    /// A resource as it is in an environment. An environment that was removed is none.
    pub async fn resource_in(
        &self,
        id: ResourceId,
        environment: EnvironmentId,
    ) -> Result<ResourceInEnvironment, StoreError> {
        let operation = "read a resource";
        let client = self.client(operation).await?;
        let sql = "SELECT r.name, e.name, e.is_default, r.built_in,
                CASE WHEN e.is_default THEN r.config ELSE s.config END,
                CASE WHEN e.is_default THEN r.sealed_secret ELSE s.sealed_secret END,
                CASE WHEN e.is_default THEN r.revision ELSE s.revision END
            FROM resources r JOIN environments e ON e.id = $2 AND e.removed_at IS NULL
            LEFT JOIN resource_environments s ON s.resource_id = r.id AND s.environment_id = e.id WHERE r.id = $1";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&id.0, &environment.0]).await.map_err(StoreError::of(operation))?;
        let row = row.ok_or(StoreError::NotFound { operation })?;
        let settings = match (row.get::<_, Option<Value>>(4), row.get::<_, Option<i64>>(6)) {
            (Some(config), Some(revision)) => Some(ConnectedSettings {
                config: serde_json::from_value(config).map_err(StoreError::damaged(operation))?,
                sealed_secret: row.get(5),
                // What an administrator enters for another environment is a resource like any other.
                built_in: row.get::<_, bool>(2) && row.get::<_, bool>(3),
                revision,
            }),
            _ => None,
        };
        Ok(ResourceInEnvironment { name: row.get(0), environment: row.get(1), settings })
    }

    /// The settings of a resource in environments beside the default one, by the environments' names.
    pub async fn environment_settings(&self, id: ResourceId) -> Result<Vec<EnvironmentSettings>, StoreError> {
        let operation = "read the settings of environments";
        let client = self.client(operation).await?;
        let sql = "SELECT e.id, e.name, s.config, s.has_secret, s.updated_at, s.revision FROM resource_environments s
            JOIN environments e ON e.id = s.environment_id WHERE s.resource_id = $1 ORDER BY e.name";
        let rows = client.query(sql, &[&id.0]).await.map_err(StoreError::of(operation))?;
        rows.iter()
            .map(|row| {
                Ok(EnvironmentSettings {
                    environment: EnvironmentId(row.get(0)),
                    name: row.get(1),
                    config: serde_json::from_value(row.get::<_, Value>(2)).map_err(StoreError::damaged(operation))?,
                    has_secret: row.get(3),
                    updated_at: row.get(4),
                    revision: row.get(5),
                })
            })
            .collect()
    }

    /// The names of the environments beside the default one that each resource has settings for.
    pub async fn configured_environments(&self) -> Result<HashMap<ResourceId, Vec<String>>, StoreError> {
        let operation = "read which environments resources have";
        let client = self.client(operation).await?;
        let sql = "SELECT s.resource_id, array_agg(e.name ORDER BY e.name) FROM resource_environments s
            JOIN environments e ON e.id = s.environment_id GROUP BY s.resource_id";
        let rows = client.query(sql, &[]).await.map_err(StoreError::of(operation))?;
        Ok(rows.iter().map(|row| (ResourceId(row.get(0)), row.get(1))).collect())
    }

    /// Gives a resource settings in an environment beside the default one, in the place of those that were read at `revision`, if there
    /// were any; [`StoreError::Changed`] when they are others by now. The stored secret stays where none is given.
    pub async fn put_environment_settings(
        &self,
        (id, environment): (ResourceId, EnvironmentId),
        revision: Option<i64>,
        config: &ResourceConfig,
        sealed_secret: Option<&str>,
    ) -> Result<(), StoreError> {
        let operation = "store the settings of an environment";
        let client = self.client(operation).await?;
        let json = serde_json::to_value(config).map_err(StoreError::damaged(operation))?;
        // Not into one that is being removed: whoever removes it looks for settings first.
        let known = "SELECT id FROM environments WHERE id = $2 AND NOT is_default AND removed_at IS NULL FOR SHARE";
        // Two statements, since api may write a sealed secret and not read the one that is there.
        let update = format!(
            "WITH known AS ({known}) UPDATE resource_environments s SET config = $3,
                revision = nextval('resource_environment_revisions'), updated_at = now() {}
            FROM known WHERE s.resource_id = $1 AND s.environment_id = known.id AND s.revision = $4",
            if sealed_secret.is_some() { ", sealed_secret = $5" } else { "" }
        );
        let insert = format!(
            "WITH known AS ({known}) INSERT INTO resource_environments (resource_id, environment_id, config, sealed_secret)
            SELECT $1, known.id, $3, $4 FROM known ON CONFLICT DO NOTHING"
        );
        let values: [&(dyn ToSql + Sync); 5] = [&id.0, &environment.0, &json, &revision, &sealed_secret];
        let written = match (revision, sealed_secret) {
            (Some(_), Some(_)) => client.execute(&update, &values).await,
            (Some(_), None) => client.execute(&update, &values[..4]).await,
            (None, _) => client.execute(&insert, &[values[0], values[1], values[2], values[4]]).await,
        };
        match written.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::Changed { operation }),
            _ => Ok(()),
        }
    }

    /// Takes a resource's settings in an environment away.
    pub async fn delete_environment_settings(
        &self,
        id: ResourceId,
        environment: EnvironmentId,
    ) -> Result<(), StoreError> {
        let operation = "remove the settings of an environment";
        let client = self.client(operation).await?;
        let sql = "DELETE FROM resource_environments WHERE resource_id = $1 AND environment_id = $2";
        match client.execute(sql, &[&id.0, &environment.0]).await.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::NotFound { operation }),
            _ => Ok(()),
        }
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

    /// Changes a resource that was read at `revision`; [`StoreError::Changed`] when it is another by now. The stored secret stays where
    /// none is given.
    pub async fn update_resource(
        &self,
        (id, revision): (ResourceId, i64),
        config: &ResourceConfig,
        sealed_secret: Option<&str>,
    ) -> Result<(), StoreError> {
        let operation = "change a resource";
        let client = self.client(operation).await?;
        let json = serde_json::to_value(config).map_err(StoreError::damaged(operation))?;
        let sql =
            "UPDATE resources SET config = $2, sealed_secret = coalesce($3, sealed_secret), revision = revision + 1,
            updated_at = now() WHERE id = $1 AND revision = $4";
        let values: [&(dyn ToSql + Sync); 4] = [&id.0, &json, &sealed_secret, &revision];
        match client.execute(sql, &values).await.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::Changed { operation }),
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
        delete_grants(&transaction, ObjectKind::Resource, id.0).await?;
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    /// The apps, workflows and queries of the library whose draft or released version names a resource, by title, at most 1,000: those that a person may see,
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
            let (kind_name, effective) = (kind.as_str(), kind.effective_role("$3::boolean", "$2::uuid"));
            format!(
                "SELECT '{kind_name}' AS kind, o.slug, o.title, coalesce({released}, false) AS is_released, {effective} IS NOT NULL AS is_seen
                 FROM {table} o LEFT JOIN {releases} v ON v.{key} = o.id AND v.version = o.released_version
                 WHERE {drafted} OR coalesce({released}, false)",
                released = names("v.document"),
                drafted = names("o.draft"),
            )
        };
        let sql = format!(
            "{} UNION ALL {} UNION ALL {} ORDER BY title, slug LIMIT 1000",
            of(ObjectKind::App, "apps", "app_releases", "app_id"),
            of(ObjectKind::Workflow, "workflows", "workflow_releases", "workflow_id"),
            of(ObjectKind::Query, "library_queries", "library_query_releases", "query_id"),
        );
        let rows = client.query(&sql, &[&name, &user.0, &is_admin]).await.map_err(StoreError::of(operation))?;
        let (seen, hidden): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.get(4));
        let uses = seen.into_iter().map(|row| ResourceUse {
            kind: match row.get(0) {
                "app" => ObjectKind::App,
                "workflow" => ObjectKind::Workflow,
                _ => ObjectKind::Query,
            },
            slug: row.get(1),
            title: row.get(2),
            is_released: row.get(3),
        });
        Ok((uses.collect(), hidden.len() as u64))
    }
}
