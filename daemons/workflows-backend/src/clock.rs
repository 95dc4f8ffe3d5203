//! What is done because of the time: scheduled runs start, questions escalate, old runs and events go, the queue is counted.
//!
//! Each replica does all of it. The row of a schedule is locked while somebody looks at it, and a point in time is the idempotency key
//! of its run: it starts once, whoever is first. The clock that counts is the database's.

use std::time::Duration;

use bulkhead_model::workflow::{Overlap, Schedule};
use bulkhead_store::schedules::{DueSchedule, Look, SCHEDULES_CHANNEL};
use bulkhead_store::{Database, Notifications, StoreError};
use time::OffsetDateTime;

use crate::metrics::Metrics;

/// The longest sleep: a clock that is set forward is noticed after this.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The shortest, so that a row that cannot be moved on does no harm.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Between two looks at a run that has to end first.
const WAIT_FOR_RUN: time::Duration = time::Duration::seconds(1);
/// A start that comes this late is none that was missed: daemons are restarted.
const LATE: time::Duration = time::Duration::seconds(30);
/// Between two looks at the queue.
const COUNT_EVERY: Duration = Duration::from_secs(15);
/// Between two rounds of deleting.
const DELETE_EVERY: Duration = Duration::from_secs(60);
/// Runs deleted by one statement.
const DELETE_AT_ONCE: i64 = 200;
/// Between two looks at questions that nobody has decided in time.
const ESCALATE_EVERY: Duration = Duration::from_secs(1);
/// Questions escalated by one statement.
const ESCALATE_AT_ONCE: i64 = 100;

/// Looks at the queue, for the metrics, for ever.
pub(crate) async fn watch_queue(database: Database, metrics: Metrics) {
    loop {
        match database.queue_state().await {
            Ok(state) => metrics.queue(&state),
            Err(error) => tracing::debug!("the queue was not looked at: {error}"),
        }
        tokio::time::sleep(COUNT_EVERY).await;
    }
}

/// Starts the runs of schedules, for ever.
pub(crate) async fn start_scheduled_runs(database: Database) {
    let notifications = Notifications::listen(&database, SCHEDULES_CHANNEL);
    loop {
        // From before the look on: what changes during it is heard.
        let mut changed = notifications.subscribe();
        let pause = match database.look_at_schedule(judge).await {
            Ok(true) => continue,
            Ok(false) => match database.next_look().await {
                Ok(Some(left)) => Duration::try_from(left).unwrap_or_default().clamp(LOOK_AGAIN, LOOK_EVERY),
                Ok(None) => LOOK_EVERY,
                Err(error) => {
                    tracing::debug!("schedules are not looked at: {error}");
                    LOOK_EVERY
                }
            },
            Err(error) => {
                tracing::warn!("a schedule was not looked at and is tried again: {error}");
                LOOK_EVERY
            }
        };
        let _ = tokio::time::timeout(pause, changed.recv()).await;
    }
}

/// Deletes runs that their workflows do not keep any longer, for ever.
pub(crate) async fn delete_old_runs(database: Database) {
    loop {
        let deleted = delete_some(&database).await;
        tokio::time::sleep(pause_after("runs", &deleted)).await;
    }
}

/// Deletes events that are too old, or that no run is left for, for ever.
pub(crate) async fn delete_old_events(database: Database) {
    loop {
        let deleted = database.delete_old_events(DELETE_AT_ONCE).await;
        tokio::time::sleep(pause_after("events", &deleted)).await;
    }
}

fn pause_after(what: &str, deleted: &Result<u64, StoreError>) -> Duration {
    match deleted {
        // A full batch: there are more. Others want the disk too.
        Ok(count) if *count >= DELETE_AT_ONCE as u64 => {
            tracing::debug!("{count} old {what} were measured or deleted");
            LOOK_AGAIN
        }
        Ok(_) => DELETE_EVERY,
        Err(error) => {
            tracing::warn!(
                "old {what} were not deleted, and the next look is in {} s: {error}",
                DELETE_EVERY.as_secs()
            );
            DELETE_EVERY
        }
    }
}

/// Lets others decide too where nobody has decided in time, for ever.
pub(crate) async fn escalate_questions(database: Database) {
    loop {
        match database.escalate(ESCALATE_AT_ONCE).await {
            Ok(escalated) => {
                for question in &escalated {
                    tracing::info!(run.id = %question.run, "the question of block `{}` in run {} may be decided by more people now", question.block, question.run);
                }
                if escalated.len() as i64 == ESCALATE_AT_ONCE {
                    continue;
                }
            }
            Err(error) => tracing::debug!("questions were not escalated: {error}"),
        }
        tokio::time::sleep(ESCALATE_EVERY).await;
    }
}

/// Some of that; gives how many runs it has dealt with.
async fn delete_some(database: &Database) -> Result<u64, StoreError> {
    // Each by itself: one that takes too long is not to keep the others from their work.
    let old = database.delete_old_runs(DELETE_AT_ONCE).await;
    let measured = database.measure_runs(DELETE_AT_ONCE).await;
    let large = database.delete_large_runs(DELETE_AT_ONCE).await;
    Ok(old? + measured? + large?)
}

/// What comes of a schedule now.
fn judge(schedule: &DueSchedule) -> Look {
    let DueSchedule { definition, now, .. } = schedule;
    let then = |next_due: Option<OffsetDateTime>| {
        let seed = schedule.workflow.0.as_u128() as u64;
        let look_at = next_due.map(|due| due + definition.jitter_at(due, seed));
        Look { next_due, look_at, ..Look::default() }
    };
    let Some(due) = schedule.due else { return then(definition.next_after(*now)) };
    if definition.overlap == Overlap::Wait && schedule.under_way.is_some() {
        return Look { next_due: Some(due), look_at: Some(*now + WAIT_FOR_RUN), ..Look::default() };
    }
    let patience = time::Duration::seconds(definition.catch_up_s.into());
    if *now - due > patience + time::Duration::seconds(definition.jitter_s.into()) + LATE {
        let next = definition.next_after(due.max(*now - patience));
        return Look { skip: Some((due, "missed")), ..then(next) };
    }
    let due = if definition.overlap == Overlap::Wait { newest(definition, due, *now) } else { due };
    let next = then(definition.next_after(due));
    match (definition.overlap, schedule.under_way) {
        (Overlap::Skip, Some(_)) => Look { skip: Some((due, "overlap")), ..next },
        (Overlap::Cancel, under_way) => Look { start: Some(due), cancel: under_way, ..next },
        _ => Look { start: Some(due), ..next },
    }
}

/// The last point in time that has come, from `due` on.
fn newest(definition: &Schedule, due: OffsetDateTime, now: OffsetDateTime) -> OffsetDateTime {
    let mut newest = due;
    while let Some(next) = definition.next_after(newest).filter(|next| *next <= now) {
        newest = next;
    }
    newest
}

#[cfg(test)]
mod tests {
    use bulkhead_model::{RunId, WorkflowId};
    use serde_json::{Value, json};
    use time::format_description::well_known::Rfc3339;

    use super::*;

    fn at(time: &str) -> OffsetDateTime {
        OffsetDateTime::parse(&format!("2026-05-01T{time}Z"), &Rfc3339).expect("a moment")
    }

    /// Every five minutes, looked at when it is `now`.
    fn look(settings: Value, due: Option<&str>, under_way: Option<RunId>, now: &str) -> Look {
        let mut definition = json!({ "cron": "*/5 * * * *", "timezone": "UTC" });
        definition.as_object_mut().expect("an object").extend(settings.as_object().expect("an object").clone());
        judge(&DueSchedule {
            workflow: WorkflowId::new(),
            trigger: "often".into(),
            definition: serde_json::from_value(definition).expect("a schedule"),
            version: 1,
            due: due.map(at),
            under_way,
            now: at(now),
        })
    }

    #[test]
    fn a_new_schedule_starts_nothing_at_once() {
        let look = look(json!({}), None, None, "10:02:00");
        assert_eq!((look.start, look.next_due, look.look_at), (None, Some(at("10:05:00")), Some(at("10:05:00"))));
    }

    #[test]
    fn a_point_in_time_starts_a_run_and_the_next_one_follows() {
        let look = look(json!({}), Some("10:05:00"), None, "10:05:00.1");
        assert_eq!((look.start, look.next_due), (Some(at("10:05:00")), Some(at("10:10:00"))));
    }

    #[test]
    fn what_was_missed_is_caught_up_within_the_window_alone() {
        let missed = look(json!({ "catch-up-s": 600 }), Some("10:05:00"), None, "11:00:30");
        assert_eq!(missed.skip, Some((at("10:05:00"), "missed")));
        assert_eq!((missed.start, missed.next_due), (None, Some(at("10:55:00"))));
        let caught_up = look(json!({ "catch-up-s": 600 }), Some("10:55:00"), None, "11:00:30");
        assert_eq!((caught_up.start, caught_up.next_due), (Some(at("10:55:00")), Some(at("11:00:00"))));
        let never = look(json!({ "catch-up-s": 0 }), Some("10:05:00"), None, "10:05:20");
        assert_eq!(never.start, Some(at("10:05:00")), "a restart takes some seconds");
    }

    #[test]
    fn a_run_that_goes_on_is_passed_by_waited_for_or_cancelled() {
        let run = Some(RunId::new());
        let of =
            |overlap: &str, under_way| look(json!({ "overlap": overlap }), Some("10:05:00"), under_way, "10:05:00");
        assert_eq!(of("skip", run).skip, Some((at("10:05:00"), "overlap")));
        assert_eq!(of("skip", run).start, None);
        assert_eq!((of("allow", run).start, of("allow", run).cancel), (Some(at("10:05:00")), None));
        assert_eq!((of("cancel", run).start, of("cancel", run).cancel), (Some(at("10:05:00")), run));
        let waiting = of("wait", run);
        assert_eq!(
            (waiting.start, waiting.next_due, waiting.look_at),
            (None, Some(at("10:05:00")), Some(at("10:05:01")))
        );
    }

    #[test]
    fn what_came_while_one_waited_is_one() {
        let look = look(json!({ "overlap": "wait", "catch-up-s": 3600 }), Some("10:05:00"), None, "10:21:00");
        assert_eq!((look.start, look.next_due), (Some(at("10:20:00")), Some(at("10:25:00"))));
    }

    /// Lets the clock of a schedule show these times one after the other, forward or back; gives for which points runs start.
    fn starts(definition: Value, clock: &[&str]) -> Vec<OffsetDateTime> {
        let definition: Schedule = serde_json::from_value(definition).expect("a schedule");
        let (mut due, mut look_at, mut starts) = (None, None, Vec::new());
        for now in clock {
            let now = OffsetDateTime::parse(now, &Rfc3339).expect("a moment");
            // As the database does: a row is looked at once its time has come, and again for as long as that is so.
            while look_at.is_none_or(|at| at <= now) {
                let (workflow, trigger) = (WorkflowId::new(), "nightly".to_owned());
                let look = judge(&DueSchedule {
                    workflow,
                    trigger,
                    definition: definition.clone(),
                    version: 1,
                    due,
                    under_way: None,
                    now,
                });
                starts.extend(look.start);
                (due, look_at) = (look.next_due, look.look_at);
            }
        }
        starts
    }

    fn moments(times: &[&str]) -> Vec<OffsetDateTime> {
        times.iter().map(|time| OffsetDateTime::parse(time, &Rfc3339).expect("a moment")).collect()
    }

    #[test]
    fn a_clock_that_jumps_forward_by_a_day_starts_what_the_window_allows_and_goes_on() {
        let jump = ["2026-05-01T10:02:00Z", "2026-05-02T10:02:30Z", "2026-05-02T10:05:00Z"];
        let hourly = |catch_up_s: u32| json!({ "cron": "5 * * * *", "timezone": "UTC", "catch-up-s": catch_up_s });
        assert_eq!(starts(hourly(600), &jump), moments(&["2026-05-02T10:05:00Z"]));
        let caught_up = starts(hourly(3 * 3600), &jump);
        assert_eq!(
            caught_up,
            moments(&["2026-05-02T07:05:00Z", "2026-05-02T08:05:00Z", "2026-05-02T09:05:00Z", "2026-05-02T10:05:00Z"])
        );
    }

    #[test]
    fn a_clock_that_is_set_back_starts_nothing_twice() {
        let clock = [
            "2026-05-01T10:02:00Z",
            "2026-05-01T10:05:00Z",
            "2026-05-01T09:04:00Z",
            "2026-05-01T10:05:30Z",
            "2026-04-30T10:10:00Z",
            "2026-05-01T10:10:00Z",
        ];
        let often = json!({ "cron": "*/5 * * * *", "timezone": "UTC" });
        assert_eq!(starts(often, &clock), moments(&["2026-05-01T10:05:00Z", "2026-05-01T10:10:00Z"]));
    }

    #[test]
    fn each_night_has_one_run_though_an_hour_is_left_out_or_comes_twice() {
        let nightly = json!({ "cron": "30 2 * * *", "timezone": "Europe/Vienna" });
        let every_ten_minutes = |from: &str, count: i64| -> Vec<String> {
            let from = OffsetDateTime::parse(from, &Rfc3339).expect("a moment");
            let times = (0..count).map(|number| from + time::Duration::minutes(10 * number));
            times.map(|time| time.format(&Rfc3339).expect("a text")).collect()
        };
        for (from, expected) in [
            ("2026-03-28T00:00:00Z", ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]),
            ("2026-10-24T00:00:00Z", ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
        ] {
            let clock = every_ten_minutes(from, 3 * 24 * 6);
            let clock: Vec<&str> = clock.iter().map(String::as_str).collect();
            assert_eq!(starts(nightly.clone(), &clock), moments(&expected));
        }
    }
}
