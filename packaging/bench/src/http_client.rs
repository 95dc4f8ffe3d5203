//! An HTTP client over kept-alive loopback connections.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// One request, ready to be sent many times.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// `POST url` with a JSON body.
    pub(crate) fn post(url: impl Into<String>, body: &serde_json::Value) -> Self {
        let headers =
            HeaderMap::from_iter([(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"))]);
        Self { method: Method::POST, url: url.into(), headers, body: body.to_string().into() }
    }

    /// `GET url`.
    pub(crate) fn get(url: impl Into<String>) -> Self {
        Self { method: Method::GET, url: url.into(), headers: HeaderMap::new(), body: Bytes::new() }
    }
}

/// A client; clones share connections.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient(Client<HttpConnector, Full<Bytes>>);

impl HttpClient {
    /// A client that sends each request as soon as it is written.
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Sends `call`; any status is fine.
    pub(crate) async fn send(&self, call: &Call) -> Result<(StatusCode, HeaderMap, Bytes)> {
        let (parts, body) = self.begin(call).await?.into_parts();
        Ok((parts.status, parts.headers, body.collect().await?.to_bytes()))
    }

    async fn begin(&self, call: &Call) -> Result<Response<Incoming>> {
        let mut request = Request::builder().method(&call.method).uri(&call.url).body(Full::new(call.body.clone()))?;
        request.headers_mut().clone_from(&call.headers);
        self.0.request(request).await.with_context(|| format!("{} {}", call.method, call.url))
    }

    /// Sends `call` and counts the lines of its answer as they come; `look` is called with each piece.
    pub(crate) async fn lines(&self, call: &Call, mut look: impl FnMut()) -> Result<usize> {
        let mut response = self.begin(call).await?;
        ensure!(response.status().is_success(), "{} {} answered {}", call.method, call.url, response.status());
        let mut lines = 0;
        while let Some(frame) = response.body_mut().frame().await {
            let frame = frame.context("the answer broke off")?;
            lines += frame.data_ref().map_or(0, |data| data.iter().filter(|byte| **byte == b'\n').count());
            look();
        }
        Ok(lines)
    }

    /// Sends `call` and wants a 2xx.
    pub(crate) async fn expect_ok(&self, call: &Call) -> Result<(HeaderMap, Bytes)> {
        let (status, headers, body) = self.send(call).await?;
        let text = String::from_utf8_lossy(&body[..body.len().min(500)]).into_owned();
        ensure!(status.is_success(), "{} {} answered {status}: {text}", call.method, call.url);
        Ok((headers, body))
    }
}
