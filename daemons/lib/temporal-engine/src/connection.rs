//! Where Temporal is, and how to show who we are.

use std::path::{Path, PathBuf};
use std::time::Duration;

use temporalio_client::{
    Client, ClientOptions, ClientTlsOptions, Connection, ConnectionOptions, GrpcCompression, TlsOptions, Url,
};

use crate::EngineError;

/// How to reach a Temporal server.
#[derive(Clone, Debug)]
pub struct ConnectionConfig {
    /// `host:port`.
    pub address: String,
    /// The namespace; it must exist.
    pub namespace: String,
    /// The task queue that workers poll.
    pub task_queue: String,
    /// Encryption; none for the bundled server on loopback.
    pub tls: Option<TlsFiles>,
    /// An API key of Temporal Cloud.
    pub api_key: Option<String>,
}

/// PEM files for TLS.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// The authority that signed the server's certificate; the system's when absent.
    pub ca: Option<PathBuf>,
    /// Our certificate and key, for mTLS.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Connects once.
pub(crate) async fn connect(config: &ConnectionConfig) -> Result<Client, EngineError> {
    let scheme = if config.tls.is_some() || config.api_key.is_some() { "https" } else { "http" };
    let target: Url = match format!("{scheme}://{}", config.address).parse() {
        Ok(target) => target,
        Err(error) => return Err(refused(config, "temporal.address is not host:port".to_owned(), Box::new(error))),
    };
    let tls = config.tls.as_ref().map(tls_options).transpose()?;
    let options = ConnectionOptions::new(target)
        .identity(format!("bulkhead-{}", std::process::id()))
        .maybe_tls_options(tls)
        .maybe_api_key(config.api_key.clone())
        .connect_timeout(Duration::from_secs(5))
        // Messages are a few hundred bytes between neighbours: compressing them costs more than it saves.
        .grpc_compression(GrpcCompression::None)
        .build();
    let failed = |error: &dyn std::error::Error| advice(config, &format!("{error:?} {error}"));
    let connection = match Connection::connect(options).await {
        Ok(connection) => connection,
        Err(error) => return Err(refused(config, failed(&error), Box::new(error))),
    };
    Client::new(connection, ClientOptions::new(config.namespace.clone()).build()).map_err(|error| {
        let fix = failed(&error);
        refused(config, fix, Box::new(error))
    })
}

fn refused(config: &ConnectionConfig, fix: String, source: Box<dyn std::error::Error + Send + Sync>) -> EngineError {
    EngineError::Connect { address: config.address.clone(), fix, source }
}

fn tls_options(files: &TlsFiles) -> Result<TlsOptions, EngineError> {
    let client_tls_options = match &files.identity {
        Some((certificate, key)) => Some(
            ClientTlsOptions::builder()
                .client_cert(read("temporal.certificate", certificate)?)
                .client_private_key(read("temporal.key", key)?)
                .build(),
        ),
        None => None,
    };
    let server_root_ca_cert = files.ca.as_ref().map(|file| read("temporal.ca", file)).transpose()?;
    let options = TlsOptions::builder().maybe_server_root_ca_cert(server_root_ca_cert);
    Ok(options.maybe_client_tls_options(client_tls_options).build())
}

fn read(setting: &'static str, file: &Path) -> Result<Vec<u8>, EngineError> {
    std::fs::read(file).map_err(|source| EngineError::File { setting, file: file.to_owned(), source })
}

/// What to look at, by what the SDK says of a failure. It gives the causes as text alone; a test of the worker holds these words to what
/// real servers lead to.
pub(crate) fn advice(config: &ConnectionConfig, failure: &str) -> String {
    let says = |words: &[&str]| words.iter().any(|word| failure.contains(word));
    if says(&[
        "CertificateRequired",
        "HandshakeFailure",
        "certificate required",
        "CertificateUnknown",
        "UnknownCA",
        "BadCertificate",
    ]) && says(&["AlertReceived", "alert"])
    {
        return if config.tls.as_ref().is_some_and(|files| files.identity.is_some()) {
            "it refuses this worker's certificate: check temporal.certificate and temporal.key".to_owned()
        } else {
            "it demands a client certificate: set temporal.certificate and temporal.key".to_owned()
        };
    }
    if says(&["NotValidForName"]) {
        return "its certificate is for another name: check temporal.address".to_owned();
    }
    if says(&["UnknownIssuer", "BadSignature"]) {
        return match config.tls.as_ref().is_some_and(|files| files.ca.is_some()) {
            true => "its certificate is not signed by the authority in temporal.ca".to_owned(),
            false => "its certificate is signed by no authority that this machine knows: set temporal.ca".to_owned(),
        };
    }
    if says(&["InvalidCertificate"]) {
        return "its certificate is not valid (now): check the server's certificate, and this machine's clock"
            .to_owned();
    }
    if says(&["InvalidMessage", "InvalidContentType"]) {
        return "it does not speak TLS: check temporal.tls and temporal.address".to_owned();
    }
    if says(&["Unauthenticated", "PermissionDenied"]) {
        return if config.api_key.is_some() {
            "it refuses the API key: check the credential temporal-api-key and temporal.namespace".to_owned()
        } else {
            "it wants to know who we are: set temporal.api-key, or temporal.certificate and temporal.key".to_owned()
        };
    }
    if says(&["NotFound", "Namespace"]) && says(&["amespace"]) {
        return format!("it has no namespace `{}`: check temporal.namespace", config.namespace);
    }
    if config.tls.is_none()
        && says(&["http2 error", "broken pipe", "connection reset", "ConnectionReset", "BrokenPipe", "UnexpectedEof"])
    {
        return "it broke off at once: where it speaks TLS, set temporal.tls".to_owned();
    }
    "check bulkhead-temporal.service, or temporal.address in workflows-worker.toml".to_owned()
}
