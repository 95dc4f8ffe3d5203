//! The control socket: `/healthz`, `/readyz`, `/metrics`. Nothing here changes anything.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use crate::{MetricsRegistry, Readiness};

#[derive(Clone)]
struct ControlState {
    readiness: Readiness,
    metrics: Arc<MetricsRegistry>,
}

/// The routes of the control socket.
pub(crate) fn router(readiness: Readiness, metrics: MetricsRegistry) -> Router {
    let state = ControlState { readiness, metrics: Arc::new(metrics) };
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(serve_metrics))
        .with_state(state)
}

async fn readyz(State(state): State<ControlState>) -> Response {
    state.readiness.response()
}

async fn serve_metrics(State(state): State<ControlState>) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &state.metrics) {
        Ok(()) => ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
            .into_response(),
        Err(std::fmt::Error) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl Readiness {
    /// The answer to `GET /readyz`: 200 when ready or degraded, 503 when not, the conditions as JSON.
    pub fn response(&self) -> Response {
        let status = if self.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, Json(self.summary())).into_response()
    }
}
