//! Second factors: sealed secrets of codes by time, recovery codes, and for whom one is required.

use bulkhead_model::UserId;
use deadpool_postgres::GenericClient;
use time::OffsetDateTime;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::identity::User;
use crate::{Database, StoreError};

/// Minutes within which the first code has to be entered.
const ENROLMENT_MINUTES: i32 = 15;

/// For whom a second factor is required who logs in with a password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequiredFor {
    /// It is up to each person.
    #[default]
    Nobody,
    /// Administrators.
    Administrators,
    /// All.
    Everybody,
}

impl RequiredFor {
    /// Whether it is required for them.
    pub fn includes(self, user: &User) -> bool {
        match self {
            Self::Nobody => false,
            Self::Administrators => user.is_admin,
            Self::Everybody => true,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Administrators => "administrators",
            Self::Everybody => "everybody",
        }
    }
}

/// Somebody's second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    /// The id, which its secret is sealed to.
    pub id: Uuid,
    /// When a code has shown that they have it.
    pub confirmed_at: OffsetDateTime,
    /// Recovery codes that were not used yet.
    pub recovery_codes: i64,
}

impl Database {
    /// The second factor of a person, if they have one.
    pub async fn second_factor(&self, user: UserId) -> Result<Option<SecondFactor>, StoreError> {
        let operation = "read a second factor";
        let client = self.client(operation).await?;
        let sql = "SELECT f.id, f.confirmed_at, (SELECT count(*) FROM recovery_codes r WHERE r.user_id = f.user_id)
            FROM second_factors f WHERE f.user_id = $1 AND f.confirmed_at IS NOT NULL";
        let row = client.query_opt(sql, &[&user.0]).await.map_err(StoreError::of(operation))?;
        Ok(row.map(|row| SecondFactor { id: row.get(0), confirmed_at: row.get(1), recovery_codes: row.get(2) }))
    }

    /// Who has a second factor.
    pub async fn users_with_second_factor(&self) -> Result<Vec<UserId>, StoreError> {
        let operation = "list second factors";
        let client = self.client(operation).await?;
        let sql = "SELECT user_id FROM second_factors WHERE confirmed_at IS NOT NULL";
        let rows = client.query(sql, &[]).await.map_err(StoreError::of(operation))?;
        Ok(rows.iter().map(|row| UserId(row.get(0))).collect())
    }

    /// Begins to give a person a second factor, in place of one that was begun earlier. The one that they have stays until a code confirms
    /// this one.
    pub async fn begin_second_factor(&self, id: Uuid, user: UserId, sealed: &str) -> Result<(), StoreError> {
        let operation = "begin a second factor";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let old = "DELETE FROM second_factors WHERE user_id = $1 AND confirmed_at IS NULL";
        transaction.execute(old, &[&user.0]).await.map_err(StoreError::of(operation))?;
        let sql = "INSERT INTO second_factors (id, user_id, sealed) VALUES ($1, $2, $3)";
        transaction.execute(sql, &[&id, &user.0, &sealed]).await.map_err(StoreError::of(operation))?;
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    /// The second factor of a person that waits for its first code.
    pub async fn begun_second_factor(&self, user: UserId) -> Result<Option<Uuid>, StoreError> {
        let operation = "read a second factor";
        let client = self.client(operation).await?;
        let sql = "SELECT id FROM second_factors WHERE user_id = $1 AND confirmed_at IS NULL
            AND created_at > now() - make_interval(mins => $2)";
        let row = client.query_opt(sql, &[&user.0, &ENROLMENT_MINUTES]).await.map_err(StoreError::of(operation))?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Makes a begun second factor the one that a person has, with the step of the code that showed it and with new recovery codes.
    pub async fn confirm_second_factor(
        &self,
        user: UserId,
        id: Uuid,
        step: i64,
        recovery: &[Vec<u8>],
    ) -> Result<(), StoreError> {
        let operation = "confirm a second factor";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let old = "DELETE FROM second_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL";
        transaction.execute(old, &[&user.0]).await.map_err(StoreError::of(operation))?;
        let sql = "UPDATE second_factors SET confirmed_at = now(), last_step = $3
            WHERE id = $2 AND user_id = $1 AND confirmed_at IS NULL";
        let confirmed = transaction.execute(sql, &[&user.0, &id, &step]).await.map_err(StoreError::of(operation))?;
        if confirmed == 0 {
            return Err(StoreError::NotFound { operation });
        }
        put_recovery_codes(operation, &transaction, user, recovery).await?;
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    /// Uses the code of a step: false when it, or a later one, was used before. Of two at once one gets true.
    pub async fn use_second_factor(&self, id: Uuid, step: i64) -> Result<bool, StoreError> {
        let operation = "use a second factor";
        let client = self.client(operation).await?;
        let sql = "UPDATE second_factors SET last_step = $2 WHERE id = $1 AND last_step < $2";
        client.execute(sql, &[&id, &step]).await.map(|used| used > 0).map_err(StoreError::of(operation))
    }

    /// Uses a recovery code: false when there is none of that hash. Of two at once one gets true.
    pub async fn use_recovery_code(&self, user: UserId, code_hash: &[u8]) -> Result<bool, StoreError> {
        let operation = "use a recovery code";
        let client = self.client(operation).await?;
        let sql = "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2";
        client.execute(sql, &[&user.0, &code_hash]).await.map(|used| used > 0).map_err(StoreError::of(operation))
    }

    /// Replaces the recovery codes of a person who has a second factor.
    pub async fn replace_recovery_codes(&self, user: UserId, hashes: &[Vec<u8>]) -> Result<(), StoreError> {
        let operation = "replace recovery codes";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        put_recovery_codes(operation, &transaction, user, hashes).await?;
        transaction.commit().await.map_err(StoreError::of(operation))
    }

    /// Takes the second factor of a person away, with its recovery codes; whether there was one.
    pub async fn remove_second_factor(&self, user: UserId) -> Result<bool, StoreError> {
        let operation = "remove a second factor";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        let removed = remove_factor(operation, &transaction, user.0).await?;
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(removed)
    }

    /// For whom a second factor is required.
    pub async fn second_factor_required_for(&self) -> Result<RequiredFor, StoreError> {
        let operation = "read for whom a second factor is required";
        let client = self.client(operation).await?;
        let sql = "SELECT value FROM settings WHERE key = 'second-factor-required-for'";
        let row = client.query_opt(sql, &[]).await.map_err(StoreError::of(operation))?;
        let Some(row) = row else { return Ok(RequiredFor::default()) };
        let Json(word): Json<String> = row.get(0);
        let all = [RequiredFor::Nobody, RequiredFor::Administrators, RequiredFor::Everybody];
        let found = all.into_iter().find(|required| required.as_str() == word);
        found.ok_or_else(|| StoreError::bad_word(operation, &word))
    }

    /// Says for whom a second factor is required.
    pub async fn set_second_factor_required_for(&self, required: RequiredFor) -> Result<(), StoreError> {
        let operation = "say for whom a second factor is required";
        let client = self.client(operation).await?;
        let sql = "INSERT INTO settings (key, value) VALUES ('second-factor-required-for', $1)
            ON CONFLICT (key) DO UPDATE SET value = $1";
        client.execute(sql, &[&Json(required.as_str())]).await.map(|_| ()).map_err(StoreError::of(operation))
    }

    /// The sealed secret of a second factor; for workflows-backend.
    pub async fn sealed_second_factor(&self, id: Uuid) -> Result<String, StoreError> {
        let operation = "read a second factor";
        let client = self.client(operation).await?;
        let row = client.query_opt("SELECT sealed FROM second_factors WHERE id = $1", &[&id]).await;
        let row = row.map_err(StoreError::of(operation))?;
        row.map(|row| row.get(0)).ok_or(StoreError::NotFound { operation })
    }
}

async fn put_recovery_codes(
    operation: &'static str,
    client: &impl GenericClient,
    user: UserId,
    hashes: &[Vec<u8>],
) -> Result<(), StoreError> {
    let old = "DELETE FROM recovery_codes WHERE user_id = $1";
    client.execute(old, &[&user.0]).await.map_err(StoreError::of(operation))?;
    let sql = "INSERT INTO recovery_codes (user_id, code_hash) SELECT $1, unnest($2::bytea[])";
    client.execute(sql, &[&user.0, &hashes]).await.map(|_| ()).map_err(StoreError::of(operation))
}

/// Takes a second factor away as a part of more.
pub(crate) async fn remove_factor(
    operation: &'static str,
    client: &impl GenericClient,
    user: Uuid,
) -> Result<bool, StoreError> {
    let sql = "WITH codes AS (DELETE FROM recovery_codes WHERE user_id = $1)
        DELETE FROM second_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL";
    client.execute(sql, &[&user]).await.map(|removed| removed > 0).map_err(StoreError::of(operation))
}
