//! What this daemon counts and times.

use bulkhead_daemon_kit::MetricsRegistry;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use tokio::time::Instant;

/// Where the time of a step goes.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Labels {
    stage: &'static str,
}

/// The metrics. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    stages: Family<Labels, Histogram, fn() -> Histogram>,
    sent: Counter,
    finished_at_once: Counter,
    handed_over: Counter,
    restarted: Counter,
}

impl Metrics {
    /// Adds them to the daemon's registry.
    pub(crate) fn register(registry: &mut MetricsRegistry) -> Self {
        // From a third of a millisecond to eleven minutes.
        let histogram: fn() -> Histogram = || Histogram::new(exponential_buckets(0.000_33, 2.0, 21));
        let metrics = Self {
            stages: Family::new_with_constructor(histogram),
            sent: Counter::default(),
            finished_at_once: Counter::default(),
            handed_over: Counter::default(),
            restarted: Counter::default(),
        };
        registry.register(
            "bulkhead_worker_stage_seconds",
            "Seconds by stage: step (all of a first step), load (what is known of a run), code, act (queries, requests and the like), store",
            metrics.stages.clone(),
        );
        for (name, help, counter) in [
            ("bulkhead_worker_outbox_sent", "Entries of the outbox that were sent on, or need not be", &metrics.sent),
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

    /// Does some of a step and times it.
    pub(crate) async fn timed<T>(&self, stage: &'static str, work: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let done = work.await;
        self.stages.get_or_create(&Labels { stage }).observe(began.elapsed().as_secs_f64());
        done
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
