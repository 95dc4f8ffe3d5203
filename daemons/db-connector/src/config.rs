//! `/etc/bulkhead/db-connector.toml`.

use std::path::{Component, PathBuf};
use std::time::Duration;

use bulkhead_daemon_kit::{ConfigFault, DaemonConfig, NetworkPolicy};
use bulkhead_store::DatabaseConfig;
use serde::Deserialize;

use crate::fetch::Origins;

/// The most that may be kept: half of what the unit may have.
const MAX_CACHE_BYTES: u32 = 512 * 1024 * 1024;

/// The file's shape.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RawConfig {
    /// Where resources are stored.
    database: DatabaseConfig,
    /// Connections to one resource at most, 1 to 200; more queries wait.
    max_connections_per_resource: u32,
    /// Milliseconds that a query waits for a connection before it is refused, 1 to 60000.
    connection_wait_ms: u32,
    /// Milliseconds to connect to a resource, 1 to 60000.
    connect_timeout_ms: u32,
    /// Seconds after which an unused connection is closed, 1 to 3600.
    idle_timeout_s: u32,
    /// Bytes of results that are kept for queries with `cache-seconds`, 0 to 536870912; 0 keeps none. The least used go first, and none is
    /// larger than an eighth of it. Counts toward the unit's MemoryMax.
    cache_bytes: u32,
    /// Rows of an export at most, 0 to 4294967295; 0 turns exports off.
    export_rows: u32,
    /// Seconds that an export may take, 1 to 86400: one that is read slowly keeps its connection for as long.
    export_timeout_s: u32,
    /// Exports that are made at once, 1 to 100.
    max_exports: u32,
    /// Networks (`10.0.0.0/8`, `127.0.0.0/8`) that resources may use although the built-in policy refuses them: loopback and
    /// link-local addresses, where this machine's own services and cloud metadata are.
    allow_networks: Vec<String>,
    /// Origins (`https://api.example.com`, `https://*.example.com`) that code in blocks may fetch. Default none.
    allow_fetch: Vec<String>,
    /// Directories (`/srv/bulkhead-sqlite`) below which the files of SQLite resources may lie. Default none: a file of this machine is
    /// nobody's resource until an administrator says so. The unit's sandbox must let the daemon reach them too (docs/resources/sqlite.md).
    sqlite_directories: Vec<PathBuf>,
    /// Socket of ssh-connector, for resources behind an SSH host.
    ssh_connector_socket: PathBuf,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            database: DatabaseConfig { max_connections: 4, ..DatabaseConfig::default() },
            max_connections_per_resource: 16,
            connection_wait_ms: 5_000,
            connect_timeout_ms: 5_000,
            idle_timeout_s: 300,
            cache_bytes: 64 * 1024 * 1024,
            export_rows: 10_000_000,
            export_timeout_s: 1800,
            max_exports: 8,
            allow_networks: Vec::new(),
            allow_fetch: Vec::new(),
            sqlite_directories: Vec::new(),
            ssh_connector_socket: bulkhead_rpc::ssh::SOCKET.into(),
        }
    }
}

/// The validated configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where resources are stored.
    pub database: DatabaseConfig,
    /// Connections to one resource at most.
    pub max_connections: usize,
    /// How long a query waits for a connection.
    pub connection_wait: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// After how long an unused connection is closed.
    pub idle_timeout: Duration,
    /// Bytes of results that are kept.
    pub cache_bytes: usize,
    /// Rows of an export at most; none where there are no exports.
    pub export_rows: u32,
    /// How long an export may take.
    pub export_timeout: Duration,
    /// Exports that are made at once.
    pub max_exports: usize,
    /// Which addresses resources may use.
    pub network: NetworkPolicy,
    /// What code may fetch.
    pub fetch: Origins,
    /// Below which SQLite's files may lie.
    pub sqlite_directories: Vec<PathBuf>,
    /// Socket of ssh-connector.
    pub ssh_connector_socket: PathBuf,
}

impl DaemonConfig for Config {
    type Raw = RawConfig;

    fn from_raw(raw: RawConfig) -> Result<Self, ConfigFault> {
        let within = |key: &str, value: u32, most: u32| {
            if (1..=most).contains(&value) {
                Ok(value)
            } else {
                Err(ConfigFault::new(key, format!("must be between 1 and {most}")))
            }
        };
        if raw.cache_bytes > MAX_CACHE_BYTES {
            return Err(ConfigFault::new("cache-bytes", format!("must be between 0 and {MAX_CACHE_BYTES}")));
        }
        let millis = |key, value| within(key, value, 60_000).map(|value| Duration::from_millis(value.into()));
        Ok(Self {
            database: raw.database,
            max_connections: within("max-connections-per-resource", raw.max_connections_per_resource, 200)? as usize,
            connection_wait: millis("connection-wait-ms", raw.connection_wait_ms)?,
            connect_timeout: millis("connect-timeout-ms", raw.connect_timeout_ms)?,
            idle_timeout: Duration::from_secs(within("idle-timeout-s", raw.idle_timeout_s, 3600)?.into()),
            cache_bytes: raw.cache_bytes as usize,
            export_rows: raw.export_rows,
            export_timeout: Duration::from_secs(within("export-timeout-s", raw.export_timeout_s, 86_400)?.into()),
            max_exports: within("max-exports", raw.max_exports, 100)? as usize,
            ssh_connector_socket: raw.ssh_connector_socket,
            sqlite_directories: directories(raw.sqlite_directories)?,
            fetch: Origins::new(&raw.allow_fetch).map_err(|message| ConfigFault::new("allow-fetch", message))?,
            network: NetworkPolicy::new(&raw.allow_networks)
                .map_err(|message| ConfigFault::new("allow-networks", message))?,
        })
    }
}

/// Directories that are whole paths, and not the whole machine.
fn directories(listed: Vec<PathBuf>) -> Result<Vec<PathBuf>, ConfigFault> {
    let is_whole = |path: &PathBuf| {
        let mut parts = path.components();
        parts.next() == Some(Component::RootDir)
            && path.components().count() > 1
            && parts.all(|part| matches!(part, Component::Normal(_)))
    };
    match listed.iter().find(|path| !is_whole(path)) {
        Some(path) => {
            let message = format!("{} must be the whole path of a directory, without .. in it", path.display());
            Err(ConfigFault::new("sqlite-directories", message))
        }
        None => Ok(listed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound() {
        assert!(Config::from_raw(RawConfig::default()).is_ok());
    }

    #[test]
    fn a_directory_is_a_whole_path() {
        for (path, is_sound) in [("/srv/data", true), ("/", false), ("data", false), ("/srv/../etc", false)] {
            let raw = RawConfig { sqlite_directories: vec![path.into()], ..RawConfig::default() };
            assert_eq!(Config::from_raw(raw).is_ok(), is_sound, "{path}");
        }
    }

    #[test]
    fn a_bad_network_names_its_key() {
        let raw = RawConfig { allow_networks: vec!["10.0.0.0/40".into()], ..RawConfig::default() };
        assert_eq!(Config::from_raw(raw).expect_err("refused").key, "allow-networks");
    }
}
