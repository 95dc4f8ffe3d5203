//! How an account is connected: where a person is sent, and what they bring back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_model::ResourceId;
use bulkhead_model::resource::{Oauth2Account, Oauth2Code, secret};
use bulkhead_rpc::accounts::{BeginAnswer, BeginRequest, CompleteRequest};
use bulkhead_seal::Place;
use bulkhead_store::StoreError;
use bulkhead_store::oauth::{NewOauthAccount, OauthAttempt};
use bulkhead_store::resources::Resource;
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Accounts, settings, settings_hash, token_server};
use crate::error::QueryError;
use crate::http::TokenServer;
use crate::pool::Shared;

/// The longest state and code that are looked at.
const MAX_BYTES: usize = 4096;

impl Accounts {
    /// Where to send a person who is to say yes.
    pub(crate) async fn begin(&self, request: &BeginRequest) -> Result<BeginAnswer, QueryError> {
        let stored = self.stored(request.resource).await?;
        let (http, code) = settings(&stored.config).ok_or_else(no_accounts)?;
        // api reads from it which resource it is about.
        let state = Zeroizing::new(format!("{}.{}", stored.id, *random()?));
        let verifier = random()?;
        let state_hash: [u8; 32] = Sha256::digest(state.as_bytes()).into();
        let row = hex::encode(state_hash);
        let sealed = self.key.public_key().seal(&verifier_place(&row), verifier.as_bytes());
        let attempt = OauthAttempt {
            state_hash: &state_hash,
            resource: stored.id,
            user: (code.account == Oauth2Account::Own).then_some(request.person),
            session_hash: &session(&request.session)?,
            settings_hash: &settings_hash(http, code),
            sealed_verifier: &sealed.map_err(|error| QueryError::Invalid(error.to_string()))?,
        };
        self.database.begin_oauth(&attempt).await.map_err(QueryError::Store)?;
        authorization_url(code, &request.redirect_uri, &state, &verifier).map(|url| BeginAnswer { url })
    }

    /// Exchanges what a person brought back for tokens, and keeps them. The secret is the resource's, opened by who calls.
    pub(crate) async fn complete(
        &self,
        request: &CompleteRequest,
        shared: &Shared,
        secret_of: impl FnOnce(&Resource) -> Result<Option<Zeroizing<Vec<u8>>>, QueryError>,
    ) -> Result<(), QueryError> {
        let (state, code) = (request.state.as_str(), request.code.as_str());
        if state.is_empty() || code.is_empty() || state.len() > MAX_BYTES || code.len() > MAX_BYTES {
            return Err(QueryError::AttemptOver);
        }
        let state_hash: [u8; 32] = Sha256::digest(state.as_bytes()).into();
        let session = session(&request.session)?;
        let attempt = self.database.end_oauth(&state_hash, &session, request.person).await;
        let attempt = attempt.map_err(QueryError::Store)?.ok_or(QueryError::AttemptOver)?;
        let stored = self.stored(attempt.resource).await?;
        let (http, settings) = settings(&stored.config).ok_or_else(no_accounts)?;
        let settings_hash = settings_hash(http, settings);
        let is_own = settings.account == Oauth2Account::Own;
        if settings_hash.as_slice() != attempt.settings_hash || is_own != attempt.user.is_some() {
            return Err(QueryError::AttemptOver);
        }
        let row = hex::encode(state_hash);
        let opened = self.key.open(&verifier_place(&row), &attempt.sealed_verifier);
        let unreadable = |source| QueryError::Secret { resource: stored.name.clone(), source };
        let verifier = text(opened.map_err(unreadable)?)?;
        let opened = secret_of(&stored)?;
        let secret = opened.as_ref().and_then(|opened| secret::unpack(opened).secret);
        let secret = secret.map(|secret| text(Zeroizing::new(secret.to_vec()))).transpose()?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", request.redirect_uri.as_str()),
            ("code_verifier", verifier.as_str()),
        ];
        let server = token_server(http, settings, &stored.name, shared);
        let secret = secret.as_ref().map(|secret| secret.as_str());
        let given = server.ask(secret, &form, &[code, verifier.as_str()], TokenServer::bounds()).await;
        let given = given.map_err(|not_given| not_given.error)?;
        let id = Uuid::now_v7();
        let account = NewOauthAccount {
            id,
            resource: stored.id,
            user: attempt.user,
            connected_by: attempt.person,
            settings_hash: &settings_hash,
            tokens: self.seal(id, &given, None)?,
        };
        self.database.connect_oauth_account(&account).await.map_err(QueryError::Store)
    }

    /// Forgets an account; whether there was one.
    pub(crate) async fn disconnect(
        &self,
        resource: ResourceId,
        user: Option<bulkhead_model::UserId>,
    ) -> Result<bool, QueryError> {
        self.database.disconnect_oauth_account(resource, user).await.map_err(QueryError::Store)
    }

    async fn stored(&self, resource: ResourceId) -> Result<Resource, QueryError> {
        self.database.resource(resource).await.map_err(|error| match error {
            StoreError::NotFound { .. } => QueryError::UnknownResource,
            other => QueryError::Store(other),
        })
    }
}

fn no_accounts() -> QueryError {
    QueryError::Invalid(
        "this resource asks as no account that could be connected: look at its authentication".to_owned(),
    )
}

fn verifier_place(row: &str) -> Place<'_> {
    Place { table: "oauth_attempts", row, field: "sealed_verifier" }
}

fn session(hash: &str) -> Result<Vec<u8>, QueryError> {
    hex::decode(hash).map_err(|_| QueryError::AttemptOver)
}

fn text(bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<String>, QueryError> {
    let text = std::str::from_utf8(&bytes).map(|text| Zeroizing::new(text.to_owned()));
    text.map_err(|_| QueryError::Invalid("the secret is no text: enter it again".to_owned()))
}

/// 256 random bits, in base64url.
fn random() -> Result<Zeroizing<String>, QueryError> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    aws_lc_rs::rand::fill(bytes.as_mut_slice())
        .map_err(|_| QueryError::Invalid("the system gives no random bytes: try again".to_owned()))?;
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}

fn authorization_url(code: &Oauth2Code, redirect_uri: &str, state: &str, verifier: &str) -> Result<String, QueryError> {
    let url = Url::parse(&code.authorization_url.0);
    let mut url = url.map_err(|_| QueryError::Invalid("the authorisation URL is none".to_owned()))?;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    let own = [
        ("response_type", "code"),
        ("client_id", code.client_id.as_str()),
        ("redirect_uri", redirect_uri),
        ("scope", code.scope.as_str()),
        ("state", state),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let more = code.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    url.query_pairs_mut().extend_pairs(own.into_iter().chain(more).filter(|(_, value)| !value.is_empty()));
    Ok(url.into())
}
