//! The HTTP side: one route that streams what happens, one JSON event a line.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bulkhead_rpc::Problem;
use bulkhead_rpc::executor::{RunEvent, RunRequest};
use http::{HeaderValue, header};
use tokio::sync::mpsc;

use crate::block::Runner;
use crate::bodies::Bodies;
use crate::metrics::{Metrics, Stage};
use crate::queue::Queue;
use crate::{chain, request};

/// Events between a child and the connection; a slow reader holds the child up after these.
const EVENTS_BUFFERED: usize = 64;
/// What a caller is told to wait when the line is full.
const RETRY_AFTER_S: &str = "1";

/// What the route needs.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) runner: Arc<Runner>,
    pub(crate) queue: Queue,
    pub(crate) memory_max_bytes: u64,
    pub(crate) bodies: Bodies,
    pub(crate) metrics: Arc<Metrics>,
}

/// The routes of the socket.
pub(crate) fn router(service: Service) -> Router {
    Router::new().route("/v1/run", post(run)).with_state(service)
}

async fn run(State(service): State<Service>, body: Body) -> Response {
    let (request, held) = match service.bodies.read(body).await.and_then(|(body, held)| Ok((parse(&body)?, held))) {
        Ok(read) => read,
        Err(problem) => return service.refuse_for_now(&problem),
    };
    if let Err(problem) = request::check(&request, service.memory_max_bytes) {
        return refuse(&problem);
    }
    if let Some(image) = service.runner.interpreters.missing(&request.libraries) {
        let detail = format!("the library set {image} is not on this machine: build it, or choose another");
        return refuse(&Problem::new(422, "libraries-missing", detail));
    }
    let arrived = Instant::now();
    let Ok(waiting) = service.queue.stand_in_line(&request.tenant) else {
        let detail = "as many runs as this executor takes are waiting; try again in a moment";
        return service.refuse_for_now(&Problem::new(429, "queue-full", detail));
    };
    // A caller who goes away while it waits drops this future, and with it its place in the line.
    let place = waiting.await.expect("a line is never forgotten");
    service.metrics.stage(Stage::Queue, arrived);
    let (events, listener) = mpsc::channel(EVENTS_BUFFERED);
    let metrics = Arc::clone(&service.metrics);
    // A task of its own, so that a child is always ended in order and never by a dropped future.
    tokio::spawn(async move {
        metrics.running.inc();
        chain::run(service.runner, request, events).await;
        metrics.running.dec();
        drop((place, held));
    });
    let lines = futures_util::stream::unfold((listener, service.metrics), |(mut listener, metrics)| async {
        let event: RunEvent = listener.recv().await?;
        metrics.count(&event);
        Some((Ok::<_, Infallible>(line(&event)), (listener, metrics)))
    });
    let ndjson = [(header::CONTENT_TYPE, "application/x-ndjson")];
    (ndjson, Body::from_stream(lines)).into_response()
}

fn line(event: &RunEvent) -> Bytes {
    let mut line = serde_json::to_vec(event).expect("events are plain data with text keys");
    line.push(b'\n');
    line.into()
}

fn parse(body: &[u8]) -> Result<RunRequest, Box<Problem>> {
    serde_json::from_slice(body).map_err(|error| {
        Box::new(Problem::new(400, "malformed-request", format!("the body is no run request: {error}")))
    })
}

impl Service {
    /// Refuses; where that is for lack of room, counts it and says when to come again.
    fn refuse_for_now(&self, problem: &Problem) -> Response {
        let mut response = refuse(problem);
        if problem.status == 429 {
            self.metrics.refused.inc();
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
        }
        response
    }
}

fn refuse(problem: &Problem) -> Response {
    problem.response().into_response()
}
