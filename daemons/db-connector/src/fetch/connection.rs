//! One request over one connection, to an address that has been checked.

use std::sync::{Arc, OnceLock};

use bulkhead_daemon_kit::{NetworkPolicy, ResolveError};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use super::FetchError;
use crate::tls;

/// The system's authorities, read with the first request that needs them.
static TLS: OnceLock<Result<TlsConnector, String>> = OnceLock::new();

/// Sends a request. The address is resolved, checked and connected to in one go, so that a name which changes its mind gains
/// nothing; the certificate must be for the name.
pub(super) async fn send(
    policy: &NetworkPolicy,
    url: &Url,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, FetchError> {
    let host = url.host_str().ok_or_else(|| FetchError::Url("it names no host".to_owned()))?;
    let port = url.port_or_known_default().unwrap_or(443);
    // Brackets are how an address of version 6 is written in a URL, and not part of it.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = policy.resolve(bare, port).await.map_err(|error| match error {
        ResolveError::Refused(host) => FetchError::AddressRefused(host),
        other => FetchError::Unreachable { host: host.to_owned(), reason: other.to_string() },
    })?;
    let unreachable = |reason: String| FetchError::Unreachable { host: format!("{host}:{port}"), reason };
    let stream = TcpStream::connect(address).await.map_err(|error| unreachable(error.to_string()))?;
    if url.scheme() != "https" {
        return exchange(stream, request).await;
    }
    let tls = TLS.get_or_init(|| {
        tls::authorities(None).and_then(tls::verifying).map(|config| TlsConnector::from(Arc::new(config)))
    });
    let tls = tls.as_ref().map_err(|reason| unreachable(reason.clone()))?;
    let name = ServerName::try_from(bare.to_owned()).map_err(|error| unreachable(error.to_string()))?;
    let stream = tls.connect(name, stream).await.map_err(|error| unreachable(error.to_string()))?;
    exchange(stream, request).await
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, FetchError> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(FetchError::Broken)?;
    // Ends with the response's body; its error reaches whoever reads that.
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(FetchError::Broken)
}
