//! Who may start now, who first, and who has to wait.

use std::time::Duration;

use bulkhead_model::run::{Choice, Iteration, RunStatus};
use bulkhead_model::workflow::WorkflowDocument;
use bulkhead_model::{EnvironmentId, RunId, UserId, WorkflowId};
use bulkhead_store::block_ends::RunEnd;
use bulkhead_store::children::NewChild;
use bulkhead_store::journal::BlockPlace;
use bulkhead_store::queues::{Queued, WorkflowSettings};
use bulkhead_store::run_search::RunFilter;
use bulkhead_store::runs::NewRun;
use bulkhead_store::test_support::{as_role, migrated, record};
use bulkhead_store::{Database, StoreError};
use bulkhead_test_kit::TestDatabase;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

struct Queue {
    api: Database,
    backend: Database,
    worker: Database,
    own: TestDatabase,
}

impl Queue {
    async fn new() -> Self {
        let (own, _) = migrated().await;
        Self {
            api: as_role(&own, "bulkhead-api"),
            backend: as_role(&own, "bulkhead-workflows-backend"),
            worker: as_role(&own, "bulkhead-workflows-worker"),
            own,
        }
    }

    async fn workflow(&self, slug: &str, settings: WorkflowSettings) -> WorkflowId {
        let id = self.api.create_workflow(slug, &WorkflowDocument::starter(slug), None).await.expect("creates");
        self.api.release_workflow(id, 1, None).await.expect("releases");
        if settings != WorkflowSettings::default() {
            self.api.set_workflow_settings(id, &settings).await.expect("sets");
        }
        id
    }

    async fn start(&self, workflow: WorkflowId) -> RunId {
        self.start_with(workflow, &json!({ "kind": "manual" })).await
    }

    async fn start_with(&self, workflow: WorkflowId, trigger: &Value) -> RunId {
        let new = NewRun {
            workflow,
            version: 1,
            environment: EnvironmentId::DEFAULT,
            trigger,
            started_by: None,
            idempotency_key: None,
            begins_at: None,
            trace_parent: None,
            record: &record(),
        };
        self.api.start_run(&new).await.expect("starts").0
    }

    /// What a worker takes up next, all of it.
    async fn claimed(&self) -> Vec<RunId> {
        self.worker.let_in().await.expect("lets in");
        let claims = self.worker.claim_starts(Uuid::now_v7(), Duration::from_secs(60), 100).await.expect("claims");
        for claim in &claims {
            self.backend.take_up_run(claim.run).await.expect("marks");
        }
        claims.iter().map(|claim| claim.run).collect()
    }

    async fn end(&self, run: RunId, status: RunStatus) {
        self.backend.finish_run(run, RunEnd { status, error: None, result: None }).await.expect("ends");
    }

    async fn found(&self, filter: RunFilter) -> Vec<RunId> {
        let page = self.api.runs(&filter, (UserId(Uuid::nil()), true), 10).await.expect("lists");
        page.runs.iter().map(|run| run.id).collect()
    }
}

fn limit(max_running: i32) -> WorkflowSettings {
    WorkflowSettings { max_running: Some(max_running), ..WorkflowSettings::default() }
}

#[tokio::test]
async fn as_many_runs_as_the_limit_are_under_way() {
    let queue = Queue::new().await;
    let workflow = queue.workflow("limited", limit(2)).await;
    let mut runs = Vec::new();
    for _ in 0..5 {
        runs.push(queue.start(workflow).await);
    }
    assert_eq!(queue.api.queued_because(runs[4]).await.expect("reads"), Some(Queued::Limit));
    assert_eq!(queue.claimed().await, runs[..2]);
    assert_eq!(queue.claimed().await, []);
    queue.end(runs[0], RunStatus::Succeeded).await;
    assert_eq!(queue.claimed().await, [runs[2]]);
    // One that waits gives its place away.
    queue.backend.mark_waiting(runs[1], &json!({ "kind": "wait" })).await.expect("marks");
    assert_eq!(queue.claimed().await, [runs[3]]);
    queue.api.set_workflow_settings(workflow, &WorkflowSettings::default()).await.expect("sets");
    assert_eq!(queue.claimed().await, [runs[4]]);
}

#[tokio::test]
async fn two_workers_do_not_fill_the_same_place() {
    let queue = Queue::new().await;
    let workflow = queue.workflow("limited", limit(3)).await;
    for _ in 0..20 {
        queue.start(workflow).await;
    }
    let looks = (0..8).map(|_| queue.worker.let_in());
    for look in futures_util::future::join_all(looks).await {
        look.expect("lets in");
    }
    assert_eq!(queue.claimed().await.len(), 3);
}

#[tokio::test]
async fn a_limit_counts_what_is_under_way_already() {
    let queue = Queue::new().await;
    let workflow = queue.workflow("later-limited", WorkflowSettings::default()).await;
    let runs = [queue.start(workflow).await, queue.start(workflow).await];
    assert_eq!(queue.claimed().await, runs);
    queue.api.set_workflow_settings(workflow, &limit(2)).await.expect("sets");
    let next = queue.start(workflow).await;
    assert_eq!(queue.claimed().await, []);
    queue.end(runs[1], RunStatus::Failed).await;
    assert_eq!(queue.claimed().await, [next]);
}

#[tokio::test]
async fn the_higher_priority_is_taken_up_first() {
    let queue = Queue::new().await;
    let settings = |priority| WorkflowSettings { priority, ..WorkflowSettings::default() };
    let (low, normal) = (queue.workflow("low", settings(-1)).await, queue.workflow("normal", settings(0)).await);
    let high = queue.workflow("high", settings(1)).await;
    let runs = [queue.start(low).await, queue.start(normal).await, queue.start(high).await];
    assert_eq!(queue.api.queued_because(runs[0]).await.expect("reads"), Some(Queued::Behind(2)));
    let claims = queue.worker.claim_starts(Uuid::now_v7(), Duration::from_secs(60), 2).await.expect("claims");
    let mut first: Vec<RunId> = claims.iter().map(|claim| claim.run).collect();
    first.sort_unstable_by_key(|run| run.0);
    assert_eq!(first, runs[1..]);
}

#[tokio::test]
async fn a_pause_holds_what_is_queued_and_what_comes() {
    let queue = Queue::new().await;
    let workflow = queue.workflow("paused", WorkflowSettings::default()).await;
    let before = queue.start(workflow).await;
    queue.api.pause_workflow(workflow, true).await.expect("pauses");
    // Another person's settings do not end the pause.
    queue.api.set_workflow_settings(workflow, &WorkflowSettings::default()).await.expect("sets");
    let after = queue.start(workflow).await;
    assert_eq!(queue.claimed().await, []);
    assert_eq!(queue.api.queued_because(before).await.expect("reads"), Some(Queued::WorkflowPaused));
    queue.api.pause_workflow(workflow, false).await.expect("goes on");
    assert_eq!(queue.claimed().await, [before, after]);

    queue.api.pause_queue(Some("ada@example.org")).await.expect("pauses");
    let run = queue.start(workflow).await;
    assert_eq!(queue.claimed().await, []);
    assert_eq!(queue.api.queued_because(run).await.expect("reads"), Some(Queued::QueuePaused));
    let state = queue.api.queue_state().await.expect("reads");
    assert_eq!((state.paused.expect("paused").1, state.queued, state.running), ("ada@example.org".to_owned(), 1, 2));
    queue.api.pause_queue(None).await.expect("goes on");
    assert_eq!(queue.claimed().await, [run]);
}

#[tokio::test]
async fn a_run_that_is_held_can_be_cancelled() {
    let queue = Queue::new().await;
    let workflow = queue.workflow("limited", limit(1)).await;
    let runs = [queue.start(workflow).await, queue.start(workflow).await];
    assert_eq!(queue.claimed().await, runs[..1]);
    queue.api.request_cancel(runs[1]).await.expect("asks");
    let claim = queue.worker.claim_start_of(runs[1], Uuid::now_v7(), Duration::from_secs(60)).await.expect("claims");
    queue.worker.mark_sent(&[claim.expect("a claim").entry]).await.expect("marks");
    queue.end(runs[1], RunStatus::Cancelled).await;
    queue.end(runs[0], RunStatus::Succeeded).await;
    assert_eq!(queue.worker.let_in().await.expect("lets in"), (0, false));
}

#[tokio::test]
async fn old_runs_go_and_those_that_go_on_stay() {
    let queue = Queue::new().await;
    let settings = WorkflowSettings { keep_runs: Some(2), ..WorkflowSettings::default() };
    let workflow = queue.workflow("tidy", settings).await;
    let other = queue.workflow("untidy", WorkflowSettings::default()).await;
    let mut runs = Vec::new();
    for _ in 0..4 {
        runs.push(queue.start(workflow).await);
    }
    let kept = queue.start(other).await;
    for run in [runs[1], runs[2], runs[3], kept] {
        queue.end(run, RunStatus::Succeeded).await;
    }
    assert_eq!(queue.backend.delete_old_runs(10).await.expect("deletes"), 1);
    let left = queue.found(RunFilter::default()).await;
    assert_eq!(left, [kept, runs[3], runs[2], runs[0]]);
    let settings = WorkflowSettings { keep_days: Some(1), ..WorkflowSettings::default() };
    queue.api.set_workflow_settings(workflow, &settings).await.expect("sets");
    assert_eq!(queue.backend.delete_old_runs(10).await.expect("deletes"), 0);
    let client = queue.own.connect().await;
    client.batch_execute("UPDATE runs SET finished_at = finished_at - interval '25 hours'").await.expect("changes");
    assert_eq!(queue.backend.delete_old_runs(10).await.expect("deletes"), 2);
    assert_eq!(queue.found(RunFilter::default()).await, [kept, runs[0]]);
}

#[tokio::test]
async fn runs_stay_while_one_that_started_them_or_descends_from_them_goes_on() {
    let queue = Queue::new().await;
    let settings = WorkflowSettings { keep_days: Some(1), ..WorkflowSettings::default() };
    let workflow = queue.workflow("family", settings).await;
    let child_of = async |parent: RunId, block: &str, depth: i32| {
        let place = BlockPlace { block: block.into(), iteration: Iteration::default(), attempt: 1 };
        let trigger = json!({ "kind": "workflow" });
        let new = NewChild { parent, place: &place, depth, workflow: "family", trigger: &trigger, waits: false };
        assert!(queue.backend.start_child(&new).await.expect("starts"));
        queue.backend.child(parent, &place).await.expect("reads").expect("a child").run
    };
    let oldest = queue.start(workflow).await;
    let middle = child_of(oldest, "go", 1).await;
    let youngest = child_of(middle, "go", 2).await;
    let other = child_of(middle, "also", 2).await;
    let client = queue.own.connect().await;
    let age =
        "UPDATE runs SET finished_at = finished_at - interval '25 hours' WHERE finished_at > now() - interval '1 hour'";

    // The one in the middle has ended, and who started it has not taken its result yet.
    queue.end(middle, RunStatus::Succeeded).await;
    queue.end(youngest, RunStatus::Succeeded).await;
    client.batch_execute(age).await.expect("changes");
    assert_eq!(queue.backend.delete_old_runs(10).await.expect("deletes"), 1, "the youngest alone is nobody's");

    queue.end(oldest, RunStatus::Succeeded).await;
    client.batch_execute(age).await.expect("changes");
    assert_eq!(queue.backend.delete_old_runs(10).await.expect("deletes"), 0, "one that descends from both goes on");
    queue.end(other, RunStatus::Succeeded).await;
    client.batch_execute(age).await.expect("changes");
    assert!(queue.backend.delete_old_runs(10).await.expect("deletes") > 0);
    assert_eq!(queue.found(RunFilter::default()).await, []);
}

#[tokio::test]
async fn a_run_of_another_workflow_outlives_the_workflow_of_the_one_that_started_it() {
    let queue = Queue::new().await;
    let (gone, stays) = (
        queue.workflow("gone", WorkflowSettings::default()).await,
        queue.workflow("stays", WorkflowSettings::default()).await,
    );
    let parent = queue.start(gone).await;
    let place = BlockPlace { block: "go".into(), iteration: Iteration::default(), attempt: 1 };
    let trigger = json!({ "kind": "workflow" });
    let new = NewChild { parent, place: &place, depth: 1, workflow: "stays", trigger: &trigger, waits: false };
    assert!(queue.backend.start_child(&new).await.expect("starts"));
    let child = queue.backend.child(parent, &place).await.expect("reads").expect("a child").run;
    queue.api.delete_workflow(gone).await.expect("deletes");
    assert_eq!(queue.found(RunFilter::default()).await, [child]);
    let left = queue.api.run(child).await.expect("reads");
    assert_eq!((left.workflow, left.parent, left.status), (stays, None, RunStatus::Queued));
}

#[tokio::test]
async fn a_run_of_very_many_rows_goes_bit_by_bit() {
    let queue = Queue::new().await;
    let settings = WorkflowSettings { keep_days: Some(1), ..WorkflowSettings::default() };
    let workflow = queue.workflow("long", settings).await;
    let run = queue.start(workflow).await;
    let client = queue.own.connect().await;
    let logs = "INSERT INTO block_logs (run_id, block, seq, level, logged_at, text)
        SELECT $1, 'b', n, 'info', now(), 'line' FROM generate_series(1, 12000) n";
    client.execute(logs, &[&run.0]).await.expect("inserts");
    // Of results one statement takes some only, by what they take.
    let results = "INSERT INTO block_runs (run_id, block, iteration, status, result_json, started_at)
        SELECT $1, 'b', ARRAY[n], 'succeeded', (SELECT string_agg(md5(m::text || n), '') FROM generate_series(1, 60000) m), now()
        FROM generate_series(1, 40) n";
    client.execute(results, &[&run.0]).await.expect("inserts");
    let calls = "INSERT INTO block_calls (run_id, block, iteration, call, request_hash, status) VALUES ($1, 'b', '{}', 0, 'x', 'finished')";
    client.execute(calls, &[&run.0]).await.expect("inserts");
    queue.end(run, RunStatus::Succeeded).await;
    client.batch_execute("UPDATE runs SET finished_at = finished_at - interval '25 hours'").await.expect("changes");
    client.batch_execute(STATEMENTS).await.expect("counts");
    assert_eq!(queue.backend.delete_old_runs(10).await.expect("deletes"), 1);
    let left =
        client.query_one("SELECT (SELECT count(*) FROM block_logs) + (SELECT count(*) FROM block_runs)", &[]).await;
    assert_eq!(left.expect("counts").get::<_, i64>(0), 0);
    let most = "SELECT relation, count(*), max(rows) FROM deletes GROUP BY relation ORDER BY relation";
    let most = client.query(most, &[]).await.expect("reads");
    let of = |relation: &str| most.iter().find(|row| row.get::<_, &str>(0) == relation).expect("deleted");
    assert_eq!(of("block_logs").get::<_, i64>(2), 5000, "{most:?}");
    assert!(of("block_runs").get::<_, i64>(2) < 40, "{most:?}");
}

/// Writes down how many rows each statement deletes.
const STATEMENTS: &str = "CREATE TABLE deletes (relation text, rows bigint);
    GRANT INSERT ON deletes TO PUBLIC;
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO deletes SELECT TG_TABLE_NAME, count(*) FROM gone; RETURN NULL; END';
    CREATE TRIGGER note AFTER DELETE ON block_logs REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note();
    CREATE TRIGGER note AFTER DELETE ON block_runs REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note()";

#[tokio::test]
async fn the_oldest_runs_go_where_all_take_too_much() {
    let queue = Queue::new().await;
    let settings = WorkflowSettings { keep_mb: Some(1), ..WorkflowSettings::default() };
    let workflow = queue.workflow("large", settings).await;
    let other = queue.workflow("unlimited", WorkflowSettings::default()).await;
    let mut runs = Vec::new();
    for _ in 0..6 {
        runs.push(queue.start(workflow).await);
    }
    let kept = queue.start(other).await;
    // What does not compress: some 400 kB each, as a log of the first and as results of the others.
    let client = queue.own.connect().await;
    let noise = "(SELECT string_agg(md5(n::text || $1::uuid::text), '') FROM generate_series(1, 12500) n)";
    for run in &runs[1..] {
        let sql = format!(
            "INSERT INTO block_runs (run_id, block, status, result_json, started_at) VALUES ($1, 'b', 'succeeded', {noise}, now())"
        );
        client.execute(&sql, &[&run.0]).await.expect("inserts");
    }
    let sql = format!(
        "INSERT INTO block_logs (run_id, block, seq, level, logged_at, text) VALUES ($1, 'b', 0, 'info', now(), {noise})"
    );
    for run in [runs[0], kept] {
        client.execute(&sql, &[&run.0]).await.expect("inserts");
    }
    // The third goes on: it is neither counted nor deleted.
    for run in [runs[0], runs[1], runs[3], runs[4], runs[5], kept] {
        queue.end(run, RunStatus::Succeeded).await;
    }
    assert_eq!(queue.backend.delete_large_runs(10).await.expect("deletes"), 0, "nothing is measured yet");
    assert_eq!(queue.backend.measure_runs(4).await.expect("measures"), 4);
    assert_eq!(queue.backend.measure_runs(4).await.expect("measures"), 1);
    assert_eq!(queue.backend.measure_runs(4).await.expect("measures"), 0);
    assert_eq!(queue.backend.delete_large_runs(2).await.expect("deletes"), 2);
    assert_eq!(queue.found(RunFilter::default()).await, [kept, runs[5], runs[4], runs[3], runs[2]]);
    assert_eq!(queue.backend.delete_large_runs(2).await.expect("deletes"), 1);
    assert_eq!(queue.backend.delete_large_runs(2).await.expect("deletes"), 0);
    assert_eq!(queue.found(RunFilter::default()).await, [kept, runs[5], runs[4], runs[2]]);
    // One alone may take more than all may.
    let sql = "UPDATE run_sizes SET bytes = 5000000 WHERE run_id = $1";
    client.execute(sql, &[&runs[5].0]).await.expect("changes");
    assert_eq!(queue.backend.delete_large_runs(9).await.expect("deletes"), 1);
    assert_eq!(queue.found(RunFilter::default()).await, [kept, runs[5], runs[2]]);
}

#[tokio::test]
async fn runs_are_found_by_what_is_known_of_them() {
    let queue = Queue::new().await;
    let workflow = queue.workflow("searched", WorkflowSettings::default()).await;
    let mut runs = Vec::new();
    for (kind, order) in [("manual", "A-1"), ("webhook", "A-2"), ("webhook", "b-3")] {
        runs.push(queue.start_with(workflow, &json!({ "kind": kind, "body": { "order": order } })).await);
    }
    queue.end(runs[0], RunStatus::Failed).await;
    queue.end(runs[1], RunStatus::Succeeded).await;
    let all = || RunFilter { workflow: Some(workflow), ..RunFilter::default() };
    assert_eq!(queue.found(RunFilter { status: Some(RunStatus::Failed), ..all() }).await, runs[..1]);
    assert_eq!(queue.found(RunFilter { status: Some(RunStatus::Queued), ..all() }).await, runs[2..]);
    assert_eq!(queue.found(RunFilter { status: Some(RunStatus::Succeeded), ..all() }).await, runs[1..2]);
    assert_eq!(queue.found(RunFilter { trigger: Some("webhook".into()), ..all() }).await, [runs[2], runs[1]]);
    assert_eq!(queue.found(RunFilter { text: Some("\"B-3".into()), ..all() }).await, runs[2..]);
    let now = OffsetDateTime::now_utc();
    assert_eq!(queue.found(RunFilter { since: Some(now - time::Duration::hours(1)), ..all() }).await.len(), 3);
    assert_eq!(queue.found(RunFilter { since: Some(now + time::Duration::hours(1)), ..all() }).await, []);
    assert_eq!(queue.found(RunFilter { until: Some(now - time::Duration::hours(1)), ..all() }).await, []);
    let page = queue.api.runs(&all(), (UserId(Uuid::nil()), true), 2).await.expect("lists");
    assert_eq!(page.next, Some(runs[1]));
}

#[tokio::test]
async fn a_pause_of_a_run_ends_with_a_word() {
    let queue = Queue::new().await;
    let workflow = queue.workflow("paused", WorkflowSettings::default()).await;
    let run = queue.start(workflow).await;
    queue.api.pause_run(run).await.expect("pauses");
    assert!(queue.backend.pinned_run(run).await.expect("reads").is_paused);
    queue.api.resume_run(run).await.expect("goes on");
    assert!(!queue.backend.pinned_run(run).await.expect("reads").is_paused);
    assert_eq!(queue.worker.unsent_words(10).await.expect("reads").len(), 1);
    queue.api.terminate_run(run, "ada@example.org").await.expect("ends");
    let ended = queue.api.run(run).await.expect("reads");
    assert_eq!((ended.status, ended.error.expect("an error").kind), (RunStatus::Cancelled, "terminated".to_owned()));
}

#[tokio::test]
async fn there_is_nothing_to_choose_for_a_block_that_has_not_run() {
    let queue = Queue::new().await;
    let workflow = queue.workflow("known", WorkflowSettings::default()).await;
    let run = queue.start(workflow).await;
    let place =
        bulkhead_store::journal::BlockPlace { block: "hello".into(), iteration: Default::default(), attempt: 1 };
    let chosen = queue.api.choose(run, &place, Choice::Skip, "ada@example.org").await;
    assert!(matches!(chosen, Err(StoreError::NotFound { .. })));
}
