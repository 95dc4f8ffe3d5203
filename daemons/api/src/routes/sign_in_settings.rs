//! Which providers people log in with, and whether everybody may use a password: for administrators. And, for each person, the accounts
//! that they log in with.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bulkhead_model::sign_in::SignInConfig;
use bulkhead_model::{Fault, Slug};
use bulkhead_store::sign_in::{SignInAccount, SignInProvider};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::app_queries::person;
use super::documents::require_valid;
use super::json::Json;
use super::last::Last;
use super::resources::settings_changed;
use super::second_factor::RequiredFor;
use super::sign_in::CALLBACK;
use crate::auth::{Administrator, AdministratorInSession, Caller, InSession};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// How people log in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignInSettings {
    /// Providers, by name.
    providers: Vec<Provider>,
    /// Whether everybody may log in with a password; else administrators alone.
    passwords_for_all: bool,
    /// For whom a second factor is required who logs in with a password.
    second_factor_required_for: RequiredFor,
    /// Where each provider has to be told that it may send people back to.
    redirect_uri: String,
}

/// A provider, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct Provider {
    /// Its name in addresses.
    name: String,
    /// The settings.
    config: SignInConfig,
    /// When it changed last.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

/// A new provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateProviderRequest {
    /// Its name in addresses.
    name: Slug,
    /// The settings.
    config: SignInConfig,
    /// The client's secret, if it has one. It is sealed at once and never shown again.
    #[serde(default)]
    secret: Option<String>,
}

/// New settings of a provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateProviderRequest {
    /// The settings.
    config: SignInConfig,
    /// The client's secret; the stored one stays when absent, which is refused when issuer or authority change.
    #[serde(default)]
    secret: Option<String>,
}

/// Who may log in with a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordsRequest {
    /// Whether everybody may; else administrators alone.
    for_all: bool,
}

/// The accounts that you log in with.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignInAccounts {
    /// In the order in which they were added.
    accounts: Vec<SignInAccountInfo>,
}

/// An account at a provider that you log in with.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignInAccountInfo {
    /// Whose it is.
    issuer: String,
    /// The provider's name for you.
    subject: String,
    /// The address, as the provider told it last.
    email: String,
    /// When it was added.
    #[serde(with = "time::serde::rfc3339")]
    added_at: OffsetDateTime,
    /// When it was used last.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    used_at: Option<OffsetDateTime>,
}

/// Names one of the accounts that you log in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemoveSignInRequest {
    /// Whose it is.
    issuer: String,
    /// The provider's name for you.
    subject: String,
}

impl Provider {
    fn of(stored: SignInProvider) -> Self {
        Self { name: stored.name, config: stored.config, updated_at: stored.updated_at }
    }
}

/// How people log in.
#[utoipa::path(get, path = "/sign-in/settings", tag = "users", operation_id = "getSignInSettings", responses((status = 200, description = "The settings", body = SignInSettings)))]
pub(crate) async fn show(State(api): State<SharedApi>, _: Administrator) -> Result<Json<SignInSettings>, ApiError> {
    Ok(Json(SignInSettings {
        providers: api.database.sign_in_providers().await?.into_iter().map(Provider::of).collect(),
        passwords_for_all: api.database.passwords_are_for_all().await?,
        second_factor_required_for: api.database.second_factor_required_for().await?.into(),
        redirect_uri: format!("{}{CALLBACK}", api.config.base_url),
    }))
}

/// Adds a provider.
#[utoipa::path(post, path = "/sign-in/providers", tag = "users", operation_id = "createSignInProvider", request_body = CreateProviderRequest, responses(
    (status = 201, description = "Added", body = Provider),
    (status = 409, description = "`exists`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(api): State<SharedApi>,
    AdministratorInSession(caller): AdministratorInSession,
    Json(request): Json<CreateProviderRequest>,
) -> Result<Response, ApiError> {
    require_valid(request.config.validate())?;
    let (id, name) = (Uuid::now_v7(), request.name.as_str());
    let sealed = request.secret.as_deref().map(|secret| api.seal_provider_secret(id, secret)).transpose()?;
    let detail = json!({ "name": name, "issuer": request.config.issuer, "domains": request.config.domains });
    let record = caller.record("sign-in.provider.create", Some(("sign-in-provider", id)), detail);
    let created =
        async { Ok(api.database.create_sign_in_provider(id, name, &request.config, sealed.as_deref()).await?) };
    api.audit.around(record, created).await?;
    let stored = api.database.sign_in_provider(name).await?;
    Ok((StatusCode::CREATED, Json(Provider::of(stored))).into_response())
}

/// Changes a provider.
#[utoipa::path(put, path = "/sign-in/providers/{name}", tag = "users", operation_id = "updateSignInProvider", params(("name" = Slug, Path)), request_body = UpdateProviderRequest, responses(
    (status = 200, description = "Changed", body = Provider),
    (status = 409, description = "`settings-changed` since they were looked at", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 422, description = "`secret-needed`, `document-invalid`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn update(
    State(api): State<SharedApi>,
    AdministratorInSession(caller): AdministratorInSession,
    Last(name): Last,
    Json(request): Json<UpdateProviderRequest>,
) -> Result<Json<Provider>, ApiError> {
    require_valid(request.config.validate())?;
    let stored = api.database.sign_in_provider(&name).await?;
    if request.secret.is_none() && stored.config.destination() != request.config.destination() {
        let detail = "issuer or authority changed: enter the secret again";
        let faults = vec![Fault::new("secret", detail)];
        return Err(ApiError::Unprocessable { code: "secret-needed", detail: detail.to_owned(), faults });
    }
    let sealed = request.secret.as_deref().map(|secret| api.seal_provider_secret(stored.id, secret)).transpose()?;
    let detail = json!({ "name": name, "issuer": request.config.issuer, "domains": request.config.domains, "secret": sealed.is_some() });
    let record = caller.record("sign-in.provider.update", Some(("sign-in-provider", stored.id)), detail);
    let place = (stored.id, stored.revision);
    let updated = async {
        let updated = api.database.update_sign_in_provider(place, &request.config, sealed.as_deref()).await;
        updated.map_err(settings_changed)
    };
    api.audit.around(record, updated).await?;
    Ok(Json(Provider::of(api.database.sign_in_provider(&name).await?)))
}

/// Deletes a provider. Nobody logs in with it from then on; sessions that are open stay so.
#[utoipa::path(delete, path = "/sign-in/providers/{name}", tag = "users", operation_id = "deleteSignInProvider", params(("name" = Slug, Path)), responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(
    State(api): State<SharedApi>,
    AdministratorInSession(caller): AdministratorInSession,
    Last(name): Last,
) -> Result<StatusCode, ApiError> {
    let stored = api.database.sign_in_provider(&name).await?;
    let record =
        caller.record("sign-in.provider.delete", Some(("sign-in-provider", stored.id)), json!({ "name": name }));
    api.audit.around(record, async { Ok(api.database.delete_sign_in_provider(stored.id).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says who may log in with a password. Administrators always may.
#[utoipa::path(put, path = "/sign-in/passwords", tag = "users", operation_id = "setPasswordsForAll", request_body = PasswordsRequest, responses((status = 204, description = "Said")))]
pub(crate) async fn set_passwords(
    State(api): State<SharedApi>,
    AdministratorInSession(caller): AdministratorInSession,
    Json(request): Json<PasswordsRequest>,
) -> Result<StatusCode, ApiError> {
    let record = caller.record("sign-in.passwords", None, json!({ "for_all": request.for_all }));
    api.audit.around(record, async { Ok(api.database.set_passwords_for_all(request.for_all).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The accounts that you log in with.
#[utoipa::path(get, path = "/account/sign-ins", tag = "session", operation_id = "listSignIns", responses((status = 200, description = "The accounts", body = SignInAccounts)))]
pub(crate) async fn list_own(State(api): State<SharedApi>, caller: Caller) -> Result<Json<SignInAccounts>, ApiError> {
    let accounts = api.database.sign_in_accounts(person(&caller)?.id).await?;
    let accounts = accounts.into_iter().map(|SignInAccount { issuer, subject, email, linked_at, used_at }| {
        SignInAccountInfo { issuer, subject, email, added_at: linked_at, used_at }
    });
    Ok(Json(SignInAccounts { accounts: accounts.collect() }))
}

/// Takes away one of the accounts that you log in with. Who has no password that lets them in keeps the last one.
#[utoipa::path(post, path = "/account/sign-ins/remove", tag = "session", operation_id = "removeSignIn", request_body = RemoveSignInRequest, responses(
    (status = 204, description = "Removed"),
    (status = 409, description = "`last-way-in`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn remove_own(
    State(api): State<SharedApi>,
    on: InSession,
    Json(request): Json<RemoveSignInRequest>,
) -> Result<StatusCode, ApiError> {
    let user = &on.user;
    let may_use_password = user.has_password && (user.is_admin || api.database.passwords_are_for_all().await?);
    if !may_use_password && api.database.sign_in_accounts(user.id).await?.len() < 2 {
        let detail = "this is the only way that you can log in: add another first".to_owned();
        return Err(ApiError::Conflict { code: "last-way-in", detail });
    }
    let RemoveSignInRequest { issuer, subject } = &request;
    let record = on.caller.record(
        "user.sign-in.remove",
        None,
        json!({ "issuer": issuer.chars().take(200).collect::<String>() }),
    );
    let removed = async { Ok(api.database.unlink_sign_in(user.id, issuer, subject).await?) };
    api.audit.around(record, removed).await?;
    Ok(StatusCode::NO_CONTENT)
}
