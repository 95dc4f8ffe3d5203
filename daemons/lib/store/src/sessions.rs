//! Sessions, and log-ins that are not done yet.
//!
//! A password that was right opens no session while a code or an enrolment is still to come: what there is until then is a row of its own
//! kind, which no statement about sessions finds.

use bulkhead_model::UserId;
use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::identity::{USER_COLUMNS, User, user};
use crate::{Database, StoreError};

/// Days after which a session ends whatever it did.
const ABSOLUTE_DAYS: i32 = 7;
/// What makes a session `s` a live one: it ends after 12 hours without a request, and at its absolute end.
pub(crate) const LIVE: &str = "s.expires_at > now() AND s.last_seen_at > now() - interval '12 hours'";

/// Where a session is used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Device<'a> {
    /// What the browser calls itself.
    pub user_agent: Option<&'a str>,
    /// The address that the log-in came from.
    pub address: Option<&'a str>,
}

/// A session, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// Names it. It opens nothing.
    pub id: Uuid,
    /// What the browser called itself.
    pub user_agent: Option<String>,
    /// The address that the log-in came from.
    pub address: Option<String>,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When it was used last, to the minute.
    pub last_seen_at: OffsetDateTime,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// What a log-in still needs after the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogInNeeds {
    /// A code of the second factor.
    Code,
    /// A second factor: it is required here and there is none yet.
    Enrolment,
}

impl LogInNeeds {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Enrolment => "enrolment",
        }
    }
}

impl Database {
    /// Opens a session under the hash of its cookie.
    pub async fn create_session(&self, id_hash: &[u8], user: UserId, device: Device<'_>) -> Result<(), StoreError> {
        let operation = "open a session";
        let client = self.client(operation).await?;
        let sql = "INSERT INTO sessions (id_hash, user_id, expires_at, user_agent, address)
            VALUES ($1, $2, now() + make_interval(days => $3), $4, $5)";
        client
            .execute(sql, &[&id_hash, &user.0, &ABSOLUTE_DAYS, &device.user_agent, &device.address])
            .await
            .map(|_| ())
            .map_err(StoreError::of(operation))
    }

    /// Ends the session of that cookie.
    pub async fn end_session(&self, id_hash: &[u8]) -> Result<(), StoreError> {
        let operation = "end a session";
        let client = self.client(operation).await?;
        let sql = "DELETE FROM sessions WHERE id_hash = $1";
        client.execute(sql, &[&id_hash]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// The live sessions of a person, the one that was used last first. `current` is the hash of the cookie that asks.
    pub async fn sessions(&self, user: UserId, current: Option<&[u8]>) -> Result<Vec<SessionInfo>, StoreError> {
        let operation = "list sessions";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT s.id, s.user_agent, s.address, s.created_at, s.last_seen_at, coalesce(s.id_hash = $2, false)
             FROM sessions s WHERE s.user_id = $1 AND {LIVE} ORDER BY s.last_seen_at DESC, s.id LIMIT 1000"
        );
        let rows = client.query(&sql, &[&user.0, &current]).await.map_err(StoreError::of(operation))?;
        let info = |row: &tokio_postgres::Row| SessionInfo {
            id: row.get(0),
            user_agent: row.get(1),
            address: row.get(2),
            created_at: row.get(3),
            last_seen_at: row.get(4),
            is_current: row.get(5),
        };
        Ok(rows.iter().map(info).collect())
    }

    /// Ends one session of a person.
    pub async fn end_session_of(&self, user: UserId, id: Uuid) -> Result<(), StoreError> {
        let operation = "end a session";
        let client = self.client(operation).await?;
        let sql = "DELETE FROM sessions WHERE user_id = $1 AND id = $2";
        match client.execute(sql, &[&user.0, &id]).await.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::NotFound { operation }),
            _ => Ok(()),
        }
    }

    /// Ends all sessions of a person but the one under the hash `kept`, and log-ins that are not done; how many sessions there were.
    pub async fn end_sessions(&self, user: UserId, kept: Option<&[u8]>) -> Result<u64, StoreError> {
        let operation = "end sessions";
        let client = self.client(operation).await?;
        end_all_but(operation, &client, user.0, kept).await
    }

    /// Begins a log-in that needs more than a password, under the hash of its cookie. It lasts ten minutes.
    pub async fn begin_log_in(&self, id_hash: &[u8], user: UserId, needs: LogInNeeds) -> Result<(), StoreError> {
        let operation = "begin a log-in";
        let client = self.client(operation).await?;
        let sql = "WITH old AS (DELETE FROM pending_log_ins WHERE expires_at < now())
            INSERT INTO pending_log_ins (id_hash, user_id, needs) VALUES ($1, $2, $3)";
        client.execute(sql, &[&id_hash, &user.0, &needs.as_str()]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// Who is logging in under that cookie, and what their log-in needs.
    pub async fn pending_log_in(&self, id_hash: &[u8]) -> Result<Option<(User, LogInNeeds)>, StoreError> {
        let operation = "read a log-in";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT {USER_COLUMNS}, p.needs FROM pending_log_ins p JOIN users u ON u.id = p.user_id
             WHERE p.id_hash = $1 AND p.expires_at > now() AND u.disabled_at IS NULL"
        );
        let row = client.query_opt(&sql, &[&id_hash]).await.map_err(StoreError::of(operation))?;
        row.map(|row| {
            let word: &str = row.get(7);
            let needs = [LogInNeeds::Code, LogInNeeds::Enrolment].into_iter().find(|needs| needs.as_str() == word);
            Ok((user(&row), needs.ok_or_else(|| StoreError::bad_word(operation, word))?))
        })
        .transpose()
    }

    /// Takes a log-in that is done: of two that end one, the second finds none.
    pub async fn end_log_in(&self, id_hash: &[u8]) -> Result<bool, StoreError> {
        let operation = "end a log-in";
        let client = self.client(operation).await?;
        let sql = "DELETE FROM pending_log_ins WHERE id_hash = $1";
        client.execute(sql, &[&id_hash]).await.map(|ended| ended > 0).map_err(StoreError::of(operation))
    }
}

/// Ends all sessions of a person, and log-ins that are not done, as a part of more.
pub(crate) async fn end_all(
    operation: &'static str,
    client: &impl GenericClient,
    user: Uuid,
) -> Result<u64, StoreError> {
    end_all_but(operation, client, user, None).await
}

async fn end_all_but(
    operation: &'static str,
    client: &impl GenericClient,
    user: Uuid,
    kept: Option<&[u8]>,
) -> Result<u64, StoreError> {
    let sql = "WITH pending AS (DELETE FROM pending_log_ins WHERE user_id = $1)
        DELETE FROM sessions WHERE user_id = $1 AND id_hash IS DISTINCT FROM $2";
    client.execute(sql, &[&user, &kept]).await.map_err(StoreError::of(operation))
}
