//! Schedules: rows of the version in use, and the runs that the clock starts.

use bulkhead_model::UserId;
use bulkhead_model::workflow::WorkflowDocument;
use bulkhead_store::Database;
use bulkhead_store::run_search::RunFilter;
use bulkhead_store::schedules::{DueSchedule, Look};
use bulkhead_store::test_support::{as_role, migrated};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

fn document(triggers: Value) -> WorkflowDocument {
    let mut document = json!(WorkflowDocument::starter("Nightly"));
    document["triggers"] = triggers;
    serde_json::from_value(document).expect("a document")
}

/// Starts a run for `due`, and looks again in an hour.
fn start(due: OffsetDateTime) -> impl Fn(&DueSchedule) -> Look {
    move |schedule| Look {
        start: Some(due),
        next_due: Some(schedule.now + Duration::hours(1)),
        look_at: Some(schedule.now + Duration::hours(1)),
        ..Look::default()
    }
}

#[tokio::test]
async fn the_schedules_are_those_of_the_version_in_use() {
    let (own, _) = migrated().await;
    let api = as_role(&own, "bulkhead-api");
    let nightly = json!({ "type": "schedule", "cron": "30 2 * * *", "timezone": "Europe/Vienna" });
    let workflow = api
        .create_workflow("nightly", &document(json!({ "nightly": nightly, "hook": { "type": "webhook" } })), None)
        .await
        .expect("creates");
    assert!(api.schedules(workflow).await.expect("reads").is_empty(), "a draft starts nothing");
    api.release_workflow(workflow, 1, None).await.expect("releases");
    let names = async |api: &Database| {
        let rows = api.schedules(workflow).await.expect("reads");
        rows.into_iter().map(|row| row.trigger).collect::<Vec<_>>()
    };
    assert_eq!(names(&api).await, ["nightly"]);
    api.save_workflow_draft(workflow, 1, &document(json!({ "weekly": nightly }))).await.expect("saves");
    api.release_workflow(workflow, 2, None).await.expect("releases");
    assert_eq!(names(&api).await, ["weekly"]);
    api.restore_workflow_release(workflow, 1).await.expect("restores");
    assert_eq!(names(&api).await, ["nightly"]);
}

#[tokio::test]
async fn a_point_in_time_starts_one_run_whoever_looks() {
    let (own, _) = migrated().await;
    let (api, backend) = (as_role(&own, "bulkhead-api"), as_role(&own, "bulkhead-workflows-backend"));
    let schedule = json!({ "type": "schedule", "cron": "* * * * *", "body": { "month": 5 } });
    let workflow = api.create_workflow("often", &document(json!({ "often": schedule })), None).await.expect("creates");
    api.release_workflow(workflow, 1, None).await.expect("releases");
    let due = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a moment");
    assert!(backend.look_at_schedule(start(due)).await.expect("looks"));
    assert!(!backend.look_at_schedule(start(due)).await.expect("looks"), "it is not due any more");
    // As after a power cut that took the commit back: the same point is the same run.
    let client = own.connect().await;
    client.batch_execute("UPDATE schedules SET look_at = now()").await.expect("changes");
    assert!(backend.look_at_schedule(start(due)).await.expect("looks"));
    let page = api.runs(&RunFilter::default(), (UserId(Uuid::nil()), true), 10).await.expect("lists");
    assert_eq!(page.runs.len(), 1);
    let trigger = &page.runs[0].trigger;
    assert_eq!((&trigger["kind"], &trigger["name"]), (&json!("schedule"), &json!("often")));
    assert_eq!((&trigger["scheduled_at"], &trigger["body"]), (&json!("2027-01-15T08:00:00Z"), &json!({ "month": 5 })));
    let rows = api.schedules(workflow).await.expect("reads");
    assert_eq!(rows[0].last_run, Some(page.runs[0].id));
    let left = backend.next_look().await.expect("reads").expect("a look");
    assert!(left > Duration::minutes(59) && left <= Duration::hours(1), "{left}");
}

#[tokio::test]
async fn one_that_cannot_be_read_keeps_no_other_from_its_time() {
    let (own, _) = migrated().await;
    let (api, backend) = (as_role(&own, "bulkhead-api"), as_role(&own, "bulkhead-workflows-backend"));
    let schedule = json!({ "type": "schedule", "cron": "* * * * *" });
    let triggers = json!({ "broken": schedule, "sound": schedule });
    let workflow = api.create_workflow("often", &document(triggers), None).await.expect("creates");
    api.release_workflow(workflow, 1, None).await.expect("releases");
    let client = own.connect().await;
    let sql = "UPDATE schedules SET definition = '{\"cron\": 1}', look_at = now() - interval '1 hour' WHERE trigger = 'broken'";
    client.batch_execute(sql).await.expect("changes");
    assert!(backend.look_at_schedule(start(OffsetDateTime::now_utc())).await.is_err());
    assert!(backend.look_at_schedule(start(OffsetDateTime::now_utc())).await.expect("looks"));
    let page = api.runs(&RunFilter::default(), (UserId(Uuid::nil()), true), 10).await.expect("lists");
    assert_eq!(page.runs.iter().map(|run| &run.trigger["name"]).collect::<Vec<_>>(), ["sound"]);
}

#[tokio::test]
async fn a_paused_schedule_is_not_looked_at_and_goes_on_with_what_comes_next() {
    let (own, _) = migrated().await;
    let (api, backend) = (as_role(&own, "bulkhead-api"), as_role(&own, "bulkhead-workflows-backend"));
    let schedule = json!({ "type": "schedule", "cron": "* * * * *" });
    let workflow = api.create_workflow("often", &document(json!({ "often": schedule })), None).await.expect("creates");
    api.release_workflow(workflow, 1, None).await.expect("releases");
    let now = OffsetDateTime::now_utc();
    api.pause_schedule(workflow, "often", true).await.expect("pauses");
    assert!(!backend.look_at_schedule(start(now)).await.expect("looks"));
    api.pause_schedule(workflow, "often", false).await.expect("goes on");
    let judge = |schedule: &DueSchedule| {
        assert_eq!(schedule.due, None, "what came meanwhile is forgotten");
        start(now)(schedule)
    };
    assert!(backend.look_at_schedule(judge).await.expect("looks"));
    assert!(api.pause_schedule(workflow, "unknown", true).await.is_err());
}
