//! What `bulkheadctl` does as root, over `api.sock`. To everybody else these routes do not exist.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use bulkhead_model::resource::ResourceConfig;
use bulkhead_model::workflow::Language;
use bulkhead_model::{EnvironmentId, LibraryNames, ResourceId, Slug};
use bulkhead_rpc::executor::{BlockSpec, CodeLimits, RunEvent, Work};
use bulkhead_store::identity::LinkPurpose;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::block_runs::{COMMAND_LINE, execute};
use super::documents::require_valid;
use super::json::Json;
use super::library_sets;
use super::resources::settings_changed;
use super::users::{OneTimeLink, make_link};
use crate::auth::Root;
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Whose password to set anew.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecoverAdminRequest {
    /// The account's address.
    email: String,
}

/// A resource that setup keeps.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BuiltInResourceRequest {
    /// The name that queries use.
    name: Slug,
    /// The settings.
    config: ResourceConfig,
    /// The password.
    secret: String,
}

/// A file to run as a block.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunCodeRequest {
    /// Its language.
    language: Language,
    /// A function's body.
    source: String,
    /// Variables that the code sees.
    #[serde(default)]
    inputs: BTreeMap<String, Value>,
    /// The longest that it may take, in milliseconds.
    #[serde(default)]
    wall_ms: Option<u32>,
    /// The most memory that it may use, in bytes.
    #[serde(default)]
    memory_bytes: Option<u64>,
    /// The sets of libraries that it finds beside the standard ones, by name.
    #[serde(default)]
    libraries: LibraryNames,
}

/// A link that makes the first administrator.
#[utoipa::path(post, path = "/system/admin-link", tag = "system", operation_id = "makeAdminLink", responses(
    (status = 200, description = "The link; earlier ones no longer work", body = OneTimeLink),
    (status = 409, description = "`admin-exists`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn admin_link(
    State(api): State<SharedApi>,
    Root(caller): Root,
) -> Result<Json<OneTimeLink>, ApiError> {
    if api.database.has_admin().await? {
        let detail = "there is an administrator already: use `bulkheadctl user recover-admin <e-mail>`".to_owned();
        return Err(ApiError::Conflict { code: "admin-exists", detail });
    }
    let record = caller.record("system.admin-link", None, json!({}));
    let link = api.audit.around(record, make_link(&api, LinkPurpose::FirstAdmin, None)).await?;
    Ok(Json(OneTimeLink { link }))
}

/// A link that gives an account a new password and makes it an administrator.
#[utoipa::path(post, path = "/system/recover-admin", tag = "system", operation_id = "recoverAdmin", request_body = RecoverAdminRequest, responses(
    (status = 200, description = "The link", body = OneTimeLink),
    (status = 404, description = "`not-found`: no account has this address", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn recover_admin(
    State(api): State<SharedApi>,
    Root(caller): Root,
    Json(request): Json<RecoverAdminRequest>,
) -> Result<Json<OneTimeLink>, ApiError> {
    let wanted = request.email.trim().to_lowercase();
    let user = api.database.users().await?.into_iter().find(|user| user.email.to_lowercase() == wanted);
    let user = user.ok_or(ApiError::NotFound)?;
    let record = caller.record("system.recover-admin", Some(("user", user.id.0)), json!({ "email": user.email }));
    let link = api.audit.around(record, make_link(&api, LinkPurpose::RecoverAdmin, Some(user.id))).await?;
    Ok(Json(OneTimeLink { link }))
}

/// Adds or changes a built-in resource.
#[utoipa::path(put, path = "/system/built-in-resource", tag = "system", operation_id = "putBuiltInResource", request_body = BuiltInResourceRequest, responses(
    (status = 204, description = "It is there"),
    (status = 409, description = "`exists`: a resource that is not built in has this name", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn built_in_resource(
    State(api): State<SharedApi>,
    Root(caller): Root,
    Json(request): Json<BuiltInResourceRequest>,
) -> Result<StatusCode, ApiError> {
    require_valid(request.config.validate())?;
    let name = request.name.as_str();
    let existing = match api.database.resource_id(name).await? {
        Some(id) => Some(api.database.resource(id).await?),
        None => None,
    };
    let id = existing.as_ref().map_or_else(ResourceId::new, |existing| existing.id);
    if existing.as_ref().is_some_and(|existing| !existing.built_in) {
        let detail = format!("a resource named `{name}` was made by hand: rename it first");
        return Err(ApiError::Conflict { code: "exists", detail });
    }
    let sealed = api.seal_resource_secret((id, EnvironmentId::DEFAULT), &request.secret)?;
    let record = caller.record("system.built-in-resource", Some(("resource", id.0)), json!({ "name": name }));
    let stored = async {
        if let Some(existing) = existing {
            let place = (id, existing.revision);
            let updated = api.database.update_resource(place, &request.config, Some(&sealed)).await;
            updated.map_err(settings_changed)?;
        } else {
            api.database.create_resource(id, name, &request.config, Some(&sealed), true).await?;
        }
        Ok(StatusCode::NO_CONTENT)
    };
    api.audit.around(record, stored).await
}

/// Runs code that belongs to no workflow, without access to resources, as a stream of events.
#[utoipa::path(post, path = "/system/code/run", tag = "system", operation_id = "runCode", request_body = RunCodeRequest, responses(
    (status = 200, description = "One event a line", body = RunEvent, content_type = "application/x-ndjson"),
    (status = 422, description = "`source-too-large`, `limit-out-of-range`, `document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 429, description = "`queue-full`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn run_code(
    State(api): State<SharedApi>,
    Root(caller): Root,
    Json(request): Json<RunCodeRequest>,
) -> Result<Response, ApiError> {
    let RunCodeRequest { language, source, inputs, wall_ms, memory_bytes, libraries } = request;
    let libraries = library_sets::resolve(&api, &libraries).await?;
    let mut limits = CodeLimits::default();
    limits.wall_ms = wall_ms.unwrap_or(limits.wall_ms);
    limits.memory_bytes = memory_bytes.unwrap_or(limits.memory_bytes);
    api.audit.write(caller.record("system.code.run", None, json!({ "language": language }))).await?;
    let block = BlockSpec::new("code", Work::code(language, source), limits);
    execute(&api, COMMAND_LINE.to_owned(), None, libraries, inputs, block).await
}
