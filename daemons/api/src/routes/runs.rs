//! Runs: started by hand or again, listed, shown, cancelled.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use bulkhead_model::run::{BlockStatus, Iteration, RunError, RunResponse, RunStatus, Usage};
use bulkhead_model::workflow::WorkflowDocument;
use bulkhead_model::{Name, RunId, Slug, WorkflowId};
use bulkhead_rpc::executor::LogLine;
use bulkhead_store::runs::{self, NewRun};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::documents::not_released;
use super::json::Json;
use super::last::Last;
use crate::auth::{Caller, Editor, On, OnRun, WorkflowKind};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Runs on one page of a list.
const PAGE: i64 = 50;
const MAX_PAGE: i64 = 200;
/// The longest idempotency key, in bytes.
const MAX_KEY_BYTES: usize = 200;

/// Starts a run of the released version.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartRunRequest {
    /// What code sees as `trigger.body`.
    #[serde(default)]
    body: Value,
    /// The same key is the same run, however often it is sent.
    #[serde(default)]
    idempotency_key: Option<String>,
}

/// A run was started.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunStarted {
    /// Its id.
    pub(crate) run: RunId,
}

/// A run, without its blocks.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunSummary {
    /// The id.
    id: RunId,
    /// Its workflow's slug.
    workflow: String,
    /// Its workflow's title.
    workflow_title: String,
    /// The release that it runs.
    version: i32,
    /// Where it stands.
    status: RunStatus,
    /// What started it: `manual`, `webhook` or `workflow`.
    trigger_kind: String,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RunError>,
    /// What it waits for, while it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<Value>,
    /// The run that a block of started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<RunId>,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When a worker began it.
    #[serde(with = "time::serde::rfc3339::option")]
    started_at: Option<OffsetDateTime>,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
}

impl From<&runs::Run> for RunSummary {
    fn from(run: &runs::Run) -> Self {
        Self {
            id: run.id,
            workflow: run.workflow_slug.clone(),
            workflow_title: run.workflow_title.clone(),
            version: run.version,
            status: run.status,
            trigger_kind: run.trigger["kind"].as_str().unwrap_or("unknown").to_owned(),
            error: run.error.clone(),
            waiting_for: run.waiting_for.clone(),
            parent: run.parent,
            created_at: run.created_at,
            started_at: run.started_at,
            finished_at: run.finished_at,
        }
    }
}

/// A page of runs.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunList {
    /// The newest first.
    runs: Vec<RunSummary>,
    /// `before` of the next page, if there may be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<RunId>,
}

/// A run with all that is known of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunDetail {
    /// The run.
    run: RunSummary,
    /// What code saw as `trigger`.
    trigger: Value,
    /// What its response block answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<RunResponse>,
    /// The release that it runs.
    document: WorkflowDocument,
    /// Blocks that began, in that order: each as it stands in the round and attempt that began last.
    blocks: Vec<BlockRun>,
}

/// A block of a run, in one round and attempt.
#[derive(Serialize, ToSchema)]
pub(crate) struct BlockRun {
    /// The block.
    block: String,
    /// In which round of which loops.
    iteration: Iteration,
    /// Counts from 1.
    attempt: i32,
    /// In how many rounds and attempts it has run.
    times: i64,
    /// Where it stands.
    status: BlockStatus,
    /// What it was given.
    input: Value,
    /// What it gave.
    result: Value,
    /// Which way a branch went.
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<RunError>,
    /// What it used.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
}

impl From<runs::BlockRun> for BlockRun {
    fn from(block: runs::BlockRun) -> Self {
        Self {
            block: block.place.block,
            iteration: block.place.iteration,
            attempt: block.place.attempt,
            times: block.times,
            status: block.status,
            input: block.input,
            result: block.result,
            port: block.port,
            error: block.error,
            usage: block.usage,
            started_at: block.started_at,
            finished_at: block.finished_at,
        }
    }
}

/// Lines that a run logged.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogLines {
    /// In the order of their time.
    lines: Vec<LogLine>,
    /// `after` of a request for what comes later.
    next: usize,
}

/// Which page of a list of runs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunPage {
    /// Runs older than this one.
    #[param(value_type = Option<RunId>)]
    before: Option<String>,
    /// How many: 1 to 200; 50 when absent.
    limit: Option<i64>,
}

/// Which log lines.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogPage {
    /// How many lines are known already: the `next` of the last answer.
    after: Option<usize>,
}

/// Starts a run of the released version.
#[utoipa::path(post, path = "/workflows/{slug}/runs", tag = "runs", operation_id = "startRun", params(("slug" = Slug, Path)), request_body = StartRunRequest, responses(
    (status = 202, description = "Accepted: from here on it is never lost", body = RunStarted),
    (status = 409, description = "`not-released`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn start(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Editor>,
    Json(request): Json<StartRunRequest>,
) -> Result<Response, ApiError> {
    let version = api.database.workflow_released_version(on.id).await?.ok_or_else(|| not_released("workflow"))?;
    if let Some(key) = &request.idempotency_key {
        check_key(key)?;
    }
    let trigger = json!({ "kind": "manual", "body": request.body, "user": person(&on.caller) });
    // Each way to start a run has keys of its own.
    let key = request.idempotency_key.as_ref().map(|key| format!("manual/{key}"));
    let detail = json!({ "trigger": "manual", "version": version });
    let new = NewRun {
        workflow: on.id,
        version,
        trigger: &trigger,
        started_by: on.caller.user_id(),
        idempotency_key: key.as_deref(),
        record: &on.caller.record("workflow.run.start", Some(("workflow", on.id.0)), detail),
    };
    let (run, _) = api.database.start_run(&new).await?;
    api.metrics.runs_started.inc();
    Ok((StatusCode::ACCEPTED, Json(RunStarted { run })).into_response())
}

/// What code sees of whoever starts a run by hand; null for root on the appliance.
fn person(caller: &Caller) -> Value {
    json!(caller.user.as_ref().map(|user| json!({ "id": user.id, "email": user.email, "name": user.name })))
}

/// An idempotency key that can be stored.
pub(crate) fn check_key(key: &str) -> Result<(), ApiError> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES || key.chars().any(char::is_control) {
        return Err(ApiError::invalid(
            format!("the idempotency key must have 1 to {MAX_KEY_BYTES} printable characters"),
            Vec::new(),
        ));
    }
    Ok(())
}

/// The runs of a workflow.
#[utoipa::path(get, path = "/workflows/{slug}/runs", tag = "runs", operation_id = "listWorkflowRuns", params(("slug" = Slug, Path), RunPage), responses((status = 200, description = "A page", body = RunList)))]
pub(crate) async fn of_workflow(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Editor>,
    page: Result<Query<RunPage>, QueryRejection>,
) -> Result<Json<RunList>, ApiError> {
    page_of(&api, &on.caller, Some(on.id), page).await
}

/// The runs of all workflows that you may edit.
#[utoipa::path(get, path = "/runs", tag = "runs", operation_id = "listRuns", params(RunPage), responses((status = 200, description = "A page", body = RunList)))]
pub(crate) async fn list(
    State(api): State<SharedApi>,
    caller: Caller,
    page: Result<Query<RunPage>, QueryRejection>,
) -> Result<Json<RunList>, ApiError> {
    page_of(&api, &caller, None, page).await
}

async fn page_of(
    api: &SharedApi,
    caller: &Caller,
    workflow: Option<WorkflowId>,
    page: Result<Query<RunPage>, QueryRejection>,
) -> Result<Json<RunList>, ApiError> {
    let malformed = || ApiError::Malformed("use ?before=<run id>&limit=<1 to 200>".into());
    let Query(page) = page.map_err(|_| malformed())?;
    let before = page.before.map(|text| text.parse::<RunId>()).transpose().map_err(|_| malformed())?;
    let limit = page.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(malformed());
    }
    let found = api.database.runs(workflow, caller.viewer(), before, limit).await?;
    let full = i64::try_from(found.len()).is_ok_and(|count| count == limit);
    let next = found.last().filter(|_| full).map(|run| run.id);
    Ok(Json(RunList { runs: found.iter().map(RunSummary::from).collect(), next }))
}

/// A run with its blocks.
#[utoipa::path(get, path = "/runs/{id}", tag = "runs", operation_id = "getRun", params(("id" = RunId, Path)), responses((status = 200, description = "The run", body = RunDetail)))]
pub(crate) async fn show(State(api): State<SharedApi>, on: OnRun) -> Result<Json<RunDetail>, ApiError> {
    let run = api.database.run(on.run).await?;
    let document = api.database.workflow_release(run.workflow, run.version).await?;
    let blocks = api.database.block_runs(on.run).await?.into_iter().map(BlockRun::from).collect();
    Ok(Json(RunDetail { run: RunSummary::from(&run), trigger: run.trigger, response: run.response, document, blocks }))
}

/// Rounds and attempts of one block.
#[derive(Serialize, ToSchema)]
pub(crate) struct BlockRounds {
    /// By round, then by attempt.
    rounds: Vec<BlockRun>,
    /// `after` of the next page, if there may be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Which rounds of a block.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RoundPage {
    /// The `next` of the page before: a round such as `4` or `4.0`, a colon, and an attempt.
    after: Option<String>,
    /// How many: 1 to 200; 50 when absent.
    limit: Option<i64>,
}

impl RoundPage {
    /// The round and attempt that the page comes after.
    fn after(&self) -> Option<Result<(Iteration, i32), ()>> {
        let (rounds, attempt) = self.after.as_deref()?.split_once(':').unwrap_or_default();
        let rounds = rounds.split('.').filter(|round| !round.is_empty()).map(str::parse);
        let rounds: Result<Vec<u32>, _> = rounds.collect();
        Some(match (rounds, attempt.parse()) {
            (Ok(rounds), Ok(attempt)) => Ok((Iteration(rounds), attempt)),
            _ => Err(()),
        })
    }
}

/// The rounds and attempts of one block of a run.
#[utoipa::path(get, path = "/runs/{id}/blocks/{block}/rounds", tag = "runs", operation_id = "listBlockRounds", params(("id" = RunId, Path), ("block" = Name, Path), RoundPage), responses((status = 200, description = "A page", body = BlockRounds)))]
pub(crate) async fn rounds(
    State(api): State<SharedApi>,
    on: OnRun,
    Last(block): Last,
    page: Result<Query<RoundPage>, QueryRejection>,
) -> Result<Json<BlockRounds>, ApiError> {
    let block: Name = block.parse().map_err(|_| ApiError::NotFound)?;
    let malformed = || ApiError::Malformed("use ?after=<next of the page before>&limit=<1 to 200>".into());
    let Query(page) = page.map_err(|_| malformed())?;
    let after = page.after().transpose().map_err(|()| malformed())?;
    let limit = page.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(malformed());
    }
    let after = after.as_ref().map(|(iteration, attempt)| (iteration, *attempt));
    let found = api.database.block_rounds(on.run, block.as_str(), after, limit).await?;
    let is_full = i64::try_from(found.len()).is_ok_and(|count| count == limit);
    let next = found.last().filter(|_| is_full).map(|last| format!("{}:{}", last.place.iteration, last.place.attempt));
    Ok(Json(BlockRounds { rounds: found.into_iter().map(BlockRun::from).collect(), next }))
}

/// What a run logged.
#[utoipa::path(get, path = "/runs/{id}/logs", tag = "runs", operation_id = "getRunLogs", params(("id" = RunId, Path), LogPage), responses((status = 200, description = "In the order of their time", body = LogLines)))]
pub(crate) async fn logs(
    State(api): State<SharedApi>,
    on: OnRun,
    page: Result<Query<LogPage>, QueryRejection>,
) -> Result<Json<LogLines>, ApiError> {
    let Query(page) = page.map_err(|_| ApiError::Malformed("use ?after=<number of lines that you have>".into()))?;
    let after = page.after.unwrap_or(0);
    let all = api.database.block_logs(on.run).await?;
    let next = all.len().max(after);
    let lines = all.into_iter().skip(after).map(|line| LogLine {
        block: line.place.block,
        seq: u32::try_from(line.seq).unwrap_or_default(),
        level: line.level,
        time_ms: u64::try_from(line.at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default(),
        text: line.text,
    });
    Ok(Json(LogLines { lines: lines.collect(), next }))
}

/// Asks a run to end. Without effect on one that has ended.
#[utoipa::path(post, path = "/runs/{id}/cancel", tag = "runs", operation_id = "cancelRun", params(("id" = RunId, Path)), responses((status = 202, description = "Asked")))]
pub(crate) async fn cancel(State(api): State<SharedApi>, on: OnRun) -> Result<StatusCode, ApiError> {
    let record = on.caller.record("workflow.run.cancel", Some(("workflow", on.workflow.0)), json!({ "run": on.run }));
    api.audit.around(record, async { Ok(api.database.request_cancel(on.run).await?) }).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Starts a new run with what started an earlier one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RerunRequest {
    /// In place of the earlier run's `trigger.body`, where it is given.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Value>)]
    body: Option<Value>,
}

/// Null is a value too.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Starts a new run of the version in use with what started this one: its headers, query and body, or another body.
#[utoipa::path(post, path = "/runs/{id}/rerun", tag = "runs", operation_id = "rerun", params(("id" = RunId, Path)), request_body = RerunRequest, responses(
    (status = 202, description = "Accepted: from here on it is never lost", body = RunStarted),
    (status = 409, description = "`not-released`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn rerun(
    State(api): State<SharedApi>,
    on: OnRun,
    Json(request): Json<RerunRequest>,
) -> Result<Response, ApiError> {
    let version = api.database.workflow_released_version(on.workflow).await?.ok_or_else(|| not_released("workflow"))?;
    let mut trigger = api.database.run(on.run).await?.trigger;
    if let Some(trigger) = trigger.as_object_mut() {
        trigger.extend(request.body.map(|body| ("body".to_owned(), body)));
        trigger.insert("rerun_of".to_owned(), json!(on.run));
        // Who is asked for by hand is who asks.
        if trigger.contains_key("user") {
            trigger.insert("user".to_owned(), person(&on.caller));
        }
    }
    let detail = json!({ "trigger": trigger["kind"], "rerun_of": on.run, "version": version });
    let new = NewRun {
        workflow: on.workflow,
        version,
        trigger: &trigger,
        started_by: on.caller.user_id(),
        idempotency_key: None,
        record: &on.caller.record("workflow.run.start", Some(("workflow", on.workflow.0)), detail),
    };
    let (run, _) = api.database.start_run(&new).await?;
    api.metrics.runs_started.inc();
    Ok((StatusCode::ACCEPTED, Json(RunStarted { run })).into_response())
}
