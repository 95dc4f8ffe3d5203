//! The collector: one request at a time, over a connection of its own.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon_kit::{Credentials, DaemonError};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use prost::Message;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::otlp::ExportResponse;
use super::settings::TraceSettings;

/// Of an answer, more is not read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Headers that belong to the request itself.
const RESERVED: [&str; 4] = ["host", "content-type", "content-length", "transfer-encoding"];

/// Why spans were not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// No connection, or none that can be trusted.
    #[error("the collector at {endpoint} cannot be reached: {reason}")]
    Unreachable { endpoint: String, reason: String },
    /// It will not do better with what was sent.
    #[error("the collector at {endpoint} refuses what it is sent: {reason}")]
    Refused { endpoint: String, reason: String },
    /// It may do better later, or with other settings.
    #[error("the collector at {endpoint} answered {status}: check traces.endpoint, and the credential traces-headers")]
    Failed { endpoint: String, status: StatusCode },
}

/// Where traces go.
pub(super) struct Collector {
    endpoint: Uri,
    headers: HeaderMap,
    tls: Option<TlsConnector>,
    timeout: Duration,
}

impl std::fmt::Display for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.endpoint.authority().map_or("", |authority| authority.as_str()))
    }
}

impl Collector {
    pub(super) fn new(settings: &TraceSettings, credentials: &Credentials) -> Result<Self, DaemonError> {
        let headers = match settings.headers {
            true => headers_of(&credentials.read_text("traces-headers")?)?,
            false => HeaderMap::new(),
        };
        let tls = match settings.endpoint.scheme_str() {
            Some("https") => Some(TlsConnector::from(Arc::new(trusting(settings)?))),
            _ => None,
        };
        Ok(Self { endpoint: settings.endpoint.clone(), headers, tls, timeout: settings.timeout })
    }

    /// Sends an encoded request.
    pub(super) async fn send(&self, body: Vec<u8>) -> Result<(), SendError> {
        match tokio::time::timeout(self.timeout, self.exchange(body)).await {
            Ok(sent) => sent,
            Err(_) => Err(self.unreachable(format!("it has not answered after {} seconds", self.timeout.as_secs()))),
        }
    }

    async fn exchange(&self, body: Vec<u8>) -> Result<(), SendError> {
        let host = self.endpoint.host().unwrap_or_default();
        // Brackets are how an address of version 6 is written in a URL, and not part of it.
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = self.endpoint.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await.map_err(|error| self.unreachable(advice(&error)))?;
        match &self.tls {
            None => self.post(stream, body).await,
            Some(tls) => {
                let failed = |error: &dyn std::fmt::Display| self.unreachable(format!("{error}: check traces.ca"));
                let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(&error))?;
                let stream = tls.connect(name, stream).await.map_err(|error| failed(&error))?;
                self.post(stream, body).await
            }
        }
    }

    async fn post(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        body: Vec<u8>,
    ) -> Result<(), SendError> {
        let broken = |error: hyper::Error| self.unreachable(format!("it broke off: {error}"));
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // Ends with the answer; its error reaches whoever reads that.
        tokio::spawn(connection);
        let path = self.endpoint.path_and_query().map_or("/v1/traces", |path| path.as_str());
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = path.parse().unwrap_or_default();
        *request.headers_mut() = self.headers.clone();
        let authority = self.endpoint.authority().map_or("", |authority| authority.as_str());
        let host = HeaderValue::from_str(authority).unwrap_or(HeaderValue::from_static(""));
        request.headers_mut().insert(header::HOST, host);
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        let answer = sender.send_request(request).await.map_err(broken)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect().await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        if status.is_success() {
            self.look_at(&body);
            return Ok(());
        }
        Err(match status {
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                SendError::Refused { endpoint: self.to_string(), reason: format!("it answered {status}") }
            }
            _ => SendError::Failed { endpoint: self.to_string(), status },
        })
    }

    /// A collector may take some spans and leave others; sending those again helps nobody.
    fn look_at(&self, body: &[u8]) {
        let answer = ExportResponse::decode(body).ok().and_then(|answer| answer.partial_success);
        if let Some(partial) = answer.filter(|partial| partial.rejected_spans > 0) {
            let reason: String = partial.error_message.chars().filter(|char| !char.is_control()).take(200).collect();
            tracing::warn!("the collector at {self} did not take {} spans: {reason}", partial.rejected_spans);
        }
    }

    fn unreachable(&self, reason: String) -> SendError {
        SendError::Unreachable { endpoint: self.to_string(), reason }
    }
}

/// The unit gives this daemon no network by itself; that looks like this.
fn advice(error: &std::io::Error) -> String {
    let is_shut_in = matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::NetworkUnreachable)
        || matches!(error.raw_os_error(), Some(1 | 97))
        || error.to_string().contains("failed to lookup address");
    if is_shut_in {
        return format!("{error}: does a drop-in of the unit allow its address (docs/operations.md, Traces)?");
    }
    format!("{error}: check traces.endpoint")
}

/// `name: value` lines.
fn headers_of(text: &str) -> Result<HeaderMap, DaemonError> {
    let mut headers = HeaderMap::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        // The line itself is a secret.
        let wrong = || format!("credential traces-headers: line {number} is no header: write `name: value`");
        let (name, value) = line.split_once(':').ok_or_else(wrong)?;
        let name: HeaderName = name.trim().to_ascii_lowercase().parse().map_err(|_| wrong())?;
        if RESERVED.contains(&name.as_str()) {
            return Err(
                format!("credential traces-headers: line {number}: `{name}` belongs to the request itself").into()
            );
        }
        let mut value: HeaderValue = value.trim().parse().map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

/// The certificate is always verified in full, against the system's authorities or the one that is named.
fn trusting(settings: &TraceSettings) -> Result<ClientConfig, DaemonError> {
    let mut roots = RootCertStore::empty();
    match &settings.ca {
        Some(file) => {
            let wrong =
                |error: &dyn std::fmt::Display| format!("traces.ca: {} cannot be used: {error}", file.display());
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))? {
                let certificate = certificate.map_err(|error| wrong(&error))?;
                roots.add(certificate).map_err(|error| wrong(&error))?;
            }
        }
        None => {
            // One that does not parse is left out; none at all is an error below.
            let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err("traces.ca: no authority is trusted: name a PEM file, or install ca-certificates".into());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
