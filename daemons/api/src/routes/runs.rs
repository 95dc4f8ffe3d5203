//! Runs: listed and shown.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use bulkhead_model::run::{BlockStatus, Choice, Iteration, RunError, RunResponse, RunStatus, Usage};
use bulkhead_model::workflow::WorkflowDocument;
use bulkhead_model::{Name, RunId, Slug, WorkflowId};
use bulkhead_rpc::executor::LogLine;
use bulkhead_store::queues::Queued;
use bulkhead_store::run_search::RunFilter;
use bulkhead_store::runs;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::environments::EnvironmentBadge;
use super::json::Json;
use super::last::Last;
use crate::auth::{Caller, Editor, On, OnRun, WorkflowKind};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Runs on one page of a list.
const PAGE: i64 = 50;
const MAX_PAGE: i64 = 200;
/// The longest text to look for, in characters.
const MAX_SEARCH: usize = 200;

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
    /// The environment that it runs in.
    environment: EnvironmentBadge,
    /// What started it: `manual`, `webhook`, `schedule`, `workflow` (a block of another run) or `failure` (of another run).
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
    /// The earlier run that it took over from, at a block.
    #[serde(skip_serializing_if = "Option::is_none")]
    from_run: Option<RunId>,
    /// Since when a person has paused it.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    #[schema(required = false)]
    paused_at: Option<OffsetDateTime>,
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
            environment: EnvironmentBadge::from(&run.environment),
            trigger_kind: run.trigger["kind"].as_str().unwrap_or("unknown").to_owned(),
            error: run.error.clone(),
            waiting_for: run.waiting_for.clone(),
            parent: run.parent,
            from_run: run.from_run,
            paused_at: run.paused_at,
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
    /// Why it has not begun, while no worker has taken it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    queued: Option<QueuedBecause>,
    /// What code saw as `trigger`.
    trigger: Value,
    /// What its response block answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<RunResponse>,
    /// The release that it runs.
    #[schema(value_type = WorkflowDocument)]
    document: Arc<WorkflowDocument>,
    /// Blocks that began, in that order: each as it stands in the round and attempt that began last.
    blocks: Vec<BlockRun>,
}

/// Why a run has not begun.
#[derive(Serialize, ToSchema)]
pub(crate) struct QueuedBecause {
    /// The reason.
    reason: QueuedReason,
    /// How many starts are before it, up to 10,000.
    ahead: i64,
}

/// The reasons for which a run has not begun.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum QueuedReason {
    /// An administrator has paused the queue.
    QueuePaused,
    /// Its workflow is paused.
    WorkflowPaused,
    /// As many runs of its workflow are under way as may be.
    Limit,
    /// Workers take up others first.
    Worker,
}

impl From<Queued> for QueuedBecause {
    fn from(queued: Queued) -> Self {
        let (reason, ahead) = match queued {
            Queued::QueuePaused => (QueuedReason::QueuePaused, 0),
            Queued::WorkflowPaused => (QueuedReason::WorkflowPaused, 0),
            Queued::Limit => (QueuedReason::Limit, 0),
            Queued::Behind(ahead) => (QueuedReason::Worker, ahead),
        };
        Self { reason, ahead }
    }
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
    /// What a person has chosen where its outcome was unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    choice: Option<Choice>,
    /// Who has.
    #[serde(skip_serializing_if = "Option::is_none")]
    chosen_by: Option<String>,
}

impl From<runs::BlockRun> for BlockRun {
    fn from(block: runs::BlockRun) -> Self {
        let (choice, chosen_by) = block.choice.unzip();
        Self {
            choice,
            chosen_by,
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

/// Which runs, and which page of them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunPage {
    /// Runs older than this one.
    #[param(value_type = Option<RunId>)]
    before: Option<String>,
    /// How many: 1 to 200; 50 when absent.
    limit: Option<i64>,
    /// Runs that stand so.
    status: Option<RunStatus>,
    /// Runs of this kind of trigger: `manual`, `webhook`, `schedule`, `workflow` or `failure`.
    trigger: Option<String>,
    /// Runs that were accepted at this time or later.
    #[serde(default, with = "time::serde::rfc3339::option")]
    since: Option<OffsetDateTime>,
    /// Runs that were accepted before this time.
    #[serde(default, with = "time::serde::rfc3339::option")]
    until: Option<OffsetDateTime>,
    /// Runs with this text in what started them.
    text: Option<String>,
}

/// Which log lines.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogPage {
    /// How many lines are known already: the `next` of the last answer.
    after: Option<usize>,
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

/// A page may have fewer runs than asked for, or none, and another one after it: the search goes on there.
async fn page_of(
    api: &SharedApi,
    caller: &Caller,
    workflow: Option<WorkflowId>,
    page: Result<Query<RunPage>, QueryRejection>,
) -> Result<Json<RunList>, ApiError> {
    let malformed = || {
        let detail = "use ?before=<run id>&limit=<1 to 200>&status=<a status>&trigger=<a kind>&since=<time>&until=<time>&text=<1 to 200 characters>";
        ApiError::Malformed(detail.into())
    };
    let Query(page) = page.map_err(|_| malformed())?;
    let before = page.before.map(|text| text.parse::<RunId>()).transpose().map_err(|_| malformed())?;
    let limit = page.limit.unwrap_or(PAGE);
    let is_text = |text: &String| (1..=MAX_SEARCH).contains(&text.chars().count()) && !text.contains('\0');
    if !(1..=MAX_PAGE).contains(&limit) || !page.text.iter().chain(&page.trigger).all(is_text) {
        return Err(malformed());
    }
    let RunPage { status, trigger, since, until, text, .. } = page;
    let filter = RunFilter { workflow, before, status, trigger, since, until, text };
    let found = api.database.runs(&filter, caller.viewer(), limit).await?;
    Ok(Json(RunList { runs: found.runs.iter().map(RunSummary::from).collect(), next: found.next }))
}

/// A run with its blocks.
#[utoipa::path(get, path = "/runs/{id}", tag = "runs", operation_id = "getRun", params(("id" = RunId, Path)), responses((status = 200, description = "The run", body = RunDetail)))]
pub(crate) async fn show(State(api): State<SharedApi>, on: OnRun) -> Result<Json<RunDetail>, ApiError> {
    let run = api.database.run(on.run).await?;
    let document = api.database.workflow_release(run.workflow, run.version).await?;
    let blocks = api.database.block_runs(on.run).await?.into_iter().map(BlockRun::from).collect();
    let queued = match run.status {
        RunStatus::Queued => api.database.queued_because(on.run).await?.map(QueuedBecause::from),
        _ => None,
    };
    let summary = RunSummary::from(&run);
    Ok(Json(RunDetail { run: summary, queued, trigger: run.trigger, response: run.response, document, blocks }))
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
