//! Requests that another site made a browser send, and requests under a foreign host name: refused before any handler.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bulkhead_daemon_kit::Peer;
use http::header::{self, HeaderMap};
use http::uri::Authority;
use http::{HeaderName, Method};

use super::caller::bearer;
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// No cross-site form or simple request can carry it.
const CSRF_HEADER: HeaderName = HeaderName::from_static("x-bulkhead-csrf");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a host name that is not this instance's, on listeners of the network: what resolves here by DNS rebinding is not us.
pub(crate) async fn check_host(State(api): State<SharedApi>, request: Request, next: Next) -> Response {
    let local = request.extensions().get::<Peer>().is_some_and(Peer::is_local);
    if local || host_of(&request).is_some_and(|host| api.config.hosts.contains(&host)) {
        return next.run(request).await;
    }
    ApiError::UnknownHost.into_response()
}

/// Refuses a state-changing request of the API that may come from another site.
pub(crate) async fn check_site(request: Request, next: Next) -> Response {
    let local = request.extensions().get::<Peer>().is_some_and(Peer::is_local);
    if local || matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    match refusal(&request) {
        None => next.run(request).await,
        Some(error) => error.into_response(),
    }
}

fn refusal(request: &Request) -> Option<ApiError> {
    let headers = request.headers();
    // No page can make a browser send a token, and beside one no cookie counts.
    let is_bearer = bearer(headers).is_some();
    if !is_bearer && !same_site(request) {
        return Some(ApiError::CrossSite("this request comes from another site: open Bulkhead itself and try there"));
    }
    if headers.contains_key(header::CONTENT_TYPE) && !is_json(headers) {
        return Some(ApiError::NotJson);
    }
    // Without a cookie there is nothing to abuse: what follows asks for a session or a token.
    if is_bearer || !headers.contains_key(header::COOKIE) {
        return None;
    }
    if headers.get(CSRF_HEADER).is_none_or(|value| value != "1") {
        return Some(ApiError::CrossSite("a request that changes something needs the header x-bulkhead-csrf: 1"));
    }
    if !headers.contains_key(FETCH_SITE) && !headers.contains_key(header::ORIGIN) {
        return Some(ApiError::CrossSite("a request with a session needs the header Origin or Sec-Fetch-Site"));
    }
    None
}

/// Whether what the browser says of the request's source, if anything, is this very origin.
fn same_site(request: &Request) -> bool {
    let headers = request.headers();
    if let Some(site) = headers.get(FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|text| text.split_once("://")).map(|(_, authority)| authority);
    origin.is_some_and(|origin| authority_of(request).is_some_and(|host| host.eq_ignore_ascii_case(origin)))
}

/// Whether the body is announced as JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
}

/// Host and port as the request names them.
fn authority_of(request: &Request) -> Option<String> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.as_str().to_owned());
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (host, another) = (hosts.next()?, hosts.next());
    another.is_none().then(|| host.to_str().ok().map(str::to_owned))?
}

fn host_of(request: &Request) -> Option<String> {
    let authority: Authority = authority_of(request)?.parse().ok()?;
    // `user@host` has no place in a request; a trailing dot names the same host.
    let clean = !authority.as_str().contains('@');
    clean.then(|| authority.host().trim_end_matches('.').to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request {
        let mut builder =
            http::Request::builder().method("POST").uri("/api/v1/apps").header("host", "tools.example:8443");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(Body::empty()).expect("a request")
    }

    #[test]
    fn a_request_of_this_site_passes_and_any_other_is_refused() {
        let json = ("content-type", "application/json; charset=utf-8");
        let (cookie, csrf) = (("cookie", "__Host-bulkhead=x"), ("x-bulkhead-csrf", "1"));
        let passes: &[&[(&str, &str)]] = &[
            &[json],
            &[json, ("origin", "https://tools.example:8443")],
            &[json, cookie, csrf, ("sec-fetch-site", "same-origin")],
            &[cookie, csrf, ("origin", "https://TOOLS.example:8443")],
        ];
        for headers in passes {
            assert!(refusal(&request(headers)).is_none(), "{headers:?}");
        }
        let refused: &[&[(&str, &str)]] = &[
            &[json, ("sec-fetch-site", "cross-site")],
            &[json, ("sec-fetch-site", "same-site"), cookie, csrf],
            &[json, ("origin", "https://evil.example")],
            &[json, ("origin", "null")],
            &[json, cookie, ("sec-fetch-site", "same-origin")],
            &[json, cookie, csrf],
            &[("content-type", "text/plain")],
            &[("content-type", "multipart/form-data; boundary=x")],
        ];
        for headers in refused {
            assert!(refusal(&request(headers)).is_some(), "{headers:?}");
        }
    }

    #[test]
    fn the_host_is_read_without_port_case_or_trailing_dot() {
        let with_host = |host: &str| {
            let request =
                http::Request::builder().uri("/").header("host", host).body(Body::empty()).expect("a request");
            host_of(&request)
        };
        assert_eq!(with_host("Tools.Example.:8443").as_deref(), Some("tools.example"));
        assert_eq!(with_host("[::1]:8080").as_deref(), Some("[::1]"));
        assert_eq!(with_host("tools.example@evil"), None);
        assert_eq!(with_host(""), None);
    }
}
