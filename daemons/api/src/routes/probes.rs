//! What a load balancer asks, by whatever name it knows this host. Reasons stay on the control socket.

use axum::extract::State;
use http::StatusCode;

use crate::state::SharedApi;

/// The process answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// 200 when requests can be served, 503 when not.
pub(super) async fn readyz(State(api): State<SharedApi>) -> (StatusCode, &'static str) {
    if api.readiness.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
