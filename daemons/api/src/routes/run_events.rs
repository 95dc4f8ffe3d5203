//! Following a run: server-sent events that say "look again".
//!
//! An event's id is the run's progress, a number that only grows and is the same on every replica: a browser that reconnects
//! with its last id misses nothing and hears nothing twice.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use bulkhead_model::RunId;
use bulkhead_store::StoreError;
use futures_util::Stream;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::auth::OnRun;
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Not every step of a run is announced, so followers look this often by themselves.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How long one stream lasts; the browser reconnects by itself.
const LAST: Duration = Duration::from_secs(120);

/// Follows a run: `changed` whenever there is something new, `end` when it is final.
#[utoipa::path(get, path = "/runs/{id}/events", tag = "runs", operation_id = "followRun", params(("id" = RunId, Path)), responses(
    (status = 200, description = "Events `changed` and `end`, each with a growing id", content_type = "text/event-stream"),
))]
pub(crate) async fn follow(State(api): State<SharedApi>, on: OnRun, headers: HeaderMap) -> Result<Response, ApiError> {
    let last_id = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    // The first look decides between a stream and a refusal.
    api.database.run_progress(on.run).await?;
    let stream = Sse::new(events(api, on, last_id)).keep_alive(KeepAlive::default());
    // Proxies must hand events on as they come.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(([unbuffered], stream).into_response())
}

fn events(api: SharedApi, on: OnRun, mut seen: Option<i64>) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        let run = on.run;
        let waiter = api.run_watch.watch(run);
        let end = tokio::time::Instant::now() + LAST;
        while tokio::time::Instant::now() < end && !api.shutdown.is_cancelled() {
            match look(&api, &on).await {
                // Nobody is told more than the next request would: the browser comes back, and is refused.
                Ok(None) => return,
                Ok(Some((progress, ended))) => {
                    if seen.is_none_or(|seen| progress > seen) {
                        seen = Some(progress);
                        yield Ok(Event::default().event("changed").id(progress.to_string()).data("{}"));
                    }
                    if ended {
                        yield Ok(Event::default().event("end").id(progress.to_string()).data("{}"));
                        return;
                    }
                }
                // Closing makes the browser come back, with its last id.
                Err(error) => {
                    tracing::warn!(run.id = %run, "following run {run} was interrupted: {error}");
                    return;
                }
            }
            tokio::select! {
                () = waiter.changed() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = api.shutdown.cancelled() => {}
            }
        }
    }
}

/// How far the run is, and whether it has ended; `None` for a caller who may follow it no more.
async fn look(api: &SharedApi, on: &OnRun) -> Result<Option<(i64, bool)>, StoreError> {
    match on.is_still(api).await? {
        true => api.database.run_progress(on.run).await.map(Some),
        false => Ok(None),
    }
}
