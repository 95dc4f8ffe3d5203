//! A resource: what a query runs against. Its secret is never part of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Fault, SshHostId};

/// The settings of a resource, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ResourceConfig {
    /// A PostgreSQL database over TCP.
    Postgresql(PostgresqlConfig),
}

/// How to reach a PostgreSQL database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PostgresqlConfig {
    /// Host name or address. Never a Unix socket: a resource must not reach the appliance's own databases.
    pub host: String,
    /// TCP port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// Database name.
    pub database: String,
    /// Role to log in as.
    pub user: String,
    /// Encryption of the connection.
    #[serde(default)]
    pub tls: TlsMode,
    /// PEM of the authority that signed the server's certificate; the system's authorities when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
    /// SSH host to tunnel through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_host: Option<SshHostId>,
}

fn default_port() -> u16 {
    5432
}

/// Encryption of a connection. There is no mode that encrypts without checking whom it speaks to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// No encryption: for a server on this machine or behind a tunnel.
    Disabled,
    /// TLS; the certificate must be signed by a trusted authority and name the host.
    #[default]
    VerifyFull,
}

impl ResourceConfig {
    /// The part that decides who receives the secret. When it changes, the secret has to be entered again.
    pub fn destination(&self) -> (&str, u16, TlsMode, Option<SshHostId>) {
        let Self::Postgresql(config) = self;
        (&config.host, config.port, config.tls, config.ssh_host)
    }

    /// Faults that can be told without connecting.
    pub fn validate(&self) -> Vec<Fault> {
        let Self::Postgresql(config) = self;
        let mut faults = Vec::new();
        let host_ok = !config.host.is_empty()
            && config.host.len() <= 253
            && config.host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_'));
        if !host_ok {
            faults.push(Fault::new(
                "config.host",
                "must be one host name or address, without scheme, path or port (a Unix socket is not accepted)",
            ));
        }
        if config.port == 0 {
            faults.push(Fault::new("config.port", "must be between 1 and 65535"));
        }
        for (path, value) in [("config.database", &config.database), ("config.user", &config.user)] {
            if value.is_empty() || value.len() > 63 || value.contains('\0') {
                faults.push(Fault::new(path, "must have 1 to 63 characters"));
            }
        }
        faults
    }
}
