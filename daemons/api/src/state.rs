//! What all handlers share.

use std::sync::Arc;

use bulkhead_daemon_kit::{Identity, Readiness};
use bulkhead_model::source_control::SourceControlSecret;
use bulkhead_model::ssh::SshSecret;
use bulkhead_model::{EnvironmentId, ResourceId, SshHostId};
use bulkhead_rpc::RpcClient;
use bulkhead_rpc::connector::secret_row;
use bulkhead_seal::{Place, SealPublicKey};
use bulkhead_store::Database;
use tokio_util::sync::CancellationToken;

use crate::app_usage::UsageCounter;
use crate::audit::AuditWriter;
use crate::auth::attempts::Attempts;
use crate::auth::passwords::Passwords;
use crate::auth::provider_keys::ProviderKeys;
use crate::config::Config;
use crate::http_error::ApiError;
use crate::metrics::ApiMetrics;
use crate::run_watch::RunWatch;

/// The daemon's state. Nothing in it outlives a request except connections, counters and the audit queue.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) config: Config,
    pub(crate) database: Database,
    pub(crate) audit: AuditWriter,
    pub(crate) usage: UsageCounter,
    pub(crate) connector: RpcClient,
    pub(crate) ssh_connector: RpcClient,
    pub(crate) executor: RpcClient,
    pub(crate) backend: RpcClient,
    pub(crate) passwords: Passwords,
    /// Wrong passwords by account.
    pub(crate) login_attempts: Attempts,
    /// Wrong passwords by remote address.
    pub(crate) login_attempts_by_address: Attempts,
    /// Log-ins with providers by remote address.
    pub(crate) sign_in_attempts: Attempts,
    /// The keys that providers sign with.
    pub(crate) provider_keys: ProviderKeys,
    /// Wrong webhook keys by remote address.
    pub(crate) key_attempts: Attempts,
    pub(crate) run_watch: RunWatch,
    pub(crate) metrics: ApiMetrics,
    pub(crate) readiness: Readiness,
    /// Cancelled when the daemon is to end: streams that would go on end then, so that the drain is short.
    pub(crate) shutdown: CancellationToken,
}

/// How handlers get it.
pub(crate) type SharedApi = Arc<Api>;

impl Api {
    /// Connects nothing yet, but hashes once and starts the background tasks.
    pub(crate) fn start(
        config: Config,
        identity: Option<&Arc<Identity>>,
        database: Database,
        metrics: ApiMetrics,
        readiness: Readiness,
        shutdown: CancellationToken,
    ) -> Result<SharedApi, ApiError> {
        let per_minute = config.login_failures_per_minute;
        let at = |service, address| {
            RpcClient::at(service, address, identity).map_err(ApiError::internal("reaching another machine"))
        };
        Ok(Arc::new(Self {
            audit: AuditWriter::start(database.clone()),
            usage: UsageCounter::start(database.clone(), shutdown.clone()),
            connector: at("db-connector", &config.connector_socket)?,
            ssh_connector: at("ssh-connector", &config.ssh_connector_socket)?,
            executor: at("code-executor", &config.executor_socket)?,
            backend: at("workflows-backend", &config.backend_socket)?,
            passwords: Passwords::new(config.password_hashes)?,
            login_attempts: Attempts::new(per_minute),
            login_attempts_by_address: Attempts::new(per_minute.saturating_mul(5)),
            sign_in_attempts: Attempts::new(per_minute.saturating_mul(5)),
            provider_keys: ProviderKeys::default(),
            key_attempts: Attempts::new(60),
            run_watch: RunWatch::start(&database),
            metrics,
            readiness,
            shutdown,
            config,
            database,
        }))
    }

    /// Seals a resource's secret so that db-connector alone can open it, and only in this environment.
    pub(crate) fn seal_resource_secret(
        &self,
        (id, environment): (ResourceId, EnvironmentId),
        secret: &str,
    ) -> Result<String, ApiError> {
        let (table, row) = secret_row(id, environment);
        self.seal_to_connector(table, &row, secret)
    }

    /// Seals the secret of a provider that people log in with, for db-connector, which alone speaks to it.
    pub(crate) fn seal_provider_secret(&self, id: uuid::Uuid, secret: &str) -> Result<String, ApiError> {
        self.seal_to_connector("sign_in_providers", &id.to_string(), secret)
    }

    fn seal_to_connector(&self, table: &str, row: &str, secret: &str) -> Result<String, ApiError> {
        let text = std::fs::read_to_string(&self.config.connector_key)
            .map_err(ApiError::internal("reading db-connector's public key"))?;
        seal(&text, Place { table, row, field: "sealed_secret" }, secret.as_bytes())
    }

    /// Seals what logs in to an SSH host so that ssh-connector alone can open it, and only for this row.
    pub(crate) fn seal_ssh_secret(&self, id: SshHostId, secret: &SshSecret) -> Result<String, ApiError> {
        let text = std::fs::read_to_string(&self.config.ssh_connector_key)
            .map_err(ApiError::internal("reading ssh-connector's public key"))?;
        let row = id.to_string();
        let secret = serde_json::to_string(secret).map_err(ApiError::internal("writing down a secret"))?;
        seal(&text, Place { table: "ssh_hosts", row: &row, field: "sealed_secret" }, secret.as_bytes())
    }

    /// Seals a secret for code so that workflows-backend alone can open it, and only for this row.
    pub(crate) fn seal_secret(&self, id: uuid::Uuid, value: &str) -> Result<String, ApiError> {
        self.seal_to_backend("secrets", id, value.as_bytes())
    }

    /// Seals the secret of a second factor for workflows-backend, which says whether codes are right.
    pub(crate) fn seal_second_factor(&self, id: uuid::Uuid, secret: &[u8]) -> Result<String, ApiError> {
        self.seal_to_backend("second_factors", id, secret)
    }

    /// Seals what logs in to the git repository so that jobs-runner alone can open it, and only for this connection.
    pub(crate) fn seal_source_control_secret(
        &self,
        id: uuid::Uuid,
        secret: &SourceControlSecret,
    ) -> Result<String, ApiError> {
        let secret = serde_json::to_vec(secret).map_err(ApiError::internal("writing down a secret"))?;
        let row = id.to_string();
        let place = Place { table: "source_control", row: &row, field: "sealed" };
        seal(&later_key(&self.config.jobs_runner_key)?, place, &secret)
    }

    fn seal_to_backend(&self, table: &str, id: uuid::Uuid, value: &[u8]) -> Result<String, ApiError> {
        let row = id.to_string();
        seal(&later_key(&self.config.backend_key)?, Place { table, row: &row, field: "sealed" }, value)
    }
}

/// An installation that is older than this key gets it by repeating setup.
fn later_key(path: &std::path::Path) -> Result<String, ApiError> {
    std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ApiError::Conflict {
            code: "seal-key-missing",
            detail: "there is no key yet to seal secrets with: run `sudo bulkheadctl setup` once on the machine, \
                     then try again"
                .to_owned(),
        },
        _ => ApiError::internal("reading a daemon's public key")(error),
    })
}

/// Seals to a public key that was read just now: it may be rotated while this daemon runs.
fn seal(key: &str, place: Place<'_>, secret: &[u8]) -> Result<String, ApiError> {
    let key = SealPublicKey::from_text(key).map_err(ApiError::internal("reading a public key"))?;
    key.seal(&place, secret).map_err(|error| match error {
        bulkhead_seal::SealError::TooLong(_) => ApiError::invalid(error.to_string(), Vec::new()),
        bulkhead_seal::SealError::Cipher => ApiError::internal("sealing a secret")(error),
    })
}
