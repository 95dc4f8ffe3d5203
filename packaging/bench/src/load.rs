//! Closed-loop load: each of `concurrency` clients sends its next request when the last was answered.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bulkhead_bench::process::ProcessGroup;

use crate::http_client::{Call, HttpClient};

/// What a loop saw.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// Milliseconds of each operation, sorted.
    latencies_ms: Vec<f64>,
    /// Operations a second over the whole loop.
    pub(crate) per_second: f64,
    /// Processor milliseconds of the measured processes for each operation.
    pub(crate) cpu_ms: f64,
    /// Peak memory of the measured processes, MiB.
    pub(crate) peak_rss_mib: f64,
}

impl Sample {
    /// The fastest operation.
    pub(crate) fn min(&self) -> f64 {
        self.latencies_ms.first().copied().unwrap_or(f64::NAN)
    }

    /// The `q`-quantile, by nearest rank.
    pub(crate) fn quantile(&self, q: f64) -> f64 {
        let rank = ((self.latencies_ms.len() as f64) * q).ceil() as usize;
        self.latencies_ms.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }

    fn of(mut latencies_ms: Vec<f64>, elapsed: Duration, cpu_ms: f64, peak_rss_mib: f64) -> Self {
        latencies_ms.sort_by(f64::total_cmp);
        let operations = latencies_ms.len() as f64;
        Self { per_second: operations / elapsed.as_secs_f64(), cpu_ms: cpu_ms / operations, peak_rss_mib, latencies_ms }
    }
}

/// Sends `call` over and over for `seconds`, after a tenth of that as warm-up. Every answer must be a 2xx.
pub(crate) async fn http(call: &Call, concurrency: usize, seconds: f64, processes: &ProcessGroup) -> Result<Sample> {
    let client = HttpClient::new();
    run_for(&client, call, concurrency, seconds / 10.0).await?;
    let cpu_before = processes.cpu_ms();
    let started = Instant::now();
    let latencies = run_for(&client, call, concurrency, seconds).await?;
    let elapsed = started.elapsed();
    ensure!(!latencies.is_empty(), "no operation ended within {seconds} s");
    Ok(Sample::of(latencies, elapsed, processes.cpu_ms() - cpu_before, processes.rss_mib()))
}

async fn run_for(client: &HttpClient, call: &Call, concurrency: usize, seconds: f64) -> Result<Vec<f64>> {
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let clients = (0..concurrency).map(|_| {
        let (client, call) = (client.clone(), call.clone());
        tokio::spawn(async move {
            let mut latencies = Vec::new();
            while Instant::now() < end {
                let started = Instant::now();
                client.expect_ok(&call).await?;
                latencies.push(started.elapsed().as_secs_f64() * 1e3);
            }
            anyhow::Ok(latencies)
        })
    });
    let mut all = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        all.extend(client.await??);
    }
    Ok(all)
}

/// Runs a command `count` times, one after another, each to its end.
pub(crate) async fn command(program: &std::path::Path, arguments: &[&str], count: usize) -> Result<Sample> {
    let mut latencies = Vec::with_capacity(count);
    let cpu_before = bulkhead_bench::process::children_cpu_ms()?;
    let started = Instant::now();
    for _ in 0..count {
        let one = Instant::now();
        let output = tokio::process::Command::new(program).args(arguments).output().await?;
        ensure!(output.status.success(), "{}: {}", program.display(), String::from_utf8_lossy(&output.stderr));
        latencies.push(one.elapsed().as_secs_f64() * 1e3);
    }
    let elapsed = started.elapsed();
    Ok(Sample::of(latencies, elapsed, bulkhead_bench::process::children_cpu_ms()? - cpu_before, f64::NAN))
}
