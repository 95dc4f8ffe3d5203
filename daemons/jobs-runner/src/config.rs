//! `/etc/bulkhead/jobs-runner.toml`.

use std::path::PathBuf;
use std::time::Duration;

use bulkhead_daemon_kit::{ConfigFault, DaemonConfig, NetworkPolicy};
use bulkhead_rpc::Address;
use bulkhead_store::DatabaseConfig;
use serde::Deserialize;

use crate::source_control::Folders;

/// The file's shape.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct RawConfig {
    /// The database; this daemon's role owns its schema.
    database: DatabaseConfig,
    /// Seconds between two rounds of the background jobs, 1 to 86400.
    interval_s: u32,
    /// Where library-builder listens: of several, each builds every set, since code-executor takes sets from its own machine's disk.
    library_builder_socket: Address,
    /// Days after which audit records are deleted, 30 to 36500; kept for ever when absent. What stays can be verified all the same.
    audit_keep_days: Option<u32>,
    /// Networks (`10.0.0.0/8`) in which git repositories may be although the built-in policy refuses them: loopback and link-local
    /// addresses, where this machine's own services and cloud metadata are.
    allow_networks: Vec<String>,
    /// Where Source Control keeps a repository for as long as a job takes.
    work_directory: PathBuf,
    /// Where it lays down the key of a repository for as long as a job takes; in memory.
    runtime_directory: PathBuf,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            database: DatabaseConfig { max_connections: 4, ..DatabaseConfig::default() },
            interval_s: 60,
            library_builder_socket: bulkhead_rpc::library_builder::SOCKET.into(),
            audit_keep_days: None,
            allow_networks: Vec::new(),
            work_directory: WORK.into(),
            runtime_directory: RUNTIME.into(),
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
    pub(crate) library_builder_socket: Address,
    /// Days after which audit records are deleted, if they are.
    pub(crate) audit_keep_days: Option<i32>,
    /// Where git repositories may be.
    pub(crate) network: NetworkPolicy,
    /// Where Source Control works.
    pub(crate) folders: Folders,
}

const WORK: &str = "/var/cache/bulkhead-jobs-runner";
const RUNTIME: &str = "/run/bulkhead-jobs-runner";

impl DaemonConfig for Config {
    type Raw = RawConfig;

    fn from_raw(raw: RawConfig) -> Result<Self, ConfigFault> {
        if !(1..=86_400).contains(&raw.interval_s) {
            return Err(ConfigFault::new("interval-s", "must be between 1 and 86400"));
        }
        if raw.audit_keep_days.is_some_and(|days| !(30..=36_500).contains(&days)) {
            return Err(ConfigFault::new("audit-keep-days", "must be between 30 and 36500, or absent to keep all"));
        }
        ConfigFault::unless_absolute("work-directory", &raw.work_directory, WORK)?;
        ConfigFault::unless_absolute("runtime-directory", &raw.runtime_directory, RUNTIME)?;
        Ok(Self {
            database: raw.database,
            interval: Duration::from_secs(raw.interval_s.into()),
            library_builder_socket: raw.library_builder_socket,
            audit_keep_days: raw.audit_keep_days.and_then(|days| i32::try_from(days).ok()),
            network: NetworkPolicy::new(&raw.allow_networks)
                .map_err(|message| ConfigFault::new("allow-networks", message))?,
            folders: Folders { work: raw.work_directory, runtime: raw.runtime_directory },
        })
    }

    fn calls_elsewhere(&self) -> Option<&'static str> {
        self.library_builder_socket.is_elsewhere().then_some("library-builder-socket")
    }
}
