//! `/etc/bulkhead/jobs-runner.toml`.

use std::path::PathBuf;
use std::time::Duration;

use bulkhead_daemon_kit::{ConfigFault, DaemonConfig};
use bulkhead_store::DatabaseConfig;
use serde::Deserialize;

/// The file's shape.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct RawConfig {
    /// The database; this daemon's role owns its schema.
    database: DatabaseConfig,
    /// Seconds between two rounds of the background jobs, 1 to 86400.
    interval_s: u32,
    /// Where library-builder listens.
    library_builder_socket: PathBuf,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            database: DatabaseConfig { max_connections: 4, ..DatabaseConfig::default() },
            interval_s: 60,
            library_builder_socket: bulkhead_rpc::library_builder::SOCKET.into(),
        }
    }
}

/// The validated configuration.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The database.
    pub(crate) database: DatabaseConfig,
    /// Between two rounds.
    pub(crate) interval: Duration,
    /// Where library-builder listens.
    pub(crate) library_builder_socket: PathBuf,
}

impl DaemonConfig for Config {
    type Raw = RawConfig;

    fn from_raw(raw: RawConfig) -> Result<Self, ConfigFault> {
        if !(1..=86_400).contains(&raw.interval_s) {
            return Err(ConfigFault::new("interval-s", "must be between 1 and 86400"));
        }
        let socket = &raw.library_builder_socket;
        ConfigFault::unless_absolute("library-builder-socket", socket, bulkhead_rpc::library_builder::SOCKET)?;
        Ok(Self {
            database: raw.database,
            interval: Duration::from_secs(raw.interval_s.into()),
            library_builder_socket: raw.library_builder_socket,
        })
    }
}
