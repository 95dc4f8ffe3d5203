//! Where the time of runs goes: what the worker has timed, and the processor time of each program, PostgreSQL and Temporal too.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use bulkhead_bench::process::{ProcessGroup, cpu_ms_by_name};
use bulkhead_rpc::RpcClient;
use http::Method;
use http_body_util::BodyExt;

/// Programs whose processor time is of interest, by the begin of their name.
const PROGRAMS: [&str; 5] = ["bulkhead-", "postgres", "temporal", "node", "python"];
/// The stage that each run has once.
const WHOLE: &str = "step";

/// How it stands at a moment.
#[derive(Debug)]
pub(super) struct Stages {
    /// Seconds and count by stage.
    timed: BTreeMap<String, (f64, f64)>,
    cpu_ms: BTreeMap<String, f64>,
}

impl Stages {
    pub(super) async fn now() -> Result<Self> {
        let mut timed: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for pid in ProcessGroup::Named("bulkhead-workfl").pids() {
            // The worker's socket, as its own process sees it; others of that begin have none there.
            let socket = format!("/proc/{pid}/root/run/bulkhead/workflows-worker-1-control.sock");
            let Ok(response) = RpcClient::new("worker", socket).stream(Method::GET, "/metrics", &()).await else {
                continue;
            };
            let text = response.into_body().collect().await.context("read the worker's metrics")?.to_bytes();
            read(&String::from_utf8_lossy(&text), &mut timed);
            break;
        }
        Ok(Self { timed, cpu_ms: cpu_ms_by_name(&PROGRAMS) })
    }

    /// Prints what has been used since `before`, for each run.
    pub(super) fn print_since(&self, before: &Self, what: &str) {
        let since = |stage: &str| {
            let (seconds, count) = self.timed.get(stage).copied().unwrap_or_default();
            let (seconds_before, count_before) = before.timed.get(stage).copied().unwrap_or_default();
            (seconds - seconds_before, count - count_before)
        };
        let runs = since(WHOLE).1;
        if runs < 1.0 {
            return println!("{what}: the worker has timed no first step");
        }
        println!("{what}: {runs} runs; milliseconds of each run");
        for stage in self.timed.keys() {
            let (seconds, count) = since(stage);
            println!("  {stage:<20} {:>8.3}   {:>6.2} times", seconds * 1e3 / runs, count / runs);
        }
        for (program, cpu_ms) in &self.cpu_ms {
            let used = cpu_ms - before.cpu_ms.get(program).copied().unwrap_or_default();
            if used > 0.0 {
                println!("  {program:<20} {:>8.3}   of a processor", used / runs);
            }
        }
    }
}

/// Reads the sums and counts of a histogram in Prometheus' text.
fn read(text: &str, timed: &mut BTreeMap<String, (f64, f64)>) {
    for line in text.lines() {
        let Some((stage, value)) = line.split_once("{stage=\"").and_then(|(_, rest)| rest.split_once("\"} ")) else {
            continue;
        };
        let Ok(value) = value.trim().parse::<f64>() else { continue };
        let entry = timed.entry(stage.to_owned()).or_default();
        if line.starts_with("bulkhead_worker_stage_seconds_sum") {
            entry.0 = value;
        } else if line.starts_with("bulkhead_worker_stage_seconds_count") {
            entry.1 = value;
        }
    }
}
