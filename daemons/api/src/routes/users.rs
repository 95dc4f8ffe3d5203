//! The people of this instance. For administrators.

use std::collections::HashSet;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bulkhead_model::{Fault, UserId};
use bulkhead_store::identity::{self, LinkPurpose};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::json::Json;
use super::last::Last;
use crate::auth::{Administrator, AdministratorInSession, token};
use crate::http_error::ApiError;
use crate::state::{Api, SharedApi};

/// A person.
#[derive(Serialize, ToSchema)]
pub(crate) struct User {
    /// The id.
    id: UserId,
    /// The address that they log in with.
    email: String,
    /// The name.
    name: String,
    /// Whether they may do everything.
    is_admin: bool,
    /// Whether they are kept out.
    disabled: bool,
    /// Whether they have not yet used their invitation.
    invited: bool,
    /// Whether a code is asked for after their password.
    second_factor: bool,
    /// When the account was made.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl User {
    fn of(user: identity::User, second_factor: bool) -> Self {
        Self {
            id: user.id,
            email: user.email,
            name: user.name,
            is_admin: user.is_admin,
            disabled: user.disabled,
            invited: !user.has_password,
            second_factor,
            created_at: user.created_at,
        }
    }
}

/// All people.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserList {
    /// By address.
    users: Vec<User>,
}

/// A person to invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateUserRequest {
    /// The address that they will log in with.
    email: String,
    /// The name.
    name: String,
    /// Whether they may do everything.
    #[serde(default)]
    is_admin: bool,
}

/// A person with the link that lets them in.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedUser {
    /// The person.
    user: User,
    /// To hand to them: it sets their password, once, within a day.
    link: String,
}

/// What to change of a person; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateUserRequest {
    /// The name.
    #[serde(default)]
    name: Option<String>,
    /// Whether they may do everything.
    #[serde(default)]
    is_admin: Option<bool>,
    /// Whether they are kept out. Ends their sessions.
    #[serde(default)]
    disabled: Option<bool>,
}

/// A link to hand on.
#[derive(Serialize, ToSchema)]
pub(crate) struct OneTimeLink {
    /// Works once, within a day. Earlier ones of the same purpose no longer do.
    pub(crate) link: String,
}

/// All people.
#[utoipa::path(get, path = "/users", tag = "users", operation_id = "listUsers", responses((status = 200, description = "All", body = UserList)))]
pub(crate) async fn list(State(api): State<SharedApi>, _: Administrator) -> Result<Json<UserList>, ApiError> {
    let with_factor: HashSet<UserId> = api.database.users_with_second_factor().await?.into_iter().collect();
    let users = api.database.users().await?.into_iter().map(|user| {
        let has_factor = with_factor.contains(&user.id);
        User::of(user, has_factor)
    });
    Ok(Json(UserList { users: users.collect() }))
}

/// Adds a person, who chooses a password by the link.
#[utoipa::path(post, path = "/users", tag = "users", operation_id = "createUser", request_body = CreateUserRequest, responses(
    (status = 201, description = "Added", body = CreatedUser),
    (status = 409, description = "`exists`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(api): State<SharedApi>,
    AdministratorInSession(caller): AdministratorInSession,
    Json(request): Json<CreateUserRequest>,
) -> Result<Response, ApiError> {
    let (email, name) = (check_email(&request.email)?, check_name(&request.name)?);
    let record = caller.record("user.create", None, json!({ "email": email, "is_admin": request.is_admin }));
    let created = async {
        let id = api.database.create_user(&email, &name, request.is_admin).await?;
        let link = make_link(&api, LinkPurpose::Invitation, Some(id)).await?;
        let user = api.database.user(id).await?;
        Ok((StatusCode::CREATED, Json(CreatedUser { user: User::of(user, false), link })).into_response())
    };
    api.audit.around(record, created).await
}

/// Changes a person.
#[utoipa::path(patch, path = "/users/{id}", tag = "users", operation_id = "updateUser", params(("id" = UserId, Path)), request_body = UpdateUserRequest, responses(
    (status = 200, description = "Changed", body = User),
    (status = 409, description = "`own-account`: nobody locks themselves out", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn update(
    State(api): State<SharedApi>,
    Administrator(caller): Administrator,
    Last(id): Last,
    Json(request): Json<UpdateUserRequest>,
) -> Result<Json<User>, ApiError> {
    let id: UserId = id.parse().map_err(|_| ApiError::NotFound)?;
    let name = request.name.as_deref().map(check_name).transpose()?;
    let locks_out = request.is_admin == Some(false) || request.disabled == Some(true);
    if locks_out && caller.user_id() == Some(id) {
        let detail = "you cannot disable or demote yourself: ask another administrator".to_owned();
        return Err(ApiError::Conflict { code: "own-account", detail });
    }
    let detail = json!({ "name": name, "is_admin": request.is_admin, "disabled": request.disabled });
    let record = caller.record("user.update", Some(("user", id.0)), detail);
    let changed = async {
        let user = api.database.update_user(id, name.as_deref(), request.is_admin, request.disabled).await?;
        let has_factor = api.database.second_factor(id).await?.is_some();
        Ok(Json(User::of(user, has_factor)))
    };
    api.audit.around(record, changed).await
}

/// A new invitation, in place of the earlier one.
#[utoipa::path(post, path = "/users/{id}/invitation", tag = "users", operation_id = "inviteUser", params(("id" = UserId, Path)), responses(
    (status = 200, description = "The link", body = OneTimeLink),
))]
pub(crate) async fn invite(
    State(api): State<SharedApi>,
    AdministratorInSession(caller): AdministratorInSession,
    Last(id): Last,
) -> Result<Json<OneTimeLink>, ApiError> {
    let id: UserId = id.parse().map_err(|_| ApiError::NotFound)?;
    let record = caller.record("user.invite", Some(("user", id.0)), json!({}));
    let invited = async {
        let user = api.database.user(id).await?;
        let link = make_link(&api, LinkPurpose::Invitation, Some(user.id)).await?;
        Ok(Json(OneTimeLink { link }))
    };
    api.audit.around(record, invited).await
}

/// Makes a one-time link below the configured address, whatever the request's host was.
pub(crate) async fn make_link(api: &Api, purpose: LinkPurpose, user: Option<UserId>) -> Result<String, ApiError> {
    let (token, hash) = token::mint()?;
    api.database.create_link(&hash, purpose, user).await?;
    Ok(format!("{}/setup?token={token}", api.config.base_url))
}

/// A usable e-mail address, trimmed. Only what would break mail or logs is refused: the address proves nothing here.
pub(crate) fn check_email(email: &str) -> Result<String, ApiError> {
    let email = email.trim();
    let well_formed = email.len() <= 254
        && email
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
        && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if well_formed {
        return Ok(email.to_owned());
    }
    let fault = Fault::new("email", "must be an e-mail address such as ada@example.org");
    Err(ApiError::invalid(fault.to_string(), vec![fault]))
}

/// A person's name, trimmed.
pub(crate) fn check_name(name: &str) -> Result<String, ApiError> {
    let name = name.trim();
    if (1..=120).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    let fault = Fault::new("name", "must have 1 to 120 characters");
    Err(ApiError::invalid(fault.to_string(), vec![fault]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_both_halves_and_no_white_space() {
        assert_eq!(check_email(" Ada@example.org ").expect("good"), "Ada@example.org");
        for bad in ["", "ada", "@x", "ada@", "a b@c", "a@b\r\nbcc:x", "a@b@c"] {
            assert!(check_email(bad).is_err(), "{bad:?}");
        }
    }
}
