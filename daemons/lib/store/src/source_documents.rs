//! The documents of Source Control: what is here, what the repository has, and how a pull applies the one to the other.

use std::collections::{BTreeMap, HashMap};

use bulkhead_model::resource::ResourceConfig;
use bulkhead_model::{AppId, ResourceId, Slug, SshHostId, UserId};
use bulkhead_tree::{Document, Key, Kind, NamedSettings, ResourceFile};
use deadpool_postgres::{GenericClient, Transaction};
use serde_json::Value;
use thiserror::Error;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use crate::audit::AuditRecord;
use crate::{Database, StoreError};

/// A document that is here.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalDocument {
    /// The id.
    pub id: Uuid,
    /// The revision of the draft.
    pub revision: i64,
    /// What it says.
    pub document: Document,
}

/// What is known of a document in the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamDocument {
    /// The fingerprint of the files that both sides had last.
    pub base: Option<String>,
    /// The fingerprint of those that the repository has.
    pub upstream: Option<String>,
    /// Their texts by path; absent where it has none, or what it has is no document.
    pub files: Option<BTreeMap<String, String>>,
    /// Why it is none.
    pub fault: Option<String>,
}

/// A document that is written here.
#[derive(Clone, Debug)]
pub struct Written {
    /// Which one.
    pub key: Key,
    /// The id and the revision that it replaces; none for a new one.
    pub replaces: Option<(Uuid, i64)>,
    /// What it says from now on.
    pub document: Document,
}

/// What a pull or a commit leaves behind.
#[derive(Clone, Debug, Default)]
pub struct Synchronised {
    /// Documents that are written here.
    pub write: Vec<Written>,
    /// New fingerprints of what both sides have. None: the document is here alone by now.
    pub bases: BTreeMap<Key, Option<String>>,
    /// What the audit trail is told, in the same transaction.
    pub records: Vec<AuditRecord>,
}

/// Why a pull was not applied.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// The database, or a draft that was saved meanwhile.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something that a document names is not here.
    #[error("{key}: {message}")]
    Refused {
        /// The document.
        key: Key,
        /// What is missing, and what to do.
        message: String,
    },
}

/// Kinds with a draft: its table and the words of its grants.
const DRAFTS: [(Kind, &str, &str); 3] =
    [(Kind::App, "apps", "app"), (Kind::Query, "library_queries", "query"), (Kind::Workflow, "workflows", "workflow")];

impl Database {
    /// All that Source Control knows: drafts of apps, workflows and queries of the library, and resources but the built-in one.
    pub async fn local_documents(&self) -> Result<BTreeMap<Key, LocalDocument>, StoreError> {
        let operation = "read all documents";
        let client = self.client(operation).await?;
        let mut found = BTreeMap::new();
        for (kind, table, _) in DRAFTS {
            let sql = format!("SELECT slug, id, draft_revision, draft FROM {table} ORDER BY slug");
            for row in client.query(&sql, &[]).await.map_err(StoreError::of(operation))? {
                let draft: Value = row.get(3);
                let document = match kind {
                    Kind::App => Document::App(serde_json::from_value(draft).map_err(StoreError::damaged(operation))?),
                    Kind::Query => {
                        Document::Query(serde_json::from_value(draft).map_err(StoreError::damaged(operation))?)
                    }
                    _ => Document::Workflow(serde_json::from_value(draft).map_err(StoreError::damaged(operation))?),
                };
                let key = Key { kind, slug: slug(operation, row.get(0))? };
                found.insert(key, LocalDocument { id: row.get(1), revision: row.get(2), document });
            }
        }
        resources(&client, &mut found).await?;
        Ok(found)
    }

    /// What is known of the repository.
    pub async fn upstream_documents(&self) -> Result<BTreeMap<Key, UpstreamDocument>, StoreError> {
        let operation = "read what the repository has";
        let client = self.client(operation).await?;
        let sql = "SELECT key, base, upstream, files, fault FROM source_control_documents";
        let rows = client.query(sql, &[]).await.map_err(StoreError::of(operation))?;
        rows.iter()
            .map(|row| {
                let key = Key::try_from(row.get::<_, String>(0));
                let key = key.map_err(|_| StoreError::bad_word(operation, row.get(0)))?;
                let files = row.get::<_, Option<Json<BTreeMap<String, String>>>>(3).map(|files| files.0);
                Ok((key, UpstreamDocument { base: row.get(1), upstream: row.get(2), files, fault: row.get(4) }))
            })
            .collect()
    }

    /// Stores what the branch of the connection `id` has at a commit. What both sides had last stays. False when the connection is
    /// another one by now.
    pub async fn store_fetched(
        &self,
        id: Uuid,
        head: Option<&str>,
        documents: &BTreeMap<Key, UpstreamDocument>,
    ) -> Result<bool, StoreError> {
        let operation = "store what the repository has";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let sql = "UPDATE source_control SET head = $2, fetched_at = now() WHERE id = $1";
        if transaction.execute(sql, &[&id, &head]).await.map_err(StoreError::of(operation))? == 0 {
            return Ok(false);
        }
        let clear = "UPDATE source_control_documents SET upstream = NULL, files = NULL, fault = NULL";
        transaction.execute(clear, &[]).await.map_err(StoreError::of(operation))?;
        let sql = "INSERT INTO source_control_documents (key, upstream, files, fault) VALUES ($1, $2, $3, $4)
            ON CONFLICT (key) DO UPDATE SET upstream = excluded.upstream, files = excluded.files, fault = excluded.fault";
        for (key, UpstreamDocument { upstream, files, fault, .. }) in documents {
            let (key, files) = (key.to_string(), files.as_ref().map(Json));
            let values: [&(dyn ToSql + Sync); 4] = [&key, upstream, &files, fault];
            transaction.execute(sql, &values).await.map_err(StoreError::of(operation))?;
        }
        let gone = "DELETE FROM source_control_documents WHERE base IS NULL AND upstream IS NULL";
        transaction.execute(gone, &[]).await.map_err(StoreError::of(operation))?;
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(true)
    }

    /// Applies a pull, or stores what a commit brought into line: all of it with its records, or nothing.
    pub async fn synchronise(&self, by: Option<UserId>, synchronised: &Synchronised) -> Result<(), ApplyError> {
        let operation = "apply what the repository has";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        for written in &synchronised.write {
            write(&transaction, written, by).await?;
        }
        let sql = "INSERT INTO source_control_documents (key, base) VALUES ($1, $2)
            ON CONFLICT (key) DO UPDATE SET base = excluded.base";
        for (key, base) in &synchronised.bases {
            transaction.execute(sql, &[&key.to_string(), base]).await.map_err(StoreError::of(operation))?;
        }
        crate::audit::append_in(&transaction, &synchronised.records).await?;
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(())
    }

    /// Says whether an app's draft changes by pulls alone.
    pub async fn protect_app(&self, id: AppId, is_protected: bool) -> Result<(), StoreError> {
        let operation = "protect an app";
        let client = self.client(operation).await?;
        let sql = "UPDATE apps SET is_protected = $2 WHERE id = $1";
        match client.execute(sql, &[&id.0, &is_protected]).await.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::NotFound { operation }),
            _ => Ok(()),
        }
    }
}

fn slug(operation: &'static str, text: &str) -> Result<Slug, StoreError> {
    text.parse().map_err(|_| StoreError::bad_word(operation, text))
}

/// The resources, their SSH hosts by name.
async fn resources(client: &impl GenericClient, found: &mut BTreeMap<Key, LocalDocument>) -> Result<(), StoreError> {
    let operation = "read all resources";
    let rows = client.query("SELECT id, name FROM ssh_hosts", &[]).await.map_err(StoreError::of(operation))?;
    let hosts: HashMap<SshHostId, String> = rows.iter().map(|row| (SshHostId(row.get(0)), row.get(1))).collect();
    let named = |config: Value| {
        let config: ResourceConfig = serde_json::from_value(config).map_err(StoreError::damaged(operation))?;
        let settings = NamedSettings::of(&config, |id| hosts.get(&id)?.parse().ok());
        settings.ok_or_else(|| StoreError::bad_word(operation, "an SSH host that is gone"))
    };
    let sql = "SELECT r.id, r.name, r.config, r.revision, e.name, s.config FROM resources r
        LEFT JOIN resource_environments s ON s.resource_id = r.id LEFT JOIN environments e ON e.id = s.environment_id
        WHERE NOT r.built_in ORDER BY r.name, e.name";
    for row in client.query(sql, &[]).await.map_err(StoreError::of(operation))? {
        let key = Key { kind: Kind::Resource, slug: slug(operation, row.get(1))? };
        let settings = named(row.get(2))?;
        let local = found.entry(key).or_insert_with(|| {
            let file = ResourceFile { settings, environments: BTreeMap::new() };
            LocalDocument { id: row.get(0), revision: row.get(3), document: Document::Resource(file) }
        });
        if let (Document::Resource(file), Some(name)) = (&mut local.document, row.get::<_, Option<String>>(4)) {
            file.environments.insert(slug(operation, &name)?, named(row.get(5))?);
        }
    }
    Ok(())
}

async fn write(
    transaction: &Transaction<'_>,
    Written { key, replaces, document }: &Written,
    by: Option<UserId>,
) -> Result<(), ApplyError> {
    let operation = "apply what the repository has";
    let (title, draft) = match document {
        Document::App(app) => (&app.title, serde_json::to_value(app)),
        Document::Query(query) => (&query.title, serde_json::to_value(query)),
        Document::Workflow(workflow) => (&workflow.title, serde_json::to_value(workflow)),
        Document::Resource(file) => return write_resource(transaction, key, *replaces, file).await,
    };
    let draft = draft.map_err(StoreError::damaged(operation))?;
    let (_, table, word) = DRAFTS.into_iter().find(|(kind, ..)| *kind == key.kind).expect("a kind with a draft");
    if let Some((id, revision)) = replaces {
        if let Document::App(app) = document {
            let row = transaction.query_opt("SELECT is_module FROM apps WHERE id = $1", &[id]).await;
            let row = row.map_err(StoreError::of(operation))?;
            if row.is_some_and(|row| row.get::<_, bool>(0) != app.module.is_some()) {
                let message = "an app never becomes a module, nor a module an app: give it another name".to_owned();
                return Err(ApplyError::Refused { key: key.clone(), message });
            }
        }
        let sql = format!(
            "UPDATE {table} SET draft = $3, title = $4, draft_revision = draft_revision + 1, updated_at = now()
             WHERE id = $1 AND draft_revision = $2"
        );
        let values: [&(dyn ToSql + Sync); 4] = [id, revision, &draft, title];
        return match transaction.execute(&sql, &values).await.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::Changed { operation }.into()),
            _ => Ok(()),
        };
    }
    let id = Uuid::now_v7();
    let sql = format!("INSERT INTO {table} (id, slug, title, draft) VALUES ($1, $2, $3, $4)");
    let values: [&(dyn ToSql + Sync); 4] = [&id, &key.slug.as_str(), title, &draft];
    transaction.execute(&sql, &values).await.map_err(StoreError::of(operation))?;
    if let Some(by) = by {
        let grant = "INSERT INTO grants (object_kind, object_id, user_id, role) VALUES ($1, $2, $3, 'admin')";
        transaction.execute(grant, &[&word, &id, &by.0]).await.map_err(StoreError::of(operation))?;
    }
    Ok(())
}

/// A stored secret follows to no new server: it is forgotten, and entered again by an administrator.
async fn write_resource(
    transaction: &Transaction<'_>,
    key: &Key,
    replaced: Option<(Uuid, i64)>,
    file: &ResourceFile,
) -> Result<(), ApplyError> {
    let operation = "apply a resource of the repository";
    let refuse = |message: String| ApplyError::Refused { key: key.clone(), message };
    let rows = transaction.query("SELECT id, name FROM ssh_hosts", &[]).await.map_err(StoreError::of(operation))?;
    let hosts: HashMap<String, SshHostId> = rows.iter().map(|row| (row.get(1), SshHostId(row.get(0)))).collect();
    let resolve = |settings: &NamedSettings| {
        let config = settings.resolve(|name| hosts.get(name.as_str()).copied());
        config.ok_or_else(|| {
            let name = settings.ssh_host.as_ref().map_or("", Slug::as_str);
            refuse(format!("there is no SSH host `{name}` here: add it under Resources first"))
        })
    };
    let config = resolve(&file.settings)?;
    let json = serde_json::to_value(&config).map_err(StoreError::damaged(operation))?;
    let id = match replaced {
        Some((id, revision)) => {
            let row = transaction.query_opt("SELECT config FROM resources WHERE id = $1 FOR UPDATE", &[&id]).await;
            let row = row.map_err(StoreError::of(operation))?.ok_or(StoreError::Changed { operation })?;
            let keeps = keeps_secret(&config, row.get(0));
            let sql = "UPDATE resources SET config = $3, revision = revision + 1, updated_at = now(),
                sealed_secret = CASE WHEN $4 THEN sealed_secret END WHERE id = $1 AND revision = $2 AND NOT built_in";
            let values: [&(dyn ToSql + Sync); 4] = [&id, &revision, &json, &keeps];
            if transaction.execute(sql, &values).await.map_err(StoreError::of(operation))? == 0 {
                return Err(StoreError::Changed { operation }.into());
            }
            id
        }
        None => {
            let id = ResourceId::new().0;
            let sql = "INSERT INTO resources (id, name, config) VALUES ($1, $2, $3)";
            let values: [&(dyn ToSql + Sync); 3] = [&id, &key.slug.as_str(), &json];
            let written = transaction.execute(sql, &values).await.map_err(StoreError::of(operation));
            if matches!(written, Err(StoreError::Exists { .. })) {
                return Err(refuse("is the name of the built-in resource here: give it another name".to_owned()));
            }
            written?;
            id
        }
    };
    let names: Vec<&str> = file.environments.keys().map(Slug::as_str).collect();
    let sql = "DELETE FROM resource_environments s USING environments e
        WHERE e.id = s.environment_id AND s.resource_id = $1 AND NOT e.name = ANY($2)";
    transaction.execute(sql, &[&id, &names]).await.map_err(StoreError::of(operation))?;
    for (name, settings) in &file.environments {
        let config = resolve(settings)?;
        let json = serde_json::to_value(&config).map_err(StoreError::damaged(operation))?;
        let sql = "SELECT e.id, s.config FROM environments e
            LEFT JOIN resource_environments s ON s.environment_id = e.id AND s.resource_id = $1
            WHERE e.name = $2 AND NOT e.is_default AND e.removed_at IS NULL";
        let row = transaction.query_opt(sql, &[&id, &name.as_str()]).await.map_err(StoreError::of(operation))?;
        let missing = || refuse(format!("there is no environment `{name}` here: create it under Resources first"));
        let row = row.ok_or_else(missing)?;
        let (environment, keeps) = (row.get::<_, Uuid>(0), row.get::<_, Option<Value>>(1));
        let keeps = keeps.is_some_and(|stored| keeps_secret(&config, stored));
        let sql = "INSERT INTO resource_environments AS s (resource_id, environment_id, config) VALUES ($1, $2, $3)
            ON CONFLICT (resource_id, environment_id) DO UPDATE SET config = excluded.config, updated_at = now(),
            revision = nextval('resource_environment_revisions'), sealed_secret = CASE WHEN $4 THEN s.sealed_secret END";
        let values: [&(dyn ToSql + Sync); 4] = [&id, &environment, &json, &keeps];
        transaction.execute(sql, &values).await.map_err(StoreError::of(operation))?;
    }
    Ok(())
}

fn keeps_secret(config: &ResourceConfig, stored: Value) -> bool {
    serde_json::from_value::<ResourceConfig>(stored).is_ok_and(|stored| stored.destination() == config.destination())
}
