//! The chain of the audit trail: what was committed is numbered without a gap, and each record's hash covers the one before it.
//!
//! jobs-runner seals; whoever adds a record waits for nothing of it. A record that was changed, removed or put between others afterwards
//! breaks the chain where it stands. That the end was cut off shows by the hashes that jobs-runner writes to its log.

use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use crate::jobs::Leadership;
use crate::{Database, StoreError};

/// A link of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Its number: 1 is the first record that was ever sealed.
    pub number: i64,
    /// The hash over the record and the hash before it.
    pub hash: [u8; 32],
}

impl Seal {
    /// What comes before the first record.
    pub const NONE: Self = Self { number: 0, hash: [0; 32] };
}

/// Where the chain stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedUpTo {
    /// The last link.
    pub seal: Seal,
    /// The record that it is of.
    pub record: i64,
    /// When that happened.
    pub at: OffsetDateTime,
}

/// What became of a look at a part of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It holds up to this link; there are more.
    UpTo(Seal),
    /// It holds to its end. What is not sealed is counted, if it is older than a minute.
    ToTheEnd {
        /// The last link.
        last: Seal,
        /// Records that should have been sealed.
        late: i64,
    },
    /// It is broken.
    Broken(Break),
}

/// The first place where the chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Break {
    /// Records between these two numbers, both among them, are gone.
    Missing {
        /// The first.
        from: i64,
        /// The last.
        to: i64,
    },
    /// A record is not what was sealed: it, or the hash that stands with it, was changed.
    Changed {
        /// Its number in the chain.
        number: i64,
        /// Its id.
        record: i64,
        /// When it says that it happened.
        at: OffsetDateTime,
    },
}

const COLUMNS: &str =
    "id, at, user_id, actor, action, object_kind, object_id, detail::text, request_id, address, seal, hash";

/// The hash of a record that follows `before`. Each part counts with its length, so that nothing can move from one into another.
fn link(before: &[u8; 32], row: &Row) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(before);
    let mut add = |part: Option<&[u8]>| match part {
        None => hash.update([0]),
        Some(bytes) => {
            hash.update([1]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
    };
    let micros = row.get::<_, OffsetDateTime>(1).unix_timestamp_nanos() / 1_000;
    add(Some(&row.get::<_, i64>(0).to_be_bytes()));
    add(Some(&micros.to_be_bytes()));
    add(row.get::<_, Option<Uuid>>(2).as_ref().map(|id| &id.as_bytes()[..]));
    for column in [3, 4, 5] {
        add(row.get::<_, Option<&str>>(column).map(str::as_bytes));
    }
    add(row.get::<_, Option<Uuid>>(6).as_ref().map(|id| &id.as_bytes()[..]));
    for column in [7, 8, 9] {
        add(row.get::<_, Option<&str>>(column).map(str::as_bytes));
    }
    hash.finalize().into()
}

impl Database {
    /// Seals records that are committed and not sealed yet, at most `limit`; the last link, if there were any. For the one jobs-runner that
    /// works: it runs on the leader's own connection, and of two that try the same, one fails.
    pub async fn seal_audit(&self, leadership: &Leadership, limit: i64) -> Result<Option<(Seal, u64)>, StoreError> {
        let operation = "seal the audit trail";
        let client = leadership.client();
        // By id, but one that commits late is found all the same and comes after those that were faster.
        let sql = format!("SELECT {COLUMNS} FROM audit_log WHERE seal IS NULL ORDER BY id LIMIT $1");
        let rows = client.query(&sql, &[&limit]).await.map_err(StoreError::of(operation))?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut last = match sealed_up_to(operation, client).await? {
            Some(sealed) => sealed.seal,
            None => checkpoint(operation, client).await?,
        };
        let (mut ids, mut seals, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
        for row in &rows {
            last = Seal { number: last.number + 1, hash: link(&last.hash, row) };
            ids.push(row.get::<_, i64>(0));
            seals.push(last.number);
            hashes.push(last.hash.to_vec());
        }
        let sql = "UPDATE audit_log a SET seal = s.seal, hash = s.hash
            FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS s (id, seal, hash) WHERE a.id = s.id AND a.seal IS NULL";
        let sealed = client.execute(sql, &[&ids, &seals, &hashes]).await.map_err(StoreError::of(operation))?;
        Ok(Some((last, sealed)))
    }

    /// Where the chain stands; `None` before the first record was sealed.
    pub async fn audit_sealed_up_to(&self) -> Result<Option<SealedUpTo>, StoreError> {
        let operation = "read the audit trail's seals";
        let client = self.client(operation).await?;
        sealed_up_to(operation, &client).await
    }

    /// Where the chain begins: after the records that were deleted because of their age, if any were.
    pub async fn audit_checkpoint(&self) -> Result<Seal, StoreError> {
        let operation = "read the audit trail's seals";
        let client = self.client(operation).await?;
        checkpoint(operation, &client).await
    }

    /// The hash that stands with a number of the chain.
    pub async fn audit_hash(&self, number: i64) -> Result<Option<[u8; 32]>, StoreError> {
        let operation = "read the audit trail's seals";
        let client = self.client(operation).await?;
        let sql = "SELECT hash FROM audit_log WHERE seal = $1
            UNION ALL SELECT hash FROM audit_checkpoints WHERE seal = $1 LIMIT 1";
        let row = client.query_opt(sql, &[&number]).await.map_err(StoreError::of(operation))?;
        Ok(row.and_then(|row| row.get::<_, &[u8]>(0).try_into().ok()))
    }

    /// Checks the links after `after`, at most `limit`.
    pub async fn check_audit(&self, after: Seal, limit: i64) -> Result<Checked, StoreError> {
        let operation = "check the audit trail";
        let client = self.client(operation).await?;
        let sql = format!("SELECT {COLUMNS} FROM audit_log WHERE seal > $1 ORDER BY seal LIMIT $2");
        let rows = client.query(&sql, &[&after.number, &limit]).await.map_err(StoreError::of(operation))?;
        let mut last = after;
        for row in &rows {
            let number: i64 = row.get(10);
            if number != last.number + 1 {
                return Ok(Checked::Broken(Break::Missing { from: last.number + 1, to: number - 1 }));
            }
            let hash = link(&last.hash, row);
            if row.get::<_, Option<&[u8]>>(11) != Some(&hash[..]) {
                return Ok(Checked::Broken(Break::Changed { number, record: row.get(0), at: row.get(1) }));
            }
            last = Seal { number, hash };
        }
        if i64::try_from(rows.len()).is_ok_and(|count| count == limit) {
            return Ok(Checked::UpTo(last));
        }
        let late = "SELECT count(*) FROM audit_log WHERE seal IS NULL AND at < now() - interval '1 minute'";
        let row = client.query_one(late, &[]).await.map_err(StoreError::of(operation))?;
        Ok(Checked::ToTheEnd { last, late: row.get(0) })
    }

    /// Deletes sealed records that are older than so many days, at most `limit`; how many. The chain begins after them from then on, and the
    /// last one stays in it always.
    pub async fn delete_old_audit(&self, days: i32, limit: i64) -> Result<u64, StoreError> {
        let operation = "delete old audit records";
        let mut client = self.client(operation).await?;
        let transaction = client.transaction().await.map_err(StoreError::of(operation))?;
        // Up to the first that is young: records were not sealed in the order of their time alone.
        let sql = "SELECT seal, hash FROM audit_log WHERE seal < least(
                (SELECT min(seal) FROM audit_log WHERE seal IS NOT NULL) + $2,
                coalesce((SELECT min(seal) FROM audit_log WHERE seal IS NOT NULL AND at >= now() - make_interval(days => $1)), 9223372036854775807),
                (SELECT max(seal) FROM audit_log))
            ORDER BY seal DESC LIMIT 1";
        let row = transaction.query_opt(sql, &[&days, &limit]).await.map_err(StoreError::of(operation))?;
        let Some(row) = row else { return Ok(0) };
        let (number, hash): (i64, &[u8]) = (row.get(0), row.get(1));
        let sql = "WITH older AS (DELETE FROM audit_checkpoints)
            INSERT INTO audit_checkpoints (seal, hash) VALUES ($1, $2)";
        transaction.execute(sql, &[&number, &hash]).await.map_err(StoreError::of(operation))?;
        let deleted = transaction.execute("DELETE FROM audit_log WHERE seal <= $1", &[&number]).await;
        let deleted = deleted.map_err(StoreError::of(operation))?;
        transaction.commit().await.map_err(StoreError::of(operation))?;
        Ok(deleted)
    }
}

async fn sealed_up_to(operation: &'static str, client: &Client) -> Result<Option<SealedUpTo>, StoreError> {
    let sql = "SELECT seal, hash, id, at FROM audit_log WHERE seal IS NOT NULL ORDER BY seal DESC LIMIT 1";
    let row = client.query_opt(sql, &[]).await.map_err(StoreError::of(operation))?;
    row.map(|row| Ok(SealedUpTo { seal: seal(operation, &row)?, record: row.get(2), at: row.get(3) })).transpose()
}

async fn checkpoint(operation: &'static str, client: &Client) -> Result<Seal, StoreError> {
    let sql = "SELECT seal, hash FROM audit_checkpoints ORDER BY seal DESC LIMIT 1";
    let row = client.query_opt(sql, &[]).await.map_err(StoreError::of(operation))?;
    row.map_or(Ok(Seal::NONE), |row| seal(operation, &row))
}

fn seal(operation: &'static str, row: &Row) -> Result<Seal, StoreError> {
    let hash = row.get::<_, Option<&[u8]>>(1).unwrap_or_default().try_into();
    Ok(Seal { number: row.get(0), hash: hash.map_err(StoreError::damaged(operation))? })
}
