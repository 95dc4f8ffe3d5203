//! What a number of operations took.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// What a loop saw.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Milliseconds of each operation, sorted.
    latencies_ms: Vec<f64>,
    /// Operations a second over the whole loop.
    pub per_second: f64,
    /// Processor milliseconds of the measured processes for each operation.
    pub cpu_ms: f64,
    /// Peak memory of the measured processes, MiB.
    pub peak_rss_mib: f64,
}

impl Sample {
    /// The fastest operation.
    pub fn min(&self) -> f64 {
        self.latencies_ms.first().copied().unwrap_or(f64::NAN)
    }

    /// The `q`-quantile, by nearest rank.
    pub fn quantile(&self, q: f64) -> f64 {
        let rank = ((self.latencies_ms.len() as f64) * q).ceil() as usize;
        self.latencies_ms.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }

    /// What these operations took, together.
    pub fn of(mut latencies_ms: Vec<f64>, elapsed: Duration, cpu_ms: f64, peak_rss_mib: f64) -> Self {
        latencies_ms.sort_by(f64::total_cmp);
        let operations = latencies_ms.len() as f64;
        Self { per_second: operations / elapsed.as_secs_f64(), cpu_ms: cpu_ms / operations, peak_rss_mib, latencies_ms }
    }
}

/// Runs a command `count` times, one after another, each to its end.
pub async fn command(program: &std::path::Path, arguments: &[&str], count: usize) -> Result<Sample> {
    let mut latencies = Vec::with_capacity(count);
    let cpu_before = crate::process::children_cpu_ms()?;
    let started = Instant::now();
    for _ in 0..count {
        let one = Instant::now();
        let output = tokio::process::Command::new(program).args(arguments).output().await?;
        ensure!(output.status.success(), "{}: {}", program.display(), String::from_utf8_lossy(&output.stderr));
        latencies.push(one.elapsed().as_secs_f64() * 1e3);
    }
    let elapsed = started.elapsed();
    Ok(Sample::of(latencies, elapsed, crate::process::children_cpu_ms()? - cpu_before, f64::NAN))
}
