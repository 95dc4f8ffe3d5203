//! Tokens: with one, a program acts as the person who made it. Each person's own, and all of them for administrators.
//!
//! No token makes or revokes tokens: these routes ask for a session.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bulkhead_model::{Fault, UserId};
use bulkhead_store::api_tokens::{self, NewApiToken};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::json::Json;
use super::last::Last;
use crate::auth::{AdministratorInSession, Caller, InSession, token};
use crate::http_error::ApiError;
use crate::state::{Api, SharedApi};

const DAYS: u16 = 90;
const MOST_DAYS: u16 = 366;
const MOST_CHARACTERS: usize = 80;

/// Tokens.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiTokenList {
    /// The newest first.
    tokens: Vec<ApiToken>,
}

/// A token, without what proves it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiToken {
    /// The id.
    id: Uuid,
    /// Whose it is.
    user: UserId,
    /// Their address.
    email: String,
    /// What its owner calls it.
    name: String,
    /// What it is good for.
    scope: TokenScope,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it ends.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    /// When it was used last, to the minute.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    last_used_at: Option<OffsetDateTime>,
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TokenScope {
    /// Requests with the method GET.
    Read,
    /// All that its owner may do, but what needs a session.
    All,
}

impl From<TokenScope> for api_tokens::TokenScope {
    fn from(scope: TokenScope) -> Self {
        match scope {
            TokenScope::Read => Self::Read,
            TokenScope::All => Self::All,
        }
    }
}

impl From<api_tokens::ApiToken> for ApiToken {
    fn from(found: api_tokens::ApiToken) -> Self {
        let scope = match found.scope {
            api_tokens::TokenScope::Read => TokenScope::Read,
            api_tokens::TokenScope::All => TokenScope::All,
        };
        Self {
            id: found.id,
            user: found.user,
            email: found.email,
            name: found.name,
            scope,
            created_at: found.created_at,
            expires_at: found.expires_at,
            last_used_at: found.last_used_at,
        }
    }
}

/// A token to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateApiTokenRequest {
    /// What to call it: 1 to 80 characters. The audit trail names it.
    name: String,
    /// What it is good for.
    scope: TokenScope,
    /// Days after which it ends, 1 to 366; 90 when absent.
    #[serde(default)]
    days: Option<u16>,
}

/// A new token.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedApiToken {
    /// About it.
    token: ApiToken,
    /// The token itself, for `Authorization: Bearer`. It is shown this once.
    secret: String,
}

/// Your tokens.
#[utoipa::path(get, path = "/account/tokens", tag = "session", operation_id = "listTokens", responses((status = 200, description = "Yours", body = ApiTokenList)))]
pub(crate) async fn list(State(api): State<SharedApi>, on: InSession) -> Result<Json<ApiTokenList>, ApiError> {
    listed(&api, Some(on.user.id)).await
}

/// Makes a token, with which a program acts as you.
#[utoipa::path(post, path = "/account/tokens", tag = "session", operation_id = "createToken", request_body = CreateApiTokenRequest, responses(
    (status = 201, description = "Made", body = CreatedApiToken),
    (status = 409, description = "`exists`, `too-many-tokens`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(api): State<SharedApi>,
    on: InSession,
    Json(request): Json<CreateApiTokenRequest>,
) -> Result<Response, ApiError> {
    let name = request.name.trim();
    let days = request.days.unwrap_or(DAYS);
    let fault = if !(1..=MOST_CHARACTERS).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        Some(Fault::new("name", format!("must have 1 to {MOST_CHARACTERS} characters")))
    } else if !(1..=MOST_DAYS).contains(&days) {
        Some(Fault::new("days", format!("must be between 1 and {MOST_DAYS}")))
    } else {
        None
    };
    if let Some(fault) = fault {
        return Err(ApiError::invalid(fault.to_string(), vec![fault]));
    }
    let (secret, hash) = token::mint_api_token()?;
    let new = NewApiToken {
        id: Uuid::now_v7(),
        hash: &hash,
        user: on.user.id,
        name,
        scope: request.scope.into(),
        days: days.into(),
    };
    let detail = json!({ "name": name, "scope": request.scope, "days": days });
    let record = on.caller.record("user.token.create", Some(("token", new.id)), detail);
    let made = async {
        if api.database.create_api_token(&new).await? {
            return Ok(());
        }
        let detail = "you have 50 tokens, which is the most: revoke one that is no longer used".to_owned();
        Err(ApiError::Conflict { code: "too-many-tokens", detail })
    };
    api.audit.around(record, made).await?;
    let token = api.database.api_token(Some(on.user.id), new.id).await?.into();
    Ok((StatusCode::CREATED, Json(CreatedApiToken { token, secret })).into_response())
}

/// Revokes a token of yours: the next request with it is refused.
#[utoipa::path(delete, path = "/account/tokens/{id}", tag = "session", operation_id = "revokeToken", params(("id" = Uuid, Path)), responses((status = 204, description = "Revoked")))]
pub(crate) async fn revoke(
    State(api): State<SharedApi>,
    on: InSession,
    Last(id): Last,
) -> Result<StatusCode, ApiError> {
    revoked(&api, &on.caller, Some(on.user.id), &id).await
}

/// The tokens of all people.
#[utoipa::path(get, path = "/tokens", tag = "users", operation_id = "listAllTokens", responses((status = 200, description = "All", body = ApiTokenList)))]
pub(crate) async fn list_all(
    State(api): State<SharedApi>,
    _: AdministratorInSession,
) -> Result<Json<ApiTokenList>, ApiError> {
    listed(&api, None).await
}

/// Revokes a token of anybody.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "users", operation_id = "revokeAnyToken", params(("id" = Uuid, Path)), responses((status = 204, description = "Revoked")))]
pub(crate) async fn revoke_any(
    State(api): State<SharedApi>,
    AdministratorInSession(caller): AdministratorInSession,
    Last(id): Last,
) -> Result<StatusCode, ApiError> {
    revoked(&api, &caller, None, &id).await
}

async fn listed(api: &Api, of: Option<UserId>) -> Result<Json<ApiTokenList>, ApiError> {
    let found = api.database.api_tokens(of).await?;
    Ok(Json(ApiTokenList { tokens: found.into_iter().map(ApiToken::from).collect() }))
}

async fn revoked(api: &Api, caller: &Caller, of: Option<UserId>, id: &str) -> Result<StatusCode, ApiError> {
    let id: Uuid = id.parse().map_err(|_| ApiError::NotFound)?;
    let found = api.database.api_token(of, id).await?;
    let detail = json!({ "name": found.name, "owner": found.email });
    let record = caller.record("user.token.revoke", Some(("token", id)), detail);
    api.audit.around(record, async { Ok(api.database.revoke_api_token(id).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}
