//! Providers of OpenID Connect, browsers that were sent to one, and whose accounts there are whose here.

use bulkhead_model::UserId;
use bulkhead_model::sign_in::SignInConfig;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::types::{Json, ToSql};
use tokio_postgres::{Row, Transaction};
use uuid::Uuid;

use crate::identity::{USER_COLUMNS, User, user};
use crate::{Database, StoreError};

/// A provider, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInProvider {
    /// The id, which its secret is sealed to.
    pub id: Uuid,
    /// The name in addresses.
    pub name: String,
    /// The settings.
    pub config: SignInConfig,
    /// Grows with every change.
    pub revision: i64,
    /// When it changed last.
    pub updated_at: OffsetDateTime,
}

/// A browser that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnedBrowser {
    /// The provider.
    pub provider: SignInProvider,
    /// Who adds an account to theirs; nobody where somebody signs in.
    pub user: Option<UserId>,
}

/// What a provider vouches for.
#[derive(Clone, Debug)]
pub struct Vouched<'a> {
    /// Who says it.
    pub issuer: &'a str,
    /// Whom it means; its own name for them.
    pub subject: &'a str,
    /// An address that it has verified.
    pub email: &'a str,
    /// What to call them.
    pub name: &'a str,
    /// Whether they get an account here if they have none.
    pub may_join: bool,
    /// The groups that the provider decides about, and those of them that they belong to.
    pub groups: (&'a [&'a str], &'a [&'a str]),
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedIn {
    /// They were here before.
    Known(User),
    /// They have an account now.
    Joined(User),
    /// Somebody has an account with that address: they have to add this one to theirs.
    AddressTaken,
    /// They have no account here and get none.
    Unknown,
    /// They are kept out.
    Disabled,
}

/// An account at a provider that somebody signs in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInAccount {
    /// Of whom.
    pub issuer: String,
    /// The provider's name for them.
    pub subject: String,
    /// As the provider told it last.
    pub email: String,
    /// When it was added.
    pub linked_at: OffsetDateTime,
    /// When somebody signed in with it last.
    pub used_at: Option<OffsetDateTime>,
}

/// Browsers that are on their way at most: who sends more of them away must not fill the database.
const MOST_ATTEMPTS: i64 = 10_000;

const COLUMNS: &str = "p.id, p.name, p.config, p.revision, p.updated_at";

fn provider(operation: &'static str, row: &Row) -> Result<SignInProvider, StoreError> {
    Ok(SignInProvider {
        id: row.get(0),
        name: row.get(1),
        config: serde_json::from_value(row.get::<_, Value>(2)).map_err(StoreError::damaged(operation))?,
        revision: row.get(3),
        updated_at: row.get(4),
    })
}

impl Database {
    /// All providers, by name.
    pub async fn sign_in_providers(&self) -> Result<Vec<SignInProvider>, StoreError> {
        let operation = "list providers";
        let client = self.client(operation).await?;
        let sql = format!("SELECT {COLUMNS} FROM sign_in_providers p ORDER BY p.name LIMIT 100");
        let rows = client.query(&sql, &[]).await.map_err(StoreError::of(operation))?;
        rows.iter().map(|row| provider(operation, row)).collect()
    }

    /// A provider by its name.
    pub async fn sign_in_provider(&self, name: &str) -> Result<SignInProvider, StoreError> {
        let operation = "read a provider";
        let client = self.client(operation).await?;
        let sql = format!("SELECT {COLUMNS} FROM sign_in_providers p WHERE p.name = $1");
        let row = client.query_opt(&sql, &[&name]).await.map_err(StoreError::of(operation))?;
        provider(operation, &row.ok_or(StoreError::NotFound { operation })?)
    }

    /// A provider with its sealed secret; for db-connector.
    pub async fn sealed_sign_in_provider(&self, id: Uuid) -> Result<(SignInProvider, Option<String>), StoreError> {
        let operation = "read a provider";
        let client = self.client(operation).await?;
        let sql = format!("SELECT {COLUMNS}, p.sealed_secret FROM sign_in_providers p WHERE p.id = $1");
        let row = client.query_opt(&sql, &[&id]).await.map_err(StoreError::of(operation))?;
        let row = row.ok_or(StoreError::NotFound { operation })?;
        Ok((provider(operation, &row)?, row.get(5)))
    }

    /// Adds a provider under an id that its secret is already sealed to.
    pub async fn create_sign_in_provider(
        &self,
        id: Uuid,
        name: &str,
        config: &SignInConfig,
        sealed_secret: Option<&str>,
    ) -> Result<(), StoreError> {
        let operation = "add a provider";
        let client = self.client(operation).await?;
        let sql = "INSERT INTO sign_in_providers (id, name, config, sealed_secret) VALUES ($1, $2, $3, $4)";
        let added = client.execute(sql, &[&id, &name, &Json(config), &sealed_secret]).await;
        added.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// Changes a provider that was read at `revision`; [`StoreError::Changed`] when it is another by now. The stored secret stays where
    /// none is given.
    pub async fn update_sign_in_provider(
        &self,
        (id, revision): (Uuid, i64),
        config: &SignInConfig,
        sealed_secret: Option<&str>,
    ) -> Result<(), StoreError> {
        let operation = "change a provider";
        let client = self.client(operation).await?;
        let (kept, replaced) = (
            "UPDATE sign_in_providers SET config = $3, revision = revision + 1, updated_at = now() WHERE id = $1 AND revision = $2",
            "UPDATE sign_in_providers SET config = $3, sealed_secret = $4, revision = revision + 1, updated_at = now()
             WHERE id = $1 AND revision = $2",
        );
        let changed = match sealed_secret {
            None => client.execute(kept, &[&id, &revision, &Json(config)]).await,
            Some(secret) => client.execute(replaced, &[&id, &revision, &Json(config), &secret]).await,
        };
        match changed.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::Changed { operation }),
            _ => Ok(()),
        }
    }

    /// Deletes a provider. Accounts that people have added stay, for a provider of the same issuer.
    pub async fn delete_sign_in_provider(&self, id: Uuid) -> Result<(), StoreError> {
        let operation = "delete a provider";
        let client = self.client(operation).await?;
        let deleted = client.execute("DELETE FROM sign_in_providers WHERE id = $1", &[&id]).await;
        match deleted.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::NotFound { operation }),
            _ => Ok(()),
        }
    }

    /// Remembers a browser that is sent to a provider, for ten minutes. Where too many are under way, those that began first make room:
    /// whoever begins and never ends keeps nobody out.
    pub async fn begin_sign_in(
        &self,
        state_hash: &[u8],
        browser_hash: &[u8],
        provider: Uuid,
        user: Option<UserId>,
    ) -> Result<(), StoreError> {
        let operation = "begin to sign in";
        let client = self.client(operation).await?;
        let sql = "WITH gone AS (DELETE FROM sign_in_attempts WHERE expires_at < now() OR state_hash IN (
                SELECT state_hash FROM sign_in_attempts ORDER BY expires_at DESC OFFSET $5))
            INSERT INTO sign_in_attempts (state_hash, browser_hash, provider_id, user_id) VALUES ($1, $2, $3, $4)";
        let user = user.map(|user| user.0);
        let values: [&(dyn ToSql + Sync); 5] = [&state_hash, &browser_hash, &provider, &user, &(MOST_ATTEMPTS - 1)];
        client.execute(sql, &values).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// Ends an attempt, once: in the browser that it began in, within ten minutes.
    pub async fn end_sign_in(
        &self,
        state_hash: &[u8],
        browser_hash: &[u8],
    ) -> Result<Option<ReturnedBrowser>, StoreError> {
        let operation = "sign in";
        let client = self.client(operation).await?;
        let sql = format!(
            "WITH ended AS (DELETE FROM sign_in_attempts WHERE state_hash = $1 AND browser_hash = $2 AND expires_at > now()
                 RETURNING provider_id, user_id)
             SELECT {COLUMNS}, e.user_id FROM ended e JOIN sign_in_providers p ON p.id = e.provider_id"
        );
        let row = client.query_opt(&sql, &[&state_hash, &browser_hash]).await.map_err(StoreError::of(operation))?;
        row.map(|row| {
            let user = row.get::<_, Option<Uuid>>(5).map(UserId);
            Ok(ReturnedBrowser { provider: provider(operation, &row)?, user })
        })
        .transpose()
    }

    /// Finds or makes the account of whom a provider vouches for, and brings their groups up to date.
    pub async fn sign_in(&self, vouched: &Vouched<'_>) -> Result<SignedIn, StoreError> {
        let operation = "sign in";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let sql = format!(
            "UPDATE sign_in_accounts a SET used_at = now(), email = $3 FROM users u
             WHERE a.issuer = $1 AND a.subject = $2 AND u.id = a.user_id RETURNING {USER_COLUMNS}"
        );
        let known = transaction.query_opt(&sql, &[&vouched.issuer, &vouched.subject, &vouched.email]).await;
        let signed_in = match known.map_err(StoreError::of(operation))?.as_ref().map(user) {
            Some(known) if known.disabled => return Ok(SignedIn::Disabled),
            Some(known) => SignedIn::Known(known),
            None => join(operation, &transaction, vouched).await?,
        };
        if let SignedIn::Known(user) | SignedIn::Joined(user) = &signed_in {
            regroup(operation, &transaction, user.id, vouched.groups).await?;
        }
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(signed_in)
    }

    /// Adds an account at a provider to somebody's own; whether it is theirs now: it may be another's already.
    pub async fn link_sign_in(
        &self,
        person: UserId,
        issuer: &str,
        subject: &str,
        email: &str,
    ) -> Result<bool, StoreError> {
        let operation = "add an account";
        let client = self.client(operation).await?;
        let sql = "INSERT INTO sign_in_accounts (issuer, subject, user_id, email) VALUES ($1, $2, $3, $4)
            ON CONFLICT (issuer, subject) DO UPDATE SET email = $4 WHERE sign_in_accounts.user_id = $3";
        let linked = client.execute(sql, &[&issuer, &subject, &person.0, &email]).await;
        Ok(linked.map_err(StoreError::of(operation))? > 0)
    }

    /// The accounts that somebody signs in with.
    pub async fn sign_in_accounts(&self, person: UserId) -> Result<Vec<SignInAccount>, StoreError> {
        let operation = "list accounts";
        let client = self.client(operation).await?;
        let sql = "SELECT issuer, subject, email, linked_at, used_at FROM sign_in_accounts WHERE user_id = $1
            ORDER BY linked_at LIMIT 100";
        let rows = client.query(sql, &[&person.0]).await.map_err(StoreError::of(operation))?;
        let account = |row: &Row| SignInAccount {
            issuer: row.get(0),
            subject: row.get(1),
            email: row.get(2),
            linked_at: row.get(3),
            used_at: row.get(4),
        };
        Ok(rows.iter().map(account).collect())
    }

    /// Takes an account away from somebody.
    pub async fn unlink_sign_in(&self, person: UserId, issuer: &str, subject: &str) -> Result<(), StoreError> {
        let operation = "remove an account";
        let client = self.client(operation).await?;
        let sql = "DELETE FROM sign_in_accounts WHERE user_id = $1 AND issuer = $2 AND subject = $3";
        match client.execute(sql, &[&person.0, &issuer, &subject]).await.map_err(StoreError::of(operation))? {
            0 => Err(StoreError::NotFound { operation }),
            _ => Ok(()),
        }
    }

    /// Whether people who are no administrators may log in with a password.
    pub async fn passwords_are_for_all(&self) -> Result<bool, StoreError> {
        let operation = "read who may use a password";
        let client = self.client(operation).await?;
        let sql = "SELECT value = 'false' FROM (SELECT value::text FROM settings WHERE key = 'passwords-for-all') s";
        let row = client.query_opt(sql, &[]).await.map_err(StoreError::of(operation))?;
        Ok(!row.is_some_and(|row| row.get(0)))
    }

    /// Says whether they may.
    pub async fn set_passwords_for_all(&self, are: bool) -> Result<(), StoreError> {
        let operation = "say who may use a password";
        let client = self.client(operation).await?;
        let sql = "INSERT INTO settings (key, value) VALUES ('passwords-for-all', $1)
            ON CONFLICT (key) DO UPDATE SET value = $1";
        client.execute(sql, &[&Json(are)]).await.map(|_| ()).map_err(StoreError::of(operation))
    }
}

async fn join(
    operation: &'static str,
    transaction: &Transaction<'_>,
    vouched: &Vouched<'_>,
) -> Result<SignedIn, StoreError> {
    let taken = "SELECT FROM users WHERE lower(email) = lower($1)";
    let taken = transaction.query_opt(taken, &[&vouched.email]).await.map_err(StoreError::of(operation))?;
    if taken.is_some() {
        return Ok(SignedIn::AddressTaken);
    }
    if !vouched.may_join {
        return Ok(SignedIn::Unknown);
    }
    let sql = format!(
        "INSERT INTO users AS u (id, email, name, is_admin) VALUES ($1, $2, $3, false) RETURNING {USER_COLUMNS}"
    );
    let made = transaction.query_one(&sql, &[&UserId::new().0, &vouched.email, &vouched.name]).await;
    let made = user(&made.map_err(StoreError::of(operation))?);
    let sql = "INSERT INTO sign_in_accounts (issuer, subject, user_id, email, used_at) VALUES ($1, $2, $3, $4, now())";
    let values: [&(dyn ToSql + Sync); 4] = [&vouched.issuer, &vouched.subject, &made.id.0, &vouched.email];
    transaction.execute(sql, &values).await.map_err(StoreError::of(operation))?;
    Ok(SignedIn::Joined(made))
}

/// Joins and leaves the groups that a provider decides about.
async fn regroup(
    operation: &'static str,
    transaction: &Transaction<'_>,
    person: UserId,
    (decided, theirs): (&[&str], &[&str]),
) -> Result<(), StoreError> {
    if decided.is_empty() {
        return Ok(());
    }
    let leave = "DELETE FROM group_members m USING groups g
        WHERE g.id = m.group_id AND m.user_id = $1 AND g.name = ANY($2) AND NOT g.name = ANY($3)";
    transaction.execute(leave, &[&person.0, &decided, &theirs]).await.map_err(StoreError::of(operation))?;
    let join = "INSERT INTO group_members (group_id, user_id) SELECT g.id, $1 FROM groups g WHERE g.name = ANY($2)
        ON CONFLICT DO NOTHING";
    transaction.execute(join, &[&person.0, &theirs]).await.map(|_| ()).map_err(StoreError::of(operation))
}
