//! Accounts that resources ask as, by OAuth 2 with a person's consent (RFC 6749, section 4.1).
//!
//! State: none but the rows, which hold tokens that only this process can open. A refresh token is used under a lock of its row, by a
//! task that outlives who asked for it: servers give a new one with each use, and take the second use of an old one for a theft.

mod account;
mod flow;

use std::sync::Arc;

use bulkhead_model::resource::{HttpApiConfig, HttpAuthentication, Oauth2Code, ResourceConfig};
use bulkhead_seal::{OpenError, Place, SealPrivateKey};
use bulkhead_store::Database;
use bulkhead_store::oauth::SealedTokens;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use uuid::Uuid;
use zeroize::Zeroize;

use crate::error::QueryError;
use crate::http::{Given, TokenServer};
use crate::pool::Shared;

pub(crate) use account::Account;

/// Tokens that are renewed at once. Each holds a connection to Bulkhead's database, which everybody else needs too.
const RENEWALS: usize = 4;

/// What all accounts share.
pub(crate) struct Accounts {
    database: Database,
    key: Arc<SealPrivateKey>,
    renewals: Semaphore,
}

/// Both tokens of an account, as they are sealed.
#[derive(Serialize, Deserialize)]
struct Tokens {
    access: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh: Option<String>,
}

impl Drop for Tokens {
    fn drop(&mut self) {
        self.access.zeroize();
        self.refresh.zeroize();
    }
}

impl Accounts {
    pub(crate) fn new(database: Database, key: Arc<SealPrivateKey>) -> Self {
        Self { database, key, renewals: Semaphore::new(RENEWALS) }
    }

    fn seal(&self, id: Uuid, given: &Given, old_refresh: Option<&str>) -> Result<SealedTokens, QueryError> {
        let refresh = given.refresh.as_ref().map(|token| token.as_str()).or(old_refresh);
        let tokens = Tokens { access: given.access.to_string(), refresh: refresh.map(str::to_owned) };
        let text = zeroize::Zeroizing::new(serde_json::to_string(&tokens).unwrap_or_default());
        let row = id.to_string();
        let sealed = self.key.public_key().seal(&place(&row), text.as_bytes());
        let sealed =
            sealed.map_err(|error| QueryError::Invalid(format!("the server's tokens cannot be kept: {error}")))?;
        Ok(SealedTokens { sealed, good_until: OffsetDateTime::now_utc() + given.lifetime })
    }

    fn open(&self, id: Uuid, sealed: &str) -> Result<Tokens, OpenError> {
        let row = id.to_string();
        let opened = self.key.open(&place(&row), sealed)?;
        serde_json::from_slice(&opened).map_err(|_| OpenError::Malformed)
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accounts")
    }
}

fn place(row: &str) -> Place<'_> {
    Place { table: "oauth_accounts", row, field: "sealed_tokens" }
}

/// How a resource of HTTP gets its tokens, for one that gets them so.
fn settings(config: &ResourceConfig) -> Option<(&HttpApiConfig, &Oauth2Code)> {
    let (ResourceConfig::Rest(http) | ResourceConfig::Graphql(http)) = config else { return None };
    match &http.authentication {
        HttpAuthentication::Oauth2Code(code) => Some((http, &**code)),
        _ => None,
    }
}

/// All that decides who is shown tokens and who gave them, in short. Tokens that were given for other settings are shown to nobody: who
/// may change a resource's URL must not be able to collect people's tokens there.
fn settings_hash(http: &HttpApiConfig, code: &Oauth2Code) -> [u8; 32] {
    let server = http.server();
    let all = json!([
        [server.host, server.port, server.tls, server.ca_certificate, server.ssh_host],
        [code.authorization_url, code.token_url, code.client_id, code.ca_certificate],
    ]);
    Sha256::digest(all.to_string().as_bytes()).into()
}

/// Where a resource's tokens are given and renewed.
fn token_server(http: &HttpApiConfig, code: &Oauth2Code, name: &str, shared: &Shared) -> TokenServer {
    let place = crate::http::token_place(&code.token_url, code.ca_certificate.as_ref(), http);
    TokenServer::new(place, &code.client_id, code.secret_in_form, name, shared)
}
