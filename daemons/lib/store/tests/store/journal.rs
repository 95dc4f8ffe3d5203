//! Runs, outbox, journal.

use std::collections::BTreeMap;
use std::time::Duration;

use bulkhead_model::run::{BlockStatus, Iteration, LogLevel, RunError, RunResponse, RunStatus, Usage};
use bulkhead_model::workflow::WorkflowDocument;
use bulkhead_model::{EnvironmentId, RunId};
use bulkhead_store::block_calls::{CallEnd, CallKey, JournalledCall, OWN_CALL};
use bulkhead_store::block_ends::{BlockEnd, Conclusion, RunEnd};
use bulkhead_store::journal::{BlockOutcome, BlockPlace};
use bulkhead_store::outbox::{Claim, Word, WordKind};
use bulkhead_store::queues::START;
use bulkhead_store::runs::{CHANGED_CHANNEL, NewRun, OUTBOX_CHANNEL};
use bulkhead_store::test_support::{as_role, migrated, record};
use bulkhead_store::{Database, Notifications, StoreError};
use bulkhead_test_kit::TestDatabase;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

struct Roles {
    _test: TestDatabase,
    api: Database,
    backend: Database,
    worker: Database,
    workflow: bulkhead_model::WorkflowId,
}

/// A released workflow, and each daemon's own view of the database.
async fn roles() -> Roles {
    let (test, _) = migrated().await;
    let api = as_role(&test, "bulkhead-api");
    let workflow = api.create_workflow("revenue", &WorkflowDocument::starter("Revenue"), None).await.expect("creates");
    api.release_workflow(workflow, 1, None).await.expect("releases");
    let (backend, worker) = (as_role(&test, "bulkhead-workflows-backend"), as_role(&test, "bulkhead-workflows-worker"));
    Roles { api, backend, worker, workflow, _test: test }
}

impl Roles {
    async fn start(&self, key: Option<&str>) -> (RunId, bool) {
        let trigger = json!({"kind": "manual", "body": "\u{0}"});
        let new = NewRun {
            workflow: self.workflow,
            version: 1,
            environment: EnvironmentId::DEFAULT,
            trigger: &trigger,
            started_by: None,
            idempotency_key: key,
            begins_at: None,
            trace_parent: None,
            record: &record(),
        };
        self.api.start_run(&new).await.expect("starts")
    }

    /// Starts one, and gives it with the claim of a worker.
    async fn claimed(&self) -> (RunId, Claim) {
        let (run, _) = self.start(None).await;
        let claims = self.worker.claim_starts(Uuid::now_v7(), LEASE, 10).await.expect("claims");
        (run, *claims.iter().find(|claim| claim.run == run).expect("its start"))
    }
}

/// What a block without log lines came to: such blocks are stored by one statement.
fn quiet_end<'a>(block: &str, result: Value, input: &'a Value) -> BlockEnd<'a> {
    BlockEnd { logs: Vec::new(), ..end(block, result, input) }
}

fn end<'a>(block: &str, result: Value, input: &'a Value) -> BlockEnd<'a> {
    let now = OffsetDateTime::now_utc();
    let outcome = BlockOutcome { status: BlockStatus::Succeeded, result, port: None, error: None };
    let logs = vec![(LogLevel::Info, now, "a\0b"), (LogLevel::Warn, now, "c")];
    BlockEnd {
        place: place(block, &[]),
        outcome,
        cover: None,
        input,
        started_at: now,
        finished_at: Some(now),
        usage: Usage::default(),
        logs,
        variables: None,
    }
}

fn at(second: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(second)
}

fn place(block: &str, rounds: &[u32]) -> BlockPlace {
    BlockPlace { block: block.into(), iteration: Iteration(rounds.to_vec()), attempt: 1 }
}

const SUCCEEDED: RunEnd<'_> = RunEnd { status: RunStatus::Succeeded, error: None, result: None };

#[tokio::test]
async fn the_same_key_is_the_same_run() {
    let roles = roles().await;
    let (run, created) = roles.start(Some("k")).await;
    assert!(created);
    assert_eq!(roles.start(Some("k")).await, (run, false));
    assert_ne!(roles.start(None).await.0, run);
    assert_eq!(roles.worker.claim_starts(Uuid::nil(), LEASE, 10).await.expect("claims").len(), 2);
}

const LEASE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_start_is_held_by_one_worker_until_its_lease_is_over() {
    let roles = roles().await;
    let (run, _) = roles.start(None).await;
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    let short = Duration::from_millis(100);
    let claims = roles.worker.claim_starts(one, short, 10).await.expect("claims");
    let entry = claims[0].entry;
    assert_eq!(claims, [Claim { entry, run, is_first: true }]);
    assert_eq!(roles.worker.claim_starts(two, LEASE, 10).await.expect("claims"), []);
    assert_eq!(roles.worker.renew_claims(two, &[entry], LEASE).await.expect("renews"), Vec::<i64>::new());
    tokio::time::sleep(short * 2).await;
    assert_eq!(
        roles.worker.renew_claims(one, &[entry], LEASE).await.expect("renews"),
        Vec::<i64>::new(),
        "it is too late"
    );
    let claims = roles.worker.claim_starts(two, LEASE, 10).await.expect("claims");
    assert_eq!(claims, [Claim { entry, run, is_first: false }]);
    assert_eq!(roles.worker.renew_claims(two, &[entry], LEASE).await.expect("renews"), [entry]);
    roles.worker.mark_sent(&[entry]).await.expect("marks");
    assert_eq!(roles.worker.claim_starts(one, LEASE, 10).await.expect("claims"), []);
}

#[tokio::test]
async fn a_run_that_is_to_be_cancelled_is_not_begun() {
    let roles = roles().await;
    let (run, _) = roles.start(None).await;
    roles.api.request_cancel(run).await.expect("asked");
    let worker = Uuid::now_v7();
    assert_eq!(roles.worker.claim_starts(worker, LEASE, 10).await.expect("claims"), []);
    let words = roles.worker.unsent_words(10).await.expect("reads");
    let entry = words[0].entry;
    let word = Word { entry, run, kind: WordKind::Cancel, has_ended: false, is_unstarted: true };
    assert_eq!(words, [word]);
    let claim = roles.worker.claim_start_of(run, worker, LEASE).await.expect("claims").expect("a claim");
    assert_eq!(roles.worker.claim_start_of(run, Uuid::now_v7(), LEASE).await.expect("claims"), None);
    roles.worker.mark_sent(&[claim.entry, entry]).await.expect("marks");
    assert_eq!(roles.worker.unsent_words(10).await.expect("reads"), []);
}

#[tokio::test]
async fn the_start_of_a_run_is_announced() {
    let roles = roles().await;
    let notifications = Notifications::listen(&roles.worker, OUTBOX_CHANNEL);
    let mut receiver = notifications.subscribe();
    assert_eq!(receiver.recv().await.expect("the greeting"), "");
    let (run, _) = roles.start(None).await;
    assert_eq!(receiver.recv().await.expect("the announcement"), format!("{START} {run}"));
}

#[tokio::test]
async fn results_told_twice_are_stored_once() {
    let roles = roles().await;
    let (run, _) = roles.start(None).await;
    let input = json!({"a": 1});
    roles.backend.end_blocks(run, &[end("hello", json!(1), &input)], Conclusion::default()).await.expect("stores");
    roles.backend.end_blocks(run, &[end("hello", json!(1), &input)], Conclusion::default()).await.expect("the same");
    // Of two who make the same step at the same time, one goes on.
    let other = roles.backend.end_blocks(run, &[end("hello", json!(2), &input)], Conclusion::default()).await;
    assert!(matches!(other, Err(StoreError::Changed { .. })), "{other:?}");
    let blocks = roles.backend.journal(run).await.expect("reads");
    assert_eq!(blocks.len(), 1);
    assert_eq!(blocks[0].outcome.result, json!(1));
    let lines = roles.api.block_logs(run).await.expect("reads");
    assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["a\u{2400}b", "c"]);
    assert_eq!(roles.api.block_runs(run).await.expect("reads")[0].input, input);
}

#[tokio::test]
async fn a_run_may_end_with_its_last_blocks() {
    let roles = roles().await;
    let (run, _) = roles.start(None).await;
    let (input, response) =
        (json!({}), RunResponse { status: 201, headers: BTreeMap::new(), body: json!({"made": true}) });
    let conclusion = Conclusion { response: Some(&response), end: Some(SUCCEEDED), on_failure: None };
    roles.backend.end_blocks(run, &[end("hello", json!(1), &input)], conclusion).await.expect("stores");
    let end_again = RunEnd { status: RunStatus::Failed, ..SUCCEEDED };
    let late = Conclusion { end: Some(end_again), ..Conclusion::default() };
    roles.backend.end_blocks(run, &[end("hello", json!(1), &input)], late).await.expect("changes nothing");
    let stored = roles.api.run(run).await.expect("reads");
    assert_eq!((stored.status, stored.response), (RunStatus::Succeeded, Some(response)));
    assert_eq!(roles.backend.journal(run).await.expect("reads")[0].outcome.result, json!(1));
}

#[tokio::test]
async fn a_call_is_made_once_under_its_key() {
    let roles = roles().await;
    let (run, _) = roles.start(None).await;
    let place = place("hello", &[2, 0]);
    let key = CallKey { run, place: &place, call: 0 };
    let begin = async |hash: &'static [u8]| roles.backend.begin_call(key, hash, at(1)).await.expect("journals");
    assert!(matches!(begin(b"x").await, JournalledCall::New));
    assert!(matches!(begin(b"x").await, JournalledCall::Started { at: since } if since == at(1)));
    assert!(matches!(begin(b"y").await, JournalledCall::AnotherRequest));
    roles.backend.end_call(key, CallEnd::Finished(&json!({"affected": 1}))).await.expect("journals");
    roles.backend.end_call(key, CallEnd::Unknown).await.expect("comes too late");
    assert!(matches!(begin(b"x").await, JournalledCall::Finished(value) if value == json!({"affected": 1})));
    let key = CallKey { call: 1, ..key };
    assert!(matches!(roles.backend.begin_call(key, b"x", at(2)).await.expect("journals"), JournalledCall::New));
    let error = RunError::new("fetch-too-large", "too large");
    roles.backend.end_call(key, CallEnd::Answered(&error)).await.expect("journals");
    let known = roles.backend.begin_call(key, b"x", at(2)).await.expect("journals");
    assert!(matches!(known, JournalledCall::Failed(known) if known == error));
}

#[tokio::test]
async fn a_call_of_code_is_found_by_what_it_asks_for_and_how_often_it_did() {
    let roles = roles().await;
    let (run, _) = roles.start(None).await;
    let place = place("hello", &[]);
    for (call, hash) in [(0, b"x"), (1, b"y"), (2, b"x"), (OWN_CALL, b"z")] {
        roles.backend.begin_call(CallKey { run, place: &place, call }, hash, at(call.into())).await.expect("journals");
    }
    let find = async |hash: &'static [u8], times: i64| {
        let found = roles.backend.find_call(run, &place, hash, times).await.expect("reads");
        found.map(|(number, stands)| match stands {
            JournalledCall::Started { at: since } if since == at(number.into()) => number,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!([find(b"x", 0).await, find(b"x", 1).await, find(b"y", 0).await], [Some(0), Some(2), Some(1)]);
    // What a block does itself is none of its code's.
    assert_eq!([find(b"x", 2).await, find(b"z", 0).await, find(b"w", 0).await], [None; 3]);
}

#[tokio::test]
async fn a_run_ends_once_and_its_first_response_counts() {
    let roles = roles().await;
    let (run, _) = roles.start(None).await;
    let changed = Notifications::listen(&roles.api, CHANGED_CHANNEL);
    let mut changes = changed.subscribe();
    assert_eq!(changes.recv().await.expect("the greeting"), "");
    roles.backend.take_up_run(run).await.expect("marks");
    for status in [201, 500] {
        let response = RunResponse { status, headers: BTreeMap::new(), body: json!({}) };
        let answer = Conclusion { response: Some(&response), ..Conclusion::default() };
        roles.backend.end_blocks(run, &[], answer).await.expect("stores");
    }
    roles.backend.finish_run(run, SUCCEEDED).await.expect("ends");
    let late = RunError::new("cancelled", "too late");
    roles
        .backend
        .finish_run(run, RunEnd { status: RunStatus::Cancelled, error: Some(&late), result: None })
        .await
        .expect("changes nothing");
    let stored = roles.api.run(run).await.expect("reads");
    assert_eq!((stored.status, stored.error), (RunStatus::Succeeded, None));
    assert_eq!(stored.response.expect("a response").status, 201);
    assert_eq!(changes.recv().await.expect("told"), run.to_string());
    assert!(roles.worker.unfinished_runs(std::time::Duration::ZERO, None, 10).await.expect("reads").is_empty());
}

#[tokio::test]
async fn rounds_that_have_ended_are_not_read_again() {
    let roles = roles().await;
    let (run, _) = roles.start(None).await;
    let input = json!({});
    let row = |block: &str, rounds: &[u32], status: BlockStatus, cover: Option<(&'static str, i16)>| {
        let mut row = end("each", json!(null), &input);
        (row.place, row.cover, row.outcome.status) = (place(block, rounds), cover, status);
        row
    };
    let rows = [
        row("each", &[], BlockStatus::Running, None),
        row("inner", &[0], BlockStatus::Succeeded, Some(("each", 1))),
        row("each", &[0], BlockStatus::Succeeded, Some(("each", 0))),
        row("inner", &[1], BlockStatus::Succeeded, Some(("each", 1))),
    ];
    roles.backend.end_blocks(run, &rows, Conclusion::default()).await.expect("stores");
    let known = async || {
        let rows = roles.backend.journal(run).await.expect("reads");
        rows.into_iter().map(|row| format!("{} {}", row.place.block, row.place.iteration)).collect::<Vec<_>>()
    };
    assert_eq!(known().await, ["each ", "inner 1"]);
    let rest =
        [row("each", &[1], BlockStatus::Succeeded, Some(("each", 0))), row("each", &[], BlockStatus::Succeeded, None)];
    roles.backend.end_blocks(run, &rest, Conclusion::default()).await.expect("stores");
    assert_eq!(known().await, ["each "]);
    let rounds = roles.api.block_rounds(run, "inner", Some((&Iteration(vec![0]), 1)), 10).await.expect("reads");
    assert_eq!(rounds.iter().map(|round| round.place.iteration.clone()).collect::<Vec<_>>(), [Iteration(vec![1])]);
    let blocks = roles.api.block_runs(run).await.expect("reads");
    let each = blocks.iter().find(|block| block.place.block == "each").expect("the loop");
    assert_eq!((each.times, &each.place.iteration), (3, &Iteration::default()), "a loop is not its last round");
}

#[tokio::test]
async fn rounds_that_have_nothing_to_tell_are_told_of_together() {
    let roles = roles().await;
    let (run, _) = roles.start(None).await;
    let input = json!({});
    let round = |rounds: &[u32], result: Value| {
        let depth = i16::try_from(rounds.len()).expect("few") - 1;
        let block = if depth == 0 { "each" } else { "inner" };
        BlockEnd { place: place(block, rounds), cover: Some((block, depth)), ..end(block, result, &input) }
    };
    let begun = |block: &str, rounds: &[u32]| {
        let mut row = BlockEnd { place: place(block, rounds), ..end(block, json!({ "count": 9 }), &input) };
        (row.outcome.status, row.finished_at) = (BlockStatus::Running, None);
        row
    };
    let rows = [
        begun("each", &[]),
        round(&[0], Value::Null),
        round(&[1], Value::Null),
        round(&[2], json!("says something")),
        round(&[3], Value::Null),
        begun("inner", &[4]),
        round(&[4, 0], Value::Null),
    ];
    roles.backend.end_blocks(run, &rows, Conclusion::default()).await.expect("stores");

    let told = async || {
        let rounds = roles.backend.ended_rounds(run).await.expect("reads");
        let texts = rounds.iter().map(|one| format!("{} {} {}-{}", one.block, one.iteration, one.first, one.last));
        texts.collect::<Vec<_>>()
    };
    assert_eq!(told().await, ["each  0-1", "each  3-3", "inner 4 0-0"]);
    let journal = roles.backend.journal(run).await.expect("reads");
    let journal: Vec<String> =
        journal.iter().map(|row| format!("{} {}", row.place.block, row.place.iteration)).collect();
    assert_eq!(journal, ["each ", "each 2", "inner 4"]);

    // What a loop that has ended was made of is not told of at all.
    let ended = BlockEnd { place: place("inner", &[4]), ..end("inner", Value::Null, &input) };
    roles.backend.end_blocks(run, &[ended], Conclusion::default()).await.expect("stores");
    assert_eq!(told().await, ["each  0-1", "each  3-3"]);
}

#[tokio::test]
async fn a_block_that_began_and_ended_in_one_report_is_stored_as_ended() {
    let roles = roles().await;
    let (run, _) = roles.start(None).await;
    let input = json!({});
    let mut begun = end("each", json!({ "count": 2 }), &input);
    (begun.outcome.status, begun.finished_at) = (BlockStatus::Running, None);
    let rows = [begun, end("task", json!(1), &input), end("each", json!(2), &input)];

    roles.backend.end_blocks(run, &rows, Conclusion::default()).await.expect("stores");

    let journal = roles.backend.journal(run).await.expect("reads");
    assert_eq!((journal[0].outcome.status, &journal[0].outcome.result), (BlockStatus::Succeeded, &json!(2)));
}

#[tokio::test]
async fn who_ends_a_run_marks_its_start() {
    let (roles, input) = (roles().await, json!(null));
    let (by_worker, claim) = roles.claimed().await;
    let conclusion = Conclusion { end: Some(SUCCEEDED), ..Conclusion::default() };
    roles.backend.end_blocks(by_worker, &[quiet_end("hello", json!(1), &input)], conclusion).await.expect("stores");
    assert_eq!(roles.worker.claim_start_of(by_worker, Uuid::now_v7(), LEASE).await.expect("claims"), None);
    // Temporal, or a worker that was cut off, ends it once more: nothing comes of it.
    roles.backend.finish_run(by_worker, SUCCEEDED).await.expect("changes nothing");
    roles.worker.mark_sent(&[claim.entry]).await.expect("changes nothing");

    let (by_person, _) = roles.start(None).await;
    roles.api.terminate_run(by_person, "ada@example.org").await.expect("ends");
    assert_eq!(roles.worker.claim_start_of(by_person, Uuid::now_v7(), LEASE).await.expect("claims"), None);
}

#[tokio::test]
async fn of_two_who_end_a_run_the_first_counts_whole() {
    let (roles, input) = (roles().await, json!(null));
    let (run, _) = roles.claimed().await;
    let conclusion = Conclusion { end: Some(SUCCEEDED), ..Conclusion::default() };
    roles
        .backend
        .end_blocks(run, &[quiet_end("hello", json!(1), &input)], Conclusion::default())
        .await
        .expect("stores");
    // Another one has found something else; what it has found besides is not stored either.
    let other = [quiet_end("before", json!(0), &input), quiet_end("hello", json!(2), &input)];
    let refused = roles.backend.end_blocks(run, &other, conclusion).await;
    assert!(matches!(refused, Err(StoreError::Changed { .. })), "{refused:?}");
    assert_eq!(roles.backend.journal(run).await.expect("reads").len(), 1);
    assert_eq!(roles.api.run(run).await.expect("reads").status, RunStatus::Running);
    // Who has found the same ends the run.
    let same = [quiet_end("hello", json!(1), &input), quiet_end("after", json!(3), &input)];
    roles.backend.end_blocks(run, &same, conclusion).await.expect("stores");
    assert_eq!(roles.backend.journal(run).await.expect("reads").len(), 2);
    assert_eq!(roles.api.run(run).await.expect("reads").status, RunStatus::Succeeded);
}

#[tokio::test]
async fn a_block_that_has_begun_and_ended_since_the_last_commit_is_one_row() {
    let (roles, input, items) = (roles().await, json!({ "rounds": 2 }), json!({ "count": 2 }));
    let (run, _) = roles.claimed().await;
    let begun = BlockOutcome { status: BlockStatus::Running, result: items, port: None, error: None };
    let (nothing, first) = (json!(null), at(10));
    let ends = [
        BlockEnd { outcome: begun, started_at: first, finished_at: None, ..quiet_end("each", json!(null), &nothing) },
        quiet_end("task", json!(7), &nothing),
        quiet_end("each", json!([7, 7]), &input),
    ];
    roles.backend.end_blocks(run, &ends, Conclusion::default()).await.expect("stores");
    let blocks = roles.api.block_runs(run).await.expect("reads");
    let each = blocks.iter().find(|block| block.place.block == "each").expect("the loop");
    assert_eq!((each.status, &each.result, &each.input), (BlockStatus::Succeeded, &json!([7, 7]), &input));
    assert_eq!((each.started_at, each.finished_at.is_some(), blocks.len()), (first, true, 2));
}

#[tokio::test]
async fn a_run_that_nobody_has_marked_runs_once_something_of_it_is_stored() {
    let (roles, input) = (roles().await, json!(null));
    let (run, _) = roles.claimed().await;
    // Its worker has only read it.
    let shown = roles.api.run(run).await.expect("reads");
    assert_eq!((shown.status, shown.started_at), (RunStatus::Queued, None));
    let began_at = shown.created_at + time::Duration::seconds(1);
    let first = BlockEnd { started_at: began_at, ..quiet_end("hello", json!(1), &input) };
    roles.backend.end_blocks(run, &[first], Conclusion::default()).await.expect("stores");
    let shown = roles.api.run(run).await.expect("reads");
    assert_eq!((shown.status, shown.started_at), (RunStatus::Running, Some(began_at)));
}

#[tokio::test]
async fn a_run_for_its_answer_is_kept_when_it_is_told_of() {
    let roles = roles().await;
    let outbox = Notifications::listen(&roles.worker, OUTBOX_CHANNEL);
    let mut announced = outbox.subscribe();
    assert_eq!(announced.recv().await.expect("listens"), "");
    let (id, trigger) = (RunId::new(), json!({ "kind": "webhook" }));
    let new = NewRun {
        workflow: roles.workflow,
        version: 1,
        environment: EnvironmentId::DEFAULT,
        trigger: &trigger,
        started_by: None,
        idempotency_key: Some("k"),
        begins_at: None,
        trace_parent: None,
        record: &record(),
    };
    assert_eq!(roles.api.start_run_for_answer(id, &new).await.expect("starts"), (id, true));
    assert_eq!(roles.api.start_run_for_answer(RunId::new(), &new).await.expect("finds"), (id, false));
    assert_eq!(announced.recv().await.expect("hears"), format!("{START} {id}"));
    roles.api.settle_run(id).await.expect("keeps");
    let lost = roles.api.settle_run(RunId::new()).await;
    assert!(matches!(lost, Err(StoreError::NotFound { .. })), "{lost:?}");
}
