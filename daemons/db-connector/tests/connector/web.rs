//! A web server in the test's process that keeps what it is sent.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls_pki_types::PrivateKeyDer;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Certified, certified};

pub(crate) type Reply = Response<Full<Bytes>>;

type Answers = dyn Fn(&Seen) -> Option<Reply> + Send + Sync;

/// A server, until the test ends.
pub(crate) struct WebServer {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
    accepting: Mutex<Vec<JoinHandle<()>>>,
    tls: Option<TlsAcceptor>,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    /// Path and query, as they were sent.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl WebServer {
    /// One that is encrypted, with its certificate for `localhost`, and the authority that signed it.
    pub(crate) async fn start_tls(answer: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static) -> (Self, String) {
        let Certified { certificate, key, authority, .. } = certified();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
            )
            .expect("a certificate");
        let server = Self::bound(Some(TlsAcceptor::from(Arc::new(config))), Arc::new(answer)).await;
        (server, authority)
    }

    /// One on loopback that answers as `answer` says. One that answers nothing closes the connection.
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static) -> Self {
        Self::bound(None, Arc::new(answer)).await
    }

    async fn bound(tls: Option<TlsAcceptor>, answer: Arc<Answers>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let server = Self { port, seen: Arc::default(), connections: Arc::default(), accepting: Mutex::default(), tls };
        server.accept(listener, answer);
        server
    }

    fn accept(&self, listener: TcpListener, answer: Arc<Answers>) {
        let (seen, connections, tls) = (Arc::clone(&self.seen), Arc::clone(&self.connections), self.tls.clone());
        let accepting = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                let service = service_fn(move |request: http::Request<Incoming>| {
                    let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
                        let target = parts.uri.to_string();
                        let one = Seen { method: parts.method, target, headers: parts.headers, body };
                        seen.lock().expect("sound").push(one.clone());
                        // An error of the service closes the connection.
                        answer(&one).ok_or_else(|| "no answer".to_owned())
                    }
                });
                let tls = tls.clone();
                open.spawn(async move {
                    match tls {
                        Some(tls) => {
                            let Ok(stream) = tls.accept(stream).await else { return };
                            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                        }
                        None => {
                            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                        }
                    }
                });
            }
        });
        self.accepting.lock().expect("sound").push(accepting);
    }

    /// What has arrived since this was asked last.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().expect("sound"))
    }

    /// The one request that has arrived.
    pub(crate) fn only(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Closes all connections, and goes on with other answers on the same port.
    pub(crate) async fn restart(&self, answer: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static) {
        let running: Vec<_> = self.accepting.lock().expect("sound").drain(..).collect();
        for task in running {
            task.abort();
            let _: Result<(), _> = task.await;
        }
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("binds");
        self.accept(listener, Arc::new(answer));
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.accepting.lock().expect("sound").iter().for_each(JoinHandle::abort);
    }
}

/// An answer in JSON.
pub(crate) fn json_reply(status: u16, body: &Value) -> Option<Reply> {
    reply(status, &[("content-type", "application/json")], body.to_string())
}

/// An answer.
pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Option<Reply> {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = StatusCode::from_u16(status).expect("a status");
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().expect("a name");
        reply.headers_mut().append(name, value.parse().expect("a value"));
    }
    Some(reply)
}

/// A redirect.
pub(crate) fn redirect(status: u16, location: &str) -> Option<Reply> {
    reply(status, &[(header::LOCATION.as_str(), location)], "")
}
