//! `/etc/bulkhead/db-connector.toml`.

use std::path::PathBuf;
use std::time::Duration;

use bulkhead_daemon_kit::{ConfigFault, DaemonConfig, NetworkPolicy};
use bulkhead_store::DatabaseConfig;
use serde::Deserialize;

use crate::fetch::Origins;

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
    /// Networks (`10.0.0.0/8`, `127.0.0.0/8`) that resources may use although the built-in policy refuses them: loopback and
    /// link-local addresses, where this machine's own services and cloud metadata are.
    allow_networks: Vec<String>,
    /// Origins (`https://api.example.com`, `https://*.example.com`) that code in blocks may fetch. Default none.
    allow_fetch: Vec<String>,
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
            allow_networks: Vec::new(),
            allow_fetch: Vec::new(),
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
    /// Which addresses resources may use.
    pub network: NetworkPolicy,
    /// What code may fetch.
    pub fetch: Origins,
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
        let millis = |key, value| within(key, value, 60_000).map(|value| Duration::from_millis(value.into()));
        Ok(Self {
            database: raw.database,
            max_connections: within("max-connections-per-resource", raw.max_connections_per_resource, 200)? as usize,
            connection_wait: millis("connection-wait-ms", raw.connection_wait_ms)?,
            connect_timeout: millis("connect-timeout-ms", raw.connect_timeout_ms)?,
            idle_timeout: Duration::from_secs(within("idle-timeout-s", raw.idle_timeout_s, 3600)?.into()),
            ssh_connector_socket: raw.ssh_connector_socket,
            fetch: Origins::new(&raw.allow_fetch).map_err(|message| ConfigFault::new("allow-fetch", message))?,
            network: NetworkPolicy::new(&raw.allow_networks)
                .map_err(|message| ConfigFault::new("allow-networks", message))?,
        })
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
    fn a_bad_network_names_its_key() {
        let raw = RawConfig { allow_networks: vec!["10.0.0.0/40".into()], ..RawConfig::default() };
        assert_eq!(Config::from_raw(raw).expect_err("refused").key, "allow-networks");
    }
}
