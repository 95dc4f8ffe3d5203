//! One-time links: the first administrator, a recovered one, an invited person.

use axum::extract::State;
use axum::response::Response;
use bulkhead_store::StoreError;
use bulkhead_store::audit::AuditRecord;
use bulkhead_store::identity::{LinkPurpose, Redemption};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::json::Json;
use super::second_factor::{self, PendingLogIn};
use super::session::Session;
use super::users::{check_email, check_name};
use crate::auth::{Origin, passwords, token};
use crate::http_error::ApiError;
use crate::state::{Api, SharedApi};

/// A link's token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InspectLinkRequest {
    /// What follows `token=` in the link.
    token: String,
}

/// What a link is for.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkInfo {
    /// What using it does.
    purpose: Purpose,
    /// The account's address; absent when using the link makes the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

/// What using a link does.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Purpose {
    /// Makes the first administrator.
    FirstAdmin,
    /// Gives an administrator a new password.
    RecoverAdmin,
    /// Lets an invited person choose a password.
    Invitation,
}

/// How a link is used.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedeemLinkRequest {
    /// What follows `token=` in the link.
    token: String,
    /// The password to set: 12 characters or more.
    password: String,
    /// The new account's address; only for `first-admin`.
    #[serde(default)]
    email: Option<String>,
    /// The new account's name; only for `first-admin`.
    #[serde(default)]
    name: Option<String>,
}

/// Tells what a link is for, without using it.
#[utoipa::path(post, path = "/one-time-links/inspect", tag = "session", operation_id = "inspectLink", request_body = InspectLinkRequest, responses(
    (status = 200, description = "What it is for", body = LinkInfo),
    (status = 410, description = "`link-spent`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn inspect(
    State(api): State<SharedApi>,
    Json(request): Json<InspectLinkRequest>,
) -> Result<Json<LinkInfo>, ApiError> {
    let link = api.database.link(&token::hash(&request.token)).await?.ok_or(ApiError::LinkSpent)?;
    let purpose = match link.purpose {
        LinkPurpose::FirstAdmin => Purpose::FirstAdmin,
        LinkPurpose::RecoverAdmin => Purpose::RecoverAdmin,
        LinkPurpose::Invitation => Purpose::Invitation,
    };
    Ok(Json(LinkInfo { purpose, email: link.email }))
}

/// Uses a link, once: sets the password and logs in.
#[utoipa::path(post, path = "/one-time-links/redeem", tag = "session", operation_id = "redeemLink", request_body = RedeemLinkRequest, responses(
    (status = 200, description = "The session; its cookie is set", body = Session),
    (status = 202, description = "The password is set and something is still to come; a cookie for that is set", body = PendingLogIn),
    (status = 403, description = "`passwords-off`: administrators alone use a password here", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 410, description = "`link-spent`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`password-refused`, `invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn redeem(
    State(api): State<SharedApi>,
    origin: Origin,
    headers: HeaderMap,
    Json(request): Json<RedeemLinkRequest>,
) -> Result<Response, ApiError> {
    let token_hash = token::hash(&request.token);
    // Before the costly hash: only a token that is worth it gets there.
    let link = api.database.link(&token_hash).await?.ok_or(ApiError::LinkSpent)?;
    if link.purpose == LinkPurpose::Invitation && !link.is_admin && !api.database.passwords_are_for_all().await? {
        return Err(ApiError::PasswordsOff);
    }
    passwords::check(&request.password)?;
    let account = match link.purpose {
        LinkPurpose::FirstAdmin => {
            Some((check_email(&request.email.unwrap_or_default())?, check_name(&request.name.unwrap_or_default())?))
        }
        LinkPurpose::RecoverAdmin | LinkPurpose::Invitation => None,
    };
    let password_hash = api.passwords.hash(request.password).await?;
    let actor = account.as_ref().map(|(email, _)| email.clone()).or(link.email).unwrap_or_default();
    let record = AuditRecord {
        user: None,
        actor,
        action: "user.link.redeem",
        object: None,
        detail: json!({ "purpose": link.purpose.as_str() }),
        request_id: origin.request_id.clone(),
        address: origin.address.clone(),
    };
    let account = account.as_ref().map(|(email, name)| (email.as_str(), name.as_str()));
    let redemption = Redemption { token_hash: &token_hash, password_hash: &password_hash, account };
    api.audit.around(record, redeem_and_log_in(&api, &redemption, &origin, &headers)).await
}

async fn redeem_and_log_in(
    api: &Api,
    redemption: &Redemption<'_>,
    origin: &Origin,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let (_, user) = api.database.redeem_link(redemption).await.map_err(|error| match error {
        // Another use of the link was faster.
        StoreError::NotFound { .. } => ApiError::LinkSpent,
        other => other.into(),
    })?;
    if user.disabled {
        return Err(ApiError::LinkSpent);
    }
    let needs = second_factor::needs(api, &user).await?;
    second_factor::after_password(api, user, needs, origin, headers).await
}
