//! Speaks with the executor.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use bulkhead_rpc::executor::{BlockSpec, CodeLimits, RunEvent, RunRequest, Work};
use bulkhead_rpc::{RpcClient, RpcError};
use http::Method;
use http_body_util::BodyExt;
use serde_json::Value;

pub(crate) use bulkhead_model::workflow::Language;

/// Each stage of a run with how often it was passed and the seconds that took.
pub(crate) type Stages = BTreeMap<String, (f64, f64)>;

/// The two sockets of one executor.
#[derive(Clone)]
pub(crate) struct Executor {
    runs: RpcClient,
    control: RpcClient,
}

/// A language's name in a table.
pub(crate) trait Word {
    /// In lower case.
    fn word(&self) -> &'static str;
}

impl Word for Language {
    fn word(&self) -> &'static str {
        match self {
            Self::Javascript => "javascript",
            Self::Python => "python",
        }
    }
}

impl Executor {
    pub(crate) fn new(socket: &Path, control: &Path) -> Self {
        Self { runs: RpcClient::new("code-executor", socket), control: RpcClient::new("code-executor", control) }
    }

    /// Runs one block and gives its value.
    pub(crate) async fn run(&self, language: Language, source: &str, inputs: Value) -> Result<Value> {
        let work = Work::code(language, source);
        let block = BlockSpec::new("block", work, CodeLimits::default());
        let inputs: BTreeMap<String, Value> = serde_json::from_value(inputs)?;
        let request = RunRequest { inputs, blocks: vec![block], ..RunRequest::default() };
        let response = match self.runs.stream(Method::POST, "/v1/run", &request).await {
            Err(RpcError::Problem(problem)) => bail!("refused: {}", problem.detail),
            answer => answer?,
        };
        let body = response.into_body().collect().await?.to_bytes();
        let last = body.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty()).context("no event")?;
        match serde_json::from_slice(last)? {
            RunEvent::Result(result) => match result.error {
                None => Ok(result.value),
                Some(error) => bail!("{}: {}", error.kind, error.message),
            },
            RunEvent::Log(_) => bail!("the last event is no result"),
        }
    }

    /// What the executor says of its stages so far.
    pub(crate) async fn stages(&self) -> Result<Stages> {
        let response = self.control.stream(Method::GET, "/metrics", &()).await?;
        let text = String::from_utf8(response.into_body().collect().await?.to_bytes().to_vec())?;
        let read = |suffix: &str| {
            let prefix = format!("executor_stage_seconds_{suffix}{{stage=\"");
            let lines = text.lines().filter_map(move |line| line.strip_prefix(&prefix).map(str::to_owned));
            lines.filter_map(|line| {
                let (stage, number) = line.split_once("\"} ")?;
                Some((stage.to_owned(), number.parse::<f64>().ok()?))
            })
        };
        let sums: BTreeMap<String, f64> = read("sum").collect();
        Ok(read("count")
            .map(|(stage, count)| (stage.clone(), (count, sums.get(&stage).copied().unwrap_or(0.0))))
            .collect())
    }
}
