//! What this daemon counts.

use std::sync::atomic::AtomicU64;

use bulkhead_daemon_kit::MetricsRegistry;
use bulkhead_model::run::RunStatus;
use bulkhead_store::queues::QueueState;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use time::OffsetDateTime;

/// How a call was answered.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answer {
    answer: &'static str,
}

/// How a run stands, or how it ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Status {
    status: &'static str,
}

/// What came of the trace of a run.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// The metrics of workflows-backend.
#[derive(Clone, Debug)]
pub struct Metrics {
    calls: Family<Answer, Counter>,
    ended: Family<Status, Counter>,
    runs: Family<Status, Gauge>,
    oldest: Gauge<f64, AtomicU64>,
    traces: Family<Outcome, Counter>,
}

impl Metrics {
    /// Adds them to the daemon's registry.
    pub fn register(registry: &mut MetricsRegistry) -> Self {
        let metrics = Self {
            calls: Family::default(),
            ended: Family::default(),
            runs: Family::default(),
            oldest: Gauge::default(),
            traces: Family::default(),
        };
        registry.register("bulkhead_backend_runs_ended", "Runs that ended, by status", metrics.ended.clone());
        registry.register(
            "bulkhead_backend_runs",
            "Runs that have not ended, on all machines: queued, held (their workflow is paused or at its limit), running, waiting",
            metrics.runs.clone(),
        );
        registry.register(
            "bulkhead_backend_queue_oldest_seconds",
            "For how long the oldest run has been queued or held; 0 where none is",
            metrics.oldest.clone(),
        );
        registry.register(
            "bulkhead_backend_calls",
            "Calls by answer: made, attached, stored, unknown",
            metrics.calls.clone(),
        );
        registry.register(
            "bulkhead_backend_traces",
            "Traces of runs by outcome: sent, refused (by the collector), given-up (none took them in time)",
            metrics.traces.clone(),
        );
        metrics
    }

    /// This came of so many traces.
    pub(crate) fn traces(&self, outcome: &'static str, count: u64) {
        self.traces.get_or_create(&Outcome { outcome }).inc_by(count);
    }

    /// A run has ended so.
    pub(crate) fn ended(&self, status: RunStatus) {
        self.ended.get_or_create(&Status { status: status.as_str() }).inc();
    }

    /// The queue was looked at.
    pub(crate) fn queue(&self, state: &QueueState) {
        let counts =
            [("queued", state.queued), ("held", state.held), ("running", state.running), ("waiting", state.waiting)];
        for (status, count) in counts {
            self.runs.get_or_create(&Status { status }).set(count);
        }
        let age = state.oldest.map_or(time::Duration::ZERO, |oldest| OffsetDateTime::now_utc() - oldest);
        self.oldest.set(age.as_seconds_f64().max(0.0));
    }

    /// A call was answered in this way.
    pub(crate) fn count(&self, answer: &'static str) {
        self.calls.get_or_create(&Answer { answer }).inc();
    }
}
