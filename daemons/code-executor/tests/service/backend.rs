//! `query()` from code, against an HTTP server that speaks workflows-backend's side of the protocol.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::post};
use bulkhead_rpc::Problem;
use bulkhead_rpc::backend::CallRequest;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::executor::{Ended, Executor, LENIENT, ended, javascript, python, request};

type Seen = Arc<Mutex<Vec<(String, CallRequest)>>>;

/// Serves calls at the executor's configured socket: `double` doubles, everything else is refused.
fn serve_backend(executor: &Executor) -> Seen {
    let seen = Seen::default();
    let listener = tokio::net::UnixListener::bind(executor.backend_socket()).unwrap();
    let router = Router::new().route("/v1/calls", post(call)).with_state(Arc::clone(&seen));
    tokio::spawn(async move { axum::serve(listener, router).await });
    seen
}

async fn call(State(seen): State<Seen>, headers: HeaderMap, Json(request): Json<CallRequest>) -> Response {
    let token = headers["authorization"].to_str().unwrap().to_owned();
    let answer = if request.query == "double" {
        // The first asked is the last answered, so that answers must find their own call.
        tokio::time::sleep(std::time::Duration::from_millis(100 / (u64::from(request.call) + 1))).await;
        Json(json!({"rows": [{"n": request.parameters["n"].as_i64().unwrap() * 2}]})).into_response()
    } else {
        let problem = Problem::new(404, "query-unknown", format!("there is no query '{}'", request.query));
        (StatusCode::NOT_FOUND, Json(problem)).into_response()
    };
    seen.lock().unwrap().push((token, request));
    answer
}

async fn run_with_token(executor: &Executor, spec: bulkhead_rpc::executor::BlockSpec) -> Ended {
    let mut request = request(vec![spec], Value::Null);
    request.token = Some("capability-of-this-run".to_owned());
    ended(executor.run(&request).await.unwrap())
}

#[tokio::test]
async fn a_call_goes_out_with_the_token_and_its_number_and_its_answer_comes_back() {
    let executor = Executor::start(LENIENT);
    let seen = serve_backend(&executor);

    let from_javascript = run_with_token(
        &executor,
        javascript("const all = await Promise.all([1, 2, 3].map((n) => query('double', { n }))); return all.map((a) => a.rows[0].n)"),
    )
    .await;
    let from_python =
        run_with_token(&executor, python("return [query('double', {'n': n})['rows'][0]['n'] for n in (4, 5)]")).await;

    assert_eq!((from_javascript.value(), from_python.value()), (&json!([2, 4, 6]), &json!([8, 10])));
    let mut seen = seen.lock().unwrap();
    assert!(seen.iter().all(|(token, call)| token == "Bearer capability-of-this-run" && call.block == "block"));
    seen.sort_by_key(|(_, call)| call.parameters["n"].as_i64());
    assert_eq!(seen.iter().map(|(_, call)| call.call).collect::<Vec<_>>(), [0, 1, 2, 0, 1]);
}

#[tokio::test]
async fn a_refused_call_is_an_error_that_code_can_catch_and_that_names_its_line() {
    let executor = Executor::start(LENIENT);
    serve_backend(&executor);

    let caught = run_with_token(
        &executor,
        javascript("try { await query('nope') } catch (e) { return [e.name, e.code, e.message] }"),
    )
    .await;
    let uncaught = run_with_token(&executor, javascript("const a = 1;\nconst b =\n  await query('nope');")).await;
    let uncaught_python = run_with_token(&executor, python("a = 1\nquery('nope')")).await;

    assert_eq!(caught.value(), &json!(["QueryError", "query-unknown", "there is no query 'nope'"]));
    assert_eq!((uncaught.kind(), uncaught.error().line), ("query-failed", Some(3)));
    assert_eq!((uncaught_python.kind(), uncaught_python.error().line), ("query-failed", Some(2)));
    assert_eq!(uncaught.error().message, "there is no query 'nope'");
}

#[tokio::test]
async fn without_a_token_or_a_backend_a_call_fails_and_says_why() {
    let executor = Executor::start(LENIENT);

    let without_token = executor.python("query('double', {'n': 1})").await;
    let without_backend = run_with_token(&executor, python("query('double', {'n': 1})")).await;

    assert!(without_token.error().message.contains("without access to resources"), "{without_token:?}");
    assert!(without_backend.error().message.contains("does not answer"), "{without_backend:?}");
}

#[tokio::test]
async fn the_token_is_nowhere_in_the_child() {
    let executor = Executor::start(LENIENT);
    let source = "import gc\nfound = [o for o in gc.get_objects() if isinstance(o, dict) and any('capability' in str(v) for v in list(o.values()) if isinstance(v, str) and 'gc.get_objects' not in v)]\nreturn len(found)";

    assert_eq!(run_with_token(&executor, python(source)).await.value(), &json!(0));
}
