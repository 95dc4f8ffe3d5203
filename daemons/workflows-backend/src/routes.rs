//! The routes of workflows-backend's socket; `bulkhead_rpc::backend` is the contract.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use bulkhead_daemon_kit::{Peer, RequestId};
use bulkhead_model::run::{BlockStatus, RunError, RunResponse, RunStatus, Usage};
use bulkhead_model::{Name, RunId};
use bulkhead_rpc::backend::{
    ActionValues, BlockAction, BlockOutcome, BlockPlace, BlockReport, BlockReports, CallAsk, CallRequest, Cover,
    FinishRequest, JournalEntry, RunState, SecretRequest, SecretValue, Stored, Token, TokenRequest, WaitingFor,
};
use bulkhead_rpc::{Problem, RpcClient};
use bulkhead_store::Database;
use bulkhead_store::journal::{self, BlockEnd, BlockRow, Conclusion, PinnedRun, RunEnd};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::actions::Action;
use crate::calls::{Ask, Call, Calls};
use crate::error::BackendError;
use crate::metrics::Metrics;
use crate::patience::patiently;
use crate::secrets::Secrets;
use crate::token::{Scope, TokenKey};

/// The largest request, in bytes: the results of a segment.
const MAX_REQUEST_BYTES: usize = 64 * 1024 * 1024;
/// What a worker is told of a run at most: its client reads answers of 96 MiB.
const MAX_STATE_BYTES: usize = 64 * 1024 * 1024;
/// How long the token of a run is good: longer than any step.
const RUN_TOKEN_LIFETIME: time::Duration = time::Duration::hours(1);
/// How long the token of a single-block run is good.
const DRAFT_TOKEN_LIFETIME: time::Duration = time::Duration::minutes(10);

/// What the routes share.
#[derive(Clone, Debug)]
pub struct Backend {
    pub(crate) database: Database,
    pub(crate) calls: Calls,
    key: TokenKey,
    secrets: Secrets,
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
        let calls = Calls::new(database.clone(), connector, metrics);
        Arc::new(Self { database, calls, key, secrets })
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
        .route("/v1/runs/{run}", get(run_state))
        .route("/v1/runs/{run}/blocks/{block}", post(act))
        .route("/v1/runs/{run}/blocks", post(end_blocks))
        .route("/v1/runs/{run}/response", post(respond))
        .route("/v1/runs/{run}/wait", post(wait))
        .route("/v1/runs/{run}/finish", post(finish))
        .route("/v1/calls", post(call))
        .route("/v1/secrets", post(secret))
        .route("/v1/tokens", post(token))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(backend)
}

type Shared = State<Arc<Backend>>;

/// The caller must be this daemon, where the kernel told who it is. One's own user passes: it could do all this anyway.
fn only(peer: &Peer, user: &str) -> Result<(), BackendError> {
    match &peer.user {
        Some(name) if name != user => Err(BackendError::Forbidden),
        _ => Ok(()),
    }
}

const WORKER: &str = "bulkhead-workflows-worker";
const EXECUTOR: &str = "bulkhead-code-executor";
const API: &str = "bulkhead-api";

async fn run_state(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    Path(run): Path<RunId>,
) -> Result<Response, BackendError> {
    only(&peer, WORKER)?;
    let database = &backend.database;
    let (pinned, journal, ()) =
        tokio::try_join!(database.pinned_run(run), database.journal(run), database.mark_running(run))?;
    let named = &pinned.document.libraries;
    let libraries = backend.database.library_images(named).await?;
    if named.python.is_some() != libraries.python.is_some()
        || named.javascript.is_some() != libraries.javascript.is_some()
    {
        tracing::warn!(run.id = %run, "a set of libraries that the release names is gone: its code does not find them");
    }
    let variables = match pinned.document.variables.is_empty() {
        true => BTreeMap::new(),
        false => backend.database.run_variables(run).await?,
    };
    let journal = journal.into_iter().filter_map(journal_entry).collect();
    let state = RunState {
        run,
        workflow: pinned.workflow,
        version: pinned.version,
        document: pinned.document,
        trigger: pinned.trigger,
        status: pinned.status,
        journal,
        variables,
        created_at_ms: millis(pinned.created_at),
        token: backend.key.sign(Scope::Run(run), RUN_TOKEN_LIFETIME),
        libraries,
    };
    let text = serde_json::to_vec(&state).map_err(|error| BackendError::State(error.to_string()))?;
    if text.len() <= MAX_STATE_BYTES || state.status.is_final() {
        return Ok(([(CONTENT_TYPE, "application/json")], text).into_response());
    }
    // No worker could take it, now or later.
    let message = format!(
        "the results that the run needs to go on take {} bytes, and the most is {MAX_STATE_BYTES}: return less, or leave results out of \
         loops (collect)",
        text.len()
    );
    let error = RunError::new("run-too-large", message);
    let end = RunEnd { status: RunStatus::Failed, error: Some(&error), result: None };
    backend.database.finish_run(run, end).await?;
    Err(BackendError::RunEnded)
}

/// None where the name is that of no block.
fn journal_entry(row: BlockRow) -> Option<JournalEntry> {
    let journal::BlockOutcome { status, result, port, error } = row.outcome;
    Some(JournalEntry {
        place: BlockPlace {
            block: row.place.block.try_into().ok()?,
            iteration: row.place.iteration,
            attempt: u32::try_from(row.place.attempt).ok()?,
        },
        outcome: BlockOutcome { status, result, port, error },
        started_at_ms: millis(row.started_at),
        finished_at_ms: row.finished_at.map(millis).unwrap_or_default(),
        wrote: row.wrote,
    })
}

/// A run that has not ended: code of a cancelled one may still be running, and must have no effect any more.
async fn under_way(database: &Database, run: RunId) -> Result<PinnedRun, BackendError> {
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
    let conclusion = Conclusion { response: reports.response.as_ref(), end: reports.finish.as_ref().map(run_end) };
    let wrote = backend.database.end_blocks(run, &ends, conclusion).await?;
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

fn millis(moment: OffsetDateTime) -> u64 {
    u64::try_from(moment.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}

fn moment(millis: u64) -> OffsetDateTime {
    let nanos = i128::from(millis) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

async fn respond(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    Path(run): Path<RunId>,
    Json(response): Json<RunResponse>,
) -> Result<Json<Value>, BackendError> {
    only(&peer, WORKER)?;
    backend.database.respond(run, &response).await?;
    Ok(Json(json!({})))
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
    backend.database.finish_run(run, run_end(&request)).await?;
    Ok(Json(json!({})))
}

async fn call(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Json(request): Json<CallRequest>,
) -> Result<axum::response::Response, BackendError> {
    only(&peer, EXECUTOR)?;
    let scope = bearer_scope(&backend.key, &headers)?;
    patiently(scope, || answer_call(&backend, scope, &request)).await
}

/// What the token of a request lets its bearer do.
fn bearer_scope(key: &TokenKey, headers: &HeaderMap) -> Result<Scope, BackendError> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    key.check(bearer.unwrap_or_default()).map_err(BackendError::Token)
}

async fn secret(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    Extension(request_id): Extension<RequestId>,
    headers: HeaderMap,
    Json(request): Json<SecretRequest>,
) -> Result<Json<SecretValue>, BackendError> {
    only(&peer, EXECUTOR)?;
    let scope = bearer_scope(&backend.key, &headers)?;
    Ok(Json(backend.secrets.value(scope, &request.name, &request_id.0).await?))
}

async fn answer_call(
    backend: &Backend,
    scope: Scope,
    request: &CallRequest,
) -> Result<axum::response::Response, BackendError> {
    use axum::response::IntoResponse;

    let (run, document) = match scope {
        Scope::Run(run) => (Some(run), under_way(&backend.database, run).await?.document),
        Scope::Draft { workflow, .. } => (None, backend.database.workflow_draft(workflow).await?.document),
    };
    let ask = match &request.ask {
        CallAsk::Fetch { request } => Ask::Fetch(request.clone()),
        CallAsk::Query { query: name, parameters } => match document.queries.get(name.as_str()) {
            Some(query) => Ask::Query { query: query.clone(), parameters: parameters.clone() },
            None => {
                let detail = format!("there is no query `{name}` in this workflow: add it to the workflow's queries");
                return Ok(problem(422, "query-unknown", detail));
            }
        },
    };
    let place = journal::BlockPlace {
        block: request.block.clone(),
        iteration: request.iteration.clone(),
        attempt: i32::try_from(request.attempt).unwrap_or(i32::MAX),
    };
    let call = Call { run, place, call: request.call, ask, idempotent: false };
    Ok(match backend.calls.make(call).await? {
        Ok(value) => Json(value).into_response(),
        Err(error) => problem(422, &error.kind, error.message),
    })
}

fn problem(status: u16, code: &str, detail: String) -> axum::response::Response {
    use axum::response::IntoResponse;

    Problem::new(status, code, detail).response().into_response()
}

async fn token(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    Json(request): Json<TokenRequest>,
) -> Result<Json<Token>, BackendError> {
    only(&peer, API)?;
    let scope = Scope::Draft { workflow: request.workflow, user: request.user };
    Ok(Json(Token { token: backend.key.sign(scope, DRAFT_TOKEN_LIFETIME) }))
}
