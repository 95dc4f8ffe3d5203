//! What the control socket's `/metrics` shows of this daemon.

use bulkhead_daemon_kit::MetricsRegistry;
use prometheus_client::metrics::counter::Counter;

/// The daemon's counters.
#[derive(Clone, Debug, Default)]
pub(crate) struct ApiMetrics {
    /// Requests answered.
    pub(crate) requests: Counter,
    /// Requests answered with a status of 500 or more.
    pub(crate) failures: Counter,
    /// Queries handed to db-connector.
    pub(crate) queries: Counter,
    /// Runs started, by whatever trigger.
    pub(crate) runs_started: Counter,
    /// Log-ins refused.
    pub(crate) logins_refused: Counter,
}

impl ApiMetrics {
    /// Counters that `registry` serves.
    pub(crate) fn register(registry: &mut MetricsRegistry) -> Self {
        let metrics = Self::default();
        let api = registry.sub_registry_with_prefix("bulkhead_api");
        api.register("requests", "Requests answered", metrics.requests.clone());
        api.register("failures", "Requests answered with a status of 500 or more", metrics.failures.clone());
        api.register("queries", "Queries handed to db-connector", metrics.queries.clone());
        api.register("runs_started", "Runs started", metrics.runs_started.clone());
        api.register("logins_refused", "Log-ins refused", metrics.logins_refused.clone());
        metrics
    }
}
