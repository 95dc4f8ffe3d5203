//! Apps: drafts for editors, the released version for viewers.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bulkhead_model::app::{
    AppDocument, AppQuery, Flow, Page, RunWhen, Script, StateVariable, Theme, Transformer, Translations,
};
use bulkhead_model::library_query::UsedBy;
use bulkhead_model::query::QueryMode;
use bulkhead_model::{AppId, Fault, Name, Role, Slug};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::app_life::AppSummary;
use super::app_queries::is_bound_here;
use super::documents::{
    DraftSaved, ReleaseList, Released, not_released, released_draft, require_resources, require_valid,
};
use super::environments::{EnvironmentBadge, usable};
use super::groups::require_groups;
use super::json::Json;
use super::last::Last;
use super::library_use::{of_app, require_library};
use crate::auth::guard::require_workflow;
use crate::auth::{Admin, AppKind, Caller, Editor, On, Viewer};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Characters of a release's notes.
const MAX_NOTES: usize = 2000;

/// The apps that you may see.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppList {
    /// By title.
    apps: Vec<AppSummary>,
}

/// A new app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateAppRequest {
    /// Its name in addresses.
    slug: Slug,
    /// Its title.
    title: String,
    /// Its draft; one empty page when absent.
    #[serde(default)]
    document: Option<AppDocument>,
}

/// An app as its editors see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppDetail {
    /// The id.
    id: AppId,
    /// The name in addresses.
    slug: String,
    /// The title.
    title: String,
    /// What you may do with it.
    role: Role,
    /// The draft.
    draft: AppDocument,
    /// The draft's revision: a save or release names it.
    draft_revision: i64,
    /// The version in use; absent before the first release.
    released_version: Option<i32>,
    /// The environments that you may use here, the default one first.
    environments: Vec<EnvironmentBadge>,
    /// Whether the draft changes by pulls of Source Control alone.
    is_protected: bool,
}

/// A draft to save.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveAppDraftRequest {
    /// The revision that was changed.
    revision: i64,
    /// The whole document.
    document: AppDocument,
}

/// Releases the draft.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseAppRequest {
    /// The draft's revision, as it was read or saved: what is released is what was looked at.
    revision: i64,
    /// What it changes, in a few words.
    #[serde(default)]
    notes: String,
}

/// An app as its viewers see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReleasedApp {
    /// The id.
    id: AppId,
    /// The name in addresses.
    slug: String,
    /// The title.
    title: String,
    /// What you may do with it.
    role: Role,
    /// The released version.
    version: i32,
    /// What to show.
    document: ViewerDocument,
    /// The environments that you may use here, the default one first.
    environments: Vec<EnvironmentBadge>,
}

/// A released document without what viewers must not know: statements and resources.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ViewerDocument {
    /// Version of this format: 1.
    format: u32,
    /// The title.
    title: String,
    /// The page that opens first.
    home_page: Name,
    /// Pages by name.
    pages: BTreeMap<Name, Page>,
    /// Queries by name.
    queries: BTreeMap<Name, ViewerQuery>,
    /// Scripts by name: the browser runs them.
    scripts: BTreeMap<Name, Script>,
    /// Transformers by name.
    transformers: BTreeMap<Name, Transformer>,
    /// State variables that every page sees.
    state: BTreeMap<Name, StateVariable>,
    /// How it looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    theme: Option<Theme>,
    /// Its style sheet.
    #[serde(skip_serializing_if = "Option::is_none")]
    style: Option<String>,
    /// What it says in several languages.
    #[serde(skip_serializing_if = "Option::is_none")]
    translations: Option<Translations>,
}

/// A query, as whoever runs it by name needs to know it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ViewerQuery {
    /// The expressions whose values a run must carry. `current_user.*` and `environment.*` are bound by the server and not listed.
    expressions: Vec<String>,
    /// Whether it may change anything.
    mode: QueryMode,
    /// When it runs by itself.
    run: RunWhen,
    /// JavaScript that makes its `data` of what the resource answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    transform: Option<String>,
    /// What holds of every run.
    #[serde(flatten)]
    flow: Flow,
    /// Whether you may run it: it may be for certain groups.
    is_allowed: bool,
    /// Whether all its rows can be exported: it reads, by a statement. One of the library may turn out to ask a resource that cannot.
    is_exportable: bool,
    /// Whether the database cuts its pages: all its rows are more than a page.
    is_paged: bool,
}

impl ViewerQuery {
    fn of(query: AppQuery, is_allowed: bool) -> Self {
        // A released query parsed when it was saved; one that does not any more fails when it is run, with its reason.
        let expressions = query.query.expressions().unwrap_or_default().into_iter();
        let expressions = expressions.filter(|expression| !is_bound_here(expression));
        let mode = query.query.effect();
        Self {
            expressions: expressions.collect(),
            mode,
            is_exportable: mode == QueryMode::Read && query.query.operation.is_none(),
            is_paged: query.query.pages.is_some(),
            run: query.run,
            transform: query.transform,
            flow: query.flow,
            is_allowed,
        }
    }
}

impl ViewerDocument {
    fn of(document: AppDocument, may_run: &dyn Fn(&AppQuery) -> bool) -> Self {
        let of_viewer = |(name, query): (Name, AppQuery)| {
            let is_allowed = may_run(&query);
            (name, ViewerQuery::of(query, is_allowed))
        };
        Self {
            format: document.format,
            title: document.title,
            home_page: document.home_page,
            pages: document.pages,
            theme: document.theme,
            style: document.style,
            translations: document.translations,
            queries: document.queries.into_iter().map(of_viewer).collect(),
            scripts: document.scripts,
            transformers: document.transformers,
            state: document.state,
        }
    }
}

/// The apps that you may see.
#[utoipa::path(get, path = "/apps", tag = "apps", operation_id = "listApps", responses((status = 200, description = "By title", body = AppList)))]
pub(crate) async fn list(State(api): State<SharedApi>, caller: Caller) -> Result<Json<AppList>, ApiError> {
    let (user, is_admin) = caller.viewer();
    let apps = api.database.apps(user, is_admin).await?;
    Ok(Json(AppList { apps: apps.into_iter().map(AppSummary::from).collect() }))
}

/// Creates an app. You get the role admin on it.
#[utoipa::path(post, path = "/apps", tag = "apps", operation_id = "createApp", request_body = CreateAppRequest, responses(
    (status = 201, description = "Created", body = AppDetail),
    (status = 409, description = "`exists`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(api): State<SharedApi>,
    caller: Caller,
    Json(request): Json<CreateAppRequest>,
) -> Result<Response, ApiError> {
    let document = request.document.unwrap_or_else(|| AppDocument::empty(&request.title));
    require_sound(&document, request.slug.as_str())?;
    require_groups(&api, document.groups()).await?;
    require_library(&api, &caller, UsedBy::App, of_app(&document)).await?;
    let slug = request.slug.as_str();
    let record = caller.record("app.create", None, json!({ "slug": slug }));
    let created = async { Ok(api.database.create_app(slug, &document, caller.user_id()).await?) };
    let id = api.audit.around(record, created).await?;
    let detail = AppDetail {
        id,
        slug: slug.to_owned(),
        title: document.title.clone(),
        role: Role::Admin,
        draft: document,
        draft_revision: 1,
        released_version: None,
        environments: usable(&api, &caller, Role::Admin).await?,
        is_protected: false,
    };
    Ok((StatusCode::CREATED, Json(detail)).into_response())
}

/// An app with its draft.
#[utoipa::path(get, path = "/apps/{slug}", tag = "apps", operation_id = "getApp", params(("slug" = Slug, Path)), responses(
    (status = 200, description = "The app", body = AppDetail),
))]
pub(crate) async fn show(State(api): State<SharedApi>, on: On<AppKind, Editor>) -> Result<Json<AppDetail>, ApiError> {
    let draft = api.database.app_draft(on.id).await?;
    Ok(Json(AppDetail {
        id: on.id,
        slug: on.name,
        title: draft.document.title.clone(),
        role: on.role,
        draft: draft.document,
        draft_revision: draft.revision,
        released_version: draft.released_version,
        environments: usable(&api, &on.caller, on.role).await?,
        is_protected: api.database.app_marks(on.id).await?.is_protected,
    }))
}

/// Deletes an app with its releases.
#[utoipa::path(delete, path = "/apps/{slug}", tag = "apps", operation_id = "deleteApp", params(("slug" = Slug, Path)), responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(State(api): State<SharedApi>, on: On<AppKind, Admin>) -> Result<StatusCode, ApiError> {
    let record = on.caller.record("app.delete", Some(("app", on.id.0)), json!({ "slug": on.name }));
    api.audit.around(record, async { Ok(api.database.delete_app(on.id).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Saves the draft.
#[utoipa::path(put, path = "/apps/{slug}/draft", tag = "apps", operation_id = "saveAppDraft", params(("slug" = Slug, Path)), request_body = SaveAppDraftRequest, responses(
    (status = 200, description = "Saved", body = DraftSaved),
    (status = 409, description = "`draft-changed`, `protected`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn save_draft(
    State(api): State<SharedApi>,
    on: On<AppKind, Editor>,
    Json(request): Json<SaveAppDraftRequest>,
) -> Result<Json<DraftSaved>, ApiError> {
    let marks = api.database.app_marks(on.id).await?;
    if marks.is_protected {
        let detail = "this app is protected: change it in the repository and pull, or ask an administrator to lift the protection";
        return Err(ApiError::Conflict { code: "protected", detail: detail.to_owned() });
    }
    require_sound(&request.document, &on.name)?;
    if request.document.module.is_some() != marks.is_module {
        let message = "an app never becomes a module, nor a module an app: create a new one";
        require_valid(vec![Fault::new("module", message)])?;
    }
    require_groups(&api, request.document.groups()).await?;
    require_library(&api, &on.caller, UsedBy::App, of_app(&request.document)).await?;
    let revision = api.database.save_app_draft(on.id, request.revision, &request.document).await?;
    Ok(Json(DraftSaved { revision }))
}

/// Refuses a document with faults, also those that only its name shows: a module that stands in itself.
fn require_sound(document: &AppDocument, slug: &str) -> Result<(), ApiError> {
    let mut faults = document.validate();
    faults.extend(document.faults_as(slug));
    require_valid(faults)
}

/// Requires the role editor on what an app uses: a release lets others use it.
async fn require_uses(api: &SharedApi, caller: &Caller, document: &AppDocument) -> Result<(), ApiError> {
    require_resources(api, caller, document.queries.values().map(|query| &query.query)).await?;
    for workflow in document.workflows() {
        require_workflow(api, caller, workflow.as_str(), Role::Editor).await?;
    }
    Ok(())
}

/// Releases the draft: viewers use it from now on. Needs the role editor on the resources of its queries and on the workflows that it
/// starts.
#[utoipa::path(post, path = "/apps/{slug}/releases", tag = "apps", operation_id = "releaseApp", params(("slug" = Slug, Path)), request_body = ReleaseAppRequest, responses(
    (status = 200, description = "Released", body = Released),
    (status = 409, description = "`draft-changed`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn release(
    State(api): State<SharedApi>,
    on: On<AppKind, Editor>,
    Json(request): Json<ReleaseAppRequest>,
) -> Result<Json<Released>, ApiError> {
    let notes = request.notes.trim();
    if notes.chars().count() > MAX_NOTES {
        require_valid(vec![Fault::new("notes", format!("must have at most {MAX_NOTES} characters"))])?;
    }
    let draft = released_draft(api.database.app_draft(on.id).await?, request.revision)?;
    require_sound(&draft, &on.name)?;
    require_groups(&api, draft.groups()).await?;
    require_library(&api, &on.caller, UsedBy::App, of_app(&draft)).await?;
    require_uses(&api, &on.caller, &draft).await?;
    let record = on.caller.record(
        "app.release",
        Some(("app", on.id.0)),
        json!({ "revision": request.revision, "notes": notes }),
    );
    // A save since the draft was checked makes this fail.
    let released = async { Ok(api.database.release_app(on.id, request.revision, on.caller.user_id(), notes).await?) };
    let version = api.audit.around(record, released).await?;
    Ok(Json(Released { version }))
}

/// All releases.
#[utoipa::path(get, path = "/apps/{slug}/releases", tag = "apps", operation_id = "listAppReleases", params(("slug" = Slug, Path)), responses(
    (status = 200, description = "The newest first", body = ReleaseList),
))]
pub(crate) async fn releases(
    State(api): State<SharedApi>,
    on: On<AppKind, Editor>,
) -> Result<Json<ReleaseList>, ApiError> {
    let released_version = api.database.app_released_version(on.id).await?;
    Ok(Json(ReleaseList::of(api.database.app_releases(on.id).await?, released_version)))
}

/// Puts an earlier version in use again.
#[utoipa::path(post, path = "/apps/{slug}/releases/{version}/restore", tag = "apps", operation_id = "restoreAppRelease", params(("slug" = Slug, Path), ("version" = i32, Path)), responses(
    (status = 200, description = "In use", body = Released),
))]
pub(crate) async fn restore(
    State(api): State<SharedApi>,
    on: On<AppKind, Editor>,
    Last(version): Last,
) -> Result<Json<Released>, ApiError> {
    let version: i32 = version.parse().map_err(|_| ApiError::NotFound)?;
    let document = api.database.app_release(on.id, version).await?;
    require_uses(&api, &on.caller, &document).await?;
    require_library(&api, &on.caller, UsedBy::App, of_app(&document)).await?;
    let record = on.caller.record("app.restore", Some(("app", on.id.0)), json!({ "version": version }));
    api.audit.around(record, async { Ok(api.database.restore_app_release(on.id, version).await?) }).await?;
    Ok(Json(Released { version }))
}

/// The released version, as a viewer sees it.
#[utoipa::path(get, path = "/apps/{slug}/released", tag = "apps", operation_id = "getReleasedApp", params(("slug" = Slug, Path)), responses(
    (status = 200, description = "The released app", body = ReleasedApp),
    (status = 409, description = "`not-released`, `is-a-module`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn released(
    State(api): State<SharedApi>,
    on: On<AppKind, Viewer>,
) -> Result<Json<ReleasedApp>, ApiError> {
    let version = api.database.app_released_version(on.id).await?.ok_or_else(|| not_released("app"))?;
    let document = api.database.app_release(on.id, version).await?;
    if document.module.is_some() {
        let detail = "this is a module, which stands in apps: open one of them".to_owned();
        return Err(ApiError::Conflict { code: "is-a-module", detail });
    }
    api.usage.opened(on.id);
    let groups = match on.caller.user_id() {
        Some(user) if document.groups().next().is_some() => api.database.groups_of(user).await?,
        _ => Vec::new(),
    };
    let may_run = |query: &AppQuery| {
        let mut allowed = query.privacy.allowed_groups.iter();
        on.caller.is_admin()
            || query.privacy.allowed_groups.is_empty()
            || allowed.any(|group| groups.iter().any(|name| name == group.as_str()))
    };
    Ok(Json(ReleasedApp {
        id: on.id,
        slug: on.name,
        title: document.title.clone(),
        role: on.role,
        version,
        document: ViewerDocument::of(document, &may_run),
        environments: usable(&api, &on.caller, on.role).await?,
    }))
}
