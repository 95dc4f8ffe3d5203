//! The audit trail. For administrators, read only.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use bulkhead_store::audit::StoredAuditRecord;
use bulkhead_store::audit_chain::{Break, Checked, Seal};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::json::Json;
use super::last::Last;
use crate::auth::Administrator;
use crate::http_error::ApiError;
use crate::state::SharedApi;

const PAGE: i64 = 100;
const MAX_PAGE: i64 = 500;
/// Links that one request checks.
const LINKS: i64 = 5_000;

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
    /// How far the trail is sealed; absent before the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<SealedUpTo>,
}

/// How far the trail is sealed.
#[derive(Serialize, ToSchema)]
pub(crate) struct SealedUpTo {
    /// The last link of the chain.
    seal: AuditSeal,
    /// The record that it is of.
    record: i64,
    /// When that happened.
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
}

/// A link of the chain.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditSeal {
    /// Its number: 1 is the first record that was ever sealed.
    number: i64,
    /// SHA-256 over the record and the hash before it, in hex.
    hash: String,
}

impl From<Seal> for AuditSeal {
    fn from(seal: Seal) -> Self {
        Self { number: seal.number, hash: hex::encode(seal.hash) }
    }
}

/// What a look at a part of the chain found.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditVerification {
    /// The link before the ones that were looked at.
    from: AuditSeal,
    /// The last that holds. Absent when it is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    up_to: Option<AuditSeal>,
    /// Whether that is the end of the chain.
    is_end: bool,
    /// Records that are older than a minute and not sealed.
    late: i64,
    /// The first place where the chain does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<AuditBreak>,
}

/// The first place where the chain does not hold.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum AuditBreak {
    /// Links are gone, with their records.
    Missing {
        /// The first.
        from: i64,
        /// The last.
        to: i64,
    },
    /// A record, or the hash that stands with it, is not what was sealed.
    Changed {
        /// Its number in the chain.
        number: i64,
        /// Its id.
        record: i64,
        /// When it says that it happened.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
}

/// After which link to look.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct VerificationQuery {
    /// The number of a link that holds, with its hash; the beginning of the chain when absent.
    after: Option<i64>,
    /// Its hash, in hex.
    hash: Option<String>,
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
    let sealed = api.database.audit_sealed_up_to().await?;
    let sealed = sealed.map(|found| SealedUpTo { seal: found.seal.into(), record: found.record, at: found.at });
    Ok(Json(AuditPage { records: found.into_iter().map(AuditEntry::from).collect(), next, sealed }))
}

/// Checks 5,000 links of the chain. Whoever wants to know of all asks again, after the last that holds, until `is_end`.
#[utoipa::path(get, path = "/audit/verification", tag = "audit", operation_id = "verifyAudit", params(VerificationQuery), responses((status = 200, description = "What was found", body = AuditVerification)))]
pub(crate) async fn verify(
    State(api): State<SharedApi>,
    _: Administrator,
    query: Result<Query<VerificationQuery>, QueryRejection>,
) -> Result<Json<AuditVerification>, ApiError> {
    let malformed = || ApiError::Malformed("use ?after=<number>&hash=<its SHA-256 in hex>, or neither".into());
    let Query(query) = query.map_err(|_| malformed())?;
    let from = match (query.after, query.hash) {
        (None, None) => api.database.audit_checkpoint().await?,
        (Some(number), Some(text)) => {
            let mut hash = [0; 32];
            hex::decode_to_slice(text, &mut hash).map_err(|_| malformed())?;
            Seal { number, hash }
        }
        _ => return Err(malformed()),
    };
    let mut found = AuditVerification { from: from.into(), up_to: None, is_end: false, late: 0, broken: None };
    match api.database.check_audit(from, LINKS).await? {
        Checked::UpTo(seal) => found.up_to = Some(seal.into()),
        Checked::ToTheEnd { last, late } => {
            found.up_to = Some(last.into());
            found.is_end = true;
            found.late = late;
        }
        Checked::Broken(Break::Missing { from, to }) => found.broken = Some(AuditBreak::Missing { from, to }),
        Checked::Broken(Break::Changed { number, record, at }) => {
            found.broken = Some(AuditBreak::Changed { number, record, at });
        }
    }
    Ok(Json(found))
}

/// The hash that stands with a number of the chain, to be compared with one that was written down elsewhere.
#[utoipa::path(get, path = "/audit/seals/{number}", tag = "audit", operation_id = "getAuditSeal", params(("number" = i64, Path)), responses(
    (status = 200, description = "It", body = AuditSeal),
    (status = 404, description = "`not-found`: the chain does not reach so far, or begins later", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn seal(
    State(api): State<SharedApi>,
    _: Administrator,
    Last(number): Last,
) -> Result<Json<AuditSeal>, ApiError> {
    let number: i64 = number.parse().map_err(|_| ApiError::NotFound)?;
    let hash = api.database.audit_hash(number).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(Seal { number, hash }.into()))
}
