//! Workflows that change, or go, while their runs wait; and runs whose parent is cancelled.

use std::time::{Duration, Instant};

use bulkhead_model::run::RunStatus;
use bulkhead_model::{RunId, UserId, WorkflowId};
use bulkhead_store::approvals::Verdict;
use bulkhead_store::run_search::RunFilter;
use serde_json::{Value, json};

use crate::world::World;

/// Waits, then answers with a word.
fn waiting(seconds: &str, answer: &str, pause: &str) -> Value {
    json!({
        "format": 1, "title": "Waits", "start": pause,
        "blocks": { pause: { "type": "wait", "for": { "seconds": seconds } }, "reply": { "type": "response", "body": format!("'{answer}'") } },
        "edges": [{ "from": pause, "to": "reply" }],
    })
}

/// The runs of a workflow.
async fn runs_of(world: &World, workflow: WorkflowId) -> Vec<RunId> {
    let filter = RunFilter { workflow: Some(workflow), ..RunFilter::default() };
    let page = world.api.runs(&filter, (UserId(uuid::Uuid::nil()), true), 50).await.expect("lists");
    page.runs.iter().map(|run| run.id).collect()
}

async fn first_run_of(world: &World, workflow: WorkflowId) -> RunId {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(run) = runs_of(world, workflow).await.first() {
            return *run;
        }
        assert!(Instant::now() < end, "it has no run");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_goes_on_by_its_own_version() {
    let world = World::start().await;
    let workflow = world.release(waiting("3", "one", "pause")).await;
    let first = world.run(workflow, Value::Null).await;
    world.waits(first, "wait").await;
    // Its block has another name, and its title too.
    let mut changed = waiting("0.1", "two", "rest");
    changed["title"] = json!("Renamed");
    let changed = serde_json::from_value(changed).expect("a document");
    let revision = world.api.save_workflow_draft(workflow, 1, &changed).await.expect("saves");
    world.api.release_workflow(workflow, revision, None).await.expect("releases");
    world.api.restore_workflow_release(workflow, 1).await.expect("rolls back");
    world.api.restore_workflow_release(workflow, 2).await.expect("and forth");
    let ended = world.succeeded(first).await;
    assert_eq!((ended.version, ended.response.expect("a response").body), (1, json!("one")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runs_of_a_deleted_workflow_are_gone_everywhere() {
    let world = World::start().await;
    let workflow = world.release(waiting("3", "one", "pause")).await;
    let run = world.run(workflow, Value::Null).await;
    world.waits(run, "wait").await;
    world.is_driven(run).await;
    world.api.delete_workflow(workflow).await.expect("deletes");
    assert!(world.api.run(run).await.is_err());
    let end = Instant::now() + Duration::from_secs(30);
    while !world.temporal.history(&run.to_string()).contains("WORKFLOW_EXECUTION_COMPLETED") {
        assert!(Instant::now() < end, "Temporal goes on with it");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_for_one_of_a_deleted_workflow_says_so() {
    let world = World::start().await;
    let child = world.release_as("child", waiting("3600", "late", "pause")).await;
    let parent = json!({
        "format": 1, "title": "Parent", "start": "call",
        "blocks": { "call": { "type": "workflow", "workflow": "child" } },
    });
    let run = world.run(world.release_as("parent", parent).await, Value::Null).await;
    world.waits(run, "workflow").await;
    world.waits(first_run_of(&world, child).await, "wait").await;
    world.api.delete_workflow(child).await.expect("deletes");
    let error = world.ended(run).await.error.expect("an error");
    assert_eq!((error.kind.as_str(), error.block.as_deref()), ("workflow-unknown", Some("call")), "{error:?}");
    assert!(error.message.contains("`child`"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cancelled_run_waits_for_is_cancelled_and_what_it_only_started_goes_on() {
    let world = World::start().await;
    let deepest = world.release_as("deepest", waiting("3600", "late", "pause")).await;
    let apart = world.release_as("apart", waiting("4", "on its own", "pause")).await;
    let call = |workflow: &str, wait: bool| json!({ "type": "workflow", "workflow": workflow, "wait": wait });
    let middle =
        json!({ "format": 1, "title": "Middle", "start": "call", "blocks": { "call": call("deepest", true) } });
    let middle = world.release_as("middle", middle).await;
    let top = json!({
        "format": 1, "title": "Top", "start": "begin", "blocks": { "begin": call("apart", false), "call": call("middle", true) },
        "edges": [{ "from": "begin", "to": "call" }],
    });
    let run = world.run(world.release_as("top", top).await, Value::Null).await;
    let (middle, deepest, apart) =
        (first_run_of(&world, middle).await, first_run_of(&world, deepest).await, first_run_of(&world, apart).await);
    world.waits(deepest, "wait").await;
    world.api.request_cancel(run).await.expect("asked");
    for run in [run, middle, deepest] {
        assert_eq!(world.ended(run).await.status, RunStatus::Cancelled);
    }
    world.succeeded(apart).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_want_while_temporal_is_away_happens_when_it_is_back() {
    let mut world = World::start().await;
    world.worker_says("\"temporal\":{\"state\":\"ready\"}").await;
    let ann = world.api.create_user("ann@example.test", "Ann", false).await.expect("created");
    let ask = json!({
        "format": 1, "title": "Ask", "start": "ask",
        "blocks": { "ask": { "type": "approval", "title": "Go on?", "people": ["ann@example.test"] } },
    });
    let ask = world.release_as("ask", ask).await;
    let asked = world.run(ask, Value::Null).await;
    world.waits(asked, "approval").await;
    let soon = world.release_as("soon", waiting("10", "soon", "pause")).await;
    let over = world.run(soon, Value::Null).await;
    let unwanted = world.run(world.release_as("unwanted", waiting("3600", "late", "pause")).await, Value::Null).await;
    world.waits(over, "wait").await;
    world.waits(unwanted, "wait").await;
    for run in [asked, over, unwanted] {
        world.is_driven(run).await;
    }
    world.temporal.kill();
    // As long as a test has patience for; the worker is started anew meanwhile, and knows nothing of what was.
    let open = world.api.open_approvals(ann, false, 10).await.expect("reads");
    let verdict = Verdict { approved: true, ..Verdict::default() };
    world.api.decide(open[0].id, (ann, false), &verdict).await.expect("decides");
    world.api.request_cancel(unwanted).await.expect("asks");
    world.worker.restart();
    world.worker_says("Temporal at").await;
    let short = world.release_as("short", json!({ "format": 1, "title": "Short", "start": "end", "blocks": { "end": { "type": "stop", "status": "succeeded", "message": "" } } })).await;
    let short = world.run(short, Value::Null).await;
    world.succeeded(short).await;
    let late = world.run(soon, Value::Null).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    for run in [asked, over, unwanted, late] {
        let found = world.api.run(run).await.expect("reads");
        assert!(!found.status.is_final(), "it went on without Temporal: {found:#?}");
    }
    world.temporal.run();
    for run in [asked, over, late] {
        world.succeeded(run).await;
    }
    assert_eq!(world.ended(unwanted).await.status, RunStatus::Cancelled);
}
