//! A resource: what a query runs against. Its secret is never part of it.
//!
//! Each kind has a file with its settings here, a folder in db-connector, a page in docs/resources and a form in the studio.

mod amqp;
mod base_url;
mod clickhouse;
mod elasticsearch;
mod grpc;
mod http_api;
mod ldap;
mod mongodb;
mod mysql;
mod nats;
mod oauth2_code;
mod postgresql;
mod redis;
mod s3;
pub mod secret;
mod server;
mod smtp;
mod sql_server;
mod sqlite;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use amqp::AmqpConfig;
pub use base_url::{BaseUrl, UrlParts};
pub use clickhouse::ClickhouseConfig;
pub use elasticsearch::{ElasticsearchConfig, ElasticsearchLogIn};
pub use grpc::{GrpcAuthentication, GrpcConfig, GrpcSchema};
pub use http_api::{HttpApiConfig, HttpAuthentication, Oauth2};
pub use ldap::LdapConfig;
pub use mongodb::{MongodbConfig, MongodbMechanism};
pub use mysql::MysqlConfig;
pub use nats::NatsConfig;
pub use oauth2_code::{Oauth2Account, Oauth2Code};
pub use postgresql::PostgresqlConfig;
pub use redis::RedisConfig;
pub use s3::{S3Addressing, S3Config, is_bucket};
pub use server::Server;
pub(crate) use server::host_faults;
pub use smtp::SmtpConfig;
pub use sql_server::SqlServerConfig;
pub use sqlite::SqliteConfig;

use crate::{Fault, SshHostId};

/// The settings of a resource, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ResourceConfig {
    /// A PostgreSQL database over TCP.
    Postgresql(PostgresqlConfig),
    /// A MySQL or MariaDB database over TCP.
    Mysql(MysqlConfig),
    /// A database of Microsoft SQL Server.
    SqlServer(SqlServerConfig),
    /// A Redis or Valkey server.
    Redis(RedisConfig),
    /// An LDAP directory.
    Ldap(LdapConfig),
    /// A message broker that speaks AMQP 0-9-1, such as RabbitMQ.
    Amqp(AmqpConfig),
    /// A NATS server.
    Nats(NatsConfig),
    /// A mail server that takes messages to send.
    Smtp(SmtpConfig),
    /// A database of SQLite in a file.
    Sqlite(SqliteConfig),
    /// A ClickHouse server.
    Clickhouse(ClickhouseConfig),
    /// Storage that speaks the protocol of Amazon S3.
    S3(S3Config),
    /// A server that is asked by HTTP requests.
    Rest(HttpApiConfig),
    /// A GraphQL server.
    Graphql(HttpApiConfig),
    /// A server of gRPC.
    Grpc(GrpcConfig),
    /// A database of MongoDB.
    Mongodb(MongodbConfig),
    /// An Elasticsearch or OpenSearch cluster.
    Elasticsearch(ElasticsearchConfig),
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
    /// Whose word counts for who the server is: whoever names another authority could stand in its place.
    authorities: Vec<Option<String>>,
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
    /// The names of the kinds that have a server.
    pub const KINDS_OF_SERVERS: [&str; 15] = [
        "amqp",
        "clickhouse",
        "elasticsearch",
        "graphql",
        "grpc",
        "ldap",
        "mongodb",
        "mysql",
        "nats",
        "postgresql",
        "redis",
        "rest",
        "s3",
        "smtp",
        "sql-server",
    ];

    /// The kind's name, as documents write it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Postgresql(_) => "postgresql",
            Self::Mysql(_) => "mysql",
            Self::SqlServer(_) => "sql-server",
            Self::Redis(_) => "redis",
            Self::Ldap(_) => "ldap",
            Self::Amqp(_) => "amqp",
            Self::Nats(_) => "nats",
            Self::Smtp(_) => "smtp",
            Self::Clickhouse(_) => "clickhouse",
            Self::S3(_) => "s3",
            Self::Rest(_) => "rest",
            Self::Graphql(_) => "graphql",
            Self::Grpc(_) => "grpc",
            Self::Mongodb(_) => "mongodb",
            Self::Elasticsearch(_) => "elasticsearch",
            Self::Sqlite(_) => "sqlite",
        }
    }

    /// Where its server is, for a kind that has one.
    pub fn server(&self) -> Option<Server<'_>> {
        match self {
            Self::Postgresql(config) => Some(config.server()),
            Self::Mysql(config) => Some(config.server()),
            Self::SqlServer(config) => Some(config.server()),
            Self::Redis(config) => Some(config.server()),
            Self::Ldap(config) => Some(config.server()),
            Self::Amqp(config) => Some(config.server()),
            Self::Nats(config) => Some(config.server()),
            Self::Smtp(config) => Some(config.server()),
            Self::Sqlite(_) => None,
            Self::Clickhouse(config) => Some(config.server()),
            Self::S3(config) => Some(config.server()),
            Self::Rest(config) | Self::Graphql(config) => Some(config.server()),
            Self::Elasticsearch(config) => Some(config.server()),
            Self::Grpc(config) => Some(config.server()),
            Self::Mongodb(config) => Some(config.server()),
        }
    }

    /// Whether a private key belongs to it.
    pub fn has_client_certificate(&self) -> bool {
        self.server().is_some_and(|server| server.client_certificate.is_some())
    }

    /// The part that decides who receives the secret. When it changes, the secret has to be entered again.
    pub fn destination(&self) -> Destination {
        let (address, tls, authority, ssh_host) = match self.server() {
            Some(Server { host, port, tls, ca_certificate, ssh_host, .. }) => {
                (format!("{host}:{port}"), tls, ca_certificate.map(str::to_owned), ssh_host)
            }
            None => (String::new(), TlsMode::default(), None, None),
        };
        let mut authorities = vec![authority];
        // Who else gets the secret, or the rest of the name that a request is sent to.
        let more = match self {
            Self::S3(config) => config.authority(),
            Self::Rest(config) | Self::Graphql(config) => {
                let receiver = config.token_receiver();
                authorities.extend(receiver.as_ref().map(|(_, authority)| authority.map(str::to_owned)));
                receiver.map(|(url, _)| url).unwrap_or_default()
            }
            Self::Mongodb(config) => config.other_members(),
            Self::Sqlite(config) => config.path.clone(),
            _ => String::new(),
        };
        Destination { address: format!("{} {address} {more}", self.kind()), tls, authorities, ssh_host }
    }

    /// How it gets tokens for people's accounts, for one that does.
    pub fn oauth2_code(&self) -> Option<&Oauth2Code> {
        match self {
            Self::Rest(HttpApiConfig { authentication: HttpAuthentication::Oauth2Code(code), .. })
            | Self::Graphql(HttpApiConfig { authentication: HttpAuthentication::Oauth2Code(code), .. }) => Some(code),
            _ => None,
        }
    }

    /// Whether it is asked with the account of whoever asks.
    pub fn has_own_accounts(&self) -> bool {
        self.oauth2_code().is_some_and(|code| code.account == Oauth2Account::Own)
    }

    /// Whether it needs a secret.
    pub fn secret(&self) -> SecretNeed {
        match self {
            Self::Postgresql(_) | Self::Mysql(_) | Self::SqlServer(_) | Self::Amqp(_) | Self::S3(_) => {
                SecretNeed::Required
            }
            Self::Redis(_) | Self::Ldap(_) | Self::Nats(_) | Self::Smtp(_) | Self::Clickhouse(_) => {
                SecretNeed::Optional
            }
            Self::Rest(config) | Self::Graphql(config) => config.secret(),
            Self::Elasticsearch(config) => config.secret(),
            Self::Grpc(config) => config.secret(),
            Self::Mongodb(config) => config.secret(),
            Self::Sqlite(_) => SecretNeed::None,
        }
    }

    /// Faults that can be told without connecting.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        // A URL that is none has no host, and says so itself.
        if let Some(server) = self.server().filter(|_| !self.is_by_url()) {
            server.faults(&mut faults);
        }
        if let Some(server) = self.server() {
            server.certificate_faults(&mut faults);
        }
        match self {
            Self::Postgresql(config) => config.faults(&mut faults),
            Self::Mysql(config) => config.faults(&mut faults),
            Self::SqlServer(config) => config.faults(&mut faults),
            Self::Redis(config) => config.faults(&mut faults),
            Self::Ldap(config) => config.faults(&mut faults),
            Self::Amqp(config) => config.faults(&mut faults),
            Self::Nats(config) => config.faults(&mut faults),
            Self::Smtp(config) => config.faults(&mut faults),
            Self::Clickhouse(config) => config.faults(&mut faults),
            Self::S3(config) => config.faults(&mut faults),
            Self::Rest(config) | Self::Graphql(config) => config.faults(&mut faults),
            Self::Elasticsearch(config) => config.faults(&mut faults),
            Self::Grpc(config) => config.faults(&mut faults),
            Self::Mongodb(config) => config.faults(&mut faults),
            Self::Sqlite(config) => config.faults(&mut faults),
        }
        faults
    }

    /// Whether its server is named by a URL.
    fn is_by_url(&self) -> bool {
        matches!(self, Self::Rest(_) | Self::Graphql(_) | Self::Elasticsearch(_) | Self::S3(_))
    }
}

/// A fault of a text that has no characters, more than `most` or a NUL.
fn text_fault(path: &str, value: &str, most: usize, faults: &mut Vec<Fault>) {
    if value.is_empty() || value.len() > most || value.contains('\0') {
        faults.push(Fault::new(path, format!("must have 1 to {most} characters")));
    }
}
