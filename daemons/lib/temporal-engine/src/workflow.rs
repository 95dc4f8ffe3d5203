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
    ActivityExecutionError, ActivityOptions, ContinueAsNewOptions, LocalActivityOptions, SyncWorkflowContext,
    TimerOptions, TimerResult, WorkflowCancellationToken, WorkflowContext, WorkflowResult,
};
use temporalio_workflow::{WorkflowTermination, select};

use crate::{Advance, Progress};

/// One step may take this long: the longest block, and room for the rest.
const STEP_TIMEOUT: Duration = Duration::from_secs(600);
/// Storing that a run was cancelled.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(60);
/// The words in the history.
const CONTINUE: &str = "continue";
const FINISHED: &str = "finished";
/// `wait`, or `wait 1500` for so many milliseconds.
const WAIT: &str = "wait";
/// Steps and waits after which the run goes on with a new history. The server warns from some 10,000 events on.
const STEPS_OF_ONE_HISTORY: u32 = 1000;

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
            Ok(Progress::Wait(None)) => Ok(WAIT.to_owned()),
            Ok(Progress::Wait(Some(duration))) => Ok(format!("{WAIT} {}", duration.as_millis())),
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

/// What a word of a step says of waiting: not at all, until woken, or so long at most.
fn wait_of(word: &str) -> Option<Option<Duration>> {
    let (WAIT, millis) = word.split_once(' ').unwrap_or((word, "")) else { return None };
    Some(millis.parse().ok().map(Duration::from_millis))
}

#[workflow]
#[derive(Default)]
pub struct RunWorkflow {
    /// Something that the run waits for has come since its last step began.
    is_woken: bool,
}

#[workflow_methods]
impl RunWorkflow {
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>, run: String) -> WorkflowResult<String> {
        for _ in 0..STEPS_OF_ONE_HISTORY {
            // Before the step: what comes while it looks may have come too late for it.
            ctx.state_mut(|state| state.is_woken = false);
            let options =
                LocalActivityOptions::builder().start_to_close_timeout(STEP_TIMEOUT).retry_policy(step_retry()).build();
            let is_cancelled = match ctx.execute_local_activity(Steps::advance, run.clone(), options).await {
                Ok(word) if word == FINISHED => return Ok(word),
                Ok(word) => match wait_of(&word) {
                    Some(duration) => Self::wait(ctx, duration).await,
                    None => false,
                },
                Err(ActivityExecutionError::Cancelled(_)) => true,
                Err(error) => return Err(error.into()),
            };
            if is_cancelled {
                let options = ActivityOptions::with_start_to_close_timeout(CANCEL_TIMEOUT)
                    .retry_policy(step_retry())
                    // Apart from the run's own cancellation, which would end this too.
                    .cancellation_token(WorkflowCancellationToken::new())
                    .build();
                ctx.execute_activity(Steps::cancelled, run, options).await?;
                return Err(WorkflowTermination::cancelled());
            }
        }
        // A word that comes with the change of histories is not lost: the first step of the next one looks at everything.
        match ctx.continue_as_new(run, ContinueAsNewOptions::default())? {}
    }

    /// What the run waits for may have come: it looks again.
    #[signal]
    pub fn wake(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
        self.is_woken = true;
    }
}

impl RunWorkflow {
    /// Waits until the time has passed or the run is woken; true when it was cancelled meanwhile.
    async fn wait(ctx: &WorkflowContext<Self>, duration: Option<Duration>) -> bool {
        let Some(duration) = duration else { return ctx.wait_condition(|state| state.is_woken).await.is_err() };
        // The timer ends with the wait: one that were left behind would stay in the server's queue.
        let over = ctx.cancellation_token().child_token();
        let options = TimerOptions::builder(duration).cancellation_token(over.clone()).build();
        let mut timer = ctx.timer(options);
        let mut woken = ctx.wait_condition(|state| state.is_woken);
        let is_cancelled = select! {
            fired = timer => fired == TimerResult::Cancelled,
            woken = woken => woken.is_err(),
        };
        over.cancel();
        is_cancelled
    }
}
