//! Loops, parallel paths, tries, switches, attempts.

use bulkhead_model::run::{BlockStatus, Iteration, RunStatus};
use serde_json::{Value, json};

use crate::world::World;

fn javascript(source: &str) -> Value {
    json!({ "type": "code", "language": "javascript", "source": source })
}

/// A workflow that answers with `answer`, an expression, at its end.
async fn answer(world: &World, blocks: Value, edges: Value, start: &str, body: Value) -> Value {
    let mut document = json!({ "format": 1, "title": "Scopes", "start": start, "blocks": blocks, "edges": edges });
    document["variables"] = json!({ "total": 0 });
    let workflow = world.release(document).await;
    let run = world.run(workflow, body).await;
    world.succeeded(run).await.response.expect("a response").body
}

#[tokio::test(flavor = "multi_thread")]
async fn loops_nest_and_each_round_sees_its_own_item() {
    let world = World::start().await;
    let blocks = json!({
        "outer": { "type": "loop", "over": "trigger.body" },
        "inner": { "type": "loop", "over": "item", "mode": "parallel", "at-once": 3 },
        "double": javascript("return { twice: item * 2, index }"),
        "sum": javascript("return inner.reduce((sum, one) => sum + one.twice, 0) + index * 1000"),
        "reply": { "type": "response", "body": "outer" },
    });
    let edges = json!([
        { "from": "outer", "port": "each", "to": "inner" }, { "from": "inner", "port": "each", "to": "double" },
        { "from": "inner", "to": "sum" }, { "from": "outer", "to": "reply" },
    ]);
    let body = answer(&world, blocks, edges, "outer", json!([[1, 2, 3], [], [4]])).await;
    assert_eq!(body, json!([12, 1000, 2008]));
}

#[tokio::test(flavor = "multi_thread")]
async fn loops_in_two_paths_keep_their_rounds_apart() {
    let world = World::start().await;
    let blocks = json!({
        "both": { "type": "parallel", "branches": ["left", "right"] },
        "fast": { "type": "loop", "over": "12" }, "quick": javascript("return index"),
        "slow": { "type": "loop", "over": "12" }, "late": javascript("await new Promise((done) => setTimeout(done, 20)); return -index"),
        "reply": { "type": "response", "body": "both" },
    });
    let edges = json!([
        { "from": "both", "port": "left", "to": "fast" }, { "from": "fast", "port": "each", "to": "quick" },
        { "from": "both", "port": "right", "to": "slow" }, { "from": "slow", "port": "each", "to": "late" },
        { "from": "both", "to": "reply" },
    ]);
    let body = answer(&world, blocks, edges, "both", Value::Null).await;
    let numbers = |sign: i32| (0..12).map(|number| number * sign).collect::<Vec<_>>();
    assert_eq!(body, json!({ "left": numbers(1), "right": numbers(-1) }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_ends_when_its_condition_holds_and_variables_last() {
    let world = World::start().await;
    let blocks = json!({
        "count": { "type": "loop", "over": "100", "until": "vars.total >= 10 && run.block === 'count'" },
        "add": { "type": "set", "values": { "total": "vars.total + item" } },
        "reply": { "type": "response", "body": "({ rounds: count.length, total: vars.total })" },
    });
    let edges = json!([{ "from": "count", "port": "each", "to": "add" }, { "from": "count", "to": "reply" }]);
    let body = answer(&world, blocks, edges, "count", Value::Null).await;
    assert_eq!(body, json!({ "rounds": 5, "total": 10 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_goes_to_the_nearest_handler() {
    let world = World::start().await;
    let blocks = json!({
        "attempt": { "type": "try" },
        "risky": javascript("throw new Error('on purpose')"),
        "rescue": javascript("return `rescued from ${error.block}: ${error.message}`"),
        "lone": javascript("throw new Error('again')"),
        "mend": javascript("return [attempt, error.block]"),
        "reply": { "type": "response", "body": "mend" },
    });
    let edges = json!([
        { "from": "attempt", "port": "try", "to": "risky" }, { "from": "attempt", "port": "catch", "to": "rescue" },
        { "from": "attempt", "to": "lone" }, { "from": "lone", "port": "error", "to": "mend" }, { "from": "mend", "to": "reply" },
    ]);
    let body = answer(&world, blocks, edges, "attempt", Value::Null).await;
    assert_eq!(body, json!(["rescued from risky: on purpose", "lone"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_paths_join_and_a_switch_chooses() {
    let world = World::start().await;
    let blocks = json!({
        "both": { "type": "parallel", "branches": ["left", "right"] },
        "one": javascript("return 1"), "two": javascript("return 2"),
        "keep": { "type": "filter", "over": "[5, 1, 7]", "where": "item > 2 && index < 2" },
        "size": { "type": "switch", "cases": [{ "port": "small", "when": "both.left > 1" }, { "port": "large", "when": "both.right > 1" }] },
        "reply": { "type": "response", "body": "({ both, keep, size })", "headers": { "x-size": "is {{ size }}" } },
    });
    let edges = json!([
        { "from": "both", "port": "left", "to": "one" }, { "from": "both", "port": "right", "to": "two" },
        { "from": "both", "to": "keep" }, { "from": "keep", "to": "size" }, { "from": "size", "port": "large", "to": "reply" },
    ]);
    let body = answer(&world, blocks, edges, "both", Value::Null).await;
    assert_eq!(body, json!({ "both": { "left": 1, "right": 2 }, "keep": [5], "size": "large" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_round_fails_its_loop_unless_that_is_to_go_on() {
    let world = World::start().await;
    let document = |on_failure: &str| {
        json!({
            "format": 1, "title": "Rounds", "start": "each",
            "blocks": {
                "each": { "type": "loop", "over": "[1, 0, 2]", "on-failure": on_failure },
                "divide": javascript("if (!item) throw new Error('zero'); return 6 / item"),
                "reply": { "type": "response", "body": "each.map((one) => one.error?.kind ?? one)" },
            },
            "edges": [{ "from": "each", "port": "each", "to": "divide" }, { "from": "each", "to": "reply" }],
        })
    };
    let workflow = world.release(document("continue")).await;
    let run = world.run(workflow, Value::Null).await;
    assert_eq!(world.succeeded(run).await.response.expect("a response").body, json!([6, "thrown", 3]));
    let workflow = world.release_as("strict", document("fail")).await;
    let run = world.run(workflow, Value::Null).await;
    let error = world.ended(run).await.error.expect("an error");
    assert_eq!((error.kind.as_str(), error.block.as_deref()), ("thrown", Some("divide")));
    let rounds = world.api.block_rounds(run, "divide", None, 10).await.expect("reads");
    assert_eq!(
        rounds.iter().map(|round| round.place.iteration.clone()).collect::<Vec<_>>(),
        [Iteration(vec![0]), Iteration(vec![1])]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_tried_again_unless_it_has_changed_something() {
    let world = World::start().await;
    let retry = json!({ "count": 3, "delay-ms": 10 });
    let code = |source: &str, idempotent: bool| json!({ "type": "code", "language": "javascript", "source": source, "retry": retry, "idempotent": idempotent });
    let document = |block: Value| {
        json!({
            "format": 1, "title": "Attempts", "start": "only", "blocks": { "only": block },
            "queries": { "mark": { "resource": "tables", "mode": "write", "statement": "INSERT INTO effects VALUES ('only', 'x')" } },
        })
    };
    let third = "if (run.attempt < 3) throw new Error('not yet'); return run.key";
    let workflow = world.release(document(code(third, false))).await;
    let run = world.run(workflow, Value::Null).await;
    world.succeeded(run).await;
    let attempts = world.api.block_rounds(run, "only", None, 10).await.expect("reads");
    let statuses: Vec<_> = attempts.iter().map(|attempt| (attempt.place.attempt, attempt.status)).collect();
    assert_eq!(statuses, [(1, BlockStatus::Failed), (2, BlockStatus::Failed), (3, BlockStatus::Succeeded)]);
    assert_eq!(attempts[2].result, json!(format!("{run}-only")));

    let writes = "await query('mark'); throw new Error('after the write')";
    let workflow = world.release_as("writes", document(code(writes, false))).await;
    let run = world.run(workflow, Value::Null).await;
    assert_eq!(world.ended(run).await.status, RunStatus::Failed);
    assert_eq!(world.effects().await, [("only".to_owned(), "x".to_owned(), 1)]);
    let workflow = world.release_as("again", document(code(writes, true))).await;
    let run = world.run(workflow, Value::Null).await;
    assert_eq!(world.ended(run).await.status, RunStatus::Failed);
    assert_eq!(world.effects().await, [("only".to_owned(), "x".to_owned(), 1 + 4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_run_tells_its_handler_and_a_stop_ends_it() {
    let world = World::start().await;
    let document = json!({
        "format": 1, "title": "Handled", "start": "each", "on-error": "tell",
        "blocks": {
            "each": { "type": "loop", "over": "3" },
            "odd": { "type": "branch", "condition": "item === 1" },
            "halt": { "type": "stop", "status": "failed", "message": "round {{ item }} is odd" },
            "boom": javascript("throw new Error('late')"),
            "tell": { "type": "query", "resource": "tables", "mode": "write", "statement": "INSERT INTO effects VALUES ('tell', {{ error.message }})" },
        },
        "edges": [
            { "from": "each", "port": "each", "to": "odd" }, { "from": "odd", "port": "true", "to": "halt" }, { "from": "each", "to": "boom" },
        ],
    });
    let workflow = world.release(document.clone()).await;
    let run = world.run(workflow, Value::Null).await;
    let error = world.ended(run).await.error.expect("an error");
    assert_eq!((error.kind.as_str(), error.message.as_str()), ("stopped", "round 1 is odd"));
    assert!(world.effects().await.is_empty());
    let mut without = document;
    without["blocks"]["odd"]["condition"] = json!("false");
    let workflow = world.release_as("without", without).await;
    let run = world.run(workflow, Value::Null).await;
    let ended = world.ended(run).await;
    assert_eq!(ended.error.expect("an error").block.as_deref(), Some("boom"));
    assert_eq!(world.effects().await, [("tell".to_owned(), "late".to_owned(), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_in_a_loop_happen_once_each_though_workers_are_killed() {
    let mut world = World::start().await;
    let document = json!({
        "format": 1, "title": "Writes", "start": "each",
        "blocks": {
            "each": { "type": "loop", "over": "60", "mode": "parallel", "at-once": 4 },
            "think": javascript("return item + 1"),
            "write": { "type": "query", "resource": "tables", "mode": "write",
                "statement": "WITH pause AS MATERIALIZED (SELECT pg_sleep(0.1)) INSERT INTO effects SELECT 'write', {{ String(think) }} FROM pause" },
            "call": javascript("await query('mark', { n: String(item) }); return null"),
            "reply": { "type": "response", "body": "each.length" },
        },
        "edges": [
            { "from": "each", "port": "each", "to": "think" }, { "from": "think", "to": "write" }, { "from": "write", "to": "call" },
            { "from": "each", "to": "reply" },
        ],
        "queries": { "mark": { "resource": "tables", "mode": "write", "statement": "INSERT INTO effects VALUES ('call', {{ n }})" } },
    });
    let workflow = world.release(document).await;
    let run = world.run(workflow, Value::Null).await;
    for _ in 0..2 {
        tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
        world.worker.restart();
    }
    assert_eq!(world.succeeded(run).await.response.expect("a response").body, json!(60));
    let effects = world.effects().await;
    assert_eq!(effects.len(), 2 * 60);
    assert!(effects.iter().all(|(_, _, count)| *count == 1), "{effects:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_that_would_not_end_is_refused_and_one_of_many_rounds_ends() {
    let world = World::start().await;
    let document = |over: &str| {
        json!({
            "format": 1, "title": "Long", "start": "each",
            "blocks": {
                "each": { "type": "loop", "over": over, "collect": false }, "work": javascript("return item * 2"),
                "reply": { "type": "response", "body": "each" },
            },
            "edges": [{ "from": "each", "port": "each", "to": "work" }, { "from": "each", "to": "reply" }],
        })
    };
    let workflow = world.release(document("10_000_000")).await;
    let run = world.run(workflow, Value::Null).await;
    assert_eq!(world.ended(run).await.error.expect("an error").kind, "loop-too-long");
    let workflow = world.release_as("many", document("2000")).await;
    let run = world.run(workflow, Value::Null).await;
    assert_eq!(world.succeeded(run).await.response.expect("a response").body, json!(2000));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_a_further_attempt_is_in_its_first() {
    let world = World::start().await;
    let blocks = json!({
        "flaky": { "type": "code", "language": "javascript", "source": "if (run.attempt < 2) throw new Error('not yet')",
            "retry": { "count": 1, "delay-ms": 1 } },
        "calm": javascript("return run.attempt"),
        "reply": { "type": "response", "body": "calm" },
    });
    let edges = json!([{ "from": "flaky", "to": "calm" }, { "from": "calm", "to": "reply" }]);
    assert_eq!(answer(&world, blocks, edges, "flaky", Value::Null).await, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stops_with_plain_words() {
    let world = World::start().await;
    let document = |status: &str| {
        let stop = json!({ "type": "stop", "status": status, "message": "nothing to do" });
        json!({ "format": 1, "title": "Stop", "start": "end", "blocks": { "end": stop } })
    };
    let workflow = world.release(document("succeeded")).await;
    let run = world.run(workflow, Value::Null).await;
    world.succeeded(run).await;
    let workflow = world.release_as("failing", document("failed")).await;
    let run = world.run(workflow, Value::Null).await;
    let error = world.ended(run).await.error.expect("an error");
    assert_eq!((error.kind.as_str(), error.message.as_str()), ("stopped", "nothing to do"));
}
