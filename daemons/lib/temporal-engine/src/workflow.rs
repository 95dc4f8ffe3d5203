//! The one workflow type, and the activities that do its work.
//!
//! A change here must replay the histories of runs that are under way: add with the SDK's patches, never reorder.

#![allow(missing_docs, unreachable_pub, reason = "the SDK's macros generate items without documentation")]

use std::sync::Arc;
use std::time::Duration;

use temporalio_common::RetryPolicy;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{
    ActivityExecutionError, ActivityOptions, LocalActivityOptions, WorkflowCancellationToken, WorkflowContext,
    WorkflowResult,
};
use temporalio_workflow::WorkflowTermination;

use crate::{Advance, Progress};

/// One step may take this long: the longest block, and room for the rest.
const STEP_TIMEOUT: Duration = Duration::from_secs(600);
/// Storing that a run was cancelled.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(60);
/// The words in the history.
const CONTINUE: &str = "continue";
const FINISHED: &str = "finished";

/// A step fails only where a service or the database does not answer, so it is tried for ever, and soon after they are back.
fn step_retry() -> RetryPolicy {
    RetryPolicy::builder()
        .initial_interval(Duration::from_millis(200))
        .maximum_interval(Duration::from_secs(10))
        .build()
}

/// The activities, around what a run does.
pub struct Steps(pub Arc<dyn Advance>);

#[activities]
impl Steps {
    #[activity]
    pub async fn advance(self: Arc<Self>, context: ActivityContext, run: String) -> Result<String, ActivityError> {
        let step = tokio::select! {
            step = self.0.advance(&run) => step,
            // The run was cancelled: dropping the step ends the code that it waits for.
            () = context.cancelled() => return Err(ActivityError::cancelled()),
        };
        match step {
            Ok(Progress::Continue) => Ok(CONTINUE.to_owned()),
            Ok(Progress::Finished) => Ok(FINISHED.to_owned()),
            Err(error) => {
                tracing::warn!(run.id = %run, "a step failed and is tried again: {error}");
                Err(ActivityError::from(std::io::Error::other("a step failed: see the worker's journal")))
            }
        }
    }

    #[activity]
    pub async fn cancelled(self: Arc<Self>, _context: ActivityContext, run: String) -> Result<(), ActivityError> {
        self.0.cancelled(&run).await.map_err(|error| {
            tracing::warn!(run.id = %run, "a cancel was not stored and is tried again: {error}");
            ActivityError::from(std::io::Error::other("a cancel was not stored: see the worker's journal"))
        })
    }
}

#[workflow]
#[derive(Default)]
pub struct RunWorkflow;

#[workflow_methods]
impl RunWorkflow {
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>, run: String) -> WorkflowResult<String> {
        loop {
            let options =
                LocalActivityOptions::builder().start_to_close_timeout(STEP_TIMEOUT).retry_policy(step_retry()).build();
            match ctx.execute_local_activity(Steps::advance, run.clone(), options).await {
                Ok(word) if word == FINISHED => return Ok(word),
                Ok(_) => {}
                Err(ActivityExecutionError::Cancelled(_)) => {
                    let options = ActivityOptions::with_start_to_close_timeout(CANCEL_TIMEOUT)
                        .retry_policy(step_retry())
                        // Apart from the run's own cancellation, which would end this too.
                        .cancellation_token(WorkflowCancellationToken::new())
                        .build();
                    ctx.execute_activity(Steps::cancelled, run, options).await?;
                    return Err(WorkflowTermination::cancelled());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
