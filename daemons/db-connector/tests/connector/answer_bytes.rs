//! Answers that are held whole share the memory that there is for them.

use std::time::Duration;

use bulkhead_model::query::QueryMode;
use bulkhead_rpc::connector::QueryRequest;
use serde_json::json;

use crate::kit::Service;
use crate::rest;
use crate::web::{WebServer, json_reply};

const MIB: usize = 1024 * 1024;

/// A service whose answers share 64 MiB, and a server that answers `/large` with more than goes uncounted.
async fn start() -> (Service, WebServer, QueryRequest) {
    let raw = json!({ "allow-networks": ["127.0.0.0/8"], "answer-bytes": 64 * MIB, "connection-wait-ms": 200 });
    let service = Service::with(raw).await;
    let server = WebServer::start(|seen| {
        json_reply(200, &json!("x".repeat(if seen.target == "/large" { 8 * MIB } else { 1000 })))
    })
    .await;
    let resource = rest::resource(&service, &server.url("/"), json!({}), None).await;
    let operation = json!({ "do": "request", "method": "GET", "path": "/large" });
    let mut query = service.operation(resource, operation, json!({}));
    query.limits.max_bytes = u32::try_from(40 * MIB).expect("fits");
    // What is tried is the wait for room, not the query's own.
    query.limits.timeout_ms = 60_000;
    (service, server, query)
}

#[tokio::test]
async fn a_large_answer_without_room_is_refused_by_the_name_of_the_setting() {
    let (service, server, query) = start().await;
    service.run(&query).await.expect("one alone fits");
    // Whoever has an answer keeps its room until it is read.
    let held = service.client.stream(http::Method::POST, "/v1/query", &query).await.expect("answered");
    let problem = service.run(&query).await.expect_err("refused");
    assert_eq!((problem.status, problem.code.as_str()), (503, "answers-busy"));
    assert!(problem.detail.contains("answer-bytes in db-connector.toml"), "{}", problem.detail);
    // What is small, and what is streamed, needs no room.
    let small = json!({ "do": "request", "method": "GET", "path": "/small" });
    service.run(&service.operation(query.resource, small, json!({}))).await.expect("runs");
    service.rows("select repeat('x', 1000) from generate_series(1, 2000)").await;
    // A change was made, whether there is room for its answer or not: it is not sent again, and not told as if it had not been.
    server.seen();
    let post = json!({ "do": "request", "method": "POST", "path": "/large" });
    let change = QueryRequest { limits: query.limits, ..service.operation(query.resource, post, json!({})) };
    assert_eq!(change.mode, QueryMode::Write);
    let problem = service.run(&change).await.expect_err("refused");
    assert_eq!((problem.status, problem.code.as_str()), (502, "outcome-unknown"), "{}", problem.detail);
    assert_eq!(server.seen().len(), 1);
    drop(held);
    tokio::time::sleep(Duration::from_millis(100)).await;
    service.run(&query).await.expect("there is room again");
}

#[tokio::test]
async fn many_large_answers_at_once_wait_for_each_other() {
    let (service, _server, query) = start().await;
    let asking = (0..12).map(|_| service.run(&query));
    let told = futures_util::future::join_all(asking).await;
    for outcome in told {
        match outcome {
            Ok(result) => assert!(result.end),
            Err(problem) => assert_eq!(problem.code, "answers-busy"),
        }
    }
    service.run(&query).await.expect("nothing is left behind");
}
