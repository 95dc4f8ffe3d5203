//! Environments: administrators keep the list; everybody sees which there are and what they look like.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bulkhead_model::environment::{EnvironmentAccess, EnvironmentColor, MAX_ENVIRONMENTS};
use bulkhead_model::workflow::WorkflowDocument;
use bulkhead_model::{EnvironmentId, Fault, Role, Slug};
use bulkhead_store::environments::{self as stored, EnvironmentSettings, EnvironmentUses};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::documents::require_valid;
use super::json::Json;
use super::last::Last;
use super::library_use::role_to_start;
use crate::auth::{Administrator, Caller};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// An environment.
#[derive(Serialize, ToSchema)]
pub(crate) struct Environment {
    /// The name that documents and expressions use.
    name: String,
    /// Of its badge.
    color: EnvironmentColor,
    /// Who may use it, beside administrators.
    access: EnvironmentAccess,
    /// The groups that may, where it is for groups.
    groups: Vec<String>,
    /// Whether it is the one that is meant where none is named. Everybody may use it, and it stays.
    is_default: bool,
}

impl From<stored::Environment> for Environment {
    fn from(found: stored::Environment) -> Self {
        let stored::Environment { name, color, access, groups, is_default, .. } = found;
        Self { name, color, access, groups, is_default }
    }
}

/// How an environment is shown.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnvironmentBadge {
    /// The name.
    name: String,
    /// Of its badge.
    color: EnvironmentColor,
    /// Whether it is the one that is meant where none is named.
    is_default: bool,
}

impl From<&stored::EnvironmentBadge> for EnvironmentBadge {
    fn from(badge: &stored::EnvironmentBadge) -> Self {
        Self { name: badge.name.clone(), color: badge.color, is_default: badge.is_default }
    }
}

/// All environments.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnvironmentList {
    /// The default one first, then by name.
    environments: Vec<Environment>,
}

/// What an administrator says of an environment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnvironmentRequest {
    /// The name.
    name: Slug,
    /// Of its badge.
    #[serde(default)]
    color: EnvironmentColor,
    /// Who may use it, beside administrators. The default one is everybody's, whatever is said here.
    #[serde(default)]
    access: EnvironmentAccess,
    /// The groups that may, where it is for groups.
    #[serde(default)]
    groups: Vec<Slug>,
}

/// All environments.
#[utoipa::path(get, path = "/environments", tag = "environments", operation_id = "listEnvironments", responses((status = 200, description = "The default one first", body = EnvironmentList)))]
pub(crate) async fn list(State(api): State<SharedApi>, _: Caller) -> Result<Json<EnvironmentList>, ApiError> {
    let found = api.database.environments().await?;
    Ok(Json(EnvironmentList { environments: found.into_iter().map(Environment::from).collect() }))
}

/// Adds an environment. Resources have nothing in it until somebody enters their settings.
#[utoipa::path(post, path = "/environments", tag = "environments", operation_id = "createEnvironment", request_body = EnvironmentRequest, responses(
    (status = 201, description = "Added", body = Environment),
    (status = 409, description = "`exists`; `too-many-environments`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Json(request): Json<EnvironmentRequest>,
) -> Result<Response, ApiError> {
    let groups = groups_of(&api, &request).await?;
    let id = EnvironmentId::new();
    let settings = settings(&request, &groups);
    let record = caller.record("environment.create", Some(("environment", id.0)), detail(&settings));
    let created = async {
        let most = i64::try_from(MAX_ENVIRONMENTS).unwrap_or(i64::MAX);
        if !api.database.create_environment(id, &settings, most).await? {
            let detail =
                format!("there are {MAX_ENVIRONMENTS} environments, which is the most: remove one that is not needed");
            return Err(ApiError::Conflict { code: "too-many-environments", detail });
        }
        Ok(api.database.environment(settings.name).await?)
    };
    let created = api.audit.around(record, created).await?;
    Ok((StatusCode::CREATED, Json(Environment::from(created))).into_response())
}

/// Changes an environment. One that triggers of workflows name keeps its name.
#[utoipa::path(put, path = "/environments/{environment}", tag = "environments", operation_id = "updateEnvironment", params(("environment" = Slug, Path)), request_body = EnvironmentRequest, responses(
    (status = 200, description = "Changed", body = Environment),
    (status = 409, description = "`exists`; `in-use`: triggers of workflows name it", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn update(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Last(name): Last,
    Json(request): Json<EnvironmentRequest>,
) -> Result<Json<Environment>, ApiError> {
    let groups = groups_of(&api, &request).await?;
    let found = api.database.environment(&name).await?;
    let settings = settings(&request, &groups);
    if settings.name != found.name {
        let uses = api.database.environment_uses(found.id).await?;
        refuse_used(&found.name, &EnvironmentUses { workflows: uses.workflows, ..EnvironmentUses::default() })?;
    }
    let mut detail = detail(&settings);
    detail["was"] = json!(found.name);
    let record = caller.record("environment.update", Some(("environment", found.id.0)), detail);
    let changed = async {
        api.database.update_environment(found.id, &settings).await?;
        Ok(api.database.environment(settings.name).await?)
    };
    Ok(Json(Environment::from(api.audit.around(record, changed).await?)))
}

/// Removes an environment that nothing uses. The history of runs still names it.
#[utoipa::path(delete, path = "/environments/{environment}", tag = "environments", operation_id = "deleteEnvironment", params(("environment" = Slug, Path)), responses(
    (status = 204, description = "Removed"),
    (status = 409, description = "`in-use`; `default-environment`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn delete(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Last(name): Last,
) -> Result<StatusCode, ApiError> {
    let found = api.database.environment(&name).await?;
    if found.is_default {
        let detail = format!("`{name}` is the default environment and stays: rename it if it should be another");
        return Err(ApiError::Conflict { code: "default-environment", detail });
    }
    let record = caller.record("environment.delete", Some(("environment", found.id.0)), json!({ "name": name }));
    let removed = async { refuse_used(&name, &api.database.remove_environment(found.id).await?) };
    api.audit.around(record, removed).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The environments that a caller with `role` on an app or workflow may use.
pub(crate) async fn usable(api: &SharedApi, caller: &Caller, role: Role) -> Result<Vec<EnvironmentBadge>, ApiError> {
    let (user, is_admin) = caller.viewer();
    let found = api.database.environments_of(user, is_admin, role).await?;
    let badge = |found: stored::Environment| EnvironmentBadge {
        name: found.name,
        color: found.color,
        is_default: found.is_default,
    };
    Ok(found.into_iter().map(badge).collect())
}

/// Refuses a document whose triggers name environments that are not there or not the caller's to use, each with its place.
pub(crate) async fn require_environments(
    api: &SharedApi,
    caller: &Caller,
    role: Role,
    document: &WorkflowDocument,
) -> Result<(), ApiError> {
    let named = document.triggers.iter().filter_map(|(name, trigger)| Some((name, trigger.environment()?)));
    let named: Vec<_> = named.collect();
    if named.is_empty() {
        return Ok(());
    }
    let known = usable(api, caller, role_to_start(api, caller, role, document).await?).await?;
    let unknown = named.into_iter().filter(|(_, wanted)| known.iter().all(|found| found.name != wanted.as_str()));
    let fault = |(name, wanted): (&bulkhead_model::Name, &Slug)| {
        let message = format!("there is no environment `{wanted}` that you may use: choose another");
        Fault::new(format!("triggers.{name}.environment"), message)
    };
    require_valid(unknown.map(fault).collect())
}

async fn groups_of(api: &SharedApi, request: &EnvironmentRequest) -> Result<Vec<String>, ApiError> {
    if request.access != EnvironmentAccess::Groups {
        return Ok(Vec::new());
    }
    if request.groups.is_empty() {
        require_valid(vec![Fault::new("groups", "name one group at least, or choose who else may use it")])?;
    }
    let names: Vec<&str> = request.groups.iter().map(Slug::as_str).collect();
    let unknown = api.database.unknown_groups(&names).await?;
    let places = request.groups.iter().enumerate();
    let faults = places.filter(|(_, group)| unknown.iter().any(|name| name == group.as_str()));
    let message = |group: &Slug| format!("there is no group `{group}`: add it under Groups");
    require_valid(faults.map(|(index, group)| Fault::new(format!("groups.{index}"), message(group))).collect())?;
    Ok(names.into_iter().map(str::to_owned).collect())
}

fn settings<'a>(request: &'a EnvironmentRequest, groups: &'a [String]) -> EnvironmentSettings<'a> {
    EnvironmentSettings { name: request.name.as_str(), color: request.color, access: request.access, groups }
}

fn detail(settings: &EnvironmentSettings<'_>) -> serde_json::Value {
    json!({ "name": settings.name, "access": settings.access, "groups": settings.groups })
}

fn refuse_used(name: &str, uses: &EnvironmentUses) -> Result<(), ApiError> {
    if uses.is_empty() {
        return Ok(());
    }
    let list = |what: &str, names: &[String]| {
        let shown: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
        let more = if names.len() > shown.len() { " and others" } else { "" };
        (!names.is_empty()).then(|| format!("{what} {}{more}", shown.join(", ")))
    };
    let runs = (uses.runs > 0).then(|| format!("{} runs that have not ended", uses.runs));
    let by = [list("settings of", &uses.resources), list("triggers of", &uses.workflows), runs];
    let by = by.into_iter().flatten().collect::<Vec<_>>().join("; ");
    let detail = format!("the environment `{name}` is in use by {by}: change those first");
    Err(ApiError::Conflict { code: "in-use", detail })
}
