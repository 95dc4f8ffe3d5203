//! What every answer carries, errors and pages alike: security headers, and the body of a problem.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bulkhead_daemon_kit::RequestId;
use bulkhead_rpc::problem::PROBLEM_JSON;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::http_error::ProblemBody;
use crate::metrics::ApiMetrics;

/// How a listener is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// The network, encrypted.
    Tls,
    /// Loopback, in the clear: a proxy or a browser on this machine.
    Loopback,
    /// `api.sock`.
    Local,
}

/// The policy of everything that is no page: nothing in it may run, load or be framed.
const INERT_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox";

/// The outermost layer.
pub(crate) async fn finish(
    State((transport, metrics)): State<(Transport, ApiMetrics)>,
    request: Request,
    next: Next,
) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;
    if let Some(ProblemBody { mut problem, run }) = response.extensions_mut().remove::<ProblemBody>() {
        problem.request_id = id.map(|id| id.0);
        response = with_problem_body(response, &problem, run);
    }
    metrics.requests.inc();
    if response.status().is_server_error() {
        metrics.failures.inc();
    }
    add_security_headers(response.headers_mut(), transport);
    response
}

fn with_problem_body(
    response: Response,
    problem: &bulkhead_rpc::Problem,
    run: Option<bulkhead_model::RunId>,
) -> Response {
    let mut value = serde_json::to_value(problem).unwrap_or_default();
    if let (Some(run), Some(object)) = (run, value.as_object_mut()) {
        object.insert("run".to_owned(), run.to_string().into());
    }
    let (mut parts, _) = response.into_parts();
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(value.to_string()))
}

fn add_security_headers(headers: &mut HeaderMap, transport: Transport) {
    // Pages and assets set their own; everything else gets the strictest.
    let defaults = [
        (header::CONTENT_SECURITY_POLICY, INERT_POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in defaults {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    // The camera is for apps that read codes: the browser asks the person, and no frame has it.
    let features = "camera=(self), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";
    headers.insert(HeaderName::from_static("permissions-policy"), HeaderValue::from_static(features));
    if transport == Transport::Tls {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
}
