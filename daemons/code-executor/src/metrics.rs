//! What code-executor counts.

use std::time::Instant;

use bulkhead_rpc::executor::RunEvent;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// How a block ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct BlockLabels {
    /// `succeeded`, or the kind of its error.
    outcome: String,
}

/// A part of the way of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Stage {
    /// Until it has a place.
    Queue,
    /// Until it has a sandboxed interpreter, and that has its limits and its work.
    Take,
    /// Until the interpreter has said how it ended.
    Work,
    /// Until the verdict and the usage are known.
    Verdict,
    /// Beside runs: making a copy of a zygote that is ready for one.
    Fork,
    /// Beside runs: from the end of a run until nothing is left of it.
    Discard,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    stage: Stage,
}

/// The counters of this daemon.
pub(crate) struct Metrics {
    /// Runs that have a place.
    pub(crate) running: Gauge,
    /// Runs refused because the line was full.
    pub(crate) refused: Counter,
    /// Zygotes that were started.
    pub(crate) zygotes: Counter,
    /// Runs that a zygote was forked for.
    pub(crate) forks: Counter,
    /// Runs that an interpreter was started for.
    pub(crate) cold_starts: Counter,
    blocks: Family<BlockLabels, Counter>,
    block_seconds: Histogram,
    stages: Family<StageLabels, Histogram>,
    log_lines: Counter,
}

impl Metrics {
    /// Makes the counters and registers them.
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            running: Gauge::default(),
            refused: Counter::default(),
            zygotes: Counter::default(),
            forks: Counter::default(),
            cold_starts: Counter::default(),
            blocks: Family::default(),
            block_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 18)),
            stages: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.00001, 2.0, 20))),
            log_lines: Counter::default(),
        };
        registry.register("executor_runs_active", "Runs that are going on", metrics.running.clone());
        registry.register("executor_runs_refused", "Runs refused because the line was full", metrics.refused.clone());
        registry.register("executor_zygotes_started", "Zygotes that were started", metrics.zygotes.clone());
        registry.register("executor_forks", "Sandboxes that were forked from a zygote", metrics.forks.clone());
        registry.register("executor_cold_starts", "Interpreters started for one run", metrics.cold_starts.clone());
        registry.register("executor_blocks", "Blocks that ended, by outcome", metrics.blocks.clone());
        registry.register("executor_block_seconds", "Wall clock of blocks", metrics.block_seconds.clone());
        registry.register("executor_stage_seconds", "Where the time of runs goes", metrics.stages.clone());
        registry.register("executor_log_lines", "Lines that code logged", metrics.log_lines.clone());
        metrics
    }

    /// A stage that began then has ended.
    pub(crate) fn stage(&self, stage: Stage, begun: Instant) {
        self.stages.get_or_create(&StageLabels { stage }).observe(begun.elapsed().as_secs_f64());
    }

    /// Counts an event on its way out.
    pub(crate) fn count(&self, event: &RunEvent) {
        match event {
            RunEvent::Log(_) => {
                self.log_lines.inc();
            }
            RunEvent::Result(result) => {
                let outcome = result.error.as_ref().map_or("succeeded", |error| error.kind.as_str()).to_owned();
                self.blocks.get_or_create(&BlockLabels { outcome }).inc();
                self.block_seconds.observe(result.usage.wall_ms / 1000.0);
            }
        }
    }
}
