//! The running instance, over `api.sock`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bulkhead_rpc::{Problem, RpcClient, RpcError};
use http_body_util::BodyExt;
use hyper::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A client that is root to the instance.
#[derive(Debug)]
pub(crate) struct Api {
    socket: PathBuf,
    client: RpcClient,
}

impl Api {
    /// Connects on first use.
    pub(crate) fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned(), client: RpcClient::new("bulkhead-api", socket) }
    }

    /// The socket.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// `GET /api/v1PATH`.
    pub(crate) async fn get<A: DeserializeOwned>(&self, path: &str) -> Result<A> {
        let answer = self.client.get(&below(path)).await;
        answer.map_err(|error| self.explain(error)).with_context(|| format!("GET {path}"))
    }

    /// [`Self::get`]; `None` when there is no such thing.
    pub(crate) async fn find<A: DeserializeOwned>(&self, path: &str) -> Result<Option<A>> {
        match self.client.get(&below(path)).await {
            Ok(found) => Ok(Some(found)),
            Err(RpcError::Problem(problem)) if problem.status == 404 => Ok(None),
            Err(error) => Err(self.explain(error)).with_context(|| format!("GET {path}")),
        }
    }

    /// Sends `body`.
    pub(crate) async fn send<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A> {
        let what = format!("{method} {path}");
        let answer = self.client.call(method, &below(path), body).await;
        answer.map_err(|error| self.explain(error)).context(what)
    }

    /// `POST` without a body; the answer, or the problem that the instance answered with.
    pub(crate) async fn try_post(&self, path: &str) -> Result<Result<Value, Box<Problem>>> {
        match self.client.call(Method::POST, &below(path), &serde_json::json!({})).await {
            Ok(answer) => Ok(Ok(answer)),
            Err(RpcError::Problem(problem)) => Ok(Err(problem)),
            Err(error) => Err(self.explain(error)).with_context(|| format!("POST {path}")),
        }
    }

    /// Sends `body` and gives the answer as it comes, line by line, to `each`.
    pub(crate) async fn stream(
        &self,
        path: &str,
        body: &impl Serialize,
        mut each: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let answer = self.client.stream(Method::POST, &below(path), body).await;
        let mut body = answer.map_err(|error| self.explain(error)).with_context(|| format!("POST {path}"))?.into_body();
        let mut open = Vec::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.context("the instance broke off")?.into_data() {
                open.extend_from_slice(&data);
            }
            while let Some(end) = open.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = open.drain(..=end).collect();
                each(&line[..end])?;
            }
        }
        Ok(())
    }

    /// Adds what a person at a shell can do about it.
    fn explain(&self, error: RpcError) -> anyhow::Error {
        match error {
            RpcError::Unreachable { .. } if !nix::unistd::Uid::effective().is_root() => {
                anyhow::Error::new(error).context("only root may use this socket: try again with sudo")
            }
            RpcError::Unreachable { .. } => {
                anyhow::Error::new(error).context("is Bulkhead running? see `bulkheadctl status`")
            }
            RpcError::Problem(problem) if problem.status == 404 => anyhow::Error::msg("there is none of this name"),
            RpcError::Problem(problem) => {
                let faults: Vec<String> = problem.faults.iter().map(ToString::to_string).collect();
                match faults.len() {
                    0 | 1 => anyhow::Error::msg(problem.detail),
                    _ => anyhow::Error::msg(format!("{}\n  {}", problem.detail, faults.join("\n  "))),
                }
            }
            other => other.into(),
        }
    }
}

fn below(path: &str) -> String {
    format!("/api/v1{path}")
}

/// Refuses whom `api.sock` and the machine's files would refuse anyway, with a better word.
pub(crate) fn require_root(what: &str) -> Result<()> {
    if nix::unistd::Uid::effective().is_root() {
        return Ok(());
    }
    bail!("{what} needs root: sudo bulkheadctl ...")
}
