//! What a run does when nothing goes wrong but the workflow itself.

use bulkhead_model::run::{BlockStatus, RunStatus};
use serde_json::{Value, json};

use crate::world::World;

/// Code, a write with bound values, Python with a query of its own, a branch, a response.
fn everything() -> Value {
    json!({
        "format": 1, "title": "Everything", "start": "prepare",
        "triggers": { "hook": { "type": "webhook" } },
        "blocks": {
            "prepare": { "type": "code", "language": "javascript",
                "source": "console.log('canary-log'); return { name: trigger.body.name, total: 40 + 2 }" },
            "store": { "type": "query", "resource": "tables", "mode": "write",
                "statement": "INSERT INTO effects VALUES ('store', {{ prepare.name }}) RETURNING run" },
            "count": { "type": "code", "language": "python",
                "source": "rows = query('stored', {'of': prepare['name']})['rows']\nreturn {'found': rows[0]['found'], 'of': store['rows'][0]['run']}" },
            "enough": { "type": "branch", "condition": "count.found >= 1" },
            "yes": { "type": "response", "status": 201, "body": "({ found: count.found, of: count.of, total: prepare.total })" },
            "no": { "type": "response", "status": 404, "body": "null" },
        },
        "edges": [
            { "from": "prepare", "to": "store" }, { "from": "store", "to": "count" }, { "from": "count", "to": "enough" },
            { "from": "enough", "port": "true", "to": "yes" }, { "from": "enough", "port": "false", "to": "no" },
        ],
        "queries": { "stored": { "resource": "tables", "statement": "SELECT count(*)::int AS found FROM effects WHERE run = {{ of }}" } },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_from_trigger_to_response() {
    let world = World::start().await;
    let mut document = everything();
    // Temporal hears of what takes longer.
    document["blocks"]["rest"] = json!({ "type": "wait", "for": { "seconds": "1" } });
    document["edges"].as_array_mut().expect("edges").push(json!({ "from": "yes", "to": "rest" }));
    let workflow = world.release(document).await;
    let run = world.run(workflow, json!({ "name": "canary-value" })).await;
    let ended = world.succeeded(run).await;
    let response = ended.response.expect("a response");
    assert_eq!((response.status, response.body), (201, json!({ "found": 1, "of": "canary-value", "total": 42 })));
    let blocks = world.api.block_runs(run).await.expect("reads");
    let names: Vec<&str> = blocks.iter().map(|block| block.place.block.as_str()).collect();
    assert_eq!(names, ["prepare", "store", "count", "enough", "yes", "rest"]);
    assert!(blocks.iter().all(|block| block.status == BlockStatus::Succeeded), "{blocks:#?}");
    assert_eq!(blocks[1].input, json!({ "prepare.name": "canary-value" }));
    assert_eq!(blocks[3].port.as_deref(), Some("true"));
    let logs = world.api.block_logs(run).await.expect("reads");
    assert_eq!(logs.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["canary-log"]);
    let history = world.temporal.history(&run.to_string());
    assert!(history.contains(&run.to_string()), "{history}");
    for canary in ["canary", "prepare", "Y2FuYXJ5", "total"] {
        assert!(!history.contains(canary), "{canary} is in Temporal's history: {history}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_functions_write_is_written_once_however_often_the_code_runs() {
    let mut world = World::start().await;
    let workflow = world
        .release(json!({
            "format": 1, "title": "Functions", "start": "work",
            "blocks": {
                "work": { "type": "code", "language": "javascript", "source": "\
                    await functions.mark({ block: 'first', of: trigger.body });\n\
                    const gross = await functions.gross({ net: 100 });\n\
                    await functions.mark({ block: 'second', of: trigger.body });\n\
                    await query('slow');\n\
                    return gross" },
                "check": { "type": "code", "language": "python", "source": "return [work, functions.found(of=trigger['body'])['rows'][0]['found']]" },
                "answer": { "type": "response", "body": "check" },
            },
            "edges": [{ "from": "work", "to": "check" }, { "from": "check", "to": "answer" }],
            "queries": { "slow": { "resource": "tables", "statement": "SELECT pg_sleep(1.5)" } },
            "functions": {
                "mark": { "type": "query", "parameters": ["block", "of"], "resource": "tables", "mode": "write", "statement": "INSERT INTO effects VALUES ({{ block }}, {{ of }})" },
                "found": { "type": "query", "parameters": ["of"], "resource": "tables", "statement": "SELECT count(*)::int AS found FROM effects WHERE run = {{ of }}" },
                "gross": { "type": "code", "parameters": ["net"], "language": "javascript", "source": "return net * (1 + await functions.rate())" },
                "rate": { "type": "code", "language": "javascript", "source": "return 0.5" },
            },
        }))
        .await;
    let run = world.run(workflow, json!("x")).await;
    world.statement_under_way("pg_sleep(1.5)").await;
    // The code runs again, and finds its writes in the journal.
    world.executor.restart();
    let ended = world.succeeded(run).await;
    assert_eq!(ended.response.expect("a response").body, json!([150, 2]));
    let effects = [("first".to_owned(), "x".to_owned(), 1), ("second".to_owned(), "x".to_owned(), 1)];
    assert_eq!(world.effects().await, effects);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_a_write_of_its_block_and_its_guard_a_kind_of_error() {
    let world = World::start().await;
    world.tables.batch_execute("CREATE UNIQUE INDEX ON effects (block, run)").await.expect("created");
    let query = |change: Value| json!({ "type": "query", "resource": "tables", "change": change });
    let of_run = json!([{ "column": "run", "value": "trigger.body" }]);
    let workflow = world
        .release(json!({
            "format": 1, "title": "Changes", "start": "many",
            "blocks": {
                "many": query(json!({ "do": "bulk-upsert", "table": "effects", "columns": ["block", "run"], "conflict": ["block", "run"],
                    "rows": "['a', 'b'].map((block) => ({ block, run: trigger.body }))" })),
                "one": query(json!({ "do": "insert", "table": "effects", "values": { "block": "'c'", "run": "many.affected" } })),
                "named": { "type": "code", "language": "python", "source": "return functions.move(block='d', of=trigger['body'])['affected']" },
                "guarded": query(json!({ "do": "delete", "table": "effects", "where": of_run })),
                "caught": { "type": "response", "body": "({ kind: error.kind, message: error.message, run: one.rows[0].run, named })" },
            },
            "edges": [
                { "from": "many", "to": "one" }, { "from": "one", "to": "named" }, { "from": "named", "to": "guarded" },
                { "from": "guarded", "port": "error", "to": "caught" },
            ],
            "functions": { "move": { "type": "query", "parameters": ["block", "of"], "resource": "tables", "change": {
                "do": "update", "table": "effects", "values": { "block": "block" },
                "where": [{ "column": "run", "value": "of" }, { "column": "block", "value": "block" }] } } },
        }))
        .await;
    let run = world.run(workflow, json!("x")).await;
    let answer = world.succeeded(run).await.response.expect("a response").body;
    assert_eq!((&answer["kind"], &answer["run"], &answer["named"]), (&json!("too-many-rows"), &json!("2"), &json!(0)));
    assert!(answer["message"].as_str().expect("text").starts_with("2 rows fit the conditions"), "{answer}");
    let effects: Vec<_> = world.effects().await.into_iter().map(|(block, run, _)| (block, run)).collect();
    let wanted = [("a", "x"), ("b", "x"), ("c", "2")].map(|(block, run)| (block.to_owned(), run.to_owned()));
    assert_eq!(effects, wanted);
    let owner = world.own.connect().await;
    let journalled = owner.query_one("SELECT count(*) FROM block_calls", &[]).await.expect("counted");
    assert_eq!(journalled.get::<_, i64>(0), 4);
}

/// A workflow of one block.
fn single(block: Value) -> Value {
    json!({ "format": 1, "title": "Single", "start": "only", "blocks": { "only": block } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_ends_the_run_and_names_its_block_and_cause() {
    let world = World::start().await;
    let cases = [
        (
            json!({ "type": "query", "resource": "nowhere", "statement": "SELECT 1" }),
            "resource-unknown",
            "no resource `nowhere`",
        ),
        (
            json!({ "type": "query", "resource": "tables", "statement": "SELECT nothing FROM effects" }),
            "query-failed",
            "at character 8",
        ),
        (
            json!({ "type": "query", "resource": "tables", "statement": "SELECT {{ absent.value }}" }),
            "thrown",
            "absent",
        ),
        (
            json!({ "type": "query", "resource": "tables", "statement": "DELETE FROM effects" }),
            "statement-unsupported",
            "mode to \"write\"",
        ),
        (
            json!({ "type": "code", "language": "javascript", "source": "throw new Error('on purpose')" }),
            "thrown",
            "on purpose",
        ),
        (
            json!({ "type": "code", "language": "python", "source": "return query('none')" }),
            "query-failed",
            "no query `none`",
        ),
        (
            json!({ "type": "code", "language": "javascript", "source": "while (true) {}", "timeout-ms": 500 }),
            "wall-time",
            "",
        ),
    ];
    for (number, (block, kind, message)) in cases.into_iter().enumerate() {
        let document = serde_json::from_value(single(block)).expect("a document");
        let slug = format!("case-{number}");
        let workflow = world.api.create_workflow(&slug, &document, None).await.expect("creates");
        world.api.release_workflow(workflow, 1, None).await.expect("releases");
        let run = world.run(workflow, Value::Null).await;
        let ended = world.ended(run).await;
        let error = ended.error.unwrap_or_else(|| panic!("case {number} has no error: {:?}", ended.status));
        assert_eq!((ended.status, error.kind.as_str()), (RunStatus::Failed, kind), "{error:?}");
        assert!(error.message.contains(message), "{error:?}");
        assert_eq!(error.block.as_deref(), Some("only"));
        let blocks = world.api.block_runs(run).await.expect("reads");
        assert_eq!(blocks[0].error.as_ref().map(|error| error.kind.as_str()), Some(kind));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_is_answered_before_the_run_ends() {
    let world = World::start().await;
    let workflow = world
        .release(json!({
            "format": 1, "title": "Answer", "start": "answer",
            "blocks": {
                "answer": { "type": "response", "body": "'early'" },
                "slow": { "type": "code", "language": "python", "source": "import time\ntime.sleep(3)" },
            },
            "edges": [{ "from": "answer", "to": "slow" }],
        }))
        .await;
    let run = world.run(workflow, Value::Null).await;
    world.block_ended(run, "answer").await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let answer = world.api.run_answer(run).await.expect("reads");
    assert_eq!(answer.response.expect("a response").body, json!("early"));
    assert_eq!(answer.status, RunStatus::Running);
    world.succeeded(run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_ends_soon_and_its_code_with_it() {
    let world = World::start().await;
    let source = "import time\ntime.sleep(60)\nquery('mark')";
    let mut document = single(json!({ "type": "code", "language": "python", "source": source, "timeout-ms": 100_000 }));
    document["queries"] = json!({ "mark": { "resource": "tables", "mode": "write", "statement": "INSERT INTO effects VALUES ('only', 'late')" } });
    let workflow = world.release(document).await;
    let run = world.run(workflow, Value::Null).await;
    while world.api.run_answer(run).await.expect("reads").status == RunStatus::Queued {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let asked = std::time::Instant::now();
    world.api.request_cancel(run).await.expect("asked");
    let ended = world.ended(run).await;
    assert_eq!(ended.status, RunStatus::Cancelled);
    assert!(asked.elapsed() < std::time::Duration::from_secs(15), "{:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_no_sandbox_is_what_javascript_makes_of_it() {
    let world = World::start().await;
    let expressions = "[load, load.rows[0].name, load.rows.length, load.rows[1]['a b'], { n: load.rows[1].n, load, none: null, \
                       yes: true, 'a b': [-7, 'x', \"y\"] }, trigger.body, vars.total, ((load.rows))[0], []]";
    let workflow = world
        .release(json!({
            "format": 1, "title": "Plain", "start": "load", "variables": { "total": 3 },
            "blocks": {
                "load": { "type": "code", "language": "javascript",
                    "source": "return { rows: [{ name: 'Ann', n: 0.1 + 0.2 }, { 'a b': 'ü', n: 2 ** 53 }], tiny: 1e-7, zero: -0 }" },
                "sandboxed": { "type": "code", "language": "javascript", "source": format!("return {expressions}") },
                "answer": { "type": "response", "body": expressions },
            },
            "edges": [{ "from": "load", "to": "sandboxed" }, { "from": "sandboxed", "to": "answer" }],
        }))
        .await;
    let run = world.run(workflow, json!({ "month": "2026-03", "deep": [[1, { "x": null }]] })).await;
    let answer = world.succeeded(run).await.response.expect("a response").body;
    let blocks = world.api.block_runs(run).await.expect("reads");
    let block = |name: &str| blocks.iter().find(|block| block.place.block == name).expect("it ran");
    assert_eq!(answer, block("sandboxed").result);
    let cpu_ms = |name: &str| block(name).usage.expect("a use").cpu_ms;
    assert!(cpu_ms("sandboxed") > 0.0);
    assert_eq!(cpu_ms("answer"), 0.0, "it had no process");
}
