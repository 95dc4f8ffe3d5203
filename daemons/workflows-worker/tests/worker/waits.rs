//! Runs that wait: for a time, for people, for other runs.

use std::time::{Duration, Instant};

use bulkhead_model::run::{BlockStatus, RunStatus};
use bulkhead_store::approvals::Verdict;
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_lasts_as_long_as_it_says_though_the_worker_is_killed() {
    let mut world = World::start().await;
    let workflow = world
        .release(json!({
            "format": 1, "title": "Wait", "start": "pause",
            "blocks": { "pause": { "type": "wait", "for": { "seconds": "trigger.body" } }, "reply": { "type": "response", "body": "'done'" } },
            "edges": [{ "from": "pause", "to": "reply" }],
        }))
        .await;
    let (run, started) = (world.run(workflow, json!(4)).await, Instant::now());
    world.waits(run, "wait").await;
    world.worker.restart();
    assert_eq!(world.succeeded(run).await.response.expect("a response").body, json!("done"));
    assert!(started.elapsed() >= Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_run_can_be_cancelled() {
    let world = World::start().await;
    let block = json!({ "type": "wait", "for": { "until": "'2999-01-01T00:00:00Z'" } });
    let workflow =
        world.release(json!({ "format": 1, "title": "Wait", "start": "pause", "blocks": { "pause": block } })).await;
    let run = world.run(workflow, Value::Null).await;
    world.waits(run, "wait").await;
    world.api.request_cancel(run).await.expect("asked");
    assert_eq!(world.ended(run).await.status, RunStatus::Cancelled);
}

fn verdict(approved: bool, comment: &str) -> Verdict {
    Verdict { approved, comment: comment.into(), ..Verdict::default() }
}

fn approval(deadline_s: Option<u32>) -> Value {
    json!({
        "format": 1, "title": "Approval", "start": "ask",
        "blocks": {
            "ask": { "type": "approval", "title": "Pay {{ trigger.body.amount }}?", "people": ["Ann@example.test"], "deadline-s": deadline_s },
            "yes": { "type": "response", "body": "ask" }, "no": { "type": "response", "status": 403, "body": "ask" },
        },
        "edges": [{ "from": "ask", "port": "approved", "to": "yes" }, { "from": "ask", "port": "rejected", "to": "no" }],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_that_the_block_names_decides_and_nobody_else() {
    let mut world = World::start().await;
    let ann = world.api.create_user("ann@example.test", "Ann", false).await.expect("created");
    let bob = world.api.create_user("bob@example.test", "Bob", true).await.expect("created");
    let workflow = world.release(approval(None)).await;
    let run = world.run(workflow, json!({ "amount": 12 })).await;
    world.waits(run, "approval").await;
    assert!(world.api.open_approvals(bob, true, 10).await.expect("reads").is_empty());
    let open = world.api.open_approvals(ann, false, 10).await.expect("reads");
    assert_eq!(open.iter().map(|one| one.title.as_str()).collect::<Vec<_>>(), ["Pay 12?"]);
    assert!(world.api.decide(open[0].id, (bob, true), &verdict(true, "")).await.is_err());
    // The decision is kept for a worker that is away.
    world.worker.kill();
    world.api.decide(open[0].id, (ann, false), &verdict(true, "fine")).await.expect("decides");
    assert!(world.api.decide(open[0].id, (ann, false), &verdict(false, "")).await.is_err());
    world.worker.restart();
    let body = world.succeeded(run).await.response.expect("a response").body;
    assert_eq!(
        (&body["approved"], &body["by"], &body["comment"]),
        (&json!(true), &json!("ann@example.test"), &json!("fine"))
    );
    let blocks = world.api.block_runs(run).await.expect("reads");
    let asked = blocks.iter().find(|block| block.place.block == "ask").expect("the block");
    assert_eq!(asked.input, json!({ "title": "Pay 12?", "description": "" }), "a later look changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_rounds_wait_than_may_be_open_at_the_same_time() {
    let world = World::start().await;
    let ann = world.api.create_user("ann@example.test", "Ann", false).await.expect("created");
    let document = json!({
        "format": 1, "title": "Questions", "start": "each",
        "blocks": {
            "each": { "type": "loop", "over": "3", "mode": "parallel", "at-once": 2 },
            "ask": { "type": "approval", "title": "Number {{ item }}?", "people": ["ann@example.test"] },
        },
        "edges": [{ "from": "each", "port": "each", "to": "ask" }],
    });
    let run = world.run(world.release(document).await, Value::Null).await;
    world.waits(run, "approval").await;
    let open = world.api.open_approvals(ann, false, 10).await.expect("reads");
    assert_eq!(open.len(), 2, "{open:#?}");
    for left in [2, 1] {
        let open = world.api.open_approvals(ann, false, 10).await.expect("reads");
        world.api.decide(open[0].id, (ann, false), &verdict(true, "")).await.expect("decides");
        world.open_approvals(ann, left).await;
    }
    let open = world.api.open_approvals(ann, false, 10).await.expect("reads");
    world.api.decide(open[0].id, (ann, false), &verdict(true, "")).await.expect("decides");
    world.succeeded(run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_nobody_answers_counts_as_rejected() {
    let world = World::start().await;
    let workflow = world.release(approval(Some(2))).await;
    let run = world.run(workflow, json!({ "amount": 1 })).await;
    let response = world.succeeded(run).await.response.expect("a response");
    assert_eq!((response.status, &response.body["by"]), (403, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_another_and_takes_its_result() {
    let world = World::start().await;
    let child = json!({
        "format": 1, "title": "Child", "start": "work",
        "blocks": { "work": { "type": "code", "language": "javascript", "source": "if (trigger.body.fail) throw new Error('no'); return trigger.body.n * 2" } },
    });
    world.release_as("child", child).await;
    let parent = json!({
        "format": 1, "title": "Parent", "start": "each",
        "blocks": {
            "each": { "type": "loop", "over": "[1, 2, 3]", "mode": "parallel" },
            "call": { "type": "workflow", "workflow": "child", "input": "({ n: item })" },
            "fails": { "type": "workflow", "workflow": "child", "input": "({ fail: true })" },
            "reply": { "type": "response", "body": "[each, error.kind]" },
        },
        "edges": [
            { "from": "each", "port": "each", "to": "call" }, { "from": "each", "to": "fails" },
            { "from": "fails", "port": "error", "to": "reply" },
        ],
    });
    let workflow = world.release(parent).await;
    let run = world.run(workflow, Value::Null).await;
    let body = world.succeeded(run).await.response.expect("a response").body;
    assert_eq!(body, json!([[2, 4, 6], "workflow-failed"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_that_runs_itself_ends() {
    let world = World::start().await;
    let block = json!({ "type": "workflow", "workflow": "again" });
    let workflow = world
        .release_as("again", json!({ "format": 1, "title": "Again", "start": "self", "blocks": { "self": block } }))
        .await;
    let run = world.run(workflow, Value::Null).await;
    let ended = world.ended(run).await;
    assert_eq!(ended.status, RunStatus::Failed);
    assert!(ended.error.expect("an error").message.contains("descend from one another"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_too_long_fails_even_while_it_waits() {
    let world = World::start().await;
    let block = json!({ "type": "wait", "for": { "seconds": "3600" } });
    let document =
        json!({ "format": 1, "title": "Late", "start": "pause", "timeout-s": 2, "blocks": { "pause": block } });
    let workflow = world.release(document).await;
    let run = world.run(workflow, Value::Null).await;
    assert_eq!(world.ended(run).await.error.expect("an error").kind, "run-time-limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_its_time_is_shown_as_running_and_keeps_what_it_stands_for() {
    let world = World::start().await;
    let slow = "(() => { const end = Date.now() + 700; while (Date.now() < end); return [1, 2]; })()";
    let document = json!({
        "format": 1, "title": "Slow", "start": "think",
        "blocks": {
            "think": { "type": "code", "language": "javascript", "source": "await new Promise((done) => setTimeout(done, 2000))" },
            "each": { "type": "loop", "over": slow },
            "pause": { "type": "wait", "for": { "seconds": "0.1" } },
            "reply": { "type": "response", "body": "each.length" },
        },
        "edges": [
            { "from": "think", "to": "each" }, { "from": "each", "port": "each", "to": "pause" }, { "from": "each", "to": "reply" },
        ],
    });
    let run = world.run(world.release(document).await, Value::Null).await;
    world.block_is(run, "think", BlockStatus::Running).await;
    assert_eq!(world.succeeded(run).await.response.expect("a response").body, json!(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_asked_others_later_and_the_form_is_part_of_the_result() {
    let world = World::start().await;
    let ann = world.api.create_user("ann@example.test", "Ann", false).await.expect("created");
    let bob = world.api.create_user("bob@example.test", "Bob", false).await.expect("created");
    let group = uuid::Uuid::now_v7();
    world.api.create_group(group, "finance", "", 10).await.expect("created");
    world.api.add_group_member(group, ann).await.expect("added");
    let document = json!({
        "format": 1, "title": "Refund", "start": "ask",
        "blocks": {
            "ask": {
                "type": "approval", "title": "Refund?", "groups": ["finance"],
                "form": [{ "name": "amount", "type": "number", "required": true }],
                "escalate-after-s": 1, "escalate-to": { "people": ["bob@example.test"] },
            },
            "reply": { "type": "response", "body": "ask" },
        },
        "edges": [{ "from": "ask", "port": "approved", "to": "reply" }],
    });
    let run = world.run(world.release(document).await, Value::Null).await;
    world.waits(run, "approval").await;
    assert!(world.api.run(run).await.expect("reads").waiting_for.expect("waits")["escalates_ms"].is_u64());
    world.open_approvals(ann, 1).await;
    world.open_approvals(bob, 1).await;
    let open = world.api.open_approvals(bob, false, 10).await.expect("reads");
    assert!(open[0].escalated_at.is_some());
    assert_eq!(open[0].form[0].name.as_str(), "amount");
    let answers = [("amount".to_owned(), json!(12.5))].into_iter().collect();
    let verdict = Verdict { answers, ..verdict(true, "") };
    world.api.decide(open[0].id, (bob, false), &verdict).await.expect("decides");
    let body = world.succeeded(run).await.response.expect("a response").body;
    assert_eq!(
        (&body["approved"], &body["decision"], &body["by"], &body["form"]),
        (&json!(true), &json!("approved"), &json!("bob@example.test"), &json!({ "amount": 12.5 }))
    );
}
