//! `/etc/bulkhead/workflows-worker.toml`.

use std::path::PathBuf;
use std::time::Duration;

use bulkhead_daemon_kit::{ConfigFault, DaemonConfig};
use bulkhead_rpc::Address;
use bulkhead_store::DatabaseConfig;
use bulkhead_temporal_engine::{ConnectionConfig, TlsFiles};
use serde::Deserialize;

/// The file's shape.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct RawConfig {
    /// The database, for the outbox.
    database: DatabaseConfig,
    /// Where workflows-backend listens.
    workflows_backend_socket: Address,
    /// Where code-executor listens.
    code_executor_socket: Address,
    /// Where Temporal is.
    temporal: RawTemporal,
    /// Seconds between two looks for runs that Temporal has lost, 1 to 3600.
    reconcile_interval_s: u32,
    /// Steps after which the worker drains, ends and is started anew by systemd, at least 1000. The Temporal SDK keeps about a
    /// quarter of a kilobyte of each step: the default is some 50 MB.
    recycle_after_steps: u64,
}

/// The `[temporal]` table.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct RawTemporal {
    /// `host:port`; the bundled server by default.
    address: String,
    /// The namespace; it must exist.
    namespace: String,
    /// The task queue; workers that share it share the runs.
    task_queue: String,
    /// Whether to use TLS.
    tls: bool,
    /// Whether to show the API key that the unit passes as credential `temporal-api-key`; needs `tls`.
    api_key: bool,
    /// PEM of the authority that signed the server's certificate; the system's authorities when absent.
    ca: Option<PathBuf>,
    /// PEM of this worker's certificate, for mTLS; `key` belongs to it.
    certificate: Option<PathBuf>,
    /// PEM of its key.
    key: Option<PathBuf>,
}

impl Default for RawTemporal {
    fn default() -> Self {
        Self {
            address: "127.0.0.1:7233".into(),
            namespace: "default".into(),
            task_queue: "bulkhead".into(),
            tls: false,
            api_key: false,
            ca: None,
            certificate: None,
            key: None,
        }
    }
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            database: DatabaseConfig { max_connections: 4, ..DatabaseConfig::default() },
            workflows_backend_socket: bulkhead_rpc::backend::SOCKET.into(),
            code_executor_socket: bulkhead_rpc::executor::SOCKET.into(),
            temporal: RawTemporal::default(),
            reconcile_interval_s: 30,
            recycle_after_steps: 200_000,
        }
    }
}

/// The validated configuration.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The database.
    pub(crate) database: DatabaseConfig,
    /// Where workflows-backend listens.
    pub(crate) workflows_backend_socket: Address,
    /// Where code-executor listens.
    pub(crate) code_executor_socket: Address,
    /// Where Temporal is, without the API key.
    pub(crate) temporal: ConnectionConfig,
    /// Whether an API key belongs to it.
    pub(crate) temporal_api_key: bool,
    /// Between two looks for lost runs.
    pub(crate) reconcile_interval: Duration,
    /// Steps that one process makes.
    pub(crate) recycle_after_steps: u64,
}

impl DaemonConfig for Config {
    type Raw = RawConfig;

    fn from_raw(raw: RawConfig) -> Result<Self, ConfigFault> {
        if !(1..=3600).contains(&raw.reconcile_interval_s) {
            return Err(ConfigFault::new("reconcile-interval-s", "must be between 1 and 3600"));
        }
        if raw.recycle_after_steps < 1000 {
            return Err(ConfigFault::new("recycle-after-steps", "must be at least 1000"));
        }
        let port = raw.temporal.address.rsplit_once(':').map(|(host, port)| (!host.is_empty(), port.parse::<u16>()));
        if !matches!(port, Some((true, Ok(_)))) {
            return Err(ConfigFault::new("temporal.address", "must be host:port"));
        }
        let identity = match (raw.temporal.certificate, raw.temporal.key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                return Err(ConfigFault::new(
                    "temporal.certificate",
                    "certificate and key belong together: give both or none",
                ));
            }
        };
        if !raw.temporal.tls && (identity.is_some() || raw.temporal.ca.is_some() || raw.temporal.api_key) {
            return Err(ConfigFault::new(
                "temporal.tls",
                "must be true where ca, certificate, key or api-key are given",
            ));
        }
        let tls = raw.temporal.tls.then_some(TlsFiles { ca: raw.temporal.ca, identity });
        Ok(Self {
            database: raw.database,
            workflows_backend_socket: raw.workflows_backend_socket,
            code_executor_socket: raw.code_executor_socket,
            temporal: ConnectionConfig {
                address: raw.temporal.address,
                namespace: raw.temporal.namespace,
                task_queue: raw.temporal.task_queue,
                tls,
                api_key: None,
            },
            temporal_api_key: raw.temporal.api_key,
            reconcile_interval: Duration::from_secs(raw.reconcile_interval_s.into()),
            recycle_after_steps: raw.recycle_after_steps,
        })
    }

    fn calls_elsewhere(&self) -> Option<&'static str> {
        let sockets = [
            ("workflows-backend-socket", &self.workflows_backend_socket),
            ("code-executor-socket", &self.code_executor_socket),
        ];
        sockets.into_iter().find(|(_, address)| address.is_elsewhere()).map(|(key, _)| key)
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
    fn an_address_without_a_port_names_its_key() {
        let raw = RawConfig {
            temporal: RawTemporal { address: "temporal".into(), ..RawTemporal::default() },
            ..RawConfig::default()
        };
        assert_eq!(Config::from_raw(raw).expect_err("refused").key, "temporal.address");
    }
}
