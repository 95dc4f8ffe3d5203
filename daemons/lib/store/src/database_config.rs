//! How to reach the database: the `[database]` table of a daemon's configuration.

use std::path::PathBuf;

use serde::Deserialize;
use thiserror::Error;

/// The table, checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawDatabase")]
pub struct DatabaseConfig {
    /// Directory of PostgreSQL's Unix socket. The kernel tells PostgreSQL who connects (peer authentication), so there is no
    /// password.
    pub socket_directory: String,
    /// The port, which is part of the socket's name too.
    pub port: u16,
    /// Database name.
    pub name: String,
    /// Role; the daemon's own Unix user when absent, as peer authentication wants it.
    pub user: Option<String>,
    /// Connections held at most.
    pub max_connections: u16,
    /// Servers on other machines, of which the one that takes writes is used; the socket when there is none.
    pub hosts: Vec<String>,
    /// PEM of the authority that the servers' certificates are of; the system's when absent.
    pub ca: Option<PathBuf>,
    /// PEM of a certificate to log in with, and of its key.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Whether to log in with the credential `database.password`.
    pub password: bool,
}

/// The table as written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct RawDatabase {
    socket_directory: String,
    port: u16,
    name: String,
    user: Option<String>,
    max_connections: u16,
    /// `db1.example.org`, or several with commas.
    host: Option<String>,
    ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    password: bool,
}

/// Why a database on another machine cannot be used as it is configured.
#[derive(Debug, Error)]
pub enum DatabaseConfigError {
    /// A file cannot be read.
    #[error("{key} in [database]: {path} cannot be used as PEM")]
    File {
        /// The setting.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// Certificate and key do not belong together, or the authority is none.
    #[error("[database]: {key} cannot be used")]
    Tls {
        /// The setting.
        key: &'static str,
        /// The cause.
        #[source]
        source: rustls::Error,
    },
    /// No authority at all.
    #[error("[database]: no authority is trusted: set ca, or install the package ca-certificates")]
    NoAuthority,
    /// The password is missing.
    #[error("[database]: password is true, and the unit passes none")]
    Password(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Default for RawDatabase {
    fn default() -> Self {
        Self {
            socket_directory: "/run/postgresql".into(),
            port: 5432,
            name: "bulkhead".into(),
            user: None,
            max_connections: 16,
            host: None,
            ca: None,
            certificate: None,
            key: None,
            password: false,
        }
    }
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        let raw = RawDatabase::default();
        Self {
            socket_directory: raw.socket_directory,
            port: raw.port,
            name: raw.name,
            user: raw.user,
            max_connections: raw.max_connections,
            hosts: Vec::new(),
            ca: None,
            certificate: None,
            password: false,
        }
    }
}

impl TryFrom<RawDatabase> for DatabaseConfig {
    type Error = String;

    fn try_from(raw: RawDatabase) -> Result<Self, String> {
        let hosts: Vec<String> = match &raw.host {
            None => Vec::new(),
            Some(hosts) => hosts.split(',').map(|host| host.trim().to_owned()).collect(),
        };
        let is_name = |host: &String| {
            !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':'))
        };
        if let Some(host) = hosts.iter().find(|host| !is_name(host)) {
            return Err(format!(
                "host: `{host}` is no machine's name or address: write \"db1.example.org\", or several with commas; the port is a key of its own"
            ));
        }
        let certificate = match (raw.certificate, raw.key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err("certificate and key belong together: give both or none".to_owned()),
        };
        if hosts.is_empty() && (raw.ca.is_some() || certificate.is_some() || raw.password) {
            return Err(
                "ca, certificate, key and password are for a database on another machine: give its host".to_owned()
            );
        }
        if !hosts.is_empty() && certificate.is_none() && !raw.password {
            return Err(
                "host needs a log-in: certificate and key, or password = true with the credential database.password"
                    .to_owned(),
            );
        }
        let paths = raw.ca.iter().chain(certificate.iter().flat_map(|(certificate, key)| [certificate, key]));
        if let Some(path) = paths.into_iter().find(|path| !path.is_absolute()) {
            return Err(format!("{} is no absolute path", path.display()));
        }
        Ok(Self {
            socket_directory: raw.socket_directory,
            port: raw.port,
            name: raw.name,
            user: raw.user,
            max_connections: raw.max_connections,
            hosts,
            ca: raw.ca,
            certificate,
            password: raw.password,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DatabaseConfig, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn another_machine_needs_a_log_in_and_this_one_none() {
        assert!(read("").expect("the socket").hosts.is_empty());
        let found = read("host = 'db1.example.org, 10.0.0.7'\npassword = true").expect("reads");
        assert_eq!(found.hosts, ["db1.example.org", "10.0.0.7"]);
        let found = read("host = 'db1'\ncertificate = '/a.crt'\nkey = '/a.key'\nca = '/ca.crt'").expect("reads");
        assert_eq!(found.certificate, Some(("/a.crt".into(), "/a.key".into())));
        for (text, word) in [
            ("host = 'db1'", "needs a log-in"),
            ("password = true", "give its host"),
            ("host = 'db1'\ncertificate = '/a.crt'", "belong together"),
            ("host = 'db1'\npassword = true\nca = 'ca.crt'", "absolute"),
            ("host = 'postgres://db1'\npassword = true", "is no machine's name"),
            ("hosts = 'db1'", "unknown field"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
