//! Tokens of OAuth 2 for the client itself (RFC 6749, section 4.4): asked for once, used until shortly before they end.

use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::{Duration, Instant as StdInstant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::resource::Oauth2;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

use super::site::{Place, SitePool, redirects_to};
use super::{Bounds, content, exchange};
use crate::error::QueryError;
use crate::pool::{Pool, Shared};
use crate::target::Target;

/// How long a token is used whose end is not told.
const UNTOLD: Duration = Duration::from_secs(300);
/// How long before its end a token is no longer used, or a tenth of its life if that is shorter.
const MARGIN: Duration = Duration::from_secs(30);
/// A token is not used for longer, whatever the server says.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// How long asking for one may take.
const TIMEOUT_MS: u32 = 10_000;
const MAX_ANSWER_BYTES: u32 = 64 * 1024;

/// The tokens of one resource.
pub(super) struct Tokens {
    oauth2: Oauth2,
    pool: SitePool,
    /// Whoever holds the lock asks for a token; all others wait and use that one.
    current: Mutex<Option<Token>>,
    used: StdMutex<Option<StdInstant>>,
}

struct Token {
    text: Zeroizing<String>,
    good_until: Instant,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    token_type: Option<String>,
    /// Seconds; some servers write them as a text.
    #[serde(default)]
    expires_in: serde_json::Value,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
}

impl Tokens {
    pub(super) fn new(oauth2: &Oauth2, place: Place, target: &Target, shared: &Shared) -> Self {
        // Of the resource, but with its own certificate authority, and never let to loopback.
        let target = Target::new(target.name.clone(), None, false);
        let pool = Arc::new(Pool::new(place, target, shared));
        Self { oauth2: oauth2.clone(), pool, current: Mutex::default(), used: StdMutex::default() }
    }

    /// A token that is good now.
    pub(super) async fn get(
        &self,
        target: &Target,
        secret: &str,
        bounds: Bounds,
    ) -> Result<Zeroizing<String>, QueryError> {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Some(StdInstant::now());
        let locked = timeout_at(bounds.deadline, self.current.lock()).await;
        let mut current = locked.map_err(|_| QueryError::Timeout(bounds.timeout_ms))?;
        if let Some(token) = current.as_ref().filter(|token| token.good_until > Instant::now()) {
            return Ok(token.text.clone());
        }
        *current = None;
        let own = Bounds::own(TIMEOUT_MS, MAX_ANSWER_BYTES);
        let own = Bounds { deadline: own.deadline.min(bounds.deadline), ..own };
        let token = self.ask(target, secret, own).await?;
        let text = token.text.clone();
        *current = Some(token);
        Ok(text)
    }

    /// Lets go of a token that was refused, unless another one has taken its place.
    pub(super) async fn forget(&self, refused: &str, bounds: Bounds) {
        // One that is not had in time is held by who replaces the token already.
        let Ok(mut current) = timeout_at(bounds.deadline, self.current.lock()).await else { return };
        if current.as_ref().is_some_and(|token| *token.text == refused) {
            *current = None;
        }
    }

    /// Closes idle connections. Whether anybody has used a token since.
    pub(super) fn close_idle(&self, oldest: StdInstant) -> bool {
        let open = self.pool.close_idle(oldest);
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        open || used.is_some_and(|used| used > oldest)
    }

    async fn ask(&self, target: &Target, secret: &str, bounds: Bounds) -> Result<Token, QueryError> {
        let asked = Instant::now();
        let reply = exchange(&self.pool, self.request(target, secret)?, bounds).await.map_err(|error| match error {
            QueryError::Timeout(ms) => target.log_in(format!("the token URL did not answer within {ms} ms")),
            QueryError::TooLarge(bytes) => {
                target.log_in(format!("the token URL answered with more than {bytes} bytes"))
            }
            other => other,
        })?;
        if let Some(location) = redirects_to(&reply) {
            let message =
                format!("the token URL redirects to {location}, where the secret is not sent: enter that URL");
            return Err(target.log_in(message));
        }
        if !reply.status.is_success() {
            let secrets = [Zeroizing::new(secret.to_owned())];
            let said = match serde_json::from_slice::<Refusal>(&reply.body) {
                Ok(Refusal { error, error_description: Some(description) }) => format!("{error} ({description})"),
                Ok(Refusal { error, .. }) => error,
                Err(_) => content::excerpt(&reply.body, &secrets),
            };
            let said = content::redacted(said, &secrets);
            return Err(target.log_in(format!("the token URL answered {}: {said}", reply.status)));
        }
        let no_token = |what: &str| target.log_in(format!("the token URL answered {what}"));
        let answer: TokenAnswer =
            serde_json::from_slice(&reply.body).map_err(|_| no_token("something without an access_token"))?;
        if answer.token_type.as_deref().is_some_and(|name| !name.eq_ignore_ascii_case("bearer")) {
            return Err(no_token("with a token that is no bearer token, which is not supported"));
        }
        let text = Zeroizing::new(answer.access_token);
        if text.is_empty() || HeaderValue::from_str(&text).is_err() {
            return Err(no_token("with a token that no header can hold"));
        }
        Ok(Token { text, good_until: asked + lifetime(&answer.expires_in) })
    }

    fn request(&self, target: &Target, secret: &str) -> Result<Request<Full<Bytes>>, QueryError> {
        let oauth2 = &self.oauth2;
        let parts = oauth2.token_url.parts().ok_or_else(|| target.log_in("the token URL is none"))?;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        for (name, value) in [("scope", &oauth2.scope), ("audience", &oauth2.audience)] {
            if !value.is_empty() {
                form.append_pair(name, value);
            }
        }
        if oauth2.secret_in_form {
            form.append_pair("client_id", &oauth2.client_id).append_pair("client_secret", secret);
        }
        let path = if parts.full_path.is_empty() { "/" } else { parts.full_path };
        let mut request = Request::post(path)
            .header(header::HOST, parts.authority)
            .header(header::USER_AGENT, "Bulkhead")
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(form.finish().into()))
            .map_err(|_| target.log_in("the token URL is none"))?;
        if !oauth2.secret_in_form {
            // Both are encoded as a form's values before they are joined (RFC 6749, section 2.3.1).
            let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let pair = Zeroizing::new(format!("{}:{}", encoded(&oauth2.client_id), encoded(secret)));
            let value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair.as_bytes())));
            let mut value = value.map_err(|_| target.log_in("the secret cannot be sent: enter it again"))?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        Ok(request)
    }
}

/// For how long a token is used that ends in `expires_in` seconds.
fn lifetime(expires_in: &serde_json::Value) -> Duration {
    let seconds = expires_in.as_f64().or_else(|| expires_in.as_str()?.parse().ok());
    let Some(seconds) = seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0) else { return UNTOLD };
    let life = Duration::from_secs_f64(seconds.min(LONGEST.as_secs_f64()));
    life.saturating_sub(MARGIN.min(life / 10))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_is_used_until_shortly_before_its_end() {
        let seconds = |told| lifetime(&told).as_secs();
        assert_eq!(seconds(json!(3600)), 3570);
        assert_eq!(seconds(json!("100")), 90);
        assert_eq!(seconds(json!(0)), 0);
        assert_eq!(seconds(json!(1e30)), 24 * 3600 - 30);
        for untold in [json!(null), json!(-1), json!("soon"), json!([])] {
            assert_eq!(lifetime(&untold), UNTOLD);
        }
    }
}
