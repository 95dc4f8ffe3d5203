//! Where OAuth 2 gives tokens (RFC 6749, section 3.2): one request, and what it answers.

use std::time::{Duration, Instant as StdInstant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::resource::BaseUrl;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

use super::site::{Place, SitePool, redirects_to};
use super::{Bounds, content, exchange, pool_at};
use crate::error::QueryError;
use crate::pool::Shared;

/// How long a token is used whose end is not told.
const UNTOLD: Duration = Duration::from_secs(300);
/// How long before its end a token is no longer used, or a tenth of its life if that is shorter.
const MARGIN: Duration = Duration::from_secs(30);
/// A token is not used for longer, whatever the server says.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// How long asking for one may take.
const TIMEOUT_MS: u32 = 10_000;
const MAX_ANSWER_BYTES: u32 = 64 * 1024;

/// The server, and who asks it.
pub(crate) struct TokenServer {
    pub(crate) url: BaseUrl,
    pub(crate) client_id: String,
    /// Whether id and secret go into the form.
    pub(crate) secret_in_form: bool,
    pool: SitePool,
}

/// What it gave.
pub(crate) struct Given {
    pub(crate) access: Zeroizing<String>,
    pub(crate) refresh: Option<Zeroizing<String>>,
    /// For OpenID Connect.
    pub(crate) id_token: Option<Zeroizing<String>>,
    /// For how long the access token is used, from when it was asked for.
    pub(crate) lifetime: Duration,
    pub(crate) asked: Instant,
}

/// Why it gave nothing.
pub(crate) struct NotGiven {
    /// The word of a refusal, such as `invalid_grant`.
    pub(crate) refusal: Option<String>,
    pub(crate) error: QueryError,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    id_token: Option<String>,
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

impl TokenServer {
    /// One that is reached for the resource `name`: with its own certificate authority, and never let to loopback.
    pub(crate) fn new(place: Place, client_id: &str, secret_in_form: bool, name: &str, shared: &Shared) -> Self {
        let url = place.url().clone();
        let pool = pool_at(place, name, shared);
        Self { url, client_id: client_id.to_owned(), secret_in_form, pool }
    }

    /// Closes idle connections. Whether any is left.
    pub(crate) fn close_idle(&self, oldest: StdInstant) -> bool {
        self.pool.close_idle(oldest)
    }

    /// What bounds one request.
    pub(crate) fn bounds() -> Bounds {
        Bounds::own(TIMEOUT_MS, MAX_ANSWER_BYTES)
    }

    /// Asks for a token. What of the form is secret is shown in no message.
    pub(crate) async fn ask(
        &self,
        secret: Option<&str>,
        form: &[(&str, &str)],
        hidden: &[&str],
        bounds: Bounds,
    ) -> Result<Given, NotGiven> {
        let target = &self.pool.target;
        let asked = Instant::now();
        let request = self.request(secret, form)?;
        let reply = exchange(&self.pool, request, bounds).await.map_err(|error| match error {
            QueryError::Timeout(ms) => target.log_in(format!("the token URL did not answer within {ms} ms")),
            QueryError::TooLarge(bytes) => {
                target.log_in(format!("the token URL answered with more than {bytes} bytes"))
            }
            other => other,
        })?;
        if let Some(location) = redirects_to(&reply) {
            let place = self.shown(&location);
            let message = format!("the token URL redirects to {place}, where the secret is not sent: enter that URL");
            return Err(target.log_in(message).into());
        }
        if !reply.status.is_success() {
            let secrets = secret.iter().chain(hidden).map(|&text| Zeroizing::new(text.to_owned()));
            let secrets: Vec<_> = secrets.collect();
            let (refusal, said) = match serde_json::from_slice::<Refusal>(&reply.body) {
                Ok(Refusal { error, error_description: Some(description) }) => {
                    let said = format!("{error} ({description})");
                    (Some(error), said)
                }
                Ok(Refusal { error, .. }) => (Some(error.clone()), error),
                Err(_) => (None, content::excerpt(&reply.body, &secrets)),
            };
            let said = content::redacted(said, &secrets);
            let error = target.log_in(format!("the token URL answered {}: {said}", reply.status));
            return Err(NotGiven { refusal, error });
        }
        let no_token = |what: &str| target.log_in(format!("the token URL answered {what}"));
        let answer: TokenAnswer =
            serde_json::from_slice(&reply.body).map_err(|_| no_token("something without an access_token"))?;
        if answer.token_type.as_deref().is_some_and(|name| !name.eq_ignore_ascii_case("bearer")) {
            return Err(no_token("with a token that is no bearer token, which is not supported").into());
        }
        let access = Zeroizing::new(answer.access_token);
        if access.is_empty() || HeaderValue::from_str(&access).is_err() {
            return Err(no_token("with a token that no header can hold").into());
        }
        let kept = |token: Option<String>| token.filter(|token| !token.is_empty()).map(Zeroizing::new);
        let (refresh, id_token) = (kept(answer.refresh_token), kept(answer.id_token));
        Ok(Given { access, refresh, id_token, lifetime: lifetime(&answer.expires_in), asked })
    }

    fn request(&self, secret: Option<&str>, fields: &[(&str, &str)]) -> Result<Request<Full<Bytes>>, QueryError> {
        let target = &self.pool.target;
        let parts = self.url.parts().ok_or_else(|| target.log_in("the token URL is none"))?;
        let mut form = Serializer::new(String::new());
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
            form.append_pair(name, value);
        }
        match secret {
            Some(secret) if self.secret_in_form => {
                form.append_pair("client_id", &self.client_id).append_pair("client_secret", secret);
            }
            None => {
                form.append_pair("client_id", &self.client_id);
            }
            Some(_) => {}
        }
        let path = if parts.full_path.is_empty() { "/" } else { parts.full_path };
        let mut request = Request::post(path)
            .header(header::HOST, parts.authority)
            .header(header::USER_AGENT, "Bulkhead")
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(form.finish().into()))
            .map_err(|_| target.log_in("the token URL is none"))?;
        if let Some(secret) = secret.filter(|_| !self.secret_in_form) {
            // Both are encoded as a form's values before they are joined (RFC 6749, section 2.3.1).
            let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let pair = Zeroizing::new(format!("{}:{}", encoded(&self.client_id), encoded(secret)));
            let value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair.as_bytes())));
            let mut value = value.map_err(|_| target.log_in("the secret cannot be sent: enter it again"))?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        Ok(request)
    }

    /// Origin and path of where a redirect leads to: what follows them may be meant for that place alone.
    fn shown(&self, location: &str) -> String {
        let to = Url::parse(&self.url.0).ok().and_then(|from| from.join(location).ok());
        let shown = to.filter(Url::has_host).map(|to| format!("{}{}", to.origin().ascii_serialization(), to.path()));
        shown.unwrap_or_else(|| "another place".to_owned())
    }
}

impl From<QueryError> for NotGiven {
    fn from(error: QueryError) -> Self {
        Self { refusal: None, error }
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
