//! Starting runs: by hand, and again.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bulkhead_model::workflow::Graph;
use bulkhead_model::{Name, RunId, Slug, TraceParent};
use bulkhead_store::runs::{NewRun, Run};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::documents::not_released;
use super::json::Json;
use super::library_use::require_environment_of_run;
use crate::auth::{Caller, Editor, On, OnRun, WorkflowKind};
use crate::http_error::ApiError;
use crate::state::SharedApi;

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
    /// In which environment; the default one when absent.
    #[serde(default)]
    environment: Option<Slug>,
}

/// A run was started.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunStarted {
    /// Its id.
    run: RunId,
}

/// Writes a run, or finds the one that its idempotency key stands for. From here on it is never lost.
pub(crate) async fn begin(api: &SharedApi, new: &NewRun<'_>) -> Result<RunId, ApiError> {
    let (run, _) = api.database.start_run(new).await?;
    api.metrics.runs_started.inc();
    Ok(run)
}

/// The same, under this id unless the key stands for another run, for a caller who hears of nothing but what came of it: no run is
/// acknowledged before [`bulkhead_store::Database::settle_run`], or before its answer or its end.
pub(crate) async fn begin_for_answer(api: &SharedApi, id: RunId, new: &NewRun<'_>) -> Result<RunId, ApiError> {
    let (run, _) = api.database.start_run_for_answer(id, new).await?;
    api.metrics.runs_started.inc();
    Ok(run)
}

/// The answer to whoever does not wait.
pub(crate) fn accepted(run: RunId) -> Response {
    (StatusCode::ACCEPTED, Json(RunStarted { run })).into_response()
}

/// Starts a run of the released version.
#[utoipa::path(post, path = "/workflows/{slug}/runs", tag = "runs", operation_id = "startRun", params(("slug" = Slug, Path)), request_body = StartRunRequest, responses(
    (status = 202, description = "Accepted: from here on it is never lost", body = RunStarted),
    (status = 403, description = "`environment-not-allowed`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 409, description = "`not-released`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn start(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Editor>,
    headers: HeaderMap,
    Json(request): Json<StartRunRequest>,
) -> Result<Response, ApiError> {
    let version = api.database.workflow_released_version(on.id).await?.ok_or_else(|| not_released("workflow"))?;
    if let Some(key) = &request.idempotency_key {
        check_key(key)?;
    }
    let trigger = json!({ "kind": "manual", "body": request.body, "user": person(&on.caller) });
    // Each way to start a run has keys of its own.
    let key = request.idempotency_key.as_ref().map(|key| format!("manual/{key}"));
    let wanted = request.environment.as_ref().map(Slug::as_str);
    let environment = require_environment_of_run(&api, &on.caller, wanted, on.role, (on.id, version)).await?;
    let detail = json!({ "trigger": "manual", "version": version, "environment": environment.name });
    let new = NewRun {
        workflow: on.id,
        version,
        environment: environment.id,
        trigger: &trigger,
        started_by: on.caller.user_id(),
        idempotency_key: key.as_deref(),
        begins_at: None,
        trace_parent: trace_parent(&headers),
        record: &on.caller.record("workflow.run.start", Some(("workflow", on.id.0)), detail),
    };
    Ok(accepted(begin(&api, &new).await?))
}

/// The trace of the caller (W3C Trace Context). A header that is none is no reason to refuse a run: it begins a trace of its own.
pub(crate) fn trace_parent(headers: &HeaderMap) -> Option<TraceParent> {
    headers.get("traceparent")?.to_str().ok()?.parse().ok()
}

/// What code sees of whoever starts a run by hand; null for root on the appliance.
pub(crate) fn person(caller: &Caller) -> Value {
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

/// Starts a new run with what started an earlier one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RerunRequest {
    /// In place of the earlier run's `trigger.body`, where it is given.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Value>)]
    body: Option<Value>,
    /// The block to begin at: what came before is taken from the earlier run, whose version this run has too.
    #[serde(default)]
    from: Option<Name>,
}

/// Null is a value too.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Starts a new run with what started this one: its headers, query and body, or another body. It is one of the version in use; or, from
/// a block on, of the same version.
#[utoipa::path(post, path = "/runs/{id}/rerun", tag = "runs", operation_id = "rerun", params(("id" = RunId, Path)), request_body = RerunRequest, responses(
    (status = 202, description = "Accepted: from here on it is never lost", body = RunStarted),
    (status = 409, description = "`not-released`, `not-ended`, `environment-removed`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`invalid`: the run cannot begin at that block", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn rerun(
    State(api): State<SharedApi>,
    on: OnRun,
    Json(request): Json<RerunRequest>,
) -> Result<Response, ApiError> {
    let earlier = api.database.run(on.run).await?;
    let version = match &request.from {
        Some(from) => {
            require_place_to_begin(&api, &earlier, from).await?;
            earlier.version
        }
        None => {
            let released = api.database.workflow_released_version(on.workflow).await?;
            released.ok_or_else(|| not_released("workflow"))?
        }
    };
    let mut trigger = earlier.trigger.clone();
    if let Some(trigger) = trigger.as_object_mut() {
        trigger.extend(request.body.map(|body| ("body".to_owned(), body)));
        trigger.insert("rerun_of".to_owned(), json!(on.run));
        // Who is asked for by hand is who asks.
        if trigger.contains_key("user") {
            trigger.insert("user".to_owned(), person(&on.caller));
        }
    }
    // In the same environment, which whoever repeats it must be allowed to use, too.
    let wanted = Some(earlier.environment.name.as_str());
    let environment = require_environment_of_run(&api, &on.caller, wanted, on.role, (on.workflow, version)).await?;
    // Another may have that name by now.
    if environment.id != api.database.environment_of_run(on.run).await? {
        let detail =
            format!("the run was in another environment `{}`, which was removed: start a new run", environment.name);
        return Err(ApiError::Conflict { code: "environment-removed", detail });
    }
    let detail = json!({
        "trigger": trigger["kind"], "rerun_of": on.run, "version": version, "from": request.from, "environment": environment.name,
    });
    let new = NewRun {
        workflow: on.workflow,
        version,
        environment: environment.id,
        trigger: &trigger,
        started_by: on.caller.user_id(),
        idempotency_key: None,
        begins_at: request.from.as_ref().map(|from| (on.run, from.as_str())),
        trace_parent: None,
        record: &on.caller.record("workflow.run.start", Some(("workflow", on.workflow.0)), detail),
    };
    Ok(accepted(begin(&api, &new).await?))
}

/// A run begins at a block that an earlier one has come to, outside of all bodies: only there it is clear what came before.
async fn require_place_to_begin(api: &SharedApi, earlier: &Run, from: &Name) -> Result<(), ApiError> {
    if !earlier.status.is_final() {
        let detail = "the run has not ended: cancel it, or wait for its end".to_owned();
        return Err(ApiError::Conflict { code: "not-ended", detail });
    }
    let document = api.database.workflow_release(earlier.workflow, earlier.version).await?;
    let Some((name, _)) = document.blocks.get_key_value(from) else {
        return Err(ApiError::invalid(format!("the run's version has no block `{from}`"), Vec::new()));
    };
    if let Some(owner) = Graph::of(&document).owners(name).last() {
        let detail = format!("block `{from}` is in a body of `{owner}`: begin at that one");
        return Err(ApiError::invalid(detail, Vec::new()));
    }
    if api.database.block_rounds(earlier.id, from.as_str(), None, 1).await?.is_empty() {
        return Err(ApiError::invalid(format!("the run has not come to block `{from}`"), Vec::new()));
    }
    Ok(())
}
