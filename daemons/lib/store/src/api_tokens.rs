//! Tokens: programs act with them as the person who made them.

use bulkhead_model::UserId;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Database, StoreError};

/// Tokens of a person at most.
const MOST: i64 = 50;

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenScope {
    /// Requests that change nothing.
    Read,
    /// All that its owner may do with a token.
    All,
}

impl TokenScope {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::All => "all",
        }
    }

    pub(crate) fn parse(operation: &'static str, word: &str) -> Result<Self, StoreError> {
        let found = [Self::Read, Self::All].into_iter().find(|scope| scope.as_str() == word);
        found.ok_or_else(|| StoreError::bad_word(operation, word))
    }
}

/// A token, without what proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// The id.
    pub id: Uuid,
    /// Whose it is.
    pub user: UserId,
    /// Their address.
    pub email: String,
    /// What its owner calls it.
    pub name: String,
    /// What it is good for.
    pub scope: TokenScope,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it ends.
    pub expires_at: OffsetDateTime,
    /// When it was used last, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
}

/// A token to store.
#[derive(Clone, Copy, Debug)]
pub struct NewApiToken<'a> {
    /// The id.
    pub id: Uuid,
    /// SHA-256 of the token.
    pub hash: &'a [u8],
    /// Whose it is.
    pub user: UserId,
    /// What they call it.
    pub name: &'a str,
    /// What it is good for.
    pub scope: TokenScope,
    /// For how long.
    pub days: i32,
}

const COLUMNS: &str = "t.id, t.user_id, u.email, t.name, t.scope, t.created_at, t.expires_at, t.last_used_at FROM api_tokens t JOIN users u ON u.id = t.user_id";

fn api_token(operation: &'static str, row: &Row) -> Result<ApiToken, StoreError> {
    Ok(ApiToken {
        id: row.get(0),
        user: UserId(row.get(1)),
        email: row.get(2),
        name: row.get(3),
        scope: TokenScope::parse(operation, row.get(4))?,
        created_at: row.get(5),
        expires_at: row.get(6),
        last_used_at: row.get(7),
    })
}

impl Database {
    /// Stores a token; false when its owner has too many already. One of the same name that has expired makes room.
    pub async fn create_api_token(&self, new: &NewApiToken<'_>) -> Result<bool, StoreError> {
        let operation = "make a token";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let expired = "DELETE FROM api_tokens WHERE user_id = $1 AND name = $2 AND expires_at < now()";
        transaction.execute(expired, &[&new.user.0, &new.name]).await.map_err(StoreError::of(operation))?;
        let sql = "INSERT INTO api_tokens (id, id_hash, user_id, name, scope, expires_at)
            SELECT $1, $2, $3, $4, $5, now() + make_interval(days => $6)
            WHERE (SELECT count(*) FROM api_tokens WHERE user_id = $3) < $7";
        let scope = new.scope.as_str();
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
            [&new.id, &new.hash, &new.user.0, &new.name, &scope, &new.days, &MOST];
        let made = transaction.execute(sql, &values).await.map_err(StoreError::of(operation))?;
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(made > 0)
    }

    /// The tokens of a person, or of all, the newest first.
    pub async fn api_tokens(&self, user: Option<UserId>) -> Result<Vec<ApiToken>, StoreError> {
        let operation = "list tokens";
        let client = self.client(operation).await?;
        let sql =
            format!("SELECT {COLUMNS} WHERE $1::uuid IS NULL OR t.user_id = $1 ORDER BY t.created_at DESC LIMIT 10000");
        let rows = client.query(&sql, &[&user.map(|user| user.0)]).await.map_err(StoreError::of(operation))?;
        rows.iter().map(|row| api_token(operation, row)).collect()
    }

    /// A token by its id: of this person, or of anybody.
    pub async fn api_token(&self, user: Option<UserId>, id: Uuid) -> Result<ApiToken, StoreError> {
        let operation = "read a token";
        let client = self.client(operation).await?;
        let sql = format!("SELECT {COLUMNS} WHERE t.id = $2 AND ($1::uuid IS NULL OR t.user_id = $1)");
        let row = client.query_opt(&sql, &[&user.map(|user| user.0), &id]).await.map_err(StoreError::of(operation))?;
        api_token(operation, &row.ok_or(StoreError::NotFound { operation })?)
    }

    /// Takes a token away: the next request with it is refused.
    pub async fn revoke_api_token(&self, id: Uuid) -> Result<(), StoreError> {
        let operation = "revoke a token";
        let client = self.client(operation).await?;
        match client.execute("DELETE FROM api_tokens WHERE id = $1", &[&id]).await.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::NotFound { operation }),
            _ => Ok(()),
        }
    }
}
