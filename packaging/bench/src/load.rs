//! Closed-loop load: each of `concurrency` clients sends its next request when the last was answered.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bulkhead_bench::process::ProcessGroup;
use bulkhead_bench::sample::Sample;

use crate::http_client::{Call, HttpClient};

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
