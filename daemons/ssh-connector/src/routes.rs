//! The one route: `POST /v1/tunnels`, which turns its connection into the tunnel.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bulkhead_rpc::ssh::{PROTOCOL, TUNNELS, TunnelRequest};
use bulkhead_seal::{Place, SealPrivateKey};
use bulkhead_store::resources::SshHost;
use bulkhead_store::{Database, StoreError};
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
use crate::session::Credential;
use crate::sessions::{Loan, Sessions};

/// The largest request, in bytes.
const MAX_REQUEST_BYTES: usize = 16 * 1024;

/// What the route shares, and the tunnels that are open.
pub struct Tunnels {
    database: Database,
    key: SealPrivateKey,
    sessions: Sessions,
    places: Arc<Semaphore>,
    open: TaskTracker,
    shutdown: CancellationToken,
    metrics: Metrics,
    config: Config,
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
            key,
            sessions: Sessions::new(config, metrics.clone()),
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
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| TunnelError::Busy(self.config.max_tunnels))?;
        // Read each time: a removed or changed host counts from the next tunnel on.
        let settings = self.database.ssh_host(request.ssh_host).await.map_err(|error| match error {
            StoreError::NotFound { .. } => TunnelError::UnknownHost,
            other => TunnelError::Store(other),
        })?;
        let row = request.ssh_host.to_string();
        let credential = || self.credential(&row, &settings);
        let target = (request.host.as_str(), request.port);
        let (channel, loan) = self.sessions.open(request.ssh_host, settings.clone(), credential, target).await?;
        Ok(Tunnel { channel, loan, place })
    }

    fn credential(&self, row: &str, settings: &SshHost) -> Result<Credential, TunnelError> {
        let place = Place { table: "ssh_hosts", row, field: "sealed_secret" };
        let secret = self.key.open(&place, &settings.sealed_secret);
        let secret = secret.map_err(|source| TunnelError::Secret { host: settings.host.clone(), source })?;
        Credential::from_secret(&settings.host, &secret)
    }

    fn carry_in_background(self: Arc<Self>, tunnel: Tunnel, upgrade: OnUpgrade) {
        let tracker = self.open.clone();
        tracker.spawn(async move {
            let Tunnel { channel, loan, place } = tunnel;
            self.metrics.opened();
            match upgrade.await {
                Ok(client) => {
                    if let Err(error) = carry(TokioIo::new(client), channel, &self.shutdown).await {
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
        .layer(axum::extract::DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(tunnels)
}

async fn open_tunnel(State(tunnels): State<Arc<Tunnels>>, request: Request) -> Response {
    let opened = async {
        let (request, upgrade) = read_request(request).await?;
        // A task of its own: a channel that opens after the timeout is still closed in order.
        let opening = tokio::spawn(Arc::clone(&tunnels).open(request));
        let limit = tunnels.config.open_timeout;
        let timeout = || TunnelError::Timeout(limit.as_millis());
        // The task can only fail by a panic, which is logged.
        let tunnel = tokio::time::timeout(limit, opening).await.map_err(|_| timeout())?.map_err(|_| timeout())??;
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
