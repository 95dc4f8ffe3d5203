//! Who calls: a person by their session or by a token of theirs, or root by `api.sock`.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::FromRequestParts;
use bulkhead_daemon_kit::{Peer, RequestId};
use bulkhead_model::UserId;
use bulkhead_store::api_tokens::TokenScope;
use bulkhead_store::audit::AuditRecord;
use bulkhead_store::identity::User;
use bulkhead_store::session_access::{Credential, Identified, TokenUse};
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use serde_json::Value;

use super::token::{self, TokenHash};
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// The session's cookie. The prefix makes browsers insist on Secure, on Path=/ and on no Domain.
pub(crate) const COOKIE: &str = "__Host-bulkhead";

/// Where a request came from, for the audit trail.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The request's id.
    pub(crate) request_id: String,
    /// The remote address; `None` on `api.sock`.
    pub(crate) address: Option<String>,
    /// Whether it came over `api.sock`, whose listener lets in root and the daemon's own user alone.
    pub(crate) local: bool,
}

impl Origin {
    /// What the listener recorded about the request.
    pub(crate) fn of(parts: &Parts) -> Self {
        let request_id = parts.extensions.get::<RequestId>().map_or_else(String::new, |id| id.0.clone());
        let address = parts.extensions.get::<SocketAddr>().map(|address| address.ip().to_canonical().to_string());
        Self { request_id, address, local: parts.extensions.get::<Peer>().is_some_and(Peer::is_local) }
    }

    /// The address to count failures for: of IPv6 its network, since whoever has one address there has 2^64. `None` for loopback, where a
    /// proxy stands for everybody.
    pub(crate) fn remote(&self) -> Option<IpAddr> {
        let address: IpAddr = self.address.as_deref()?.parse().ok()?;
        match address {
            address if address.is_loopback() => None,
            IpAddr::V4(_) => Some(address),
            IpAddr::V6(address) => Some(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into()),
        }
    }
}

impl FromRequestParts<SharedApi> for Origin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &SharedApi) -> Result<Self, ApiError> {
        Ok(Self::of(parts))
    }
}

/// A known caller. As a handler's argument: nobody else gets in.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The person; `None` is root.
    pub(crate) user: Option<User>,
    /// The token that the request was sent with, if it was one.
    pub(crate) token: Option<TokenUse>,
    /// Where the request came from.
    pub(crate) origin: Origin,
}

impl Caller {
    /// Root, by `api.sock`.
    pub(crate) fn root(origin: Origin) -> Self {
        Self { user: None, token: None, origin }
    }

    /// Whether everything is allowed.
    pub(crate) fn is_admin(&self) -> bool {
        self.user.as_ref().is_none_or(|user| user.is_admin)
    }

    /// The person's id, where a row names who did something.
    pub(crate) fn user_id(&self) -> Option<UserId> {
        self.user.as_ref().map(|user| user.id)
    }

    /// The id to look roles up by. Root has none and needs none: it is an administrator.
    pub(crate) fn viewer(&self) -> (UserId, bool) {
        (self.user_id().unwrap_or(UserId(uuid::Uuid::nil())), self.is_admin())
    }

    /// The name that stays when the account goes: the e-mail address, or `root`.
    pub(crate) fn name(&self) -> String {
        self.user.as_ref().map_or_else(|| "root".to_owned(), |user| user.email.clone())
    }

    /// A record of what this caller does.
    pub(crate) fn record(
        &self,
        action: &'static str,
        object: Option<(&'static str, uuid::Uuid)>,
        mut detail: Value,
    ) -> AuditRecord {
        if let (Some(token), Some(detail)) = (&self.token, detail.as_object_mut()) {
            detail.insert("token".to_owned(), token.name.clone().into());
        }
        AuditRecord {
            user: self.user_id(),
            actor: self.name(),
            action,
            object,
            detail,
            request_id: self.origin.request_id.clone(),
            address: self.origin.address.clone(),
        }
    }
}

/// What a request shows: a token or, where it shows none, the cookie of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) credential: Credential,
    /// Whether the request may change something.
    changes: bool,
}

impl Shown {
    /// Reads it; no look at the database yet.
    pub(crate) fn of(parts: &Parts) -> Result<Self, ApiError> {
        let credential = match bearer(&parts.headers) {
            Some(token) => Credential::Token(token::api_token_hash(token).ok_or(ApiError::WrongToken)?),
            None => Credential::Session(session_hash(&parts.headers).ok_or(ApiError::NoSession)?),
        };
        Ok(Self { credential, changes: !parts.method.is_safe() })
    }

    /// The caller that the database knows by it. A token that only reads goes no further with a request that may change something.
    pub(crate) fn caller(self, known: Option<Identified>, origin: Origin) -> Result<Caller, ApiError> {
        let Some(Identified { user, token }) = known else {
            return Err(match self.credential {
                Credential::Session(_) => ApiError::NoSession,
                Credential::Token(_) => ApiError::WrongToken,
            });
        };
        if self.changes && token.as_ref().is_some_and(|token| token.scope == TokenScope::Read) {
            return Err(ApiError::TokenReadsOnly);
        }
        Ok(Caller { user: Some(user), token, origin })
    }
}

/// What the request was sent with as a bearer, if anything. With it, cookies count for nothing. Other schemes are left to a proxy in front.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(header::AUTHORIZATION).iter();
    let mut pairs = values.filter_map(|value| value.to_str().ok()?.split_once(' '));
    pairs.find(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim())
}

/// The hash of the request's session cookie.
pub(crate) fn session_hash(headers: &HeaderMap) -> Option<TokenHash> {
    cookie_of(headers, COOKIE).map(token::hash)
}

/// The token in the request's cookie of that name.
pub(crate) fn cookie_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    if bearer(headers).is_some() {
        return None;
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(found, _)| *found == name)?;
    // Anything of another length was never minted here.
    (value.len() == 43).then_some(value)
}

/// `Set-Cookie` for a new session. It has no Max-Age: it goes with the browser, and the server ends it anyway.
pub(crate) fn session_cookie(token: &str) -> Result<HeaderValue, ApiError> {
    let text = format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict");
    HeaderValue::from_str(&text).map_err(ApiError::internal("writing a cookie"))
}

/// `Set-Cookie` that ends it.
pub(crate) fn ended_cookie() -> HeaderValue {
    HeaderValue::from_static("__Host-bulkhead=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0")
}

impl FromRequestParts<SharedApi> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &SharedApi) -> Result<Self, ApiError> {
        let origin = Origin::of(parts);
        if origin.local {
            return Ok(Self::root(origin));
        }
        let shown = Shown::of(parts)?;
        shown.caller(api.database.identified(shown.credential).await?, origin)
    }
}

/// A person in a session of their own: for what no token may do.
#[derive(Clone, Debug)]
pub(crate) struct InSession {
    pub(crate) caller: Caller,
    /// The person.
    pub(crate) user: User,
    /// The hash of the session's cookie.
    pub(crate) session: TokenHash,
}

impl FromRequestParts<SharedApi> for InSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &SharedApi) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, api).await?;
        no_token(&caller)?;
        let user = caller.user.clone().ok_or(ApiError::PersonsOnly)?;
        let session = session_hash(&parts.headers).ok_or(ApiError::NoSession)?;
        Ok(Self { caller, user, session })
    }
}

/// Refuses a token: it must not lead to what outlives it.
fn no_token(caller: &Caller) -> Result<(), ApiError> {
    caller.token.as_ref().map_or(Ok(()), |_| Err(ApiError::SessionsOnly))
}

/// A caller who may do everything.
#[derive(Clone, Debug)]
pub(crate) struct Administrator(pub(crate) Caller);

impl FromRequestParts<SharedApi> for Administrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &SharedApi) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, api).await?;
        if caller.is_admin() {
            return Ok(Self(caller));
        }
        let detail = serde_json::json!({ "path": parts.uri.path() });
        api.audit.denied(caller.record("access.denied", None, detail)).await;
        Err(ApiError::AdministratorsOnly)
    }
}

/// An administrator in a session, or root: for what no token may do.
#[derive(Clone, Debug)]
pub(crate) struct AdministratorInSession(pub(crate) Caller);

impl FromRequestParts<SharedApi> for AdministratorInSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &SharedApi) -> Result<Self, ApiError> {
        let Administrator(caller) = Administrator::from_request_parts(parts, api).await?;
        no_token(&caller)?;
        Ok(Self(caller))
    }
}

/// Root on this machine, by `api.sock`. To everybody else the route does not exist.
#[derive(Clone, Debug)]
pub(crate) struct Root(pub(crate) Caller);

impl FromRequestParts<SharedApi> for Root {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &SharedApi) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, api).await?;
        if caller.user.is_none() { Ok(Self(caller)) } else { Err(ApiError::NotFound) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_count_for_an_address_or_the_network_of_one() {
        let remote = |address: &str| {
            let origin = Origin { request_id: String::new(), address: Some(address.to_owned()), local: false };
            origin.remote().map(|address| address.to_string())
        };
        assert_eq!(remote("203.0.113.7").as_deref(), Some("203.0.113.7"));
        assert_eq!(remote("2001:db8:1:2:aaaa::1"), remote("2001:db8:1:2:bbbb:cccc:dddd:2"));
        assert_ne!(remote("2001:db8:1:2::1"), remote("2001:db8:1:3::1"));
        assert_eq!((remote("127.0.0.1"), remote("::1")), (None, None), "a proxy");
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let (token, hash) = token::mint().expect("random");
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=b"));
        headers.append(header::COOKIE, HeaderValue::from_str(&format!("x=y; {COOKIE}={token}")).expect("ascii"));
        assert_eq!(session_hash(&headers), Some(hash));
    }

    #[test]
    fn beside_a_bearer_no_cookie_counts() {
        let (token, _) = token::mint().expect("random");
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_str(&format!("{COOKIE}={token}")).expect("ascii"));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic YTpi"));
        assert!(bearer(&headers).is_none() && session_hash(&headers).is_some());
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("bEARER  x"));
        assert_eq!((bearer(&headers), session_hash(&headers)), (Some("x"), None));
    }

    #[test]
    fn a_cookie_of_another_name_or_length_is_none() {
        for line in ["", "bulkhead=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "__Host-bulkhead=short"] {
            let mut headers = HeaderMap::new();
            headers.append(header::COOKIE, HeaderValue::from_static(line));
            assert_eq!(session_hash(&headers), None, "{line}");
        }
    }
}
