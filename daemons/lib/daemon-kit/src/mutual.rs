//! Daemons of other machines as callers: who a certificate says they are, for how long, and what those are told who may not call.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use axum::body::Body;
use bulkhead_mtls::{Role, explain, shown};
use http::{HeaderValue, Response, StatusCode, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::{Peer, PeerPolicy};

/// Age from which on an answer is the last of its connection. The next one is a new handshake: a certificate that was renewed, or an
/// authority that is trusted no more, counts from then on, and replicas that came back get their share.
const MAX_AGE: Duration = Duration::from_secs(60);
/// How long one that was refused may take to read why.
const LINGER: Duration = Duration::from_secs(1);

/// The other end of a connection whose certificate was verified.
#[derive(Debug)]
pub(crate) struct Caller {
    admitted: Result<Peer, String>,
    ends: SystemTime,
    since: Instant,
}

impl Caller {
    /// Who calls `own`.
    pub(crate) fn of(stream: &TlsStream<TcpStream>, address: SocketAddr, peers: &PeerPolicy, own: Role) -> Self {
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let found = certificate.map(|certificate| shown(certificate));
        let (admitted, ends) = match found {
            None => (Err("no certificate was shown".to_owned()), SystemTime::UNIX_EPOCH),
            Some(Err(fault)) => (Err(format!("the certificate is none of a daemon: {fault}")), SystemTime::UNIX_EPOCH),
            Some(Ok(shown)) => {
                let callers: Vec<_> = own.callers().iter().map(|role| role.name()).collect();
                let admitted = peers.admit_role(shown.role).ok_or_else(|| {
                    let callers = callers.join(", ");
                    format!("the certificate shows the role {}, which may not call {own}; {callers} may", shown.role)
                });
                (admitted, shown.ends)
            }
        };
        if let Err(refusal) = &admitted {
            tracing::warn!(peer.address = %address, "refused a connection of {address}: {refusal}");
        }
        Self { admitted, ends, since: Instant::now() }
    }

    /// Whether it may be answered, now.
    pub(crate) fn admitted(&self) -> Result<Peer, String> {
        let peer = self.admitted.clone()?;
        if SystemTime::now() > self.ends {
            return Err("the certificate that this connection began with has ended".to_owned());
        }
        Ok(peer)
    }

    /// Whether the connection has lived long enough.
    pub(crate) fn is_old(&self) -> bool {
        self.since.elapsed() > MAX_AGE
    }
}

/// The answer to one that may not call, in the shape of all refusals.
pub(crate) fn forbidden(refusal: &str) -> Response<Body> {
    let problem = serde_json::json!({ "status": 403, "code": "caller-refused", "detail": refusal });
    let mut response = Response::new(Body::from(problem.to_string()));
    *response.status_mut() = StatusCode::FORBIDDEN;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Says in the journal why a handshake failed, and lets the other end read the same: a socket that is closed with something unread in it
/// tears down what was written last.
pub(crate) async fn refuse(mut stream: TcpStream, address: SocketAddr, error: &std::io::Error) {
    let reason = explain(error).unwrap_or_else(|| error.to_string());
    tracing::warn!(peer.address = %address, "refused a connection of {address}: {reason}");
    let read = async {
        stream.shutdown().await?;
        let mut unread = [0; 4096];
        while stream.read(&mut unread).await? > 0 {}
        std::io::Result::Ok(())
    };
    // It may be gone already.
    let _ = tokio::time::timeout(LINGER, read).await;
}
