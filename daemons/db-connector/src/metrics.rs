//! What this daemon counts: queries, results that are kept, and for each resource what its queries and connections do.
//!
//! A resource is a label by its name, and its environment another. There are at most [`MAX_RESOURCES`] of them; those that come later are counted together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bulkhead_daemon_kit::MetricsRegistry;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use tokio::time::Instant;

/// Resources that have a label of their own.
const MAX_RESOURCES: usize = 500;
/// The label of all others.
const OTHER: &str = "other";
/// The label of queries whose resource is not known.
const NONE: &str = "";

/// How a query ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    resource: String,
    environment: String,
    code: String,
}

/// Whose it is.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfResource {
    resource: String,
    environment: String,
}

/// What connections do.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Connections {
    resource: String,
    environment: String,
    state: &'static str,
}

/// How a result that may be kept was found.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Lookup {
    outcome: &'static str,
}

type Histograms = Family<OfResource, Histogram, fn() -> Histogram>;

/// What is counted, by environment and resource.
type ByEnvironment = HashMap<String, HashMap<String, Arc<ResourceMetrics>>>;

/// The metrics of db-connector. Clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    queries: Family<Outcome, Counter>,
    first_row: Histogram,
    in_flight: Family<OfResource, Gauge>,
    connections: Family<Connections, Gauge>,
    waits: Histograms,
    durations: Histograms,
    lookups: Family<Lookup, Counter>,
    cache_bytes: Gauge,
    by_resource: Arc<Mutex<ByEnvironment>>,
}

/// What is counted of one resource.
#[derive(Debug)]
pub(crate) struct ResourceMetrics {
    label: OfResource,
    queries: Family<Outcome, Counter>,
    first_row: Histogram,
    in_flight: Gauge,
    durations: Histogram,
    pub(crate) pool: PoolMetrics,
}

/// What is counted of the connections to one resource. By default, nobody sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct PoolMetrics {
    pub(crate) in_use: Gauge,
    pub(crate) idle: Gauge,
    pub(crate) waiting: Gauge,
    waits: Option<Histogram>,
}

impl PoolMetrics {
    /// A query has waited this long for a connection, whether it got one or not.
    pub(crate) fn waited_since(&self, began: Instant) {
        if let Some(waits) = &self.waits {
            waits.observe(began.elapsed().as_secs_f64());
        }
    }
}

/// One more in a gauge, until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted(Gauge);

impl Counted {
    pub(crate) fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A query that runs, until its last byte is handed on or its reader is gone.
#[derive(Debug)]
pub(crate) struct Running {
    _in_flight: Counted,
    durations: Histogram,
    began: Instant,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.durations.observe(self.began.elapsed().as_secs_f64());
    }
}

impl Metrics {
    /// Adds them to the daemon's registry.
    pub fn register(registry: &mut MetricsRegistry) -> Self {
        // From half a millisecond to over a minute.
        let histogram: fn() -> Histogram = || Histogram::new(exponential_buckets(0.0005, 2.0, 18));
        let metrics = Self {
            queries: Family::default(),
            first_row: Histogram::new(exponential_buckets(0.0005, 2.0, 16)),
            in_flight: Family::default(),
            connections: Family::default(),
            waits: Family::new_with_constructor(histogram),
            durations: Family::new_with_constructor(histogram),
            lookups: Family::default(),
            cache_bytes: Gauge::default(),
            by_resource: Arc::default(),
        };
        registry.register(
            "bulkhead_connector_queries",
            "Queries by resource and outcome: ok, or the problem's code",
            metrics.queries.clone(),
        );
        registry.register(
            "bulkhead_connector_first_row_seconds",
            "From request to first row",
            metrics.first_row.clone(),
        );
        registry.register(
            "bulkhead_connector_in_flight",
            "Queries that run, wait for a connection or hand on their rows",
            metrics.in_flight.clone(),
        );
        registry.register(
            "bulkhead_connector_connections",
            "Connections in_use and idle, and queries waiting for one",
            metrics.connections.clone(),
        );
        registry.register(
            "bulkhead_connector_connection_wait_seconds",
            "How long queries waited until a connection was free",
            metrics.waits.clone(),
        );
        registry.register("bulkhead_connector_query_seconds", "From request to last row", metrics.durations.clone());
        registry.register(
            "bulkhead_connector_cache_lookups",
            "Queries that may be answered by a kept result: hit, joined another under way, miss",
            metrics.lookups.clone(),
        );
        registry.register(
            "bulkhead_connector_cache_bytes",
            "Bytes of results that are kept",
            metrics.cache_bytes.clone(),
        );
        metrics
    }

    /// What is counted of the resource with this name in an environment.
    pub(crate) fn of(&self, name: &str, environment: &str) -> Arc<ResourceMetrics> {
        let mut known = self.by_resource.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(metrics) = known.get(environment).and_then(|of| of.get(name)) {
            return Arc::clone(metrics);
        }
        let name = if known.values().map(HashMap::len).sum::<usize>() < MAX_RESOURCES { name } else { OTHER };
        let of = known.entry(environment.to_owned()).or_default();
        Arc::clone(of.entry(name.to_owned()).or_insert_with(|| Arc::new(self.new_resource(name, environment))))
    }

    /// A query failed before its resource was known.
    pub(crate) fn failed(&self, code: &str) {
        self.queries
            .get_or_create(&Outcome { resource: NONE.to_owned(), environment: NONE.to_owned(), code: code.to_owned() })
            .inc();
    }

    /// A result that may be kept was looked for.
    pub(crate) fn count_cache(&self, outcome: &'static str) {
        self.lookups.get_or_create(&Lookup { outcome }).inc();
    }

    /// Bytes that are kept now.
    pub(crate) fn cache_bytes(&self, bytes: usize) {
        self.cache_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    fn new_resource(&self, name: &str, environment: &str) -> ResourceMetrics {
        let of = OfResource { resource: name.to_owned(), environment: environment.to_owned() };
        let connections = |state| {
            let OfResource { resource, environment } = of.clone();
            let connections = Connections { resource, environment, state };
            self.connections.get_or_create_owned(&connections)
        };
        ResourceMetrics {
            label: of.clone(),
            queries: self.queries.clone(),
            first_row: self.first_row.clone(),
            in_flight: self.in_flight.get_or_create_owned(&of),
            durations: self.durations.get_or_create_owned(&of),
            pool: PoolMetrics {
                in_use: connections("in_use"),
                idle: connections("idle"),
                waiting: connections("waiting"),
                waits: Some(self.waits.get_or_create_owned(&of)),
            },
        }
    }
}

impl ResourceMetrics {
    /// A query begins.
    pub(crate) fn begin(&self, began: Instant) -> Running {
        Running { _in_flight: Counted::new(&self.in_flight), durations: self.durations.clone(), began }
    }

    /// A query ended with this code.
    pub(crate) fn count(&self, code: &str) {
        let OfResource { resource, environment } = self.label.clone();
        self.queries.get_or_create(&Outcome { resource, environment, code: code.to_owned() }).inc();
    }

    /// A query showed its first row after this long.
    pub(crate) fn first_row(&self, seconds: f64) {
        self.first_row.observe(seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_resources_have_no_thousand_labels() {
        let metrics = Metrics::register(&mut MetricsRegistry::default());
        for number in 0..1000 {
            metrics.of(&format!("resource-{number}"), "production").count("ok");
        }
        metrics.of("resource-0", "production").count("ok");
        assert_eq!(metrics.by_resource.lock().expect("free")["production"].len(), MAX_RESOURCES + 1);
        let count = |resource: &str| {
            let (resource, environment) = (resource.to_owned(), "production".to_owned());
            metrics.queries.get_or_create(&Outcome { resource, environment, code: "ok".to_owned() }).get()
        };
        assert_eq!((count("resource-0"), count("resource-499"), count(OTHER)), (2, 1, 500));
    }
}
