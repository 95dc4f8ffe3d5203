//! Daemons that die, and what must hold then: nothing lost, nothing done twice.

use std::time::Duration;

use bulkhead_model::run::{BlockStatus, RunStatus};
use serde_json::{Value, json};

use crate::world::World;

/// Three writes with code between them; each write takes long enough to be killed in.
fn writes() -> Value {
    let write = |block: &str| {
        let statement = format!(
            "WITH pause AS MATERIALIZED (SELECT pg_sleep(0.05)) INSERT INTO effects SELECT '{block}', {{{{ trigger.body.run }}}} FROM pause"
        );
        json!({ "type": "query", "resource": "tables", "mode": "write", "statement": statement })
    };
    json!({
        "format": 1, "title": "Writes", "start": "one",
        "blocks": {
            "one": write("one"), "two": write("two"), "three": write("three"),
            "think": { "type": "code", "language": "javascript", "source": "return one.affected" },
            "call": { "type": "code", "language": "javascript", "source": "await query('mark', { run: trigger.body.run }); return two.affected" },
        },
        "edges": [
            { "from": "one", "to": "think" }, { "from": "think", "to": "two" }, { "from": "two", "to": "call" },
            { "from": "call", "to": "three" },
        ],
        "queries": { "mark": { "resource": "tables", "mode": "write", "statement": "INSERT INTO effects VALUES ('call', {{ run }})" } },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_runs_survive_workers_that_are_killed_and_nothing_happens_twice() {
    let mut world = World::start().await;
    let workflow = world.release(writes()).await;
    let mut runs = Vec::new();
    for number in 0..20 {
        runs.push(world.run(workflow, json!({ "run": number.to_string() })).await);
    }
    for pause_ms in [900, 1500, 2500] {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        world.worker.restart();
    }
    for run in runs {
        world.succeeded(run).await;
    }
    let effects = world.effects().await;
    assert_eq!(effects.len(), 20 * 4);
    assert!(effects.iter().all(|(_, _, count)| *count == 1), "{effects:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_backend_dies_in_is_not_repeated() {
    let mut world = World::start().await;
    let workflow = world
        .release(json!({
            "format": 1, "title": "Slow write", "start": "slow", "unknown-outcome": "fail",
            "blocks": { "slow": { "type": "query", "resource": "tables", "mode": "write",
                "statement": "WITH pause AS MATERIALIZED (SELECT pg_sleep(1.5)) INSERT INTO effects SELECT 'slow', 'x' FROM pause" } },
        }))
        .await;
    let run = world.run(workflow, Value::Null).await;
    world.statement_under_way("pg_sleep(1.5)").await;
    world.backend.restart();
    let ended = world.ended(run).await;
    let error = ended.error.expect("an error");
    assert_eq!((ended.status, error.kind.as_str()), (RunStatus::Failed, "outcome-unknown"), "{error:?}");
    assert!(error.message.contains("check the data"), "{error:?}");
    assert_eq!(world.api.block_runs(run).await.expect("reads")[0].status, BlockStatus::OutcomeUnknown);
    assert!(world.effects().await.iter().all(|(_, _, count)| *count <= 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotent_write_that_backend_dies_in_is_made_again() {
    let mut world = World::start().await;
    world.tables.batch_execute("CREATE UNIQUE INDEX ON effects (block, run)").await.expect("created");
    let workflow = world
        .release(json!({
            "format": 1, "title": "Slow write", "start": "slow",
            "blocks": { "slow": { "type": "query", "resource": "tables", "mode": "write", "idempotent": true,
                "statement": "WITH pause AS MATERIALIZED (SELECT pg_sleep(1.5))
                    INSERT INTO effects SELECT 'slow', 'x' FROM pause ON CONFLICT DO NOTHING" } },
        }))
        .await;
    let run = world.run(workflow, Value::Null).await;
    world.statement_under_way("pg_sleep(1.5)").await;
    world.backend.restart();
    world.succeeded(run).await;
    assert_eq!(world.effects().await, [("slow".to_owned(), "x".to_owned(), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_goes_on_when_the_worker_that_asked_for_it_dies() {
    let mut world = World::start().await;
    let workflow = world
        .release(json!({
            "format": 1, "title": "Slow write", "start": "slow",
            "blocks": { "slow": { "type": "query", "resource": "tables", "mode": "write",
                "statement": "WITH pause AS MATERIALIZED (SELECT pg_sleep(1.5)) INSERT INTO effects SELECT 'slow', 'x' FROM pause" } },
        }))
        .await;
    let run = world.run(workflow, Value::Null).await;
    world.statement_under_way("pg_sleep(1.5)").await;
    world.worker.restart();
    world.succeeded(run).await;
    assert_eq!(world.effects().await, [("slow".to_owned(), "x".to_owned(), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_survive_a_code_executor_that_is_killed() {
    let mut world = World::start().await;
    let workflow = world
        .release(json!({
            "format": 1, "title": "Slow code", "start": "slow",
            "blocks": { "slow": { "type": "code", "language": "python",
                "source": "query('mark')\nimport time\ntime.sleep(1.5)\nreturn 'done'" } },
            "queries": { "mark": { "resource": "tables", "mode": "write", "statement": "INSERT INTO effects VALUES ('slow', 'x')" } },
        }))
        .await;
    let run = world.run(workflow, Value::Null).await;
    while world.effects().await.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.executor.restart();
    world.succeeded(run).await;
    assert_eq!(world.effects().await, [("slow".to_owned(), "x".to_owned(), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_survive_a_database_that_drops_its_connections() {
    let world = World::start().await;
    let workflow = world.release(writes()).await;
    let mut runs = Vec::new();
    for number in 0..5 {
        runs.push(world.run(workflow, json!({ "run": number.to_string() })).await);
    }
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        world.cut_database_connections().await;
    }
    for run in runs {
        world.succeeded(run).await;
    }
    let effects = world.effects().await;
    assert_eq!(effects.len(), 5 * 4);
    assert!(effects.iter().all(|(_, _, count)| *count == 1), "{effects:?}");
}

/// Two lanes of a read and a write. Before there is an effect, the read of `b` takes long, and after that the one of `a`.
fn lanes(language: &str, source: &str) -> Value {
    let read = "SELECT pg_sleep(CASE WHEN (SELECT count(*) FROM effects) = 0 THEN CASE {{ lane }}::text WHEN 'b' THEN 20 ELSE 0 END
        ELSE CASE {{ lane }}::text WHEN 'a' THEN 1 ELSE 0 END END)::text";
    json!({
        "format": 1, "title": "Lanes", "start": "lanes",
        "blocks": { "lanes": { "type": "code", "language": language, "source": source, "timeout-ms": 60_000 } },
        "queries": {
            "read": { "resource": "tables", "statement": read },
            "effects": { "resource": "tables", "statement": "SELECT block FROM effects" },
            "mark": { "resource": "tables", "mode": "write", "statement": "INSERT INTO effects VALUES ({{ lane }}, 'x')" },
        },
    })
}

/// Kills code-executor when the first lane has written.
async fn crash_between_lanes(language: &str, source: &str) {
    let mut world = World::start().await;
    let workflow = world.release(lanes(language, source)).await;
    let run = world.run(workflow, Value::Null).await;
    while world.effects().await.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.executor.restart();
    world.succeeded(run).await;
    let once = |lane: &str| (lane.to_owned(), "x".to_owned(), 1);
    assert_eq!(world.effects().await, [once("a"), once("b")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_two_parallel_writes_doubles_none_though_they_change_places() {
    let source = "const lane = (name) => query('read', { lane: name }).then(() => query('mark', { lane: name }));
        await Promise.all([lane('a'), lane('b')])";
    crash_between_lanes("javascript", source).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_two_writes_doubles_none_though_there_are_more_reads_than_before() {
    let source = "query('read', {'lane': 'c'})
has_crashed = query('effects')['row_count'] > 0
for number in range(3 if has_crashed else 0):
    query('read', {'lane': 'c'})
query('mark', {'lane': 'a'})
query('read', {'lane': 'c' if has_crashed else 'd'})
import time
time.sleep(0 if has_crashed else 20)
query('mark', {'lane': 'b'})";
    crash_between_lanes("python", source).await;
}
