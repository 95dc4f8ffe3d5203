//! HTTP requests of user code, under the policy of the administrator: only to listed origins, never to an address that the
//! network policy refuses, and both are asked again at every redirect.

mod connection;
mod origins;

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_daemon_kit::NetworkPolicy;
use bulkhead_rpc::Problem;
use bulkhead_rpc::fetch::{FetchAnswer, FetchRequest, MAX_BODY_BYTES, MAX_HEADERS, Redirect};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use thiserror::Error;
use url::Url;

pub use origins::Origins;

/// From the name's resolution to the last byte of the answer, redirects included.
const TIMEOUT: Duration = Duration::from_secs(60);
const MAX_REDIRECTS: usize = 10;
const MAX_URL_BYTES: usize = 16 * 1024;

/// Headers that belong to a connection and not to a request. Compression is left out because code could not undo it.
const OF_THE_CONNECTION: [HeaderName; 11] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
    header::PROXY_AUTHORIZATION,
    header::PROXY_AUTHENTICATE,
    header::ACCEPT_ENCODING,
];

/// Why a request of code has no answer.
#[derive(Debug, Error)]
pub(crate) enum FetchError {
    #[error("this is no address to fetch: {0}")]
    Url(String),
    #[error("the request cannot be sent: {0}")]
    Request(String),
    #[error(
        "code may not fetch {0}: an administrator can allow it by allow-fetch in db-connector.toml, for example allow-fetch = [\"{0}\"]"
    )]
    OriginRefused(String),
    #[error(
        "{0} is on this machine or link-local, where code may not connect to; an administrator can allow it by allow-networks in db-connector.toml"
    )]
    AddressRefused(String),
    #[error("{host} cannot be reached: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("the answer redirects to {0}, and the request says redirect: 'error'")]
    Redirected(String),
    #[error("more than {MAX_REDIRECTS} redirects")]
    TooManyRedirects,
    #[error("the answer redirects to {location}: {source}")]
    Onward {
        location: String,
        #[source]
        source: Box<Self>,
    },
    #[error("the answer is larger than {MAX_BODY_BYTES} bytes")]
    TooLarge,
    #[error("the connection broke before the answer was there")]
    Broken(#[source] hyper::Error),
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Timeout,
}

impl FetchError {
    fn status_and_code(&self) -> (u16, &'static str) {
        match self {
            Self::Url(_) | Self::Request(_) => (422, "fetch-invalid"),
            Self::OriginRefused(_) | Self::AddressRefused(_) => (403, "fetch-refused"),
            Self::Unreachable { .. } => (502, "fetch-unreachable"),
            // The other side has acted upon it already.
            Self::Redirected(_) | Self::TooManyRedirects => (502, "fetch-redirected"),
            Self::Onward { source, .. } => match source.status_and_code() {
                broken @ (_, "fetch-broken") => broken,
                _ => (502, "fetch-redirected"),
            },
            Self::TooLarge => (502, "fetch-too-large"),
            // Whether the other side acted upon it is not known.
            Self::Broken(_) | Self::Timeout => (504, "fetch-broken"),
        }
    }
}

impl IntoResponse for FetchError {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        Problem::new(status, code, self.to_string()).response().into_response()
    }
}

/// Makes requests under the policy.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    pub(crate) origins: Origins,
    pub(crate) network: NetworkPolicy,
}

/// A request that can be sent, and sent on.
struct Sendable {
    url: Url,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
}

impl Fetcher {
    /// Makes a request, with its redirects.
    pub(crate) async fn fetch(&self, request: &FetchRequest) -> Result<FetchAnswer, FetchError> {
        tokio::time::timeout(TIMEOUT, self.follow(request)).await.unwrap_or(Err(FetchError::Timeout))
    }

    async fn follow(&self, request: &FetchRequest) -> Result<FetchAnswer, FetchError> {
        let mut sendable = Sendable::new(request)?;
        let mut response = self.send(&sendable).await?;
        for redirects in 0..=MAX_REDIRECTS {
            let location = match (target(&response), request.redirect) {
                (Some(location), Redirect::Follow) => location,
                (Some(location), Redirect::Error) => return Err(FetchError::Redirected(location)),
                _ => return answer(sendable.url, redirects > 0, response).await,
            };
            if redirects == MAX_REDIRECTS {
                break;
            }
            let onward = async {
                sendable.redirect(response.status(), &location)?;
                self.send(&sendable).await
            };
            response = onward.await.map_err(|source| FetchError::Onward { location, source: source.into() })?;
        }
        Err(FetchError::TooManyRedirects)
    }

    async fn send(&self, sendable: &Sendable) -> Result<http::Response<hyper::body::Incoming>, FetchError> {
        if !self.origins.permit(&sendable.url) {
            return Err(FetchError::OriginRefused(sendable.url.origin().ascii_serialization()));
        }
        connection::send(&self.network, &sendable.url, sendable.request()?).await
    }
}

impl Sendable {
    fn new(request: &FetchRequest) -> Result<Self, FetchError> {
        if request.url.len() > MAX_URL_BYTES {
            return Err(FetchError::Url(format!("it is longer than {MAX_URL_BYTES} bytes")));
        }
        if request.headers.len() > MAX_HEADERS {
            return Err(FetchError::Request(format!("it has more than {MAX_HEADERS} headers")));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let fault = || FetchError::Request(format!("header {name:?} is none"));
            let name: HeaderName = name.parse().map_err(|_| fault())?;
            let value = HeaderValue::from_str(value).map_err(|_| fault())?;
            if !OF_THE_CONNECTION.contains(&name) {
                headers.append(name, value);
            }
        }
        headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static("Bulkhead"));
        let method = Method::from_bytes(request.method.as_bytes())
            .ok()
            .filter(|method| *method != Method::CONNECT && *method != Method::TRACE)
            .ok_or_else(|| FetchError::Request(format!("{:?} is no method for it", request.method)))?;
        let body = STANDARD.decode(request.body.as_deref().unwrap_or_default());
        let body = body.map_err(|_| FetchError::Request("its body is no base64".to_owned()))?;
        if body.len() > MAX_BODY_BYTES {
            return Err(FetchError::Request(format!("its body takes more than {MAX_BODY_BYTES} bytes")));
        }
        Ok(Self { url: address(&request.url)?, method, headers, body: body.into() })
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, FetchError> {
        let target = &self.url[url::Position::BeforePath..url::Position::AfterQuery];
        let host = &self.url[url::Position::BeforeHost..url::Position::AfterPort];
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(target)
            .header(header::HOST, host)
            .body(Full::new(self.body.clone()))
            .map_err(|error| FetchError::Request(error.to_string()))?;
        for (name, value) in &self.headers {
            request.headers_mut().append(name, value.clone());
        }
        Ok(request)
    }

    /// Goes on to where the answer points, as browsers do: what followed a POST is a GET, and what was meant for one host only is
    /// not shown to the next.
    fn redirect(&mut self, status: StatusCode, location: &str) -> Result<(), FetchError> {
        let next = self.url.join(location).map_err(|error| FetchError::Url(format!("{location:?}: {error}")))?;
        let next = address(next.as_str())?;
        let to_get = match status {
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if to_get {
            self.method = Method::GET;
            self.body = Bytes::new();
            self.headers.remove(header::CONTENT_TYPE);
        }
        if next.origin() != self.url.origin() {
            self.headers.remove(header::AUTHORIZATION);
            self.headers.remove(header::COOKIE);
        }
        self.url = next;
        Ok(())
    }
}

fn address(text: &str) -> Result<Url, FetchError> {
    let url = Url::parse(text).map_err(|error| FetchError::Url(format!("{text:?}: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(FetchError::Url(format!("{}: is no http or https", url.scheme())));
    }
    if origins::has_user(&url) {
        return Err(FetchError::Url("a name or password in it: use the Authorization header".to_owned()));
    }
    Ok(url)
}

/// Where an answer redirects to.
fn target(response: &http::Response<hyper::body::Incoming>) -> Option<String> {
    let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(header::LOCATION).filter(|_| redirects)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

async fn answer(
    url: Url,
    redirected: bool,
    response: http::Response<hyper::body::Incoming>,
) -> Result<FetchAnswer, FetchError> {
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, MAX_BODY_BYTES).collect().await.map_err(|error| match error.downcast() {
        Ok(broken) => FetchError::Broken(*broken),
        Err(_) => FetchError::TooLarge,
    })?;
    let headers = parts.headers.iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    Ok(FetchAnswer {
        status: parts.status.as_u16(),
        url: url.to_string(),
        redirected,
        headers: headers.collect(),
        body: STANDARD.encode(body.to_bytes()),
    })
}
