//! `/etc/bulkhead/db-connector.toml`.

use std::collections::BTreeMap;
use std::path::{Component, PathBuf};
use std::time::Duration;

use bulkhead_daemon_kit::{ConfigFault, DaemonConfig, NetworkPolicy};
use bulkhead_model::query::QueryLimits;
use bulkhead_model::resource::ResourceConfig;
use bulkhead_rpc::Address;
use bulkhead_store::DatabaseConfig;
use serde::Deserialize;

use crate::fetch::Origins;

/// The most that may be kept: half of what the unit may have.
const MAX_CACHE_BYTES: u32 = 512 * 1024 * 1024;

/// The least that answers share: the largest of them fits.
const MIN_ANSWER_BYTES: u32 = QueryLimits::MAX.max_bytes;

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
    /// Bytes of answers that are held whole at once, 67108864 to 4294967295, as they come. Rows of databases are streamed and do not count, nor do
    /// answers of up to 256 KiB. Counts toward the unit's MemoryMax, where an answer takes several times as much while it is read.
    answer_bytes: u32,
    /// Rows of an export at most, 0 to 4294967295; 0 turns exports off.
    export_rows: u32,
    /// Seconds that an export may take, 1 to 86400: one that is read slowly keeps its connection for as long.
    export_timeout_s: u32,
    /// Exports that are made at once, 1 to 100.
    max_exports: u32,
    /// Networks (`10.0.0.0/8`, `127.0.0.0/8`) that resources may use although the built-in policy refuses them: loopback and
    /// link-local addresses, where this machine's own services and cloud metadata are.
    allow_networks: Vec<String>,
    /// The networks that resources of a kind may use, by kind: `postgresql = ["10.1.0.0/16"]`. A kind that is not here may use all that the rest
    /// permits; one with an empty list reaches nothing but through SSH hosts, whose own rules hold.
    kind_networks: BTreeMap<String, Vec<String>>,
    /// Origins (`https://api.example.com`, `https://*.example.com`) that code in blocks may fetch. Default none.
    allow_fetch: Vec<String>,
    /// Directories (`/srv/bulkhead-sqlite`) below which the files of SQLite resources may lie. Default none: a file of this machine is
    /// nobody's resource until an administrator says so. The unit's sandbox must let the daemon reach them too (docs/resources/sqlite.md).
    sqlite_directories: Vec<PathBuf>,
    /// Socket of ssh-connector, for resources behind an SSH host.
    ssh_connector_socket: Address,
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
            answer_bytes: 256 * 1024 * 1024,
            export_rows: 10_000_000,
            export_timeout_s: 1800,
            max_exports: 8,
            allow_networks: Vec::new(),
            kind_networks: BTreeMap::new(),
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
    /// Bytes of answers that are held whole at once.
    pub answer_bytes: usize,
    /// Rows of an export at most; none where there are no exports.
    pub export_rows: u32,
    /// How long an export may take.
    pub export_timeout: Duration,
    /// Exports that are made at once.
    pub max_exports: usize,
    /// Which addresses resources may use.
    pub network: NetworkPolicy,
    /// The same for kinds of resources that have a list of their own.
    pub kind_networks: BTreeMap<String, NetworkPolicy>,
    /// What code may fetch.
    pub fetch: Origins,
    /// Below which SQLite's files may lie.
    pub sqlite_directories: Vec<PathBuf>,
    /// Socket of ssh-connector.
    pub ssh_connector_socket: Address,
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
        if raw.answer_bytes < MIN_ANSWER_BYTES {
            let message = format!("must be between {MIN_ANSWER_BYTES} and {}", u32::MAX);
            return Err(ConfigFault::new("answer-bytes", message));
        }
        let network =
            NetworkPolicy::new(&raw.allow_networks).map_err(|message| ConfigFault::new("allow-networks", message))?;
        let kind_networks = kind_networks(&network, raw.kind_networks)?;
        let millis = |key, value| within(key, value, 60_000).map(|value| Duration::from_millis(value.into()));
        Ok(Self {
            database: raw.database,
            max_connections: within("max-connections-per-resource", raw.max_connections_per_resource, 200)? as usize,
            connection_wait: millis("connection-wait-ms", raw.connection_wait_ms)?,
            connect_timeout: millis("connect-timeout-ms", raw.connect_timeout_ms)?,
            idle_timeout: Duration::from_secs(within("idle-timeout-s", raw.idle_timeout_s, 3600)?.into()),
            cache_bytes: raw.cache_bytes as usize,
            answer_bytes: raw.answer_bytes as usize,
            export_rows: raw.export_rows,
            export_timeout: Duration::from_secs(within("export-timeout-s", raw.export_timeout_s, 86_400)?.into()),
            max_exports: within("max-exports", raw.max_exports, 100)? as usize,
            ssh_connector_socket: raw.ssh_connector_socket,
            sqlite_directories: directories(raw.sqlite_directories)?,
            fetch: Origins::new(&raw.allow_fetch).map_err(|message| ConfigFault::new("allow-fetch", message))?,
            network,
            kind_networks,
        })
    }

    fn calls_elsewhere(&self) -> Option<&'static str> {
        self.ssh_connector_socket.is_elsewhere().then_some("ssh-connector-socket")
    }
}

/// The policy of each kind that has networks of its own.
fn kind_networks(
    network: &NetworkPolicy,
    listed: BTreeMap<String, Vec<String>>,
) -> Result<BTreeMap<String, NetworkPolicy>, ConfigFault> {
    let policies = listed.into_iter().map(|(kind, networks)| {
        let key = format!("kind-networks.{kind}");
        if !ResourceConfig::KINDS_OF_SERVERS.contains(&kind.as_str()) {
            let kinds = ResourceConfig::KINDS_OF_SERVERS.join(", ");
            return Err(ConfigFault::new(&key, format!("is no kind of resource that has a server: {kinds}")));
        }
        let policy = network.within(&networks).map_err(|message| ConfigFault::new(&key, message))?;
        Ok((kind, policy))
    });
    policies.collect()
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
    fn networks_are_listed_for_kinds_that_there_are() {
        let with = |kind: &str, network: &str| {
            let kind_networks = BTreeMap::from([(kind.to_owned(), vec![network.to_owned()])]);
            Config::from_raw(RawConfig { kind_networks, ..RawConfig::default() })
        };
        assert!(with("sql-server", "10.0.0.0/8").is_ok());
        for (kind, network) in [("sqlite", "10.0.0.0/8"), ("postgres", "10.0.0.0/8"), ("postgresql", "10.0.0.1")] {
            let fault = with(kind, network).expect_err("refused");
            assert_eq!(fault.key, format!("kind-networks.{kind}"));
        }
    }

    #[test]
    fn answers_share_enough_for_the_largest() {
        let raw = RawConfig { answer_bytes: 1024, ..RawConfig::default() };
        assert_eq!(Config::from_raw(raw).expect_err("refused").key, "answer-bytes");
    }

    #[test]
    fn a_bad_network_names_its_key() {
        let raw = RawConfig { allow_networks: vec!["10.0.0.0/40".into()], ..RawConfig::default() };
        assert_eq!(Config::from_raw(raw).expect_err("refused").key, "allow-networks");
    }
}
