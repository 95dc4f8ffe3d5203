//! Serving a router on a listener: peers, limits, request ids, drain.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bulkhead_mtls::Identity;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use tracing::Instrument;

use crate::mutual::{self, Caller};
use crate::{Lifetime, Listener, Peer, PeerPolicy, RequestId, request_id};

/// How long a client may take to send a request's head, so that slow ones cannot hold all connections.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest request head, in bytes.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Connections served at once; more wait in the socket's backlog.
const MAX_CONNECTIONS: usize = 4096;

/// How long a connection is kept open at the drain although no request is running on it. Without it, a request that is on its
/// way just then would meet a closed connection.
const DRAIN_GRACE: Duration = Duration::from_millis(300);

/// How to serve one listener.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    peers: PeerPolicy,
    tls: Option<Tls>,
}

#[derive(Clone, Debug)]
enum Tls {
    /// For whoever comes.
    Public(Arc<rustls::ServerConfig>),
    /// For daemons of other machines, which show a certificate.
    Mutual(Arc<Identity>),
}

impl Tls {
    /// With the certificate that is in use now.
    fn acceptor(&self) -> TlsAcceptor {
        match self {
            Self::Public(config) => Arc::clone(config).into(),
            Self::Mutual(identity) => identity.server().into(),
        }
    }
}

impl ServeOptions {
    /// A Unix socket for these peers.
    pub fn unix(peers: PeerPolicy) -> Self {
        Self { peers, tls: None }
    }

    /// TCP without TLS: for loopback, where a proxy or a browser on this machine connects.
    pub fn tcp() -> Self {
        Self { peers: PeerPolicy::any(), tls: None }
    }

    /// TCP with TLS.
    pub fn tls(config: Arc<rustls::ServerConfig>) -> Self {
        Self { peers: PeerPolicy::any(), tls: Some(Tls::Public(config)) }
    }

    /// TCP for those of these peers that are daemons of other machines.
    pub fn mutual(peers: PeerPolicy, identity: Arc<Identity>) -> Self {
        Self { peers, tls: Some(Tls::Mutual(identity)) }
    }
}

/// Why a listener cannot be served.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The socket could not be handed to the runtime.
    #[error("the listening socket cannot be used")]
    Listener(#[source] std::io::Error),
}

/// Serves `router` until shutdown, then stops accepting, lets running requests end within the drain timeout, and returns.
pub async fn serve(
    listener: Listener,
    router: Router,
    options: ServeOptions,
    lifetime: &Lifetime,
) -> Result<(), ServeError> {
    let server = Server {
        router,
        options,
        connections: TaskTracker::new(),
        places: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        shutdown: lifetime.shutdown.clone(),
    };
    match listener {
        Listener::Unix(listener) => {
            listener.set_nonblocking(true).map_err(ServeError::Listener)?;
            let listener = tokio::net::UnixListener::from_std(listener).map_err(ServeError::Listener)?;
            server.serve_unix(listener, lifetime).await;
        }
        Listener::Tcp(listener) => {
            listener.set_nonblocking(true).map_err(ServeError::Listener)?;
            let listener = tokio::net::TcpListener::from_std(listener).map_err(ServeError::Listener)?;
            server.serve_tcp(listener, lifetime).await;
        }
    }
    Ok(())
}

struct Server {
    router: Router,
    options: ServeOptions,
    connections: TaskTracker,
    places: Arc<Semaphore>,
    shutdown: CancellationToken,
}

/// What is known of a connection's other end.
#[derive(Clone)]
enum Origin {
    Unix(Peer),
    Tcp(SocketAddr),
    Mutual(Arc<Caller>),
}

impl Server {
    async fn serve_unix(self, listener: tokio::net::UnixListener, lifetime: &Lifetime) {
        while let Some((place, accepted)) = self.next(listener.accept(), lifetime).await {
            let Some((stream, _)) = accepted else { continue };
            let Ok(credentials) = stream.peer_cred() else { continue };
            match self.options.peers.admit(credentials.uid()) {
                Some(peer) => self.spawn(stream, Origin::Unix(peer), place),
                None => tracing::warn!(
                    peer.uid = credentials.uid(),
                    "refused a connection of user id {}",
                    credentials.uid()
                ),
            }
        }
        self.drain(lifetime).await;
    }

    async fn serve_tcp(self, listener: tokio::net::TcpListener, lifetime: &Lifetime) {
        let (handshaken, mut ready) = tokio::sync::mpsc::channel(64);
        loop {
            tokio::select! {
                next = self.next(listener.accept(), lifetime) => {
                    let Some((place, accepted)) = next else { break };
                    let Some((stream, address)) = accepted else { continue };
                    // Answers leave at once; a failure to say so costs latency, not correctness.
                    let _ = stream.set_nodelay(true);
                    let Some(tls) = self.options.tls.clone() else {
                        self.spawn(stream, Origin::Tcp(address), place);
                        continue;
                    };
                    let (handshaken, peers) = (handshaken.clone(), self.options.peers.clone());
                    tokio::spawn(async move {
                        if let Some((stream, origin)) = handshake(stream, address, &tls, &peers).await {
                            let _ = handshaken.send((stream, origin, place)).await;
                        }
                    });
                }
                Some((stream, origin, place)) = ready.recv() => self.spawn(stream, origin, place),
            }
        }
        // Handshakes that run still may end: their clients connected before the stop.
        drop(handshaken);
        while let Some((stream, origin, place)) = ready.recv().await {
            self.spawn(stream, origin, place);
        }
        self.drain(lifetime).await;
    }

    /// The next connection with a place for it; `None` at shutdown, an inner `None` after a failed accept.
    async fn next<T>(
        &self,
        accept: impl Future<Output = std::io::Result<T>>,
        lifetime: &Lifetime,
    ) -> Option<(OwnedSemaphorePermit, Option<T>)> {
        let accepted = async {
            let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
            match accept.await {
                Ok(accepted) => Some((place, Some(accepted))),
                Err(error) => {
                    tracing::warn!("accepting a connection failed: {error}");
                    // Out of descriptors, most likely: give those in use time to close.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    Some((place, None))
                }
            }
        };
        tokio::select! {
            () = lifetime.shutdown.cancelled() => None,
            accepted = accepted => accepted,
        }
    }

    fn spawn<S>(&self, stream: S, origin: Origin, place: OwnedSemaphorePermit)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (router, shutdown) = (self.router.clone(), self.shutdown.clone());
        let stopping = shutdown.clone();
        let service = hyper::service::service_fn(move |request| {
            answer(router.clone(), origin.clone(), request, stopping.clone())
        });
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_READ_TIMEOUT)
            .max_buf_size(MAX_HEADER_BYTES);
        builder.http2().timer(TokioTimer::new()).max_header_list_size(MAX_HEADER_BYTES as u32);
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        self.connections.spawn(async move {
            let mut connection = std::pin::pin!(connection);
            let stopped = async {
                shutdown.cancelled().await;
                tokio::time::sleep(DRAIN_GRACE).await;
            };
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stopped => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!("a connection ended early: {error}");
            }
            drop(place);
        });
    }

    async fn drain(self, lifetime: &Lifetime) {
        self.connections.close();
        if tokio::time::timeout(lifetime.drain_timeout, self.connections.wait()).await.is_err() {
            tracing::warn!("some requests did not end within {:?} and were cut off", lifetime.drain_timeout);
        }
    }
}

/// The encrypted connection and whose it is; none when there is nobody to answer.
async fn handshake(
    stream: TcpStream,
    address: SocketAddr,
    tls: &Tls,
    peers: &PeerPolicy,
) -> Option<(TlsStream<TcpStream>, Origin)> {
    if matches!(tls, Tls::Mutual(_)) {
        bulkhead_mtls::keep_alive(&stream);
    }
    let accepted = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.acceptor().accept(stream).into_fallible()).await;
    match (accepted, tls) {
        (Ok(Ok(stream)), Tls::Public(_)) => Some((stream, Origin::Tcp(address))),
        (Ok(Ok(stream)), Tls::Mutual(identity)) => {
            let caller = Caller::of(&stream, address, peers, identity.role());
            Some((stream, Origin::Mutual(Arc::new(caller))))
        }
        (Ok(Err((error, stream))), Tls::Mutual(_)) => {
            mutual::refuse(stream, address, &error).await;
            None
        }
        (Ok(Err((error, _))), Tls::Public(_)) => {
            tracing::debug!("TLS handshake with {address} failed: {error}");
            None
        }
        (Err(_), _) => {
            tracing::debug!("TLS handshake with {address} took too long");
            None
        }
    }
}

async fn answer(
    router: Router,
    origin: Origin,
    request: Request<Incoming>,
    shutdown: CancellationToken,
) -> Result<Response<Body>, std::convert::Infallible> {
    // Only another daemon may name the request; a browser's header is not believed.
    let passed_on = match origin {
        Origin::Unix(_) | Origin::Mutual(_) => RequestId::from_headers(request.headers()),
        Origin::Tcp(_) => None,
    };
    let id = passed_on.unwrap_or_else(RequestId::new);
    let span =
        tracing::info_span!("request", request.id = %id, method = %request.method(), path = request.uri().path());
    let version = request.version();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(id.clone());
    let mut is_last = false;
    match origin {
        Origin::Unix(peer) => drop(request.extensions_mut().insert(peer)),
        Origin::Tcp(address) => drop(request.extensions_mut().insert(address)),
        Origin::Mutual(caller) => match caller.admitted() {
            Ok(peer) => {
                is_last = caller.is_old();
                request.extensions_mut().insert(peer);
            }
            Err(refusal) => return Ok(mutual::forbidden(&refusal)),
        },
    }
    let Ok(mut response) = router.oneshot(request).instrument(span).await;
    // HTTP/2 has no such header; there, the connection's own goodbye says it.
    if (is_last || shutdown.is_cancelled())
        && version < Version::HTTP_2
        && response.status() != StatusCode::SWITCHING_PROTOCOLS
    {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(request_id::HEADER, value);
    }
    Ok(response)
}
