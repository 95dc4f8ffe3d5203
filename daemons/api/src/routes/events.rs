//! Events: sent to the runs of a workflow that wait for them.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bulkhead_model::workflow::{MAX_EVENT_BODY_BYTES, event_key};
use bulkhead_model::{Fault, Name, Slug};
use bulkhead_store::events::{KEEP_EVENT_DAYS, MAX_EVENTS, NewEvent, Sent};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::json::Json;
use super::run_starts::check_key;
use crate::auth::{Editor, On, WorkflowKind};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// An event for the runs of a workflow.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendEventRequest {
    /// Its name, as the blocks that wait for it have it.
    name: Name,
    /// Its key: a text, a number or a boolean. Blocks that wait for an event without a key take it where it has none.
    #[serde(default)]
    key: Value,
    /// What the block sees as `body`; at most 256 KiB of JSON.
    #[serde(default)]
    body: Value,
    /// The same key is the same event, however often it is sent.
    #[serde(default)]
    idempotency_key: Option<String>,
}

/// An event was stored.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventSent {
    /// Its id.
    event: Uuid,
    /// How many runs were waiting for it. Others may come to wait for it later.
    runs: i64,
    /// Whether it was stored before, under the same idempotency key.
    known: bool,
}

/// Sends an event to the runs of a workflow: to those that wait for it, and to those that were there when it came and wait for it later.
#[utoipa::path(post, path = "/workflows/{slug}/events", tag = "runs", operation_id = "sendEvent", params(("slug" = Slug, Path)), request_body = SendEventRequest, responses(
    (status = 202, description = "Stored: from here on it is never lost", body = EventSent),
    (status = 409, description = "`events-full`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn send(
    State(api): State<SharedApi>,
    on: On<WorkflowKind, Editor>,
    Json(request): Json<SendEventRequest>,
) -> Result<Response, ApiError> {
    if let Some(key) = &request.idempotency_key {
        check_key(key)?;
    }
    let key = if request.key.is_null() { String::new() } else { key_text(&request.key, "key")? };
    // Each way to send an event has keys of its own.
    let idempotency_key = request.idempotency_key.as_ref().map(|key| format!("manual/{key}"));
    let detail = json!({ "event": request.name, "key": key });
    let record = on.caller.record("workflow.event.send", Some(("workflow", on.id.0)), detail);
    let new = NewEvent {
        workflow: on.id,
        name: request.name.as_str(),
        key: &key,
        body: &request.body,
        idempotency_key: idempotency_key.as_deref(),
        record: &record,
    };
    deliver(&api, &new).await
}

/// Stores an event, and wakes the runs that wait for it.
pub(crate) async fn deliver(api: &SharedApi, new: &NewEvent<'_>) -> Result<Response, ApiError> {
    let bytes = new.body.to_string().len();
    if bytes > MAX_EVENT_BODY_BYTES {
        let message = format!("has {bytes} bytes of JSON; an event carries {MAX_EVENT_BODY_BYTES} at most");
        let fault = Fault::new("body", message);
        return Err(ApiError::invalid(fault.to_string(), vec![fault]));
    }
    let sent = match api.database.send_event(new).await? {
        Sent::Stored { id, runs } => EventSent { event: id, runs, known: false },
        Sent::Known { id } => EventSent { event: id, runs: 0, known: true },
        Sent::Full => {
            let detail = format!(
                "{MAX_EVENTS} events are stored for this workflow, which is the most: they go after {KEEP_EVENT_DAYS} days, and a day \
                 after they came where no older run is left; end runs that are not needed any more"
            );
            return Err(ApiError::Conflict { code: "events-full", detail });
        }
    };
    Ok((StatusCode::ACCEPTED, Json(sent)).into_response())
}

/// The text of an event's key, or what is wrong with it, and where.
pub(crate) fn key_text(key: &Value, path: &str) -> Result<String, ApiError> {
    event_key(key).map_err(|error| {
        let fault = Fault::new(path, error.to_string());
        ApiError::invalid(fault.to_string(), vec![fault])
    })
}
