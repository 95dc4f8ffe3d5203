//! Runs of workflows that an app starts.

use axum::extract::State;
use axum::response::Response;
use bulkhead_model::{Role, Slug};
use bulkhead_store::runs::NewRun;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::documents::not_released;
use super::json::Json;
use super::library_use::require_environment_of_run;
use super::run_starts::{RunStarted, accepted, begin, person, trace_parent};
use crate::auth::guard::require_workflow;
use crate::auth::{AppKind, On, Viewer};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// A run that an action of an app asks for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartAppRunRequest {
    /// The workflow: one that the released version of the app names.
    workflow: Slug,
    /// What code sees as `trigger.body`.
    #[serde(default)]
    body: Value,
    /// In which environment: that of the app; the default one when absent.
    #[serde(default)]
    environment: Option<Slug>,
}

/// Starts a run of a workflow that the released version of an app names in one of its actions. Needs the role viewer on the app and on
/// the workflow; whoever released the app had the role editor on the workflow.
#[utoipa::path(post, path = "/apps/{slug}/runs", tag = "apps", operation_id = "startAppRun", params(("slug" = Slug, Path)), request_body = StartAppRunRequest, responses(
    (status = 202, description = "Accepted: from here on it is never lost", body = RunStarted),
    (status = 409, description = "`not-released`: the app, or the workflow", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`invalid`: the app starts no such workflow", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn start(
    State(api): State<SharedApi>,
    on: On<AppKind, Viewer>,
    headers: HeaderMap,
    Json(request): Json<StartAppRunRequest>,
) -> Result<Response, ApiError> {
    let StartAppRunRequest { workflow: name, body, environment } = request;
    let released = api.database.app_released_version(on.id).await?.ok_or_else(|| not_released("app"))?;
    let document = api.database.app_release(on.id, released).await?;
    if document.module.is_some() || !document.workflows().contains(&name) {
        let detail = format!("the app starts no workflow `{name}`: load the app again, it may have changed");
        return Err(ApiError::invalid(detail, Vec::new()));
    }
    let workflow = require_workflow(&api, &on.caller, name.as_str(), Role::Viewer).await?;
    let version = api.database.workflow_released_version(workflow).await?.ok_or_else(|| not_released("workflow"))?;
    let environment = environment.as_ref().map(Slug::as_str);
    let place = (workflow, version);
    let environment = require_environment_of_run(&api, &on.caller, environment, on.role, place).await?;
    let trigger = json!({ "kind": "app", "app": on.name, "body": body, "user": person(&on.caller) });
    let detail = json!({ "trigger": "app", "app": on.name, "version": version, "environment": environment.name });
    let new = NewRun {
        workflow,
        version,
        environment: environment.id,
        trigger: &trigger,
        started_by: on.caller.user_id(),
        idempotency_key: None,
        begins_at: None,
        trace_parent: trace_parent(&headers),
        record: &on.caller.record("workflow.run.start", Some(("workflow", workflow.0)), detail),
    };
    Ok(accepted(begin(&api, &new).await?))
}
