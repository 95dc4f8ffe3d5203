//! Schedules: where the clock stands for a workflow.

use axum::extract::State;
use bulkhead_model::workflow::{Schedule, Trigger, WorkflowDocument};
use bulkhead_model::{Name, RunId, Slug};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::documents::require_valid;
use super::json::Json;
use super::last::Last;
use crate::auth::{Caller, Editor, On, WorkflowKind};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Points in time that are shown ahead.
const AHEAD: usize = 5;

/// The schedules of a workflow.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScheduleList {
    /// By the name of their trigger.
    schedules: Vec<ScheduleState>,
}

/// A schedule of the version in use, and where the clock stands for it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScheduleState {
    /// The trigger's name.
    trigger: String,
    /// As released.
    schedule: Schedule,
    /// Since when it starts nothing.
    #[serde(with = "time::serde::rfc3339::option")]
    paused_at: Option<OffsetDateTime>,
    /// The point in time that comes next, without the jitter; absent while it is paused, and for a moment after a release.
    #[serde(with = "time::serde::rfc3339::option")]
    next: Option<OffsetDateTime>,
    /// The run that it has started last.
    last_run: Option<RunId>,
    /// The last point in time that started no run.
    #[serde(with = "time::serde::rfc3339::option")]
    skipped: Option<OffsetDateTime>,
    /// Why: `missed` (nothing ran here, and the time for catching up was over) or `overlap` (the run before had not ended).
    skipped_because: Option<String>,
}

/// When a schedule would start runs.
#[derive(Serialize, ToSchema)]
pub(crate) struct SchedulePreview {
    /// The next points in time.
    #[schema(value_type = Vec<String>, format = DateTime)]
    next: Vec<PointInTime>,
}

/// A point in time, as text.
#[derive(Serialize)]
struct PointInTime(#[serde(with = "time::serde::rfc3339")] OffsetDateTime);

/// A schedule to look at.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SchedulePreviewRequest {
    /// The schedule.
    schedule: Schedule,
}

/// The schedules of the version in use.
#[utoipa::path(get, path = "/workflows/{slug}/schedules", tag = "workflows", operation_id = "listSchedules", params(("slug" = Slug, Path)), responses((status = 200, description = "By the name of their trigger", body = ScheduleList)))]
pub(crate) async fn list(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Editor>,
) -> Result<Json<ScheduleList>, ApiError> {
    let rows = api.database.schedules(on.id).await?;
    let schedules = rows.into_iter().map(|row| {
        let (skipped, skipped_because) = row.skipped.unzip();
        ScheduleState {
            trigger: row.trigger,
            next: row.next_due.filter(|_| row.paused_at.is_none()),
            schedule: row.definition,
            paused_at: row.paused_at,
            last_run: row.last_run,
            skipped,
            skipped_because,
        }
    });
    Ok(Json(ScheduleList { schedules: schedules.collect() }))
}

/// Starts nothing by this schedule any more, until it goes on. A release does not change that.
#[utoipa::path(post, path = "/workflows/{slug}/triggers/{trigger}/pause", tag = "workflows", operation_id = "pauseSchedule", params(("slug" = Slug, Path), ("trigger" = Name, Path)), responses((status = 204, description = "Paused")))]
pub(crate) async fn pause(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Editor>,
    Last(trigger): Last,
) -> Result<StatusCode, ApiError> {
    set_paused(&api, &on, &trigger, true).await
}

/// Lets a schedule go on with what comes next; what came meanwhile is not caught up.
#[utoipa::path(post, path = "/workflows/{slug}/triggers/{trigger}/resume", tag = "workflows", operation_id = "resumeSchedule", params(("slug" = Slug, Path), ("trigger" = Name, Path)), responses((status = 204, description = "It goes on")))]
pub(crate) async fn resume(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Editor>,
    Last(trigger): Last,
) -> Result<StatusCode, ApiError> {
    set_paused(&api, &on, &trigger, false).await
}

async fn set_paused(
    api: &SharedApi,
    on: &On<WorkflowKind, Editor>,
    trigger: &str,
    pause: bool,
) -> Result<StatusCode, ApiError> {
    let action = if pause { "workflow.schedule.pause" } else { "workflow.schedule.resume" };
    let record = on.caller.record(action, Some(("workflow", on.id.0)), json!({ "trigger": trigger }));
    api.audit.around(record, async { Ok(api.database.pause_schedule(on.id, trigger, pause).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// When a schedule would start runs, before it is saved.
#[utoipa::path(post, path = "/schedules/preview", tag = "workflows", operation_id = "previewSchedule", request_body = SchedulePreviewRequest, responses(
    (status = 200, description = "The next points in time", body = SchedulePreview),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn preview(
    _: Caller,
    Json(request): Json<SchedulePreviewRequest>,
) -> Result<Json<SchedulePreview>, ApiError> {
    // Its faults are those that a document with it would have.
    let mut document = WorkflowDocument::starter("preview");
    let name: Name = "schedule".parse().map_err(ApiError::internal("naming a trigger"))?;
    document.triggers.insert(name, Trigger::Schedule(request.schedule.clone()));
    require_valid(document.validate())?;
    let points = std::iter::successors(request.schedule.next_after(OffsetDateTime::now_utc()), |at| {
        request.schedule.next_after(*at)
    });
    Ok(Json(SchedulePreview { next: points.take(AHEAD).map(PointInTime).collect() }))
}
