//! The routes of workflows-backend's socket; `bulkhead_rpc::backend` is the contract.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, header};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use bulkhead_daemon_kit::{Peer, RequestId};
use bulkhead_model::run::{BlockStatus, RunResponse, Usage};
use bulkhead_model::workflow::Block;
use bulkhead_model::{Name, RunId};
use bulkhead_rpc::backend::{
    BlockOutcome, BlockReport, BlockReports, CallAsk, CallRequest, FinishRequest, QueryBlockRequest, RunState,
    SecretRequest, SecretValue, Token, TokenRequest,
};
use bulkhead_rpc::{Problem, RpcClient};
use bulkhead_store::Database;
use bulkhead_store::journal::{BlockEnd, Conclusion, FinishedBlock, PinnedRun};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::calls::{Ask, Call, Calls};
use crate::error::BackendError;
use crate::metrics::Metrics;
use crate::patience::patiently;
use crate::secrets::Secrets;
use crate::token::{Scope, TokenKey};

/// The largest request, in bytes: the results of a segment.
const MAX_REQUEST_BYTES: usize = 64 * 1024 * 1024;
/// How long the token of a run is good: longer than any step.
const RUN_TOKEN_LIFETIME: time::Duration = time::Duration::hours(1);
/// How long the token of a single-block run is good.
const DRAFT_TOKEN_LIFETIME: time::Duration = time::Duration::minutes(10);
/// The call number of a query block itself: code in a block of the same name counts its calls from 0.
const BLOCK_CALL: u32 = i32::MAX as u32;

/// What the routes share.
#[derive(Clone, Debug)]
pub struct Backend {
    database: Database,
    calls: Calls,
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
        .route("/v1/runs/{run}/blocks/{block}/query", post(query_block))
        .route("/v1/runs/{run}/blocks", post(end_blocks))
        .route("/v1/runs/{run}/response", post(respond))
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
) -> Result<Json<RunState>, BackendError> {
    only(&peer, WORKER)?;
    let pinned = backend.database.pinned_run(run).await?;
    let named = &pinned.document.libraries;
    let libraries = backend.database.library_images(named).await?;
    if named.python.is_some() != libraries.python.is_some()
        || named.javascript.is_some() != libraries.javascript.is_some()
    {
        tracing::warn!(run.id = %run, "a set of libraries that the release names is gone: its code does not find them");
    }
    backend.database.mark_running(run).await?;
    let mut finished = std::collections::BTreeMap::new();
    for block in backend.database.finished_blocks(run).await? {
        let FinishedBlock { block, status, result, port, error } = block;
        if let Ok(name) = Name::try_from(block) {
            finished.insert(name, BlockOutcome { status, result, port, error });
        }
    }
    Ok(Json(RunState {
        run,
        workflow: pinned.workflow,
        version: pinned.version,
        document: pinned.document,
        trigger: pinned.trigger,
        status: pinned.status,
        finished,
        token: backend.key.sign(Scope::Run(run), RUN_TOKEN_LIFETIME),
        libraries,
    }))
}

/// A run that has not ended: code of a cancelled one may still be running, and must have no effect any more.
async fn under_way(database: &Database, run: RunId) -> Result<PinnedRun, BackendError> {
    let pinned = database.pinned_run(run).await?;
    if pinned.status.is_final() { Err(BackendError::RunEnded) } else { Ok(pinned) }
}

async fn query_block(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    Path((run, name)): Path<(RunId, Name)>,
    Json(request): Json<QueryBlockRequest>,
) -> Result<Json<BlockOutcome>, BackendError> {
    only(&peer, WORKER)?;
    let pinned = under_way(&backend.database, run).await?;
    // The statement is the pinned release's: a worker supplies values, never SQL.
    let Some(Block::Query(block)) = pinned.document.blocks.get(&name) else {
        return Err(BackendError::NotAQuery(name.to_string()));
    };
    let (started_at, started) = (OffsetDateTime::now_utc(), Instant::now());
    let input = json!(request.parameters);
    let call = Call {
        run: Some(run),
        block: name.to_string(),
        call: BLOCK_CALL,
        ask: Ask::Query { query: block.query.clone(), parameters: request.parameters },
        idempotent: block.idempotent,
    };
    let (status, result, error) = match backend.calls.make(call).await? {
        Ok(value) => (BlockStatus::Succeeded, value, None),
        Err(error) if error.kind == "outcome-unknown" => (BlockStatus::OutcomeUnknown, Value::Null, Some(error)),
        Err(error) => (BlockStatus::Failed, Value::Null, Some(error)),
    };
    let finished =
        FinishedBlock { block: name.to_string(), status, result: result.clone(), port: None, error: error.clone() };
    let usage = Usage { wall_ms: started.elapsed().as_secs_f64() * 1e3, ..Usage::default() };
    let end = BlockEnd {
        finished,
        input: &input,
        started_at,
        finished_at: OffsetDateTime::now_utc(),
        usage,
        logs: Vec::new(),
    };
    backend.database.end_blocks(run, &[end], Conclusion::default()).await?;
    Ok(Json(BlockOutcome { status, result, port: None, error }))
}

async fn end_blocks(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    Path(run): Path<RunId>,
    Json(reports): Json<BlockReports>,
) -> Result<Json<Value>, BackendError> {
    only(&peer, WORKER)?;
    let ends: Vec<BlockEnd<'_>> = reports.blocks.iter().map(block_end).collect();
    let end = reports.finish.as_ref().map(|finish| (finish.status, finish.error.as_ref()));
    let conclusion = Conclusion { response: reports.response.as_ref(), end };
    backend.database.end_blocks(run, &ends, conclusion).await?;
    Ok(Json(json!({})))
}

fn block_end(report: &BlockReport) -> BlockEnd<'_> {
    let BlockOutcome { status, result, port, error } = report.outcome.clone();
    BlockEnd {
        finished: FinishedBlock { block: report.block.to_string(), status, result, port, error },
        input: &report.input,
        started_at: moment(report.started_at_ms),
        finished_at: moment(report.finished_at_ms),
        usage: report.usage,
        logs: report.logs.iter().map(|line| (line.level, moment(line.time_ms), line.text.as_str())).collect(),
    }
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

async fn finish(
    State(backend): Shared,
    Extension(peer): Extension<Peer>,
    Path(run): Path<RunId>,
    Json(request): Json<FinishRequest>,
) -> Result<Json<Value>, BackendError> {
    only(&peer, WORKER)?;
    backend.database.finish_run(run, request.status, request.error.as_ref()).await?;
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
    let call = Call { run, block: request.block.clone(), call: request.call, ask, idempotent: false };
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
