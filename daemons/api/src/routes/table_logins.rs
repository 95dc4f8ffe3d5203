//! Logins to the tables database for people's own tools, such as psql: one for each person who was given a role on the resource.
//!
//! The password is made here, shown once and kept nowhere: PostgreSQL has its verifier. A login lasts as long as the role that it was made
//! for: [`crate::login_watch`] takes it away within a minute after that.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bulkhead_model::resource::ResourceConfig;
use bulkhead_model::{Role, Slug, UserId};
use bulkhead_store::table_logins::TableLogin;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::app_queries::person;
use super::json::Json;
use super::tables::require_tables;
use crate::auth::guard::AtLeast;
use crate::auth::{On, ResourceKind, Viewer, token};
use crate::http_error::ApiError;
use crate::login_watch;
use crate::state::SharedApi;

/// The longest part of an address that a login's name begins with.
const MAX_WORD: usize = 30;

/// Logins to the tables database.
#[derive(Serialize, ToSchema)]
pub(crate) struct TableLogins {
    /// Why there can be none; absent where there can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    unavailable: Option<String>,
    /// The database to connect to.
    database: String,
    /// Its port.
    port: u16,
    /// Your own; for admins of the resource everybody's.
    logins: Vec<LoginOfTables>,
}

/// A login.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoginOfTables {
    /// Its name.
    login: String,
    /// Whether it is yours.
    is_own: bool,
    /// Whose it is; absent for an account that is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Whether it changes rows.
    may_write: bool,
    /// Sessions that it has open.
    sessions: i64,
}

/// The login that is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MakeLoginRequest {
    /// Whether it is to change rows; for editors.
    may_write: bool,
}

/// A new login.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeLogin {
    /// Its name.
    login: String,
    /// Its password. It is shown this once.
    password: String,
    /// The database to connect to.
    database: String,
    /// Its server; absent where it is on Bulkhead's own machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    /// Its port.
    port: u16,
    /// Whether it changes rows.
    may_write: bool,
}

/// Where logins lead to.
struct LoginPlace {
    database: String,
    /// The server, where it is not this machine.
    host: Option<String>,
    port: u16,
    /// Why there can be none, if so.
    unavailable: Option<String>,
}

async fn place<R: AtLeast>(api: &SharedApi, on: &On<ResourceKind, R>) -> Result<LoginPlace, ApiError> {
    let ResourceConfig::Postgresql(config) = require_tables(api, on).await?.config else {
        return Err(ApiError::NotFound);
    };
    let is_loopback = config.host.parse::<std::net::IpAddr>().is_ok_and(|host| host.is_loopback());
    let found = api.database.login_place(&config.database).await?;
    // What makes them is in the main database, so the tables have to be on its server.
    let main = &api.config.database;
    let is_beside = |port: i32| match main.hosts.as_slice() {
        [] => is_loopback && port == i32::from(config.port),
        hosts => hosts.contains(&config.host) && main.port == config.port,
    };
    let why = match found {
        None => Some("run `sudo bulkheadctl setup` once on the machine: it installs what makes logins"),
        Some(place) if place.has_tables && is_beside(place.port) => None,
        Some(_) => {
            Some("the tables database is in another PostgreSQL than Bulkhead's own: make roles there by its own tools")
        }
    };
    let host = (!is_loopback).then_some(config.host);
    Ok(LoginPlace { database: config.database, host, port: config.port, unavailable: why.map(str::to_owned) })
}

/// The name of somebody's login: the beginning of their address, and the end of their id.
fn login_of(user: UserId, email: &str) -> String {
    let word = email.split('@').next().unwrap_or_default().to_lowercase();
    let word: String = word.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(MAX_WORD).collect();
    let id = user.0.simple().to_string();
    format!("tables_{word}_{}", &id[id.len() - 8..])
}

/// The logins to the tables database: your own, and for admins of the resource everybody's.
#[utoipa::path(get, path = "/resources/{name}/tables/logins", tag = "tables", operation_id = "listTableLogins", params(("name" = Slug, Path)), responses(
    (status = 200, description = "By name", body = TableLogins),
    (status = 403, description = "`resource-role-too-low`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Viewer>,
) -> Result<Json<TableLogins>, ApiError> {
    let LoginPlace { database, port, unavailable, .. } = place(&api, &on).await?;
    let found = match unavailable {
        Some(_) => Vec::new(),
        None => {
            // What is shown is what holds.
            login_watch::look(&api.database, &api.audit).await?;
            api.database.table_logins().await?
        }
    };
    let users = api.database.users().await?;
    let caller = on.caller.user_id();
    let shown = |TableLogin { login, owner, may_write, sessions }| {
        let email = users.iter().find(|user| Some(user.id) == owner).map(|user| user.email.clone());
        LoginOfTables { login, is_own: owner.is_some() && owner == caller, email, may_write, sessions }
    };
    let logins = found.into_iter().map(shown).filter(|login| login.is_own || on.role == Role::Admin).collect();
    Ok(Json(TableLogins { unavailable, database, port, logins }))
}

/// Makes your login, or gives it a new password and other rights.
#[utoipa::path(post, path = "/resources/{name}/tables/logins", tag = "tables", operation_id = "makeTableLogin", params(("name" = Slug, Path)), request_body = MakeLoginRequest, responses(
    (status = 201, description = "Made", body = MadeLogin),
    (status = 403, description = "`resource-role-too-low`, `role-too-low`, `sessions-only`, `persons-only`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 409, description = "`logins-unavailable`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn make(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Viewer>,
    Json(MakeLoginRequest { may_write }): Json<MakeLoginRequest>,
) -> Result<Response, ApiError> {
    let LoginPlace { database, host, port, unavailable } = place(&api, &on).await?;
    let user = person(&on.caller)?;
    if on.caller.token.is_some() {
        return Err(ApiError::SessionsOnly);
    }
    if may_write && on.role < Role::Editor {
        return Err(ApiError::RoleTooLow { needed: Role::Editor });
    }
    if let Some(detail) = unavailable {
        return Err(ApiError::Conflict { code: "logins-unavailable", detail });
    }
    let login = login_of(user.id, &user.email);
    let (password, _) = token::mint()?;
    let detail = json!({ "resource": on.name, "login": login, "may_write": may_write });
    let record = on.caller.record("tables.login.make", Some(("resource", on.id.0)), detail);
    let made = async { Ok(api.database.make_table_login(&login, &password, user.id, may_write).await?) };
    api.audit.around(record, made).await?;
    Ok((StatusCode::CREATED, Json(MadeLogin { login, password, database, host, port, may_write })).into_response())
}

/// Takes your login away; admins of the resource take any. Its sessions end.
#[utoipa::path(delete, path = "/resources/{name}/tables/logins/{login}", tag = "tables", operation_id = "removeTableLogin", params(("name" = Slug, Path), ("login" = String, Path)), responses(
    (status = 204, description = "It is gone"),
    (status = 404, description = "`not-found`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn remove(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Viewer>,
    path: Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let LoginPlace { unavailable, .. } = place(&api, &on).await?;
    let Path((_, login)) = path;
    let found = if unavailable.is_some() { Vec::new() } else { api.database.table_logins().await? };
    let found = found.into_iter().find(|one| one.login == login).ok_or(ApiError::NotFound)?;
    let is_own = found.owner.is_some() && found.owner == on.caller.user_id();
    if !is_own && on.role < Role::Admin {
        return Err(ApiError::NotFound);
    }
    let detail = json!({ "resource": on.name, "login": login });
    let record = on.caller.record("tables.login.remove", Some(("resource", on.id.0)), detail);
    let removed = async {
        match api.database.remove_table_login(&login).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(ApiError::NotFound),
            Err(error) => Err(ApiError::from(error)),
        }
    };
    api.audit.around(record, removed).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_named_after_its_person() {
        let user: UserId = "01890000-0000-7000-8000-0000abcd1234".parse().expect("an id");
        assert_eq!(login_of(user, "Ada.Novak+x@example.org"), "tables_ada_novak_x_abcd1234");
        assert_eq!(login_of(user, "ünïcode@example.org"), "tables__n_code_abcd1234");
    }
}
