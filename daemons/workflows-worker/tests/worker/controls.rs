//! What people say to runs, and what runs do by themselves: pauses, limits, choices, the clock, failures that start runs.

use std::time::Duration;

use bulkhead_model::run::{BlockStatus, Choice, RunStatus};
use bulkhead_store::StoreError;
use bulkhead_store::journal::BlockPlace;
use bulkhead_store::queues::WorkflowSettings;
use bulkhead_store::run_search::RunFilter;
use serde_json::{Value, json};

use crate::world::World;

/// A block whose outcome nobody knows, since the backend dies in it; and one after it.
async fn unknown_outcome(world: &mut World) -> bulkhead_model::RunId {
    let workflow = world
        .release(json!({
            "format": 1, "title": "Slow write", "start": "slow",
            "blocks": {
                "slow": { "type": "query", "resource": "tables", "mode": "write",
                    "statement": "WITH pause AS MATERIALIZED (SELECT pg_sleep(1.5)) INSERT INTO effects SELECT 'slow', 'x' FROM pause" },
                "after": { "type": "code", "language": "javascript", "source": "return slow === null ? 'skipped' : slow.affected" },
            },
            "edges": [{ "from": "slow", "to": "after" }],
        }))
        .await;
    let run = world.run(workflow, Value::Null).await;
    world.statement_under_way("pg_sleep(1.5)").await;
    world.backend.restart();
    world.waits(run, "outcome-unknown").await;
    run
}

fn slow() -> BlockPlace {
    BlockPlace { block: "slow".into(), iteration: Default::default(), attempt: 1 }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_a_block_of_unknown_outcome_made_again() {
    let mut world = World::start().await;
    let run = unknown_outcome(&mut world).await;
    world.api.choose(run, &slow(), Choice::Retry, "ada@example.test").await.expect("chooses");
    world.api.choose(run, &slow(), Choice::Retry, "bob@example.test").await.expect("the same is fine");
    let other = world.api.choose(run, &slow(), Choice::Skip, "bob@example.test").await;
    assert!(matches!(other, Err(StoreError::Changed { .. })));
    world.succeeded(run).await;
    let attempts = world.api.block_rounds(run, "slow", None, 10).await.expect("reads");
    let statuses: Vec<_> = attempts.iter().map(|one| one.status).collect();
    assert_eq!(statuses, [BlockStatus::OutcomeUnknown, BlockStatus::Succeeded]);
    assert_eq!(attempts[0].choice, Some((Choice::Retry, "ada@example.test".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_a_run_go_on_without_a_block_of_unknown_outcome() {
    let mut world = World::start().await;
    let run = unknown_outcome(&mut world).await;
    world.api.choose(run, &slow(), Choice::Skip, "ada@example.test").await.expect("chooses");
    world.succeeded(run).await;
    let blocks = world.api.block_runs(run).await.expect("reads");
    assert_eq!(blocks.iter().find(|one| one.place.block == "after").expect("it ran").result, json!("skipped"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_a_block_of_unknown_outcome_fail() {
    let mut world = World::start().await;
    let run = unknown_outcome(&mut world).await;
    world.api.choose(run, &slow(), Choice::Fail, "ada@example.test").await.expect("chooses");
    assert_eq!(world.ended(run).await.error.expect("an error").kind, "outcome-unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_run_goes_on_where_it_was() {
    let world = World::start().await;
    let workflow = world
        .release(json!({
            "format": 1, "title": "Wait", "start": "pause",
            "blocks": { "pause": { "type": "wait", "for": { "seconds": "0.5" } }, "reply": { "type": "response", "body": "'done'" } },
            "edges": [{ "from": "pause", "to": "reply" }],
        }))
        .await;
    let run = world.run(workflow, Value::Null).await;
    world.waits(run, "wait").await;
    world.api.pause_run(run).await.expect("pauses");
    world.waits(run, "paused").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.api.run(run).await.expect("reads").status, RunStatus::Waiting);
    world.api.resume_run(run).await.expect("goes on");
    world.succeeded(run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_ended_though_nothing_of_it_answers() {
    let mut world = World::start().await;
    let block = json!({ "type": "wait", "for": { "seconds": "1000" } });
    let workflow =
        world.release(json!({ "format": 1, "title": "Wait", "start": "pause", "blocks": { "pause": block } })).await;
    let run = world.run(workflow, Value::Null).await;
    world.waits(run, "wait").await;
    world.worker.kill();
    world.api.terminate_run(run, "ada@example.test").await.expect("ends");
    assert_eq!(world.api.run(run).await.expect("reads").status, RunStatus::Cancelled);
    world.worker.restart();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_with_a_limit_runs_all_that_is_queued_a_few_at_a_time() {
    let world = World::start().await;
    let workflow = world
        .release(json!({
            "format": 1, "title": "Count", "start": "count",
            "blocks": { "count": { "type": "query", "resource": "tables", "mode": "write",
                "statement": "WITH pause AS MATERIALIZED (SELECT pg_sleep(0.1)) INSERT INTO effects SELECT 'count', count(*)::text
                    FROM pause, pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep(0.1)%'" } },
        }))
        .await;
    let settings = WorkflowSettings { max_running: Some(2), ..WorkflowSettings::default() };
    world.api.set_workflow_settings(workflow, &settings).await.expect("sets");
    let mut runs = Vec::new();
    for _ in 0..12 {
        runs.push(world.run(workflow, Value::Null).await);
    }
    for run in runs {
        world.succeeded(run).await;
    }
    let at_once = world.effects().await;
    assert_eq!(at_once.iter().map(|(_, _, count)| count).sum::<i64>(), 12);
    assert!(at_once.iter().all(|(_, at_once, _)| ["1", "2"].contains(&at_once.as_str())), "{at_once:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_starts_runs() {
    let world = World::start().await;
    let workflow = world
        .release(json!({
            "format": 1, "title": "Clock", "start": "hello",
            "triggers": { "often": { "type": "schedule", "cron": "* * * * *", "timezone": "Europe/Vienna", "catch-up-s": 86400 } },
            "blocks": { "hello": { "type": "code", "language": "javascript", "source": "return trigger.scheduled_at" } },
        }))
        .await;
    // As if nothing had run here for the last two minutes and a half.
    let client = world.own.connect().await;
    let sql = "UPDATE schedules SET next_due = date_trunc('minute', now()) - interval '2 minutes', look_at = now() WHERE workflow_id = $1";
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while world.api.schedules(workflow).await.expect("reads")[0].next_due.is_none() {
        assert!(std::time::Instant::now() < end, "nobody looks at schedules");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    client.execute(sql, &[&workflow.0]).await.expect("changes");
    let mut runs = Vec::new();
    while runs.is_empty() {
        assert!(std::time::Instant::now() < end, "the clock starts nothing");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let filter = RunFilter { workflow: Some(workflow), ..RunFilter::default() };
        runs =
            world.api.runs(&filter, (bulkhead_model::UserId(uuid::Uuid::nil()), true), 10).await.expect("lists").runs;
    }
    let ended = world.succeeded(runs[0].id).await;
    assert_eq!(ended.trigger["kind"], "schedule");
    let blocks = world.api.block_runs(ended.id).await.expect("reads");
    assert_eq!(blocks[0].result, ended.trigger["scheduled_at"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_starts_the_workflow_that_is_named_for_it_once() {
    let world = World::start().await;
    let tell =
        json!({ "tell": { "type": "code", "language": "javascript", "source": "return trigger.body.error.message" } });
    let told = world
        .release_as(
            "told",
            json!({ "format": 1, "title": "Told", "start": "tell", "blocks": tell, "on-failure": "told" }),
        )
        .await;
    let fail = json!({ "fail": { "type": "stop", "status": "failed", "message": "no stock" } });
    let failing = world
        .release_as(
            "failing",
            json!({ "format": 1, "title": "Failing", "start": "fail", "blocks": fail, "on-failure": "told" }),
        )
        .await;
    let run = world.run(failing, Value::Null).await;
    assert_eq!(world.ended(run).await.status, RunStatus::Failed);
    let filter = RunFilter { workflow: Some(told), ..RunFilter::default() };
    let runs =
        world.api.runs(&filter, (bulkhead_model::UserId(uuid::Uuid::nil()), true), 10).await.expect("lists").runs;
    assert_eq!(runs.len(), 1);
    world.succeeded(runs[0].id).await;
    let trigger = &runs[0].trigger;
    assert_eq!((&trigger["kind"], &trigger["body"]["run"]), (&json!("failure"), &json!(run)));
    assert_eq!(world.api.block_runs(runs[0].id).await.expect("reads")[0].result, json!("no stock"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_begins_at_a_block_with_what_came_before_in_an_earlier_one() {
    let world = World::start().await;
    let workflow = world
        .release(json!({
            "format": 1, "title": "Again", "start": "first", "variables": { "total": 0 },
            "blocks": {
                "first": { "type": "query", "resource": "tables", "mode": "write", "statement": "INSERT INTO effects VALUES ('first', 'x')" },
                "add": { "type": "set", "values": { "total": "vars.total + first.affected" } },
                "second": { "type": "query", "resource": "tables", "mode": "write", "statement": "INSERT INTO effects VALUES ('second', 'x')" },
                "more": { "type": "set", "values": { "total": "vars.total + 100" } },
                "third": { "type": "code", "language": "javascript", "source": "return [first.affected, vars.total, trigger.body]" },
            },
            "edges": [
                { "from": "first", "to": "add" }, { "from": "add", "to": "second" }, { "from": "second", "to": "more" },
                { "from": "more", "to": "third" },
            ],
        }))
        .await;
    let earlier = world.run(workflow, json!("one")).await;
    world.succeeded(earlier).await;
    let again = world.run_from(workflow, json!("two"), (earlier, "second")).await;
    world.succeeded(again).await;
    let counts: Vec<_> = world.effects().await.into_iter().map(|(block, _, count)| (block, count)).collect();
    assert_eq!(counts, [("first".to_owned(), 1), ("second".to_owned(), 2)]);
    let again = world.run_from(workflow, json!("three"), (earlier, "more")).await;
    world.succeeded(again).await;
    let variables = world.run_from(workflow, json!("four"), (earlier, "third")).await;
    world.succeeded(variables).await;
    let result = async |run| {
        let blocks = world.api.block_runs(run).await.expect("reads");
        blocks.into_iter().find(|one| one.place.block == "third").expect("it ran").result
    };
    assert_eq!(result(again).await, json!([1, 101, "three"]));
    assert_eq!(result(variables).await, json!([1, 101, "four"]));
}
