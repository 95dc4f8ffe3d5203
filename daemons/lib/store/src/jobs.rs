//! Background work of jobs-runner: who works, and what is swept.

use crate::{Database, StoreError};

/// Held, for as long as its connection lives, by the one jobs-runner that works.
const LEADER_LOCK: i64 = 0x6275_6c6b_6a6f_6273;

/// Proof of being the one that works. The lock belongs to the connection inside: when that dies, so does the claim, and
/// PostgreSQL lets the next one have it.
#[derive(Debug)]
pub struct Leadership {
    client: tokio_postgres::Client,
}

impl Leadership {
    pub(crate) fn client(&self) -> &tokio_postgres::Client {
        &self.client
    }

    /// Whether the claim still holds.
    pub async fn holds(&self) -> bool {
        self.client.simple_query("SELECT 1").await.is_ok()
    }
}

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sessions that had expired.
    pub sessions: u64,
    /// Tokens that expired three months ago.
    pub tokens: u64,
    /// One-time links that had expired or were used a month ago.
    pub links: u64,
    /// Outbox entries that were sent a day ago.
    pub outbox: u64,
}

impl Database {
    /// Claims to be the one that works; `None` while another does.
    pub async fn claim_leadership(&self) -> Result<Option<Leadership>, StoreError> {
        let operation = "claim the background jobs";
        let unavailable = |source| StoreError::Unavailable { operation, source: Box::new(source) };
        let (client, connection) = self.connector().connect().await.map_err(unavailable)?;
        tokio::spawn(connection);
        let row = client.query_one("SELECT pg_try_advisory_lock($1)", &[&LEADER_LOCK]).await;
        let claimed: bool = row.map_err(StoreError::of(operation))?.get(0);
        Ok(claimed.then_some(Leadership { client }))
    }

    /// Removes what has served its time. Runs on the leader's own connection, so that one that lost the claim changes nothing.
    pub async fn sweep(&self, leadership: &Leadership) -> Result<Swept, StoreError> {
        let operation = "sweep";
        let run = async |sql: &str| leadership.client.execute(sql, &[]).await.map_err(StoreError::of(operation));
        Ok(Swept {
            sessions: run("DELETE FROM sessions WHERE expires_at < now()").await?,
            tokens: run("DELETE FROM api_tokens WHERE expires_at < now() - interval '90 days'").await?,
            links: run("DELETE FROM one_time_links WHERE expires_at < now() - interval '30 days'").await?,
            outbox: run("DELETE FROM run_outbox WHERE sent_at < now() - interval '1 day'").await?,
        })
    }
}
