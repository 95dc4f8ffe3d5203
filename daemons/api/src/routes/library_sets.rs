//! Sets of libraries for code. Everybody sees which there are; administrators define them, and jobs-runner has them built.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bulkhead_model::workflow::Language;
use bulkhead_model::{Fault, Libraries, LibraryNames, LibraryPackage, LibrarySet as Definition, Name};
use bulkhead_store::StoreError;
use bulkhead_store::library_sets::{BuildStatus, ListedLibrarySet, StoredLibrarySet};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::documents::require_valid;
use super::json::Json;
use super::last::Last;
use crate::auth::{Administrator, Caller};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// A set of libraries.
#[derive(Serialize, ToSchema)]
pub(crate) struct LibrarySet {
    /// The name that workflows use.
    name: String,
    /// The language.
    language: Language,
    /// Where the newest build stands.
    status: LibraryStatus,
    /// Whether workflows can use it: a build has worked once. The newest one that did is in use.
    usable: bool,
    /// The packages in use.
    packages: Vec<LibraryPackage>,
    /// Their size.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<i64>,
    /// When the definition changed last.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// The name of who changed it; absent for root on the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_by: Option<String>,
    /// When the newest build ended.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    finished_at: Option<OffsetDateTime>,
}

/// Where a build stands.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LibraryStatus {
    /// It is to be built.
    Waiting,
    /// It is being built.
    Building,
    /// It is built.
    Ready,
    /// It could not be built.
    Failed,
}

impl From<BuildStatus> for LibraryStatus {
    fn from(status: BuildStatus) -> Self {
        match status {
            BuildStatus::Waiting => Self::Waiting,
            BuildStatus::Building => Self::Building,
            BuildStatus::Ready => Self::Ready,
            BuildStatus::Failed => Self::Failed,
        }
    }
}

impl From<ListedLibrarySet> for LibrarySet {
    fn from(listed: ListedLibrarySet) -> Self {
        Self {
            name: listed.name,
            language: listed.language,
            status: listed.status.into(),
            usable: listed.image.is_some(),
            packages: listed.packages,
            bytes: listed.bytes,
            updated_at: listed.updated_at,
            updated_by: listed.updated_by,
            finished_at: listed.finished_at,
        }
    }
}

/// All sets of libraries.
#[derive(Serialize, ToSchema)]
pub(crate) struct LibrarySetList {
    /// By name.
    sets: Vec<LibrarySet>,
}

/// A set of libraries with what it is built from and what its newest build wrote.
#[derive(Serialize, ToSchema)]
pub(crate) struct LibrarySetDetail {
    /// What the list tells.
    set: LibrarySet,
    /// The lock file.
    lock: String,
    /// Modules that are imported once, ahead of all runs.
    preload: Vec<String>,
    /// What the newest build wrote.
    log: String,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<StoredLibrarySet> for LibrarySetDetail {
    fn from(stored: StoredLibrarySet) -> Self {
        let StoredLibrarySet { listed, lock, preload, log, error } = stored;
        Self { set: listed.into(), lock, preload, log, error }
    }
}

/// A new set of libraries.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateLibrarySetRequest {
    /// The name that workflows use.
    name: Name,
    /// The language. It cannot be changed later.
    language: Language,
    /// The text of `package-lock.json`, or of `requirements.txt` with hashes; at most 2 MiB.
    lock: String,
    /// Modules to import once, ahead of all runs: those that take long.
    #[serde(default)]
    preload: Vec<String>,
}

/// What a set is to be built from.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplaceLibrarySetRequest {
    /// The text of `package-lock.json`, or of `requirements.txt` with hashes; at most 2 MiB.
    lock: String,
    /// Modules to import once, ahead of all runs: those that take long.
    #[serde(default)]
    preload: Vec<String>,
}

/// All sets of libraries, for everybody who is logged in.
#[utoipa::path(get, path = "/library-sets", tag = "library-sets", operation_id = "listLibrarySets", responses((status = 200, description = "By name", body = LibrarySetList)))]
pub(crate) async fn list(State(api): State<SharedApi>, _: Caller) -> Result<Json<LibrarySetList>, ApiError> {
    let sets = api.database.library_sets().await?.into_iter().map(LibrarySet::from).collect();
    Ok(Json(LibrarySetList { sets }))
}

/// Adds a set of libraries. It is built soon.
#[utoipa::path(post, path = "/library-sets", tag = "library-sets", operation_id = "createLibrarySet", request_body = CreateLibrarySetRequest, responses(
    (status = 201, description = "Added", body = LibrarySetDetail),
    (status = 409, description = "`exists`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Json(request): Json<CreateLibrarySetRequest>,
) -> Result<Response, ApiError> {
    let CreateLibrarySetRequest { name, language, lock, preload } = request;
    let definition = Definition { language, lock, preload };
    require_valid(definition.validate())?;
    let record = caller.record("library-set.create", None, json!({ "name": name, "language": language }));
    let created = async { Ok(api.database.create_library_set(name.as_str(), &definition, caller.user_id()).await?) };
    api.audit.around(record, created).await?;
    let detail: LibrarySetDetail = api.database.library_set(name.as_str()).await?.into();
    Ok((StatusCode::CREATED, Json(detail)).into_response())
}

/// A set of libraries, with its lock file and build log.
#[utoipa::path(get, path = "/library-sets/{name}", tag = "library-sets", operation_id = "getLibrarySet", params(("name" = Name, Path)), responses((status = 200, description = "The set", body = LibrarySetDetail)))]
pub(crate) async fn show(
    State(api): State<SharedApi>,
    _: Administrator,
    Last(name): Last,
) -> Result<Json<LibrarySetDetail>, ApiError> {
    Ok(Json(api.database.library_set(&name).await?.into()))
}

/// Replaces what a set is built from. Workflows use what is built now until the new build works.
#[utoipa::path(put, path = "/library-sets/{name}", tag = "library-sets", operation_id = "replaceLibrarySet", params(("name" = Name, Path)), request_body = ReplaceLibrarySetRequest, responses(
    (status = 200, description = "Replaced; it is built soon", body = LibrarySetDetail),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn replace(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Last(name): Last,
    Json(request): Json<ReplaceLibrarySetRequest>,
) -> Result<Json<LibrarySetDetail>, ApiError> {
    let StoredLibrarySet { listed, .. } = api.database.library_set(&name).await?;
    let definition = Definition { language: listed.language, lock: request.lock, preload: request.preload };
    require_valid(definition.validate())?;
    let record = caller.record("library-set.update", Some(("library-set", listed.id)), json!({ "name": name }));
    let Definition { lock, preload, .. } = &definition;
    let replaced = async { Ok(api.database.replace_library_set(listed.id, lock, preload, caller.user_id()).await?) };
    api.audit.around(record, replaced).await?;
    Ok(Json(api.database.library_set(&name).await?.into()))
}

/// Builds a set again from the same lock file: after an outage of a registry, say.
#[utoipa::path(post, path = "/library-sets/{name}/build", tag = "library-sets", operation_id = "buildLibrarySet", params(("name" = Name, Path)), responses((status = 200, description = "It is built soon", body = LibrarySetDetail)))]
pub(crate) async fn build(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Last(name): Last,
) -> Result<Json<LibrarySetDetail>, ApiError> {
    let StoredLibrarySet { listed, .. } = api.database.library_set(&name).await?;
    let record = caller.record("library-set.build", Some(("library-set", listed.id)), json!({ "name": name }));
    api.audit.around(record, async { Ok(api.database.request_library_build(listed.id).await?) }).await?;
    Ok(Json(api.database.library_set(&name).await?.into()))
}

/// Deletes a set that no workflow uses.
#[utoipa::path(delete, path = "/library-sets/{name}", tag = "library-sets", operation_id = "deleteLibrarySet", params(("name" = Name, Path)), responses(
    (status = 204, description = "Deleted"),
    (status = 409, description = "`in-use`: by which workflows", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn delete(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Last(name): Last,
) -> Result<StatusCode, ApiError> {
    let StoredLibrarySet { listed, .. } = api.database.library_set(&name).await?;
    let record = caller.record("library-set.delete", Some(("library-set", listed.id)), json!({ "name": name }));
    let deleted = async {
        api.database.delete_library_set(listed.id).await?.map_err(|workflows| ApiError::Conflict {
            code: "in-use",
            detail: format!("workflows use `{name}`: {}; choose other libraries there first", workflows.join(", ")),
        })
    };
    api.audit.around(record, deleted).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The images of the sets that `names` names; faults at `libraries.<language>` for those that cannot be used.
pub(super) async fn resolve(api: &SharedApi, names: &LibraryNames) -> Result<Libraries, ApiError> {
    let libraries = api.database.library_images(names).await?;
    let mut faults = Vec::new();
    for (language, name) in names.iter() {
        let found = match language {
            Language::Javascript => &libraries.javascript,
            Language::Python => &libraries.python,
        };
        if found.is_none() {
            let message = why_unusable(api, language, name).await?;
            faults.push(Fault::new(format!("libraries.{}", language.as_str()), message));
        }
    }
    require_valid(faults)?;
    Ok(libraries)
}

async fn why_unusable(api: &SharedApi, language: Language, name: &Name) -> Result<String, ApiError> {
    Ok(match api.database.library_set(name.as_str()).await {
        Err(StoreError::NotFound { .. }) => {
            format!("there is no set of libraries `{name}`: an administrator adds it on the page Libraries")
        }
        Err(error) => return Err(error.into()),
        Ok(set) if set.listed.language != language => {
            format!("`{name}` is a set for {}", set.listed.language.as_str())
        }
        Ok(set) => match set.listed.status {
            BuildStatus::Failed => {
                format!("`{name}` could not be built: an administrator sees why on the page Libraries")
            }
            BuildStatus::Waiting | BuildStatus::Building | BuildStatus::Ready => {
                format!("`{name}` is not built yet: try again when it is ready")
            }
        },
    })
}
