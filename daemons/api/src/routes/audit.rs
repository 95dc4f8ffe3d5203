//! The audit trail. For administrators, read only.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use bulkhead_store::audit::StoredAuditRecord;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::json::Json;
use crate::auth::Administrator;
use crate::http_error::ApiError;
use crate::state::SharedApi;

const PAGE: i64 = 100;
const MAX_PAGE: i64 = 500;

/// A record.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// Grows with time.
    id: i64,
    /// When, UTC.
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// A person's address, `root` or `webhook`.
    actor: String,
    /// What was done.
    action: String,
    /// To what kind of thing.
    object_kind: Option<String>,
    /// To which.
    object_id: Option<Uuid>,
    /// More about it; `failed` when it was refused after all.
    detail: Value,
    /// Where the request came from.
    address: Option<String>,
}

impl From<StoredAuditRecord> for AuditEntry {
    fn from(record: StoredAuditRecord) -> Self {
        Self {
            id: record.id,
            at: record.at,
            actor: record.actor,
            action: record.action,
            object_kind: record.object_kind,
            object_id: record.object_id,
            detail: record.detail,
            address: record.address,
        }
    }
}

/// A page of the trail.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditPage {
    /// The newest first.
    records: Vec<AuditEntry>,
    /// `before` of the next page, if there may be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Records older than this one.
    before: Option<i64>,
    /// How many: 1 to 500; 100 when absent.
    limit: Option<i64>,
}

/// The trail.
#[utoipa::path(get, path = "/audit", tag = "audit", operation_id = "listAudit", params(AuditQuery), responses((status = 200, description = "A page", body = AuditPage)))]
pub(crate) async fn list(
    State(api): State<SharedApi>,
    _: Administrator,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Result<Json<AuditPage>, ApiError> {
    let malformed = || ApiError::Malformed("use ?before=<id>&limit=<1 to 500>".into());
    let Query(query) = query.map_err(|_| malformed())?;
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(malformed());
    }
    let found = api.database.audit_records(query.before, limit).await?;
    let full = i64::try_from(found.len()).is_ok_and(|count| count == limit);
    let next = found.last().filter(|_| full).map(|record| record.id);
    Ok(Json(AuditPage { records: found.into_iter().map(AuditEntry::from).collect(), next }))
}
