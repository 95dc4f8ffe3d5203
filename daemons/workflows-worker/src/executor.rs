//! Asking code-executor to run blocks.

use bulkhead_model::run::Usage;
use bulkhead_rpc::executor::{BlockResult, LogLine, RunEvent, RunRequest};
use bulkhead_rpc::{RpcClient, RpcError};
use http_body_util::BodyExt;
use serde_json::Value;

/// The longest line of an event, in bytes: a result at its largest, escaped.
const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

/// What came of one block of a chain.
#[derive(Debug)]
pub(crate) struct Executed {
    pub(crate) result: BlockResult,
    pub(crate) logs: Vec<LogLine>,
    /// Milliseconds since the epoch.
    pub(crate) started_at_ms: u64,
    pub(crate) finished_at_ms: u64,
}

impl Executed {
    /// What was done here and now, without code-executor.
    pub(crate) fn at_once(block: &str) -> Self {
        let (block, now_ms) = (block.to_owned(), now_ms());
        let result = BlockResult { block, value: Value::Null, error: None, usage: Usage::default() };
        Self { result, logs: Vec::new(), started_at_ms: now_ms, finished_at_ms: now_ms }
    }
}

/// Why a chain was not run to its end. It can be tried again: code has no effects but journalled calls.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecuteError {
    #[error(transparent)]
    Rpc(#[from] RpcError),
    #[error("the connection to bulkhead-code-executor broke")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("bulkhead-code-executor sent an event that is not understood")]
    Event(#[source] serde_json::Error),
    #[error("bulkhead-code-executor sent a line of more than {MAX_LINE_BYTES} bytes")]
    Line,
}

/// Runs a chain; returns a result for each block that ran, the last of which may have failed.
pub(crate) async fn run(executor: &RpcClient, request: &RunRequest) -> Result<Vec<Executed>, ExecuteError> {
    let response = executor.stream(http::Method::POST, "/v1/run", request).await?;
    let mut body = response.into_body();
    let mut pending = Vec::new();
    let mut logs = Vec::new();
    let mut executed = Vec::new();
    let mut started_at_ms = now_ms();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ExecuteError::Broken(error.into()))?;
        let Ok(data) = frame.into_data() else { continue };
        pending.extend_from_slice(&data);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            match serde_json::from_slice(&line).map_err(ExecuteError::Event)? {
                RunEvent::Log(line) => logs.push(line),
                RunEvent::Result(result) => {
                    let finished_at_ms = now_ms();
                    let logs = std::mem::take(&mut logs);
                    executed.push(Executed { result, logs, started_at_ms, finished_at_ms });
                    started_at_ms = finished_at_ms;
                }
            }
        }
        if pending.len() > MAX_LINE_BYTES {
            return Err(ExecuteError::Line);
        }
    }
    Ok(executed)
}

/// Milliseconds since the epoch.
pub(crate) fn now_ms() -> u64 {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    elapsed.map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}
