//! Webhooks: keys, bodies, waiting for the response block.

use std::time::Duration;

use bulkhead_model::run::{RunResponse, RunStatus};
use bulkhead_store::block_ends::{Conclusion, RunEnd};
use bulkhead_store::outbox::Claim;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::kit::{Instance, Person};

/// A released workflow with two webhook triggers, and the key of `incoming`.
async fn released_workflow(instance: &Instance) -> (Person, String) {
    let admin = instance.admin().await;
    let document = json!({
        "format": 1, "title": "Echo", "start": "answer",
        "triggers": { "incoming": { "type": "webhook" }, "later": { "type": "webhook", "reply": "accepted" } },
        "blocks": { "answer": { "type": "response", "body": "trigger.body" } }, "edges": [],
    });
    let body = json!({ "slug": "echo", "title": "Echo", "document": document });
    instance.call(&admin, "POST", "/workflows", &body).await.ok(201);
    instance.call(&admin, "POST", "/workflows/echo/releases", &json!({ "revision": 1 })).await.ok(200);
    let key = instance.call(&admin, "POST", "/workflows/echo/triggers/incoming/key", &json!({})).await.ok(200);
    assert!(key["url"].as_str().expect("a url").starts_with("https://localhost:8443/hooks/echo/incoming?key="));
    (admin, key["key"].as_str().expect("a key").to_owned())
}

/// What a worker and workflows-backend do to every run: it answers with the body of its trigger.
fn answer_runs(instance: &Instance) -> tokio::task::JoinHandle<()> {
    let (worker, backend) =
        (instance.as_role("bulkhead-workflows-worker"), instance.as_role("bulkhead-workflows-backend"));
    tokio::spawn(async move {
        loop {
            let claims = worker.claim_starts(Uuid::nil(), Duration::from_secs(60), 10).await;
            for Claim { entry, run, .. } in claims.expect("claims") {
                let pinned = backend.pinned_run(run).await.expect("reads");
                backend.take_up_run(run).await.expect("marks");
                let body = pinned.trigger["body"].clone();
                let response = RunResponse { status: 201, headers: [("x-made".into(), "yes".into())].into(), body };
                let end = RunEnd { status: RunStatus::Succeeded, error: None, result: None };
                let conclusion = Conclusion { response: Some(&response), end: Some(end), on_failure: None };
                backend.end_blocks(run, &[], conclusion).await.expect("finishes");
                worker.mark_sent(&[entry]).await.expect("marks");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
}

#[tokio::test]
async fn the_caller_gets_the_response_blocks_answer() {
    let instance = Instance::start().await;
    let (_, key) = released_workflow(&instance).await;
    let worker = answer_runs(&instance);
    let bearer = format!("Bearer {key}");
    let json_type = ("content-type", "application/json");
    let by_header =
        instance.send("POST", "/hooks/echo/incoming", &[json_type, ("authorization", &bearer)], r#"{"a": 1}"#).await;
    assert!(by_header.headers.contains_key("x-bulkhead-run"));
    assert_eq!(by_header.headers["x-made"], "yes");
    assert_eq!(by_header.ok(201), json!({ "a": 1 }));
    let by_query = instance.send("POST", &format!("/hooks/echo/incoming?key={key}&month=5"), &[], "[2]").await;
    let run = by_query.headers["x-bulkhead-run"].to_str().expect("text").parse().expect("an id");
    assert_eq!(by_query.ok(201), json!([2]));
    let trigger = instance.database.run(run).await.expect("reads").trigger;
    assert_eq!((trigger["kind"].clone(), trigger["query"].clone()), (json!("webhook"), json!({ "month": "5" })));
    assert!(!trigger.to_string().contains(&key), "code never sees the key");
    worker.abort();
}

#[tokio::test]
async fn a_wrong_key_and_an_unknown_workflow_look_alike() {
    let instance = Instance::start().await;
    let (admin, key) = released_workflow(&instance).await;
    for path in ["/hooks/echo/incoming", "/hooks/echo/incoming?key=wrong", "/hooks/nothing/incoming?key=wrong"] {
        assert_eq!(instance.send("POST", path, &[], "{}").await.problem(), (401, "wrong-key".into()), "{path}");
    }
    // The key of one trigger opens no other.
    assert_eq!(instance.send("POST", &format!("/hooks/echo/later?key={key}"), &[], "{}").await.problem().0, 401);
    instance.call(&admin, "POST", "/workflows/echo/triggers/incoming/key", &json!({})).await.ok(200);
    assert_eq!(
        instance.send("POST", &format!("/hooks/echo/incoming?key={key}"), &[], "{}").await.problem().0,
        401,
        "the old key died"
    );
    assert_eq!(instance.call(&admin, "POST", "/workflows/echo/triggers/other/key", &json!({})).await.problem().0, 404);
    assert!(
        instance.call(&admin, "GET", "/runs", &Value::Null).await.ok(200)["runs"]
            .as_array()
            .expect("a list")
            .is_empty()
    );
}

#[tokio::test]
async fn a_body_that_is_no_json_or_too_large_starts_nothing() {
    let instance = Instance::start().await;
    let (admin, key) = released_workflow(&instance).await;
    let path = format!("/hooks/echo/incoming?key={key}");
    assert_eq!(instance.send("POST", &path, &[], "{\"a\":").await.problem(), (400, "malformed".into()));
    assert_eq!(instance.send("POST", &path, &[], "{\"a\": \"\\u0000\"}").await.problem(), (400, "malformed".into()));
    let large = instance.send("POST", &path, &[], vec![b'1'; 1024 * 1024 + 1]).await;
    assert_eq!(large.problem(), (413, "body-too-large".into()));
    assert!(
        instance.call(&admin, "GET", "/workflows/echo/runs", &Value::Null).await.ok(200)["runs"]
            .as_array()
            .expect("a list")
            .is_empty()
    );
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_named_and_goes_on() {
    let instance = Instance::with(json!({ "limits": { "webhook-wait-s": 1 } })).await;
    let (admin, key) = released_workflow(&instance).await;
    let answer = instance.send("POST", &format!("/hooks/echo/incoming?key={key}"), &[], "{}").await;
    assert_eq!(answer.problem(), (504, "run-still-going".into()));
    let run = answer.json()["run"].as_str().expect("a run").to_owned();
    let detail = instance.call(&admin, "GET", &format!("/runs/{run}"), &Value::Null).await.ok(200);
    assert_eq!(
        (detail["run"]["status"].clone(), detail["run"]["trigger_kind"].clone()),
        (json!("queued"), json!("webhook"))
    );
}

#[tokio::test]
async fn a_run_that_a_crash_has_taken_back_is_to_be_sent_again() {
    let instance = Instance::start().await;
    let (_, key) = released_workflow(&instance).await;
    let client = instance.own.connect().await;
    let gone = async {
        while client.execute("DELETE FROM runs", &[]).await.expect("deletes") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let path = format!("/hooks/echo/incoming?key={key}");
    let (answer, ()) = tokio::join!(instance.send("POST", &path, &[], "{}"), gone);
    assert_eq!(answer.problem(), (503, "run-lost".into()));
}

#[tokio::test]
async fn the_same_idempotency_key_is_the_same_run() {
    let instance = Instance::start().await;
    let (admin, _) = released_workflow(&instance).await;
    let key = instance.call(&admin, "POST", "/workflows/echo/triggers/later/key", &json!({})).await.ok(200);
    let path = format!("/hooks/echo/later?key={}", key["key"].as_str().expect("a key"));
    let headers = [("idempotency-key", "order-17")];
    let calls = (0..50).map(|_| instance.send("POST", &path, &headers, "{}"));
    let answers = futures_util::future::join_all(calls).await;
    let runs: std::collections::BTreeSet<String> =
        answers.into_iter().map(|answer| answer.ok(202)["run"].as_str().expect("a run").to_owned()).collect();
    assert_eq!(runs.len(), 1);
    let worker = instance.as_role("bulkhead-workflows-worker");
    let claims = worker.claim_starts(Uuid::nil(), Duration::from_secs(60), 10).await.expect("claims");
    assert_eq!(claims.len(), 1);
}

#[tokio::test]
async fn all_that_wait_for_the_same_run_get_its_answer() {
    let instance = Instance::start().await;
    let (admin, key) = released_workflow(&instance).await;
    let worker = answer_runs(&instance);
    let path = format!("/hooks/echo/incoming?key={key}");
    let headers = [("idempotency-key", "order-18")];
    // Bodies differ: the first one that is stored is the run's.
    let bodies: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    let calls = bodies.iter().map(|body| instance.send("POST", &path, &headers, body.clone()));
    let answers: std::collections::BTreeSet<String> = futures_util::future::join_all(calls)
        .await
        .into_iter()
        .map(|answer| format!("{:?} {}", answer.headers["x-bulkhead-run"].clone(), answer.ok(201)))
        .collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let runs = instance.call(&admin, "GET", "/workflows/echo/runs", &Value::Null).await.ok(200);
    assert_eq!(runs["runs"].as_array().map(Vec::len), Some(1));
    worker.abort();
}

#[tokio::test]
async fn a_run_joins_the_trace_of_its_caller() {
    let instance = Instance::start().await;
    let (admin, _) = released_workflow(&instance).await;
    let key = instance.call(&admin, "POST", "/workflows/echo/triggers/later/key", &json!({})).await.ok(200);
    let path = format!("/hooks/echo/later?key={}", key["key"].as_str().expect("a key"));
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    instance.send("POST", &path, &[("traceparent", parent)], "{}").await.ok(202);
    // One that is none is no reason to refuse a run.
    instance.send("POST", &path, &[("traceparent", "00-no-01")], "{}").await.ok(202);
    let client = instance.own.connect().await;
    let rows = client.query("SELECT trace_parent FROM runs ORDER BY id", &[]).await.expect("reads");
    let found: Vec<Option<String>> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(found, [Some(parent.to_owned()), None]);
}

/// What a caller that has `secret` writes into its header.
fn sign(secret: &str, text: &str) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn a_signed_webhook_wants_a_right_and_fresh_signature() {
    let instance = Instance::start().await;
    instance.start_backend();
    let admin = instance.admin().await;
    let signature = json!({ "secret": "partner", "header": "X-Signature", "prefix": "v0=",
        "timestamp": { "header": "X-Time", "within-s": 60, "signed": "v0:{timestamp}:{body}" } });
    let document = json!({
        "format": 1, "title": "Signed", "start": "answer",
        "triggers": { "incoming": { "type": "webhook", "reply": "accepted", "signature": signature } },
        "blocks": { "answer": { "type": "response", "body": "trigger.body" } },
    });
    let body = json!({ "slug": "signed", "title": "Signed", "document": document });
    instance.call(&admin, "POST", "/workflows", &body).await.ok(201);
    instance.call(&admin, "POST", "/workflows/signed/releases", &json!({ "revision": 1 })).await.ok(200);
    let key = instance.call(&admin, "POST", "/workflows/signed/triggers/incoming/key", &json!({})).await.ok(200);
    let path = format!("/hooks/signed/incoming?key={}", key["key"].as_str().expect("a key"));
    let send = async |signature: &str, time: i64, body: &'static str| {
        let (signature, time) = (format!("v0={signature}"), time.to_string());
        instance.send("POST", &path, &[("x-signature", &signature), ("x-time", &time)], body).await
    };
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let signed = |time: i64, body: &str| sign("hush", &format!("v0:{time}:{body}"));

    let closed = send(&signed(now, "{}"), now, "{}").await;
    assert_eq!(closed.problem(), (401, "wrong-signature".into()), "without the secret nobody gets in");
    let secret = json!({ "name": "partner", "value": "hush", "workflows": ["signed"] });
    instance.call(&admin, "POST", "/secrets", &secret).await.ok(201);
    let first = send(&signed(now, "{}"), now, "{}").await.ok(202);
    let replayed = send(&signed(now, "{}"), now, "{}").await.ok(202);
    assert_eq!(first, replayed, "the same request is the same run");
    let other = send(&signed(now, "[1]"), now, "[1]").await.ok(202);
    assert_ne!(first, other);
    for (signature, time, body) in [
        (signed(now, "{}"), now, "[2]"),
        (signed(now, "{}"), now + 1, "{}"),
        (sign("guess", &format!("v0:{now}:{{}}")), now, "{}"),
        ("zz".to_owned(), now, "{}"),
    ] {
        assert_eq!(send(&signature, time, body).await.problem(), (401, "wrong-signature".into()));
    }
    let old = now - 90;
    assert_eq!(send(&signed(old, "{}"), old, "{}").await.problem(), (401, "signature-too-old".into()));
    let bare = instance.send("POST", &path, &[], "{}").await;
    assert_eq!(bare.problem(), (401, "wrong-signature".into()));
}
