//! Where somebody is logged in, and the end of that: for each person, and for an administrator.

use axum::extract::State;
use bulkhead_model::UserId;
use bulkhead_store::sessions;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::json::Json;
use super::last::Last;
use crate::auth::{AdministratorInSession, InSession};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// Where you are logged in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionList {
    /// The one that was used last first.
    sessions: Vec<SessionInfo>,
}

/// A session of yours.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionInfo {
    /// The id. It opens nothing.
    id: Uuid,
    /// What the browser called itself, 300 characters at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    /// The address that the log-in came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was used last, to the minute.
    #[serde(with = "time::serde::rfc3339")]
    last_seen_at: OffsetDateTime,
    /// Whether it is the one that asks.
    is_current: bool,
}

impl From<sessions::SessionInfo> for SessionInfo {
    fn from(found: sessions::SessionInfo) -> Self {
        let sessions::SessionInfo { id, user_agent, address, created_at, last_seen_at, is_current } = found;
        Self { id, user_agent, address, created_at, last_seen_at, is_current }
    }
}

/// Where you are logged in.
#[utoipa::path(get, path = "/account/sessions", tag = "session", operation_id = "listSessions", responses((status = 200, description = "Your sessions", body = SessionList)))]
pub(crate) async fn list(State(api): State<SharedApi>, on: InSession) -> Result<Json<SessionList>, ApiError> {
    let found = api.database.sessions(on.user.id, Some(&on.session)).await?;
    Ok(Json(SessionList { sessions: found.into_iter().map(SessionInfo::from).collect() }))
}

/// Ends one of your sessions: its next request is refused.
#[utoipa::path(delete, path = "/account/sessions/{id}", tag = "session", operation_id = "endSession", params(("id" = Uuid, Path)), responses((status = 204, description = "Ended")))]
pub(crate) async fn end(State(api): State<SharedApi>, on: InSession, Last(id): Last) -> Result<StatusCode, ApiError> {
    let id: Uuid = id.parse().map_err(|_| ApiError::NotFound)?;
    let record = on.caller.record("user.session.end", Some(("user", on.user.id.0)), json!({}));
    api.audit.around(record, async { Ok(api.database.end_session_of(on.user.id, id).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all your sessions but this one.
#[utoipa::path(delete, path = "/account/sessions", tag = "session", operation_id = "endOtherSessions", responses((status = 204, description = "Ended")))]
pub(crate) async fn end_others(State(api): State<SharedApi>, on: InSession) -> Result<StatusCode, ApiError> {
    let record = on.caller.record("user.session.end", Some(("user", on.user.id.0)), json!({ "others": true }));
    api.audit.around(record, async { Ok(api.database.end_sessions(on.user.id, Some(&on.session)).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all sessions of a person, who can log in again.
#[utoipa::path(delete, path = "/users/{id}/sessions", tag = "users", operation_id = "endSessionsOfUser", params(("id" = UserId, Path)), responses((status = 204, description = "Ended")))]
pub(crate) async fn end_all(
    State(api): State<SharedApi>,
    AdministratorInSession(caller): AdministratorInSession,
    Last(id): Last,
) -> Result<StatusCode, ApiError> {
    let id: UserId = id.parse().map_err(|_| ApiError::NotFound)?;
    let record = caller.record("user.session.end", Some(("user", id.0)), json!({ "all": true }));
    let ended = async {
        api.database.user(id).await?;
        Ok(api.database.end_sessions(id, None).await?)
    };
    api.audit.around(record, ended).await?;
    Ok(StatusCode::NO_CONTENT)
}
