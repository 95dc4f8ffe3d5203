//! `POST /hooks/{workflow}/{trigger}`: other programs start runs, or send events to them, with a key of their own.
//!
//! A wrong key, an unknown workflow and an unknown trigger are one and the same answer. The body is read only after the key was
//! found right.

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use bulkhead_model::run::RunStatus;
use bulkhead_model::workflow::{EventDelivery, Trigger, WebhookReply};
use bulkhead_model::{Fault, RunId};
use bulkhead_store::StoreError;
use bulkhead_store::audit::AuditRecord;
use bulkhead_store::events::NewEvent;
use bulkhead_store::runs::{NewRun, RunAnswer};
use bulkhead_store::workflows::WebhookTarget;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use serde_json::{Map, Value, json};
use std::time::Duration;

use super::documents::not_released;
use super::events;
use super::json;
use super::json::Json;
use super::run_starts::{accepted, begin, begin_for_answer, check_key, trace_parent};
use super::signatures::Signed;
use crate::auth::{Origin, token};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// A notification may be lost, so waiters look this often by themselves.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Headers that code does not see: they carry the caller's secrets.
const HIDDEN_HEADERS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-bulkhead-csrf"];

/// Headers of an answer that a workflow cannot set: they belong to the connection, or to whoever is signed in here.
const RESERVED_HEADERS: [&str; 7] = [
    "connection",
    "content-length",
    "transfer-encoding",
    "set-cookie",
    "strict-transport-security",
    "content-security-policy",
    "x-content-type-options",
];

/// Starts a run and, unless the trigger says otherwise, waits for its response block; or delivers an event.
pub(crate) async fn call(
    State(api): State<SharedApi>,
    origin: Origin,
    Path((slug, name)): Path<(String, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    let target = authorize(&api, &origin, &slug, &name, request.headers(), request.uri()).await?;
    let version = target.released_version.ok_or_else(|| not_released("workflow"))?;
    let document = api.database.workflow_release(target.workflow, version).await?;
    let Some(Trigger::Webhook(webhook)) = document.triggers.get(name.as_str()) else {
        let detail = format!("the released version has no trigger `{name}`: release the draft");
        return Err(ApiError::Conflict { code: "trigger-not-released", detail });
    };
    // Each way to start a run has keys of its own.
    let mut key = idempotency_key(request.headers())?.map(|key| format!("webhook/{name}/{key}"));
    let signed = webhook.signature.as_ref().map(|signature| Signed::of(signature, request.headers())).transpose()?;
    let trace_parent = trace_parent(request.headers());
    let (headers, query) = (headers_for_code(request.headers()), query_for_code(request.uri()));
    let bytes = json::read(request, api.config.webhook_body_limit_bytes).await?;
    if let Some(signed) = signed {
        signed.check(&api, target.workflow, &bytes).await?;
        // Who listens in can send the same once more, for as long as it counts as new: nothing comes of it.
        key = key.or_else(|| Some(format!("signed/{name}/{}", signed.once()?)));
    }
    let body: Value = if bytes.is_empty() { Value::Null } else { json::parse(&bytes)? };
    let mut trigger = json!({ "kind": "webhook", "name": name, "body": body, "headers": headers, "query": query });
    let mut record = AuditRecord {
        user: None,
        actor: "webhook".into(),
        action: "workflow.run.start",
        object: Some(("workflow", target.workflow.0)),
        detail: json!({ "trigger": name, "version": version, "environment": webhook.environment }),
        request_id: origin.request_id,
        address: origin.address,
    };
    if let Some(event) = &webhook.event {
        record.action = "workflow.event.send";
        return deliver(&api, (&target, event), &mut trigger, key.as_deref(), record).await;
    }
    let environment = match &webhook.environment {
        Some(named) => api.database.environment_id(Some(named.as_str())).await?,
        None => target.default_environment,
    };
    let Some(environment) = environment else {
        let detail = format!("the environment of the trigger `{name}` is gone: choose another and release the draft");
        return Err(ApiError::Conflict { code: "environment-unknown", detail });
    };
    let new = NewRun {
        workflow: target.workflow,
        version,
        environment,
        trigger: &trigger,
        started_by: None,
        idempotency_key: key.as_deref(),
        begins_at: None,
        trace_parent,
        record: &record,
    };
    match webhook.reply {
        WebhookReply::Accepted => Ok(accepted(begin(&api, &new).await?)),
        WebhookReply::Response => answer_of(&api, &new).await,
    }
}

/// Hands a request to the runs that wait for it.
async fn deliver(
    api: &SharedApi,
    (target, event): (&WebhookTarget, &EventDelivery),
    request: &mut Value,
    idempotency_key: Option<&str>,
    mut record: AuditRecord,
) -> Result<Response, ApiError> {
    let key = match event.key_in(request) {
        _ if event.key.is_empty() => String::new(),
        Some(value) => events::key_text(value, &event.key)?,
        None => {
            let fault = Fault::new(&event.key, "is not in the request: the trigger takes the event's key from there");
            return Err(ApiError::invalid(fault.to_string(), vec![fault]));
        }
    };
    record.detail["event"] = json!(event.name);
    record.detail["key"] = json!(key);
    let body = request["body"].take();
    let new = NewEvent {
        workflow: target.workflow,
        name: event.name.as_str(),
        key: &key,
        body: &body,
        idempotency_key,
        record: &record,
    };
    events::deliver(api, &new).await
}

/// The workflow whose trigger has the request's key.
async fn authorize(
    api: &SharedApi,
    origin: &Origin,
    slug: &str,
    trigger: &str,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<WebhookTarget, ApiError> {
    if let Some(address) = origin.remote() {
        api.key_attempts.begin(address)?;
    }
    let key = bearer(headers).or_else(|| key_in_query(uri)).ok_or(ApiError::WrongKey)?;
    // The database compares hashes: how long that takes tells nothing of the key.
    let target = api.database.webhook_target(slug, trigger, &token::hash(&key)).await?.ok_or(ApiError::WrongKey)?;
    if let Some(address) = origin.remote() {
        api.key_attempts.succeeded(address);
    }
    Ok(target)
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
}

fn key_in_query(uri: &Uri) -> Option<String> {
    let mut pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == "key").map(|(_, value)| value.to_owned())
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key =
        value.to_str().map_err(|_| ApiError::Malformed("the header Idempotency-Key must be plain text".into()))?;
    check_key(key)?;
    Ok(Some(key.to_owned()))
}

fn headers_for_code(headers: &HeaderMap) -> Map<String, Value> {
    let shown = headers.iter().filter(|(name, _)| !HIDDEN_HEADERS.contains(&name.as_str()));
    shown.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into()))).collect()
}

/// The query string's values, without the key.
fn query_for_code(uri: &Uri) -> Map<String, Value> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(uri.query().unwrap_or_default()).unwrap_or_default();
    pairs
        .into_iter()
        .filter(|(name, _)| name != "key" && !name.contains('\0'))
        .map(|(name, value)| (name, value.replace('\0', "").into()))
        .collect()
}

/// Starts a run and waits until it has answered or ended.
async fn answer_of(api: &SharedApi, new: &NewRun<'_>) -> Result<Response, ApiError> {
    let id = RunId::new();
    let mut waiter = api.run_watch.watch(id);
    let run = begin_for_answer(api, id, new).await?;
    let waited = api.config.webhook_wait;
    let deadline = tokio::time::Instant::now() + waited;
    if run == id {
        // Of a new one there is nothing to see before it is told of.
        let _ = tokio::time::timeout(waited.min(LOOK_EVERY), waiter.changed()).await;
    } else {
        waiter = api.run_watch.watch(run);
    }
    loop {
        let answer = api.database.run_answer(run).await.map_err(lost)?;
        if let Some(response) = response_of(run, answer) {
            return Ok(response);
        }
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        if left.is_zero() {
            // From now on the caller knows of it.
            api.database.settle_run(run).await.map_err(lost)?;
            return Err(ApiError::RunStillGoing { run, waited_s: waited.as_secs() });
        }
        let _ = tokio::time::timeout(left.min(LOOK_EVERY), waiter.changed()).await;
    }
}

/// A run that is not there any more is not one that never was.
fn lost(error: StoreError) -> ApiError {
    if let StoreError::NotFound { .. } = error { ApiError::RunLost } else { error.into() }
}

/// What to tell the caller, once there is something to tell.
fn response_of(run: RunId, answer: RunAnswer) -> Option<Response> {
    let with_run =
        |status: StatusCode, body: Value| (status, [("x-bulkhead-run", run.to_string())], Json(body)).into_response();
    if let Some(response) = answer.response {
        let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::OK);
        let mut answer = with_run(status, response.body);
        for (name, value) in &response.headers {
            // What is no header of HTTP is left out: the run's history shows it.
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
                && !RESERVED_HEADERS.contains(&name.as_str())
            {
                answer.headers_mut().insert(name, value);
            }
        }
        return Some(answer);
    }
    match answer.status {
        RunStatus::Queued | RunStatus::Running | RunStatus::Waiting => None,
        RunStatus::Succeeded => Some(with_run(StatusCode::OK, json!({ "run": run }))),
        // Whoever may edit the workflow sees why in the run's history; the caller learns that it failed.
        RunStatus::Failed => {
            let block = answer.error.and_then(|error| error.block);
            Some(with_run(
                StatusCode::INTERNAL_SERVER_ERROR,
                json!({ "run": run, "code": "run-failed", "block": block }),
            ))
        }
        RunStatus::Cancelled => Some(with_run(StatusCode::CONFLICT, json!({ "run": run, "code": "run-cancelled" }))),
    }
}
