//! The query library: queries that apps and workflows share, with drafts and releases of their own.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bulkhead_model::app::AppDocument;
use bulkhead_model::library_query::{LibraryQuery, UsedBy};
use bulkhead_model::query::{QueryMode, ResourceQuery};
use bulkhead_model::workflow::WorkflowDocument;
use bulkhead_model::{LibraryQueryId, Name, Role, Slug};
use bulkhead_rpc::connector::QueryResult;
use bulkhead_store::access::ObjectKind;
use bulkhead_store::library_queries::{LibraryUser, Listed};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::app_queries::{Asked, Permitted, person, run_statement};
use super::documents::{DraftSaved, ReleaseList, Released, released_draft, require_valid};
use super::json::Json;
use super::last::Last;
use super::library_use::{of_app, of_workflow};
use super::resources::{ResourceUsage, ResourceUse};
use crate::auth::guard::{require_environment, require_resource};
use crate::auth::{Admin, Caller, Editor, On, QueryKind};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// A query of the library, as whoever refers to it needs to know it.
#[derive(Serialize, ToSchema)]
pub(crate) struct LibraryQuerySummary {
    /// The id.
    id: LibraryQueryId,
    /// The name that references use.
    slug: String,
    /// The title.
    title: String,
    /// What it is for.
    description: String,
    /// What you may do with it.
    role: Role,
    /// The resource that it asks.
    resource: String,
    /// Whether it may change anything.
    mode: QueryMode,
    /// Its parameters by name, of the latest release.
    parameters: BTreeMap<Name, ParameterSummary>,
    /// The latest release; absent before the first one.
    released_version: Option<i32>,
    /// When the draft changed last.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// The path of its folder; empty for the top.
    folder: String,
}

/// A parameter, as whoever gives it needs to know it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ParameterSummary {
    /// What it is.
    description: String,
    /// Whether it has to be given.
    is_required: bool,
}

/// The queries of the library that you may see.
#[derive(Serialize, ToSchema)]
pub(crate) struct LibraryQueryList {
    /// By title.
    queries: Vec<LibraryQuerySummary>,
}

/// A new query of the library.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateLibraryQueryRequest {
    /// The name that references use. It stays.
    slug: Slug,
    /// Its draft.
    document: LibraryQuery,
}

/// A query of the library as its editors see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct LibraryQueryDetail {
    /// The id.
    id: LibraryQueryId,
    /// The name that references use.
    slug: String,
    /// What you may do with it.
    role: Role,
    /// The draft.
    draft: LibraryQuery,
    /// The draft's revision: a save or release names it.
    draft_revision: i64,
    /// The latest release; absent before the first one.
    released_version: Option<i32>,
}

/// A draft to save.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveLibraryDraftRequest {
    /// The revision that was changed.
    revision: i64,
    /// The whole document.
    document: LibraryQuery,
}

/// Releases the draft of a query of the library.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseLibraryQueryRequest {
    /// The draft's revision, as it was read or saved.
    revision: i64,
    /// Whether to release it although references to the latest release do not fit it.
    #[serde(default)]
    break_users: bool,
}

/// Runs a query of the library as it stands in the editor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunLibraryQueryRequest {
    /// The document; the saved draft when absent.
    #[serde(default)]
    document: Option<LibraryQuery>,
    /// The values of its parameters; those that are left out have their defaults.
    #[serde(default)]
    parameters: BTreeMap<Name, Value>,
    /// In which environment; the default one when absent.
    #[serde(default)]
    environment: Option<Slug>,
}

/// The queries of the library that you may see.
#[utoipa::path(get, path = "/queries", tag = "queries", operation_id = "listLibraryQueries", responses((status = 200, description = "By title", body = LibraryQueryList)))]
pub(crate) async fn list(State(api): State<SharedApi>, caller: Caller) -> Result<Json<LibraryQueryList>, ApiError> {
    let (user, is_admin) = caller.viewer();
    let listed = api.database.library_queries(user, is_admin).await?;
    let mut documents: BTreeMap<String, LibraryQuery> = api.database.library_documents().await?.into_iter().collect();
    let summary = |listed: Listed| {
        let document = documents.remove(&listed.slug)?;
        let parameters = document.parameters.into_iter().map(|(name, parameter)| {
            let is_required = parameter.default.is_none();
            (name, ParameterSummary { description: parameter.description, is_required })
        });
        Some(LibraryQuerySummary {
            id: LibraryQueryId(listed.id),
            slug: listed.slug,
            title: listed.title,
            description: document.description,
            role: listed.role,
            resource: document.query.resource.to_string(),
            mode: document.query.effect(),
            parameters: parameters.collect(),
            released_version: listed.released_version,
            updated_at: listed.updated_at,
            folder: listed.folder,
        })
    };
    Ok(Json(LibraryQueryList { queries: listed.into_iter().filter_map(summary).collect() }))
}

/// Adds a query to the library. You get the role admin on it. Needs the role editor on its resource.
#[utoipa::path(post, path = "/queries", tag = "queries", operation_id = "createLibraryQuery", request_body = CreateLibraryQueryRequest, responses(
    (status = 201, description = "Added", body = LibraryQueryDetail),
    (status = 409, description = "`exists`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(api): State<SharedApi>,
    caller: Caller,
    Json(request): Json<CreateLibraryQueryRequest>,
) -> Result<Response, ApiError> {
    let CreateLibraryQueryRequest { slug, document } = request;
    require_valid(document.validate())?;
    require_resource(&api, &caller, document.query.resource.as_str(), Role::Editor).await?;
    let record = caller.record("query.create", None, json!({ "slug": slug.as_str() }));
    let created = async { Ok(api.database.create_library_query(slug.as_str(), &document, caller.user_id()).await?) };
    let id = api.audit.around(record, created).await?;
    let (slug, role) = (slug.to_string(), Role::Admin);
    let detail = LibraryQueryDetail { id, slug, role, draft: document, draft_revision: 1, released_version: None };
    Ok((StatusCode::CREATED, Json(detail)).into_response())
}

/// A query of the library with its draft.
#[utoipa::path(get, path = "/queries/{slug}", tag = "queries", operation_id = "getLibraryQuery", params(("slug" = Slug, Path)), responses((status = 200, description = "The query", body = LibraryQueryDetail)))]
pub(crate) async fn show(
    State(api): State<SharedApi>,
    on: On<QueryKind, Editor>,
) -> Result<Json<LibraryQueryDetail>, ApiError> {
    let draft = api.database.library_draft(on.id).await?;
    Ok(Json(LibraryQueryDetail {
        id: on.id,
        slug: on.name,
        role: on.role,
        draft: draft.document,
        draft_revision: draft.revision,
        released_version: draft.released_version,
    }))
}

/// Deletes a query of the library that nothing refers to.
#[utoipa::path(delete, path = "/queries/{slug}", tag = "queries", operation_id = "deleteLibraryQuery", params(("slug" = Slug, Path)), responses(
    (status = 204, description = "Deleted"),
    (status = 409, description = "`in-use`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn delete(State(api): State<SharedApi>, on: On<QueryKind, Admin>) -> Result<StatusCode, ApiError> {
    let users = api.database.library_users(&on.name).await?;
    if !users.is_empty() {
        let (seen, hidden) = seen(&api, &on.caller, users).await?;
        let detail = format!("`{}` is used by {}: change those first", on.name, titles(&seen, hidden));
        return Err(ApiError::Conflict { code: "in-use", detail });
    }
    let record = on.caller.record("query.delete", Some(("query", on.id.0)), json!({ "slug": on.name }));
    api.audit.around(record, async { Ok(api.database.delete_library_query(on.id).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Saves the draft. What was released stays as it is.
#[utoipa::path(put, path = "/queries/{slug}/draft", tag = "queries", operation_id = "saveLibraryDraft", params(("slug" = Slug, Path)), request_body = SaveLibraryDraftRequest, responses(
    (status = 200, description = "Saved", body = DraftSaved),
    (status = 409, description = "`draft-changed`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn save_draft(
    State(api): State<SharedApi>,
    on: On<QueryKind, Editor>,
    Json(request): Json<SaveLibraryDraftRequest>,
) -> Result<Json<DraftSaved>, ApiError> {
    require_valid(request.document.validate())?;
    let revision = api.database.save_library_draft(on.id, request.revision, &request.document).await?;
    Ok(Json(DraftSaved { revision }))
}

/// Makes the draft the latest release. Needs the role editor on its resource. It is refused where references to the latest release would
/// not fit it any more, unless that is wanted.
#[utoipa::path(post, path = "/queries/{slug}/releases", tag = "queries", operation_id = "releaseLibraryQuery", params(("slug" = Slug, Path)), request_body = ReleaseLibraryQueryRequest, responses(
    (status = 200, description = "Released", body = Released),
    (status = 409, description = "`draft-changed`; `breaks-users`: `faults` says what of which app or workflow", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn release(
    State(api): State<SharedApi>,
    on: On<QueryKind, Editor>,
    Json(request): Json<ReleaseLibraryQueryRequest>,
) -> Result<Json<Released>, ApiError> {
    let draft = released_draft(api.database.library_draft(on.id).await?, request.revision)?;
    require_valid(draft.validate())?;
    require_resource(&api, &on.caller, draft.query.resource.as_str(), Role::Editor).await?;
    if !request.break_users {
        refuse_to_break(&api, &on.caller, &on.name, &draft).await?;
    }
    let detail = json!({ "revision": request.revision, "break_users": request.break_users });
    let record = on.caller.record("query.release", Some(("query", on.id.0)), detail);
    let released =
        async { Ok(api.database.release_library_query(on.id, request.revision, on.caller.user_id()).await?) };
    let version = api.audit.around(record, released).await?;
    Ok(Json(Released { version }))
}

/// All releases.
#[utoipa::path(get, path = "/queries/{slug}/releases", tag = "queries", operation_id = "listLibraryReleases", params(("slug" = Slug, Path)), responses((status = 200, description = "The newest first", body = ReleaseList)))]
pub(crate) async fn releases(
    State(api): State<SharedApi>,
    on: On<QueryKind, Editor>,
) -> Result<Json<ReleaseList>, ApiError> {
    let released_version = api.database.library_released_version(on.id).await?;
    Ok(Json(ReleaseList::of(api.database.library_releases(on.id).await?, released_version)))
}

/// Makes an earlier version the latest release again.
#[utoipa::path(post, path = "/queries/{slug}/releases/{version}/restore", tag = "queries", operation_id = "restoreLibraryRelease", params(("slug" = Slug, Path), ("version" = i32, Path)), responses(
    (status = 200, description = "In use", body = Released),
    (status = 409, description = "`breaks-users`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn restore(
    State(api): State<SharedApi>,
    on: On<QueryKind, Editor>,
    Last(version): Last,
) -> Result<Json<Released>, ApiError> {
    let version: i32 = version.parse().map_err(|_| ApiError::NotFound)?;
    let document = api.database.library_document(on.id, version).await?;
    require_resource(&api, &on.caller, document.query.resource.as_str(), Role::Editor).await?;
    refuse_to_break(&api, &on.caller, &on.name, &document).await?;
    let record = on.caller.record("query.restore", Some(("query", on.id.0)), json!({ "version": version }));
    api.audit.around(record, async { Ok(api.database.restore_library_release(on.id, version).await?) }).await?;
    Ok(Json(Released { version }))
}

/// The apps and workflows that refer to a query.
#[utoipa::path(get, path = "/queries/{slug}/usage", tag = "queries", operation_id = "getLibraryUsage", params(("slug" = Slug, Path)), responses((status = 200, description = "By title", body = ResourceUsage)))]
pub(crate) async fn usage(
    State(api): State<SharedApi>,
    on: On<QueryKind, Editor>,
) -> Result<Json<ResourceUsage>, ApiError> {
    let (seen, hidden) = seen(&api, &on.caller, api.database.library_users(&on.name).await?).await?;
    let mut uses: BTreeMap<(&str, String), ResourceUse> = BTreeMap::new();
    for LibraryUser { kind, slug, title, is_released, .. } in seen {
        let kind = kind.as_str();
        let found =
            uses.entry((kind, slug.clone())).or_insert(ResourceUse { kind: kind.to_owned(), slug, title, is_released });
        found.is_released |= is_released;
    }
    let mut uses: Vec<ResourceUse> = uses.into_values().collect();
    uses.sort_by(|one, other| one.title.cmp(&other.title));
    Ok(Json(ResourceUsage { uses, hidden: hidden as u64 }))
}

/// Runs a query of the library as it stands in the editor, saved or not. Needs the role editor on its resource too.
#[utoipa::path(post, path = "/queries/{slug}/run", tag = "queries", operation_id = "runLibraryQuery", params(("slug" = Slug, Path)), request_body = RunLibraryQueryRequest, responses(
    (status = 200, description = "The result, as it is read. A body without `end` was cut off", body = QueryResult),
    (status = 422, description = "`document-invalid`, `parameter-missing`, `query-failed`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn run(
    State(api): State<SharedApi>,
    on: On<QueryKind, Editor>,
    Json(request): Json<RunLibraryQueryRequest>,
) -> Result<Response, ApiError> {
    let permitted = permit(&api, on, request, "query.run").await?;
    run_statement(&api, permitted).await
}

/// Finds out whether the caller may run a query of the library as it stands in the editor.
pub(crate) async fn permit(
    api: &SharedApi,
    on: On<QueryKind, Editor>,
    request: RunLibraryQueryRequest,
    action: &'static str,
) -> Result<Permitted, ApiError> {
    let document = match request.document {
        Some(document) => document,
        None => api.database.library_draft(on.id).await?.document,
    };
    require_valid(document.validate())?;
    let user = person(&on.caller)?.clone();
    let resource = require_resource(api, &on.caller, document.query.resource.as_str(), Role::Editor).await?;
    let wanted = request.environment.as_ref().map(Slug::as_str);
    let environment = require_environment(api, &on.caller, wanted, on.role).await?;
    let mut sent: BTreeMap<String, Value> =
        request.parameters.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
    for (name, parameter) in &document.parameters {
        if let Some(default) = &parameter.default {
            sent.entry(name.to_string()).or_insert_with(|| default.clone());
        }
    }
    let hidden = document.parameters.iter().filter(|(_, parameter)| parameter.hidden);
    let hidden = hidden.map(|(name, _)| name.to_string()).collect();
    let detail = json!({ "version": "draft", "environment": environment.name });
    let record = on.caller.record(action, Some(("query", on.id.0)), detail);
    // Whoever writes a query wants to see what it does now.
    let query = ResourceQuery { cache_seconds: 0, ..document.query };
    let asked = Asked { query, library: None, sent, hidden, by: UsedBy::App };
    Ok(Permitted { record, user, resource, environment, asked })
}

/// Refuses a document that references to the latest release do not fit, with what of which app or workflow.
async fn refuse_to_break(
    api: &SharedApi,
    caller: &Caller,
    slug: &str,
    document: &LibraryQuery,
) -> Result<(), ApiError> {
    let mut broken = api.database.library_users(slug).await?;
    broken.retain(|user| !misfits(user, slug, document).is_empty());
    if broken.is_empty() {
        return Ok(());
    }
    let (seen, hidden) = seen(api, caller, broken).await?;
    let faults: Vec<_> = seen.iter().flat_map(|user| misfits(user, slug, document)).collect();
    let first = faults.first().map(|fault| format!(": {fault}")).unwrap_or_default();
    let detail = format!(
        "{} would break{first}. Release it all the same, or let those name the version that they were made for",
        titles(&seen, hidden),
    );
    Err(ApiError::Breaks { detail, faults })
}

fn misfits(user: &LibraryUser, slug: &str, document: &LibraryQuery) -> Vec<bulkhead_model::Fault> {
    let what = if user.is_released { "released" } else { "draft" };
    let of = |by: UsedBy, queries: Vec<(String, &ResourceQuery)>| {
        let follows = |query: &ResourceQuery| {
            query.library.as_ref().is_some_and(|library| library.query.as_str() == slug && library.version.is_none())
        };
        let following = queries.into_iter().filter(|(_, query)| follows(query));
        let path = |place: &str| format!("{} {} ({what}): {place}", user.kind.as_str(), user.slug);
        following.flat_map(|(place, query)| document.faults_of_use(query, by, &path(&place))).collect::<Vec<_>>()
    };
    // One that cannot be read any more cannot be broken any more.
    match user.kind {
        ObjectKind::App => serde_json::from_value::<AppDocument>(user.document.clone())
            .map(|document| of(UsedBy::App, of_app(&document).collect()))
            .unwrap_or_default(),
        _ => serde_json::from_value::<WorkflowDocument>(user.document.clone())
            .map(|document| of(UsedBy::Workflow, of_workflow(&document).collect()))
            .unwrap_or_default(),
    }
}

/// Those of `users` that the caller may see, and how many other apps and workflows there are.
async fn seen(
    api: &SharedApi,
    caller: &Caller,
    users: Vec<LibraryUser>,
) -> Result<(Vec<LibraryUser>, usize), ApiError> {
    let (person, is_admin) = caller.viewer();
    let mut known: BTreeMap<(&str, String), bool> = BTreeMap::new();
    let mut seen = Vec::new();
    for user in users {
        let key = (user.kind.as_str(), user.slug.clone());
        let is_seen = match known.get(&key) {
            Some(is_seen) => *is_seen,
            None => api.database.access(user.kind, &user.slug, person, is_admin).await?.is_some(),
        };
        known.insert(key, is_seen);
        if is_seen {
            seen.push(user);
        }
    }
    Ok((seen, known.into_values().filter(|is_seen| !is_seen).count()))
}

/// The titles of the first few, each once, and how many there are that the caller may not see.
fn titles(users: &[LibraryUser], hidden: usize) -> String {
    let titles: BTreeSet<&str> = users.iter().map(|user| user.title.as_str()).collect();
    let shown: Vec<&str> = titles.iter().take(5).copied().collect();
    let more = if titles.len() > shown.len() { " and others" } else { "" };
    let hidden = match (hidden, shown.is_empty()) {
        (0, _) => String::new(),
        (hidden, true) => format!("{hidden} that you may not see"),
        (hidden, false) => format!(", and {hidden} that you may not see"),
    };
    format!("{}{more}{hidden}", shown.join(", "))
}
