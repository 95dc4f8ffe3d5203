//! Resources. A secret can be written here and never read: it is sealed to db-connector before it is stored.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use bulkhead_model::resource::{ResourceConfig, SecretNeed, secret};
use bulkhead_model::{EnvironmentId, Fault, ResourceId, Role, Slug};
use bulkhead_rpc::connector::{Schema, SchemaRequest, TestRequest};
use bulkhead_store::StoreError;
use bulkhead_store::resources::Resource as StoredResource;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::documents::require_valid;
use super::json::Json;
use super::resource_environments::{self, InEnvironment};
use crate::auth::guard::{require_environment, require_resource};
use crate::auth::{Admin, Administrator, Caller, Editor, On, ResourceKind, Viewer};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// A resource, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct Resource {
    /// The id.
    id: ResourceId,
    /// The name that queries use.
    name: String,
    /// What it is, such as `postgresql`.
    kind: String,
    /// The settings; absent for viewers, who use it through released queries only.
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<ResourceConfig>,
    /// What you may do with it.
    role: Role,
    /// Whether it is the built-in tables database, which cannot be changed here.
    built_in: bool,
    /// Whether a secret is stored.
    has_secret: bool,
    /// The environments beside the default one that it has settings for.
    environments: Vec<String>,
    /// When it changed last.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// The path of its folder, in lists; empty for the top.
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
}

impl Resource {
    fn of(stored: StoredResource, role: Role, environments: Vec<String>) -> Self {
        Self {
            id: stored.id,
            name: stored.name,
            kind: stored.config.kind().to_owned(),
            config: Some(stored.config).filter(|_| role >= Role::Editor),
            role,
            built_in: stored.built_in,
            has_secret: stored.sealed_secret.is_some(),
            environments,
            updated_at: stored.updated_at,
            folder: None,
        }
    }
}

/// The resources that you may see.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResourceList {
    /// By name.
    resources: Vec<Resource>,
}

/// A new resource.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateResourceRequest {
    /// The name that queries use.
    name: Slug,
    /// The settings.
    config: ResourceConfig,
    /// The password. It is sealed at once and never shown again.
    #[serde(default)]
    secret: Option<String>,
    /// PEM of the private key that belongs to the settings' client certificate. It is sealed together with the secret.
    #[serde(default)]
    client_key: Option<String>,
}

/// New settings of a resource.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateResourceRequest {
    /// The settings.
    pub(crate) config: ResourceConfig,
    /// The password; the stored one stays when absent, which is refused when what decides who receives it changes: host, port, TLS, authority or tunnel.
    #[serde(default)]
    pub(crate) secret: Option<String>,
    /// PEM of the private key that belongs to the settings' client certificate. It is sealed together with the secret.
    #[serde(default)]
    pub(crate) client_key: Option<String>,
}

/// Settings to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestResourceRequest {
    /// The resource whose stored secret to use when none is given.
    #[serde(default)]
    name: Option<Slug>,
    /// The environment whose stored secret that is; the default one when absent.
    #[serde(default)]
    environment: Option<Slug>,
    /// The settings.
    config: ResourceConfig,
    /// The password.
    #[serde(default)]
    secret: Option<String>,
    /// PEM of the private key that belongs to the settings' client certificate. It is sealed together with the secret.
    #[serde(default)]
    client_key: Option<String>,
}

/// The settings work.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResourceWorks {}

/// The resources that you may see.
#[utoipa::path(get, path = "/resources", tag = "resources", operation_id = "listResources", responses((status = 200, description = "By name", body = ResourceList)))]
pub(crate) async fn list(State(api): State<SharedApi>, caller: Caller) -> Result<Json<ResourceList>, ApiError> {
    let (user, is_admin) = caller.viewer();
    let found = api.database.resources(user, is_admin).await?;
    let mut configured = api.database.configured_environments().await?;
    let resources = found.into_iter().map(|(stored, role, folder)| {
        let environments = configured.remove(&stored.id).unwrap_or_default();
        Resource { folder: Some(folder), ..Resource::of(stored, role, environments) }
    });
    Ok(Json(ResourceList { resources: resources.collect() }))
}

/// Adds a resource.
#[utoipa::path(post, path = "/resources", tag = "resources", operation_id = "createResource", request_body = CreateResourceRequest, responses(
    (status = 201, description = "Added", body = Resource),
    (status = 409, description = "`exists`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Json(request): Json<CreateResourceRequest>,
) -> Result<Response, ApiError> {
    require_valid(request.config.validate())?;
    check_ssh_host(&api, &caller, None, &request.config).await?;
    let id = ResourceId::new();
    if request.config.has_client_certificate() && request.client_key.is_none() {
        return Err(key_needed("enter the private key of the client certificate"));
    }
    let place = (id, EnvironmentId::DEFAULT);
    let sealed = sealed(&api, place, &request.config, request.secret, request.client_key)?;
    let name = request.name.as_str();
    let record =
        caller.record("resource.create", Some(("resource", id.0)), json!({ "name": name, "secret": sealed.is_some() }));
    let created =
        async { Ok(api.database.create_resource(id, name, &request.config, sealed.as_deref(), false).await?) };
    api.audit.around(record, created).await?;
    let stored = api.database.resource(id).await?;
    Ok((StatusCode::CREATED, Json(Resource::of(stored, Role::Admin, Vec::new()))).into_response())
}

/// A resource.
#[utoipa::path(get, path = "/resources/{name}", tag = "resources", operation_id = "getResource", params(("name" = Slug, Path)), responses((status = 200, description = "The resource", body = Resource)))]
pub(crate) async fn show(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Viewer>,
) -> Result<Json<Resource>, ApiError> {
    Ok(Json(read(&api, on.id, on.role).await?))
}

async fn read(api: &SharedApi, id: ResourceId, role: Role) -> Result<Resource, ApiError> {
    let environments = api.database.environment_settings(id).await?.into_iter().map(|settings| settings.name);
    Ok(Resource::of(api.database.resource(id).await?, role, environments.collect()))
}

/// Changes a resource.
#[utoipa::path(put, path = "/resources/{name}", tag = "resources", operation_id = "updateResource", params(("name" = Slug, Path)), request_body = UpdateResourceRequest, responses(
    (status = 200, description = "Changed", body = Resource),
    (status = 409, description = "`built-in`; `settings-changed` since they were looked at", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`secret-needed`, `document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn update(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Admin>,
    Json(request): Json<UpdateResourceRequest>,
) -> Result<Json<Resource>, ApiError> {
    require_valid(request.config.validate())?;
    let stored = api.database.resource(on.id).await?;
    refuse_built_in(&stored)?;
    require_same_kind(&api, &stored, &request.config).await?;
    check_ssh_host(&api, &on.caller, Some(&stored.config), &request.config).await?;
    let sealed = sealed(&api, (on.id, EnvironmentId::DEFAULT), &request.config, request.secret, request.client_key)?;
    if sealed.is_none() {
        require_same_destination(&stored, &request.config)?;
    }
    let detail = json!({ "name": on.name, "secret": sealed.is_some() });
    let record = on.caller.record("resource.update", Some(("resource", on.id.0)), detail);
    let place = (on.id, stored.revision);
    let updated = async {
        api.database.update_resource(place, &request.config, sealed.as_deref()).await.map_err(settings_changed)
    };
    api.audit.around(record, updated).await?;
    Ok(Json(read(&api, on.id, on.role).await?))
}

/// Deletes a resource. Queries that name it fail from then on.
#[utoipa::path(delete, path = "/resources/{name}", tag = "resources", operation_id = "deleteResource", params(("name" = Slug, Path)), responses(
    (status = 204, description = "Deleted"),
    (status = 409, description = "`built-in`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn delete(State(api): State<SharedApi>, on: On<ResourceKind, Admin>) -> Result<StatusCode, ApiError> {
    refuse_built_in(&api.database.resource(on.id).await?)?;
    let record = on.caller.record("resource.delete", Some(("resource", on.id.0)), json!({ "name": on.name }));
    api.audit.around(record, async { Ok(api.database.delete_resource(on.id).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tries settings: connects and logs in.
#[utoipa::path(post, path = "/resources/test", tag = "resources", operation_id = "testResource", request_body = TestResourceRequest, responses(
    (status = 200, description = "They work", body = ResourceWorks),
    (status = 422, description = "`secret-needed`, `document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 502, description = "They do not, and why", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn test(
    State(api): State<SharedApi>,
    caller: Caller,
    Json(request): Json<TestResourceRequest>,
) -> Result<Json<ResourceWorks>, ApiError> {
    let environment = resource_environments::named(&api, request.environment.as_ref()).await?;
    let (id, has_secret) = match &request.name {
        Some(name) if environment != EnvironmentId::DEFAULT => {
            let id = require_resource(&api, &caller, name.as_str(), Role::Admin).await?;
            let stored = resource_environments::stored(&api, id, environment).await?;
            check_ssh_host(&api, &caller, stored.as_ref().map(|stored| &stored.config), &request.config).await?;
            if request.secret.is_none() {
                resource_environments::require_secret(stored.as_ref(), &request.config)?;
            }
            (id, stored.is_some_and(|stored| stored.has_secret))
        }
        Some(name) => {
            let id = require_resource(&api, &caller, name.as_str(), Role::Admin).await?;
            let stored = api.database.resource(id).await?;
            check_ssh_host(&api, &caller, Some(&stored.config), &request.config).await?;
            if request.secret.is_none() && request.client_key.is_none() {
                require_same_destination(&stored, &request.config)?;
            }
            (id, stored.sealed_secret.is_some())
        }
        None if caller.is_admin() => {
            check_ssh_host(&api, &caller, None, &request.config).await?;
            (ResourceId::new(), false)
        }
        None => return Err(ApiError::AdministratorsOnly),
    };
    require_valid(request.config.validate())?;
    let secret = match sealed(&api, (id, environment), &request.config, request.secret, request.client_key)? {
        Some(sealed) => Some(sealed),
        None if has_secret || request.config.secret() != SecretNeed::Required => None,
        None => return Err(secret_needed("enter the password to test with")),
    };
    let record = caller.record(
        "resource.test",
        Some(("resource", id.0)),
        json!({ "name": request.name.as_ref().map(Slug::as_str), "environment": request.environment }),
    );
    api.audit.write(record).await?;
    let request = TestRequest { config: request.config, secret, resource: id, environment, asked_by: caller.user_id() };
    let _: serde_json::Value = api.connector.call(Method::POST, "/v1/test", &request).await?;
    Ok(Json(ResourceWorks {}))
}

/// What uses a resource.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResourceUsage {
    /// The apps and workflows that you may see, by title.
    pub(crate) uses: Vec<ResourceUse>,
    /// How many others there are.
    pub(crate) hidden: u64,
}

/// An app or a workflow with a query that names the resource.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResourceUse {
    /// `app`, `workflow` or `query` (of the library).
    pub(crate) kind: String,
    /// Its slug.
    pub(crate) slug: String,
    /// Its title.
    pub(crate) title: String,
    /// Whether its released version names the resource; else only the draft does.
    pub(crate) is_released: bool,
}

/// The apps and workflows whose queries name a resource.
#[utoipa::path(get, path = "/resources/{name}/usage", tag = "resources", operation_id = "getResourceUsage", params(("name" = Slug, Path)), responses(
    (status = 200, description = "By title, 1,000 at most", body = ResourceUsage),
))]
pub(crate) async fn usage(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Editor>,
) -> Result<Json<ResourceUsage>, ApiError> {
    let (user, is_admin) = on.caller.viewer();
    let (uses, hidden) = api.database.resource_uses(&on.name, user, is_admin).await?;
    let uses = uses.into_iter().map(|found| ResourceUse {
        kind: found.kind.as_str().to_owned(),
        slug: found.slug,
        title: found.title,
        is_released: found.is_released,
    });
    Ok(Json(ResourceUsage { uses: uses.collect(), hidden }))
}

/// The tables and columns of a resource.
#[utoipa::path(get, path = "/resources/{name}/schema", tag = "resources", operation_id = "getResourceSchema", params(("name" = Slug, Path), InEnvironment), responses(
    (status = 200, description = "Tables and views", body = Schema),
    (status = 403, description = "`environment-not-allowed`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 502, description = "The database cannot be reached or refuses the log-in", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn schema(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Editor>,
    query: Result<Query<InEnvironment>, QueryRejection>,
) -> Result<Json<Schema>, ApiError> {
    let wanted = resource_environments::of_query(query)?;
    let environment = require_environment(&api, &on.caller, wanted.as_ref().map(Slug::as_str), on.role).await?.id;
    let request = SchemaRequest { resource: on.id, environment, asked_by: on.caller.user_id() };
    Ok(Json(api.connector.call(Method::POST, "/v1/schema", &request).await?))
}

/// Through which SSH host a resource is reached is an administrator's to choose: it leads into other networks.
pub(super) async fn check_ssh_host(
    api: &SharedApi,
    caller: &Caller,
    stored: Option<&ResourceConfig>,
    config: &ResourceConfig,
) -> Result<(), ApiError> {
    let of = |config: &ResourceConfig| config.server().and_then(|server| server.ssh_host);
    let Some(ssh_host) = of(config) else { return Ok(()) };
    if stored.and_then(of) == Some(ssh_host) {
        return Ok(());
    }
    if !caller.is_admin() {
        return Err(ApiError::AdministratorsOnly);
    }
    match api.database.ssh_host_name(ssh_host).await? {
        Some(_) => Ok(()),
        None => require_valid(vec![Fault::new("config.ssh-host", "there is no such SSH host: choose one that exists")]),
    }
}

/// A secret follows no new destination: whoever may change a host must not be able to collect the password there.
fn require_same_destination(stored: &StoredResource, config: &ResourceConfig) -> Result<(), ApiError> {
    if stored.sealed_secret.is_none() || stored.config.destination() == config.destination() {
        return Ok(());
    }
    Err(secret_needed("host, port, TLS, authority or tunnel changed: enter the secret again"))
}

/// Seals a secret and the private key of a client certificate, which are one: whoever enters one anew enters both.
pub(super) fn sealed(
    api: &SharedApi,
    place: (ResourceId, EnvironmentId),
    config: &ResourceConfig,
    secret: Option<String>,
    client_key: Option<String>,
) -> Result<Option<String>, ApiError> {
    match (config.has_client_certificate(), &secret, &client_key) {
        (true, Some(_), None) => {
            return Err(key_needed(
                "enter the private key of the client certificate again: it is sealed with the secret",
            ));
        }
        (false, _, Some(_)) => return Err(key_needed("there is no client certificate that it belongs to: enter one")),
        _ => {}
    }
    let packed = secret::pack(secret.as_deref(), client_key.as_deref());
    packed.map(|packed| api.seal_resource_secret(place, &packed)).transpose()
}

pub(super) fn key_needed(detail: &str) -> ApiError {
    let faults = vec![Fault::new("client_key", detail)];
    ApiError::Unprocessable { code: "secret-needed", detail: detail.to_owned(), faults }
}

pub(super) fn secret_needed(detail: &str) -> ApiError {
    let faults = vec![Fault::new("secret", detail)];
    ApiError::Unprocessable { code: "secret-needed", detail: detail.to_owned(), faults }
}

/// Its kind stays while it has settings for other environments: a resource is of one kind in all of them.
async fn require_same_kind(api: &SharedApi, stored: &StoredResource, config: &ResourceConfig) -> Result<(), ApiError> {
    if stored.config.kind() == config.kind() || api.database.environment_settings(stored.id).await?.is_empty() {
        return Ok(());
    }
    let message = "the resource has settings of another kind for other environments: remove those first";
    require_valid(vec![Fault::new("config.kind", message)])
}

/// Whether a stored secret may be kept was judged by what was stored: it must still be that when it is written.
pub(super) fn settings_changed(error: StoreError) -> ApiError {
    match error {
        StoreError::Changed { .. } => {
            let detail = "somebody changed these settings meanwhile: load them again and repeat your change";
            ApiError::Conflict { code: "settings-changed", detail: detail.to_owned() }
        }
        other => other.into(),
    }
}

fn refuse_built_in(stored: &StoredResource) -> Result<(), ApiError> {
    if !stored.built_in {
        return Ok(());
    }
    let detail = format!("`{}` is built in: `bulkheadctl setup` keeps it", stored.name);
    Err(ApiError::Conflict { code: "built-in", detail })
}
