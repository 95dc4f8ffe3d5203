//! Logging in and out.

use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Response};
use bulkhead_model::UserId;
use bulkhead_store::audit::AuditRecord;
use bulkhead_store::identity::User;
use bulkhead_store::sessions::Device;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::json::Json;
use super::second_factor::{self, PendingLogIn};
use crate::auth::caller::{ended_cookie, session_cookie, session_hash};
use crate::auth::{Caller, InSession, Origin, token};
use crate::http_error::ApiError;
use crate::state::{Api, SharedApi};

/// Characters that are kept of what a browser calls itself.
const MAX_USER_AGENT: usize = 300;

/// Who logs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginRequest {
    /// The account's address, in any case.
    email: String,
    /// The password.
    password: String,
}

/// An open session.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// Who is logged in.
    user: SessionUser,
    /// The version of this Bulkhead.
    version: String,
}

/// Who is logged in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionUser {
    /// The id.
    id: UserId,
    /// The address.
    email: String,
    /// The name.
    name: String,
    /// Whether they may do everything.
    is_admin: bool,
    /// The names of the groups that they belong to.
    groups: Vec<String>,
}

impl Session {
    pub(crate) async fn of(api: &Api, user: User) -> Result<Self, ApiError> {
        let groups = api.database.groups_of(user.id).await?;
        Ok(Self {
            user: SessionUser { id: user.id, email: user.email, name: user.name, is_admin: user.is_admin, groups },
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }
}

/// Opens a session for a person and gives its cookie: the one place where sessions begin.
pub(crate) async fn new_session(
    api: &Api,
    user: UserId,
    origin: &Origin,
    headers: &HeaderMap,
) -> Result<HeaderValue, ApiError> {
    let (token, hash) = token::mint()?;
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let user_agent = user_agent.map(|text| text.chars().take(MAX_USER_AGENT).collect::<String>());
    let device = Device { user_agent: user_agent.as_deref(), address: origin.address.as_deref() };
    api.database.create_session(&hash, user, device).await?;
    // The browser forgets its old cookie now, so its session must not stay open.
    if let Some(old) = session_hash(headers) {
        api.database.end_session(&old).await?;
    }
    session_cookie(&token)
}

/// Opens a session for `user` and answers with it.
pub(crate) async fn open_session(
    api: &Api,
    user: User,
    origin: &Origin,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let cookie = new_session(api, user.id, origin, headers).await?;
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Json(Session::of(api, user).await?)).into_response())
}

/// A record about a log-in, by whom it is if that is known.
pub(crate) fn of_log_in(origin: &Origin, action: &'static str, user: Option<&User>, detail: Value) -> AuditRecord {
    AuditRecord {
        user: user.map(|user| user.id),
        // What was typed as an address may be a password: it is recorded only when it is an account's.
        actor: user.map_or_else(|| "unknown".to_owned(), |user| user.email.clone()),
        action,
        object: None,
        detail,
        request_id: origin.request_id.clone(),
        address: origin.address.clone(),
    }
}

/// Opens a session with an e-mail address and a password.
#[utoipa::path(post, path = "/login", tag = "session", operation_id = "login", request_body = LoginRequest, responses(
    (status = 200, description = "The session; its cookie is set", body = Session),
    (status = 202, description = "The password is right and something is still to come; a cookie for that is set", body = PendingLogIn),
    (status = 403, description = "`passwords-off`: administrators alone use a password here", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 401, description = "`wrong-login`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 429, description = "`too-many-attempts`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn login(
    State(api): State<SharedApi>,
    origin: Origin,
    headers: HeaderMap,
    Json(request): Json<LoginRequest>,
) -> Result<Response, ApiError> {
    let account = request.email.trim().to_lowercase();
    api.login_attempts.begin(&account)?;
    if let Some(address) = origin.remote() {
        api.login_attempts_by_address.begin(address)?;
    }
    let (user, stored) = api.database.user_for_login(&account).await?.unzip();
    if !api.passwords.verify(request.password, stored.flatten()).await? {
        api.metrics.logins_refused.inc();
        api.audit.write(of_log_in(&origin, "user.login.refused", user.as_ref(), json!({}))).await?;
        return Err(ApiError::WrongLogin);
    }
    let user = user.ok_or(ApiError::WrongLogin)?;
    if !user.is_admin && !api.database.passwords_are_for_all().await? {
        api.audit.write(of_log_in(&origin, "user.login.refused", Some(&user), json!({}))).await?;
        return Err(ApiError::PasswordsOff);
    }
    api.login_attempts.succeeded(&account);
    if let Some(address) = origin.remote() {
        api.login_attempts_by_address.succeeded(address);
    }
    let needs = second_factor::needs(&api, &user).await?;
    let action = if needs.is_some() { "user.login.begin" } else { "user.login" };
    let record = of_log_in(&origin, action, Some(&user), json!({}));
    api.audit.around(record, second_factor::after_password(&api, user, needs, &origin, &headers)).await
}

/// Ends the session.
#[utoipa::path(post, path = "/logout", tag = "session", operation_id = "logout", responses((status = 204, description = "Ended")))]
pub(crate) async fn logout(State(api): State<SharedApi>, on: InSession) -> Result<Response, ApiError> {
    let ended = async {
        api.database.end_session(&on.session).await?;
        Ok((StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, ended_cookie())])).into_response())
    };
    api.audit.around(on.caller.record("user.logout", None, json!({})), ended).await
}

/// Who is logged in.
#[utoipa::path(get, path = "/session", tag = "session", operation_id = "getSession", responses(
    (status = 200, description = "The session", body = Session),
    (status = 401, description = "`no-session`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn session(State(api): State<SharedApi>, caller: Caller) -> Result<Json<Session>, ApiError> {
    let user = caller.user.ok_or(ApiError::PersonsOnly)?;
    Ok(Json(Session::of(&api, user).await?))
}
