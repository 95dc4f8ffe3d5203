//! Approvals: questions that runs ask of people, and their answers.

use bulkhead_model::{RunId, UserId, WorkflowId};
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::journal::{BlockPlace, rounds};
use crate::{Database, StoreError};

/// A question to ask.
#[derive(Clone, Debug)]
pub struct NewApproval<'a> {
    /// The run that asks.
    pub run: RunId,
    /// The block that asks.
    pub place: &'a BlockPlace,
    /// Its workflow.
    pub workflow: WorkflowId,
    /// What is asked.
    pub title: &'a str,
    /// What there is to know.
    pub description: &'a str,
    /// Who may decide, by e-mail address; every editor of the workflow when empty.
    pub people: &'a [String],
    /// Until when.
    pub deadline: Option<OffsetDateTime>,
}

/// A decision on a question.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Whether it is approved.
    pub approved: bool,
    /// Who decided, by e-mail address; nobody where the deadline did.
    pub by: Option<String>,
    /// What they said.
    pub comment: String,
    /// When.
    pub at: OffsetDateTime,
}

/// A question as a person sees it.
#[derive(Clone, Debug)]
pub struct Approval {
    /// The id.
    pub id: Uuid,
    /// The run that asks.
    pub run: RunId,
    /// Its workflow.
    pub workflow: WorkflowId,
    /// That workflow's slug.
    pub workflow_slug: String,
    /// That workflow's title.
    pub workflow_title: String,
    /// The block that asks.
    pub block: String,
    /// What is asked.
    pub title: String,
    /// What there is to know.
    pub description: String,
    /// Until when.
    pub deadline: Option<OffsetDateTime>,
    /// When it was asked.
    pub created_at: OffsetDateTime,
}

/// Who may see and decide a question: `$1` is the user, `$2` whether it is an administrator. A person that the block names needs
/// no role on the workflow.
const MAY_DECIDE: &str = "EXISTS (SELECT FROM users u WHERE u.id = $1 AND u.disabled_at IS NULL AND (
        lower(u.email) = ANY (a.people)
        OR (a.people = '{}' AND ($2 OR EXISTS (SELECT FROM grants g WHERE g.object_kind = 'workflow' AND g.object_id = a.workflow_id
            AND g.user_id = u.id AND g.role IN ('editor', 'admin'))))))";

/// Questions of runs that have not ended.
const OPEN: &str = "a.decided_at IS NULL AND (a.deadline IS NULL OR a.deadline > now()) AND r.finished_at IS NULL";

impl Database {
    /// Asks a question, unless it was asked already, and says how it was answered, if it was. A question whose deadline has
    /// passed is answered here, by `at_deadline`.
    pub async fn ask(&self, new: &NewApproval<'_>, at_deadline: bool) -> Result<Option<Decision>, StoreError> {
        let operation = "ask for an approval";
        let client = self.client(operation).await?;
        let people: Vec<String> = new.people.iter().map(|address| address.trim().to_lowercase()).collect();
        let iteration = rounds(&new.place.iteration);
        let sql =
            "INSERT INTO approvals (id, run_id, block, iteration, workflow_id, title, description, people, deadline)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (run_id, block, iteration) DO NOTHING";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 9] = [
            &Uuid::now_v7(),
            &new.run.0,
            &new.place.block,
            &iteration,
            &new.workflow.0,
            &new.title,
            &new.description,
            &people,
            &new.deadline,
        ];
        client.execute(&statement, &values).await.map_err(StoreError::of(operation))?;
        let decision = if at_deadline { "approved" } else { "rejected" };
        let sql = "UPDATE approvals SET decision = $4, decided_at = now()
            WHERE run_id = $1 AND block = $2 AND iteration = $3 AND decided_at IS NULL AND deadline <= now()";
        client
            .execute(sql, &[&new.run.0, &new.place.block, &iteration, &decision])
            .await
            .map_err(StoreError::of(operation))?;
        let sql = "SELECT decision, decided_by, comment, decided_at FROM approvals
            WHERE run_id = $1 AND block = $2 AND iteration = $3 AND decided_at IS NOT NULL";
        let row = client.query_opt(sql, &[&new.run.0, &new.place.block, &iteration]).await;
        Ok(row.map_err(StoreError::of(operation))?.map(|row| Decision {
            approved: row.get::<_, &str>(0) == "approved",
            by: row.get(1),
            comment: row.get(2),
            at: row.get(3),
        }))
    }

    /// The open questions that a person may decide, the oldest first.
    pub async fn open_approvals(&self, user: UserId, is_admin: bool, limit: i64) -> Result<Vec<Approval>, StoreError> {
        let operation = "list approvals";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT a.id, a.run_id, a.workflow_id, w.slug, w.title, a.block, a.title, a.description, a.deadline, a.created_at
             FROM approvals a JOIN workflows w ON w.id = a.workflow_id JOIN runs r ON r.id = a.run_id
             WHERE {OPEN} AND {MAY_DECIDE} ORDER BY a.id LIMIT $3"
        );
        let rows = client.query(&sql, &[&user.0, &is_admin, &limit]).await.map_err(StoreError::of(operation))?;
        Ok(rows.iter().map(approval).collect())
    }

    /// Decides an open question and wakes its run; gives the workflow. [`StoreError::NotFound`] where this person may not
    /// decide, or there is nothing to decide any more.
    pub async fn decide(
        &self,
        id: Uuid,
        (user, is_admin): (UserId, bool),
        approved: bool,
        comment: &str,
    ) -> Result<WorkflowId, StoreError> {
        let operation = "decide an approval";
        let client = self.client(operation).await?;
        let sql = format!(
            "WITH decided AS (
                UPDATE approvals a SET decision = $4, decided_by = (SELECT email FROM users WHERE id = $1), comment = $5, decided_at = now() FROM runs r
                WHERE a.id = $3 AND r.id = a.run_id AND {OPEN} AND {MAY_DECIDE} RETURNING a.run_id, a.workflow_id),
            wake AS (INSERT INTO run_outbox (run_id, kind) SELECT run_id, 'wake' FROM decided RETURNING run_id)
            SELECT workflow_id, (SELECT pg_notify('run_outbox', run_id::text) FROM wake) FROM decided"
        );
        let decision = if approved { "approved" } else { "rejected" };
        let row = client.query_opt(&sql, &[&user.0, &is_admin, &id, &decision, &comment]).await;
        let row = row.map_err(StoreError::of(operation))?.ok_or(StoreError::NotFound { operation })?;
        Ok(WorkflowId(row.get(0)))
    }
}

fn approval(row: &Row) -> Approval {
    Approval {
        id: row.get(0),
        run: RunId(row.get(1)),
        workflow: WorkflowId(row.get(2)),
        workflow_slug: row.get(3),
        workflow_title: row.get(4),
        block: row.get(5),
        title: row.get(6),
        description: row.get(7),
        deadline: row.get(8),
        created_at: row.get(9),
    }
}
