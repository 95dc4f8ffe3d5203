//! Events: who takes which, and that none is lost or delivered twice.

use std::time::Duration;

use bulkhead_model::run::{Iteration, RunStatus};
use bulkhead_model::workflow::WorkflowDocument;
use bulkhead_model::{EnvironmentId, RunId, WorkflowId};
use bulkhead_store::Database;
use bulkhead_store::block_ends::RunEnd;
use bulkhead_store::events::{EventWaitState, KEEP_EVENT_DAYS, MAX_EVENTS, NewEvent, NewEventWait, Sent};
use bulkhead_store::journal::BlockPlace;
use bulkhead_store::runs::NewRun;
use bulkhead_store::test_support::{as_role, migrated, record};
use bulkhead_test_kit::TestDatabase;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::task::JoinSet;
use uuid::Uuid;

struct Events {
    api: Database,
    backend: Database,
    own: TestDatabase,
    workflow: WorkflowId,
}

impl Events {
    async fn new() -> Self {
        let (own, _) = migrated().await;
        let (api, backend) = (as_role(&own, "bulkhead-api"), as_role(&own, "bulkhead-workflows-backend"));
        let workflow =
            api.create_workflow("orders", &WorkflowDocument::starter("Orders"), None).await.expect("creates");
        api.release_workflow(workflow, 1, None).await.expect("releases");
        Self { api, backend, own, workflow }
    }

    async fn run(&self) -> RunId {
        let trigger = json!({ "kind": "manual" });
        let new = NewRun {
            workflow: self.workflow,
            version: 1,
            environment: EnvironmentId::DEFAULT,
            trigger: &trigger,
            started_by: None,
            idempotency_key: None,
            begins_at: None,
            trace_parent: None,
            record: &record(),
        };
        self.api.start_run(&new).await.expect("starts").0
    }

    async fn send(&self, key: &str, body: &Value, idempotency_key: Option<&str>) -> Sent {
        let new = NewEvent { workflow: self.workflow, name: "paid", key, body, idempotency_key, record: &record() };
        self.api.send_event(&new).await.expect("stores")
    }

    async fn wait(&self, run: RunId, block: &str, key: &str) -> EventWaitState {
        self.wait_until(run, block, key, None).await
    }

    async fn wait_until(&self, run: RunId, block: &str, key: &str, deadline: Option<OffsetDateTime>) -> EventWaitState {
        let place = BlockPlace { block: block.into(), iteration: Iteration::default(), attempt: 1 };
        let new = NewEventWait { run, place: &place, workflow: self.workflow, name: "paid", key, deadline };
        self.backend.await_event(&new).await.expect("looks")
    }

    async fn wakes(&self, run: RunId) -> i64 {
        let sql = "SELECT count(*) FROM run_outbox WHERE run_id = $1 AND kind = 'wake'";
        self.own.connect().await.query_one(sql, &[&run.0]).await.expect("counts").get(0)
    }

    async fn sql(&self, sql: &str) {
        self.own.connect().await.batch_execute(sql).await.expect("done");
    }
}

fn body(state: &EventWaitState) -> &Value {
    match state {
        EventWaitState::Came(event) => &event.body,
        other => panic!("no event came: {other:?}"),
    }
}

const WAITING: EventWaitState = EventWaitState::Waiting { deadline: None };

#[tokio::test]
async fn an_event_wakes_all_that_wait_for_it_and_each_takes_it() {
    let events = Events::new().await;
    let (one, other, third) = (events.run().await, events.run().await, events.run().await);
    for run in [one, other] {
        assert_eq!(events.wait(run, "wait", "17").await, WAITING);
    }
    assert_eq!(events.wait(third, "wait", "18").await, WAITING);
    let sent = events.send("17", &json!({ "amount": 3 }), None).await;
    assert!(matches!(sent, Sent::Stored { runs: 2, .. }), "{sent:?}");
    for run in [one, other] {
        assert_eq!(events.wakes(run).await, 1);
        assert_eq!(body(&events.wait(run, "wait", "17").await), &json!({ "amount": 3 }));
        // However often it is asked: what was taken stays.
        assert_eq!(body(&events.wait(run, "wait", "17").await), &json!({ "amount": 3 }));
    }
    assert_eq!((events.wakes(third).await, events.wait(third, "wait", "18").await), (0, WAITING));
}

#[tokio::test]
async fn each_block_of_a_run_takes_one_event_and_the_oldest_first() {
    let events = Events::new().await;
    let before = events.send("", &json!("before the run"), None).await;
    assert!(matches!(before, Sent::Stored { runs: 0, .. }));
    let run = events.run().await;
    for number in 1..=2 {
        events.send("", &json!(number), None).await;
    }
    assert_eq!(body(&events.wait(run, "first", "").await), &json!(1), "what came before its wait is still seen");
    assert_eq!(body(&events.wait(run, "second", "").await), &json!(2));
    assert_eq!(events.wait(run, "third", "").await, WAITING);
}

#[tokio::test]
async fn the_same_idempotency_key_is_delivered_once() {
    let events = Events::new().await;
    let run = events.run().await;
    let Sent::Stored { id, .. } = events.send("", &json!(1), Some("a")).await else { panic!("it is new") };
    assert_eq!(events.send("", &json!(1), Some("a")).await, Sent::Known { id });
    assert_eq!(events.send("other", &json!(2), Some("a")).await, Sent::Known { id });
    assert_eq!(body(&events.wait(run, "first", "").await), &json!(1));
    assert_eq!(events.wait(run, "second", "").await, WAITING);
    let audited = events.api.audit_records(None, 10).await.expect("reads");
    assert_eq!(audited.len(), 2, "the start of the run and one event: {audited:?}");
}

#[tokio::test]
async fn a_wait_and_its_event_at_the_same_moment_do_not_miss_each_other() {
    let events = Events::new().await;
    for round in 0..40 {
        let (run, key, payload) = (events.run().await, round.to_string(), json!(round));
        let (state, sent) = tokio::join!(events.wait(run, "wait", &key), events.send(&key, &payload, None));
        match state {
            // It waits: then it was seen, and woken.
            EventWaitState::Waiting { .. } => {
                assert!(matches!(sent, Sent::Stored { runs: 1, .. }), "{sent:?}");
                assert_eq!(events.wakes(run).await, 1);
                assert_eq!(body(&events.wait(run, "wait", &key).await), &payload);
            }
            came => assert_eq!(body(&came), &payload),
        }
    }
}

#[tokio::test]
async fn of_deadline_and_event_the_first_counts() {
    let events = Events::new().await;
    let (in_time, late) = (events.run().await, events.run().await);
    let soon = OffsetDateTime::now_utc() + time::Duration::milliseconds(400);
    for (run, key) in [(in_time, "in-time"), (late, "late")] {
        let state = events.wait_until(run, "wait", key, Some(soon)).await;
        assert!(matches!(state, EventWaitState::Waiting { deadline: Some(_) }), "{state:?}");
    }
    events.send("in-time", &json!(1), None).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    events.send("late", &json!(2), None).await;
    // Nobody has looked before: the run was paused, say.
    assert_eq!(body(&events.wait(in_time, "wait", "in-time").await), &json!(1));
    assert_eq!(events.wait(late, "wait", "late").await, EventWaitState::TimedOut);
    assert_eq!(events.wait(late, "wait", "late").await, EventWaitState::TimedOut, "it stays so");
}

/// A step that began before the pause looks after it.
#[tokio::test]
async fn a_paused_run_takes_no_event_until_it_goes_on() {
    let events = Events::new().await;
    let run = events.run().await;
    assert_eq!(events.wait(run, "wait", "").await, WAITING);
    events.api.pause_run(run).await.expect("pauses");
    events.send("", &json!(1), None).await;
    assert_eq!(events.wait(run, "wait", "").await, WAITING);
    events.api.resume_run(run).await.expect("goes on");
    assert_eq!(body(&events.wait(run, "wait", "").await), &json!(1));
}

#[tokio::test]
async fn old_events_go_unless_a_run_still_has_to_store_what_it_took() {
    let events = Events::new().await;
    let run = events.run().await;
    events.send("taken", &json!(1), None).await;
    events.send("open", &json!(2), None).await;
    events.wait(run, "wait", "taken").await;
    assert_eq!(events.backend.delete_old_events(100).await.expect("deletes"), 0);
    let age = |days: i32| format!("UPDATE workflow_events SET received_at = received_at - interval '{days} days'");
    events.sql(&age(KEEP_EVENT_DAYS + 1)).await;
    assert_eq!(events.backend.delete_old_events(100).await.expect("deletes"), 1, "the one that nobody has taken");
    assert_eq!(body(&events.wait(run, "wait", "taken").await), &json!(1));
    let end = RunEnd { status: RunStatus::Succeeded, error: None, result: None };
    events.backend.finish_run(run, end).await.expect("ends");
    assert_eq!(events.backend.delete_old_events(100).await.expect("deletes"), 1);
}

#[tokio::test]
async fn an_event_that_no_run_can_take_goes_after_a_day() {
    let events = Events::new().await;
    events.send("", &json!(1), Some("once")).await;
    events.sql("UPDATE workflow_events SET received_at = received_at - interval '20 hours'").await;
    assert_eq!(events.backend.delete_old_events(100).await.expect("deletes"), 0, "its idempotency key counts");
    events.sql("UPDATE workflow_events SET received_at = received_at - interval '5 hours'").await;
    events.run().await;
    assert_eq!(events.backend.delete_old_events(100).await.expect("deletes"), 1, "the run began after it");
}

#[tokio::test]
async fn there_is_an_end_to_how_many_are_stored() {
    let events = Events::new().await;
    events
        .sql(&format!(
            "INSERT INTO workflow_events (id, workflow_id, name, key, body_json)
            SELECT gen_random_uuid(), id, 'paid', '', 'null' FROM workflows, generate_series(1, {MAX_EVENTS})"
        ))
        .await;
    assert_eq!(events.send("", &json!(1), None).await, Sent::Full);
    let other = WorkflowId(Uuid::nil());
    let new = NewEvent {
        workflow: other,
        name: "paid",
        key: "",
        body: &Value::Null,
        idempotency_key: None,
        record: &record(),
    };
    assert!(events.api.send_event(&new).await.is_err(), "there is no such workflow");
}

#[tokio::test]
async fn many_sends_of_one_key_leave_connections_to_others() {
    let events = Events::new().await;
    let (run, client) = (events.run().await, events.own.connect().await);
    let lock = "SELECT pg_advisory_lock(hashtextextended($1, 0))";
    client.query(lock, &[&format!("event:{}:paid:17", events.workflow)]).await.expect("locks");
    let mut sends = JoinSet::new();
    for number in 0..100 {
        let (api, workflow) = (events.api.clone(), events.workflow);
        sends.spawn(async move {
            let (body, record) = (json!(number), record());
            let new =
                NewEvent { workflow, name: "paid", key: "17", body: &body, idempotency_key: None, record: &record };
            api.send_event(&new).await
        });
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let read = tokio::time::timeout(Duration::from_secs(2), events.api.run(run)).await;
    read.expect("a connection is left").expect("reads");
    client.batch_execute("SELECT pg_advisory_unlock_all()").await.expect("unlocks");
    for sent in sends.join_all().await {
        assert!(matches!(sent, Ok(Sent::Stored { .. })), "{sent:?}");
    }
}
