//! Temporal that is down, comes back, or comes back without its database.

use std::time::Duration;

use bulkhead_model::run::RunStatus;
use bulkhead_test_kit::TestTemporal;
use serde_json::{Value, json};

use crate::world::World;

/// A write, a pause, a write.
fn slow() -> Value {
    with_pause(json!({ "type": "query", "resource": "tables", "statement": "SELECT 1 FROM pg_sleep(2)" }))
}

fn with_pause(pause: Value) -> Value {
    let write = |block: &str| {
        let statement = format!("INSERT INTO effects VALUES ('{block}', 'x')");
        json!({ "type": "query", "resource": "tables", "mode": "write", "statement": statement })
    };
    json!({
        "format": 1, "title": "Slow", "start": "before",
        "blocks": {
            "before": write("before"), "after": write("after"), "pause": pause,
        },
        "edges": [{ "from": "before", "to": "pause" }, { "from": "pause", "to": "after" }],
    })
}

fn once() -> [(String, String, i64); 2] {
    [("after".to_owned(), "x".to_owned(), 1), ("before".to_owned(), "x".to_owned(), 1)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ends_with_its_first_step_needs_no_temporal() {
    let world = World::with(TestTemporal::stopped()).await;
    let pause = json!({ "type": "query", "resource": "tables", "statement": "SELECT 1" });
    let run = world.run(world.release(with_pause(pause)).await, Value::Null).await;
    world.succeeded(run).await;
    assert_eq!(world.effects().await, once());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_longer_while_temporal_is_down_goes_on_when_it_is_back() {
    let mut world = World::with(TestTemporal::stopped()).await;
    let run = world.run(world.release(slow()).await, Value::Null).await;
    world.block_ended(run, "pause").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.api.run(run).await.expect("reads").status, RunStatus::Running);
    world.temporal.run();
    world.succeeded(run).await;
    assert_eq!(world.effects().await, once());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_when_temporal_is_killed_and_comes_back() {
    let mut world = World::start().await;
    let pause = json!({ "type": "wait", "for": { "seconds": "5" } });
    let run = world.run(world.release(with_pause(pause)).await, Value::Null).await;
    world.waits(run, "wait").await;
    world.temporal.kill();
    tokio::time::sleep(Duration::from_secs(3)).await;
    world.temporal.run();
    world.succeeded(run).await;
    assert_eq!(world.effects().await, once());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_temporal_has_forgotten_is_started_again() {
    let mut world = World::start().await;
    let pause = json!({ "type": "wait", "for": { "seconds": "5" } });
    let run = world.run(world.release(with_pause(pause)).await, Value::Null).await;
    world.waits(run, "wait").await;
    // It was handed over by now.
    tokio::time::sleep(Duration::from_secs(1)).await;
    // The worker dies with it: what it had in memory must not be what saves the run.
    world.worker.kill();
    world.temporal.wipe();
    world.temporal.run();
    world.worker.restart();
    world.succeeded(run).await;
    assert_eq!(world.effects().await, once());
}
