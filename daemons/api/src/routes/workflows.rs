//! Workflows: drafts, releases, webhook keys.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bulkhead_model::library_query::UsedBy;
use bulkhead_model::workflow::{Trigger, WorkflowDocument};
use bulkhead_model::{Name, Role, Slug, WorkflowId};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::documents::{
    DocumentSummary, DraftSaved, ReleaseList, ReleaseRequest, Released, released_draft, require_resources,
    require_valid,
};
use super::environments::{EnvironmentBadge, require_environments, usable};
use super::groups;
use super::json::Json;
use super::last::Last;
use super::library_sets;
use super::library_use::{of_workflow, require_library, started_by};
use crate::auth::guard::require_workflow;
use crate::auth::{Admin, Caller, Editor, On, WorkflowKind, token};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// The workflows that you may see.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowList {
    /// By title.
    workflows: Vec<DocumentSummary>,
}

/// A new workflow.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateWorkflowRequest {
    /// Its name in addresses.
    slug: Slug,
    /// Its title.
    title: String,
    /// Its draft; a greeting when absent.
    #[serde(default)]
    document: Option<WorkflowDocument>,
}

/// A workflow with its draft.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowDetail {
    /// The id.
    id: WorkflowId,
    /// The name in addresses.
    slug: String,
    /// The title.
    title: String,
    /// What you may do with it.
    role: Role,
    /// The draft.
    draft: WorkflowDocument,
    /// The draft's revision: a save or release names it.
    draft_revision: i64,
    /// The version that triggers start; absent before the first release.
    released_version: Option<i32>,
    /// The environments that you may use here, the default one first.
    environments: Vec<EnvironmentBadge>,
}

/// A draft to save.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveWorkflowDraftRequest {
    /// The revision that was changed.
    revision: i64,
    /// The whole document.
    document: WorkflowDocument,
}

/// A webhook's key. It is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookKey {
    /// To send as `Authorization: Bearer`.
    key: String,
    /// The address with the key in it, for callers that cannot set a header.
    url: String,
}

/// Requires the role editor on all that a document's blocks use: a release lets others run them.
async fn require_rights(api: &SharedApi, caller: &Caller, document: &WorkflowDocument) -> Result<(), ApiError> {
    require_resources(api, caller, of_workflow(document).map(|(_, query)| query)).await?;
    for workflow in started_by(document) {
        require_workflow(api, caller, workflow.as_str(), Role::Editor).await?;
    }
    Ok(())
}

/// The workflows that you may see.
#[utoipa::path(get, path = "/workflows", tag = "workflows", operation_id = "listWorkflows", responses((status = 200, description = "By title", body = WorkflowList)))]
pub(crate) async fn list(State(api): State<SharedApi>, caller: Caller) -> Result<Json<WorkflowList>, ApiError> {
    let (user, is_admin) = caller.viewer();
    let workflows = api.database.workflows(user, is_admin).await?;
    Ok(Json(WorkflowList { workflows: workflows.into_iter().map(DocumentSummary::from).collect() }))
}

/// Creates a workflow. You get the role admin on it.
#[utoipa::path(post, path = "/workflows", tag = "workflows", operation_id = "createWorkflow", request_body = CreateWorkflowRequest, responses(
    (status = 201, description = "Created", body = WorkflowDetail),
    (status = 409, description = "`exists`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(api): State<SharedApi>,
    caller: Caller,
    Json(request): Json<CreateWorkflowRequest>,
) -> Result<Response, ApiError> {
    let document = request.document.unwrap_or_else(|| WorkflowDocument::starter(&request.title));
    require_valid(document.validate())?;
    library_sets::resolve(&api, &document.libraries).await?;
    groups::require_groups(&api, document.groups()).await?;
    require_environments(&api, &caller, Role::Admin, &document).await?;
    require_library(&api, &caller, UsedBy::Workflow, of_workflow(&document)).await?;
    let slug = request.slug.as_str();
    let record = caller.record("workflow.create", None, json!({ "slug": slug }));
    let created = async { Ok(api.database.create_workflow(slug, &document, caller.user_id()).await?) };
    let id = api.audit.around(record, created).await?;
    let detail = WorkflowDetail {
        id,
        slug: slug.to_owned(),
        title: document.title.clone(),
        role: Role::Admin,
        draft: document,
        draft_revision: 1,
        released_version: None,
        environments: usable(&api, &caller, Role::Admin).await?,
    };
    Ok((StatusCode::CREATED, Json(detail)).into_response())
}

/// A workflow with its draft.
#[utoipa::path(get, path = "/workflows/{slug}", tag = "workflows", operation_id = "getWorkflow", params(("slug" = Slug, Path)), responses(
    (status = 200, description = "The workflow", body = WorkflowDetail),
))]
pub(crate) async fn show(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Editor>,
) -> Result<Json<WorkflowDetail>, ApiError> {
    let draft = api.database.workflow_draft(on.id).await?;
    Ok(Json(WorkflowDetail {
        id: on.id,
        slug: on.name,
        title: draft.document.title.clone(),
        role: on.role,
        draft: draft.document,
        draft_revision: draft.revision,
        released_version: draft.released_version,
        environments: usable(&api, &on.caller, on.role).await?,
    }))
}

/// Deletes a workflow with its releases and runs.
#[utoipa::path(delete, path = "/workflows/{slug}", tag = "workflows", operation_id = "deleteWorkflow", params(("slug" = Slug, Path)), responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(State(api): State<SharedApi>, on: On<WorkflowKind, Admin>) -> Result<StatusCode, ApiError> {
    let record = on.caller.record("workflow.delete", Some(("workflow", on.id.0)), json!({ "slug": on.name }));
    api.audit.around(record, async { Ok(api.database.delete_workflow(on.id).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Saves the draft.
#[utoipa::path(put, path = "/workflows/{slug}/draft", tag = "workflows", operation_id = "saveWorkflowDraft", params(("slug" = Slug, Path)), request_body = SaveWorkflowDraftRequest, responses(
    (status = 200, description = "Saved", body = DraftSaved),
    (status = 409, description = "`draft-changed`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn save_draft(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Editor>,
    Json(request): Json<SaveWorkflowDraftRequest>,
) -> Result<Json<DraftSaved>, ApiError> {
    require_valid(request.document.validate())?;
    library_sets::resolve(&api, &request.document.libraries).await?;
    groups::require_groups(&api, request.document.groups()).await?;
    require_environments(&api, &on.caller, on.role, &request.document).await?;
    require_library(&api, &on.caller, UsedBy::Workflow, of_workflow(&request.document)).await?;
    let revision = api.database.save_workflow_draft(on.id, request.revision, &request.document).await?;
    Ok(Json(DraftSaved { revision }))
}

/// Releases the draft: triggers start it from now on. Needs the role editor on the resources of its statements and on the workflows that its blocks run.
#[utoipa::path(post, path = "/workflows/{slug}/releases", tag = "workflows", operation_id = "releaseWorkflow", params(("slug" = Slug, Path)), request_body = ReleaseRequest, responses(
    (status = 200, description = "Released", body = Released),
    (status = 409, description = "`draft-changed`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn release(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Editor>,
    Json(request): Json<ReleaseRequest>,
) -> Result<Json<Released>, ApiError> {
    let draft = released_draft(api.database.workflow_draft(on.id).await?, request.revision)?;
    require_valid(draft.validate())?;
    library_sets::resolve(&api, &draft.libraries).await?;
    groups::require_groups(&api, draft.groups()).await?;
    require_environments(&api, &on.caller, on.role, &draft).await?;
    require_library(&api, &on.caller, UsedBy::Workflow, of_workflow(&draft)).await?;
    require_rights(&api, &on.caller, &draft).await?;
    let record =
        on.caller.record("workflow.release", Some(("workflow", on.id.0)), json!({ "revision": request.revision }));
    // A save since the draft was checked makes this fail.
    let released = async { Ok(api.database.release_workflow(on.id, request.revision, on.caller.user_id()).await?) };
    let version = api.audit.around(record, released).await?;
    Ok(Json(Released { version }))
}

/// All releases.
#[utoipa::path(get, path = "/workflows/{slug}/releases", tag = "workflows", operation_id = "listWorkflowReleases", params(("slug" = Slug, Path)), responses(
    (status = 200, description = "The newest first", body = ReleaseList),
))]
pub(crate) async fn releases(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Editor>,
) -> Result<Json<ReleaseList>, ApiError> {
    let released_version = api.database.workflow_released_version(on.id).await?;
    Ok(Json(ReleaseList::of(api.database.workflow_releases(on.id).await?, released_version)))
}

/// Puts an earlier version in use again. Runs that go on keep theirs.
#[utoipa::path(post, path = "/workflows/{slug}/releases/{version}/restore", tag = "workflows", operation_id = "restoreWorkflowRelease", params(("slug" = Slug, Path), ("version" = i32, Path)), responses(
    (status = 200, description = "In use", body = Released),
))]
pub(crate) async fn restore(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Editor>,
    Last(version): Last,
) -> Result<Json<Released>, ApiError> {
    let version: i32 = version.parse().map_err(|_| ApiError::NotFound)?;
    let document = api.database.workflow_release(on.id, version).await?;
    require_rights(&api, &on.caller, &document).await?;
    library_sets::resolve(&api, &document.libraries).await?;
    groups::require_groups(&api, document.groups()).await?;
    require_environments(&api, &on.caller, on.role, &document).await?;
    require_library(&api, &on.caller, UsedBy::Workflow, of_workflow(&document)).await?;
    let record = on.caller.record("workflow.restore", Some(("workflow", on.id.0)), json!({ "version": version }));
    api.audit.around(record, async { Ok(api.database.restore_workflow_release(on.id, version).await?) }).await?;
    Ok(Json(Released { version }))
}

/// Gives a webhook trigger a new key. The old one no longer works.
#[utoipa::path(post, path = "/workflows/{slug}/triggers/{trigger}/key", tag = "workflows", operation_id = "newWebhookKey", params(("slug" = Slug, Path), ("trigger" = Name, Path)), responses(
    (status = 200, description = "The key, shown this once", body = WebhookKey),
))]
pub(crate) async fn new_key(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Editor>,
    Last(trigger): Last,
) -> Result<Json<WebhookKey>, ApiError> {
    let draft = api.database.workflow_draft(on.id).await?;
    let known = match draft.document.triggers.get(trigger.as_str()) {
        Some(Trigger::Webhook(_)) => true,
        Some(Trigger::Schedule(_)) => false,
        // Removed from the draft, but still in use: its key may have to be changed in a hurry.
        None => match draft.released_version {
            Some(version) => {
                api.database.workflow_release(on.id, version).await?.triggers.contains_key(trigger.as_str())
            }
            None => false,
        },
    };
    if !known {
        return Err(ApiError::NotFound);
    }
    let (key, hash) = token::mint()?;
    let record = on.caller.record("workflow.key.new", Some(("workflow", on.id.0)), json!({ "trigger": trigger }));
    api.audit.around(record, async { Ok(api.database.set_webhook_key(on.id, &trigger, &hash).await?) }).await?;
    let url = format!("{}/hooks/{}/{trigger}?key={key}", api.config.base_url, on.name);
    Ok(Json(WebhookKey { key, url }))
}
