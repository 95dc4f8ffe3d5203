//! The second factor of who logs in with a password: one's own, its place in a log-in, and what administrators do about it.
//!
//! A password that was right opens no session where a code is still to come: what the browser gets is a cookie of another name, good for the
//! routes below `/login/` alone.

use axum::extract::{FromRequestParts, State};
use axum::response::{AppendHeaders, IntoResponse, Response};
use bulkhead_model::UserId;
use bulkhead_store::identity::User;
use bulkhead_store::second_factors::{self, SecondFactor};
use bulkhead_store::sessions::LogInNeeds;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::app_queries::person;
use super::json::Json;
use super::last::Last;
use super::session::{Session, new_session, of_log_in, open_session};
use crate::auth::caller::cookie_of;
use crate::auth::second_factor::{self, NewFactor};
use crate::auth::token::{self, TokenHash};
use crate::auth::{AdministratorInSession, Caller, InSession, Origin};
use crate::http_error::ApiError;
use crate::state::{Api, SharedApi};

/// The cookie of a log-in that is not done.
const COOKIE: &str = "__Host-bulkhead-log-in";
const OVER: HeaderValue =
    HeaderValue::from_static("__Host-bulkhead-log-in=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");

/// A log-in whose password was right.
#[derive(Serialize, ToSchema)]
pub(crate) struct PendingLogIn {
    /// What it needs yet.
    needs: LogInStep,
}

/// What a log-in needs after the password.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogInStep {
    /// A code, by `/login/code`.
    Code,
    /// A second factor is required here and there is none yet: by `/login/second-factor`.
    Enrolment,
}

/// A code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecondFactorCodeRequest {
    /// Six digits or, to log in, a recovery code. White space and dashes do not count.
    code: String,
}

/// The password again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordAgainRequest {
    /// Your password.
    password: String,
}

/// A new secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecondFactorBegun {
    /// The secret in base32, to be typed.
    secret: String,
    /// The same as an address that telephones know.
    uri: String,
    /// The address as a QR code: an SVG path of squares of one unit.
    qr_path: String,
    /// How many units it is wide and high, without the margin of four that it needs.
    qr_size: i32,
}

/// New recovery codes.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecoveryCodes {
    /// Each works once in the place of a code. They are shown this once.
    recovery_codes: Vec<String>,
}

/// Your second factor.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecondFactorState {
    /// Since when you have one; absent while you have none.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    since: Option<OffsetDateTime>,
    /// Recovery codes that were not used yet.
    recovery_codes: i64,
    /// Whether you must have one.
    required: bool,
    /// Whether you have a password: without one there is nothing to protect.
    has_password: bool,
}

/// For whom a second factor is required who logs in with a password.
#[derive(Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RequiredFor {
    /// It is up to each person.
    Nobody,
    /// Administrators.
    Administrators,
    /// All.
    Everybody,
}

/// Says for whom a second factor is required.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecondFactorRequest {
    /// For whom.
    required_for: RequiredFor,
}

impl From<second_factors::RequiredFor> for RequiredFor {
    fn from(stored: second_factors::RequiredFor) -> Self {
        match stored {
            second_factors::RequiredFor::Nobody => Self::Nobody,
            second_factors::RequiredFor::Administrators => Self::Administrators,
            second_factors::RequiredFor::Everybody => Self::Everybody,
        }
    }
}

impl From<RequiredFor> for second_factors::RequiredFor {
    fn from(required: RequiredFor) -> Self {
        match required {
            RequiredFor::Nobody => Self::Nobody,
            RequiredFor::Administrators => Self::Administrators,
            RequiredFor::Everybody => Self::Everybody,
        }
    }
}

impl From<NewFactor> for SecondFactorBegun {
    fn from(NewFactor { secret, uri, drawing: (qr_path, qr_size) }: NewFactor) -> Self {
        Self { secret, uri, qr_path, qr_size }
    }
}

/// Somebody whose password was right, by the cookie that it got them. As a handler's argument: nobody else gets in.
pub(crate) struct LoggingIn {
    /// The hash of the cookie.
    hash: TokenHash,
    user: User,
    needs: LogInNeeds,
}

impl FromRequestParts<SharedApi> for LoggingIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &SharedApi) -> Result<Self, ApiError> {
        let hash = token::hash(cookie_of(&parts.headers, COOKIE).ok_or(ApiError::NoSession)?);
        let (user, needs) = api.database.pending_log_in(&hash).await?.ok_or(ApiError::AttemptOver)?;
        Ok(Self { hash, user, needs })
    }
}

impl LoggingIn {
    /// Their second factor, where a code of it is what the log-in needs.
    async fn factor(&self, api: &Api) -> Result<SecondFactor, ApiError> {
        let found = api.database.second_factor(self.user.id).await?;
        found.filter(|_| self.needs == LogInNeeds::Code).ok_or(ApiError::AttemptOver)
    }

    /// Refuses who has a second factor: a password must not replace it.
    async fn require_none(&self, api: &Api) -> Result<(), ApiError> {
        let found = api.database.second_factor(self.user.id).await?;
        if self.needs == LogInNeeds::Enrolment && found.is_none() { Ok(()) } else { Err(ApiError::AttemptOver) }
    }
}

/// What a person's log-in needs after the password, if anything.
pub(crate) async fn needs(api: &Api, user: &User) -> Result<Option<LogInNeeds>, ApiError> {
    if api.database.second_factor(user.id).await?.is_some() {
        return Ok(Some(LogInNeeds::Code));
    }
    let is_required = api.database.second_factor_required_for().await?.includes(user);
    Ok(is_required.then_some(LogInNeeds::Enrolment))
}

/// Goes on after a password that was right: opens a session, or tells what is needed first.
pub(crate) async fn after_password(
    api: &Api,
    user: User,
    needs: Option<LogInNeeds>,
    origin: &Origin,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let Some(needs) = needs else { return open_session(api, user, origin, headers).await };
    let (token, hash) = token::mint()?;
    api.database.begin_log_in(&hash, user.id, needs).await?;
    let cookie = format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=600");
    let cookie = HeaderValue::from_str(&cookie).map_err(ApiError::internal("writing a cookie"))?;
    let needs = match needs {
        LogInNeeds::Code => LogInStep::Code,
        LogInNeeds::Enrolment => LogInStep::Enrolment,
    };
    let pending = (StatusCode::ACCEPTED, AppendHeaders([(header::SET_COOKIE, cookie)]), Json(PendingLogIn { needs }));
    Ok(pending.into_response())
}

/// Ends a log-in with a code of the second factor, or a recovery code: opens the session.
#[utoipa::path(post, path = "/login/code", tag = "session", operation_id = "loginWithCode", request_body = SecondFactorCodeRequest, responses(
    (status = 200, description = "The session; its cookie is set", body = Session),
    (status = 403, description = "`wrong-code`: it is wrong, or was used before", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 410, description = "`attempt-over`: the password was entered more than ten minutes ago", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 429, description = "`too-many-attempts`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn log_in_with_code(
    State(api): State<SharedApi>,
    origin: Origin,
    on: LoggingIn,
    headers: HeaderMap,
    Json(request): Json<SecondFactorCodeRequest>,
) -> Result<Response, ApiError> {
    let factor = on.factor(&api).await?;
    let LoggingIn { hash, user, .. } = on;
    count(&api, &user, &origin)?;
    let Some(proof) = second_factor::prove(&api, &user, factor.id, &request.code).await? else {
        api.metrics.logins_refused.inc();
        let refused = of_log_in(&origin, "user.login.refused", Some(&user), json!({ "second_factor": true }));
        api.audit.write(refused).await?;
        return Err(ApiError::WrongCode);
    };
    forget(&api, &user, &origin);
    let record = of_log_in(&origin, "user.login", Some(&user), json!({ "second_factor": proof.as_str() }));
    let opened = async {
        if !api.database.end_log_in(&hash).await? {
            return Err(ApiError::AttemptOver);
        }
        open_session(&api, user, &origin, &headers).await
    };
    let response = api.audit.around(record, opened).await?;
    Ok((AppendHeaders([(header::SET_COOKIE, OVER)]), response).into_response())
}

/// Begins to make the second factor without which a log-in ends here.
#[utoipa::path(post, path = "/login/second-factor", tag = "session", operation_id = "beginRequiredSecondFactor", responses(
    (status = 200, description = "The secret", body = SecondFactorBegun),
    (status = 410, description = "`attempt-over`: the password was entered more than ten minutes ago", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn begin_required(
    State(api): State<SharedApi>,
    on: LoggingIn,
) -> Result<Json<SecondFactorBegun>, ApiError> {
    on.require_none(&api).await?;
    Ok(Json(second_factor::begin(&api, &on.user).await?.into()))
}

/// Confirms it with its first code: opens the session.
#[utoipa::path(post, path = "/login/second-factor/confirm", tag = "session", operation_id = "confirmRequiredSecondFactor", request_body = SecondFactorCodeRequest, responses(
    (status = 200, description = "Recovery codes; the session's cookie is set", body = RecoveryCodes),
    (status = 403, description = "`wrong-code`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 410, description = "`attempt-over`: it was begun too long ago", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn confirm_required(
    State(api): State<SharedApi>,
    origin: Origin,
    on: LoggingIn,
    headers: HeaderMap,
    Json(request): Json<SecondFactorCodeRequest>,
) -> Result<Response, ApiError> {
    on.require_none(&api).await?;
    let LoggingIn { hash, user, .. } = on;
    count(&api, &user, &origin)?;
    let record = of_log_in(&origin, "user.second-factor.set", Some(&user), json!({}));
    let confirmed = async { second_factor::confirm(&api, &user, &request.code).await?.ok_or(ApiError::WrongCode) };
    let recovery_codes = api.audit.around(record, confirmed).await?;
    forget(&api, &user, &origin);
    let record = of_log_in(&origin, "user.login", Some(&user), json!({ "second_factor": "code" }));
    let opened = async {
        if !api.database.end_log_in(&hash).await? {
            return Err(ApiError::AttemptOver);
        }
        new_session(&api, user.id, &origin, &headers).await
    };
    let cookies = [api.audit.around(record, opened).await?, OVER].map(|cookie| (header::SET_COOKIE, cookie));
    Ok((AppendHeaders(cookies), Json(RecoveryCodes { recovery_codes })).into_response())
}

/// Your second factor.
#[utoipa::path(get, path = "/account/second-factor", tag = "session", operation_id = "getSecondFactor", responses((status = 200, description = "It", body = SecondFactorState)))]
pub(crate) async fn show(State(api): State<SharedApi>, caller: Caller) -> Result<Json<SecondFactorState>, ApiError> {
    let user = person(&caller)?;
    let found = api.database.second_factor(user.id).await?;
    Ok(Json(SecondFactorState {
        since: found.map(|found| found.confirmed_at),
        recovery_codes: found.map_or(0, |found| found.recovery_codes),
        required: api.database.second_factor_required_for().await?.includes(user),
        has_password: user.has_password,
    }))
}

/// Begins to make a second factor. One that you have stays until a code confirms the new one.
#[utoipa::path(post, path = "/account/second-factor", tag = "session", operation_id = "beginSecondFactor", request_body = PasswordAgainRequest, responses(
    (status = 200, description = "The secret", body = SecondFactorBegun),
    (status = 403, description = "`wrong-password`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 409, description = "`no-password`: you log in with an account elsewhere", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn begin(
    State(api): State<SharedApi>,
    on: InSession,
    Json(request): Json<PasswordAgainRequest>,
) -> Result<Json<SecondFactorBegun>, ApiError> {
    require_password(&api, &on.user, request).await?;
    Ok(Json(second_factor::begin(&api, &on.user).await?.into()))
}

/// Confirms it with its first code.
#[utoipa::path(post, path = "/account/second-factor/confirm", tag = "session", operation_id = "confirmSecondFactor", request_body = SecondFactorCodeRequest, responses(
    (status = 200, description = "Recovery codes", body = RecoveryCodes),
    (status = 403, description = "`wrong-code`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 410, description = "`attempt-over`: it was begun too long ago", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn confirm(
    State(api): State<SharedApi>,
    on: InSession,
    Json(request): Json<SecondFactorCodeRequest>,
) -> Result<Json<RecoveryCodes>, ApiError> {
    count(&api, &on.user, &on.caller.origin)?;
    let record = on.caller.record("user.second-factor.set", Some(("user", on.user.id.0)), json!({}));
    let confirmed = async { second_factor::confirm(&api, &on.user, &request.code).await?.ok_or(ApiError::WrongCode) };
    let recovery_codes = api.audit.around(record, confirmed).await?;
    forget(&api, &on.user, &on.caller.origin);
    Ok(Json(RecoveryCodes { recovery_codes }))
}

/// New recovery codes: the old ones no longer work.
#[utoipa::path(post, path = "/account/second-factor/recovery-codes", tag = "session", operation_id = "renewRecoveryCodes", request_body = PasswordAgainRequest, responses(
    (status = 200, description = "Recovery codes", body = RecoveryCodes),
    (status = 403, description = "`wrong-password`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 404, description = "`not-found`: you have no second factor", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn renew(
    State(api): State<SharedApi>,
    on: InSession,
    Json(request): Json<PasswordAgainRequest>,
) -> Result<Json<RecoveryCodes>, ApiError> {
    require_password(&api, &on.user, request).await?;
    api.database.second_factor(on.user.id).await?.ok_or(ApiError::NotFound)?;
    let record = on.caller.record("user.second-factor.recovery-codes", Some(("user", on.user.id.0)), json!({}));
    let recovery_codes = api.audit.around(record, second_factor::renew_recovery_codes(&api, &on.user)).await?;
    Ok(Json(RecoveryCodes { recovery_codes }))
}

/// Takes your second factor away.
#[utoipa::path(post, path = "/account/second-factor/remove", tag = "session", operation_id = "removeSecondFactor", request_body = PasswordAgainRequest, responses(
    (status = 204, description = "Removed"),
    (status = 403, description = "`wrong-password`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 409, description = "`second-factor-required`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn remove(
    State(api): State<SharedApi>,
    on: InSession,
    Json(request): Json<PasswordAgainRequest>,
) -> Result<StatusCode, ApiError> {
    require_password(&api, &on.user, request).await?;
    if api.database.second_factor_required_for().await?.includes(&on.user) {
        let detail = "a second factor is required here: set another up in its place".to_owned();
        return Err(ApiError::Conflict { code: "second-factor-required", detail });
    }
    take_away(&api, &on.caller, on.user.id, "user.second-factor.remove").await
}

/// Takes the second factor of a person away, who has lost what computes the codes.
#[utoipa::path(delete, path = "/users/{id}/second-factor", tag = "users", operation_id = "resetSecondFactor", params(("id" = UserId, Path)), responses(
    (status = 204, description = "Gone"),
    (status = 404, description = "`not-found`: there is none", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn reset(
    State(api): State<SharedApi>,
    AdministratorInSession(caller): AdministratorInSession,
    Last(id): Last,
) -> Result<StatusCode, ApiError> {
    let id: UserId = id.parse().map_err(|_| ApiError::NotFound)?;
    take_away(&api, &caller, id, "user.second-factor.reset").await
}

/// Says for whom a second factor is required. Who has none makes one with their next log-in, before anything else.
#[utoipa::path(put, path = "/sign-in/second-factor", tag = "users", operation_id = "setSecondFactorRequired", request_body = SecondFactorRequest, responses((status = 204, description = "Said")))]
pub(crate) async fn require(
    State(api): State<SharedApi>,
    AdministratorInSession(caller): AdministratorInSession,
    Json(SecondFactorRequest { required_for }): Json<SecondFactorRequest>,
) -> Result<StatusCode, ApiError> {
    let record = caller.record("sign-in.second-factor", None, json!({ "required_for": required_for }));
    let said = async { Ok(api.database.set_second_factor_required_for(required_for.into()).await?) };
    api.audit.around(record, said).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn take_away(api: &Api, caller: &Caller, user: UserId, action: &'static str) -> Result<StatusCode, ApiError> {
    let record = caller.record(action, Some(("user", user.0)), json!({}));
    let removed = async {
        if api.database.remove_second_factor(user).await? {
            Ok(StatusCode::NO_CONTENT)
        } else {
            Err(ApiError::NotFound)
        }
    };
    api.audit.around(record, removed).await
}

/// Codes fail as often as passwords may: by account and by address.
fn count(api: &Api, user: &User, origin: &Origin) -> Result<(), ApiError> {
    api.login_attempts.begin(("code", user.id))?;
    origin.remote().map_or(Ok(()), |address| api.login_attempts_by_address.begin(address))
}

fn forget(api: &Api, user: &User, origin: &Origin) {
    api.login_attempts.succeeded(("code", user.id));
    if let Some(address) = origin.remote() {
        api.login_attempts_by_address.succeeded(address);
    }
}

/// Whoever finds an open session must not be able to lock its owner out.
async fn require_password(api: &Api, user: &User, again: PasswordAgainRequest) -> Result<(), ApiError> {
    let account = user.email.to_lowercase();
    let stored = api.database.user_for_login(&account).await?.and_then(|(_, stored)| stored);
    if stored.is_none() {
        let detail = "you log in with an account elsewhere, whose provider asks for what it needs".to_owned();
        return Err(ApiError::Conflict { code: "no-password", detail });
    }
    api.login_attempts.begin(&account)?;
    if !api.passwords.verify(again.password, stored).await? {
        return Err(ApiError::WrongPassword);
    }
    api.login_attempts.succeeded(&account);
    Ok(())
}
