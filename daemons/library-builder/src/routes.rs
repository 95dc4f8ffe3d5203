//! The HTTP side: builds that stream what happens, one JSON event a line, and the removal of sets.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, post};
use bulkhead_model::LibraryImage;
use bulkhead_rpc::library_builder::{BUILD, BuildEvent, BuildRequest, IMAGES, IMPORT};
use http::{StatusCode, header};
use tokio::sync::mpsc;

use crate::build::Builder;
use crate::error::RequestError;

/// The largest request: a lock file of some ten thousand packages.
const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;
/// Events between a build and its connection.
const EVENTS_BUFFERED: usize = 64;

/// The routes of the socket.
pub(crate) fn router(builder: Arc<Builder>) -> Router {
    Router::new()
        .route(BUILD, post(async |state, body| build(state, body, false).await))
        .route(IMPORT, post(async |state, body| build(state, body, true).await))
        .route(&format!("{IMAGES}/{{image}}"), delete(remove))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(builder)
}

async fn build(State(builder): State<Arc<Builder>>, body: Bytes, offline: bool) -> Response {
    let request: BuildRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return RequestError::Malformed(error.to_string()).into_response(),
    };
    let prepared = match builder.prepare(request, offline).await {
        Ok(prepared) => prepared,
        Err(error) => return error.into_response(),
    };
    let (events, listener) = mpsc::channel(EVENTS_BUFFERED);
    // A task of its own: a set that was begun is finished, and whoever asks again finds it.
    tokio::spawn(builder.run(prepared, events));
    let lines = futures_util::stream::unfold(listener, |mut listener| async {
        let event: BuildEvent = listener.recv().await?;
        Some((Ok::<_, Infallible>(line(&event)), listener))
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

fn line(event: &BuildEvent) -> Bytes {
    let mut line = serde_json::to_vec(event).expect("events are plain data with text keys");
    line.push(b'\n');
    line.into()
}

async fn remove(State(builder): State<Arc<Builder>>, Path(image): Path<String>) -> Response {
    let Ok(image) = image.parse::<LibraryImage>() else {
        return RequestError::NoImage.into_response();
    };
    match builder.remove(image).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.into_response(),
    }
}
