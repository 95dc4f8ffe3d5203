//! `/etc/bulkhead/workflows-backend.toml`.

use bulkhead_daemon_kit::{ConfigFault, DaemonConfig};
use bulkhead_rpc::Address;
use bulkhead_store::DatabaseConfig;
use serde::Deserialize;

use crate::traces::{RawTraces, TraceSettings};

/// The file's shape.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RawConfig {
    /// The database.
    database: DatabaseConfig,
    /// Where db-connector listens.
    db_connector_socket: Address,
    /// Where traces of runs are sent.
    traces: RawTraces,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            database: DatabaseConfig::default(),
            db_connector_socket: bulkhead_rpc::connector::SOCKET.into(),
            traces: RawTraces::default(),
        }
    }
}

/// The validated configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The database.
    pub database: DatabaseConfig,
    /// Where db-connector listens.
    pub db_connector_socket: Address,
    /// Where traces of runs are sent; none are when absent.
    pub traces: Option<TraceSettings>,
}

impl DaemonConfig for Config {
    type Raw = RawConfig;

    fn from_raw(raw: RawConfig) -> Result<Self, ConfigFault> {
        let traces = raw.traces.check()?;
        Ok(Self { database: raw.database, db_connector_socket: raw.db_connector_socket, traces })
    }

    fn calls_elsewhere(&self) -> Option<&'static str> {
        self.db_connector_socket.is_elsewhere().then_some("db-connector-socket")
    }

    fn notes(&self) -> Vec<String> {
        self.traces.iter().map(TraceSettings::note).collect()
    }
}
