//! The queue: how runs of a workflow are taken up and kept, and pauses.

use axum::extract::State;
use bulkhead_model::Slug;
use bulkhead_store::queues::WorkflowSettings;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::json::Json;
use crate::auth::{Admin, Administrator, Caller, Editor, On, WorkflowKind};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Who comes first where runs have to wait.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Priority {
    /// Before all others.
    High,
    /// In between.
    #[default]
    Normal,
    /// After all others.
    Low,
}

/// How the runs of a workflow are taken up, and for how long they are kept. It counts at once, without a release.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueueSettings {
    /// Whose runs come first where runs have to wait.
    #[serde(default)]
    priority: Priority,
    /// How many runs may be under way at the same time, 1 to 10,000; those that wait for a time or a person do not count. No limit when
    /// absent.
    #[serde(default)]
    max_running: Option<i32>,
    /// For how many days a run is kept after its end. For ever when absent.
    #[serde(default)]
    keep_days: Option<i32>,
    /// How many runs are kept. All when absent.
    #[serde(default)]
    keep_runs: Option<i32>,
    /// How many megabytes (of 1,000,000 bytes) of results and logs of runs that have ended are kept. All when absent.
    #[serde(default)]
    keep_mb: Option<i32>,
}

/// The settings, and whether the workflow is paused.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkflowQueue {
    /// The settings.
    settings: QueueSettings,
    /// Since when none of its runs starts.
    #[serde(with = "time::serde::rfc3339::option")]
    paused_at: Option<OffsetDateTime>,
}

/// How the queue of all workflows stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct Queue {
    /// Since when nothing starts.
    #[serde(with = "time::serde::rfc3339::option")]
    paused_at: Option<OffsetDateTime>,
    /// Who has paused it.
    paused_by: Option<String>,
    /// Starts that workers take up next.
    queued: i64,
    /// Starts whose workflow is paused or at its limit.
    held: i64,
    /// When the oldest of these was accepted.
    #[serde(with = "time::serde::rfc3339::option")]
    oldest: Option<OffsetDateTime>,
    /// Runs that are under way.
    running: i64,
    /// Runs that wait for a time, a person or another run.
    waiting: i64,
}

impl QueueSettings {
    fn check(&self) -> Result<(), ApiError> {
        for (name, value, most) in [
            ("max_running", self.max_running, 10_000),
            ("keep_days", self.keep_days, 36_500),
            ("keep_runs", self.keep_runs, 100_000_000),
            ("keep_mb", self.keep_mb, 100_000_000),
        ] {
            if value.is_some_and(|value| !(1..=most).contains(&value)) {
                return Err(ApiError::invalid(format!("{name} must be between 1 and {most}, or absent"), Vec::new()));
            }
        }
        Ok(())
    }
}

impl From<WorkflowSettings> for QueueSettings {
    fn from(settings: WorkflowSettings) -> Self {
        let WorkflowSettings { priority, max_running, keep_days, keep_runs, keep_mb, .. } = settings;
        let priority = match priority {
            1.. => Priority::High,
            0 => Priority::Normal,
            _ => Priority::Low,
        };
        Self { priority, max_running, keep_days, keep_runs, keep_mb }
    }
}

/// How the runs of a workflow are taken up and kept.
#[utoipa::path(get, path = "/workflows/{slug}/settings", tag = "workflows", operation_id = "getWorkflowSettings", params(("slug" = Slug, Path)), responses((status = 200, description = "The settings", body = WorkflowQueue)))]
pub(crate) async fn settings(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Editor>,
) -> Result<Json<WorkflowQueue>, ApiError> {
    let settings = api.database.workflow_settings(on.id).await?;
    Ok(Json(WorkflowQueue { paused_at: settings.paused_at, settings: settings.into() }))
}

/// Changes how the runs of a workflow are taken up and kept, at once.
#[utoipa::path(put, path = "/workflows/{slug}/settings", tag = "workflows", operation_id = "setWorkflowSettings", params(("slug" = Slug, Path)), request_body = QueueSettings, responses((status = 204, description = "Changed")))]
pub(crate) async fn set_settings(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Admin>,
    Json(request): Json<QueueSettings>,
) -> Result<StatusCode, ApiError> {
    request.check()?;
    let priority = match request.priority {
        Priority::High => 1,
        Priority::Normal => 0,
        Priority::Low => -1,
    };
    let QueueSettings { max_running, keep_days, keep_runs, keep_mb, .. } = request;
    let detail = json!(request);
    let record = on.caller.record("workflow.settings.change", Some(("workflow", on.id.0)), detail);
    let settings = WorkflowSettings { priority, max_running, paused_at: None, keep_days, keep_runs, keep_mb };
    api.audit.around(record, async { Ok(api.database.set_workflow_settings(on.id, &settings).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Starts no run of a workflow any more: they wait in the queue. Those under way go on.
#[utoipa::path(post, path = "/workflows/{slug}/pause", tag = "workflows", operation_id = "pauseWorkflow", params(("slug" = Slug, Path)), responses((status = 204, description = "Paused")))]
pub(crate) async fn pause(State(api): State<SharedApi>, on: On<WorkflowKind, Editor>) -> Result<StatusCode, ApiError> {
    set_paused(&api, &on, true).await
}

/// Lets the runs of a workflow start again.
#[utoipa::path(post, path = "/workflows/{slug}/resume", tag = "workflows", operation_id = "resumeWorkflow", params(("slug" = Slug, Path)), responses((status = 204, description = "They start")))]
pub(crate) async fn resume(State(api): State<SharedApi>, on: On<WorkflowKind, Editor>) -> Result<StatusCode, ApiError> {
    set_paused(&api, &on, false).await
}

async fn set_paused(api: &SharedApi, on: &On<WorkflowKind, Editor>, pause: bool) -> Result<StatusCode, ApiError> {
    let action = if pause { "workflow.pause" } else { "workflow.resume" };
    let record = on.caller.record(action, Some(("workflow", on.id.0)), json!({}));
    api.audit.around(record, async { Ok(api.database.pause_workflow(on.id, pause).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How the queue of all workflows stands.
#[utoipa::path(get, path = "/queue", tag = "runs", operation_id = "getQueue", responses((status = 200, description = "The queue", body = Queue)))]
pub(crate) async fn show(State(api): State<SharedApi>, _: Caller) -> Result<Json<Queue>, ApiError> {
    let state = api.database.queue_state().await?;
    let (paused_at, paused_by) = state.paused.unzip();
    let (queued, held, oldest) = (state.queued, state.held, state.oldest);
    Ok(Json(Queue { paused_at, paused_by, queued, held, oldest, running: state.running, waiting: state.waiting }))
}

/// Starts no run of any workflow any more: they wait in the queue. Those under way go on.
#[utoipa::path(post, path = "/queue/pause", tag = "runs", operation_id = "pauseQueue", responses((status = 204, description = "Paused")))]
pub(crate) async fn pause_all(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
) -> Result<StatusCode, ApiError> {
    let by = caller.name();
    let record = caller.record("queue.pause", None, json!({}));
    api.audit.around(record, async { Ok(api.database.pause_queue(Some(&by)).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets runs start again.
#[utoipa::path(post, path = "/queue/resume", tag = "runs", operation_id = "resumeQueue", responses((status = 204, description = "They start")))]
pub(crate) async fn resume_all(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
) -> Result<StatusCode, ApiError> {
    let record = caller.record("queue.resume", None, json!({}));
    api.audit.around(record, async { Ok(api.database.pause_queue(None).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}
