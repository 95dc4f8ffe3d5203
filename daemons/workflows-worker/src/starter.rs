//! The starter sends what is in the outbox to Temporal; the reconciler starts again what Temporal has lost.
//!
//! Both may do a thing twice and nothing happens twice: a run's id is its Temporal workflow's id, and the journal knows what is
//! done. An entry is marked as sent only after Temporal has accepted it.

use std::time::Duration;

use bulkhead_daemon_kit::MetricsRegistry;
use bulkhead_store::outbox::EntryKind;
use bulkhead_store::runs::OUTBOX_CHANNEL;
use bulkhead_store::{Database, Notifications, StoreError};
use bulkhead_temporal_engine::{Engine, EngineError};
use futures_util::{StreamExt, stream};
use prometheus_client::metrics::counter::Counter;
use thiserror::Error;

/// A notification may be lost; this long at most is then lost with it.
const POLL: Duration = Duration::from_secs(2);
/// Entries read at once.
const BATCH: i64 = 200;
/// Entries sent at once: each waits for Temporal's disk.
const AT_ONCE: usize = 32;
/// Younger runs are on their way: their start was sent a moment ago.
const GRACE: Duration = Duration::from_secs(20);

/// What this daemon counts.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    sent: Counter,
    restarted: Counter,
}

impl Metrics {
    /// Adds them to the daemon's registry.
    pub(crate) fn register(registry: &mut MetricsRegistry) -> Self {
        let metrics = Self { sent: Counter::default(), restarted: Counter::default() };
        registry.register(
            "bulkhead_worker_outbox_sent",
            "Entries of the outbox that Temporal accepted",
            metrics.sent.clone(),
        );
        registry.register("bulkhead_worker_runs_restarted", "Runs that Temporal had lost", metrics.restarted.clone());
        metrics
    }
}

#[derive(Debug, Error)]
enum StarterError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Both, in one task each.
#[derive(Debug)]
pub(crate) struct Starter {
    database: Database,
    engine: Engine,
    metrics: Metrics,
    reconcile_interval: Duration,
}

impl Starter {
    pub(crate) fn new(database: Database, engine: Engine, metrics: Metrics, reconcile_interval: Duration) -> Self {
        Self { database, engine, metrics, reconcile_interval }
    }

    /// Works for ever.
    pub(crate) async fn run(self) {
        tokio::join!(self.send_outbox(), self.reconcile());
    }

    async fn send_outbox(&self) {
        let notifications = Notifications::listen(&self.database, OUTBOX_CHANNEL);
        let mut announced = notifications.subscribe();
        loop {
            match self.send_batch().await {
                // A full batch: there is more.
                Ok(sent) if sent == BATCH as usize => continue,
                Ok(_) => {}
                Err(StarterError::Engine(EngineError::NotConnected)) => {}
                Err(error) => tracing::warn!("the outbox was not sent and stays: {error}"),
            }
            // Any word is a reason to look; silence too, after a while.
            let _ = tokio::time::timeout(POLL, announced.recv()).await;
        }
    }

    async fn send_batch(&self) -> Result<usize, StarterError> {
        let entries = self.database.unsent(BATCH).await?;
        // In any order: a run that is to be cancelled is started for it, and one that is started twice is started once.
        let outcomes: Vec<_> = stream::iter(&entries)
            .map(async |entry| {
                let run = entry.run.to_string();
                let outcome = match entry.kind {
                    EntryKind::Start => self.engine.start(&run).await,
                    EntryKind::Cancel => self.cancel(&run).await,
                    EntryKind::Wake => self.engine.wake(&run).await,
                };
                outcome.map(|()| entry.id)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let (mut sent, mut failure) = (Vec::with_capacity(entries.len()), None);
        for outcome in outcomes {
            match outcome {
                Ok(id) => sent.push(id),
                Err(error) => failure = Some(error),
            }
        }
        if !sent.is_empty() {
            self.database.mark_sent(&sent).await?;
            self.metrics.sent.inc_by(sent.len() as u64);
        }
        failure.map_or(Ok(entries.len()), |error| Err(error.into()))
    }

    /// Cancels a run. One that Temporal has lost is started for it: only its workflow stores that it was cancelled.
    async fn cancel(&self, run: &str) -> Result<(), EngineError> {
        if !self.engine.cancel(run).await? {
            self.engine.start(run).await?;
            self.engine.cancel(run).await?;
        }
        Ok(())
    }

    async fn reconcile(&self) {
        loop {
            match self.restart_lost().await {
                Ok(0) | Err(StarterError::Engine(EngineError::NotConnected)) => {}
                Ok(count) => tracing::warn!("{count} runs that Temporal had lost were started again"),
                Err(error) => tracing::warn!("looking for lost runs failed: {error}"),
            }
            tokio::time::sleep(self.reconcile_interval).await;
        }
    }

    async fn restart_lost(&self) -> Result<usize, StarterError> {
        let (mut restarted, mut after) = (0, None);
        loop {
            let runs = self.database.unfinished_runs(GRACE, after, BATCH).await?;
            let Some(last) = runs.last() else { return Ok(restarted) };
            after = Some(*last);
            for run in runs {
                let id = run.to_string();
                if !self.engine.is_driving(&id).await? {
                    self.engine.start(&id).await?;
                    if self.database.cancel_requested(run).await? {
                        self.engine.cancel(&id).await?;
                    }
                    self.metrics.restarted.inc();
                    restarted += 1;
                }
            }
        }
    }
}
