//! A connection to a server of gRPC: HTTP/2, with one call at a time. A call that is dropped is reset, which ends it on the server.

use std::time::Duration;

use bulkhead_model::resource::{GrpcConfig, TlsMode};
use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use h2::{Ping, PingPong, Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version, header};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::left;
use crate::error::QueryError;
use crate::pool;
use crate::route::Routes;
use crate::target::Target;

/// Bytes of an answer that may be on their way before they are read here.
const WINDOW: u32 = 256 * 1024;
/// Bytes of metadata that a server may send.
const MAX_METADATA: u32 = 64 * 1024;
/// How long a connection that rested may take to show that it lives.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3);
/// How long a connection that is not needed any more may take to say so.
const FAREWELL: Duration = Duration::from_secs(5);

const APPLICATION: HeaderValue = HeaderValue::from_static("application/grpc");

/// A connection.
pub(super) struct Channel {
    sender: SendRequest<Bytes>,
    ping: Option<PingPong>,
    driver: Option<JoinHandle<()>>,
    /// What the addresses of calls begin with.
    origin: String,
}

/// Why a call has no answer.
pub(super) enum Unanswered {
    /// The server has certainly not begun with it.
    NotSent,
    /// The connection broke, or the server broke the call off, after it was sent.
    Broken,
}

impl pool::Connection for Channel {
    type Config = GrpcConfig;

    async fn open(config: &GrpcConfig, target: &Target, routes: &Routes) -> Result<Self, QueryError> {
        let server = config.server();
        let stream = routes.connect_speaking(target, &server, b"h2").await?;
        let broken = |error: h2::Error| {
            let reason = format!("it does not speak HTTP/2, as gRPC does, or not without TLS ({error})");
            target.unreachable(&server, reason)
        };
        let opened = async {
            let mut builder = Builder::new();
            builder.initial_window_size(WINDOW).initial_connection_window_size(WINDOW).enable_push(false);
            builder.max_header_list_size(MAX_METADATA);
            let (sender, mut connection) = builder.handshake::<_, Bytes>(stream).await.map_err(broken)?;
            let ping = connection.ping_pong();
            let driver = tokio::spawn(async move {
                // Its error reaches whoever waits for an answer.
                let _ = connection.await;
            });
            let scheme = if server.tls == TlsMode::Disabled { "http" } else { "https" };
            let host = if server.host.contains(':') { format!("[{}]", server.host) } else { server.host.to_owned() };
            let origin = format!("{scheme}://{host}:{}", server.port);
            let mut channel = Self { sender, ping, driver: Some(driver), origin };
            // Who answers this speaks HTTP/2: nothing of a call has been sent to anybody else.
            channel.ping().await.map_err(broken)?;
            Ok(channel)
        };
        routes.within(target, &server, opened).await
    }

    fn is_closed(&self) -> bool {
        self.driver.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Channel {
    async fn ping(&mut self) -> Result<(), h2::Error> {
        match &mut self.ping {
            Some(ping) => ping.ping(Ping::opaque()).await.map(drop),
            None => Ok(()),
        }
    }

    /// Whether the server is still there, after a rest.
    pub(super) async fn still_lives(&mut self) -> bool {
        matches!(tokio::time::timeout(SIGN_OF_LIFE, self.ping()).await, Ok(Ok(())))
    }

    /// Sends a call and waits for the beginning of its answer. `sent` is set when it is on the way.
    pub(super) async fn call(
        &mut self,
        path: &str,
        metadata: &HeaderMap,
        message: Bytes,
        deadline: Instant,
        sent: &mut bool,
    ) -> Result<Response<RecvStream>, Unanswered> {
        let mut sender = self.sender.clone().ready().await.map_err(|_| Unanswered::NotSent)?;
        let request = Request::builder().method(Method::POST).uri(format!("{}{path}", self.origin));
        let mut request = request.version(Version::HTTP_2).body(()).map_err(|_| Unanswered::NotSent)?;
        let headers = request.headers_mut();
        headers.extend(metadata.iter().map(|(name, value)| (name.clone(), value.clone())));
        headers.insert(header::CONTENT_TYPE, APPLICATION);
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("bulkhead/", env!("CARGO_PKG_VERSION"))));
        headers.insert("grpc-accept-encoding", HeaderValue::from_static("identity"));
        // Eight digits at most: more than a day, in milliseconds.
        let timeout = left(deadline).as_millis().clamp(1, 99_999_999);
        if let Ok(timeout) = HeaderValue::try_from(format!("{timeout}m")) {
            headers.insert("grpc-timeout", timeout);
        }
        let (response, mut stream) = sender.send_request(request, false).map_err(|_| Unanswered::NotSent)?;
        *sent = true;
        stream.send_data(message, true).map_err(|_| Unanswered::Broken)?;
        response.await.map_err(|error| match error.reason() {
            Some(Reason::REFUSED_STREAM) if error.is_remote() => Unanswered::NotSent,
            _ => Unanswered::Broken,
        })
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        // It ends by itself, with a reset for a call that was left, unless the server takes nothing any more.
        let Some(driver) = self.driver.take() else { return };
        if driver.is_finished() {
            return;
        }
        tokio::spawn(async move {
            let abort = driver.abort_handle();
            if tokio::time::timeout(FAREWELL, driver).await.is_err() {
                abort.abort();
            }
        });
    }
}
