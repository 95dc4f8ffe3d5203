//! Roles on apps, workflows and resources.

use axum::extract::State;
use bulkhead_model::{Role, Slug, UserId};
use bulkhead_store::access::{self, ObjectKind};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::json::Json;
use super::last::Last;
use crate::auth::{Admin, AppKind, Caller, On, QueryKind, ResourceKind, WorkflowKind};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// A person with a role.
#[derive(Serialize, ToSchema)]
pub(crate) struct Grant {
    /// The person's id.
    user: UserId,
    /// Their address.
    email: String,
    /// Their name.
    name: String,
    /// What they may do.
    role: Role,
}

/// Everybody with a role. Administrators of the instance may do everything and are not listed.
#[derive(Serialize, ToSchema)]
pub(crate) struct GrantList {
    /// By address.
    grants: Vec<Grant>,
}

/// A role to give.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantRequest {
    /// In place of the one that the person has.
    role: Role,
}

async fn list(api: &SharedApi, kind: ObjectKind, id: Uuid) -> Result<Json<GrantList>, ApiError> {
    let grant =
        |grant: access::Grant| Grant { user: grant.user, email: grant.email, name: grant.name, role: grant.role };
    Ok(Json(GrantList { grants: api.database.grants(kind, id).await?.into_iter().map(grant).collect() }))
}

async fn set(
    api: &SharedApi,
    caller: &Caller,
    (kind, id): (ObjectKind, Uuid),
    user: &str,
    role: Role,
) -> Result<StatusCode, ApiError> {
    let user: UserId = user.parse().map_err(|_| ApiError::NotFound)?;
    let record = caller.record("grant.set", Some((kind.as_str(), id)), json!({ "user": user, "role": role }));
    api.audit.around(record, async { Ok(api.database.set_grant(kind, id, user, role).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(
    api: &SharedApi,
    caller: &Caller,
    (kind, id): (ObjectKind, Uuid),
    user: &str,
) -> Result<StatusCode, ApiError> {
    let user: UserId = user.parse().map_err(|_| ApiError::NotFound)?;
    let record = caller.record("grant.remove", Some((kind.as_str(), id)), json!({ "user": user }));
    api.audit.around(record, async { Ok(api.database.remove_grant(kind, id, user).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who has a role on an app.
#[utoipa::path(get, path = "/apps/{slug}/grants", tag = "apps", operation_id = "listAppGrants", params(("slug" = Slug, Path)), responses((status = 200, description = "By address", body = GrantList)))]
pub(crate) async fn app_list(
    State(api): State<SharedApi>,
    on: On<AppKind, Admin>,
) -> Result<Json<GrantList>, ApiError> {
    list(&api, ObjectKind::App, on.id.0).await
}

/// Gives a person a role on an app.
#[utoipa::path(put, path = "/apps/{slug}/grants/{user}", tag = "apps", operation_id = "setAppGrant", params(("slug" = Slug, Path), ("user" = UserId, Path)), request_body = GrantRequest, responses((status = 204, description = "Given")))]
pub(crate) async fn app_set(
    State(api): State<SharedApi>,
    on: On<AppKind, Admin>,
    Last(user): Last,
    Json(request): Json<GrantRequest>,
) -> Result<StatusCode, ApiError> {
    set(&api, &on.caller, (ObjectKind::App, on.id.0), &user, request.role).await
}

/// Takes a person's role on an app away.
#[utoipa::path(delete, path = "/apps/{slug}/grants/{user}", tag = "apps", operation_id = "removeAppGrant", params(("slug" = Slug, Path), ("user" = UserId, Path)), responses((status = 204, description = "Taken away")))]
pub(crate) async fn app_remove(
    State(api): State<SharedApi>,
    on: On<AppKind, Admin>,
    Last(user): Last,
) -> Result<StatusCode, ApiError> {
    remove(&api, &on.caller, (ObjectKind::App, on.id.0), &user).await
}

/// Who has a role on a workflow.
#[utoipa::path(get, path = "/workflows/{slug}/grants", tag = "workflows", operation_id = "listWorkflowGrants", params(("slug" = Slug, Path)), responses((status = 200, description = "By address", body = GrantList)))]
pub(crate) async fn workflow_list(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Admin>,
) -> Result<Json<GrantList>, ApiError> {
    list(&api, ObjectKind::Workflow, on.id.0).await
}

/// Gives a person a role on a workflow.
#[utoipa::path(put, path = "/workflows/{slug}/grants/{user}", tag = "workflows", operation_id = "setWorkflowGrant", params(("slug" = Slug, Path), ("user" = UserId, Path)), request_body = GrantRequest, responses((status = 204, description = "Given")))]
pub(crate) async fn workflow_set(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Admin>,
    Last(user): Last,
    Json(request): Json<GrantRequest>,
) -> Result<StatusCode, ApiError> {
    set(&api, &on.caller, (ObjectKind::Workflow, on.id.0), &user, request.role).await
}

/// Takes a person's role on a workflow away.
#[utoipa::path(delete, path = "/workflows/{slug}/grants/{user}", tag = "workflows", operation_id = "removeWorkflowGrant", params(("slug" = Slug, Path), ("user" = UserId, Path)), responses((status = 204, description = "Taken away")))]
pub(crate) async fn workflow_remove(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Admin>,
    Last(user): Last,
) -> Result<StatusCode, ApiError> {
    remove(&api, &on.caller, (ObjectKind::Workflow, on.id.0), &user).await
}

/// Who has a role on a resource.
#[utoipa::path(get, path = "/resources/{name}/grants", tag = "resources", operation_id = "listResourceGrants", params(("name" = Slug, Path)), responses((status = 200, description = "By address", body = GrantList)))]
pub(crate) async fn resource_list(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Admin>,
) -> Result<Json<GrantList>, ApiError> {
    list(&api, ObjectKind::Resource, on.id.0).await
}

/// Gives a person a role on a resource.
#[utoipa::path(put, path = "/resources/{name}/grants/{user}", tag = "resources", operation_id = "setResourceGrant", params(("name" = Slug, Path), ("user" = UserId, Path)), request_body = GrantRequest, responses((status = 204, description = "Given")))]
pub(crate) async fn resource_set(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Admin>,
    Last(user): Last,
    Json(request): Json<GrantRequest>,
) -> Result<StatusCode, ApiError> {
    set(&api, &on.caller, (ObjectKind::Resource, on.id.0), &user, request.role).await
}

/// Takes a person's role on a resource away.
#[utoipa::path(delete, path = "/resources/{name}/grants/{user}", tag = "resources", operation_id = "removeResourceGrant", params(("name" = Slug, Path), ("user" = UserId, Path)), responses((status = 204, description = "Taken away")))]
pub(crate) async fn resource_remove(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Admin>,
    Last(user): Last,
) -> Result<StatusCode, ApiError> {
    remove(&api, &on.caller, (ObjectKind::Resource, on.id.0), &user).await
}

/// Who has a role on a query of the library.
#[utoipa::path(get, path = "/queries/{slug}/grants", tag = "queries", operation_id = "listLibraryQueryGrants", params(("slug" = Slug, Path)), responses((status = 200, description = "By address", body = GrantList)))]
pub(crate) async fn query_list(
    State(api): State<SharedApi>,
    on: On<QueryKind, Admin>,
) -> Result<Json<GrantList>, ApiError> {
    list(&api, ObjectKind::Query, on.id.0).await
}

/// Gives a person a role on a query of the library.
#[utoipa::path(put, path = "/queries/{slug}/grants/{user}", tag = "queries", operation_id = "setLibraryQueryGrant", params(("slug" = Slug, Path), ("user" = UserId, Path)), request_body = GrantRequest, responses((status = 204, description = "Given")))]
pub(crate) async fn query_set(
    State(api): State<SharedApi>,
    on: On<QueryKind, Admin>,
    Last(user): Last,
    Json(request): Json<GrantRequest>,
) -> Result<StatusCode, ApiError> {
    set(&api, &on.caller, (ObjectKind::Query, on.id.0), &user, request.role).await
}

/// Takes a person's role on a query of the library away.
#[utoipa::path(delete, path = "/queries/{slug}/grants/{user}", tag = "queries", operation_id = "removeLibraryQueryGrant", params(("slug" = Slug, Path), ("user" = UserId, Path)), responses((status = 204, description = "Taken away")))]
pub(crate) async fn query_remove(
    State(api): State<SharedApi>,
    on: On<QueryKind, Admin>,
    Last(user): Last,
) -> Result<StatusCode, ApiError> {
    remove(&api, &on.caller, (ObjectKind::Query, on.id.0), &user).await
}
