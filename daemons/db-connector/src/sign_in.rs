//! What has to be asked of a provider of OpenID Connect that people sign in with: its documents, and what a code is worth.
//!
//! api verifies what comes back; this process only carries it, so that all that leaves the appliance goes by the same network policy.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bulkhead_model::resource::BaseUrl;
use bulkhead_model::sign_in::SignInConfig;
use bulkhead_rpc::sign_in::{ExchangeRequest, Exchanged, Keys, Metadata};
use bulkhead_seal::{Place as SealPlace, SealPrivateKey};
use bulkhead_store::sign_in::SignInProvider;
use bulkhead_store::{Database, StoreError};
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::error::QueryError;
use crate::http::{Bounds, Place, TokenServer, exchange, pool_at};
use crate::pool::Shared;

/// For how long a provider's document is not asked for again.
const LIFETIME: Duration = Duration::from_secs(600);
/// How long each document may take, and how large it may be.
const TIMEOUT_MS: u32 = 8_000;
const MAX_BYTES: u32 = 256 * 1024;

/// The providers, with their documents.
pub(crate) struct Providers {
    database: Database,
    key: Arc<SealPrivateKey>,
    shared: Shared,
    documents: Mutex<HashMap<Uuid, Kept>>,
}

struct Kept {
    revision: i64,
    since: Instant,
    document: Arc<Document>,
}

/// What a provider says of itself (OpenID Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// A provider as it is now.
struct Current {
    provider: SignInProvider,
    sealed: Option<String>,
    document: Arc<Document>,
}

impl Providers {
    pub(crate) fn new(database: Database, key: Arc<SealPrivateKey>, shared: Shared) -> Self {
        Self { database, key, shared, documents: Mutex::default() }
    }

    pub(crate) async fn metadata(&self, provider: Uuid) -> Result<Metadata, QueryError> {
        let Current { document, .. } = self.current(provider).await?;
        Ok(Metadata {
            authorization_endpoint: document.authorization_endpoint.clone(),
            says_issuer: document.authorization_response_iss_parameter_supported,
        })
    }

    pub(crate) async fn keys(&self, provider: Uuid) -> Result<Keys, QueryError> {
        let Current { provider, document, .. } = self.current(provider).await?;
        Ok(Keys { keys: self.get(&provider, &document.jwks_uri, None).await? })
    }

    /// Exchanges a code, and asks who it is with the access token, which nobody sees.
    pub(crate) async fn exchange(&self, request: &ExchangeRequest) -> Result<Exchanged, QueryError> {
        let Current { provider, sealed, document } = self.current(request.provider).await?;
        let secret = sealed.map(|sealed| self.open(&provider, &sealed)).transpose()?;
        let SignInProvider { name, config, .. } = &provider;
        let place = place(config, &document.token_endpoint);
        let server = TokenServer::new(place, &config.client_id, config.secret_in_form, name, &self.shared);
        let form = [
            ("grant_type", "authorization_code"),
            ("code", request.code.as_str()),
            ("redirect_uri", request.redirect_uri.as_str()),
            ("code_verifier", request.verifier.as_str()),
        ];
        let hidden = [request.code.as_str(), request.verifier.as_str()];
        let secret = secret.as_ref().map(|secret| secret.as_str());
        let given = server.ask(secret, &form, &hidden, TokenServer::bounds()).await;
        let given = given.map_err(|not_given| not_given.error)?;
        let id_token = given.id_token.ok_or_else(|| refused(name, "the token URL gave no ID token"))?.to_string();
        let userinfo = match &document.userinfo_endpoint {
            Some(endpoint) => Some(self.get(&provider, endpoint, Some(&given.access)).await?),
            None => None,
        };
        Ok(Exchanged { id_token, userinfo })
    }

    async fn current(&self, id: Uuid) -> Result<Current, QueryError> {
        let (provider, sealed) = self.database.sealed_sign_in_provider(id).await.map_err(|error| match error {
            StoreError::NotFound { .. } => QueryError::Invalid("there is no such provider".to_owned()),
            other => QueryError::Store(other),
        })?;
        if let Some(document) = self.kept(&provider) {
            return Ok(Current { provider, sealed, document });
        }
        let issuer = provider.config.issuer.0.trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let document: Document = self.get(&provider, &url, None).await?;
        check(&provider, &document)?;
        let document = Arc::new(document);
        let kept = Kept { revision: provider.revision, since: Instant::now(), document: Arc::clone(&document) };
        self.documents.lock().unwrap_or_else(PoisonError::into_inner).insert(id, kept);
        Ok(Current { provider, sealed, document })
    }

    fn kept(&self, provider: &SignInProvider) -> Option<Arc<Document>> {
        let kept = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.get(&provider.id)?;
        (kept.revision == provider.revision && kept.since.elapsed() < LIFETIME).then(|| Arc::clone(&kept.document))
    }

    fn open(&self, provider: &SignInProvider, sealed: &str) -> Result<Zeroizing<String>, QueryError> {
        let row = provider.id.to_string();
        let place = SealPlace { table: "sign_in_providers", row: &row, field: "sealed_secret" };
        let unreadable = |source| QueryError::Secret { resource: provider.name.clone(), source };
        let opened = self.key.open(&place, sealed).map_err(unreadable)?;
        let text = std::str::from_utf8(&opened).map(|text| Zeroizing::new(text.to_owned()));
        text.map_err(|_| refused(&provider.name, "the secret is no text: enter it again"))
    }

    /// Reads a JSON document of a provider. Redirects are not followed.
    async fn get<T: DeserializeOwned>(
        &self,
        provider: &SignInProvider,
        url: &str,
        token: Option<&Zeroizing<String>>,
    ) -> Result<T, QueryError> {
        let name = &provider.name;
        let base = BaseUrl(url.to_owned());
        let none = || refused(name, "an address of the provider has a form that is not supported");
        let parts = base.parts().ok_or_else(none)?;
        let path = if parts.full_path.is_empty() { "/" } else { parts.full_path };
        let mut request = Request::get(path)
            .header(header::HOST, parts.authority)
            .header(header::USER_AGENT, "Bulkhead")
            .header(header::ACCEPT, "application/json")
            .body(Full::new(Bytes::new()))
            .map_err(|_| none())?;
        if let Some(token) = token {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.as_str()));
            let mut value = value.map_err(|_| refused(name, "its token can be sent in no header"))?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let pool = pool_at(place(&provider.config, url), name, &self.shared);
        let reply = exchange(&pool, request, Bounds::own(TIMEOUT_MS, MAX_BYTES)).await?;
        if !reply.status.is_success() {
            return Err(refused(name, &format!("{}{path} answers {}", parts.authority, reply.status)));
        }
        serde_json::from_slice(&reply.body).map_err(|_| {
            refused(name, &format!("{}{path} answers with something else than was asked for", parts.authority))
        })
    }
}

fn place(config: &SignInConfig, url: &str) -> Place {
    let base = BaseUrl(url.to_owned());
    let server = |url: &BaseUrl| url.parts().map(|parts| (parts.host.to_owned(), parts.port));
    // The authority's word counts for the issuer's own server.
    let authority = config.ca_certificate.clone().filter(|_| server(&base) == server(&config.issuer));
    Place::new(base, authority, None)
}

/// A document must be the issuer's own (OpenID Connect Discovery 1.0, section 4.3), and lead to web pages alone: from an encrypted place to
/// no other.
fn check(provider: &SignInProvider, document: &Document) -> Result<(), QueryError> {
    let issuer = provider.config.issuer.0.as_str();
    if document.issuer != issuer {
        let message = format!(
            "its document is of another issuer, `{}`: enter the issuer as it is written there",
            document.issuer
        );
        return Err(refused(&provider.name, &message));
    }
    let scheme = |text: &str| Url::parse(text).ok().filter(Url::has_host).map(|url| url.scheme().to_owned());
    let is_sound = |text: &String| match scheme(text).as_deref() {
        Some("https") => true,
        Some("http") => scheme(issuer).as_deref() == Some("http"),
        _ => false,
    };
    let addresses = [&document.authorization_endpoint, &document.token_endpoint, &document.jwks_uri];
    if addresses.into_iter().chain(&document.userinfo_endpoint).all(is_sound) {
        return Ok(());
    }
    Err(refused(&provider.name, "its document has an address that is no https URL"))
}

fn refused(name: &str, message: &str) -> QueryError {
    QueryError::Provider { name: name.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(issuer: &str, changes: &[(&str, &str)]) -> Result<(), QueryError> {
        let config = json!({ "label": "Example", "issuer": issuer, "client-id": "bulkhead" });
        let provider = SignInProvider {
            id: Uuid::nil(),
            name: "example".into(),
            config: serde_json::from_value(config).expect("settings"),
            revision: 1,
            updated_at: time::OffsetDateTime::UNIX_EPOCH,
        };
        let mut document = json!({ "issuer": issuer });
        for (name, path) in [("authorization_endpoint", "auth?x=1"), ("token_endpoint", "token"), ("jwks_uri", "jwks")]
        {
            document[name] = json!(format!("{issuer}/{path}"));
        }
        for (name, value) in changes {
            document[*name] = json!(value);
        }
        check(&provider, &serde_json::from_value(document).expect("a document"))
    }

    #[test]
    fn a_document_is_the_issuer_s_own_and_leads_to_encrypted_pages() {
        assert!(checked("https://login.example.com", &[]).is_ok());
        assert!(checked("http://127.0.0.1:9000", &[]).is_ok(), "one for tests");
        for change in [
            ("issuer", "https://login.example.com/"),
            ("issuer", "https://evil.example"),
            ("authorization_endpoint", "javascript:alert(1)//x"),
            ("authorization_endpoint", "http://login.example.com/auth"),
            ("token_endpoint", "http://login.example.com/token"),
            ("jwks_uri", "file:///etc/passwd"),
            ("userinfo_endpoint", "nowhere"),
        ] {
            assert!(checked("https://login.example.com", &[change]).is_err(), "{change:?}");
        }
        assert!(checked("http://127.0.0.1:9000", &[("authorization_endpoint", "javascript:alert(1)")]).is_err());
    }
}
