//! One request over a Unix socket, whatever its answer's status: for what `bulkhead_rpc`'s client treats as an error.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::HOST;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::collections::BTreeMap;
use tokio::net::UnixStream;

/// A service that takes longer is as good as down.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What `/readyz` says.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Readiness {
    /// `ready`, `degraded` or `not-ready`.
    pub(crate) status: String,
    conditions: BTreeMap<String, Condition>,
}

#[derive(Clone, Debug, Deserialize)]
struct Condition {
    #[serde(default)]
    reason: Option<String>,
}

impl Readiness {
    /// Whether it can do its job, perhaps with less than it should have.
    pub(crate) fn works(&self) -> bool {
        self.status != "not-ready"
    }

    /// Why it is not simply ready; empty when it is.
    pub(crate) fn reasons(&self) -> String {
        let reasons = self.conditions.iter().filter_map(|(name, condition)| {
            let reason = condition.reason.as_ref()?;
            Some(format!("{name}: {reason}"))
        });
        reasons.collect::<Vec<_>>().join("; ")
    }
}

/// Asks the control socket of a daemon.
pub(crate) async fn readiness(socket: &Path) -> Result<Readiness> {
    let (_, body) = request(socket, Method::GET, "/readyz", Bytes::new()).await?;
    serde_json::from_slice(&body).with_context(|| format!("{} answered with something else", socket.display()))
}

/// Sends one request and reads the whole answer.
pub(crate) async fn request(socket: &Path, method: Method, path: &str, body: Bytes) -> Result<(StatusCode, Bytes)> {
    let asked = async {
        let stream = UnixStream::connect(socket).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost")
            .header("content-type", "application/json")
            .body(Full::new(body))?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        anyhow::Ok((status, response.into_body().collect().await?.to_bytes()))
    };
    let answer = tokio::time::timeout(TIMEOUT, asked).await.context("it does not answer within 5 s").flatten();
    answer.with_context(|| format!("ask {}", socket.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_name_their_condition() {
        let text = r#"{"status":"not-ready","conditions":{"database":{"state":"not-ready","reason":"is down"},"keys":{"state":"ready"}}}"#;
        let readiness: Readiness = serde_json::from_str(text).expect("reads");
        assert!(!readiness.works());
        assert_eq!(readiness.reasons(), "database: is down");
    }
}
