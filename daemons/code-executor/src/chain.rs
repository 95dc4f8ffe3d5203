//! A chain of blocks: each in a child of its own, the result of one an input of the next.

use std::sync::Arc;

use bulkhead_rpc::executor::{RunEvent, RunRequest};
use tokio::sync::mpsc;

use crate::block::{Given, Runner};

/// Runs the blocks in order, up to the first that fails or has to run again, or until nobody listens any more.
pub(crate) async fn run(runner: Arc<Runner>, request: RunRequest, events: mpsc::Sender<RunEvent>) {
    let RunRequest { token, draft, libraries, mut inputs, blocks, .. } = request;
    for spec in &blocks {
        let given = Given { token: token.as_deref(), draft, libraries: &libraries, inputs: &inputs };
        let Some(result) = runner.run(spec, &given, &events).await else { return };
        let failed = result.error.is_some();
        if !failed {
            inputs.insert(spec.id.clone(), result.value.clone());
        }
        if events.send(RunEvent::Result(result)).await.is_err() || failed {
            return;
        }
    }
}
