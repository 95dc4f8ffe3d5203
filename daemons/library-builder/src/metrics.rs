//! What this daemon counts.

use bulkhead_daemon_kit::MetricsRegistry;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

/// How a build ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ended {
    outcome: String,
}

/// The metrics of library-builder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    builds: Family<Ended, Counter>,
    pub(crate) running: Gauge,
    pub(crate) downloads: Counter,
}

impl Metrics {
    /// Adds them to the daemon's registry.
    pub(crate) fn register(registry: &mut MetricsRegistry) -> Self {
        let metrics = Self::default();
        registry.register(
            "bulkhead_library_builds",
            "Builds by outcome: built, present (it was there already), or the kind of failure",
            metrics.builds.clone(),
        );
        registry.register("bulkhead_library_builds_running", "Builds that go on or wait", metrics.running.clone());
        registry.register("bulkhead_library_downloads", "Archives that were downloaded", metrics.downloads.clone());
        metrics
    }

    /// A build ended so.
    pub(crate) fn count(&self, outcome: &str) {
        self.builds.get_or_create(&Ended { outcome: outcome.to_owned() }).inc();
    }
}
