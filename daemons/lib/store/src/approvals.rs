//! Approvals: questions that runs ask of people, and their answers.

use bulkhead_model::workflow::{Deciders, FormField};
use bulkhead_model::{RunId, UserId, WorkflowId};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use crate::access::ObjectKind;
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
    /// Who may decide; every editor of the workflow where it names nobody.
    pub deciders: &'a Deciders,
    /// What they fill in.
    pub form: &'a [FormField],
    /// From when on others may decide too, and who.
    pub escalation: Option<(OffsetDateTime, &'a Deciders)>,
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
    /// What they filled in.
    pub answers: Option<Value>,
    /// When.
    pub at: OffsetDateTime,
}

/// What a person decides.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Whether it is approved.
    pub approved: bool,
    /// What there is to say.
    pub comment: String,
    /// What was filled in, where there is a form.
    pub answers: Map<String, Value>,
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
    /// What they fill in.
    pub form: Vec<FormField>,
    /// From when on others may decide too.
    pub escalate_at: Option<OffsetDateTime>,
    /// Since when they may.
    pub escalated_at: Option<OffsetDateTime>,
    /// Who they are.
    pub escalate_to: (Vec<String>, Vec<String>),
    /// Until when.
    pub deadline: Option<OffsetDateTime>,
    /// When it was asked.
    pub created_at: OffsetDateTime,
}

/// A question that others may decide too from now on.
#[derive(Clone, Debug)]
pub struct Escalated {
    /// The question.
    pub id: Uuid,
    /// The run that asks.
    pub run: RunId,
    /// The block that asks.
    pub block: String,
}

/// Who may see and decide a question: `$1` is the user, `$2` whether it is an administrator. A person that the block names needs
/// no role on the workflow. Nothing of it is remembered: who was disabled, lost the role or left the group is refused.
fn may_decide() -> String {
    let role = ObjectKind::Workflow.granted_role("u.id");
    format!(
        "EXISTS (SELECT FROM users u WHERE u.id = $1 AND u.disabled_at IS NULL AND (
        lower(u.email) = ANY (a.people)
        OR (a.escalated_at IS NOT NULL AND lower(u.email) = ANY (a.escalate_people))
        OR EXISTS (SELECT FROM group_members m JOIN groups g ON g.id = m.group_id WHERE m.user_id = u.id
            AND (g.name = ANY (a.groups) OR (a.escalated_at IS NOT NULL AND g.name = ANY (a.escalate_groups))))
        OR (a.people = '{{}}' AND a.groups = '{{}}' AND ($2 OR EXISTS (SELECT FROM workflows o WHERE o.id = a.workflow_id
            AND {role} IN ('editor', 'admin'))))))"
    )
}

/// Questions of runs that have not ended.
const OPEN: &str = "a.decided_at IS NULL AND (a.deadline IS NULL OR a.deadline > now()) AND r.finished_at IS NULL";

const COLUMNS: &str =
    "a.id, a.run_id, a.workflow_id, w.slug, w.title, a.block, a.title, a.description, a.deadline, a.created_at,
    a.form, a.escalate_at, a.escalated_at, a.escalate_people, a.escalate_groups
    FROM approvals a JOIN workflows w ON w.id = a.workflow_id JOIN runs r ON r.id = a.run_id";

impl Database {
    /// Asks a question, unless it was asked already, and says how it was answered, if it was. A question whose deadline has
    /// passed is answered here, by `at_deadline`.
    pub async fn ask(&self, new: &NewApproval<'_>, at_deadline: bool) -> Result<Option<Decision>, StoreError> {
        let operation = "ask for an approval";
        let client = self.client(operation).await?;
        let iteration = rounds(&new.place.iteration);
        let sql =
            "INSERT INTO approvals (id, run_id, block, iteration, workflow_id, title, description, people, groups, form, deadline,
                escalate_at, escalate_people, escalate_groups)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (run_id, block, iteration) DO NOTHING";
        let statement = client.prepare_cached(sql).await.map_err(StoreError::of(operation))?;
        let (escalate_at, later) = new.escalation.unzip();
        let (people, groups) = names(new.deciders);
        let (later_people, later_groups) = later.map(names).unwrap_or_default();
        let values: [&(dyn ToSql + Sync); 14] = [
            &Uuid::now_v7(),
            &new.run.0,
            &new.place.block,
            &iteration,
            &new.workflow.0,
            &new.title,
            &new.description,
            &people,
            &groups,
            &Json(new.form),
            &new.deadline,
            &escalate_at,
            &later_people,
            &later_groups,
        ];
        client.execute(&statement, &values).await.map_err(StoreError::of(operation))?;
        let decision = if at_deadline { "approved" } else { "rejected" };
        let sql = "UPDATE approvals SET decision = $4, decided_at = now()
            WHERE run_id = $1 AND block = $2 AND iteration = $3 AND decided_at IS NULL AND deadline <= now()";
        client
            .execute(sql, &[&new.run.0, &new.place.block, &iteration, &decision])
            .await
            .map_err(StoreError::of(operation))?;
        let sql = "SELECT decision, decided_by, comment, decided_at, answers FROM approvals
            WHERE run_id = $1 AND block = $2 AND iteration = $3 AND decided_at IS NOT NULL";
        let row = client.query_opt(sql, &[&new.run.0, &new.place.block, &iteration]).await;
        Ok(row.map_err(StoreError::of(operation))?.map(|row| Decision {
            approved: row.get::<_, &str>(0) == "approved",
            by: row.get(1),
            comment: row.get(2),
            at: row.get(3),
            answers: row.get(4),
        }))
    }

    /// The open questions that a person may decide, the oldest first.
    pub async fn open_approvals(&self, user: UserId, is_admin: bool, limit: i64) -> Result<Vec<Approval>, StoreError> {
        let operation = "list approvals";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT {COLUMNS}
             WHERE {OPEN} AND {} ORDER BY a.id LIMIT $3",
            may_decide()
        );
        let rows = client.query(&sql, &[&user.0, &is_admin, &limit]).await.map_err(StoreError::of(operation))?;
        Ok(rows.iter().map(approval).collect())
    }

    /// An open question that a person may decide.
    pub async fn open_approval(&self, id: Uuid, (user, is_admin): (UserId, bool)) -> Result<Approval, StoreError> {
        let operation = "read an approval";
        let client = self.client(operation).await?;
        let sql = format!("SELECT {COLUMNS} WHERE a.id = $3 AND {OPEN} AND {}", may_decide());
        let row = client.query_opt(&sql, &[&user.0, &is_admin, &id]).await.map_err(StoreError::of(operation))?;
        row.as_ref().map(approval).ok_or(StoreError::NotFound { operation })
    }

    /// Decides an open question and wakes its run; gives the workflow. [`StoreError::NotFound`] where this person may not
    /// decide, or there is nothing to decide any more.
    pub async fn decide(
        &self,
        id: Uuid,
        (user, is_admin): (UserId, bool),
        verdict: &Verdict,
    ) -> Result<WorkflowId, StoreError> {
        let operation = "decide an approval";
        let client = self.client(operation).await?;
        let sql = format!(
            "WITH decided AS (
                UPDATE approvals a SET decision = $4, decided_by = (SELECT email FROM users WHERE id = $1), comment = $5, answers = $6,
                    decided_at = now() FROM runs r
                WHERE a.id = $3 AND r.id = a.run_id AND {OPEN} AND {} RETURNING a.run_id, a.workflow_id),
            wake AS (INSERT INTO run_outbox (run_id, kind) SELECT run_id, 'wake' FROM decided RETURNING run_id)
            SELECT workflow_id, (SELECT pg_notify('run_outbox', run_id::text) FROM wake) FROM decided",
            may_decide()
        );
        let decision = if verdict.approved { "approved" } else { "rejected" };
        let answers = Json(&verdict.answers);
        let values: [&(dyn ToSql + Sync); 6] = [&user.0, &is_admin, &id, &decision, &verdict.comment, &answers];
        let row = client.query_opt(&sql, &values).await;
        let row = row.map_err(StoreError::of(operation))?.ok_or(StoreError::NotFound { operation })?;
        Ok(WorkflowId(row.get(0)))
    }

    /// Lets others decide too where nobody has decided in time, and writes that into the audit trail in the same statement. The question
    /// of a run that has ended is looked at once more, here, and not again.
    pub async fn escalate(&self, limit: i64) -> Result<Vec<Escalated>, StoreError> {
        let operation = "escalate approvals";
        let client = self.client(operation).await?;
        let sql = format!(
            "WITH over AS (
                UPDATE approvals SET escalate_at = NULL WHERE id IN (
                    SELECT a.id FROM approvals a JOIN runs r ON r.id = a.run_id
                    WHERE a.escalate_at <= now() AND a.escalated_at IS NULL AND a.decided_at IS NULL AND r.finished_at IS NOT NULL
                    LIMIT 1000 FOR UPDATE OF a SKIP LOCKED)),
            due AS (
                SELECT a.id FROM approvals a JOIN runs r ON r.id = a.run_id
                WHERE a.escalate_at <= now() AND a.escalated_at IS NULL AND {OPEN}
                ORDER BY a.escalate_at LIMIT $1 FOR UPDATE OF a SKIP LOCKED),
            escalated AS (
                UPDATE approvals a SET escalated_at = now() FROM due WHERE a.id = due.id AND a.decided_at IS NULL
                RETURNING a.id, a.run_id, a.block, a.workflow_id, a.escalate_people, a.escalate_groups),
            record AS (
                INSERT INTO audit_log (actor, action, object_kind, object_id, detail)
                SELECT 'clock', 'workflow.approval.escalate', 'workflow', workflow_id,
                    json_build_object('approval', id, 'run', run_id, 'block', block, 'people', escalate_people, 'groups', escalate_groups)
                FROM escalated)
            SELECT id, run_id, block, pg_notify('run_changed', run_id::text) FROM escalated"
        );
        let rows = client.query(&sql, &[&limit]).await.map_err(StoreError::of(operation))?;
        let escalated = |row: &Row| Escalated { id: row.get(0), run: RunId(row.get(1)), block: row.get(2) };
        Ok(rows.iter().map(escalated).collect())
    }
}

/// Addresses in lower case, and names of groups.
fn names(deciders: &Deciders) -> (Vec<String>, Vec<String>) {
    let people = deciders.people.iter().map(|address| address.trim().to_lowercase()).collect();
    (people, deciders.groups.iter().map(ToString::to_string).collect())
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
        form: row.get::<_, Json<Vec<FormField>>>(10).0,
        escalate_at: row.get(11),
        escalated_at: row.get(12),
        escalate_to: (row.get(13), row.get(14)),
    }
}
