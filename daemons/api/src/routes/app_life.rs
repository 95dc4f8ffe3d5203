//! What surrounds an app: where it is found, who edits it now, what a release held, how much it is used.

use axum::extract::State;
use bulkhead_model::app::AppDocument;
use bulkhead_model::{Fault, Slug};
use bulkhead_store::app_life::{AppUsage, EDITOR_SECONDS, ListedApp};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::app_queries::person;
use super::documents::{DocumentSummary, not_released, require_valid};
use super::json::Json;
use super::last::Last;
use crate::auth::{AppKind, Editor, On, Viewer};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Tags of an app.
const MAX_TAGS: usize = 12;
/// Characters of a tag.
const MAX_TAG: usize = 40;

/// A line of the list of apps.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppSummary {
    /// What it has in common with workflows.
    #[serde(flatten)]
    summary: DocumentSummary,
    /// Its tags.
    tags: Vec<String>,
    /// Whether you have marked it.
    is_favourite: bool,
    /// Whether it is a module, which stands in other apps.
    is_module: bool,
    /// Whether its draft changes by pulls of Source Control alone.
    is_protected: bool,
}

impl From<ListedApp> for AppSummary {
    fn from(app: ListedApp) -> Self {
        Self {
            summary: DocumentSummary::from(app.listed),
            tags: app.tags,
            is_favourite: app.is_favourite,
            is_module: app.is_module,
            is_protected: app.is_protected,
        }
    }
}

/// What an app is found by.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppLabels {
    /// Its tags, in the place of those that it has.
    tags: Vec<String>,
}

impl AppLabels {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let is_word =
            |text: &str| !text.trim().is_empty() && text.trim() == text && !text.chars().any(char::is_control);
        if self.tags.len() > MAX_TAGS {
            faults.push(Fault::new("tags", format!("has {} tags; the most is {MAX_TAGS}", self.tags.len())));
        }
        for (index, tag) in self.tags.iter().enumerate() {
            if !is_word(tag) || tag.contains(',') || tag.chars().count() > MAX_TAG {
                faults.push(Fault::new(
                    format!("tags.{index}"),
                    format!("must have 1 to {MAX_TAG} characters and no comma"),
                ));
            } else if self.tags[..index].contains(tag) {
                faults.push(Fault::new(format!("tags.{index}"), "is there already"));
            }
        }
        faults
    }
}

/// A mark of your own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarkRequest {
    /// Whether the app is one of your favourites.
    is_favourite: bool,
}

/// A window that edits.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditingRequest {
    /// The window, by an id that it made up.
    tab: Uuid,
    /// Whether it takes over from another one.
    #[serde(default)]
    take_over: bool,
}

/// Who edits an app.
#[derive(Serialize, ToSchema)]
pub(crate) struct Editing {
    /// Whether it is the window that asked.
    is_yours: bool,
    /// Whether it is you, be it in another window.
    is_you: bool,
    /// The name of who it is.
    name: String,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    /// Who does not ask again for so many seconds edits it no more.
    seconds: i32,
}

/// A released version with what it held.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppRelease {
    /// Its number.
    version: i32,
    /// The document.
    document: AppDocument,
}

/// A day of an app.
#[derive(Serialize, ToSchema)]
pub(crate) struct UsageDay {
    /// In UTC, such as 2026-11-30.
    day: String,
    /// How often the released app was opened.
    opens: i64,
    /// How often its queries ran.
    query_runs: i64,
}

/// How much an app was used.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppUsageList {
    /// The last 30 days, those without any use left out.
    days: Vec<UsageDay>,
}

/// Gives an app tags.
#[utoipa::path(put, path = "/apps/{slug}/labels", tag = "apps", operation_id = "labelApp", params(("slug" = Slug, Path)), request_body = AppLabels, responses(
    (status = 204, description = "Labelled"),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn label(
    State(api): State<SharedApi>,
    on: On<AppKind, Editor>,
    Json(labels): Json<AppLabels>,
) -> Result<StatusCode, ApiError> {
    require_valid(labels.faults())?;
    let detail = json!({ "tags": labels.tags });
    let record = on.caller.record("app.label", Some(("app", on.id.0)), detail);
    let labelled = async { Ok(api.database.label_app(on.id, &labels.tags).await?) };
    api.audit.around(record, labelled).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Marks an app as one of your favourites, or takes the mark away.
#[utoipa::path(put, path = "/apps/{slug}/favourite", tag = "apps", operation_id = "markApp", params(("slug" = Slug, Path)), request_body = MarkRequest, responses((status = 204, description = "Marked")))]
pub(crate) async fn mark(
    State(api): State<SharedApi>,
    on: On<AppKind, Viewer>,
    Json(request): Json<MarkRequest>,
) -> Result<StatusCode, ApiError> {
    api.database.mark_app(on.id, person(&on.caller)?.id, request.is_favourite).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says that a window edits an app; asked again within the seconds that the answer names. Another window's hold stays until it has gone, or is taken over.
/// It is a courtesy: what keeps one save from overwriting another is the draft's revision.
#[utoipa::path(put, path = "/apps/{slug}/editing", tag = "apps", operation_id = "holdApp", params(("slug" = Slug, Path)), request_body = EditingRequest, responses(
    (status = 200, description = "Who edits it now", body = Editing),
))]
pub(crate) async fn hold(
    State(api): State<SharedApi>,
    on: On<AppKind, Editor>,
    Json(request): Json<EditingRequest>,
) -> Result<Json<Editing>, ApiError> {
    let user = person(&on.caller)?.id;
    let editor = api.database.hold_app(on.id, user, request.tab, request.take_over).await?;
    Ok(Json(Editing {
        is_yours: editor.tab == request.tab,
        is_you: editor.user == user,
        name: editor.name,
        since: editor.since,
        seconds: EDITOR_SECONDS,
    }))
}

/// Says that a window edits an app no more.
#[utoipa::path(delete, path = "/apps/{slug}/editing/{id}", tag = "apps", operation_id = "leaveApp", params(("slug" = Slug, Path), ("id" = Uuid, Path)), responses((status = 204, description = "Left")))]
pub(crate) async fn leave(
    State(api): State<SharedApi>,
    on: On<AppKind, Editor>,
    Last(tab): Last,
) -> Result<StatusCode, ApiError> {
    let tab: Uuid = tab.parse().map_err(|_| ApiError::NotFound)?;
    api.database.leave_app(on.id, person(&on.caller)?.id, tab).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A released version, as its editors see it.
#[utoipa::path(get, path = "/apps/{slug}/releases/{version}", tag = "apps", operation_id = "getAppRelease", params(("slug" = Slug, Path), ("version" = i32, Path)), responses(
    (status = 200, description = "The version", body = AppRelease),
))]
pub(crate) async fn release(
    State(api): State<SharedApi>,
    on: On<AppKind, Editor>,
    Last(version): Last,
) -> Result<Json<AppRelease>, ApiError> {
    let version: i32 = version.parse().map_err(|_| ApiError::NotFound)?;
    Ok(Json(AppRelease { version, document: api.database.app_release(on.id, version).await? }))
}

/// The released version of a module, for whoever builds with it: with its statements, since they become a part of the app.
#[utoipa::path(get, path = "/apps/{slug}/module", tag = "apps", operation_id = "getModule", params(("slug" = Slug, Path)), responses(
    (status = 200, description = "The version in use", body = AppRelease),
    (status = 409, description = "`not-released`, `not-a-module`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn module(
    State(api): State<SharedApi>,
    on: On<AppKind, Viewer>,
) -> Result<Json<AppRelease>, ApiError> {
    let version = api.database.app_released_version(on.id).await?.ok_or_else(|| not_released("module"))?;
    let document = api.database.app_release(on.id, version).await?;
    if document.module.is_none() {
        let detail = "this is an app, which stands in no other one: only modules do".to_owned();
        return Err(ApiError::Conflict { code: "not-a-module", detail });
    }
    Ok(Json(AppRelease { version, document }))
}

/// How much an app was used, by day.
#[utoipa::path(get, path = "/apps/{slug}/usage", tag = "apps", operation_id = "getAppUsage", params(("slug" = Slug, Path)), responses(
    (status = 200, description = "The oldest day first", body = AppUsageList),
))]
pub(crate) async fn usage(
    State(api): State<SharedApi>,
    on: On<AppKind, Editor>,
) -> Result<Json<AppUsageList>, ApiError> {
    let days = api.database.app_usage(on.id).await?.into_iter();
    let days = days.map(|AppUsage { day, opens, query_runs }| UsageDay { day, opens, query_runs });
    Ok(Json(AppUsageList { days: days.collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(tags: &[&str]) -> Vec<String> {
        let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        AppLabels { tags }.faults().into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn labels_are_plain_words() {
        assert_eq!(faults(&[]), [""; 0]);
        assert_eq!(faults(&["daily", "it's"]), [""; 0]);
        assert_eq!(faults(&["a", "a", "", "b,c"]), ["tags.1", "tags.2", "tags.3"]);
        assert_eq!(faults(&["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13"]), ["tags"]);
    }
}
