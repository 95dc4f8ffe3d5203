//! Lists of runs.

use bulkhead_model::run::RunStatus;
use bulkhead_model::{RunId, UserId, WorkflowId};
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::access::ObjectKind;
use crate::runs::{RUN_COLUMNS, Run, run};
use crate::{Database, StoreError};

/// Runs looked at for one page, at most, where what is looked for has no index. The page after goes on from there.
const MAX_LOOKED_AT: i64 = 5000;

/// Which runs.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Of this workflow; of all that the person may edit when absent.
    pub workflow: Option<WorkflowId>,
    /// Older than this one.
    pub before: Option<RunId>,
    /// That stand so.
    pub status: Option<RunStatus>,
    /// Of this kind of trigger.
    pub trigger: Option<String>,
    /// Accepted at this time or later.
    pub since: Option<OffsetDateTime>,
    /// Accepted before this time.
    pub until: Option<OffsetDateTime>,
    /// With this text in what started them, in any case of letters.
    pub text: Option<String>,
}

/// A page of runs, the newest first.
#[derive(Clone, Debug)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<Run>,
    /// `before` of the page after, if there may be one.
    pub next: Option<RunId>,
}

impl Database {
    /// A page of runs.
    pub async fn runs(
        &self,
        filter: &RunFilter,
        (user, is_admin): (UserId, bool),
        limit: i64,
    ) -> Result<RunPage, StoreError> {
        let operation = "list runs";
        let client = self.client(operation).await?;
        // The states of few runs have an index of their own, which is used for the very words of its condition.
        let indexed = match filter.status {
            Some(RunStatus::Failed) => "AND r.status = 'failed'",
            Some(RunStatus::Queued | RunStatus::Running | RunStatus::Waiting) => "AND r.finished_at IS NULL",
            Some(RunStatus::Succeeded | RunStatus::Cancelled) | None => "",
        };
        let is_exact = filter.text.is_none()
            && filter.trigger.is_none()
            && matches!(filter.status, None | Some(RunStatus::Failed));
        let role = ObjectKind::Workflow.granted_role("$6::uuid");
        let sql = format!(
            "WITH seen AS MATERIALIZED (
                SELECT {RUN_COLUMNS} FROM runs r JOIN workflows w ON w.id = r.workflow_id
                WHERE ($1::uuid IS NULL OR r.workflow_id = $1) AND ($2::uuid IS NULL OR r.id < $2)
                  AND ($3::uuid IS NULL OR r.id >= $3) AND ($4::uuid IS NULL OR r.id < $4)
                  AND ($5 OR r.workflow_id IN (SELECT o.id FROM workflows o WHERE {role} IN ('editor', 'admin'))) {indexed}
                ORDER BY r.id DESC LIMIT $7),
            found AS (
                SELECT * FROM seen WHERE ($8::text IS NULL OR status = $8) AND ($9::text IS NULL OR trigger ->> 'kind' = $9)
                  AND ($10::text IS NULL OR strpos(lower(trigger::text), lower($10)) > 0) ORDER BY id DESC LIMIT $11)
            SELECT found.*, looked.at, looked.last
            FROM (SELECT count(*) AS at, (SELECT id FROM seen ORDER BY id LIMIT 1) AS last FROM seen) looked LEFT JOIN found ON true
            ORDER BY found.id DESC"
        );
        let look_at = if is_exact { limit } else { MAX_LOOKED_AT };
        let (since, until) = (filter.since.map(first_id), filter.until.map(first_id));
        let (workflow, before) = (filter.workflow.map(|id| id.0), filter.before.map(|id| id.0));
        let values: [&(dyn ToSql + Sync); 11] = [
            &workflow,
            &before,
            &since,
            &until,
            &is_admin,
            &user.0,
            &look_at,
            &filter.status.map(RunStatus::as_str),
            &filter.trigger,
            &filter.text,
            &limit,
        ];
        let rows = client.query(&sql, &values).await.map_err(StoreError::of(operation))?;
        let found = rows.iter().filter(|row| row.get::<_, Option<Uuid>>("id").is_some());
        let runs: Vec<Run> = found.map(|row| run(operation, row)).collect::<Result<_, _>>()?;
        let is_full = i64::try_from(runs.len()).is_ok_and(|count| count == limit);
        let next = match runs.last().filter(|_| is_full) {
            Some(last) => Some(last.id),
            None => rows
                .first()
                .filter(|row| row.get::<_, i64>("at") == look_at)
                .and_then(|row| row.get::<_, Option<Uuid>>("last"))
                .map(RunId),
        };
        Ok(RunPage { runs, next })
    }
}

/// The least id of a run that was accepted at `moment`: ids begin with their time.
fn first_id(moment: OffsetDateTime) -> Uuid {
    let millis = u128::try_from(moment.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}
