//! `/etc/bulkhead/ssh-connector.toml`.

use std::time::Duration;

use bulkhead_daemon_kit::{ConfigFault, DaemonConfig, NetworkPolicy};
use bulkhead_store::DatabaseConfig;
use serde::Deserialize;

/// The file's shape.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RawConfig {
    /// Where SSH hosts are stored.
    database: DatabaseConfig,
    /// Tunnels open at once, 1 to 400: each holds two of the 1024 descriptors that a unit has by default.
    max_tunnels: u32,
    /// Milliseconds from request to open tunnel, 1 to 60000: log-in and the host's own connect to the target.
    open_timeout_ms: u32,
    /// Seconds of silence after which an SSH host is asked whether it still lives, 1 to 300. Three unanswered questions end
    /// its sessions.
    keepalive_interval_s: u32,
    /// Seconds that an SSH session without a tunnel is kept for the next one, 1 to 3600.
    idle_timeout_s: u32,
    /// Networks (`10.0.0.0/8`) in which SSH hosts may be although the built-in policy refuses them: loopback and link-local
    /// addresses, where this machine's own services and cloud metadata are.
    allow_networks: Vec<String>,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            database: DatabaseConfig { max_connections: 2, ..DatabaseConfig::default() },
            max_tunnels: 256,
            open_timeout_ms: 10_000,
            keepalive_interval_s: 5,
            idle_timeout_s: 300,
            allow_networks: Vec::new(),
        }
    }
}

/// The validated configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where SSH hosts are stored.
    pub database: DatabaseConfig,
    /// Tunnels open at once.
    pub max_tunnels: usize,
    /// How long opening a tunnel may take.
    pub open_timeout: Duration,
    /// After how much silence an SSH host is asked for a sign of life.
    pub keepalive_interval: Duration,
    /// How long a session waits for its next tunnel.
    pub idle_timeout: Duration,
    /// Where SSH hosts may be.
    pub network: NetworkPolicy,
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
        let seconds = |key, value, most| within(key, value, most).map(|value| Duration::from_secs(value.into()));
        let open_timeout_ms = within("open-timeout-ms", raw.open_timeout_ms, 60_000)?;
        Ok(Self {
            database: raw.database,
            max_tunnels: within("max-tunnels", raw.max_tunnels, 400)? as usize,
            open_timeout: Duration::from_millis(open_timeout_ms.into()),
            keepalive_interval: seconds("keepalive-interval-s", raw.keepalive_interval_s, 300)?,
            idle_timeout: seconds("idle-timeout-s", raw.idle_timeout_s, 3600)?,
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
    fn a_value_out_of_range_names_its_key() {
        let raw = RawConfig { max_tunnels: 401, ..RawConfig::default() };
        assert_eq!(Config::from_raw(raw).expect_err("refused").key, "max-tunnels");
        let raw = RawConfig { allow_networks: vec!["localhost".into()], ..RawConfig::default() };
        assert_eq!(Config::from_raw(raw).expect_err("refused").key, "allow-networks");
    }
}
