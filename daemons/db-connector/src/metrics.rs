//! What this daemon counts.

use bulkhead_daemon_kit::MetricsRegistry;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

/// How a query ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    code: String,
}

/// The metrics of db-connector.
#[derive(Clone, Debug)]
pub struct Metrics {
    queries: Family<Outcome, Counter>,
    duration: Histogram,
}

impl Metrics {
    /// Adds them to the daemon's registry.
    pub fn register(registry: &mut MetricsRegistry) -> Self {
        let metrics =
            Self { queries: Family::default(), duration: Histogram::new(exponential_buckets(0.0005, 2.0, 16)) };
        registry.register(
            "bulkhead_connector_queries",
            "Queries by outcome: ok, or the problem's code",
            metrics.queries.clone(),
        );
        registry.register(
            "bulkhead_connector_first_row_seconds",
            "From request to first row",
            metrics.duration.clone(),
        );
        metrics
    }

    /// A query ended with this code.
    pub(crate) fn count(&self, code: &str) {
        self.queries.get_or_create(&Outcome { code: code.to_owned() }).inc();
    }

    /// A query showed its first row after this long.
    pub(crate) fn first_row(&self, seconds: f64) {
        self.duration.observe(seconds);
    }
}
