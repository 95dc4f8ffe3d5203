//! Histories of runs from a real server, replayed by the present workflow code.
//!
//! A worker goes on with the runs that an older one has begun, by replaying what Temporal has stored of them. A change that these
//! histories do not fit stops such runs; it has to go another way (the SDK's patches), or add a history beside the old ones, which stay.
//!
//! They lie in `tests/histories`, packed with zstd. To record them anew, after a change that adds to them:
//! `cargo test -p bulkhead-workflows-worker --test worker -- --ignored record_histories` in the environment of `cargo xtask test`.

use std::path::PathBuf;

use bulkhead_model::RunId;
use bulkhead_model::run::RunStatus;
use bulkhead_temporal_engine::replay;
use serde_json::{Value, json};

use crate::world::World;

/// Too small to be worth a look is what says nothing; larger than this nobody wants in a repository.
const MOST_PACKED_BYTES: usize = 512 * 1024;

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/histories")
}

/// All histories: name and JSON.
fn histories() -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = std::fs::read_dir(directory())
        .expect("tests/histories")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, zstd::decode_all(std::fs::File::open(path).expect("opens")).expect("zstd"))
        })
        .collect();
    found.sort();
    found
}

fn history(name: &str) -> Value {
    let all = histories();
    let (_, bytes) = all.iter().find(|(found, _)| found.starts_with(name)).unwrap_or_else(|| panic!("no {name}"));
    serde_json::from_slice(bytes).expect("JSON")
}

/// The events of one kind.
fn events<'h>(history: &'h mut Value, kind: &str) -> Vec<&'h mut Value> {
    let all = history["events"].as_array_mut().expect("events");
    all.iter_mut().filter(|event| event["eventType"] == kind).collect()
}

/// Why a history does not fit.
fn refusal(history: &Value) -> String {
    let error = replay(&serde_json::to_vec(history).expect("JSON")).expect_err("it does not fit");
    std::error::Error::source(&error).expect("a cause").to_string()
}

#[test]
fn the_present_workflow_code_fits_all_histories() {
    let histories = histories();
    assert!(histories.len() >= 5, "some are missing: {:?}", histories.iter().map(|(name, _)| name).collect::<Vec<_>>());
    for (name, history) in histories {
        if let Err(error) = replay(&history) {
            panic!("{name}: {}", std::error::Error::source(&error).expect("a cause"));
        }
    }
}

#[test]
fn histories_hold_what_they_are_named_for() {
    let count = |name: &str, kind: &str| events(&mut history(name), kind).len();
    assert!(count("waits", "EVENT_TYPE_TIMER_STARTED") >= 1);
    assert!(count("waits", "EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED") >= 1);
    assert_eq!(count("cancelled", "EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED"), 1);
    assert_eq!(count("long-loop-1", "EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW"), 1);
    assert_eq!(count("long-loop-2", "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED"), 1);
}

#[test]
fn a_history_of_another_workflow_code_is_refused() {
    // One that did not wait where the present code does.
    let mut without_timer = history("waits");
    for event in events(&mut without_timer, "EVENT_TYPE_TIMER_STARTED") {
        event["timerStartedEventAttributes"]["timerId"] = json!("777");
    }
    // One that asked for another activity.
    let mut renamed = history("cancelled");
    for event in events(&mut renamed, "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED") {
        event["activityTaskScheduledEventAttributes"]["activityType"]["name"] = json!("Steps::other");
    }
    // One that ended where the present code goes on.
    let mut cut = history("long-loop-1");
    for event in events(&mut cut, "EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW") {
        event["eventType"] = json!("EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED");
        let attributes = event.as_object_mut().expect("an object");
        attributes.remove("workflowExecutionContinuedAsNewEventAttributes");
        attributes.insert("workflowExecutionCompletedEventAttributes".into(), json!({}));
    }
    for (name, tampered) in [("timer", without_timer), ("activity", renamed), ("end", cut)] {
        let refusal = refusal(&tampered);
        assert!(refusal.contains("nondeterministic"), "{name}: {refusal}");
    }
}

/// Writes what the server has stored of a run: each history of it, the first one first.
fn record(world: &World, run: RunId, name: &str) {
    let histories = world.temporal.histories(&run.to_string());
    let is_one = histories.len() == 1;
    for (number, history) in (1..).zip(histories) {
        let name = if is_one { name.to_owned() } else { format!("{name}-{number}") };
        let value: Value = serde_json::from_str(&history).expect("JSON");
        let packed = zstd::encode_all(serde_json::to_vec(&value).expect("JSON").as_slice(), 19).expect("packed");
        assert!(packed.len() < MOST_PACKED_BYTES, "{name}: {} bytes", packed.len());
        std::fs::write(directory().join(format!("{name}.json.zst")), packed).expect("written");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes tests/histories"]
async fn record_histories() {
    std::fs::create_dir_all(directory()).expect("a directory");
    let world = World::start().await;
    let ann = world.api.create_user("ann@example.test", "Ann", false).await.expect("created");
    let release = async |slug: &str, blocks: Value, edges: Value, start: &str| {
        let document = json!({ "format": 1, "title": slug, "start": start, "blocks": blocks, "edges": edges });
        world.release_as(slug, document).await
    };

    // Steps one after the other: each takes longer than the budget of a step.
    let slow = json!({ "type": "query", "resource": "tables", "statement": "SELECT 1 FROM pg_sleep(1.2)" });
    let blocks = json!({ "one": slow, "two": slow, "three": slow });
    let edges = json!([{ "from": "one", "to": "two" }, { "from": "two", "to": "three" }]);
    let run = world.run(release("plain", blocks, edges, "one").await, Value::Null).await;
    world.succeeded(run).await;
    record(&world, run, "plain");

    let blocks = json!({
        "pause": { "type": "wait", "for": { "seconds": "2" } },
        "ask": { "type": "approval", "title": "Go on?", "people": ["ann@example.test"] },
        "late": { "type": "approval", "title": "Once more?", "people": ["ann@example.test"], "deadline-s": 2 },
    });
    let edges = json!([{ "from": "pause", "to": "ask" }, { "from": "ask", "port": "approved", "to": "late" }]);
    let run = world.run(release("waits", blocks, edges, "pause").await, Value::Null).await;
    world.open_approvals(ann, 1).await;
    let open = world.api.open_approvals(ann, false, 10).await.expect("reads");
    world.is_driven(run).await;
    // And has made its step there.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    world.api.decide(open[0].id, (ann, false), true, "").await.expect("decides");
    world.succeeded(run).await;
    record(&world, run, "waits");

    let blocks = json!({ "pause": { "type": "wait", "for": { "seconds": "3600" } } });
    let run = world.run(release("cancelled", blocks, json!([]), "pause").await, Value::Null).await;
    world.waits(run, "wait").await;
    world.is_driven(run).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    world.api.request_cancel(run).await.expect("asked");
    assert_eq!(world.ended(run).await.status, RunStatus::Cancelled);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    record(&world, run, "cancelled");

    // More waits than one history has steps.
    let blocks = json!({
        "each": { "type": "loop", "over": "1010", "collect": false },
        "pause": { "type": "wait", "for": { "seconds": "0.001" } },
    });
    let edges = json!([{ "from": "each", "port": "each", "to": "pause" }]);
    let run = world.run(release("long-loop", blocks, edges, "each").await, Value::Null).await;
    let end = std::time::Instant::now() + std::time::Duration::from_secs(900);
    while !world.api.run(run).await.expect("reads").status.is_final() {
        assert!(std::time::Instant::now() < end, "the loop takes for ever");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    world.succeeded(run).await;
    record(&world, run, "long-loop");
}
