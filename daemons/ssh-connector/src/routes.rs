//! The routes: `POST /v1/tunnels`, which turns its connection into the tunnel, for db-connector; host keys and trials for api.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use bulkhead_daemon_kit::Peer;
use bulkhead_rpc::ssh::{
    HOST_KEY, HostKeyAnswer, HostKeyRequest, PROTOCOL, TEST, TUNNELS, TestAnswer, TestRequest, TunnelRequest,
};
use bulkhead_seal::SealPrivateKey;
use bulkhead_store::Database;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use russh::ChannelStream;
use russh::client::Msg;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Config;
use crate::carry::carry;
use crate::error::TunnelError;
use crate::metrics::Metrics;
use crate::sessions::{Loan, Sessions};

/// The largest request, in bytes.
const MAX_REQUEST_BYTES: usize = 32 * 1024;
/// Who opens tunnels.
pub(crate) const DB_CONNECTOR: &str = "bulkhead-db-connector";
/// Who asks for host keys and tries settings.
pub(crate) const API: &str = "bulkhead-api";

/// What the route shares, and the tunnels that are open.
pub struct Tunnels {
    pub(crate) database: Database,
    pub(crate) sessions: Sessions,
    places: Arc<Semaphore>,
    open: TaskTracker,
    shutdown: CancellationToken,
    metrics: Metrics,
    pub(crate) config: Config,
}

/// A tunnel whose client has yet to switch to it.
struct Tunnel {
    channel: ChannelStream<Msg>,
    loan: Loan,
    place: OwnedSemaphorePermit,
}

impl Tunnels {
    /// Tunnels whose secrets are opened with `key`, and which end soon after `shutdown`.
    pub fn new(
        database: Database,
        key: SealPrivateKey,
        config: &Config,
        metrics: Metrics,
        shutdown: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            database,
            sessions: Sessions::new(key, config, metrics.clone()),
            places: Arc::new(Semaphore::new(config.max_tunnels)),
            open: TaskTracker::new(),
            shutdown,
            metrics,
            config: config.clone(),
        })
    }

    /// Closes sessions that no tunnel has used for the configured time, for ever.
    pub async fn close_idle_sessions(self: Arc<Self>) {
        loop {
            tokio::time::sleep(Duration::from_secs(10)).await;
            self.sessions.close_idle();
        }
    }

    /// Waits until the open tunnels have ended, which they do as soon as they are quiet, or until `timeout` is over.
    pub async fn drain(&self, timeout: Duration) {
        self.open.close();
        if tokio::time::timeout(timeout, self.open.wait()).await.is_err() {
            tracing::warn!("{} busy tunnels were cut off after {timeout:?}", self.open.len());
        }
    }

    async fn open(self: Arc<Self>, request: TunnelRequest) -> Result<Tunnel, TunnelError> {
        let place = self.place()?;
        // Read each time: a removed or changed host counts from the next tunnel on.
        let way = self.way(request.ssh_host).await?;
        let (channel, loan) = self.sessions.open(&way, (&request.host, request.port)).await?;
        Ok(Tunnel { channel, loan, place })
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, TunnelError> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_| TunnelError::Busy(self.config.max_tunnels))
    }

    /// Does something that connects, within the time that a tunnel has. A task of its own: what is dropped half way is still
    /// closed in order.
    async fn within_time<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, TunnelError>> + Send + 'static,
    ) -> Result<T, TunnelError> {
        let limit = self.config.open_timeout;
        let timeout = || TunnelError::Timeout(limit.as_millis());
        // The limit is the task's own: a host that stays silent must not keep its place when nobody waits any more.
        let work = tokio::spawn(tokio::time::timeout(limit, work));
        // The task can only fail by a panic, which is logged.
        work.await.map_err(|_| timeout())?.map_err(|_| timeout())?
    }

    fn carry_in_background(self: Arc<Self>, tunnel: Tunnel, upgrade: OnUpgrade) {
        let tracker = self.open.clone();
        tracker.spawn(async move {
            let Tunnel { channel, loan, place } = tunnel;
            self.metrics.opened();
            match upgrade.await {
                Ok(client) => {
                    if let Err(error) = carry(TokioIo::new(client), channel, &self.shutdown, self.metrics.bytes()).await
                    {
                        tracing::debug!("a tunnel ended early: {error}");
                    }
                }
                Err(error) => tracing::debug!("the client of a tunnel went away: {error}"),
            }
            self.metrics.closed();
            loan.give_back();
            drop(place);
        });
    }
}

/// The routes.
pub fn router(tunnels: Arc<Tunnels>) -> Router {
    Router::new()
        .route(TUNNELS, post(open_tunnel))
        .route(HOST_KEY, post(host_key))
        .route(TEST, post(test))
        .layer(axum::extract::DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(tunnels)
}

/// The caller must be this daemon, where the kernel told who it is. One's own user passes: it could do all this anyway.
fn only(peer: &Peer, user: &'static str) -> Result<(), TunnelError> {
    match &peer.user {
        Some(name) if name != user => Err(TunnelError::Forbidden(user)),
        _ => Ok(()),
    }
}

async fn host_key(
    State(tunnels): State<Arc<Tunnels>>,
    Extension(peer): Extension<Peer>,
    Json(request): Json<HostKeyRequest>,
) -> Result<Json<HostKeyAnswer>, TunnelError> {
    only(&peer, API)?;
    let place = tunnels.place()?;
    let asked = Arc::clone(&tunnels).shown_key(request);
    let work = async move { asked.await.map(|answer| (answer, place)) };
    tunnels.within_time(work).await.map(|(answer, _)| Json(answer))
}

async fn test(
    State(tunnels): State<Arc<Tunnels>>,
    Extension(peer): Extension<Peer>,
    Json(request): Json<TestRequest>,
) -> Result<Json<TestAnswer>, TunnelError> {
    only(&peer, API)?;
    let place = tunnels.place()?;
    let asked = Arc::clone(&tunnels).try_out(request);
    let work = async move { asked.await.map(|answer| (answer, place)) };
    tunnels.within_time(work).await.map(|(answer, _)| Json(answer))
}

async fn open_tunnel(
    State(tunnels): State<Arc<Tunnels>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    let opened = async {
        only(&peer, DB_CONNECTOR)?;
        let (request, upgrade) = read_request(request).await?;
        let tunnel = tunnels.within_time(Arc::clone(&tunnels).open(request)).await?;
        Ok((tunnel, upgrade))
    };
    match opened.await {
        Ok((tunnel, upgrade)) => {
            tunnels.metrics.count("ok");
            tunnels.carry_in_background(tunnel, upgrade);
            let headers = [(header::CONNECTION, "upgrade"), (header::UPGRADE, PROTOCOL)];
            (StatusCode::SWITCHING_PROTOCOLS, headers, Body::empty()).into_response()
        }
        Err(error) => {
            let error: TunnelError = error;
            tunnels.metrics.count(&error.problem().code);
            error.into_response()
        }
    }
}

async fn read_request(request: Request) -> Result<(TunnelRequest, OnUpgrade), TunnelError> {
    let (mut parts, body) = request.into_parts();
    let upgrade = parts.extensions.remove::<OnUpgrade>().filter(|_| asks_to_switch(&parts.headers));
    let upgrade = upgrade.ok_or_else(|| TunnelError::Request(format!("it needs the header upgrade: {PROTOCOL}")))?;
    let Json(request) = Json::from_request(Request::from_parts(parts, body), &())
        .await
        .map_err(|rejection| TunnelError::Request(rejection.body_text()))?;
    Ok((request, upgrade))
}

fn asks_to_switch(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|protocol| protocol.as_bytes() == PROTOCOL.as_bytes())
}
