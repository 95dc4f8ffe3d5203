//! Tokens of OAuth 2 for the client itself (RFC 6749, section 4.4): asked for once, used until shortly before they end.

use std::sync::{Mutex as StdMutex, PoisonError};
use std::time::Instant as StdInstant;

use bulkhead_model::resource::Oauth2;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use super::Bounds;
use super::site::Place;
use super::token_server::TokenServer;
use crate::error::QueryError;
use crate::pool::Shared;
use crate::target::Target;

/// The tokens of one resource.
pub(super) struct Tokens {
    server: TokenServer,
    scope: String,
    audience: String,
    /// Whoever holds the lock asks for a token; all others wait and use that one.
    current: Mutex<Option<Token>>,
    used: StdMutex<Option<StdInstant>>,
}

struct Token {
    text: Zeroizing<String>,
    good_until: Instant,
}

impl Tokens {
    pub(super) fn new(oauth2: &Oauth2, place: Place, target: &Target, shared: &Shared) -> Self {
        let server = TokenServer::new(place, &oauth2.client_id, oauth2.secret_in_form, &target.name, shared);
        let (scope, audience) = (oauth2.scope.clone(), oauth2.audience.clone());
        Self { server, scope, audience, current: Mutex::default(), used: StdMutex::default() }
    }

    /// A token that is good now.
    pub(super) async fn get(&self, secret: &str, bounds: Bounds) -> Result<Zeroizing<String>, QueryError> {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Some(StdInstant::now());
        let locked = timeout_at(bounds.deadline, self.current.lock()).await;
        let mut current = locked.map_err(|_| QueryError::Timeout(bounds.timeout_ms))?;
        if let Some(token) = current.as_ref().filter(|token| token.good_until > Instant::now()) {
            return Ok(token.text.clone());
        }
        *current = None;
        let own = TokenServer::bounds();
        let own = Bounds { deadline: own.deadline.min(bounds.deadline), ..own };
        let (scope, audience) = (self.scope.as_str(), self.audience.as_str());
        let form = [("grant_type", "client_credentials"), ("scope", scope), ("audience", audience)];
        let given = self.server.ask(Some(secret), &form, &[], own).await.map_err(|not_given| not_given.error)?;
        let text = given.access;
        *current = Some(Token { text: text.clone(), good_until: given.asked + given.lifetime });
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
        let open = self.server.close_idle(oldest);
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        open || used.is_some_and(|used| used > oldest)
    }
}
