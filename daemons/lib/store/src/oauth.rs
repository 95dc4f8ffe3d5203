//! Accounts that resources ask as (OAuth 2): people who were sent to say yes, and the sealed tokens that it brought.

use bulkhead_model::{ResourceId, UserId};
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Database, StoreError};

/// A person who is sent to a server to say yes.
#[derive(Clone, Debug)]
pub struct OauthAttempt<'a> {
    /// SHA-256 of the state.
    pub state_hash: &'a [u8],
    /// For which resource.
    pub resource: ResourceId,
    /// Whose account it becomes; everybody's where there is nobody.
    pub user: Option<UserId>,
    /// The session that it has to end in.
    pub session_hash: &'a [u8],
    /// The settings, in short.
    pub settings_hash: &'a [u8],
    /// Sealed to db-connector.
    pub sealed_verifier: &'a str,
}

/// One that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnedAttempt {
    /// For which resource.
    pub resource: ResourceId,
    /// Whose account it becomes.
    pub user: Option<UserId>,
    /// Who it was.
    pub person: UserId,
    /// The settings then, in short.
    pub settings_hash: Vec<u8>,
    /// Sealed to db-connector.
    pub sealed_verifier: String,
}

/// An account with its sealed tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthAccount {
    /// The id, which its tokens are sealed to.
    pub id: Uuid,
    /// The settings that its tokens were given for, in short.
    pub settings_hash: Vec<u8>,
    /// Sealed to db-connector.
    pub sealed_tokens: String,
    /// Whether the server refused to renew them.
    pub is_refused: bool,
    /// Until when the access token is used.
    pub good_until: OffsetDateTime,
    /// When the tokens were given.
    pub renewed_at: OffsetDateTime,
    /// Grows with every token.
    pub version: i64,
}

/// A new account.
#[derive(Clone, Debug)]
pub struct NewOauthAccount<'a> {
    /// The id that its tokens are sealed to.
    pub id: Uuid,
    /// For which resource.
    pub resource: ResourceId,
    /// Whose; everybody's where there is nobody.
    pub user: Option<UserId>,
    /// Who connected it.
    pub connected_by: UserId,
    /// The settings, in short.
    pub settings_hash: &'a [u8],
    /// Its tokens.
    pub tokens: SealedTokens,
}

/// Tokens as they are stored.
#[derive(Clone, Debug)]
pub struct SealedTokens {
    /// Sealed to db-connector.
    pub sealed: String,
    /// Until when the access token is used.
    pub good_until: OffsetDateTime,
}

/// What the server said to a request for new tokens.
#[derive(Clone, Debug)]
pub enum Renewal {
    /// Here they are.
    Given(SealedTokens),
    /// Never again.
    Refused,
}

/// An account, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthAccountState {
    /// When it was connected.
    pub connected_at: OffsetDateTime,
    /// The address of who did; nobody once that account is gone.
    pub connected_by: Option<String>,
    /// When its tokens were renewed last.
    pub renewed_at: OffsetDateTime,
    /// Whether it has to be connected again.
    pub is_refused: bool,
}

const COLUMNS: &str =
    "a.id, a.settings_hash, a.sealed_tokens, a.refused_at IS NOT NULL, a.good_until, a.renewed_at, a.version";

fn account(row: &Row) -> OauthAccount {
    OauthAccount {
        id: row.get(0),
        settings_hash: row.get(1),
        sealed_tokens: row.get(2),
        is_refused: row.get(3),
        good_until: row.get(4),
        renewed_at: row.get(5),
        version: row.get(6),
    }
}

impl Database {
    /// Remembers a person who is sent away, for ten minutes. An earlier attempt of the same session for the same account ends.
    pub async fn begin_oauth(&self, attempt: &OauthAttempt<'_>) -> Result<(), StoreError> {
        let operation = "begin to connect an account";
        let client = self.client(operation).await?;
        let OauthAttempt { state_hash, resource, user, session_hash, settings_hash, sealed_verifier } = attempt;
        let user = user.map(|user| user.0);
        let sql = "WITH gone AS (DELETE FROM oauth_attempts WHERE expires_at < now()
                OR (session_hash = $4 AND resource_id = $2 AND user_id IS NOT DISTINCT FROM $3))
            INSERT INTO oauth_attempts (state_hash, resource_id, user_id, session_hash, settings_hash, sealed_verifier)
            VALUES ($1, $2, $3, $4, $5, $6)";
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
            [state_hash, &resource.0, &user, session_hash, settings_hash, sealed_verifier];
        client.execute(sql, &values).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// Ends an attempt, once: it must be of this session, of this person and no older than ten minutes.
    pub async fn end_oauth(
        &self,
        state_hash: &[u8],
        session_hash: &[u8],
        person: UserId,
    ) -> Result<Option<ReturnedAttempt>, StoreError> {
        let operation = "connect an account";
        let client = self.client(operation).await?;
        let sql = "DELETE FROM oauth_attempts WHERE state_hash = $1 AND session_hash = $2 AND expires_at > now()
                AND (user_id IS NULL OR user_id = $3)
            RETURNING resource_id, user_id, settings_hash, sealed_verifier";
        let row = client.query_opt(sql, &[&state_hash, &session_hash, &person.0]).await;
        Ok(row.map_err(StoreError::of(operation))?.map(|row| ReturnedAttempt {
            resource: ResourceId(row.get(0)),
            user: row.get::<_, Option<Uuid>>(1).map(UserId),
            person,
            settings_hash: row.get(2),
            sealed_verifier: row.get(3),
        }))
    }

    /// Stores an account in the place of the one that there was.
    pub async fn connect_oauth_account(&self, new: &NewOauthAccount<'_>) -> Result<(), StoreError> {
        let operation = "store an account";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let NewOauthAccount { id, resource, user, connected_by, settings_hash, tokens } = new;
        let user = user.map(|user| user.0);
        let old = "DELETE FROM oauth_accounts WHERE resource_id = $1 AND user_id IS NOT DISTINCT FROM $2";
        transaction.execute(old, &[&resource.0, &user]).await.map_err(StoreError::of(operation))?;
        let sql = "INSERT INTO oauth_accounts (id, resource_id, user_id, connected_by, settings_hash, sealed_tokens, good_until)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
            [id, &resource.0, &user, &connected_by.0, settings_hash, &tokens.sealed, &tokens.good_until];
        transaction.execute(sql, &values).await.map_err(StoreError::of(operation))?;
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    /// The account that a resource asks as.
    pub async fn oauth_account(
        &self,
        resource: ResourceId,
        user: Option<UserId>,
    ) -> Result<Option<OauthAccount>, StoreError> {
        let operation = "read an account";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT {COLUMNS} FROM oauth_accounts a WHERE a.resource_id = $1 AND a.user_id IS NOT DISTINCT FROM $2"
        );
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&resource.0, &user.map(|user| user.0)]).await;
        Ok(row.map_err(StoreError::of(operation))?.as_ref().map(account))
    }

    /// Renews the tokens of an account that still has the version `seen`, under a lock of its row, so that of many who try at once
    /// one asks the server and the others get what it was given. Must run to its end: a token that was used is worth nothing.
    pub async fn renew_oauth_account<F, Renewing, E>(
        &self,
        id: Uuid,
        seen: i64,
        renew: F,
    ) -> Result<Result<OauthAccount, E>, StoreError>
    where
        F: FnOnce(OauthAccount) -> Renewing + Send,
        Renewing: Future<Output = Result<Renewal, E>> + Send,
    {
        let operation = "renew an account's tokens";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let sql = format!("SELECT {COLUMNS} FROM oauth_accounts a WHERE a.id = $1 FOR UPDATE");
        let row = transaction.query_opt(&sql, &[&id]).await.map_err(StoreError::of(operation))?;
        let stored = account(&row.ok_or(StoreError::NotFound { operation })?);
        if stored.version != seen || stored.is_refused {
            return Ok(Ok(stored));
        }
        let renewed = match renew(stored).await {
            Err(error) => return Ok(Err(error)),
            Ok(Renewal::Given(SealedTokens { sealed, good_until })) => {
                let sql = format!(
                    "UPDATE oauth_accounts a SET sealed_tokens = $2, good_until = $3, version = version + 1, renewed_at = now()
                     WHERE id = $1 RETURNING {COLUMNS}"
                );
                transaction.query_one(&sql, &[&id, &sealed, &good_until]).await
            }
            Ok(Renewal::Refused) => {
                let sql = format!(
                    "UPDATE oauth_accounts a SET refused_at = now(), version = version + 1 WHERE id = $1 RETURNING {COLUMNS}"
                );
                transaction.query_one(&sql, &[&id]).await
            }
        };
        let renewed = account(&renewed.map_err(StoreError::of(operation))?);
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(Ok(renewed))
    }

    /// Forgets an account; whether there was one.
    pub async fn disconnect_oauth_account(
        &self,
        resource: ResourceId,
        user: Option<UserId>,
    ) -> Result<bool, StoreError> {
        let operation = "disconnect an account";
        let client = self.client(operation).await?;
        let sql = "DELETE FROM oauth_accounts WHERE resource_id = $1 AND user_id IS NOT DISTINCT FROM $2";
        let gone = client.execute(sql, &[&resource.0, &user.map(|user| user.0)]).await;
        Ok(gone.map_err(StoreError::of(operation))? > 0)
    }

    /// What people may know of the account that a resource asks as.
    pub async fn oauth_account_state(
        &self,
        resource: ResourceId,
        user: Option<UserId>,
    ) -> Result<Option<OauthAccountState>, StoreError> {
        let operation = "look at an account";
        let client = self.client(operation).await?;
        let sql = "SELECT a.connected_at, u.email, a.renewed_at, a.refused_at IS NOT NULL
            FROM oauth_accounts a LEFT JOIN users u ON u.id = a.connected_by
            WHERE a.resource_id = $1 AND a.user_id IS NOT DISTINCT FROM $2";
        let row = client.query_opt(sql, &[&resource.0, &user.map(|user| user.0)]).await;
        Ok(row.map_err(StoreError::of(operation))?.map(|row| OauthAccountState {
            connected_at: row.get(0),
            connected_by: row.get(1),
            renewed_at: row.get(2),
            is_refused: row.get(3),
        }))
    }
}
