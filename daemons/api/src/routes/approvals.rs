//! Approvals: questions that runs ask, and what people decide.

use axum::extract::State;
use bulkhead_model::RunId;
use bulkhead_model::workflow::{FormField, form_answers};
use bulkhead_store::approvals::{self, Verdict};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::json::Json;
use super::last::Last;
use crate::auth::Caller;
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Questions in one answer at most.
const MOST: i64 = 500;
/// The longest comment, in characters.
const MAX_COMMENT: usize = 2000;

/// The open questions that you may decide.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApprovalList {
    /// The oldest first.
    approvals: Vec<Approval>,
}

/// A question that a run asks.
#[derive(Serialize, ToSchema)]
pub(crate) struct Approval {
    /// The id.
    id: Uuid,
    /// The run that asks.
    run: RunId,
    /// Its workflow's slug.
    workflow: String,
    /// Its workflow's title.
    workflow_title: String,
    /// The block that asks.
    block: String,
    /// What is asked.
    title: String,
    /// What there is to know.
    description: String,
    /// What you fill in.
    form: Vec<FormField>,
    /// From when on others may decide too.
    #[serde(with = "time::serde::rfc3339::option")]
    escalate_at: Option<OffsetDateTime>,
    /// Since when they may.
    #[serde(with = "time::serde::rfc3339::option")]
    escalated_at: Option<OffsetDateTime>,
    /// Who they are: e-mail addresses, and groups.
    escalate_to: Vec<String>,
    /// Until when.
    #[serde(with = "time::serde::rfc3339::option")]
    deadline: Option<OffsetDateTime>,
    /// When it was asked.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<approvals::Approval> for Approval {
    fn from(approval: approvals::Approval) -> Self {
        Self {
            id: approval.id,
            run: approval.run,
            workflow: approval.workflow_slug,
            workflow_title: approval.workflow_title,
            block: approval.block,
            title: approval.title,
            description: approval.description,
            form: approval.form,
            escalate_at: approval.escalate_at,
            escalated_at: approval.escalated_at,
            escalate_to: approval.escalate_to.0.into_iter().chain(approval.escalate_to.1).collect(),
            deadline: approval.deadline,
            created_at: approval.created_at,
        }
    }
}

/// What you decide.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecideRequest {
    /// Yes or no.
    approved: bool,
    /// What there is to say; the run sees it.
    #[serde(default)]
    comment: String,
    /// What you fill in, by the names of the form's fields. What is not given is the field's default.
    #[serde(default)]
    form: Map<String, Value>,
}

/// The open questions that you may decide.
#[utoipa::path(get, path = "/approvals", tag = "runs", operation_id = "listApprovals", responses((status = 200, description = "The oldest first", body = ApprovalList)))]
pub(crate) async fn list(State(api): State<SharedApi>, caller: Caller) -> Result<Json<ApprovalList>, ApiError> {
    let (user, is_admin) = caller.viewer();
    let open = api.database.open_approvals(user, is_admin, MOST).await?;
    Ok(Json(ApprovalList { approvals: open.into_iter().map(Approval::from).collect() }))
}

/// Decides a question. 404 where it is not yours to decide, or is decided already.
#[utoipa::path(post, path = "/approvals/{id}/decision", tag = "runs", operation_id = "decideApproval", params(("id" = Uuid, Path)), request_body = DecideRequest, responses(
    (status = 204, description = "Decided: the run goes on"),
    (status = 422, description = "`invalid`: the form is not filled in as it must be", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn decide(
    State(api): State<SharedApi>,
    caller: Caller,
    Last(id): Last,
    Json(request): Json<DecideRequest>,
) -> Result<StatusCode, ApiError> {
    let id: Uuid = id.parse().map_err(|_| ApiError::NotFound)?;
    if request.comment.chars().count() > MAX_COMMENT || request.comment.contains('\0') {
        return Err(ApiError::invalid(format!("the comment must have at most {MAX_COMMENT} characters"), Vec::new()));
    }
    let detail = json!({ "approval": id, "approved": request.approved, "comment": request.comment });
    let record = caller.record("workflow.approval.decide", None, detail);
    let decided = async {
        // The fields stay as they were asked; whether it is still open and yours is looked at once more when it is decided.
        let form = api.database.open_approval(id, caller.viewer()).await?.form;
        let answers = form_answers(&form, &request.form, request.approved).map_err(|faults| {
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            ApiError::invalid(first, faults)
        })?;
        let verdict = Verdict { approved: request.approved, comment: request.comment, answers };
        Ok(api.database.decide(id, caller.viewer(), &verdict).await?)
    };
    api.audit.around(record, decided).await?;
    Ok(StatusCode::NO_CONTENT)
}
