//! What this daemon counts.

use bulkhead_daemon_kit::MetricsRegistry;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// How a call was answered.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answer {
    answer: &'static str,
}

/// The metrics of workflows-backend.
#[derive(Clone, Debug)]
pub struct Metrics {
    calls: Family<Answer, Counter>,
}

impl Metrics {
    /// Adds them to the daemon's registry.
    pub fn register(registry: &mut MetricsRegistry) -> Self {
        let metrics = Self { calls: Family::default() };
        registry.register(
            "bulkhead_backend_calls",
            "Calls by answer: made, attached, stored, unknown",
            metrics.calls.clone(),
        );
        metrics
    }

    /// A call was answered in this way.
    pub(crate) fn count(&self, answer: &'static str) {
        self.calls.get_or_create(&Answer { answer }).inc();
    }
}
