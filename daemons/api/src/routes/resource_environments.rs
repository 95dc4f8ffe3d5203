//! The settings of a resource in environments beside the default one. What an environment lacks is refused, never taken from another.

use axum::extract::{Query, State};
use bulkhead_model::environment::EnvironmentColor;
use bulkhead_model::resource::{ResourceConfig, SecretNeed};
use bulkhead_model::{EnvironmentId, Fault, ResourceId, Slug};
use bulkhead_store::resources::EnvironmentSettings as Stored;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::documents::require_valid;
use super::json::Json;
use super::last::Last;
use super::resources::{UpdateResourceRequest, check_ssh_host, key_needed, sealed, secret_needed, settings_changed};
use crate::auth::{Admin, Editor, On, ResourceKind};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// The settings of a resource in an environment.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnvironmentSettings {
    /// The environment.
    environment: String,
    /// Of the environment's badge.
    color: EnvironmentColor,
    /// The settings; absent where the resource has none there.
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<ResourceConfig>,
    /// Whether a secret is stored.
    has_secret: bool,
    /// When they changed last.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    #[schema(required = false)]
    updated_at: Option<OffsetDateTime>,
}

/// The settings of a resource in each environment beside the default one.
#[derive(Serialize, ToSchema)]
pub(crate) struct EnvironmentSettingsList {
    /// By the environments' names; also those that the resource has no settings for.
    environments: Vec<EnvironmentSettings>,
}

/// An environment in the query of an address.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct InEnvironment {
    /// The environment; the default one when absent.
    pub(crate) environment: Option<Slug>,
}

/// The settings of a resource in each environment beside the default one.
#[utoipa::path(get, path = "/resources/{name}/environments", tag = "resources", operation_id = "listResourceEnvironments", params(("name" = Slug, Path)), responses(
    (status = 200, description = "By the environments' names", body = EnvironmentSettingsList),
))]
pub(crate) async fn list(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Editor>,
) -> Result<Json<EnvironmentSettingsList>, ApiError> {
    let mut stored = api.database.environment_settings(on.id).await?;
    let known = api.database.environments().await?.into_iter().filter(|environment| !environment.is_default);
    let environments = known.map(|known| {
        let place = stored.iter().position(|stored| stored.environment == known.id);
        let stored = place.map(|place| stored.swap_remove(place));
        EnvironmentSettings {
            environment: known.name,
            color: known.color,
            has_secret: stored.as_ref().is_some_and(|stored| stored.has_secret),
            updated_at: stored.as_ref().map(|stored| stored.updated_at),
            config: stored.map(|stored| stored.config),
        }
    });
    Ok(Json(EnvironmentSettingsList { environments: environments.collect() }))
}

/// Gives a resource settings in an environment, in the place of those that it had there.
#[utoipa::path(put, path = "/resources/{name}/environments/{environment}", tag = "resources", operation_id = "putResourceEnvironment", params(("name" = Slug, Path), ("environment" = Slug, Path)), request_body = UpdateResourceRequest, responses(
    (status = 204, description = "Stored"),
    (status = 409, description = "`default-environment`; `settings-changed` since they were looked at", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`secret-needed`, `document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn put(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Admin>,
    Last(name): Last,
    Json(request): Json<UpdateResourceRequest>,
) -> Result<StatusCode, ApiError> {
    let UpdateResourceRequest { config, secret, client_key } = request;
    require_valid(config.validate())?;
    let environment = other_environment(&api, &name).await?;
    require_kind(&api, on.id, &config).await?;
    let stored = stored(&api, on.id, environment).await?;
    check_ssh_host(&api, &on.caller, stored.as_ref().map(|stored| &stored.config), &config).await?;
    if config.has_client_certificate() && stored.is_none() && client_key.is_none() {
        return Err(key_needed("enter the private key of the client certificate: each environment has its own"));
    }
    let sealed = sealed(&api, (on.id, environment), &config, secret, client_key)?;
    if sealed.is_none() {
        require_secret(stored.as_ref(), &config)?;
    }
    let detail = json!({ "name": on.name, "environment": name, "secret": sealed.is_some() });
    let record = on.caller.record("resource.environment.update", Some(("resource", on.id.0)), detail);
    let revision = stored.map(|stored| stored.revision);
    let place = (on.id, environment);
    let written = async {
        let written = api.database.put_environment_settings(place, revision, &config, sealed.as_deref()).await;
        written.map_err(settings_changed)
    };
    api.audit.around(record, written).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a resource's settings in an environment away. Queries there are refused from then on.
#[utoipa::path(delete, path = "/resources/{name}/environments/{environment}", tag = "resources", operation_id = "deleteResourceEnvironment", params(("name" = Slug, Path), ("environment" = Slug, Path)), responses(
    (status = 204, description = "Removed"),
    (status = 409, description = "`default-environment`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn delete(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Admin>,
    Last(name): Last,
) -> Result<StatusCode, ApiError> {
    let environment = other_environment(&api, &name).await?;
    let detail = json!({ "name": on.name, "environment": name });
    let record = on.caller.record("resource.environment.delete", Some(("resource", on.id.0)), detail);
    let removed = async { Ok(api.database.delete_environment_settings(on.id, environment).await?) };
    api.audit.around(record, removed).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The id of an environment in an address, for those who look at resources; the default one where none is named.
pub(crate) async fn named(api: &SharedApi, name: Option<&Slug>) -> Result<EnvironmentId, ApiError> {
    let found = api.database.environment_id(name.map(Slug::as_str)).await?;
    found.ok_or_else(|| ApiError::EnvironmentNotAllowed { environment: name.map(Slug::to_string).unwrap_or_default() })
}

/// The name of an environment in the query of an address.
pub(crate) fn of_query(
    query: Result<Query<InEnvironment>, axum::extract::rejection::QueryRejection>,
) -> Result<Option<Slug>, ApiError> {
    let Query(InEnvironment { environment }) =
        query.map_err(|_| ApiError::Malformed("use ?environment=<name>".to_owned()))?;
    Ok(environment)
}

/// The settings of a resource in an environment beside the default one, if it has some.
pub(crate) async fn stored(
    api: &SharedApi,
    id: ResourceId,
    environment: EnvironmentId,
) -> Result<Option<Stored>, ApiError> {
    let all = api.database.environment_settings(id).await?;
    Ok(all.into_iter().find(|stored| stored.environment == environment))
}

/// Without a new secret, the stored one is used: it has to be there, and to go where it was entered for.
pub(crate) fn require_secret(stored: Option<&Stored>, config: &ResourceConfig) -> Result<(), ApiError> {
    match stored {
        Some(stored) if stored.has_secret && stored.config.destination() != config.destination() => {
            Err(secret_needed("host, port, TLS, authority or tunnel changed: enter the secret again"))
        }
        Some(_) => Ok(()),
        None if config.secret() == SecretNeed::Required => {
            Err(secret_needed("enter the secret: each environment has its own"))
        }
        None => Ok(()),
    }
}

/// A query is written for one kind of resource, so a resource is of one kind in all environments.
pub(crate) async fn require_kind(api: &SharedApi, id: ResourceId, config: &ResourceConfig) -> Result<(), ApiError> {
    if config.oauth2_code().is_some() {
        let message =
            "accounts that people consent to are for the default environment: choose another way to log in here";
        require_valid(vec![Fault::new("config.authentication", message)])?;
    }
    let kind = api.database.resource(id).await?.config.kind().to_owned();
    if config.kind() == kind {
        return Ok(());
    }
    let message = format!("the resource is of the kind `{kind}`, and has to be that in each environment");
    require_valid(vec![Fault::new("config.kind", message)])
}

async fn other_environment(api: &SharedApi, name: &str) -> Result<EnvironmentId, ApiError> {
    let found = api.database.environment(name).await?;
    if found.is_default {
        let detail = format!("`{name}` is the default environment: its settings are those of the resource itself");
        return Err(ApiError::Conflict { code: "default-environment", detail });
    }
    Ok(found.id)
}
