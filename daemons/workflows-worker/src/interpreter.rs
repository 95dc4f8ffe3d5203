//! Going on with runs: a step loads what the journal knows of its run and walks on from there.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use bulkhead_model::RunId;
use bulkhead_model::run::{RunError, RunStatus};
use bulkhead_rpc::backend::{FinishRequest, NOT_QUIETLY, RunState, WaitingFor};
use bulkhead_rpc::{RpcClient, RpcError};
use bulkhead_temporal_engine::{Advance, Progress, StepError, StepFuture};
use http::Method;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::step::{self, Step};

/// The interpreter. It keeps nothing of a run between steps.
#[derive(Debug)]
pub(crate) struct Interpreter {
    backend: RpcClient,
    executor: RpcClient,
    metrics: Metrics,
    /// Steps that this process may still make.
    steps_left: AtomicU64,
    worn_out: CancellationToken,
}

/// What is known of a run before a step, or why it is not.
#[derive(Debug)]
pub(crate) struct Loaded {
    state: Result<RunState, RpcError>,
    took: Duration,
}

impl Interpreter {
    /// One that is worn out after `steps`.
    pub(crate) fn new(backend: RpcClient, executor: RpcClient, metrics: Metrics, steps: u64) -> Self {
        Self { backend, executor, metrics, steps_left: AtomicU64::new(steps), worn_out: CancellationToken::new() }
    }

    /// Cancelled when the process should be replaced: the SDK keeps some bytes of every step for ever.
    pub(crate) fn worn_out(&self) -> CancellationToken {
        self.worn_out.clone()
    }

    /// Makes a step of a run.
    pub(crate) async fn step(&self, run: &str) -> Result<Progress, StepError> {
        self.step_from(run, self.load(&format!("/v1/runs/{run}")).await).await
    }

    /// Makes the first step of a run, which may have been loaded ahead: whoever claims a start first finds nothing of its run that was not
    /// there before.
    pub(crate) async fn first_step(&self, run: &str, ahead: Option<Loaded>) -> Result<Progress, StepError> {
        let loaded = match ahead {
            Some(loaded) => loaded,
            None => self.load_quietly(run).await,
        };
        if let Err(RpcError::Problem(problem)) = &loaded.state
            && problem.code == NOT_QUIETLY
        {
            return self.step(run).await;
        }
        self.step_from(run, loaded).await
    }

    /// Loads a run for its first step, and changes nothing. Most runs end with that step, and then nobody needs to be told that they have
    /// begun.
    pub(crate) async fn load_quietly(&self, run: &str) -> Loaded {
        self.load(&format!("/v1/runs/{run}?quietly=true")).await
    }

    async fn load(&self, path: &str) -> Loaded {
        let began = Instant::now();
        let state = self.metrics.timed("load", self.backend.get(path)).await;
        Loaded { state, took: began.elapsed() }
    }

    async fn step_from(&self, run: &str, loaded: Loaded) -> Result<Progress, StepError> {
        let state = match loaded.state {
            Ok(state) => state,
            // A run that PostgreSQL does not know is none of ours: whoever made it had only Temporal's word, or it was never kept.
            Err(RpcError::Problem(problem)) if problem.status == 404 => {
                tracing::warn!(run.id = %run, "a run that is not in the database was to be driven; it is dropped");
                return Ok(Progress::Finished);
            }
            Err(RpcError::Problem(problem)) if problem.code == "run-ended" => return Ok(Progress::Finished),
            Err(error) => return Err(step_error(&error)),
        };
        if state.status.is_final() {
            return Ok(Progress::Finished);
        }
        if state.is_paused {
            let paused = WaitingFor { kind: "paused".to_owned(), ..WaitingFor::default() };
            let path = format!("/v1/runs/{run}/wait");
            let _: Value = self.backend.call(Method::POST, &path, &paused).await.map_err(|error| step_error(&error))?;
            return Ok(Progress::Wait(Some(step::LOOK_EVERY)));
        }
        Step::new(&self.backend, &self.executor, &self.metrics, &state, loaded.took).make().await
    }
}

impl Advance for Interpreter {
    fn advance<'a>(&'a self, run: &'a str) -> StepFuture<'a, Progress> {
        // Steps still come in while the worker drains, hence "at most one left".
        if self.steps_left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok_and(|left| left <= 1) {
            tracing::info!("this worker has made its steps and ends; systemd starts it anew");
            self.worn_out.cancel();
        }
        Box::pin(self.step(run))
    }

    fn cancelled<'a>(&'a self, run: &'a str) -> StepFuture<'a, ()> {
        Box::pin(async move {
            let run: RunId = run.parse().map_err(|_| StepError(format!("`{run}` is no id of a run")))?;
            let error = RunError::new("cancelled", "a person cancelled the run");
            let end = FinishRequest { status: RunStatus::Cancelled, error: Some(error), result: Value::Null };
            let path = format!("/v1/runs/{run}/finish");
            let _: Value = self.backend.call(Method::POST, &path, &end).await.map_err(|error| step_error(&error))?;
            Ok(())
        })
    }
}

/// An error with its cause, for the worker's journal.
pub(crate) fn step_error(error: &dyn std::error::Error) -> StepError {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    StepError(format!("{error}{cause}"))
}
