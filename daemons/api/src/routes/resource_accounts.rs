//! Accounts that resources ask as, by OAuth 2 with a person's consent: where a person is sent, and what they bring back.
//!
//! Tokens never come here: what the browser brings is handed to db-connector, which exchanges it and keeps what it is given. The server
//! sends people back to a page of the UI, which posts what stands in its address: the session's cookie is not sent with a navigation
//! that another site began.

use axum::extract::State;
use bulkhead_model::resource::{Oauth2Account, ResourceConfig};
use bulkhead_model::{ResourceId, Role, Slug, UserId};
use bulkhead_rpc::accounts::{self, BeginAnswer, BeginRequest, CompleteRequest, DisconnectAnswer, DisconnectRequest};
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::app_queries::person;
use super::json::Json;
use crate::auth::caller::session_hash;
use crate::auth::guard::require_resource;
use crate::auth::{Caller, On, ResourceKind, Viewer};
use crate::http_error::ApiError;
use crate::state::{Api, SharedApi};

/// The page of the UI that servers send people back to.
pub(crate) const CALLBACK: &str = "/oauth/callback";

/// The account that a resource asks as, for you.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResourceAccount {
    /// Whose it is.
    account: Oauth2Account,
    /// Where a server has to be told that it may send people back to.
    redirect_uri: String,
    /// Whether one is connected, that the server still accepts as far as is known.
    is_connected: bool,
    /// Whether the server has refused it since, so that it has to be connected again.
    is_refused: bool,
    /// Whether you may connect and disconnect it.
    may_connect: bool,
    /// Who connected it.
    #[serde(skip_serializing_if = "Option::is_none")]
    connected_by: Option<String>,
    /// When.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    connected_at: Option<OffsetDateTime>,
    /// When its tokens were renewed last.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    renewed_at: Option<OffsetDateTime>,
}

/// Where to go to say yes.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectAccount {
    /// The server's page. It sends back within ten minutes, to the same session.
    url: String,
}

/// What the server sent back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompleteAccountRequest {
    /// As it stands in the address.
    state: String,
    /// As it stands in the address.
    code: String,
}

/// The account is connected.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountConnected {
    /// To this resource.
    resource: String,
}

/// The account that a resource asks as, for you.
#[utoipa::path(get, path = "/resources/{name}/account", tag = "resources", operation_id = "getResourceAccount", params(("name" = Slug, Path)), responses(
    (status = 200, description = "The account", body = ResourceAccount),
    (status = 409, description = "`no-account`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn show(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Viewer>,
) -> Result<Json<ResourceAccount>, ApiError> {
    let account = account_of(&api, on.id).await?;
    let found = api.database.oauth_account_state(on.id, owner(account, &on.caller)?).await?;
    let is_refused = found.as_ref().is_some_and(|found| found.is_refused);
    Ok(Json(ResourceAccount {
        account,
        redirect_uri: redirect_uri(&api),
        is_connected: found.is_some() && !is_refused,
        is_refused,
        may_connect: on.role >= needed(account),
        connected_at: found.as_ref().map(|found| found.connected_at),
        renewed_at: found.as_ref().map(|found| found.renewed_at),
        connected_by: found.and_then(|found| found.connected_by),
    }))
}

/// Begins to connect the account: a shared one needs the role admin.
#[utoipa::path(post, path = "/resources/{name}/account/connect", tag = "resources", operation_id = "connectResourceAccount", params(("name" = Slug, Path)), responses(
    (status = 200, description = "Where to go", body = ConnectAccount),
    (status = 409, description = "`no-account`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn connect(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Viewer>,
    headers: HeaderMap,
) -> Result<Json<ConnectAccount>, ApiError> {
    let account = account_of(&api, on.id).await?;
    let user = person(&on.caller)?;
    require_resource(&api, &on.caller, &on.name, needed(account)).await?;
    let detail = json!({ "name": on.name, "account": account });
    api.audit.write(on.caller.record("resource.account.begin", Some(("resource", on.id.0)), detail)).await?;
    let request = BeginRequest {
        resource: on.id,
        person: user.id,
        session: session(&headers)?,
        redirect_uri: redirect_uri(&api),
    };
    let BeginAnswer { url } = api.connector.call(Method::POST, accounts::BEGIN, &request).await?;
    Ok(Json(ConnectAccount { url }))
}

/// Ends to connect an account, with what the server sent back.
#[utoipa::path(post, path = "/accounts/complete", tag = "resources", operation_id = "completeResourceAccount", request_body = CompleteAccountRequest, responses(
    (status = 200, description = "Connected", body = AccountConnected),
    (status = 410, description = "`attempt-over`: it took too long, was done already, or began in another session", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 502, description = "The token server cannot be reached or refuses", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn complete(
    State(api): State<SharedApi>,
    caller: Caller,
    headers: HeaderMap,
    Json(request): Json<CompleteAccountRequest>,
) -> Result<Json<AccountConnected>, ApiError> {
    let user = person(&caller)?;
    let resource: Option<ResourceId> = request.state.split_once('.').and_then(|(id, _)| id.parse().ok());
    let resource = resource.ok_or(ApiError::AttemptOver)?;
    let stored = api.database.resource(resource).await?;
    let account = account_in(&stored.config)?;
    require_resource(&api, &caller, &stored.name, needed(account)).await?;
    let session = session(&headers)?;
    let CompleteAccountRequest { state, code } = request;
    let request = CompleteRequest { state, code, person: user.id, session, redirect_uri: redirect_uri(&api) };
    let detail = json!({ "name": stored.name, "account": account });
    let record = caller.record("resource.account.connect", Some(("resource", resource.0)), detail);
    let connected = async {
        let _: Value = api.connector.call(Method::POST, accounts::COMPLETE, &request).await?;
        Ok(())
    };
    api.audit.around(record, connected).await?;
    Ok(Json(AccountConnected { resource: stored.name }))
}

/// Forgets the account: a shared one needs the role admin. What was given to Bulkhead stays in the server's list until its owner takes it
/// back there.
#[utoipa::path(delete, path = "/resources/{name}/account", tag = "resources", operation_id = "disconnectResourceAccount", params(("name" = Slug, Path)), responses(
    (status = 204, description = "Forgotten, if there was one"),
    (status = 409, description = "`no-account`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn disconnect(
    State(api): State<SharedApi>,
    on: On<ResourceKind, Viewer>,
) -> Result<StatusCode, ApiError> {
    let account = account_of(&api, on.id).await?;
    require_resource(&api, &on.caller, &on.name, needed(account)).await?;
    let request = DisconnectRequest { resource: on.id, user: owner(account, &on.caller)? };
    let detail = json!({ "name": on.name, "account": account });
    let record = on.caller.record("resource.account.disconnect", Some(("resource", on.id.0)), detail);
    let gone = async {
        let _: DisconnectAnswer = api.connector.call(Method::POST, accounts::DISCONNECT, &request).await?;
        Ok(())
    };
    api.audit.around(record, gone).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn account_of(api: &Api, resource: ResourceId) -> Result<Oauth2Account, ApiError> {
    account_in(&api.database.resource(resource).await?.config)
}

fn account_in(config: &ResourceConfig) -> Result<Oauth2Account, ApiError> {
    let detail = "this resource asks as no account that could be connected: look at its authentication".to_owned();
    config.oauth2_code().map(|code| code.account).ok_or(ApiError::Conflict { code: "no-account", detail })
}

/// The role that it takes to connect an account: what everybody asks as is for who administers the resource.
fn needed(account: Oauth2Account) -> Role {
    match account {
        Oauth2Account::Shared => Role::Admin,
        Oauth2Account::Own => Role::Viewer,
    }
}

fn owner(account: Oauth2Account, caller: &Caller) -> Result<Option<UserId>, ApiError> {
    match account {
        Oauth2Account::Shared => Ok(None),
        Oauth2Account::Own => person(caller).map(|user| Some(user.id)),
    }
}

fn redirect_uri(api: &Api) -> String {
    format!("{}{CALLBACK}", api.config.base_url)
}

fn session(headers: &HeaderMap) -> Result<String, ApiError> {
    session_hash(headers).map(hex::encode).ok_or(ApiError::PersonsOnly)
}
