//! Capability tokens: this run (or this draft and person), until then.
//!
//! `bhrt1.<claims>.<mac>`: claims are JSON in base64url, the MAC is HMAC-SHA256 over everything before it. The key comes as the
//! credential `run-token.key`; replicas share it. Code never sees a token: code-executor adds it to the calls that code makes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_model::{EnvironmentId, RunId, UserId, WorkflowId};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;
use time::{Duration, OffsetDateTime};

const VERSION: &str = "bhrt1";
/// The shortest key, in bytes.
const MIN_KEY_BYTES: usize = 32;

/// What a token lets its bearer do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The queries of a run's pinned release.
    Run(RunId),
    /// The queries of a workflow's draft, for a single-block run from the editor.
    Draft {
        /// The workflow.
        workflow: WorkflowId,
        /// Who runs it.
        user: UserId,
        /// The revision whose queries were found to be this person's to run.
        revision: i64,
        /// The environment that its queries run in.
        #[serde(default)]
        environment: EnvironmentId,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    scope: Scope,
    /// Seconds since the epoch.
    expires: i64,
}

/// Why a token is refused. The words go to a log, never to the bearer.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// Not a token of this kind.
    #[error("it is no token of a run")]
    Malformed,
    /// Not made with this key.
    #[error("its signature is wrong")]
    Forged,
    /// Too old.
    #[error("it has expired")]
    Expired,
    /// The key cannot be used.
    #[error("the credential run-token.key has {0} bytes; it must have at least {MIN_KEY_BYTES}: run bulkheadctl setup")]
    WeakKey(usize),
}

/// The key that signs tokens.
#[derive(Clone)]
pub struct TokenKey(zeroize::Zeroizing<Vec<u8>>);

impl TokenKey {
    /// Takes the content of the credential.
    pub fn new(bytes: &[u8]) -> Result<Self, TokenError> {
        let trimmed = bytes.trim_ascii();
        if trimmed.len() < MIN_KEY_BYTES {
            return Err(TokenError::WeakKey(trimmed.len()));
        }
        Ok(Self(zeroize::Zeroizing::new(trimmed.to_vec())))
    }

    /// A token for `scope`, good for `lifetime`.
    pub fn sign(&self, scope: Scope, lifetime: Duration) -> String {
        let claims = Claims { scope, expires: (OffsetDateTime::now_utc() + lifetime).unix_timestamp() };
        let claims = serde_json::to_vec(&claims).expect("claims of ids and a number serialise");
        let signed = format!("{VERSION}.{}", URL_SAFE_NO_PAD.encode(claims));
        let mac = URL_SAFE_NO_PAD.encode(self.mac(&signed).finalize().into_bytes());
        format!("{signed}.{mac}")
    }

    /// What a token lets its bearer do.
    pub fn check(&self, token: &str) -> Result<Scope, TokenError> {
        let (signed, mac) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (version, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        if version != VERSION {
            return Err(TokenError::Malformed);
        }
        let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| TokenError::Malformed)?;
        // Constant-time; and before anything of the claims is believed or even parsed.
        self.mac(signed).verify_slice(&mac).map_err(|_| TokenError::Forged)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| TokenError::Malformed)?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| TokenError::Malformed)?;
        if claims.expires <= OffsetDateTime::now_utc().unix_timestamp() {
            return Err(TokenError::Expired);
        }
        Ok(claims.scope)
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(signed.as_bytes());
        mac
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> TokenKey {
        TokenKey::new(&[byte; 32]).expect("a key")
    }

    #[test]
    fn a_token_says_what_it_was_signed_for() {
        let scope = Scope::Run(RunId::new());
        let token = key(1).sign(scope, Duration::minutes(1));
        assert_eq!(key(1).check(&token), Ok(scope));
    }

    #[test]
    fn forged_expired_and_foreign_tokens_are_refused() {
        let scope = Scope::Run(RunId::new());
        let token = key(1).sign(scope, Duration::minutes(1));
        assert_eq!(key(2).check(&token), Err(TokenError::Forged));
        assert_eq!(key(1).check(&key(1).sign(scope, Duration::seconds(-1))), Err(TokenError::Expired));
        let other = key(1).sign(Scope::Run(RunId::new()), Duration::minutes(1));
        let (_, mac) = token.rsplit_once('.').expect("a token");
        let (signed, _) = other.rsplit_once('.').expect("a token");
        assert_eq!(key(1).check(&format!("{signed}.{mac}")), Err(TokenError::Forged));
        for text in ["", "a.b", "eyJhbGciOiJub25lIn0.e30.", "bhrt2.x.y"] {
            assert_eq!(key(1).check(text), Err(TokenError::Malformed), "{text}");
        }
    }

    #[test]
    fn an_empty_or_short_key_is_refused() {
        assert_eq!(TokenKey::new(b"").err(), Some(TokenError::WeakKey(0)));
        assert_eq!(TokenKey::new(&[b'\n'; 40]).err(), Some(TokenError::WeakKey(0)));
        assert_eq!(TokenKey::new(&[1; 31]).err(), Some(TokenError::WeakKey(31)));
    }
}
