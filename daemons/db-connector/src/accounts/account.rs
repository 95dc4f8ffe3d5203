//! The account that one resource asks as, for everybody or for one person.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant as StdInstant;

use bulkhead_model::resource::{HttpApiConfig, Oauth2Code};
use bulkhead_model::{ResourceId, UserId};
use bulkhead_store::StoreError;
use bulkhead_store::oauth::{OauthAccount, Renewal};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;
use tokio::time::timeout_at;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Accounts, settings_hash, token_server};
use crate::error::{QueryError, Unconnected};
use crate::http::{Bounds, TokenServer};
use crate::pool::Shared;
use crate::target::Target;

/// A token that is younger is not renewed because it was refused: a server that refuses all would be asked for new ones without end.
const YOUNG: Duration = Duration::seconds(30);

/// The account of one resource.
pub(crate) struct Account {
    accounts: Arc<Accounts>,
    server: Arc<TokenServer>,
    resource: ResourceId,
    user: Option<UserId>,
    settings_hash: [u8; 32],
    /// The token that was opened last, so that it is opened once. Whoever holds the lock looks whether it is still the one.
    current: Mutex<Option<Opened>>,
    /// The version whose token the resource's server refused.
    refused: AtomicI64,
}

struct Opened {
    id: Uuid,
    version: i64,
    access: Zeroizing<String>,
}

impl Account {
    /// The account that `target` asks as; none for a resource that is not saved.
    pub(crate) fn new(http: &HttpApiConfig, code: &Oauth2Code, target: &Target, shared: &Shared) -> Option<Self> {
        let (resource, user) = target.asked_by?;
        Some(Self {
            accounts: Arc::clone(shared.accounts.as_ref()?),
            server: Arc::new(token_server(http, code, &target.name, shared)),
            resource,
            user,
            settings_hash: settings_hash(http, code),
            current: Mutex::default(),
            refused: AtomicI64::new(0),
        })
    }

    /// A token that is good now. The row is read each time: an account that was disconnected is used by nobody from then on.
    pub(crate) async fn get(
        &self,
        target: &Target,
        secret: Option<&str>,
        bounds: Bounds,
    ) -> Result<Zeroizing<String>, QueryError> {
        let stored = self.accounts.database.oauth_account(self.resource, self.user).await;
        let stored = self.usable(target, stored.map_err(QueryError::Store)?)?;
        let locked = timeout_at(bounds.deadline, self.current.lock()).await;
        let mut current = locked.map_err(|_| QueryError::Timeout(bounds.timeout_ms))?;
        let now = OffsetDateTime::now_utc();
        let was_refused = self.refused.load(Ordering::Relaxed) == stored.version && stored.renewed_at + YOUNG < now;
        let is_good = stored.good_until > now && !was_refused;
        let is_known = |opened: &&Opened| opened.id == stored.id && opened.version == stored.version;
        if let Some(opened) = current.as_ref().filter(is_known).filter(|_| is_good) {
            return Ok(opened.access.clone());
        }
        *current = None;
        let stored = if is_good { stored } else { self.renewed(target, secret, stored, bounds).await? };
        let tokens = self.accounts.open(stored.id, &stored.sealed_tokens);
        let tokens = tokens.map_err(|source| QueryError::Secret { resource: target.name.clone(), source })?;
        let access = Zeroizing::new(tokens.access.clone());
        *current = Some(Opened { id: stored.id, version: stored.version, access: access.clone() });
        Ok(access)
    }

    /// Remembers that the resource's server refused a token, so that the next request comes with another one.
    pub(crate) async fn was_refused(&self, token: &str, bounds: Bounds) {
        // One that is not had in time is held by who renews the token already.
        let Ok(current) = timeout_at(bounds.deadline, self.current.lock()).await else { return };
        if let Some(opened) = current.as_ref().filter(|opened| *opened.access == token) {
            self.refused.store(opened.version, Ordering::Relaxed);
        }
    }

    pub(crate) fn close_idle(&self, oldest: StdInstant) -> bool {
        self.server.close_idle(oldest)
    }

    fn usable(&self, target: &Target, stored: Option<OauthAccount>) -> Result<OauthAccount, QueryError> {
        let why = match stored {
            None => Unconnected::Never,
            Some(stored) if stored.settings_hash != self.settings_hash => Unconnected::SettingsChanged,
            Some(stored) if stored.is_refused => Unconnected::Refused,
            Some(stored) => return Ok(stored),
        };
        Err(target.unconnected(why))
    }

    /// The account with new tokens: those that the server gives, or that somebody else was given meanwhile.
    async fn renewed(
        &self,
        target: &Target,
        secret: Option<&str>,
        stored: OauthAccount,
        bounds: Bounds,
    ) -> Result<OauthAccount, QueryError> {
        let (id, version) = (stored.id, stored.version);
        let (accounts, server) = (Arc::clone(&self.accounts), Arc::clone(&self.server));
        let secret = secret.map(|secret| Zeroizing::new(secret.to_owned()));
        // A task of its own: who asked may go while the server answers, and what it answers must be stored.
        let renewing = tokio::spawn(async move {
            let _turn = accounts.renewals.acquire().await;
            let (accounts, server, secret) = (accounts.as_ref(), server.as_ref(), secret.as_ref());
            let renew = |stored: OauthAccount| async move { renew(accounts, server, secret, &stored).await };
            accounts.database.renew_oauth_account(id, version, renew).await
        });
        let renewed = timeout_at(bounds.deadline, renewing).await;
        let renewed = renewed.map_err(|_| QueryError::Timeout(bounds.timeout_ms))?;
        match renewed.map_err(|_| QueryError::Lost(target.name.clone()))? {
            Ok(Ok(account)) => self.usable(target, Some(account)),
            Ok(Err(NotRenewed::NoRefreshToken)) if stored.good_until > OffsetDateTime::now_utc() => Ok(stored),
            Ok(Err(NotRenewed::NoRefreshToken)) => Err(target.unconnected(Unconnected::Ended)),
            Ok(Err(NotRenewed::Failed(error))) => Err(*error),
            Err(StoreError::NotFound { .. }) => Err(target.unconnected(Unconnected::Never)),
            Err(error) => Err(QueryError::Store(error)),
        }
    }
}

/// Why there are no new tokens.
enum NotRenewed {
    NoRefreshToken,
    Failed(Box<QueryError>),
}

/// Asks for new tokens. Whether an answer that was lost has used up the refresh token is not known: the next request tries it again, and
/// a server that refuses it then ends the account.
async fn renew(
    accounts: &Accounts,
    server: &TokenServer,
    secret: Option<&Zeroizing<String>>,
    stored: &OauthAccount,
) -> Result<Renewal, NotRenewed> {
    let failed = |error| NotRenewed::Failed(Box::new(error));
    let tokens = accounts.open(stored.id, &stored.sealed_tokens);
    let tokens =
        tokens.map_err(|error| failed(QueryError::Invalid(format!("the account cannot be opened: {error}"))))?;
    let refresh = tokens.refresh.as_deref().ok_or(NotRenewed::NoRefreshToken)?;
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let secret = secret.map(|secret| secret.as_str());
    match server.ask(secret, &form, &[refresh, tokens.access.as_str()], TokenServer::bounds()).await {
        Ok(given) => accounts.seal(stored.id, &given, Some(refresh)).map(Renewal::Given).map_err(failed),
        Err(not_given) if not_given.refusal.as_deref() == Some("invalid_grant") => Ok(Renewal::Refused),
        Err(not_given) => Err(failed(not_given.error)),
    }
}
