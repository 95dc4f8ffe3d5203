//! SSH hosts: settings in the clear, secrets sealed to ssh-connector.
//!
//! api may write a sealed secret and not even read it back sealed: its role has no right to select that column.

use std::collections::BTreeMap;

use bulkhead_model::SshHostId;
use bulkhead_model::ssh::{MAX_SSH_HOSTS_IN_A_ROW, SshAuthentication, SshHostConfig};
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Database, StoreError};

/// An SSH host, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshHost {
    /// The id, which its secret is sealed to.
    pub id: SshHostId,
    /// The name that people know it by.
    pub name: String,
    /// The settings.
    pub config: SshHostConfig,
    /// What its secret is.
    pub authentication: SshAuthentication,
    /// When it changed last.
    pub updated_at: OffsetDateTime,
    /// What is reached through it.
    pub uses: SshHostUses,
}

/// What is reached through an SSH host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SshHostUses {
    /// The names of resources.
    pub resources: Vec<String>,
    /// The names of other SSH hosts.
    pub ssh_hosts: Vec<String>,
}

/// One host on the way, with its sealed secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshHop {
    /// The id, which its secret is sealed to.
    pub id: SshHostId,
    /// The settings.
    pub config: SshHostConfig,
    /// Sealed to ssh-connector.
    pub sealed_secret: String,
}

/// The settings and the secret to store.
#[derive(Clone, Copy, Debug)]
pub struct SshHostChange<'a> {
    /// The settings.
    pub config: &'a SshHostConfig,
    /// What the secret is, and the secret, sealed.
    pub secret: Option<(SshAuthentication, &'a str)>,
}

/// Whether an SSH host was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SshHostSaved {
    /// It was.
    Yes,
    /// There is no such jump host.
    NoJumpHost,
    /// It would be reached through itself, or more than [`MAX_SSH_HOSTS_IN_A_ROW`] would stand in a row.
    RowTooLong,
}

/// Resources with their settings in each environment.
const CONFIGURED: &str = "SELECT name, config FROM resources
    UNION ALL SELECT r.name, s.config FROM resource_environments s JOIN resources r ON r.id = s.resource_id";

/// Writers wait for each other, readers for nobody: two changes at once could close a circle that neither sees.
const ONE_WRITER: &str = "LOCK TABLE ssh_hosts IN SHARE ROW EXCLUSIVE MODE";

impl SshHostUses {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.ssh_hosts.is_empty()
    }
}

impl Database {
    /// All SSH hosts, by name.
    pub async fn ssh_hosts(&self) -> Result<Vec<SshHost>, StoreError> {
        let operation = "list SSH hosts";
        let client = self.client(operation).await?;
        let sql =
            "SELECT id, host, port, user_name, host_key, jump_host_id, name, authentication, updated_at FROM ssh_hosts
            ORDER BY name";
        let rows = client.query(sql, &[]).await.map_err(StoreError::of(operation))?;
        let mut hosts = rows.iter().map(|row| ssh_host(operation, row)).collect::<Result<Vec<_>, _>>()?;
        let sql = &format!(
            "SELECT DISTINCT config ->> 'ssh-host', name FROM ({CONFIGURED}) r WHERE config ->> 'ssh-host' IS NOT NULL ORDER BY name"
        );
        let mut resources: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in client.query(sql, &[]).await.map_err(StoreError::of(operation))? {
            resources.entry(row.get(0)).or_default().push(row.get(1));
        }
        let mut behind: BTreeMap<SshHostId, Vec<String>> = BTreeMap::new();
        for host in &hosts {
            if let Some(jump) = host.config.jump_host {
                behind.entry(jump).or_default().push(host.name.clone());
            }
        }
        for host in &mut hosts {
            host.uses.resources = resources.remove(&host.id.to_string()).unwrap_or_default();
            host.uses.ssh_hosts = behind.remove(&host.id).unwrap_or_default();
        }
        Ok(hosts)
    }

    /// An SSH host by its name.
    pub async fn ssh_host(&self, name: &str) -> Result<SshHost, StoreError> {
        let found = self.ssh_hosts().await?.into_iter().find(|host| host.name == name);
        found.ok_or(StoreError::NotFound { operation: "read an SSH host" })
    }

    /// The name of an SSH host, if there is one of this id.
    pub async fn ssh_host_name(&self, id: SshHostId) -> Result<Option<String>, StoreError> {
        let operation = "look up an SSH host";
        let client = self.client(operation).await?;
        let row = client.query_opt("SELECT name FROM ssh_hosts WHERE id = $1", &[&id.0]).await;
        Ok(row.map_err(StoreError::of(operation))?.map(|row| row.get(0)))
    }

    /// Adds an SSH host under an id that its secret is already sealed to.
    pub async fn create_ssh_host(
        &self,
        id: SshHostId,
        name: &str,
        config: &SshHostConfig,
        (authentication, sealed): (SshAuthentication, &str),
    ) -> Result<SshHostSaved, StoreError> {
        let operation = "add an SSH host";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        transaction.batch_execute(ONE_WRITER).await.map_err(StoreError::of(operation))?;
        if !is_there(operation, &transaction, config.jump_host).await? {
            return Ok(SshHostSaved::NoJumpHost);
        }
        let sql = "INSERT INTO ssh_hosts (id, name, host, port, user_name, host_key, jump_host_id, authentication, sealed_secret)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let (port, jump_host) = (i32::from(config.port), config.jump_host.map(|jump| jump.0));
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 9] = [
            &id.0,
            &name,
            &config.host,
            &port,
            &config.user,
            &config.host_key,
            &jump_host,
            &authentication.as_str(),
            &sealed,
        ];
        transaction.execute(sql, &values).await.map_err(StoreError::of(operation))?;
        commit_if_short(operation, transaction).await
    }

    /// Changes an SSH host; the stored secret stays where none is given.
    pub async fn update_ssh_host(&self, id: SshHostId, change: SshHostChange<'_>) -> Result<SshHostSaved, StoreError> {
        let operation = "change an SSH host";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        transaction.batch_execute(ONE_WRITER).await.map_err(StoreError::of(operation))?;
        let SshHostChange { config, secret } = change;
        if !is_there(operation, &transaction, config.jump_host).await? {
            return Ok(SshHostSaved::NoJumpHost);
        }
        if config.jump_host == Some(id) {
            return Ok(SshHostSaved::RowTooLong);
        }
        let sql = "UPDATE ssh_hosts SET host = $2, port = $3, user_name = $4, host_key = $5, jump_host_id = $6, updated_at = now()
            WHERE id = $1";
        let (port, jump_host) = (i32::from(config.port), config.jump_host.map(|jump| jump.0));
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
            [&id.0, &config.host, &port, &config.user, &config.host_key, &jump_host];
        if transaction.execute(sql, &values).await.map_err(StoreError::of(operation))? == 0 {
            return Err(StoreError::NotFound { operation });
        }
        if let Some((authentication, sealed)) = secret {
            let sql = "UPDATE ssh_hosts SET authentication = $2, sealed_secret = $3 WHERE id = $1";
            let written = transaction.execute(sql, &[&id.0, &authentication.as_str(), &sealed]).await;
            written.map_err(StoreError::of(operation))?;
        }
        commit_if_short(operation, transaction).await
    }

    /// Deletes an SSH host that nothing is reached through. Else it stays, and what is reached through it is the answer.
    pub async fn delete_ssh_host(&self, id: SshHostId) -> Result<SshHostUses, StoreError> {
        let operation = "delete an SSH host";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        transaction.batch_execute(ONE_WRITER).await.map_err(StoreError::of(operation))?;
        let names = async |sql: &str, value: &(dyn tokio_postgres::types::ToSql + Sync)| {
            let rows = transaction.query(sql, &[value]).await.map_err(StoreError::of(operation))?;
            Ok::<_, StoreError>(rows.iter().map(|row| row.get(0)).collect::<Vec<String>>())
        };
        let resources =
            &format!("SELECT DISTINCT name FROM ({CONFIGURED}) r WHERE config ->> 'ssh-host' = $1 ORDER BY name");
        let hosts = "SELECT name FROM ssh_hosts WHERE jump_host_id = $1 ORDER BY name";
        let uses =
            SshHostUses { resources: names(resources, &id.to_string()).await?, ssh_hosts: names(hosts, &id.0).await? };
        if !uses.is_empty() {
            return Ok(uses);
        }
        let deleted = transaction.execute("DELETE FROM ssh_hosts WHERE id = $1", &[&id.0]).await;
        if deleted.map_err(StoreError::of(operation))? == 0 {
            return Err(StoreError::NotFound { operation });
        }
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(uses)
    }

    /// The way to an SSH host, itself at the end: each is reached through the one before it. More than
    /// [`MAX_SSH_HOSTS_IN_A_ROW`] are never stored; where they are all the same, one more than that is the answer.
    pub async fn ssh_way(&self, id: SshHostId) -> Result<Vec<SshHop>, StoreError> {
        let operation = "read the way to an SSH host";
        let client = self.client(operation).await?;
        let sql = format!(
            "WITH RECURSIVE way AS (
                 SELECT h.*, 1 AS place FROM ssh_hosts h WHERE h.id = $1
                 UNION ALL
                 SELECT h.*, way.place + 1 FROM way JOIN ssh_hosts h ON h.id = way.jump_host_id
                     WHERE way.place <= {MAX_SSH_HOSTS_IN_A_ROW})
             SELECT id, host, port, user_name, host_key, jump_host_id, sealed_secret FROM way ORDER BY place DESC"
        );
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let rows = client.query(&statement, &[&id.0]).await.map_err(StoreError::of(operation))?;
        if rows.is_empty() {
            return Err(StoreError::NotFound { operation });
        }
        let hop = |row: &Row| {
            Ok(SshHop { id: SshHostId(row.get(0)), config: config(operation, row)?, sealed_secret: row.get(6) })
        };
        rows.iter().map(hop).collect()
    }
}

/// Of a row that begins with id, host, port, user, host key and jump host.
fn config(operation: &'static str, row: &Row) -> Result<SshHostConfig, StoreError> {
    Ok(SshHostConfig {
        host: row.get(1),
        port: u16::try_from(row.get::<_, i32>(2)).map_err(StoreError::damaged(operation))?,
        user: row.get(3),
        host_key: row.get(4),
        jump_host: row.get::<_, Option<Uuid>>(5).map(SshHostId),
    })
}

fn ssh_host(operation: &'static str, row: &Row) -> Result<SshHost, StoreError> {
    let authentication: &str = row.get(7);
    Ok(SshHost {
        id: SshHostId(row.get(0)),
        name: row.get(6),
        config: config(operation, row)?,
        authentication: authentication.parse().map_err(|()| StoreError::bad_word(operation, authentication))?,
        updated_at: row.get(8),
        uses: SshHostUses::default(),
    })
}

async fn is_there(
    operation: &'static str,
    transaction: &deadpool_postgres::Transaction<'_>,
    jump_host: Option<SshHostId>,
) -> Result<bool, StoreError> {
    let Some(jump_host) = jump_host else { return Ok(true) };
    let found = transaction.query_opt("SELECT 1 FROM ssh_hosts WHERE id = $1", &[&jump_host.0]).await;
    Ok(found.map_err(StoreError::of(operation))?.is_some())
}

/// Commits unless too many hosts stand in a row now, wherever in it the change was. A circle is a row without an end.
async fn commit_if_short(
    operation: &'static str,
    transaction: deadpool_postgres::Transaction<'_>,
) -> Result<SshHostSaved, StoreError> {
    let sql = format!(
        "WITH RECURSIVE way AS (
             SELECT jump_host_id, 1 AS place FROM ssh_hosts
             UNION ALL
             SELECT h.jump_host_id, way.place + 1 FROM way JOIN ssh_hosts h ON h.id = way.jump_host_id
                 WHERE way.place <= {MAX_SSH_HOSTS_IN_A_ROW})
         SELECT coalesce(max(place), 0) > {MAX_SSH_HOSTS_IN_A_ROW} FROM way"
    );
    if transaction.query_one(&sql, &[]).await.map_err(StoreError::of(operation))?.get(0) {
        return Ok(SshHostSaved::RowTooLong);
    }
    transaction.commit().await.map_err(StoreError::of(operation))?;
    Ok(SshHostSaved::Yes)
}
