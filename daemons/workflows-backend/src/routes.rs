//! The routes of workflows-backend's socket; `bulkhead_rpc::backend` is the contract.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use bulkhead_daemon_kit::Peer;
use bulkhead_model::run::{BlockStatus, RunResponse, RunStatus, Usage};
use bulkhead_model::{Name, RunId};
use bulkhead_rpc::RpcClient;
use bulkhead_rpc::backend::{
    ActionValues, BlockAction, BlockOutcome, BlockPlace, BlockReport, BlockReports, CODES, Cover, FinishRequest,
    Stored, WaitingFor,
};
use bulkhead_store::Database;
use bulkhead_store::block_ends::{BlockEnd, Conclusion, RunEnd};
use bulkhead_store::children::FailureRun;
use bulkhead_store::journal::{self, PinnedRun};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::actions::Action;
use crate::calls::Calls;
use crate::error::BackendError;
use crate::metrics::Metrics;
use crate::secrets::Secrets;
use crate::token::TokenKey;
use crate::{capabilities, codes, state};

/// The largest request, in bytes: the results of a segment.
const MAX_REQUEST_BYTES: usize = 64 * 1024 * 1024;

/// The kind of trigger of a run that the failure of another one has started.
const FAILURE: &str = "failure";

/// What the routes share.
#[derive(Clone, Debug)]
pub struct Backend {
    pub(crate) database: Database,
    pub(crate) calls: Calls,
    pub(crate) key: TokenKey,
    pub(crate) secrets: Secrets,
    metrics: Metrics,
}

impl Backend {
    /// A backend that makes its calls through `connector`.
    pub fn new(
        database: Database,
        connector: RpcClient,
        key: TokenKey,
        secrets: Secrets,
        metrics: Metrics,
    ) -> Arc<Self> {
        let calls = Calls::new(database.clone(), connector, metrics.clone());
        Arc::new(Self { database, calls, key, secrets, metrics })
    }

    /// Ends a run with its last blocks. One that fails starts the workflow that it names for this case.
    pub(crate) async fn conclude(
        &self,
        run: RunId,
        blocks: &[BlockEnd<'_>],
        response: Option<&RunResponse>,
        end: RunEnd<'_>,
    ) -> Result<Vec<usize>, BackendError> {
        let conclusion = Conclusion { response, end: Some(end), on_failure: None };
        let trigger;
        let pinned = match end.status {
            RunStatus::Failed => Some(self.database.pinned_run(run).await?),
            _ => None,
        };
        let on_failure = match pinned.as_ref().and_then(|pinned| Some((pinned, pinned.document.on_failure.as_ref()?))) {
            // A failure of what tells of failures is told of by no one, for ever.
            Some((pinned, workflow)) if pinned.trigger["kind"] != FAILURE => {
                trigger = json!({ "kind": FAILURE, "body": {
                    "run": run, "workflow": pinned.workflow, "title": pinned.document.title, "version": pinned.version, "error": end.error,
                } });
                Some(FailureRun { workflow: workflow.as_str(), trigger: &trigger })
            }
            _ => None,
        };
        let wrote = self.database.end_blocks(run, blocks, Conclusion { on_failure, ..conclusion }).await?;
        self.metrics.ended(end.status);
        Ok(wrote)
    }

    /// Waits until no call is under way, at most for `patience`.
    pub async fn wait_for_calls(&self, patience: Duration) {
        let end = Instant::now() + patience;
        while self.calls.under_way() > 0 && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The routes.
pub fn router(backend: Arc<Backend>) -> Router {
    Router::new()
        .route("/v1/runs/{run}", get(state::run_state))
        .route("/v1/runs/{run}/blocks/{block}", post(act))
        .route("/v1/runs/{run}/blocks", post(end_blocks))
        .route("/v1/runs/{run}/wait", post(wait))
        .route("/v1/runs/{run}/finish", post(finish))
        .route("/v1/calls", post(capabilities::call))
        .route("/v1/secrets", post(capabilities::secret))
        .route("/v1/signatures", post(capabilities::signature))
        .route(CODES, post(codes::check))
        .route("/v1/tokens", post(capabilities::token))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(backend)
}

pub(crate) type Shared = State<Arc<Backend>>;

/// The caller must be this daemon, where the kernel told who it is. One's own user passes: it could do all this anyway.
pub(crate) fn only(peer: &Peer, user: &str) -> Result<(), BackendError> {
    match &peer.user {
        Some(name) if name != user => Err(BackendError::Forbidden),
        _ => Ok(()),
    }
}

pub(crate) const WORKER: &str = "bulkhead-workflows-worker";
pub(crate) const EXECUTOR: &str = "bulkhead-code-executor";
pub(crate) const API: &str = "bulkhead-api";

/// A run that has not ended: code of a cancelled one may still be running, and must have no effect any more.
pub(crate) async fn under_way(database: &Database, run: RunId) -> Result<PinnedRun, BackendError> {
    let pinned = database.pinned_run(run).await?;
    if pinned.status.is_final() { Err(BackendError::RunEnded) } else { Ok(pinned) }
}

async fn act(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    Path((run, name)): Path<(RunId, Name)>,
    Json(action): Json<BlockAction>,
) -> Result<Json<BlockOutcome>, BackendError> {
    only(&peer, WORKER)?;
    let pinned = under_way(&backend.database, run).await?;
    let (started_at, started) = (OffsetDateTime::now_utc(), Instant::now());
    let input = shown(&action.values);
    let place = BlockPlace { block: name, iteration: action.iteration, attempt: action.attempt };
    let stored_place = stored_place(&place);
    let acting = Action { run, pinned: &pinned, place: &stored_place, started_at };
    let outcome = match pinned.document.blocks.get(&place.block) {
        Some(block) => backend.act(&acting, block, action.values).await?,
        None => None,
    };
    let outcome = outcome.ok_or_else(|| BackendError::AnotherKind(place.block.to_string()))?;
    let has_ended = outcome.status != BlockStatus::Running;
    let end = BlockEnd {
        place: stored_place,
        outcome: stored_outcome(outcome.clone()),
        cover: action.cover.as_ref().map(stored_cover),
        input: &input,
        started_at,
        finished_at: has_ended.then(OffsetDateTime::now_utc),
        usage: Usage { wall_ms: started.elapsed().as_secs_f64() * 1e3, ..Usage::default() },
        logs: Vec::new(),
        variables: None,
    };
    backend.database.end_blocks(run, &[end], Conclusion::default()).await?;
    Ok(Json(outcome))
}

/// What the run's history shows as the input of a block that acts. A header may hold a secret.
fn shown(values: &ActionValues) -> Value {
    match values {
        ActionValues::Query { parameters } => json!(parameters),
        ActionValues::Http { request } => json!({ "method": request.method, "url": request.url }),
        ActionValues::Approval { title, description } => json!({ "title": title, "description": description }),
        ActionValues::Event { key } => json!({ "key": key }),
        ActionValues::Workflow { input } => input.clone(),
    }
}

async fn end_blocks(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    Path(run): Path<RunId>,
    Json(reports): Json<BlockReports>,
) -> Result<Json<Stored>, BackendError> {
    only(&peer, WORKER)?;
    let ends: Vec<BlockEnd<'_>> = reports.blocks.iter().map(block_end).collect();
    let wrote = match &reports.finish {
        Some(finish) => backend.conclude(run, &ends, reports.response.as_ref(), run_end(finish)).await?,
        None => {
            let conclusion = Conclusion { response: reports.response.as_ref(), ..Conclusion::default() };
            backend.database.end_blocks(run, &ends, conclusion).await?
        }
    };
    Ok(Json(Stored { wrote }))
}

fn run_end(finish: &FinishRequest) -> RunEnd<'_> {
    RunEnd { status: finish.status, error: finish.error.as_ref(), result: Some(&finish.result) }
}

fn block_end(report: &BlockReport) -> BlockEnd<'_> {
    BlockEnd {
        place: stored_place(&report.place),
        outcome: stored_outcome(report.outcome.clone()),
        cover: report.cover.as_ref().map(stored_cover),
        input: &report.input,
        started_at: moment(report.started_at_ms),
        finished_at: (report.finished_at_ms > 0).then(|| moment(report.finished_at_ms)),
        usage: report.usage,
        logs: report.logs.iter().map(|line| (line.level, moment(line.time_ms), line.text.as_str())).collect(),
        variables: report.variables.as_ref(),
    }
}

fn stored_place(place: &BlockPlace) -> journal::BlockPlace {
    journal::BlockPlace {
        block: place.block.to_string(),
        iteration: place.iteration.clone(),
        attempt: i32::try_from(place.attempt).unwrap_or(i32::MAX),
    }
}

fn stored_outcome(outcome: BlockOutcome) -> journal::BlockOutcome {
    let BlockOutcome { status, result, port, error } = outcome;
    journal::BlockOutcome { status, result, port, error }
}

fn stored_cover(cover: &Cover) -> (&str, i16) {
    (cover.block.as_str(), i16::try_from(cover.depth).unwrap_or(i16::MAX))
}

pub(crate) fn millis(moment: OffsetDateTime) -> u64 {
    u64::try_from(moment.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}

fn moment(millis: u64) -> OffsetDateTime {
    let nanos = i128::from(millis) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

async fn wait(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    Path(run): Path<RunId>,
    Json(waiting_for): Json<WaitingFor>,
) -> Result<Json<Value>, BackendError> {
    only(&peer, WORKER)?;
    backend.database.mark_waiting(run, &json!(waiting_for)).await?;
    Ok(Json(json!({})))
}

async fn finish(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    Path(run): Path<RunId>,
    Json(request): Json<FinishRequest>,
) -> Result<Json<Value>, BackendError> {
    only(&peer, WORKER)?;
    backend.conclude(run, &[], None, run_end(&request)).await?;
    Ok(Json(json!({})))
}
