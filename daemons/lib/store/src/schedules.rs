//! Schedules: the rows that say where the clock stands for a workflow, and the runs that it starts.

use bulkhead_model::workflow::{Schedule, Trigger, WorkflowDocument};
use bulkhead_model::{RunId, Slug, WorkflowId};
use deadpool_postgres::Transaction;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use crate::environments::named;
use crate::queues::{ANNOUNCE_ENTRY, START_ENTRY};
use crate::{Database, StoreError};

/// The channel that says that schedules have changed.
pub const SCHEDULES_CHANNEL: &str = "schedules_changed";

/// A schedule, for those who look at it.
#[derive(Clone, Debug)]
pub struct ScheduleRow {
    /// The trigger's name.
    pub trigger: String,
    /// As released.
    pub definition: Schedule,
    /// Since when it starts nothing.
    pub paused_at: Option<OffsetDateTime>,
    /// What comes next; unknown for a moment after a release.
    pub next_due: Option<OffsetDateTime>,
    /// The run that it has started last.
    pub last_run: Option<RunId>,
    /// The last point in time that started no run, and why.
    pub skipped: Option<(OffsetDateTime, String)>,
}

/// A schedule that is to be looked at now.
#[derive(Clone, Debug)]
pub struct DueSchedule {
    /// The workflow.
    pub workflow: WorkflowId,
    /// The trigger's name.
    pub trigger: String,
    /// As released.
    pub definition: Schedule,
    /// The release.
    pub version: i32,
    /// The point in time that has come; none where it was not worked out yet.
    pub due: Option<OffsetDateTime>,
    /// The run that it has started last, while that goes on.
    pub under_way: Option<RunId>,
    /// The database's clock: the one that all replicas share.
    pub now: OffsetDateTime,
}

/// What comes of a look at a schedule.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The point in time for which a run starts.
    pub start: Option<OffsetDateTime>,
    /// The point in time that starts none, and why.
    pub skip: Option<(OffsetDateTime, &'static str)>,
    /// The run that is cancelled.
    pub cancel: Option<RunId>,
    /// What comes next.
    pub next_due: Option<OffsetDateTime>,
    /// When to look again; never where nothing comes any more.
    pub look_at: Option<OffsetDateTime>,
}

impl Database {
    /// The schedules of a workflow's version in use.
    pub async fn schedules(&self, workflow: WorkflowId) -> Result<Vec<ScheduleRow>, StoreError> {
        let operation = "read schedules";
        let client = self.client(operation).await?;
        let sql = "SELECT trigger, definition, paused_at, next_due, last_run, skipped_due, skipped_why FROM schedules
            WHERE workflow_id = $1 ORDER BY trigger";
        let rows = client.query(sql, &[&workflow.0]).await.map_err(StoreError::of(operation))?;
        rows.iter()
            .map(|row| {
                Ok(ScheduleRow {
                    trigger: row.get(0),
                    definition: definition(operation, row.get(1))?,
                    paused_at: row.get(2),
                    next_due: row.get(3),
                    last_run: row.get::<_, Option<Uuid>>(4).map(RunId),
                    skipped: row.get::<_, Option<OffsetDateTime>>(5).map(|due| (due, row.get(6))),
                })
            })
            .collect()
    }

    /// Pauses a schedule or lets it go on with what comes next. [`StoreError::NotFound`] where the version in use has none of that name.
    pub async fn pause_schedule(&self, workflow: WorkflowId, trigger: &str, pause: bool) -> Result<(), StoreError> {
        let operation = "pause a schedule";
        let client = self.client(operation).await?;
        // What came while it was paused is not caught up.
        let sql = "WITH changed AS (UPDATE schedules SET paused_at = CASE WHEN $3 THEN coalesce(paused_at, now()) END,
                next_due = CASE WHEN $3 OR paused_at IS NULL THEN next_due END, look_at = CASE WHEN $3 THEN look_at ELSE now() END
                WHERE workflow_id = $1 AND trigger = $2 RETURNING trigger)
            SELECT pg_notify('schedules_changed', trigger) FROM changed";
        let rows = client.query(sql, &[&workflow.0, &trigger, &pause]).await.map_err(StoreError::of(operation))?;
        if rows.is_empty() { Err(StoreError::NotFound { operation }) } else { Ok(()) }
    }

    /// Looks at the schedule that has waited for it longest, if any is due: `judge` says what comes of it, and all of that is one commit.
    /// Another replica looks at another one meanwhile. False where there was none. One that fails is put off: it keeps no other one from its
    /// time.
    pub async fn look_at_schedule(&self, judge: impl Fn(&DueSchedule) -> Look) -> Result<bool, StoreError> {
        let operation = "look at a schedule";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let sql = "SELECT s.workflow_id, s.trigger, s.definition, s.version, s.next_due, r.id, now() FROM schedules s
            LEFT JOIN runs r ON r.id = s.last_run AND r.finished_at IS NULL
            WHERE s.paused_at IS NULL AND s.look_at <= now() ORDER BY s.look_at LIMIT 1 FOR UPDATE OF s SKIP LOCKED";
        let statement = transaction.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let row = transaction.query_opt(&statement, &[]).await.map_err(StoreError::of(operation))?;
        let Some(row) = row else { return Ok(false) };
        let looked = match due_schedule(operation, &row) {
            Ok(due) => {
                let look = judge(&due);
                look_at(transaction, &due, look).await
            }
            Err(error) => {
                drop(transaction);
                Err(error)
            }
        };
        if looked.is_err() {
            let sql =
                "UPDATE schedules SET look_at = now() + interval '1 minute' WHERE workflow_id = $1 AND trigger = $2";
            let of: [&(dyn ToSql + Sync); 2] = [&row.get::<_, Uuid>(0), &row.get::<_, &str>(1)];
            client.execute(sql, &of).await.map_err(StoreError::of(operation))?;
        }
        looked.map(|()| true)
    }

    /// When the next schedule is to be looked at.
    pub async fn next_look(&self) -> Result<Option<time::Duration>, StoreError> {
        let operation = "look for the next schedule";
        let client = self.client(operation).await?;
        let sql = "SELECT look_at, now() FROM schedules WHERE paused_at IS NULL AND look_at < 'infinity' ORDER BY look_at LIMIT 1";
        let row = client.query_opt(sql, &[]).await.map_err(StoreError::of(operation))?;
        Ok(row.map(|row| row.get::<_, OffsetDateTime>(0) - row.get::<_, OffsetDateTime>(1)))
    }
}

fn definition(operation: &'static str, value: Value) -> Result<Schedule, StoreError> {
    serde_json::from_value(value).map_err(StoreError::damaged(operation))
}

fn due_schedule(operation: &'static str, row: &Row) -> Result<DueSchedule, StoreError> {
    Ok(DueSchedule {
        workflow: WorkflowId(row.get(0)),
        trigger: row.get(1),
        definition: definition(operation, row.get(2))?,
        version: row.get(3),
        due: row.get(4),
        under_way: row.get::<_, Option<Uuid>>(5).map(RunId),
        now: row.get(6),
    })
}

/// Does what comes of a look, and moves the schedule on.
async fn look_at(transaction: Transaction<'_>, due: &DueSchedule, look: Look) -> Result<(), StoreError> {
    let operation = "look at a schedule";
    let mut look = look;
    let mut started = None;
    if let Some(moment) = look.start {
        started = start_scheduled(&transaction, due, moment).await?;
        if started.is_none() && !has_environment(&transaction, due).await? {
            look.skip = Some((moment, "environment"));
        }
    }
    if let Some(run) = look.cancel {
        let sql = "WITH entry AS (INSERT INTO run_outbox (run_id, kind) VALUES ($1, 'cancel') RETURNING run_id)
            SELECT pg_notify('run_outbox', run_id::text) FROM entry";
        transaction.query(sql, &[&run.0]).await.map_err(StoreError::of(operation))?;
    }
    let sql = "UPDATE schedules SET next_due = $3, look_at = coalesce($4::timestamptz, 'infinity'), last_run = coalesce($5, last_run),
            skipped_due = coalesce($6, skipped_due), skipped_why = coalesce($7, skipped_why)
        WHERE workflow_id = $1 AND trigger = $2";
    let statement = transaction.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
    let (skipped_due, skipped_why) = look.skip.unzip();
    let values: [&(dyn ToSql + Sync); 7] = [
        &due.workflow.0,
        &due.trigger,
        &look.next_due,
        &look.look_at,
        &started.map(|run| run.0),
        &skipped_due,
        &skipped_why,
    ];
    transaction.execute(&statement, &values).await.map_err(StoreError::of(operation))?;
    transaction.commit().await.map_err(StoreError::of(operation))
}

/// Whether the environment of a schedule's runs is there. One that a schedule in use names is not removed, but that may have been meanwhile.
async fn has_environment(transaction: &Transaction<'_>, due: &DueSchedule) -> Result<bool, StoreError> {
    let operation = "look up an environment";
    let sql = format!("SELECT FROM environments e WHERE {}", named("$1"));
    let name = due.definition.environment.as_ref().map(Slug::as_str);
    let row = transaction.query_opt(&sql, &[&name]).await.map_err(StoreError::of(operation))?;
    Ok(row.is_some())
}

/// Starts the run of a point in time. The same point is the same run, whoever has looked at it and however often.
async fn start_scheduled(
    transaction: &Transaction<'_>,
    due: &DueSchedule,
    moment: OffsetDateTime,
) -> Result<Option<RunId>, StoreError> {
    let operation = "start a scheduled run";
    let at = moment.format(&Rfc3339).unwrap_or_default();
    let environment = named("$7");
    let sql = format!(
        "WITH run AS (
            INSERT INTO runs (id, workflow_id, version, status, trigger, idempotency_key, environment_id)
            SELECT $1, $2, $3, 'queued', $4, $5, e.id FROM environments e WHERE {environment}
            ON CONFLICT (workflow_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING RETURNING id, workflow_id),
        {START_ENTRY},
        record AS (INSERT INTO audit_log (actor, action, object_kind, object_id, detail)
            SELECT 'schedule', 'workflow.run.start', 'workflow', run.workflow_id, $6 FROM run)
        SELECT entry.run_id, {ANNOUNCE_ENTRY} FROM entry"
    );
    let statement = transaction.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
    let trigger = json!({
        "kind": "schedule", "name": due.trigger, "body": due.definition.body, "scheduled_at": at,
        "timezone": due.definition.timezone,
    });
    let detail = json!({ "trigger": due.trigger, "scheduled_at": at, "version": due.version });
    let key = format!("schedule/{}/{at}", due.trigger);
    let environment = due.definition.environment.as_ref().map(Slug::as_str);
    let values: [&(dyn ToSql + Sync); 7] =
        [&Uuid::now_v7(), &due.workflow.0, &due.version, &trigger, &key, &detail, &environment];
    let row = transaction.query_opt(&statement, &values).await.map_err(StoreError::of(operation))?;
    Ok(row.map(|row| RunId(row.get(0))))
}

/// Makes the schedules of a workflow those of the version that is in use from now on. One that stays as it was keeps its place.
pub(crate) async fn put_schedules(
    transaction: &Transaction<'_>,
    workflow: Uuid,
    version: i32,
    document: &WorkflowDocument,
) -> Result<(), StoreError> {
    let operation = "store schedules";
    let schedules = || {
        document.triggers.iter().filter_map(|(name, trigger)| match trigger {
            Trigger::Schedule(schedule) => Some((name, schedule)),
            Trigger::Webhook(_) => None,
        })
    };
    let names: Vec<&str> = schedules().map(|(name, _)| name.as_str()).collect();
    let sql = "DELETE FROM schedules WHERE workflow_id = $1 AND NOT trigger = ANY($2)";
    transaction.execute(sql, &[&workflow, &names]).await.map_err(StoreError::of(operation))?;
    for (name, schedule) in schedules() {
        let sql = "INSERT INTO schedules AS s (workflow_id, trigger, definition, version) VALUES ($1, $2, $3, $4)
            ON CONFLICT (workflow_id, trigger) DO UPDATE SET version = excluded.version, definition = excluded.definition,
                next_due = CASE WHEN s.definition::jsonb - 'body' = excluded.definition::jsonb - 'body' THEN s.next_due END,
                look_at = CASE WHEN s.definition::jsonb - 'body' = excluded.definition::jsonb - 'body' THEN s.look_at ELSE now() END";
        let values: [&(dyn ToSql + Sync); 4] = [&workflow, &name.as_str(), &Json(schedule), &version];
        transaction.execute(sql, &values).await.map_err(StoreError::of(operation))?;
    }
    transaction.query("SELECT pg_notify('schedules_changed', '')", &[]).await.map_err(StoreError::of(operation))?;
    Ok(())
}
