//! The UI's files, from the package. Pages get a policy under which only what the package brought may run.
//!
//! The build has no inline script or style. What the UI's libraries inject at run time carries a nonce, which `index.html`
//! passes to them in a `<meta name="csp-nonce">`; it is new with each answer.

use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};

use crate::auth::{Caller, token};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// What the build writes where the nonce goes.
const NONCE_PLACEHOLDER: &str = "__CSP_NONCE__";
/// And where the origins go that frames may show, so that an app can say why it shows none of another.
const FRAMES_PLACEHOLDER: &str = "__FRAME_ORIGINS__";

/// Expressions are evaluated in this document's opaque origin: it may compute, and reach nothing.
const EVALUATOR_POLICY: &str = "sandbox allow-scripts; default-src 'none'; script-src 'self' 'unsafe-eval' blob:; worker-src blob:; \
                                frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

/// A custom component runs in such a document: it draws and computes, reaches nothing, and talks to the page by messages alone.
const CUSTOM_COMPONENT_POLICY: &str = "sandbox allow-scripts; default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; \
                                       img-src data: blob:; font-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

/// A request that no route matched: a page, an asset, or nothing.
pub(crate) async fn serve(State(api): State<SharedApi>, mut parts: Parts) -> Response {
    let outcome = match place(parts.uri.path()) {
        // Whoever has no session learns nothing of which routes there are.
        Place::Api => Caller::from_request_parts(&mut parts, &api).await.and_then(|_| Err(ApiError::NotFound)),
        _ if !matches!(parts.method, Method::GET | Method::HEAD) => Err(ApiError::MethodNotAllowed),
        Place::Nowhere => Err(ApiError::NotFound),
        Place::Evaluator => sandboxed(&api, "evaluator.html", EVALUATOR_POLICY).await,
        Place::CustomComponent => sandboxed(&api, "custom-component.html", CUSTOM_COMPONENT_POLICY).await,
        Place::File(file) => asset(&api, &parts, &file).await,
        Place::Page => page(&api).await,
    };
    outcome.unwrap_or_else(IntoResponse::into_response)
}

/// What a path that no route matched stands for.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// Something of the API's, mistyped or disguised.
    Api,
    Evaluator,
    CustomComponent,
    File(PathBuf),
    Page,
    Nowhere,
}

fn place(path: &str) -> Place {
    if is_of_the_api(path) {
        return Place::Api;
    }
    if path == "/evaluator" {
        return Place::Evaluator;
    }
    if path == "/custom-component" {
        return Place::CustomComponent;
    }
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let plain = |segment: &&str| {
        !segment.starts_with('.') && segment.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    };
    match segments.last() {
        // No address of the UI's own has a dot in its last part, so one that has is a file's.
        Some(last) if last.contains('.') => {
            let is_file = segments.iter().all(plain) && !last.ends_with(".html");
            if is_file { Place::File(segments.iter().collect()) } else { Place::Nowhere }
        }
        _ => Place::Page,
    }
}

/// Whether a path, read as leniently as any proxy might, leads to the API: then it must not be answered with a page.
fn is_of_the_api(path: &str) -> bool {
    let mut text = path.to_owned();
    // Twice, for a path that was encoded twice.
    for _ in 0..2 {
        text = percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned();
    }
    let mut parts = text.split(['/', '\\']).map(|part| part.split(';').next().unwrap_or_default().trim());
    let first =
        parts.find(|part| !part.is_empty() && *part != "." && *part != "..").unwrap_or_default().to_ascii_lowercase();
    first == "api" || first == "hooks"
}

async fn page(api: &SharedApi) -> Result<Response, ApiError> {
    let html = read_text(&api.config.web_root.join("index.html")).await?;
    let (nonce, _) = token::mint()?;
    let frames: String = api.config.frame_origins.iter().map(|origin| format!(" {origin}")).collect();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; style-src-attr 'none'; \
         img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; frame-src 'self' blob:{frames}; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let policy = HeaderValue::from_str(&policy).map_err(ApiError::internal("writing the content security policy"))?;
    let html = html.replace(NONCE_PLACEHOLDER, &nonce).replace(FRAMES_PLACEHOLDER, frames.trim_start());
    Ok(answer(Body::from(html), "text/html; charset=utf-8", [(header::CONTENT_SECURITY_POLICY, policy)]))
}

async fn sandboxed(api: &SharedApi, file: &str, policy: &'static str) -> Result<Response, ApiError> {
    let html = read_text(&api.config.web_root.join(file)).await?;
    let policy = (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    Ok(answer(Body::from(html), "text/html; charset=utf-8", [policy]))
}

async fn asset(api: &SharedApi, request: &Parts, file: &Path) -> Result<Response, ApiError> {
    let path = api.config.web_root.join(file);
    let Some(media_type) = media_type(file) else { return Err(ApiError::NotFound) };
    let (bytes, encoding) = read_best(&path, request).await?;
    // The build puts a hash of the content into the names below `assets/`.
    let hashed = file.starts_with("assets");
    let caching = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response =
        answer(Body::from(bytes), media_type, [(header::CACHE_CONTROL, HeaderValue::from_static(caching))]);
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    let is_of_a_sandbox = |name: &str| name.starts_with("evaluator") || name.starts_with("custom-component");
    if file.file_name().and_then(|name| name.to_str()).is_some_and(is_of_a_sandbox) {
        // The origin of a sandboxed document is opaque, so its own script comes from "elsewhere". The file is public anyway.
        headers
            .insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    }
    Ok(response)
}

fn answer<const N: usize>(body: Body, media_type: &'static str, headers: [(HeaderName, HeaderValue); N]) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().extend(headers);
    *response.status_mut() = StatusCode::OK;
    response
}

fn media_type(file: &Path) -> Option<&'static str> {
    Some(match file.extension()?.to_str()? {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "webmanifest" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

async fn read_text(path: &Path) -> Result<String, ApiError> {
    tokio::fs::read_to_string(path).await.map_err(|source| {
        tracing::error!(
            "{} cannot be read: install the package bulkhead-web or set web-root in api.toml",
            path.display()
        );
        ApiError::internal("reading the UI")(source)
    })
}

/// The file, in the best encoding that the browser takes and the build wrote.
async fn read_best(path: &Path, request: &Parts) -> Result<(Vec<u8>, Option<&'static str>), ApiError> {
    let accepted =
        request.headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let accepts = |wanted: &str| accepted.split(',').any(|item| item.trim().split(';').next() == Some(wanted));
    for (encoding, suffix) in [("br", "br"), ("gzip", "gz")] {
        if accepts(encoding) {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".{suffix}"));
            if let Ok(bytes) = tokio::fs::read(PathBuf::from(name)).await {
                return Ok((bytes, Some(encoding)));
            }
        }
    }
    match tokio::fs::read(path).await {
        Ok(bytes) => Ok((bytes, None)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(ApiError::NotFound),
        Err(source) => Err(ApiError::internal("reading the UI")(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disguised_path_of_the_api_is_never_a_page() {
        for path in [
            "/api/v1/apps/",
            "//api/v1/apps",
            "/./api/v1",
            "/API/v1/apps",
            "/api%2fv1%2fapps",
            "/%61pi/v1",
            "/%2561pi/v1",
            "/api;x/v1",
            "/;/api/v1",
            "\\api\\v1",
            "/hooks/a/b/",
            "/%2Fapi/v1",
        ] {
            assert_eq!(place(path), Place::Api, "{path}");
        }
    }

    #[test]
    fn addresses_of_the_ui_are_pages_and_files_stay_below_the_root() {
        for page in ["/", "/login", "/apps/customers/edit", "/apis"] {
            assert_eq!(place(page), Place::Page, "{page}");
        }
        assert_eq!(place("/assets/index-abc.js"), Place::File("assets/index-abc.js".into()));
        for nowhere in
            ["/../etc/passwd.js", "/assets/.hidden.js", "/a/%2e%2e/b.js", "/index.html", "/custom-component.html"]
        {
            assert_eq!(place(nowhere), Place::Nowhere, "{nowhere}");
        }
        assert_eq!(place("/evaluator"), Place::Evaluator);
        assert_eq!(place("/custom-component"), Place::CustomComponent);
    }
}
