//! What this daemon counts.

use bulkhead_daemon_kit::MetricsRegistry;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

/// How a request for a tunnel ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    code: String,
}

/// The metrics of ssh-connector.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    requests: Family<Outcome, Counter>,
    log_ins: Counter,
    open: Gauge,
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
        registry.register("bulkhead_ssh_tunnels_open", "Tunnels open now", metrics.open.clone());
        metrics
    }

    /// A request ended with this code.
    pub(crate) fn count(&self, code: &str) {
        self.requests.get_or_create(&Outcome { code: code.to_owned() }).inc();
    }

    /// An SSH host let us in.
    pub(crate) fn logged_in(&self) {
        self.log_ins.inc();
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
