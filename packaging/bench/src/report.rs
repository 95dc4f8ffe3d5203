//! What was measured, as a table for people and as JSON for comparisons.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::sample::Sample;

/// One figure of ours beside one of a reference. `ratio` is ours / reference.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Figure {
    row: String,
    metric: String,
    ours: f64,
    reference: f64,
    reference_name: String,
    ratio: f64,
}

/// Everything measured so far.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Report(Vec<Figure>);

impl Report {
    /// Adds one figure.
    pub fn add(&mut self, row: &str, metric: &str, ours: f64, reference: f64, reference_name: &str) {
        self.0.push(Figure {
            row: row.to_owned(),
            metric: metric.to_owned(),
            ours,
            reference,
            reference_name: reference_name.to_owned(),
            ratio: ours / reference,
        });
    }

    /// Adds the latencies of one-at-a-time loops.
    pub fn add_latency(&mut self, row: &str, ours: &Sample, reference: &Sample, name: &str) {
        self.add(row, "min_ms", ours.min(), reference.min(), name);
        self.add(row, "p50_ms", ours.quantile(0.5), reference.quantile(0.5), name);
        self.add(row, "p99_ms", ours.quantile(0.99), reference.quantile(0.99), name);
    }

    /// Adds what loops at full load achieved and used.
    pub fn add_throughput(&mut self, row: &str, ours: &Sample, reference: &Sample, name: &str) {
        self.add(row, "ops_per_s", ours.per_second, reference.per_second, name);
        self.add(row, "cpu_ms_per_op", ours.cpu_ms, reference.cpu_ms, name);
        self.add(row, "rss_mib", ours.peak_rss_mib, reference.peak_rss_mib, name);
    }

    /// Adds what another program has measured.
    pub fn append(&mut self, mut other: Report) {
        self.0.append(&mut other.0);
    }

    /// Prints a table.
    pub fn print(&self) {
        println!("{:<4} {:<14} {:>12} {:>12} {:>8}  reference", "row", "metric", "ours", "reference", "ratio");
        for f in &self.0 {
            println!(
                "{:<4} {:<14} {:>12.3} {:>12.3} {:>7.2}x  {}",
                f.row, f.metric, f.ours, f.reference, f.ratio, f.reference_name
            );
        }
    }

    /// Writes the figures as a JSON array.
    pub fn write_json(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.0)?;
        std::fs::write(path, text).with_context(|| format!("write {}", path.display()))
    }
}
