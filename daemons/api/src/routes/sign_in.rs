//! Logging in with an account at a provider of OpenID Connect, and adding one to one's own.
//!
//! A browser that is sent to a provider gets a cookie for ten minutes. Nonce and PKCE verifier follow from it, so that what comes back is
//! worth something in that browser alone and nothing of it is stored. The provider sends the browser to a page of the UI, which posts
//! what stands in its address.

use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_model::Slug;
use bulkhead_rpc::sign_in::{EXCHANGE, ExchangeRequest, Exchanged, METADATA, Metadata, ProviderRequest};
use bulkhead_store::identity::User;
use bulkhead_store::session_access::Credential;
use bulkhead_store::sign_in::{SignInProvider, SignedIn, Vouched};
use http::{HeaderMap, HeaderValue, Method, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::json::Json;
use super::last::Last;
use super::session::{Session, of_log_in, open_session};
use super::users::check_email;
use crate::auth::caller::{cookie_of, session_hash};
use crate::auth::id_token::{self, Claims, IdTokenFault};
use crate::auth::{Origin, token};
use crate::http_error::ApiError;
use crate::state::{Api, SharedApi};

/// The page of the UI that providers send people back to.
pub(crate) const CALLBACK: &str = "/sign-in/callback";
/// The cookie of a browser that was sent to a provider.
const COOKIE: &str = "__Host-bulkhead-sign-in";
const MAX_BYTES: usize = 4096;

/// The ways to log in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignInWays {
    /// Providers, by name.
    providers: Vec<SignInWay>,
    /// Whether everybody may log in with a password; else administrators alone.
    passwords: bool,
}

/// A provider to log in with.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignInWay {
    /// Its name in addresses.
    name: String,
    /// What to call it.
    label: String,
}

/// Begins to log in with a provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeginSignInRequest {
    /// Whether the account is added to that of who is logged in.
    #[serde(default)]
    adds: bool,
}

/// Where to go.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignInBegun {
    /// The provider's page. It sends back within ten minutes, to the same browser.
    url: String,
}

/// What the provider sent back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompleteSignInRequest {
    /// As it stands in the address.
    state: String,
    /// As it stands in the address.
    code: String,
    /// As it stands in the address, if it does.
    #[serde(default)]
    iss: Option<String>,
}

/// The ways to log in.
#[utoipa::path(get, path = "/sign-in", tag = "session", operation_id = "listSignInWays", responses((status = 200, description = "The ways", body = SignInWays)))]
pub(crate) async fn ways(State(api): State<SharedApi>) -> Result<Json<SignInWays>, ApiError> {
    let providers = api.database.sign_in_providers().await?;
    let providers =
        providers.into_iter().map(|provider| SignInWay { name: provider.name, label: provider.config.label });
    Ok(Json(SignInWays { providers: providers.collect(), passwords: api.database.passwords_are_for_all().await? }))
}

/// Begins to log in with a provider.
#[utoipa::path(post, path = "/sign-in/begin/{name}", tag = "session", operation_id = "beginSignIn", params(("name" = Slug, Path)), request_body = BeginSignInRequest, responses(
    (status = 200, description = "Where to go; a cookie is set", body = SignInBegun),
    (status = 429, description = "`too-many-attempts`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 502, description = "The provider cannot be reached, or says what it must not", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn begin(
    State(api): State<SharedApi>,
    origin: Origin,
    headers: HeaderMap,
    Last(name): Last,
    Json(request): Json<BeginSignInRequest>,
) -> Result<Response, ApiError> {
    count(&api, &origin)?;
    let user = match request.adds {
        true => Some(logged_in(&api, &headers).await?.id),
        false => None,
    };
    let provider = api.database.sign_in_provider(&name).await?;
    let asked = ProviderRequest { provider: provider.id };
    let metadata: Metadata = api.connector.call(Method::POST, METADATA, &asked).await?;
    let ((state, state_hash), (cookie, browser_hash)) = (token::mint()?, token::mint()?);
    api.database.begin_sign_in(&state_hash, &browser_hash, provider.id, user).await?;
    let url = authorization_url(&api, &provider, &metadata, &state, &cookie);
    let cookie = format!("{COOKIE}={cookie}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=600");
    let cookie = HeaderValue::from_str(&cookie).map_err(ApiError::internal("writing a cookie"))?;
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Json(SignInBegun { url })).into_response())
}

/// Ends to log in, with what the provider sent back: opens a session, or adds the account to that of who is logged in.
#[utoipa::path(post, path = "/sign-in/complete", tag = "session", operation_id = "completeSignIn", request_body = CompleteSignInRequest, responses(
    (status = 200, description = "The session", body = Session),
    (status = 403, description = "`sign-in-refused`: the person is not known here, or their address is not verified", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 409, description = "`address-taken`, `account-taken`", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 410, description = "`attempt-over`: it took too long, was done already, or began in another browser", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
    (status = 502, description = "The provider cannot be reached, or says what it must not", body = bulkhead_rpc::Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn complete(
    State(api): State<SharedApi>,
    origin: Origin,
    headers: HeaderMap,
    Json(request): Json<CompleteSignInRequest>,
) -> Result<Response, ApiError> {
    let cookie = cookie_of(&headers, COOKIE).ok_or(ApiError::AttemptOver)?;
    if request.state.len() > MAX_BYTES || request.code.is_empty() || request.code.len() > MAX_BYTES {
        return Err(ApiError::AttemptOver);
    }
    let ended = api.database.end_sign_in(&token::hash(&request.state), &token::hash(cookie)).await?;
    let ended = ended.ok_or(ApiError::AttemptOver)?;
    let provider = ended.provider;
    let refusal = |reason: &ApiError| {
        let detail = json!({ "provider": provider.name, "reason": reason.problem().code });
        of_log_in(&origin, "user.login.refused", None, detail)
    };
    let person = match vouched(&api, &provider, cookie, &request).await {
        Ok(person) => person,
        Err(error) => {
            api.audit.denied(refusal(&error)).await;
            return Err(error);
        }
    };
    let response = match ended.user {
        Some(user) => {
            let caller = logged_in(&api, &headers).await?;
            if caller.id != user {
                return Err(ApiError::AttemptOver);
            }
            add(&api, &origin, caller, &provider, &person).await?
        }
        None => match admit(&api, &origin, &headers, &provider, &person).await {
            Ok(response) => response,
            Err(error) => {
                api.audit.denied(refusal(&error)).await;
                return Err(error);
            }
        },
    };
    // It was no failure: many people can share an address.
    if let Some(address) = origin.remote() {
        api.sign_in_attempts.succeeded(address);
    }
    let over =
        HeaderValue::from_static("__Host-bulkhead-sign-in=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    Ok((AppendHeaders([(header::SET_COOKIE, over)]), response).into_response())
}

/// Whom a provider vouches for.
struct Person {
    subject: String,
    email: String,
    name: String,
    groups: Vec<String>,
}

/// Exchanges a code, believes what is signed, and reads who it is.
async fn vouched(
    api: &Api,
    provider: &SignInProvider,
    cookie: &str,
    request: &CompleteSignInRequest,
) -> Result<Person, ApiError> {
    let refused =
        |reason: &str| ApiError::ProviderRefused { provider: provider.name.clone(), reason: reason.to_owned() };
    let asked = ProviderRequest { provider: provider.id };
    let metadata: Metadata = api.connector.call(Method::POST, METADATA, &asked).await?;
    // An answer of another provider than the one that was asked must not be shown to this one.
    let is_of_issuer = request.iss.as_ref().map_or(!metadata.says_issuer, |issuer| *issuer == provider.config.issuer.0);
    if !is_of_issuer {
        return Err(refused("the answer is of another issuer"));
    }
    let exchange = ExchangeRequest {
        provider: provider.id,
        code: request.code.clone(),
        verifier: derived(cookie, "verifier"),
        redirect_uri: redirect_uri(api),
    };
    let Exchanged { id_token, userinfo } = api.connector.call(Method::POST, EXCHANGE, &exchange).await?;
    let nonce = derived(cookie, "nonce");
    let keys = api.provider_keys.get(&api.connector, provider, false).await?;
    let mut claims = id_token::verify(&id_token, &keys, provider, &nonce);
    if claims == Err(IdTokenFault::UnknownKey) {
        let keys = api.provider_keys.get(&api.connector, provider, true).await?;
        claims = id_token::verify(&id_token, &keys, provider, &nonce);
    }
    let claims = claims.map_err(|fault| refused(&format!("its token is not believed: {fault}")))?;
    let subject = id_token::subject(&claims).unwrap_or_default().to_owned();
    let more: Option<Claims> = userinfo.and_then(|claims| serde_json::from_value(claims).ok());
    // Claims of somebody else, put in the place of theirs (Core 1.0, section 5.3.2).
    let more = more.filter(|more| id_token::subject(more) == Some(subject.as_str())).unwrap_or_default();
    person(provider, subject, &[claims, more])
}

/// Who claims are about. The address must be one that the provider has verified.
fn person(provider: &SignInProvider, subject: String, claims: &[Claims; 2]) -> Result<Person, ApiError> {
    let told = claims.iter().find(|claims| claims.contains_key("email"));
    let email = told.and_then(|claims| claims["email"].as_str()).unwrap_or_default();
    let is_verified = told.and_then(|claims| claims.get("email_verified"));
    if !is_verified.is_some_and(|verified| *verified == json!(true) || *verified == json!("true")) {
        return Err(ApiError::SignInRefused("the provider does not say that your e-mail address is verified"));
    }
    let email = check_email(email)?;
    let name = claims.iter().find_map(|claims| claims.get("name")?.as_str()).unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
    let name = if name.trim().is_empty() { email.clone() } else { name.trim().to_owned() };
    let groups = claims.iter().find_map(|claims| claims.get(&provider.config.groups_claim));
    let groups = match groups {
        Some(Value::Array(groups)) => groups.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(group)) => vec![group.clone()],
        _ => Vec::new(),
    };
    Ok(Person { subject, email, name, groups })
}

/// Opens a session for whom a provider vouches for.
async fn admit(
    api: &Api,
    origin: &Origin,
    headers: &HeaderMap,
    provider: &SignInProvider,
    person: &Person,
) -> Result<Response, ApiError> {
    let config = &provider.config;
    let decided: Vec<&str> = config.groups.values().map(Slug::as_str).collect();
    let theirs = config.groups_of(&person.groups);
    let vouched = Vouched {
        issuer: &config.issuer.0,
        subject: &person.subject,
        email: &person.email,
        name: &person.name,
        may_join: config.admits(&person.email),
        groups: (decided.as_slice(), theirs.as_slice()),
    };
    let (user, has_joined) = match api.database.sign_in(&vouched).await? {
        SignedIn::Known(user) => (user, false),
        SignedIn::Joined(user) => (user, true),
        SignedIn::Disabled => return Err(ApiError::SignInRefused("your account here is disabled")),
        SignedIn::Unknown => {
            return Err(ApiError::SignInRefused("nobody here has this account: ask for an invitation"));
        }
        SignedIn::AddressTaken => {
            let detail =
                "somebody here has this address: log in with the password and add this account on the account page";
            return Err(ApiError::Conflict { code: "address-taken", detail: detail.to_owned() });
        }
    };
    let detail = json!({ "provider": provider.name, "joined": has_joined });
    let record = of_log_in(origin, "user.login", Some(&user), detail);
    api.audit.around(record, open_session(api, user, origin, headers)).await
}

/// Adds an account to somebody's own.
async fn add(
    api: &Api,
    origin: &Origin,
    user: User,
    provider: &SignInProvider,
    person: &Person,
) -> Result<Response, ApiError> {
    let added = async {
        let (issuer, subject) = (&provider.config.issuer.0, &person.subject);
        match api.database.link_sign_in(user.id, issuer, subject, &person.email).await? {
            true => Ok(()),
            false => {
                let detail = "somebody else here logs in with this account".to_owned();
                Err(ApiError::Conflict { code: "account-taken", detail })
            }
        }
    };
    let detail = json!({ "provider": provider.name, "email": person.email });
    api.audit.around(of_log_in(origin, "user.sign-in.add", Some(&user), detail), added).await?;
    Ok(Json(Session::of(api, user).await?).into_response())
}

async fn logged_in(api: &Api, headers: &HeaderMap) -> Result<User, ApiError> {
    let hash = session_hash(headers).ok_or(ApiError::NoSession)?;
    let found = api.database.identified(Credential::Session(hash)).await?;
    found.map(|found| found.user).ok_or(ApiError::NoSession)
}

/// Whoever begins makes a provider be asked: an address gets so many failures a minute.
fn count(api: &Api, origin: &Origin) -> Result<(), ApiError> {
    origin.remote().map_or(Ok(()), |address| api.sign_in_attempts.begin(address))
}

fn redirect_uri(api: &Api) -> String {
    format!("{}{CALLBACK}", api.config.base_url)
}

/// What follows from a browser's cookie, for one purpose.
fn derived(cookie: &str, purpose: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("bulkhead sign-in {purpose} {cookie}")))
}

fn authorization_url(api: &Api, provider: &SignInProvider, metadata: &Metadata, state: &str, cookie: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(derived(cookie, "verifier")));
    let (scope, nonce) = (format!("openid {}", provider.config.scope), derived(cookie, "nonce"));
    let redirect_uri = redirect_uri(api);
    let query = [
        ("response_type", "code"),
        ("client_id", provider.config.client_id.as_str()),
        ("redirect_uri", redirect_uri.as_str()),
        ("scope", scope.trim()),
        ("state", state),
        ("nonce", nonce.as_str()),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let query = serde_urlencoded::to_string(&query[..]).unwrap_or_default();
    let separator = if metadata.authorization_endpoint.contains('?') { '&' } else { '?' };
    format!("{}{separator}{query}", metadata.authorization_endpoint)
}
