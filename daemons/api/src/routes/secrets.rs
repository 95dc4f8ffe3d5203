//! Secrets for code. A value can be written here and never read: it is sealed to workflows-backend before it is stored, and this
//! daemon's role in the database may not even select what is sealed.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bulkhead_model::{Fault, Name, Slug, WorkflowId};
use bulkhead_store::access::ObjectKind;
use bulkhead_store::secrets::{GrantedWorkflow, Secret as StoredSecret};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::json::Json;
use super::last::Last;
use crate::auth::{Administrator, Caller};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Workflows that one secret may be granted to.
const MAX_GRANTS: usize = 500;

/// A secret, without its value.
#[derive(Serialize, ToSchema)]
pub(crate) struct Secret {
    /// The id.
    id: Uuid,
    /// The name that code uses: `secret('name')`.
    name: String,
    /// The workflows whose code may use it, by title.
    workflows: Vec<SecretWorkflow>,
    /// When its value was set last.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// The name of who set it; absent for root on the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_by: Option<String>,
}

/// A workflow whose code may use a secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretWorkflow {
    /// Its name in addresses.
    slug: String,
    /// Its title.
    title: String,
}

impl From<StoredSecret> for Secret {
    fn from(stored: StoredSecret) -> Self {
        let workflow = |GrantedWorkflow { slug, title }| SecretWorkflow { slug, title };
        Self {
            id: stored.id,
            name: stored.name,
            workflows: stored.workflows.into_iter().map(workflow).collect(),
            updated_at: stored.updated_at,
            updated_by: stored.updated_by,
        }
    }
}

/// All secrets.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretList {
    /// By name.
    secrets: Vec<Secret>,
}

/// A new secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateSecretRequest {
    /// The name that code uses.
    name: Name,
    /// The value, at most 64 KiB. It is sealed at once and never shown again.
    value: String,
    /// The slugs of the workflows whose code may use it.
    #[serde(default)]
    workflows: Vec<Slug>,
}

/// A new value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplaceSecretRequest {
    /// The value, at most 64 KiB. It counts from the next use on.
    value: String,
}

/// Who may use a secret.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretGrantsRequest {
    /// The slugs of the workflows whose code may use it from now on; all others no longer may.
    workflows: Vec<Slug>,
}

/// All secrets, without their values.
#[utoipa::path(get, path = "/secrets", tag = "secrets", operation_id = "listSecrets", responses((status = 200, description = "By name", body = SecretList)))]
pub(crate) async fn list(State(api): State<SharedApi>, _: Administrator) -> Result<Json<SecretList>, ApiError> {
    let secrets = api.database.secrets().await?.into_iter().map(Secret::from).collect();
    Ok(Json(SecretList { secrets }))
}

/// Adds a secret.
#[utoipa::path(post, path = "/secrets", tag = "secrets", operation_id = "createSecret", request_body = CreateSecretRequest, responses(
    (status = 201, description = "Added", body = Secret),
    (status = 409, description = "`exists`; `seal-key-missing`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Json(request): Json<CreateSecretRequest>,
) -> Result<Response, ApiError> {
    let name = request.name.as_str();
    let workflows = workflow_ids(&api, &caller, &request.workflows).await?;
    let id = Uuid::now_v7();
    let sealed = api.seal_secret(id, check_value(&request.value)?)?;
    let detail = json!({ "name": name, "workflows": request.workflows });
    let record = caller.record("secret.create", Some(("secret", id)), detail);
    let created = async { Ok(api.database.create_secret(id, name, &sealed, &workflows, caller.user_id()).await?) };
    api.audit.around(record, created).await?;
    Ok((StatusCode::CREATED, Json(Secret::from(api.database.secret(name).await?))).into_response())
}

/// Replaces the value of a secret.
#[utoipa::path(put, path = "/secrets/{name}", tag = "secrets", operation_id = "replaceSecret", params(("name" = Name, Path)), request_body = ReplaceSecretRequest, responses(
    (status = 200, description = "Replaced", body = Secret),
    (status = 409, description = "`seal-key-missing`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn replace(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Last(name): Last,
    Json(request): Json<ReplaceSecretRequest>,
) -> Result<Json<Secret>, ApiError> {
    let StoredSecret { id, .. } = api.database.secret(&name).await?;
    let sealed = api.seal_secret(id, check_value(&request.value)?)?;
    let record = caller.record("secret.update", Some(("secret", id)), json!({ "name": name }));
    let replaced = async { Ok(api.database.replace_secret(id, &sealed, caller.user_id()).await?) };
    api.audit.around(record, replaced).await?;
    Ok(Json(api.database.secret(&name).await?.into()))
}

/// Deletes a secret. Code that asks for it fails from then on.
#[utoipa::path(delete, path = "/secrets/{name}", tag = "secrets", operation_id = "deleteSecret", params(("name" = Name, Path)), responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Last(name): Last,
) -> Result<StatusCode, ApiError> {
    let StoredSecret { id, .. } = api.database.secret(&name).await?;
    let record = caller.record("secret.delete", Some(("secret", id)), json!({ "name": name }));
    api.audit.around(record, async { Ok(api.database.delete_secret(id).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Grants a secret to workflows. Whoever may edit one of them can read the value by code.
#[utoipa::path(put, path = "/secrets/{name}/grants", tag = "secrets", operation_id = "setSecretGrants", params(("name" = Name, Path)), request_body = SecretGrantsRequest, responses(
    (status = 200, description = "Granted", body = Secret),
    (status = 422, description = "`invalid`: there is no such workflow", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn grant(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Last(name): Last,
    Json(request): Json<SecretGrantsRequest>,
) -> Result<Json<Secret>, ApiError> {
    let StoredSecret { id, .. } = api.database.secret(&name).await?;
    let workflows = workflow_ids(&api, &caller, &request.workflows).await?;
    let detail = json!({ "name": name, "workflows": request.workflows });
    let record = caller.record("secret.grant", Some(("secret", id)), detail);
    api.audit.around(record, async { Ok(api.database.set_secret_grants(id, &workflows).await?) }).await?;
    Ok(Json(api.database.secret(&name).await?.into()))
}

/// A value that can be sealed.
fn check_value(value: &str) -> Result<&str, ApiError> {
    if (1..=bulkhead_seal::MAX_SECRET_BYTES).contains(&value.len()) {
        return Ok(value);
    }
    let most = bulkhead_seal::MAX_SECRET_BYTES;
    let fault = Fault::new("value", format!("has {} bytes; it must have 1 to {most}", value.len()));
    Err(ApiError::invalid(fault.to_string(), vec![fault]))
}

async fn workflow_ids(api: &SharedApi, caller: &Caller, slugs: &[Slug]) -> Result<Vec<WorkflowId>, ApiError> {
    if slugs.len() > MAX_GRANTS {
        let fault = Fault::new("workflows", format!("names {} workflows; the most is {MAX_GRANTS}", slugs.len()));
        return Err(ApiError::invalid(fault.to_string(), vec![fault]));
    }
    let (user, is_admin) = caller.viewer();
    let mut ids = Vec::with_capacity(slugs.len());
    let mut faults = Vec::new();
    for (index, slug) in slugs.iter().enumerate() {
        match api.database.access(ObjectKind::Workflow, slug.as_str(), user, is_admin).await? {
            Some(access) => ids.push(WorkflowId(access.id)),
            None => faults.push(Fault::new(format!("workflows.{index}"), format!("there is no workflow `{slug}`"))),
        }
    }
    match faults.first() {
        None => Ok(ids),
        Some(first) => Err(ApiError::invalid(first.to_string(), faults)),
    }
}
