//! One server that is asked by HTTP: its headers, who asks, and redirects, which never leave it.

use std::sync::Arc;
use std::time::Instant;

use bulkhead_model::SshHostId;
use bulkhead_model::query::QueryMode;
use bulkhead_model::resource::{BaseUrl, HttpApiConfig, HttpAuthentication, Server};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use serde_json::Value;
use url::{Position, Url};
use zeroize::Zeroizing;

use super::authentication::{Authenticator, Credentials};
use super::token::Tokens;
use super::{Bounds, HttpConfig, HttpConnection, Reply, exchange};
use crate::accounts::Account;
use crate::error::QueryError;
use crate::pool::{Pool, Shared};
use crate::target::Target;

/// What is encoded in a value that is one segment of a path or one parameter: all but what means nothing in a URL.
pub(crate) const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const MAX_REDIRECTS: usize = 5;

/// Where a server is.
pub(crate) struct Place {
    url: BaseUrl,
    ca_certificate: Option<String>,
    client_certificate: Option<String>,
    ssh_host: Option<SshHostId>,
}

pub(super) type SitePool = Arc<Pool<HttpConnection<Place>>>;

impl Place {
    /// One that is shown no certificate of this side.
    pub(crate) fn new(url: BaseUrl, ca_certificate: Option<String>, ssh_host: Option<SshHostId>) -> Self {
        Self { url, ca_certificate, client_certificate: None, ssh_host }
    }

    pub(crate) fn url(&self) -> &BaseUrl {
        &self.url
    }
}

impl HttpConfig for Place {
    fn server(&self) -> Server<'_> {
        self.url.server(self.ca_certificate.as_deref(), self.client_certificate.as_deref(), self.ssh_host)
    }
}

/// A server, its connections, and who asks it.
pub(crate) struct Site {
    pool: SitePool,
    headers: HeaderMap,
    authenticator: Authenticator,
}

/// A request, without who asks.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    /// Path and query as they are sent, the resource's path included.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// An answer, and what was asked in the end.
pub(crate) struct Answered {
    pub(crate) reply: Reply,
    /// Path and query, after redirects.
    pub(crate) target: String,
    /// Texts that must be in no message.
    pub(crate) secrets: Vec<Zeroizing<String>>,
}

impl Site {
    pub(crate) fn new(config: &HttpApiConfig, target: Target, shared: &Shared) -> Self {
        let HttpApiConfig { url, headers, authentication, ca_certificate, client_certificate, ssh_host } = config;
        let tokens = match authentication {
            HttpAuthentication::Oauth2(oauth2) => {
                let place = token_place(&oauth2.token_url, oauth2.ca_certificate.as_ref(), config);
                Some(Tokens::new(oauth2, place, &target, shared))
            }
            _ => None,
        };
        let account = match authentication {
            HttpAuthentication::Oauth2Code(code) => Account::new(config, code, &target, shared),
            _ => None,
        };
        // What is no header was refused when the resource was saved.
        let headers = headers.iter().filter_map(|(name, value)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?))
        });
        let headers = headers.collect();
        let authenticator = Authenticator { kind: authentication.clone(), tokens, account };
        let (ca_certificate, client_certificate) = (ca_certificate.clone(), client_certificate.clone());
        let place = Place { url: url.clone(), ca_certificate, client_certificate, ssh_host: *ssh_host };
        Self { pool: Arc::new(Pool::new(place, target, shared)), headers, authenticator }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.pool.target
    }

    /// The URL that its resource has.
    pub(crate) fn url(&self) -> &BaseUrl {
        &self.pool.config.url
    }

    /// The header that shows who asks, which no request may set.
    pub(crate) fn own_header(&self) -> Option<&str> {
        self.authenticator.kind.header()
    }

    /// Closes what nobody has used since `oldest`. Whether anything is left that is worth keeping.
    pub(crate) fn close_idle(&self, oldest: Instant) -> bool {
        let tokens = self.authenticator.tokens.as_ref().is_some_and(|tokens| tokens.close_idle(oldest));
        let account = self.authenticator.account.as_ref().is_some_and(|account| account.close_idle(oldest));
        self.pool.close_idle(oldest) || tokens || account
    }

    /// Asks, and follows redirects that lead to the same server.
    pub(crate) async fn ask(&self, ask: Ask, bounds: Bounds) -> Result<Answered, QueryError> {
        let mut ask = ask;
        let mut may_renew = bounds.mode == QueryMode::Read;
        let mut redirects = 0;
        loop {
            // A change that was answered by a redirect has been made: what fails from then on must not read as if it had not.
            let after_answer = |error| match bounds.mode {
                QueryMode::Write if redirects > 0 => QueryError::OutcomeUnknown(self.target().name.clone()),
                _ => error,
            };
            let credentials = self.authenticator.credentials(self.target(), bounds).await.map_err(after_answer)?;
            let request = self.request(&ask, &credentials)?;
            let reply = exchange(&self.pool, request, bounds).await.map_err(after_answer)?;
            if reply.status == StatusCode::UNAUTHORIZED
                && self.authenticator.was_refused(&credentials, bounds).await
                && may_renew
            {
                may_renew = false;
                continue;
            }
            let Some(location) = redirects_to(&reply) else {
                return Ok(Answered { reply, target: ask.target, secrets: credentials.secrets });
            };
            redirects += 1;
            if redirects > MAX_REDIRECTS {
                return Err(refused(reply.status, format!("it redirects more than {MAX_REDIRECTS} times")));
            }
            let target = self.within(&ask.target, &location).map_err(|reason| refused(reply.status, reason))?;
            ask = onward(ask, reply.status, target);
        }
    }

    /// The path and query that `link` leads to from `target`, if it stays at this server; else why not.
    pub(crate) fn within(&self, target: &str, link: &str) -> Result<String, String> {
        let parts = self.url().parts().ok_or("the resource's URL is none")?;
        let scheme = if parts.is_encrypted { "https" } else { "http" };
        let broken = |_| "it leads to what is no URL".to_owned();
        let from = Url::parse(&format!("{scheme}://{}{target}", parts.authority)).map_err(broken)?;
        let to = from.join(link).map_err(broken)?;
        let has_user = !to.username().is_empty() || to.password().is_some();
        if to.origin() != from.origin() || has_user {
            // What follows the path may be meant for that place alone.
            let (origin, path) = (to.origin().ascii_serialization(), to.path());
            return Err(format!(
                "it leads to {origin}{path}, and what the resource shows to its server is shown to no other: if that is the \
                 place that was meant, give the resource its URL"
            ));
        }
        Ok(to[Position::BeforePath..Position::AfterQuery].to_owned())
    }

    fn request(&self, ask: &Ask, credentials: &Credentials) -> Result<Request<Full<Bytes>>, QueryError> {
        let parts = self.url().parts().ok_or_else(|| QueryError::Request("the resource's URL is none".to_owned()))?;
        let mut target = Zeroizing::new(ask.target.clone());
        if let (Some(query), HttpAuthentication::ApiKeyQuery { parameter }) =
            (&credentials.query, &self.authenticator.kind)
        {
            // A link to the next page, or a redirect, may repeat it.
            *target = without_parameter(&ask.target, parameter);
            let separator = if target.contains('?') { '&' } else { '?' };
            target.push(separator);
            target.push_str(query);
        }
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(target.as_str())
            .header(header::HOST, parts.authority)
            .body(Full::new(ask.body.clone()))
            .map_err(|_| QueryError::Request("its path is none: write it as it stands in a URL".to_owned()))?;
        let headers = request.headers_mut();
        for (name, value) in [(header::ACCEPT, "*/*"), (header::USER_AGENT, "Bulkhead")] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        for given in [&self.headers, &ask.headers] {
            for name in given.keys() {
                headers.remove(name);
            }
            for (name, value) in given {
                headers.append(name, value.clone());
            }
        }
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        if let Some((name, value)) = &credentials.header {
            headers.insert(name, value.clone());
        }
        Ok(request)
    }
}

/// Where a resource's tokens are given: through its SSH host, and by its authority's word if that is the same server. A client's
/// certificate is for the resource's server alone.
pub(crate) fn token_place(url: &BaseUrl, ca_certificate: Option<&String>, config: &HttpApiConfig) -> Place {
    let server = |url: &BaseUrl| url.parts().map(|parts| (parts.host.to_owned(), parts.port));
    let own = config.ca_certificate.as_ref().filter(|_| server(&config.url) == server(url));
    Place::new(url.clone(), ca_certificate.or(own).cloned(), config.ssh_host)
}

/// A path and query without one of its parameters.
fn without_parameter(target: &str, name: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let is_other = |pair: &&str| url::form_urlencoded::parse(pair.as_bytes()).all(|(found, _)| found != name);
    let kept = query.split('&').filter(is_other).collect::<Vec<_>>().join("&");
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{kept}") }
}

/// A JSON document as a request's body, and the header that says so.
pub(crate) fn json_body(document: &Value) -> (HeaderMap, Bytes) {
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))].into_iter().collect();
    (headers, document.to_string().into())
}

/// Where an answer redirects to.
pub(super) fn redirects_to(reply: &Reply) -> Option<String> {
    let redirects = matches!(reply.status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = reply.headers.get(header::LOCATION).filter(|_| redirects)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

/// What is asked after a redirect, as browsers do: what followed a POST is a GET, unless the status says that it stays.
fn onward(mut ask: Ask, status: StatusCode, target: String) -> Ask {
    let to_get = match status {
        StatusCode::SEE_OTHER => ask.method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => ask.method == Method::POST,
        _ => false,
    };
    if to_get {
        ask.method = Method::GET;
        ask.body = Bytes::new();
        ask.headers.remove(header::CONTENT_TYPE);
    }
    ask.target = target;
    ask
}

fn refused(status: StatusCode, reason: String) -> QueryError {
    let message = format!("the server answered {status}: {reason}");
    QueryError::Sql { message, sqlstate: status.as_str().to_owned(), position: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_taken_out_however_it_is_written() {
        let without = |target| without_parameter(target, "api key");
        assert_eq!(without("/x?api%20key=1&a=2&api+key=3"), "/x?a=2");
        assert_eq!(without("/x?api%20key=1"), "/x");
        assert_eq!(without("/x?apikey=1&&b"), "/x?apikey=1&&b");
        assert_eq!(without("/api key"), "/api key");
    }
}
