//! Migrations: numbered SQL files, forward only, each in one transaction, under one advisory lock.

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{Database, StoreError};

/// One numbered file.
struct Migration {
    version: i32,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "first_light", sql: include_str!("../migrations/V1__first_light.sql") },
    Migration {
        version: 2,
        name: "secrets_and_libraries",
        sql: include_str!("../migrations/V2__secrets_and_libraries.sql"),
    },
    Migration { version: 3, name: "scopes_and_waits", sql: include_str!("../migrations/V3__scopes_and_waits.sql") },
    Migration {
        version: 4,
        name: "schedules_and_queues",
        sql: include_str!("../migrations/V4__schedules_and_queues.sql"),
    },
    Migration { version: 5, name: "events_and_groups", sql: include_str!("../migrations/V5__events_and_groups.sql") },
    Migration {
        version: 6,
        name: "traces_and_retention",
        sql: include_str!("../migrations/V6__traces_and_retention.sql"),
    },
    Migration {
        version: 7,
        name: "families_and_retention",
        sql: include_str!("../migrations/V7__families_and_retention.sql"),
    },
    Migration { version: 8, name: "ssh_hosts", sql: include_str!("../migrations/V8__ssh_hosts.sql") },
    Migration { version: 9, name: "life_of_apps", sql: include_str!("../migrations/V9__life_of_apps.sql") },
    Migration {
        version: 10,
        name: "accounts_of_resources",
        sql: include_str!("../migrations/V10__accounts_of_resources.sql"),
    },
    Migration { version: 11, name: "sign_in", sql: include_str!("../migrations/V11__sign_in.sql") },
    Migration {
        version: 12,
        name: "environments_and_query_library",
        sql: include_str!("../migrations/V12__environments_and_query_library.sql"),
    },
    Migration { version: 13, name: "marks_of_starts", sql: include_str!("../migrations/V13__marks_of_starts.sql") },
    Migration { version: 14, name: "modules", sql: include_str!("../migrations/V14__modules.sql") },
    Migration { version: 15, name: "people", sql: include_str!("../migrations/V15__people.sql") },
    Migration { version: 16, name: "source_control", sql: include_str!("../migrations/V16__source_control.sql") },
    Migration {
        version: 17,
        name: "folders_and_roles_of_groups",
        sql: include_str!("../migrations/V17__folders_and_roles_of_groups.sql"),
    },
];

/// The version that this build needs: that of the last migration.
pub const SCHEMA_VERSION: i32 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// Taken by whoever migrates; any constant that nothing else in the database uses.
const ADVISORY_LOCK: i64 = 0x6275_6c6b_6865_6164;

/// Why a migration stopped. What was done before it stays; it can be tried again.
#[derive(Debug, Error)]
pub enum MigrationError {
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file failed; its transaction was rolled back.
    #[error("migration {version} ({name}) failed and was rolled back")]
    Failed {
        /// Its number.
        version: i32,
        /// Its name.
        name: &'static str,
        /// The cause.
        #[source]
        source: tokio_postgres::Error,
    },
    /// An applied file is not the one that this build has.
    #[error(
        "migration {version} ({name}) was applied with another content: this build does not belong to this database"
    )]
    Checksum {
        /// Its number.
        version: i32,
        /// Its name.
        name: &'static str,
    },
    /// The database is ahead of this build.
    #[error(
        "the database has schema {found} and this build knows {SCHEMA_VERSION}: install the newer version of Bulkhead again"
    )]
    Newer {
        /// The database's version.
        found: i32,
    },
}

/// Brings the schema to [`SCHEMA_VERSION`]. Returns the versions that were applied now. A second migrator waits for the first
/// and then finds nothing to do.
pub async fn migrate(database: &Database) -> Result<Vec<i32>, MigrationError> {
    let operation = "migrate the database";
    let mut client = database.client(operation).await?;
    let refuse = StoreError::of;
    client.batch_execute("SET statement_timeout = 0").await.map_err(refuse(operation))?;
    client.execute("SELECT pg_advisory_lock($1)", &[&ADVISORY_LOCK]).await.map_err(refuse(operation))?;
    let outcome = apply(&mut client).await;
    let unlocked = client.execute("SELECT pg_advisory_unlock($1)", &[&ADVISORY_LOCK]).await;
    let restored = client.batch_execute("SET statement_timeout = '30s'").await;
    let applied = outcome?;
    unlocked.map_err(refuse(operation))?;
    restored.map_err(refuse(operation))?;
    Ok(applied)
}

async fn apply(client: &mut tokio_postgres::Client) -> Result<Vec<i32>, MigrationError> {
    let operation = "read the applied migrations";
    let table = "CREATE TABLE IF NOT EXISTS schema_migrations (
        version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())";
    client.batch_execute(table).await.map_err(StoreError::of(operation))?;
    let rows = client.query("SELECT version, checksum FROM schema_migrations ORDER BY version", &[]).await;
    let rows = rows.map_err(StoreError::of(operation))?;
    let applied: Vec<(i32, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    if let Some((found, _)) = applied.last().filter(|(version, _)| *version > SCHEMA_VERSION) {
        return Err(MigrationError::Newer { found: *found });
    }
    let mut done = Vec::new();
    for Migration { version, name, sql } in MIGRATIONS {
        let checksum = hex::encode(Sha256::digest(sql));
        match applied.iter().find(|(applied, _)| applied == version) {
            Some((_, stored)) if *stored == checksum => continue,
            Some(_) => return Err(MigrationError::Checksum { version: *version, name }),
            None => {}
        }
        let failed = |source| MigrationError::Failed { version: *version, name, source };
        let transaction = client.transaction().await.map_err(failed)?;
        transaction.batch_execute(sql).await.map_err(failed)?;
        let record = "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)";
        transaction.execute(record, &[version, name, &checksum]).await.map_err(failed)?;
        // Every daemon waits for its schema by reading this table; a migration may have revoked it with all the others.
        transaction.batch_execute("GRANT SELECT ON schema_migrations TO PUBLIC").await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        tracing::info!("applied migration {version} ({name})");
        done.push(*version);
    }
    Ok(done)
}
