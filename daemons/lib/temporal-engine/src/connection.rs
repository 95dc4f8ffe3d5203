//! Where Temporal is, and how to show who we are.

use std::path::PathBuf;
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
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| EngineError::Connect {
        address: config.address.clone(),
        source,
    };
    let scheme = if config.tls.is_some() || config.api_key.is_some() { "https" } else { "http" };
    let target: Url = format!("{scheme}://{}", config.address).parse().map_err(|error| failed(Box::new(error)))?;
    let tls = config.tls.as_ref().map(tls_options).transpose().map_err(|error| failed(Box::new(error)))?;
    let options = ConnectionOptions::new(target)
        .identity(format!("bulkhead-{}", std::process::id()))
        .maybe_tls_options(tls)
        .maybe_api_key(config.api_key.clone())
        .connect_timeout(Duration::from_secs(5))
        // Messages are a few hundred bytes between neighbours: compressing them costs more than it saves.
        .grpc_compression(GrpcCompression::None)
        .build();
    let connection = Connection::connect(options).await.map_err(|error| failed(Box::new(error)))?;
    Client::new(connection, ClientOptions::new(config.namespace.clone()).build())
        .map_err(|error| failed(Box::new(error)))
}

fn tls_options(files: &TlsFiles) -> Result<TlsOptions, std::io::Error> {
    let client_tls_options = match &files.identity {
        Some((certificate, key)) => Some(
            ClientTlsOptions::builder()
                .client_cert(std::fs::read(certificate)?)
                .client_private_key(std::fs::read(key)?)
                .build(),
        ),
        None => None,
    };
    let server_root_ca_cert = files.ca.as_ref().map(std::fs::read).transpose()?;
    let options = TlsOptions::builder().maybe_server_root_ca_cert(server_root_ca_cert);
    Ok(options.maybe_client_tls_options(client_tls_options).build())
}
