//! Runs that wait for events.

use std::time::{Duration, Instant};

use bulkhead_model::run::RunStatus;
use bulkhead_model::{RunId, WorkflowId};
use bulkhead_store::events::{NewEvent, Sent};
use bulkhead_store::test_support::record;
use serde_json::{Value, json};

use crate::world::World;

fn document(event: Value) -> Value {
    json!({
        "format": 1, "title": "Payment", "start": "payment",
        "blocks": {
            "payment": { "type": "wait", "for": { "event": event } },
            "reply": { "type": "response", "body": "payment" },
            "late": { "type": "response", "status": 408, "body": "error" },
        },
        "edges": [{ "from": "payment", "to": "reply" }, { "from": "payment", "port": "error", "to": "late" }],
    })
}

async fn send(world: &World, workflow: WorkflowId, key: &str, body: Value) -> i64 {
    let new = NewEvent { workflow, name: "paid", key, body: &body, idempotency_key: None, record: &record() };
    match world.api.send_event(&new).await.expect("stores") {
        Sent::Stored { runs, .. } => runs,
        other => panic!("it is new: {other:?}"),
    }
}

async fn answer(world: &World, run: RunId) -> Value {
    world.succeeded(run).await.response.expect("a response").body
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_ends_the_waits_of_its_key_though_everything_is_killed() {
    let mut world = World::start().await;
    let workflow = world.release(document(json!({ "name": "paid", "key": "trigger.body.order" }))).await;
    // A number and its text are one key.
    let (one, same) =
        (world.run(workflow, json!({ "order": 17 })).await, world.run(workflow, json!({ "order": "17" })).await);
    let other = world.run(workflow, json!({ "order": 18 })).await;
    for run in [one, same, other] {
        world.waits(run, "event").await;
    }
    let waiting = world.api.run(one).await.expect("reads").waiting_for.expect("waits");
    assert_eq!(waiting["event"], json!({ "name": "paid", "key": "17" }));
    world.worker.kill();
    world.backend.kill();
    assert_eq!(send(&world, workflow, "17", json!({ "amount": 3 })).await, 2);
    world.backend.restart();
    world.worker.restart();
    for run in [one, same] {
        let body = answer(&world, run).await;
        assert_eq!((&body["body"], &body["key"]), (&json!({ "amount": 3 }), &json!("17")));
        assert!(body["id"].is_string() && body["received_at"].is_string(), "{body}");
    }
    assert_eq!(world.api.run(other).await.expect("reads").status, RunStatus::Waiting);
    world.api.request_cancel(other).await.expect("asked");
    assert_eq!(world.ended(other).await.status, RunStatus::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_the_wait_is_seen_and_each_block_takes_one() {
    let world = World::start().await;
    let wait = json!({ "type": "wait", "for": { "event": { "name": "paid" } } });
    let workflow = world
        .release(json!({
            "format": 1, "title": "Two", "start": "pause",
            "blocks": {
                "pause": { "type": "wait", "for": { "seconds": "2" } }, "one": wait, "two": wait,
                "reply": { "type": "response", "body": "[one.body, two.body]" },
            },
            "edges": [{ "from": "pause", "to": "one" }, { "from": "one", "to": "two" }, { "from": "two", "to": "reply" }],
        }))
        .await;
    send(&world, workflow, "", json!("before the run")).await;
    let run = world.run(workflow, Value::Null).await;
    assert_eq!(send(&world, workflow, "", json!(1)).await, 0, "it does not wait yet");
    world.waits(run, "event").await;
    assert_eq!(send(&world, workflow, "", json!(2)).await, 1);
    assert_eq!(answer(&world, run).await, json!([1, 2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_does_not_come_in_time_fails_the_block_or_lets_it_go_on() {
    let world = World::start().await;
    let event = |at_timeout: &str| json!({ "name": "paid", "key": "'x'", "timeout-s": 1, "at-timeout": at_timeout });
    let fails = world.release(document(event("fail"))).await;
    let goes_on = world.release_as("goes-on", document(event("continue"))).await;
    let (failed, gone_on) = (world.run(fails, Value::Null).await, world.run(goes_on, Value::Null).await);
    let body = answer(&world, failed).await;
    assert_eq!(body["kind"], "wait-timeout");
    assert!(body["message"].as_str().expect("text").contains("`paid` with the key `x` did not come within 1 seconds"));
    assert_eq!(answer(&world, gone_on).await, Value::Null);
    let no_key = world.release_as("no-key", document(json!({ "name": "paid", "key": "trigger.body?.order" }))).await;
    let no_key = world.run(no_key, Value::Null).await;
    assert_eq!(answer(&world, no_key).await["kind"], "event-key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_run_takes_its_event_when_it_goes_on() {
    let world = World::start().await;
    let workflow = world.release(document(json!({ "name": "paid", "timeout-s": 3600 }))).await;
    let run = world.run(workflow, Value::Null).await;
    world.waits(run, "event").await;
    world.api.pause_run(run).await.expect("pauses");
    send(&world, workflow, "", json!(1)).await;
    world.waits(run, "paused").await;
    let paused = Instant::now();
    while paused.elapsed() < Duration::from_millis(500) {
        assert!(!world.api.run(run).await.expect("reads").status.is_final());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.api.resume_run(run).await.expect("goes on");
    assert_eq!(answer(&world, run).await["body"], json!(1));
}
