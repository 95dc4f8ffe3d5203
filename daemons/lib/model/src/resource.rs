//! A resource: what a query runs against. Its secret is never part of it.
//!
//! Each kind has a file with its settings here, a folder in db-connector, a page in docs/resources and a form in the studio.

mod base_url;
mod clickhouse;
mod ldap;
mod nats;
mod postgresql;
mod redis;
mod s3;
mod server;
mod smtp;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use base_url::{BaseUrl, UrlParts};
pub use clickhouse::ClickhouseConfig;
pub use ldap::LdapConfig;
pub use nats::NatsConfig;
pub use postgresql::PostgresqlConfig;
pub use redis::RedisConfig;
pub use s3::{S3Addressing, S3Config, is_bucket};
pub use server::Server;
pub use smtp::SmtpConfig;

use crate::{Fault, SshHostId};

/// The settings of a resource, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ResourceConfig {
    /// A PostgreSQL database over TCP.
    Postgresql(PostgresqlConfig),
    /// A Redis or Valkey server.
    Redis(RedisConfig),
    /// An LDAP directory.
    Ldap(LdapConfig),
    /// A NATS server.
    Nats(NatsConfig),
    /// A mail server that takes messages to send.
    Smtp(SmtpConfig),
    /// A ClickHouse server.
    Clickhouse(ClickhouseConfig),
    /// Storage that speaks the protocol of Amazon S3.
    S3(S3Config),
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

/// Who receives a resource's secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    address: String,
    tls: TlsMode,
    ssh_host: Option<SshHostId>,
}

/// Whether a kind has a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretNeed {
    /// It cannot be used without one.
    Required,
    /// Some servers ask for none.
    Optional,
    /// There is nothing that it could be for.
    None,
}

impl ResourceConfig {
    /// The kind's name, as documents write it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Postgresql(_) => "postgresql",
            Self::Redis(_) => "redis",
            Self::Ldap(_) => "ldap",
            Self::Nats(_) => "nats",
            Self::Smtp(_) => "smtp",
            Self::Clickhouse(_) => "clickhouse",
            Self::S3(_) => "s3",
        }
    }

    /// Where its server is, for a kind that is reached by host and port. None if its URL is none.
    pub fn server(&self) -> Option<Server<'_>> {
        match self {
            Self::Postgresql(config) => Some(config.server()),
            Self::Redis(config) => Some(config.server()),
            Self::Ldap(config) => Some(config.server()),
            Self::Nats(config) => Some(config.server()),
            Self::Smtp(config) => Some(config.server()),
            Self::Clickhouse(config) => Some(config.server()),
            Self::S3(config) => config.url.parts().map(|_| config.server()),
        }
    }

    /// The part that decides who receives the secret. When it changes, the secret has to be entered again.
    pub fn destination(&self) -> Destination {
        let (address, tls, ssh_host) = match self.server() {
            Some(Server { host, port, tls, ssh_host, .. }) => (format!("{host}:{port}"), tls, ssh_host),
            None => (String::new(), TlsMode::default(), None),
        };
        // The rest of the name that a request is sent to.
        let more = match self {
            Self::S3(config) => config.authority(),
            _ => String::new(),
        };
        Destination { address: format!("{} {address} {more}", self.kind()), tls, ssh_host }
    }

    /// Whether it needs a secret.
    pub fn secret(&self) -> SecretNeed {
        match self {
            Self::Clickhouse(_) | Self::Ldap(_) | Self::Nats(_) | Self::Redis(_) | Self::Smtp(_) => {
                SecretNeed::Optional
            }
            Self::Postgresql(_) | Self::S3(_) => SecretNeed::Required,
        }
    }

    /// Faults that can be told without connecting.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if let Some(server) = self.server() {
            server.faults(&mut faults);
        }
        match self {
            Self::Postgresql(config) => config.faults(&mut faults),
            Self::Redis(config) => config.faults(&mut faults),
            Self::Ldap(config) => config.faults(&mut faults),
            Self::Nats(config) => config.faults(&mut faults),
            Self::Smtp(config) => config.faults(&mut faults),
            Self::Clickhouse(config) => config.faults(&mut faults),
            Self::S3(config) => config.faults(&mut faults),
        }
        faults
    }
}

/// A fault of a text that has no characters, more than `most` or a NUL.
fn text_fault(path: &str, value: &str, most: usize, faults: &mut Vec<Fault>) {
    if value.is_empty() || value.len() > most || value.contains('\0') {
        faults.push(Fault::new(path, format!("must have 1 to {most} characters")));
    }
}
