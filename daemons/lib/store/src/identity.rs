//! Users and one-time links.

use bulkhead_model::UserId;
use time::OffsetDateTime;
use tokio_postgres::Row;

use crate::second_factors::remove_factor;
use crate::sessions::end_all;
use crate::{Database, StoreError};

/// A person who can log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The address that they log in with.
    pub email: String,
    /// Shown to others.
    pub name: String,
    /// Whether they may do everything.
    pub is_admin: bool,
    /// Whether log-in is refused.
    pub disabled: bool,
    /// Whether they have set a password.
    pub has_password: bool,
    /// When the account was made.
    pub created_at: OffsetDateTime,
}

pub(crate) const USER_COLUMNS: &str =
    "u.id, u.email, u.name, u.is_admin, u.disabled_at IS NOT NULL, u.password_hash IS NOT NULL, u.created_at";

pub(crate) fn user(row: &Row) -> User {
    User {
        id: UserId(row.get(0)),
        email: row.get(1),
        name: row.get(2),
        is_admin: row.get(3),
        disabled: row.get(4),
        has_password: row.get(5),
        created_at: row.get(6),
    }
}

/// What a one-time link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Makes the first administrator.
    FirstAdmin,
    /// Gives an account a new password and makes it an administrator.
    RecoverAdmin,
    /// Lets an invited person set a password.
    Invitation,
}

impl LinkPurpose {
    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstAdmin => "first-admin",
            Self::RecoverAdmin => "recover-admin",
            Self::Invitation => "invitation",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::FirstAdmin, Self::RecoverAdmin, Self::Invitation].into_iter().find(|purpose| purpose.as_str() == word)
    }
}

/// A link that can still be used.
#[derive(Clone, Debug)]
pub struct Link {
    /// What for.
    pub purpose: LinkPurpose,
    /// The account's address, unless the link makes one.
    pub email: Option<String>,
    /// Whether the account is an administrator's.
    pub is_admin: bool,
}

/// What using a link does to the account.
#[derive(Clone, Debug)]
pub struct Redemption<'a> {
    /// SHA-256 of the token.
    pub token_hash: &'a [u8],
    /// The new password, hashed.
    pub password_hash: &'a str,
    /// The new account's address and name: for a first administrator's link.
    pub account: Option<(&'a str, &'a str)>,
}

impl Database {
    /// The user of that address with the stored hash, unless disabled.
    pub async fn user_for_login(&self, email: &str) -> Result<Option<(User, Option<String>)>, StoreError> {
        let operation = "look up a user";
        let client = self.client(operation).await?;
        let sql = format!(
            "SELECT {USER_COLUMNS}, u.password_hash FROM users u WHERE lower(u.email) = lower($1) AND u.disabled_at IS NULL"
        );
        let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
        let row = client.query_opt(&statement, &[&email]).await.map_err(StoreError::of(operation))?;
        Ok(row.map(|row| (user(&row), row.get(7))))
    }

    /// All users.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        let operation = "list users";
        let client = self.client(operation).await?;
        let sql = format!("SELECT {USER_COLUMNS} FROM users u ORDER BY lower(u.email) LIMIT 10000");
        let rows = client.query(&sql, &[]).await.map_err(StoreError::of(operation))?;
        Ok(rows.iter().map(user).collect())
    }

    /// A person.
    pub async fn user(&self, id: UserId) -> Result<User, StoreError> {
        let operation = "read a user";
        let client = self.client(operation).await?;
        let sql = format!("SELECT {USER_COLUMNS} FROM users u WHERE u.id = $1");
        let row = client.query_opt(&sql, &[&id.0]).await.map_err(StoreError::of(operation))?;
        row.as_ref().map(user).ok_or(StoreError::NotFound { operation })
    }

    /// Adds a person who has no password yet.
    pub async fn create_user(&self, email: &str, name: &str, is_admin: bool) -> Result<UserId, StoreError> {
        let operation = "add a user";
        let client = self.client(operation).await?;
        let id = UserId::new();
        let sql = "INSERT INTO users (id, email, name, is_admin) VALUES ($1, $2, $3, $4)";
        client.execute(sql, &[&id.0, &email, &name, &is_admin]).await.map_err(StoreError::of(operation))?;
        Ok(id)
    }

    /// Changes what is given. Disabling ends all sessions in the same transaction.
    pub async fn update_user(
        &self,
        id: UserId,
        name: Option<&str>,
        is_admin: Option<bool>,
        disabled: Option<bool>,
    ) -> Result<User, StoreError> {
        let operation = "change a user";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let sql = format!(
            "UPDATE users u SET name = coalesce($2, name), is_admin = coalesce($3, is_admin),
                 disabled_at = CASE WHEN $4 THEN coalesce(disabled_at, now()) WHEN NOT $4 THEN NULL ELSE disabled_at END
             WHERE id = $1 RETURNING {USER_COLUMNS}"
        );
        let row = transaction.query_opt(&sql, &[&id.0, &name, &is_admin, &disabled]).await;
        let row = row.map_err(StoreError::of(operation))?.ok_or(StoreError::NotFound { operation })?;
        if disabled == Some(true) {
            end_all(operation, &transaction, id.0).await?;
        }
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(user(&row))
    }

    /// Whether anybody can administer this instance.
    pub async fn has_admin(&self) -> Result<bool, StoreError> {
        let operation = "look for an administrator";
        let client = self.client(operation).await?;
        let sql =
            "SELECT EXISTS (SELECT FROM users WHERE is_admin AND disabled_at IS NULL AND password_hash IS NOT NULL)";
        client.query_one(sql, &[]).await.map(|row| row.get(0)).map_err(StoreError::of(operation))
    }

    /// Stores a one-time link, good for a day. Earlier unused links of the same purpose and account die.
    pub async fn create_link(
        &self,
        token_hash: &[u8],
        purpose: LinkPurpose,
        user: Option<UserId>,
    ) -> Result<(), StoreError> {
        let operation = "make a one-time link";
        let client = self.client(operation).await?;
        let sql = "WITH dead AS (DELETE FROM one_time_links WHERE purpose = $2 AND user_id IS NOT DISTINCT FROM $3 AND used_at IS NULL)
            INSERT INTO one_time_links (token_hash, purpose, user_id, expires_at) VALUES ($1, $2, $3, now() + interval '1 day')";
        let user = user.map(|id| id.0);
        client
            .execute(sql, &[&token_hash, &purpose.as_str(), &user])
            .await
            .map(|_| ())
            .map_err(StoreError::of(operation))
    }

    /// The link of that token, if it can still be used.
    pub async fn link(&self, token_hash: &[u8]) -> Result<Option<Link>, StoreError> {
        let operation = "read a one-time link";
        let client = self.client(operation).await?;
        let sql = "SELECT l.purpose, u.email, coalesce(u.is_admin, false) FROM one_time_links l LEFT JOIN users u ON u.id = l.user_id
            WHERE l.token_hash = $1 AND l.used_at IS NULL AND l.expires_at > now()";
        let row = client.query_opt(sql, &[&token_hash]).await.map_err(StoreError::of(operation))?;
        row.map(|row| {
            let word: &str = row.get(0);
            let purpose = LinkPurpose::parse(word).ok_or_else(|| StoreError::bad_word(operation, word))?;
            Ok(Link { purpose, email: row.get(1), is_admin: row.get(2) })
        })
        .transpose()
    }

    /// Uses a link: of two at once exactly one succeeds, the other finds none.
    pub async fn redeem_link(&self, redemption: &Redemption<'_>) -> Result<(LinkPurpose, User), StoreError> {
        let operation = "use a one-time link";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let sql =
            "UPDATE one_time_links SET used_at = now() WHERE token_hash = $1 AND used_at IS NULL AND expires_at > now()
            RETURNING purpose, user_id";
        let row = transaction.query_opt(sql, &[&redemption.token_hash]).await.map_err(StoreError::of(operation))?;
        let row = row.ok_or(StoreError::NotFound { operation })?;
        let word: &str = row.get(0);
        let purpose = LinkPurpose::parse(word).ok_or_else(|| StoreError::bad_word(operation, word))?;
        let stored: Option<uuid::Uuid> = row.get(1);
        let row = match (purpose, redemption.account, stored) {
            (LinkPurpose::FirstAdmin, Some((email, name)), _) => {
                // Two first links cannot make two first administrators: the lock lets one see the other's.
                let lock = transaction.batch_execute("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE").await;
                lock.map_err(StoreError::of(operation))?;
                let sql = format!(
                    "INSERT INTO users AS u (id, email, name, is_admin, password_hash) SELECT $1, $2, $3, true, $4
                     WHERE NOT EXISTS (SELECT FROM users WHERE is_admin AND password_hash IS NOT NULL) RETURNING {USER_COLUMNS}"
                );
                transaction.query_opt(&sql, &[&UserId::new().0, &email, &name, &redemption.password_hash]).await
            }
            (LinkPurpose::RecoverAdmin | LinkPurpose::Invitation, _, Some(id)) => {
                let recover = purpose == LinkPurpose::RecoverAdmin;
                let sql = format!(
                    "UPDATE users u SET password_hash = $2, is_admin = is_admin OR $3,
                         disabled_at = CASE WHEN $3 THEN NULL ELSE disabled_at END
                     WHERE id = $1 RETURNING {USER_COLUMNS}"
                );
                transaction.query_opt(&sql, &[&id, &redemption.password_hash, &recover]).await
            }
            _ => return Err(StoreError::NotFound { operation }),
        };
        let row = row.map_err(StoreError::of(operation))?.ok_or(StoreError::NotFound { operation })?;
        let id: uuid::Uuid = row.get(0);
        end_all(operation, &transaction, id).await?;
        if purpose == LinkPurpose::RecoverAdmin {
            // Root has the last word: whoever lost their telephone, too, gets in again by this link.
            remove_factor(operation, &transaction, id).await?;
        }
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok((purpose, user(&row)))
    }
}
