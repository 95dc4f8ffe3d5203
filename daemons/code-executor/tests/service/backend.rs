//! `query()`, `fetch()` and `secret()` from code, against an HTTP server that speaks workflows-backend's side of the protocol.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_rpc::Problem;
use bulkhead_rpc::backend::{CALLS_FORGOTTEN, CallAsk, CallRequest, SecretRequest, SecretValue};
use bulkhead_rpc::fetch::{FetchAnswer, FetchRequest};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::executor::{Ended, Executor, LENIENT, ended, javascript, python, request};

pub(crate) type Seen = Arc<Mutex<Vec<(String, CallRequest)>>>;

/// Serves calls at the executor's configured socket: `double` doubles, one secret is granted, requests to `example.test` are
/// told what arrived, and everything else is refused.
pub(crate) fn serve_backend(executor: &Executor) -> Seen {
    let seen = Seen::default();
    let listener = tokio::net::UnixListener::bind(executor.backend_socket()).unwrap();
    let router =
        Router::new().route("/v1/calls", post(call)).route("/v1/secrets", post(secret)).with_state(Arc::clone(&seen));
    tokio::spawn(async move { axum::serve(listener, router).await });
    seen
}

async fn call(State(seen): State<Seen>, headers: HeaderMap, Json(request): Json<CallRequest>) -> Response {
    let token = headers["authorization"].to_str().unwrap().to_owned();
    let answer = match &request.ask {
        CallAsk::Query { query, parameters } if query == "double" => {
            // The first asked is the last answered, so that answers must find their own call.
            tokio::time::sleep(std::time::Duration::from_millis(100 / (u64::from(request.call) + 1))).await;
            Json(json!({"rows": [{"n": parameters["n"].as_i64().unwrap() * 2}]})).into_response()
        }
        CallAsk::Query { query, .. } if query == "megabyte" => Json("x".repeat(1 << 20)).into_response(),
        CallAsk::Query { query, .. } if query == "slow" => {
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            Json(Value::Null).into_response()
        }
        CallAsk::Query { query, .. } if query == "forgotten" => refuse(CALLS_FORGOTTEN, "the code has to run again"),
        CallAsk::Query { query, .. } => refuse("query-unknown", &format!("there is no query '{query}'")),
        CallAsk::Fetch { request } if request.url.contains("//example.test/") => Json(echo(request)).into_response(),
        CallAsk::Fetch { request } => refuse("fetch-refused", &format!("code may not fetch {}", request.url)),
    };
    seen.lock().unwrap().push((token, request));
    answer
}

fn refuse(code: &str, detail: &str) -> Response {
    (StatusCode::FORBIDDEN, Json(Problem::new(403, code, detail))).into_response()
}

/// An answer that says what was asked; `/missing` is a 404, `/empty` has no body.
fn echo(request: &FetchRequest) -> FetchAnswer {
    let body = if request.url.ends_with("/empty") { Vec::new() } else { serde_json::to_vec(request).unwrap() };
    FetchAnswer {
        status: if request.url.ends_with("/missing") { 404 } else { 200 },
        url: request.url.clone(),
        redirected: false,
        headers: vec![
            ("content-type".into(), "application/json; charset=utf-8".into()),
            ("set-cookie".into(), "a=1".into()),
            ("set-cookie".into(), "b=2".into()),
        ],
        body: STANDARD.encode(body),
    }
}

async fn secret(Json(request): Json<SecretRequest>) -> Response {
    match request.name.as_str() {
        "api_key" => Json(SecretValue { value: "hunter2-hunter2".into() }).into_response(),
        name => refuse("secret-not-granted", &format!("secret '{name}' is not granted to this workflow")),
    }
}

/// Takes calls at the same socket and dies over each, as a process does that is killed.
fn serve_dying_backend(executor: &Executor) {
    let listener = tokio::net::UnixListener::bind(executor.backend_socket()).unwrap();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            connection.readable().await.unwrap();
        }
    });
}

pub(crate) async fn run_with_token(executor: &Executor, spec: bulkhead_rpc::executor::BlockSpec) -> Ended {
    let mut request = request(vec![spec], Value::Null);
    request.token = Some("capability-of-this-run".to_owned());
    ended(executor.run(&request).await.unwrap())
}

#[tokio::test]
async fn a_call_goes_out_with_the_token_and_what_tells_it_from_others_and_its_answer_comes_back() {
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
    seen.sort_by_key(|(_, call)| match &call.ask {
        CallAsk::Query { parameters, .. } => parameters["n"].as_i64(),
        CallAsk::Fetch { .. } => None,
    });
    assert_eq!(seen.iter().map(|(_, call)| call.call).collect::<Vec<_>>(), [0, 1, 2, 0, 1]);
    let (one, other) = (seen[0].1.execution, seen[3].1.execution);
    assert!(one != other && seen.iter().all(|(_, call)| call.execution == if call.in_order { other } else { one }));
    // What JavaScript asks for at a time it asks for before there is an answer; Python waits for each.
    let of = |one: fn(&CallRequest) -> bool| seen.iter().map(|(_, call)| one(call)).collect::<Vec<_>>();
    assert_eq!(of(|call| call.in_order), [false, false, false, true, true]);
    assert_eq!(of(|call| call.was_answered), [false, false, false, false, true]);
}

#[tokio::test]
async fn code_whose_call_nobody_answers_has_no_result_in_a_run_and_an_error_in_a_trial() {
    let executor = Executor::start(LENIENT);
    serve_dying_backend(&executor);
    let mut request =
        request(vec![javascript("try { await query('double') } catch (e) { return e.code }")], Value::Null);
    request.token = Some("capability-of-this-run".to_owned());

    let of_run = executor.run(&request).await.unwrap();
    request.draft = true;
    let of_trial = ended(executor.run(&request).await.unwrap());

    assert!(of_run.is_empty(), "{of_run:?}");
    assert_eq!(of_trial.value(), "unavailable");
}

#[tokio::test]
async fn calls_of_threads_get_their_own_answers() {
    let executor = Executor::start(LENIENT);
    serve_backend(&executor);
    let source = "from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    return list(pool.map(lambda n: query('double', {'n': n})['rows'][0]['n'], range(100)))";

    let ended = run_with_token(&executor, python(source)).await;

    assert_eq!(ended.value(), &json!((0..100).map(|n| 2 * n).collect::<Vec<_>>()));
}

#[tokio::test]
async fn code_whose_time_is_over_during_a_call_says_that_the_call_goes_on() {
    let executor = Executor::start(LENIENT);
    serve_backend(&executor);
    for mut waiting in [javascript("await query('slow')"), python("query('slow')")] {
        waiting.limits.wall_ms = 500;
        let ended = run_with_token(&executor, waiting).await;
        assert_eq!(ended.kind(), "wall-time");
        assert!(ended.error().message.contains("A call was under way"), "{}", ended.error().message);
    }
    let mut idle = python("import time\ntime.sleep(9)");
    idle.limits.wall_ms = 500;
    assert!(!run_with_token(&executor, idle).await.error().message.contains("A call"));
}

#[tokio::test]
async fn code_whose_calls_are_forgotten_has_to_run_again() {
    let executor = Executor::start(LENIENT);
    serve_backend(&executor);
    let mut request =
        request(vec![javascript("try { await query('forgotten') } catch (e) { return e.code }")], Value::Null);
    request.token = Some("capability-of-this-run".to_owned());

    let events = executor.run(&request).await.unwrap();

    assert!(events.is_empty(), "{events:?}");
}

#[tokio::test]
async fn code_that_asks_and_never_reads_is_not_answered_without_end() {
    let executor = Executor::start(LENIENT);
    let seen = serve_backend(&executor);
    let mut attack = python(
        "import json, os, sys
frame = {'nonce': sys._getframe(1).f_locals['nonce'], 'kind': 'query', 'query': 'megabyte', 'parameters': {}}
body = json.dumps(frame).encode()
for n in range(10000): os.write(3, len(body).to_bytes(4, 'big') + body)
return 'the executor has read all'",
    );
    attack.limits.wall_ms = 3_000;

    let ended = run_with_token(&executor, attack).await;

    assert_eq!(ended.kind(), "wall-time");
    // As many as may be under way, and the one whose answer is in the channel.
    assert!(seen.lock().unwrap().len() <= 17, "{} calls were made", seen.lock().unwrap().len());
}

#[tokio::test]
async fn many_calls_with_large_answers_are_all_answered() {
    let executor = Executor::start(LENIENT);
    serve_backend(&executor);
    let source = "const all = await Promise.all(Array.from({ length: 60 }, () => query('megabyte')));
        return all.every((answer) => answer.length === 1 << 20)";

    assert_eq!(run_with_token(&executor, javascript(source)).await.value(), true);
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
    let mut trial = request(vec![python("query('double', {'n': 1})")], Value::Null);
    (trial.token, trial.draft) = (Some("capability-of-this-trial".to_owned()), true);
    let without_backend = ended(executor.run(&trial).await.unwrap());

    assert!(without_token.error().message.contains("belongs to no workflow"), "{without_token:?}");
    assert!(without_backend.error().message.contains("does not answer"), "{without_backend:?}");
}

#[tokio::test]
async fn the_token_is_nowhere_in_the_child() {
    let executor = Executor::start(LENIENT);
    let source = "import gc\nfound = [o for o in gc.get_objects() if isinstance(o, dict) and any('capability' in str(v) for v in list(o.values()) if isinstance(v, str) and 'gc.get_objects' not in v)]\nreturn len(found)";

    assert_eq!(run_with_token(&executor, python(source)).await.value(), &json!(0));
}

#[tokio::test]
async fn a_secret_comes_by_name_if_it_is_granted_and_is_not_logged() {
    let executor = Executor::start(LENIENT);
    serve_backend(&executor);

    let from_javascript = run_with_token(
        &executor,
        javascript("const s = await secret('api_key'); console.log('it is', s); return s.length"),
    )
    .await;
    let from_python =
        run_with_token(&executor, python("s = secret('api_key')\nprint('it is', s)\nreturn len(s)")).await;
    let refused = run_with_token(&executor, javascript("await secret('other')")).await;

    for granted in [from_javascript, from_python] {
        assert_eq!((granted.value(), granted.texts()), (&json!(15), vec!["it is [secret]"]));
    }
    assert_eq!(refused.error().message, "secret 'other' is not granted to this workflow");
}

#[tokio::test]
async fn fetch_goes_through_the_platform_and_answers_as_code_knows_it() {
    let executor = Executor::start(LENIENT);
    serve_backend(&executor);
    let source = r#"
        const response = await fetch('https://example.test/orders?x=1', {
            method: 'POST', headers: { 'X-Own': 'yes', 'Content-Type': 'application/json' }, body: JSON.stringify({ n: 1 }),
        });
        const sent = await response.json();
        const empty = await fetch(new URL('https://example.test/empty'));
        const missing = await fetch('https://example.test/missing');
        const refused = await fetch('https://elsewhere.test/').catch((error) => [error.name, error.message, error.code]);
        const aborted = await fetch('https://example.test/', { signal: AbortSignal.abort() }).catch((error) => error.name);
        return { status: response.status, ok: response.ok, url: response.url, type: response.headers.get('content-type'), sent,
            body: Buffer.from(sent.body, 'base64').toString(), empty: await empty.text(), missing: missing.ok, refused, aborted };
    "#;

    let value = run_with_token(&executor, javascript(source)).await.value().clone();

    assert_eq!(value["status"], 200);
    assert_eq!((&value["ok"], &value["url"]), (&json!(true), &json!("https://example.test/orders?x=1")));
    assert_eq!(value["type"], "application/json; charset=utf-8");
    assert_eq!((&value["sent"]["method"], &value["body"]), (&json!("POST"), &json!("{\"n\":1}")));
    assert!(value["sent"]["headers"].as_array().unwrap().contains(&json!(["x-own", "yes"])), "{value}");
    assert_eq!((&value["empty"], &value["missing"]), (&json!(""), &json!(false)));
    assert_eq!(value["refused"], json!(["TypeError", "code may not fetch https://elsewhere.test/", "fetch-refused"]));
    assert_eq!(value["aborted"], "AbortError");
}

#[tokio::test]
async fn python_finds_requests_and_urllib() {
    let executor = Executor::start(LENIENT);
    serve_backend(&executor);
    let source = r#"
import base64, requests, urllib.error, urllib.request
posted = requests.post('https://example.test/orders', params={'x': [1, 2]}, json={'n': 1}, auth=('ann', 'pw'), timeout=5)
sent = posted.json()
try:
    requests.get('https://example.test/missing').raise_for_status()
except requests.exceptions.HTTPError as error:
    missing = error.response.status_code
try:
    requests.get('https://elsewhere.test/')
except requests.ConnectionError as error:
    refused = str(error)
with urllib.request.urlopen(urllib.request.Request('https://example.test/u', data=b'abc', headers={'X-Own': 'yes'})) as answer:
    opened = [answer.status, answer.headers.get_all('set-cookie'), answer.read()[:2].decode()]
try:
    urllib.request.urlopen('https://example.test/missing')
except urllib.error.HTTPError as error:
    opened.append(error.code)
try:
    urllib.request.urlopen('https://elsewhere.test/')
except urllib.error.URLError as error:
    opened.append(str(error.reason))
return {'sent': sent, 'body': base64.b64decode(sent['body']).decode(), 'type': posted.headers['Content-Type'],
        'missing': missing, 'refused': refused, 'opened': opened}
"#;

    let value = run_with_token(&executor, python(source)).await.value().clone();

    assert_eq!(value["sent"]["url"], "https://example.test/orders?x=1&x=2");
    assert_eq!((&value["sent"]["method"], &value["body"]), (&json!("POST"), &json!("{\"n\": 1}")));
    let headers = value["sent"]["headers"].as_array().unwrap();
    assert!(headers.contains(&json!(["Authorization", "Basic YW5uOnB3"])), "{value}");
    assert_eq!(value["type"], "application/json; charset=utf-8");
    assert_eq!(
        (&value["missing"], &value["refused"]),
        (&json!(404), &json!("code may not fetch https://elsewhere.test/"))
    );
    assert_eq!(value["opened"], json!([200, ["a=1", "b=2"], "{\"", 404, "code may not fetch https://elsewhere.test/"]));
}
