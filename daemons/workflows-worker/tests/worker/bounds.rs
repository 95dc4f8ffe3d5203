//! What is far too large: a clear error, and no service that takes all memory for it.

use bulkhead_model::run::{RunError, RunStatus};
use serde_json::{Value, json};

use crate::world::World;

/// What any service may take of memory meanwhile: a few times the largest value that it lets through.
const MOST_MB: u64 = 700;

async fn failure(world: &World, slug: &str, blocks: Value, edges: Value) -> RunError {
    let document = json!({ "format": 1, "title": "Large", "start": "first", "blocks": blocks, "edges": edges });
    let run = world.run(world.release_as(slug, document).await, Value::Null).await;
    let ended = world.ended(run).await;
    assert_eq!(ended.status, RunStatus::Failed, "{slug}: {ended:#?}");
    ended.error.expect("an error")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_far_too_large_fails_with_a_word_for_it() {
    let world = World::start().await;
    let code =
        |language: &str, source: &str| json!({ "first": { "type": "code", "language": language, "source": source } });
    let query = json!({ "first": { "type": "query", "resource": "tables", "statement": "SELECT repeat('x', 300 * 1024 * 1024) AS much" } });
    let over = |list: &str| json!({ "first": { "type": "loop", "over": list, "collect": false }, "work": { "type": "stop", "status": "succeeded" } });
    let edges = json!([{ "from": "first", "port": "each", "to": "work" }]);
    for (slug, blocks, edges) in [
        ("javascript", code("javascript", "return 'x'.repeat(300 * 1024 * 1024)"), json!([])),
        ("python", code("python", "return 'x' * (300 * 1024 * 1024)"), json!([])),
        ("query", query, json!([])),
        ("items", over("Array.from({ length: 10_000_000 }, (_, n) => n)"), edges.clone()),
        ("rounds", over("10_000_000"), edges),
    ] {
        let error = failure(&world, slug, blocks, edges).await;
        let known = ["result-too-large", "memory", "loop-too-long"];
        assert!(known.contains(&error.kind.as_str()), "{slug}: {error:?}");
        assert!(!error.message.is_empty() && error.message.len() < 1000, "{slug}: {error:?}");
    }
    for (name, daemon) in [("worker", &world.worker), ("backend", &world.backend), ("executor", &world.executor)] {
        let peak = daemon.peak_memory_mb();
        assert!(peak < MOST_MB, "{name} has taken {peak} MB");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_results_are_too_large_to_go_on_with_says_so() {
    let world = World::start().await;
    // Each of them is allowed; together they are more than a worker is told.
    let mut blocks = json!({ "rest": { "type": "wait", "for": { "seconds": "0.1" } } });
    let mut edges = Vec::new();
    for number in 0..16 {
        let name = if number == 0 { "first".to_owned() } else { format!("more{number}") };
        let source = format!("return '{number}'.repeat(4_800_000).slice(0, 4_800_000)");
        blocks[&name] = json!({ "type": "code", "language": "javascript", "source": source });
        let next = if number == 15 { "rest".to_owned() } else { format!("more{}", number + 1) };
        edges.push(json!({ "from": name, "to": next }));
    }
    let error = failure(&world, "results", blocks, json!(edges)).await;
    assert_eq!(error.kind, "run-too-large", "{error:?}");
    assert!(error.message.contains("return less"), "{error:?}");
}
