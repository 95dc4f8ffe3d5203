//! Histories of runs from a real server, replayed by the present workflow code.
//!
//! A worker goes on with the runs that an older one has begun, by replaying what Temporal has stored of them. A change that these
//! histories do not fit stops such runs; it has to go another way (the SDK's patches), or add a history beside the old ones, which stay.
//!
//! They lie in `tests/histories`, as protobuf packed with zstd. To record them anew, after a change that adds to them:
//! `cargo test -p bulkhead-workflows-worker --test worker -- --ignored record_histories` in the environment of `cargo xtask test`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bulkhead_model::run::RunStatus;
use bulkhead_store::approvals::Verdict;
use bulkhead_temporal_engine::{Advance, ConnectionConfig, Engine, EngineState, History, Progress, StepFuture};
use bulkhead_test_kit::TestTemporal;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::world::World;

/// Too small to be worth a look is what says nothing; larger than this nobody wants in a repository.
const MOST_PACKED_BYTES: usize = 512 * 1024;

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/histories")
}

/// All histories by their names, as protobuf.
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

fn history(name: &str) -> Vec<u8> {
    let all = histories();
    let found = all.into_iter().find(|(found, _)| *found == format!("{name}.pb.zst"));
    found.unwrap_or_else(|| panic!("there is no history {name}")).1
}

/// Why a history does not fit.
fn refusal(history: &[u8]) -> String {
    let error = History::decode(history).expect("protobuf").replay().expect_err("it does not fit");
    std::error::Error::source(&error).expect("a cause").to_string()
}

/// The same with other words: at the first place where they stand, and as long as what they replace.
fn with(mut history: Vec<u8>, words: &str, other: &str) -> Vec<u8> {
    assert_eq!(words.len(), other.len());
    let at = history.windows(words.len()).position(|window| window == words.as_bytes()).expect("it says so");
    history[at..at + words.len()].copy_from_slice(other.as_bytes());
    history
}

#[test]
fn the_present_workflow_code_fits_all_histories() {
    let histories = histories();
    assert!(histories.len() >= 6, "some are missing: {:?}", histories.iter().map(|(name, _)| name).collect::<Vec<_>>());
    for (name, history) in histories {
        if let Err(error) = History::decode(&history).expect("protobuf").replay() {
            panic!("{name}: {}", std::error::Error::source(&error).expect("a cause"));
        }
    }
}

#[test]
fn histories_hold_what_they_are_named_for() {
    let count = |name: &str, kind: &str| {
        let kinds = History::decode(&history(name)).expect("protobuf").kinds();
        kinds.into_iter().filter(|found| *found == format!("EVENT_TYPE_{kind}")).count()
    };
    assert!(count("waits", "TIMER_STARTED") >= 1);
    assert!(count("waits", "WORKFLOW_EXECUTION_SIGNALED") >= 1);
    assert_eq!((count("woken", "TIMER_STARTED"), count("woken", "WORKFLOW_EXECUTION_COMPLETED")), (0, 1));
    assert_eq!(count("cancelled", "WORKFLOW_EXECUTION_CANCELED"), 1);
    assert_eq!(count("long-loop-1", "WORKFLOW_EXECUTION_CONTINUED_AS_NEW"), 1);
    assert_eq!(count("long-loop-2", "WORKFLOW_EXECUTION_COMPLETED"), 1);
}

#[test]
fn a_history_of_another_workflow_code_is_refused() {
    for (name, words, other) in [
        // One that asked for another activity.
        ("cancelled", "Steps::cancelled", "Steps::abandoned"),
        // Ones that went on where the present code ends.
        ("plain", "\"continue\"", "\"finished\""),
        ("long-loop-1", "\"continue\"", "\"finished\""),
        // One that ended where the present code goes on.
        ("long-loop-2", "\"finished\"", "\"continue\""),
    ] {
        let refusal = refusal(&with(history(name), words, other));
        assert!(refusal.contains("nondeterministic"), "{name}: {refusal}");
    }
}

/// Writes what a server has stored of a run: each history of it.
async fn record(engine: &Engine, run: &str, name: &str) {
    let histories = engine.histories(run).await.expect("reads");
    let is_one = histories.len() == 1;
    for (number, history) in (1..).zip(histories) {
        let name = if is_one { name.to_owned() } else { format!("{name}-{number}") };
        let packed = zstd::encode_all(history.encode().as_slice(), 19).expect("packed");
        assert!(packed.len() < MOST_PACKED_BYTES, "{name}: {} bytes", packed.len());
        std::fs::write(directory().join(format!("{name}.pb.zst")), packed).expect("written");
    }
}

/// An engine at a server, with workers of its own.
async fn engine(temporal: &TestTemporal, stop: &CancellationToken) -> Engine {
    let config = ConnectionConfig {
        address: temporal.address(),
        namespace: "default".into(),
        task_queue: "words".into(),
        tls: None,
        api_key: None,
    };
    let words = Arc::new(Words(AtomicU32::new(0)));
    let (engine, _) = Engine::start_thread(config, words, stop.clone()).expect("starts");
    let mut state = engine.state();
    state.wait_for(|state| *state == EngineState::Working).await.expect("it goes on");
    engine
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes tests/histories"]
async fn record_histories_of_runs() {
    std::fs::create_dir_all(directory()).expect("a directory");
    let (world, stop) = (World::start().await, CancellationToken::new());
    let engine = engine(&world.temporal, &stop).await;
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
    record(&engine, &run.to_string(), "plain").await;

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
    tokio::time::sleep(Duration::from_secs(3)).await;
    let verdict = Verdict { approved: true, ..Verdict::default() };
    world.api.decide(open[0].id, (ann, false), &verdict).await.expect("decides");
    world.succeeded(run).await;
    record(&engine, &run.to_string(), "waits").await;

    let blocks = json!({ "pause": { "type": "wait", "for": { "seconds": "3600" } } });
    let run = world.run(release("cancelled", blocks, json!([]), "pause").await, Value::Null).await;
    world.waits(run, "wait").await;
    world.is_driven(run).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    world.api.request_cancel(run).await.expect("asked");
    assert_eq!(world.ended(run).await.status, RunStatus::Cancelled);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    record(&engine, &run.to_string(), "cancelled").await;
}

/// A run that is nothing but its words: more steps than one history has, or a wait without a time.
struct Words(AtomicU32);

impl Advance for Words {
    fn advance<'a>(&'a self, run: &'a str) -> StepFuture<'a, Progress> {
        let step = self.0.fetch_add(1, Ordering::Relaxed);
        let word = match (run, step) {
            ("woken", 0) => Progress::Wait(None),
            ("woken", _) => Progress::Finished,
            (_, 0..1010) if step % 100 == 7 => Progress::Wait(Some(Duration::from_millis(1))),
            (_, 0..1010) => Progress::Continue,
            _ => Progress::Finished,
        };
        Box::pin(async move { Ok(word) })
    }

    fn cancelled<'a>(&'a self, _run: &'a str) -> StepFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes tests/histories"]
async fn record_histories_of_words() {
    std::fs::create_dir_all(directory()).expect("a directory");
    let temporal = TestTemporal::start();
    for run in ["woken", "long-loop"] {
        let stop = CancellationToken::new();
        let engine = engine(&temporal, &stop).await;
        engine.start(run).await.expect("starts");
        let end = Instant::now() + Duration::from_secs(120);
        // One that goes on with a new history has ended for a moment.
        let has_ended = async || {
            let histories = engine.histories(run).await.expect("reads");
            histories.last().is_some_and(|last| last.kinds().contains(&"EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED"))
        };
        while !has_ended().await {
            assert!(Instant::now() < end, "{run} does not end");
            // Only the first waits for a word; the other one takes it as any run would.
            engine.wake(run).await.expect("wakes");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        record(&engine, run, run).await;
        stop.cancel();
    }
}
