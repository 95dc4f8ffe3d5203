//! `/etc/bulkhead/api.toml`.

use std::path::PathBuf;
use std::time::Duration;

use bulkhead_daemon_kit::{ConfigFault, DaemonConfig};
use bulkhead_rpc::{Address, backend, connector, executor, ssh};
use bulkhead_store::DatabaseConfig;
use serde::Deserialize;

/// The file's shape.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RawConfig {
    /// Where people reach this instance: scheme, host and port. Links that are sent or copied start with it, and requests must
    /// name its host. Default `https://localhost:8443`: right on the machine itself, and safe to get wrong.
    base_url: String,
    /// Further host names or addresses that requests may name, without port. Default none: a name that is not listed is
    /// refused, so that a foreign name that resolves here (DNS rebinding) reaches nothing.
    additional_hosts: Vec<String>,
    /// Whether the audit trail has the values of queries of apps too, as far as a query does not hide them: the first 200 characters of
    /// each. Default false: a record can never be taken back, and values may be what no administrator ought to read.
    audit_parameters: bool,
    /// Directory of the built UI. Default `/usr/share/bulkhead/web`, where the package puts it.
    web_root: PathBuf,
    /// Origins, such as `https://wiki.example.org`, whose pages apps may show in frames. Default none: a page that nobody listed is not
    /// loaded, so that no app shows a foreign log-in as if it were part of it.
    frame_origins: Vec<String>,
    /// The TLS identity of the `https` socket.
    tls: RawTls,
    /// The `bulkhead` database.
    database: DatabaseConfig,
    /// Where the other daemons listen.
    sockets: RawSockets,
    /// Public keys that secrets are sealed to.
    keys: RawKeys,
    /// Bounds.
    limits: RawLimits,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            base_url: "https://localhost:8443".into(),
            additional_hosts: Vec::new(),
            audit_parameters: false,
            web_root: "/usr/share/bulkhead/web".into(),
            frame_origins: Vec::new(),
            tls: RawTls::default(),
            database: DatabaseConfig::default(),
            sockets: RawSockets::default(),
            keys: RawKeys::default(),
            limits: RawLimits::default(),
        }
    }
}

/// Files of the TLS identity; read again on `systemctl reload`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct RawTls {
    /// PEM of the certificate, then of its issuers. `bulkheadctl setup` makes a self-signed one here.
    certificate: PathBuf,
    /// PEM of its private key, readable by the user `bulkhead-api` alone.
    key: PathBuf,
}

impl Default for RawTls {
    fn default() -> Self {
        Self { certificate: "/etc/bulkhead/tls/api.crt".into(), key: "/etc/bulkhead/tls/api.key".into() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct RawSockets {
    /// Runs queries. Default: the package's socket unit.
    db_connector: Address,
    /// Reads the keys of SSH hosts and tries their settings. Default: the package's socket unit.
    ssh_connector: Address,
    /// Runs single blocks from the editor. Default: the package's socket unit.
    code_executor: Address,
    /// Grants single blocks their capability. Default: the package's socket unit.
    workflows_backend: Address,
}

impl Default for RawSockets {
    fn default() -> Self {
        Self {
            db_connector: connector::SOCKET.into(),
            ssh_connector: ssh::SOCKET.into(),
            code_executor: executor::SOCKET.into(),
            workflows_backend: backend::SOCKET.into(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct RawKeys {
    /// db-connector's public key. `bulkheadctl setup` writes it here.
    db_connector: PathBuf,
    /// jobs-runner's public key. `bulkheadctl setup` writes it here.
    jobs_runner: PathBuf,
    /// ssh-connector's public key. `bulkheadctl setup` writes it here.
    ssh_connector: PathBuf,
    /// workflows-backend's public key. `bulkheadctl setup` writes it here.
    workflows_backend: PathBuf,
}

impl Default for RawKeys {
    fn default() -> Self {
        Self {
            db_connector: "/etc/bulkhead/keys/db-connector.pub".into(),
            jobs_runner: "/etc/bulkhead/keys/jobs-runner.pub".into(),
            ssh_connector: "/etc/bulkhead/keys/ssh-connector.pub".into(),
            workflows_backend: "/etc/bulkhead/keys/workflows-backend.pub".into(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct RawLimits {
    /// Bytes of a request's JSON body. Default 4 MiB: a document of 500 queries fits with room to spare.
    body_bytes: usize,
    /// Bytes of a webhook's JSON body. Default 1 MiB: it is stored with its run.
    webhook_body_bytes: usize,
    /// Seconds that a webhook's caller waits for the response block. Default 60: what common callers and proxies bear.
    webhook_wait_s: u64,
    /// Passwords hashed at once; each takes 19 MiB and a processor for some 20 ms. Default 2, so that log-ins cannot starve
    /// the rest.
    password_hashes: usize,
    /// Wrong passwords for one account, and for one remote address the fivefold, per minute. Default 10.
    login_failures_per_minute: u32,
}

impl Default for RawLimits {
    fn default() -> Self {
        Self {
            body_bytes: 4 * 1024 * 1024,
            webhook_body_bytes: 1024 * 1024,
            webhook_wait_s: 60,
            password_hashes: 2,
            login_failures_per_minute: 10,
        }
    }
}

/// The validated configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Scheme, host and port, without a slash at the end.
    pub base_url: String,
    /// Host names that requests may name, in lower case, without port.
    pub hosts: Vec<String>,
    /// Whether the audit trail has the values of queries.
    pub audit_parameters: bool,
    /// Directory of the built UI.
    pub web_root: PathBuf,
    /// Origins whose pages apps may show in frames.
    pub frame_origins: Vec<String>,
    /// PEM of the certificate chain.
    pub tls_certificate: PathBuf,
    /// PEM of its key.
    pub tls_key: PathBuf,
    /// The `bulkhead` database.
    pub database: DatabaseConfig,
    /// db-connector's socket.
    pub connector_socket: Address,
    /// ssh-connector's socket.
    pub ssh_connector_socket: Address,
    /// code-executor's socket.
    pub executor_socket: Address,
    /// workflows-backend's socket.
    pub backend_socket: Address,
    /// db-connector's public key.
    pub connector_key: PathBuf,
    /// jobs-runner's public key.
    pub jobs_runner_key: PathBuf,
    /// ssh-connector's public key.
    pub ssh_connector_key: PathBuf,
    /// workflows-backend's public key.
    pub backend_key: PathBuf,
    /// Bytes of a request's body.
    pub body_limit_bytes: usize,
    /// Bytes of a webhook's body.
    pub webhook_body_limit_bytes: usize,
    /// How long a webhook's caller waits.
    pub webhook_wait: Duration,
    /// Passwords hashed at once.
    pub password_hashes: usize,
    /// Wrong passwords per account and minute.
    pub login_failures_per_minute: u32,
}

impl DaemonConfig for Config {
    type Raw = RawConfig;

    fn from_raw(raw: RawConfig) -> Result<Self, ConfigFault> {
        let base_url = raw.base_url.trim_end_matches('/').to_owned();
        let host = host_of(&base_url).ok_or_else(|| {
            ConfigFault::new("base-url", "must be like https://tools.example.org or https://10.0.0.5:8443")
        })?;
        let mut hosts = vec![host, "localhost".into(), "127.0.0.1".into(), "[::1]".into()];
        for host in &raw.additional_hosts {
            if !is_host(host) {
                return Err(ConfigFault::new(
                    "additional-hosts",
                    format!("`{host}` is no host name or address (write it without port)"),
                ));
            }
            hosts.push(host.to_ascii_lowercase());
        }
        for origin in &raw.frame_origins {
            if host_of(origin).is_none() {
                return Err(ConfigFault::new(
                    "frame-origins",
                    format!("`{origin}` is no origin: write it like https://wiki.example.org, without a path"),
                ));
            }
        }
        let limits = raw.limits;
        in_range("limits.body-bytes", limits.body_bytes, 64 * 1024, 64 * 1024 * 1024)?;
        in_range("limits.webhook-body-bytes", limits.webhook_body_bytes, 1024, 16 * 1024 * 1024)?;
        in_range("limits.webhook-wait-s", limits.webhook_wait_s, 1, 600)?;
        in_range("limits.password-hashes", limits.password_hashes, 1, 64)?;
        in_range("limits.login-failures-per-minute", limits.login_failures_per_minute, 1, 1000)?;
        Ok(Self {
            base_url,
            hosts,
            audit_parameters: raw.audit_parameters,
            web_root: raw.web_root,
            frame_origins: raw.frame_origins,
            tls_certificate: raw.tls.certificate,
            tls_key: raw.tls.key,
            database: raw.database,
            connector_socket: raw.sockets.db_connector,
            ssh_connector_socket: raw.sockets.ssh_connector,
            executor_socket: raw.sockets.code_executor,
            backend_socket: raw.sockets.workflows_backend,
            connector_key: raw.keys.db_connector,
            jobs_runner_key: raw.keys.jobs_runner,
            ssh_connector_key: raw.keys.ssh_connector,
            backend_key: raw.keys.workflows_backend,
            body_limit_bytes: limits.body_bytes,
            webhook_body_limit_bytes: limits.webhook_body_bytes,
            webhook_wait: Duration::from_secs(limits.webhook_wait_s),
            password_hashes: limits.password_hashes,
            login_failures_per_minute: limits.login_failures_per_minute,
        })
    }

    fn calls_elsewhere(&self) -> Option<&'static str> {
        let sockets = [
            ("sockets.db-connector", &self.connector_socket),
            ("sockets.ssh-connector", &self.ssh_connector_socket),
            ("sockets.code-executor", &self.executor_socket),
            ("sockets.workflows-backend", &self.backend_socket),
        ];
        sockets.into_iter().find(|(_, address)| address.is_elsewhere()).map(|(key, _)| key)
    }
}

fn in_range<T: PartialOrd + std::fmt::Display>(key: &str, value: T, min: T, max: T) -> Result<(), ConfigFault> {
    if value < min || value > max {
        return Err(ConfigFault::new(key, format!("must be between {min} and {max}")));
    }
    Ok(())
}

/// The host of `https://host:port`, in lower case; `None` when that is not what the text is.
fn host_of(base_url: &str) -> Option<String> {
    let authority = base_url.strip_prefix("https://").or_else(|| base_url.strip_prefix("http://"))?;
    let authority: http::uri::Authority = authority.parse().ok()?;
    (is_host(authority.host()) && !authority.as_str().contains('@')).then(|| authority.host().to_ascii_lowercase())
}

fn is_host(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match inner {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !text.is_empty()
                && text.len() <= 253
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut RawConfig)) -> Result<Config, ConfigFault> {
        let mut raw = RawConfig::default();
        change(&mut raw);
        Config::from_raw(raw)
    }

    #[test]
    fn the_defaults_are_sound() {
        let config = with(|_| {}).expect("sound");
        assert_eq!(config.base_url, "https://localhost:8443");
        assert!(config.hosts.contains(&"[::1]".to_owned()));
    }

    #[test]
    fn a_base_url_names_a_host() {
        let config = with(|raw| raw.base_url = "https://Tools.Example.org:8443/".into()).expect("sound");
        assert_eq!(
            (config.base_url.as_str(), config.hosts[0].as_str()),
            ("https://Tools.Example.org:8443", "tools.example.org")
        );
        for bad in ["", "tools.example.org", "ftp://x", "https://", "https://a/b", "https://u:p@host"] {
            assert_eq!(with(|raw| raw.base_url = bad.into()).expect_err(bad).key, "base-url");
        }
    }

    #[test]
    fn frames_show_origins_and_nothing_that_changes_the_policy() {
        let frames = |origin: &str| with(|raw| raw.frame_origins = vec![origin.into()]);
        assert!(frames("https://wiki.example.org:8443").is_ok());
        for bad in ["", "*", "https://*", "https://a; script-src *", "https://a/b", "wiki.example.org", "data:"] {
            assert_eq!(frames(bad).expect_err(bad).key, "frame-origins");
        }
    }

    #[test]
    fn a_limit_out_of_range_names_its_key() {
        assert_eq!(with(|raw| raw.limits.webhook_wait_s = 0).expect_err("refused").key, "limits.webhook-wait-s");
        assert_eq!(with(|raw| raw.additional_hosts = vec!["a:1".into()]).expect_err("refused").key, "additional-hosts");
    }
}
