//! Whether the present workflow code goes the way that a stored history went.
//!
//! A worker goes on with runs that an older version of it began, by replaying their histories. Code that asks for something else than
//! they say would stop those runs; this tells before it is released.

use temporalio_client::WorkflowHistory;
use temporalio_sdk::workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions};
use tokio::task::LocalSet;

use crate::EngineError;
use crate::workflow::RunWorkflow;

/// Replays a history, as `temporal workflow show --output json` writes it. Blocks; not for use within a runtime.
pub fn replay(history: &[u8]) -> Result<(), EngineError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| EngineError::Call {
        operation: "replaying a history",
        source,
    };
    let history = WorkflowHistory::from_json(history).map_err(|error| failed(error.into()))?;
    let options =
        WorkflowReplayerOptions::new().register_workflow::<RunWorkflow>().map_err(|error| failed(error.into()))?;
    let replayer = WorkflowReplayer::new(options.build()).map_err(|error| failed(error.into()))?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| failed(error.into()))?;
    let replayed = LocalSet::new().block_on(&runtime, replayer.replay_workflow(history));
    replayed.map_err(|error| failed(error.into()))
}
