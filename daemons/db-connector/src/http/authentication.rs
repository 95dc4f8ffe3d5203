//! What a request shows to prove who asks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::resource::HttpAuthentication;
use http::{HeaderName, HeaderValue, header};
use percent_encoding::utf8_percent_encode;
use zeroize::Zeroizing;

use super::Bounds;
use super::site::VALUE;
use super::token::Tokens;
use crate::accounts::Account;
use crate::error::{QueryError, Unconnected};
use crate::target::Target;

/// How requests to one server show who asks.
pub(super) struct Authenticator {
    pub(super) kind: HttpAuthentication,
    pub(super) tokens: Option<Tokens>,
    pub(super) account: Option<Account>,
}

/// What one request shows.
#[derive(Default)]
pub(super) struct Credentials {
    pub(super) header: Option<(HeaderName, HeaderValue)>,
    /// `name=value`, encoded.
    pub(super) query: Option<Zeroizing<String>>,
    /// Texts that must be in no message, whatever a server says.
    pub(super) secrets: Vec<Zeroizing<String>>,
    /// The token in it.
    pub(super) token: Option<Zeroizing<String>>,
}

impl Authenticator {
    pub(super) async fn credentials(&self, target: &Target, bounds: Bounds) -> Result<Credentials, QueryError> {
        if self.kind == HttpAuthentication::None {
            return Ok(Credentials::default());
        }
        if !matches!(self.kind, HttpAuthentication::Oauth2Code(_)) {
            target.required_secret()?;
        }
        let secret = target.secret_text()?.unwrap_or_default();
        let mut credentials =
            Credentials { secrets: vec![Zeroizing::new(secret.to_owned())], ..Credentials::default() };
        let (name, text) = match &self.kind {
            HttpAuthentication::None => return Ok(credentials),
            HttpAuthentication::Basic { user } => {
                let encoded = Zeroizing::new(STANDARD.encode(format!("{user}:{secret}")));
                let text = format!("Basic {}", *encoded);
                credentials.secrets.push(encoded);
                (header::AUTHORIZATION, text)
            }
            HttpAuthentication::Bearer => (header::AUTHORIZATION, format!("Bearer {secret}")),
            HttpAuthentication::ApiKeyHeader { header, prefix } => {
                let name = HeaderName::from_bytes(header.as_bytes());
                let name = name.map_err(|_| target.log_in("the name of the key's header is none"))?;
                (name, format!("{prefix}{secret}"))
            }
            HttpAuthentication::ApiKeyQuery { parameter } => {
                let name = utf8_percent_encode(parameter, VALUE);
                let value = utf8_percent_encode(secret, VALUE).to_string();
                credentials.query = Some(Zeroizing::new(format!("{name}={value}")));
                credentials.secrets.push(Zeroizing::new(value));
                return Ok(credentials);
            }
            HttpAuthentication::Oauth2(_) => {
                let tokens = self.tokens.as_ref().ok_or_else(|| target.log_in("it has no token URL"))?;
                let token = tokens.get(secret, bounds).await?;
                (header::AUTHORIZATION, credentials.bearer(token))
            }
            HttpAuthentication::Oauth2Code(_) => {
                let account = self.account.as_ref().ok_or_else(|| target.unconnected(Unconnected::Unsaved))?;
                let secret = Some(secret).filter(|secret| !secret.is_empty());
                let token = account.get(target, secret, bounds).await?;
                (header::AUTHORIZATION, credentials.bearer(token))
            }
        };
        let mut value = HeaderValue::from_bytes(Zeroizing::new(text).as_bytes())
            .map_err(|_| target.log_in("the secret has characters that no header can hold: enter it again"))?;
        value.set_sensitive(true);
        credentials.header = Some((name, value));
        Ok(credentials)
    }

    /// Lets go of a token that was refused. Whether there is hope for another one.
    pub(super) async fn was_refused(&self, credentials: &Credentials, bounds: Bounds) -> bool {
        let Some(token) = &credentials.token else { return false };
        if let Some(tokens) = &self.tokens {
            tokens.forget(token, bounds).await;
        }
        if let Some(account) = &self.account {
            account.was_refused(token, bounds).await;
        }
        true
    }
}

impl Credentials {
    /// The text of a header that shows a token.
    fn bearer(&mut self, token: Zeroizing<String>) -> String {
        let text = format!("Bearer {}", *token);
        self.secrets.push(token.clone());
        self.token = Some(token);
        text
    }
}
