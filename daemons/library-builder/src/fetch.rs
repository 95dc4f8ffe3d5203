//! The HTTP client of the registries: HTTPS with the system's authorities, HTTP only where the configuration says so, addresses
//! checked by the network policy, redirects followed only where they cannot lose anything. It knows no package.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bulkhead_daemon_kit::NetworkPolicy;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use url::Url;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may take to begin.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a body may pause.
const PAUSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Redirects after one another.
const MAX_REDIRECTS: usize = 5;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// A registry or index, and what it is shown.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Ends with a slash.
    pub(crate) base: Url,
    /// Sent to this origin and nowhere else.
    pub(crate) authorization: Option<HeaderValue>,
}

/// Why something was not fetched.
#[derive(Debug, Error)]
pub(crate) enum FetchError {
    #[error("{place} cannot be reached: {reason}")]
    Unreachable { place: String, reason: String },
    #[error("{place} answered {status}{}", hint(.status))]
    Status { place: String, status: StatusCode },
    #[error("{place} leads to {target}, where it is not followed: only the same server or HTTPS is")]
    Redirect { place: String, target: String },
    #[error("{place} broke off: {reason}")]
    Cut { place: String, reason: String },
    #[error("{place} sends more than {limit} bytes")]
    TooLarge { place: String, limit: u64 },
}

fn hint(status: &StatusCode) -> &'static str {
    match *status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            ": set the credential npm-registry.token or python-index.token of bulkhead-library-builder"
        }
        _ => "",
    }
}

impl FetchError {
    /// Whether the same may work in a moment.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Cut { .. } => true,
            Self::Status { status, .. } => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Self::Redirect { .. } | Self::TooLarge { .. } => false,
        }
    }
}

/// A client for all registries. Connections are kept for the next request.
#[derive(Clone)]
pub(crate) struct Fetcher {
    client: Client<Connector, Empty<Bytes>>,
}

impl Fetcher {
    pub(crate) fn new(network: NetworkPolicy, tls: rustls::ClientConfig) -> Self {
        let connector = Connector { network, tls: TlsConnector::from(Arc::new(tls)) };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(hyper_util::rt::TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(15))
            .build(connector);
        Self { client }
    }

    /// `GET url`, which succeeds with 200 alone.
    pub(crate) async fn get(&self, source: &Source, url: Url, accept: &'static str) -> Result<Fetched, FetchError> {
        let mut url = url;
        for _ in 0..=MAX_REDIRECTS {
            let (headers, body) = match self.once(source, &url, accept).await? {
                Answer::Body(headers, body) => (headers, body),
                Answer::Redirect(target) => {
                    if target.scheme() != "https" && target.origin() != url.origin() {
                        return Err(FetchError::Redirect { place: place(&url), target: place(&target) });
                    }
                    url = target;
                    continue;
                }
            };
            return Ok(Fetched { url, headers, body });
        }
        Err(FetchError::Unreachable { place: place(&url), reason: "too many redirects".into() })
    }

    async fn once(&self, source: &Source, url: &Url, accept: &'static str) -> Result<Answer, FetchError> {
        let unreachable = |reason: String| FetchError::Unreachable { place: place(url), reason };
        let mut request = Request::get(url.as_str())
            .header(header::ACCEPT, accept)
            .header(header::USER_AGENT, concat!("bulkhead-library-builder/", env!("CARGO_PKG_VERSION")));
        if let Some(authorization) = source.authorization.as_ref().filter(|_| url.origin() == source.base.origin()) {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(Empty::new()).map_err(|error| unreachable(error.to_string()))?;
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, self.client.request(request)).await;
        let answer = answer.map_err(|_| unreachable("no answer in time".into()))?;
        let answer = answer.map_err(|error| unreachable(innermost(&error)))?;
        let (head, body) = answer.into_parts();
        if head.status == StatusCode::OK {
            return Ok(Answer::Body(head.headers, body));
        }
        let target = head.headers.get(header::LOCATION).filter(|_| head.status.is_redirection());
        match target.and_then(|target| url.join(target.to_str().ok()?).ok()) {
            Some(target) if matches!(target.scheme(), "http" | "https") => Ok(Answer::Redirect(target)),
            _ => Err(FetchError::Status { place: place(url), status: head.status }),
        }
    }
}

enum Answer {
    Body(HeaderMap, Incoming),
    Redirect(Url),
}

/// An answer whose body is still to come.
pub(crate) struct Fetched {
    /// Where it came from in the end.
    pub(crate) url: Url,
    headers: HeaderMap,
    body: Incoming,
}

impl Fetched {
    pub(crate) fn content_type(&self) -> &str {
        self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The next bytes; `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        let cut = |reason: String| FetchError::Cut { place: place(&self.url), reason };
        loop {
            let frame = tokio::time::timeout(PAUSE_TIMEOUT, self.body.frame()).await;
            match frame.map_err(|_| cut("it sends nothing more".into()))? {
                None => return Ok(None),
                Some(Err(error)) => return Err(cut(innermost(&error))),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// The whole body, of at most `limit` bytes.
    pub(crate) async fn text(&mut self, limit: u64) -> Result<String, FetchError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Err(FetchError::TooLarge { place: place(&self.url), limit });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// An address for a message: without user, password and query, which may be secrets.
pub(crate) fn place(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// hyper wraps causes in causes; the last one says what happened.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[derive(Clone)]
struct Connector {
    network: NetworkPolicy,
    tls: TlsConnector,
}

impl Connector {
    async fn connect(self, uri: Uri) -> Result<Stream, AnyError> {
        let host = uri.host().ok_or("the address has no host")?.trim_matches(['[', ']']).to_owned();
        let secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let address = self.network.resolve(&host, port).await?;
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        if !secure {
            return Ok(Stream(TokioIo::new(Box::pin(stream))));
        }
        let stream = self.tls.connect(ServerName::try_from(host)?, stream).await?;
        Ok(Stream(TokioIo::new(Box::pin(stream))))
    }
}

impl tower::Service<Uri> for Connector {
    type Response = Stream;
    type Error = AnyError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, AnyError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), AnyError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, self.clone().connect(uri));
        Box::pin(async { connecting.await.map_err(|_| "no connection in time")? })
    }
}

trait Bidirectional: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Bidirectional for T {}

/// A connection, with or without TLS, as hyper's client wants it.
struct Stream(TokioIo<Pin<Box<dyn Bidirectional>>>);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl hyper::rt::Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
