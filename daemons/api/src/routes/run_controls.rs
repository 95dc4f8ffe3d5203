//! What people say to runs that go on.

use axum::extract::State;
use bulkhead_model::run::{Choice, Iteration};
use bulkhead_model::{Name, RunId};
use bulkhead_store::StoreError;
use bulkhead_store::journal::BlockPlace;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::json::Json;
use super::last::Last;
use crate::auth::OnRun;
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Asks a run to end. Without effect on one that has ended.
#[utoipa::path(post, path = "/runs/{id}/cancel", tag = "runs", operation_id = "cancelRun", params(("id" = RunId, Path)), responses((status = 202, description = "Asked")))]
pub(crate) async fn cancel(State(api): State<SharedApi>, on: OnRun) -> Result<StatusCode, ApiError> {
    say(&api, &on, "workflow.run.cancel", json!({}), async { Ok(api.database.request_cancel(on.run).await?) }).await
}

/// Ends a run here and now, as cancelled, whether or not anything answers that it runs on. Prefer to cancel.
#[utoipa::path(post, path = "/runs/{id}/terminate", tag = "runs", operation_id = "terminateRun", params(("id" = RunId, Path)), responses((status = 202, description = "It has ended")))]
pub(crate) async fn terminate(State(api): State<SharedApi>, on: OnRun) -> Result<StatusCode, ApiError> {
    let by = on.caller.name();
    say(&api, &on, "workflow.run.terminate", json!({}), async { Ok(api.database.terminate_run(on.run, &by).await?) })
        .await
}

/// Pauses a run before its next step. What it is doing now goes on to its end.
#[utoipa::path(post, path = "/runs/{id}/pause", tag = "runs", operation_id = "pauseRun", params(("id" = RunId, Path)), responses((status = 202, description = "Asked")))]
pub(crate) async fn pause(State(api): State<SharedApi>, on: OnRun) -> Result<StatusCode, ApiError> {
    say(&api, &on, "workflow.run.pause", json!({}), async { Ok(api.database.pause_run(on.run).await?) }).await
}

/// Lets a paused run go on.
#[utoipa::path(post, path = "/runs/{id}/resume", tag = "runs", operation_id = "resumeRun", params(("id" = RunId, Path)), responses((status = 202, description = "Asked")))]
pub(crate) async fn resume(State(api): State<SharedApi>, on: OnRun) -> Result<StatusCode, ApiError> {
    say(&api, &on, "workflow.run.resume", json!({}), async { Ok(api.database.resume_run(on.run).await?) }).await
}

/// What becomes of a block whose outcome is unknown.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChooseRequest {
    /// In which round of which loops.
    #[serde(default)]
    iteration: Iteration,
    /// Which attempt.
    attempt: i32,
    /// What becomes of it.
    choice: Choice,
}

/// Says what becomes of a block whose outcome is unknown: look first whether it took effect. The first choice counts.
#[utoipa::path(post, path = "/runs/{id}/blocks/{block}/choice", tag = "runs", operation_id = "chooseOutcome", params(("id" = RunId, Path), ("block" = Name, Path)), request_body = ChooseRequest, responses(
    (status = 202, description = "The run goes on"),
    (status = 409, description = "`chosen`: somebody has chosen something else", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn choose(
    State(api): State<SharedApi>,
    on: OnRun,
    Last(block): Last,
    Json(request): Json<ChooseRequest>,
) -> Result<StatusCode, ApiError> {
    let by = on.caller.name();
    let detail =
        json!({ "block": block, "iteration": request.iteration, "attempt": request.attempt, "choice": request.choice });
    let place = BlockPlace { block, iteration: request.iteration, attempt: request.attempt };
    say(&api, &on, "workflow.run.choose", detail, async {
        api.database.choose(on.run, &place, request.choice, &by).await.map_err(|error| match error {
            StoreError::Changed { .. } => {
                ApiError::Conflict { code: "chosen", detail: "somebody has chosen something else already".into() }
            }
            error => error.into(),
        })
    })
    .await
}

/// Does it, on record.
async fn say(
    api: &SharedApi,
    on: &OnRun,
    action: &'static str,
    mut detail: Value,
    said: impl Future<Output = Result<(), ApiError>>,
) -> Result<StatusCode, ApiError> {
    detail["run"] = json!(on.run);
    api.audit.around(on.caller.record(action, Some(("workflow", on.workflow.0)), detail), said).await?;
    Ok(StatusCode::ACCEPTED)
}
