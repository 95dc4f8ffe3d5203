//! What this daemon counts.

use bulkhead_daemon_kit::MetricsRegistry;
use prometheus_client::metrics::counter::Counter;

/// The counters. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    sent: Counter,
    finished_at_once: Counter,
    handed_over: Counter,
    restarted: Counter,
}

impl Metrics {
    /// Adds them to the daemon's registry.
    pub(crate) fn register(registry: &mut MetricsRegistry) -> Self {
        let metrics = Self::default();
        for (name, help, counter) in [
            ("bulkhead_worker_outbox_sent", "Entries of the outbox that are done with", &metrics.sent),
            (
                "bulkhead_worker_runs_finished_at_once",
                "Runs that ended with their first step",
                &metrics.finished_at_once,
            ),
            ("bulkhead_worker_runs_handed_over", "Runs that Temporal took over", &metrics.handed_over),
            ("bulkhead_worker_runs_restarted", "Runs that Temporal had lost", &metrics.restarted),
        ] {
            registry.register(name, help, counter.clone());
        }
        metrics
    }

    pub(crate) fn sent(&self, entries: usize) {
        self.sent.inc_by(entries as u64);
    }

    pub(crate) fn finished_at_once(&self) {
        self.finished_at_once.inc();
    }

    pub(crate) fn handed_over(&self) {
        self.handed_over.inc();
    }

    pub(crate) fn restarted(&self) {
        self.restarted.inc();
    }
}
