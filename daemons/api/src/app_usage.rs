//! How much apps are used: counted in memory, written down every few seconds, so that an open or a query waits for nothing.
//!
//! It counts for a day and an app, and never who it was. What was counted since the last writing is lost when the daemon is killed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulkhead_model::AppId;
use bulkhead_store::Database;
use bulkhead_store::app_life::UsageCount;
use tokio_util::sync::CancellationToken;

const INTERVAL: Duration = Duration::from_secs(10);

type Counts = Arc<Mutex<HashMap<AppId, UsageCount>>>;

/// The counters.
#[derive(Clone, Debug, Default)]
pub(crate) struct UsageCounter(Counts);

impl UsageCounter {
    /// Starts the task that writes; it ends with the daemon, after a last time.
    pub(crate) fn start(database: Database, shutdown: CancellationToken) -> Self {
        let counter = Self::default();
        let written = counter.clone();
        tokio::spawn(async move {
            loop {
                let is_last = tokio::select! {
                    () = tokio::time::sleep(INTERVAL) => false,
                    () = shutdown.cancelled() => true,
                };
                written.write(&database).await;
                if is_last {
                    return;
                }
            }
        });
        counter
    }

    /// Somebody opened a released app.
    pub(crate) fn opened(&self, app: AppId) {
        self.add(app, UsageCount { opens: 1, query_runs: 0 });
    }

    /// Somebody ran a query of a released app.
    pub(crate) fn ran_query(&self, app: AppId) {
        self.add(app, UsageCount { opens: 0, query_runs: 1 });
    }

    fn add(&self, app: AppId, more: UsageCount) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(app).or_default();
        count.opens += more.opens;
        count.query_runs += more.query_runs;
    }

    async fn write(&self, database: &Database) {
        let counts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if counts.is_empty() {
            return;
        }
        let mut counts: Vec<(AppId, UsageCount)> = counts.into_iter().collect();
        // Two daemons that write at once take the rows in the same order.
        counts.sort_by_key(|(app, _)| app.0);
        if let Err(error) = database.count_app_usage(&counts).await {
            // Whether it was written is not known: a second time might count twice.
            tracing::warn!("the usage of {} apps was not counted: {error}", counts.len());
        }
    }
}
