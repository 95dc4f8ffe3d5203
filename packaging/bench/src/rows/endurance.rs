//! E1 and E2: ten thousand queued runs, and a loop of a hundred thousand rounds. They have no peer but their own beginning: what grows
//! steadily, and takes no more memory at its end than at its start, has no end that it breaks at.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bulkhead_bench::report::Report;
use http::Method;
use serde_json::{Value, json};

use super::{Bench, OURS};
use crate::http_client::HttpClient;

const QUEUED: usize = 10_000;
const ROUNDS: usize = 100_000;
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long either may take.
const PATIENCE: Duration = Duration::from_secs(3600);

/// How far it was, and what memory it took, at a moment.
struct Look {
    at: Instant,
    done: f64,
    rss_mib: f64,
}

/// Lets ten thousand runs queue while the queue is paused, and then go.
pub(super) async fn drain(bench: &Bench<'_>, report: &mut Report) -> Result<()> {
    let (product, http) = (&bench.product, HttpClient::new());
    let block = json!({ "type": "code", "language": "javascript", "source": "return trigger.body.n + 1" });
    let document = json!({ "format": 1, "title": "Bench drain", "start": "step", "blocks": { "step": block } });
    product.release("workflows", "bench-drain", &document).await?;
    http.expect_ok(&product.call(Method::POST, "/queue/pause", &json!({}))).await?;
    let starts = (0..8).map(|client| {
        let calls: Vec<_> = (0..QUEUED / 8)
            .map(|n| {
                product.call(
                    Method::POST,
                    "/workflows/bench-drain/runs",
                    &json!({ "body": { "n": n, "client": client } }),
                )
            })
            .collect();
        let http = http.clone();
        tokio::spawn(async move {
            for call in calls {
                http.expect_ok(&call).await?;
            }
            anyhow::Ok(())
        })
    });
    for client in starts.collect::<Vec<_>>() {
        client.await??;
    }
    http.expect_ok(&product.call(Method::POST, "/queue/resume", &json!({}))).await?;
    let queue = product.call(Method::GET, "/queue", &Value::Null);
    let looks = watch(async || {
        let (_, body) = http.expect_ok(&queue).await?;
        let queue: Value = serde_json::from_slice(&body)?;
        let left = ["queued", "held", "running"].map(|key| queue[key].as_f64().unwrap_or_default()).iter().sum::<f64>();
        Ok(((QUEUED as f64) - left, left < 1.0))
    })
    .await?;
    add(report, "E1", "runs_per_s", &looks);
    Ok(())
}

/// Runs a loop of a hundred thousand rounds over a block of code.
pub(super) async fn long_loop(bench: &Bench<'_>, report: &mut Report) -> Result<()> {
    let (product, http) = (&bench.product, HttpClient::new());
    let document = json!({
        "format": 1, "title": "Bench loop", "start": "each", "variables": { "rounds": 0 },
        "blocks": {
            "each": { "type": "loop", "over": ROUNDS.to_string(), "collect": false },
            "task": { "type": "code", "language": "javascript", "source": "return index + 1" },
        },
        "edges": [{ "from": "each", "port": "each", "to": "task" }],
    });
    product.release("workflows", "bench-loop", &document).await?;
    let (_, body) = http.expect_ok(&product.call(Method::POST, "/workflows/bench-loop/runs", &json!({}))).await?;
    let run = serde_json::from_slice::<Value>(&body)?["run"].as_str().context("no run")?.to_owned();
    let detail = product.call(Method::GET, &format!("/runs/{run}"), &Value::Null);
    let looks = watch(async || {
        let (_, body) = http.expect_ok(&detail).await?;
        let detail: Value = serde_json::from_slice(&body)?;
        let status = detail["run"]["status"].as_str().unwrap_or_default();
        ensure!(!["failed", "cancelled"].contains(&status), "the loop {status}: {}", detail["run"]["error"]);
        let blocks = detail["blocks"].as_array().map(Vec::as_slice).unwrap_or_default();
        let task = blocks.iter().find(|block| block["block"] == "task");
        let rounds = task.and_then(|task| task["times"].as_f64()).unwrap_or_default();
        Ok((rounds, status == "succeeded"))
    })
    .await?;
    ensure!(looks.last().is_some_and(|look| look.done >= ROUNDS as f64), "the loop ended before its last round");
    add(report, "E2", "rounds_per_s", &looks);
    Ok(())
}

/// Looks until it is done.
async fn watch(look: impl AsyncFn() -> Result<(f64, bool)>) -> Result<Vec<Look>> {
    let (began, mut looks) = (Instant::now(), Vec::new());
    loop {
        let (done, is_done) = look().await?;
        looks.push(Look { at: Instant::now(), done, rss_mib: OURS.rss_mib() });
        if is_done {
            return Ok(looks);
        }
        ensure!(began.elapsed() < PATIENCE, "{done} were done after {PATIENCE:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The last fifth beside the first one.
fn add(report: &mut Report, row: &str, metric: &str, looks: &[Look]) {
    let total = looks.last().map_or(0.0, |look| look.done);
    let rate = |from: f64, to: f64| {
        let first = looks.iter().find(|look| look.done >= total * from);
        let last = looks.iter().find(|look| look.done >= total * to);
        first.zip(last).map_or(f64::NAN, |(first, last)| {
            (last.done - first.done) / last.at.duration_since(first.at).as_secs_f64().max(1e-9)
        })
    };
    let memory = |from: f64, to: f64| {
        let some = looks.iter().filter(|look| (total * from..=total * to).contains(&look.done));
        some.map(|look| look.rss_mib).fold(0.0, f64::max)
    };
    report.add(row, metric, rate(0.8, 1.0), rate(0.0, 0.2), "its own first fifth");
    report.add(row, "rss_mib", memory(0.8, 1.0), memory(0.0, 0.2), "its own first fifth");
}
