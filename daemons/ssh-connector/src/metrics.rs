//! What this daemon counts.

use std::time::Duration;

use bulkhead_daemon_kit::MetricsRegistry;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

/// How a request for a tunnel ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    code: String,
}

/// The metrics of ssh-connector.
#[derive(Clone, Debug)]
pub struct Metrics {
    requests: Family<Outcome, Counter>,
    log_ins: Counter,
    log_in_failures: Family<Outcome, Counter>,
    log_in_seconds: Histogram,
    open: Gauge,
    kept: Gauge,
    bytes: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            log_ins: Counter::default(),
            log_in_failures: Family::default(),
            log_in_seconds: Histogram::new([0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]),
            open: Gauge::default(),
            kept: Gauge::default(),
            bytes: Counter::default(),
        }
    }
}

impl Metrics {
    /// Adds them to the daemon's registry.
    pub fn register(registry: &mut MetricsRegistry) -> Self {
        let metrics = Self::default();
        registry.register(
            "bulkhead_ssh_tunnel_requests",
            "Requests for a tunnel by outcome: ok, or the problem's code",
            metrics.requests.clone(),
        );
        registry.register("bulkhead_ssh_log_ins", "Log-ins to SSH hosts that succeeded", metrics.log_ins.clone());
        registry.register(
            "bulkhead_ssh_log_in_failures",
            "Log-ins to SSH hosts that failed, by the problem's code",
            metrics.log_in_failures.clone(),
        );
        registry.register(
            "bulkhead_ssh_log_in_seconds",
            "Seconds from connecting to an SSH host to being logged in there",
            metrics.log_in_seconds.clone(),
        );
        registry.register("bulkhead_ssh_tunnels_open", "Tunnels open now", metrics.open.clone());
        registry.register(
            "bulkhead_ssh_sessions_kept",
            "SSH sessions that wait for their next tunnel, counted every ten seconds",
            metrics.kept.clone(),
        );
        registry.register("bulkhead_ssh_bytes", "Bytes that tunnels carried, both ways", metrics.bytes.clone());
        metrics
    }

    /// A request ended with this code.
    pub(crate) fn count(&self, code: &str) {
        self.requests.get_or_create(&Outcome { code: code.to_owned() }).inc();
    }

    /// An SSH host let us in.
    pub(crate) fn logged_in(&self, took: Duration) {
        self.log_ins.inc();
        self.log_in_seconds.observe(took.as_secs_f64());
    }

    /// An SSH host was not reached or did not let us in.
    pub(crate) fn log_in_failed(&self, code: &str) {
        self.log_in_failures.get_or_create(&Outcome { code: code.to_owned() }).inc();
    }

    /// So many sessions wait for their next tunnel.
    pub(crate) fn kept(&self, sessions: usize) {
        self.kept.set(i64::try_from(sessions).unwrap_or(i64::MAX));
    }

    /// The counter of carried bytes.
    pub(crate) fn bytes(&self) -> &Counter {
        &self.bytes
    }

    /// A tunnel opened.
    pub(crate) fn opened(&self) {
        self.open.inc();
    }

    /// A tunnel closed.
    pub(crate) fn closed(&self) {
        self.open.dec();
    }
}
