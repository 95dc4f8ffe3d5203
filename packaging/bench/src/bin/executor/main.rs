//! The executor by its own socket: latency, throughput, where the time goes, and a soak.
//!
//! `executor --runs N`, on the machine, as the executor's own user: it is let in, and may look at its own processes.

mod client;
mod soak;
mod system;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bulkhead_bench::process::ProcessGroup;
use clap::Parser;
use nix::unistd::Uid;
use serde_json::json;

use client::{Executor, Language, Stages, Word};

/// Measures a running executor.
#[derive(Debug, Parser)]
struct Arguments {
    /// The executor's socket.
    #[arg(long, default_value = "/run/bulkhead/code-executor.sock")]
    socket: PathBuf,
    /// The socket that its metrics are on.
    #[arg(long, default_value = "/run/bulkhead/code-executor-control.sock")]
    control: PathBuf,
    /// Runs of the soak, half in each language; none: no soak.
    #[arg(long, default_value_t = 0)]
    runs: usize,
    /// Seconds of load.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

/// Runs that are measured alone, each language.
const ALONE: usize = 300;
/// Between two of them, so that the next copy is ready: this measures a run, not the refill.
const PAUSE: Duration = Duration::from_millis(15);

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let executor = Executor::new(&arguments.socket, &arguments.control);
    let processes = ProcessGroup::User(Uid::effective().as_raw());
    for language in [Language::Javascript, Language::Python] {
        // The first runs wait for a zygote.
        for _ in 0..20 {
            executor.run(language, "return 1", json!({})).await?;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = executor.stages().await?;
        alone(&executor, language).await?;
        stages(&before, &executor.stages().await?);
    }
    loaded(&executor, &processes, arguments.seconds).await?;
    if arguments.runs > 0 {
        soak::soak(&executor, &processes, arguments.runs).await?;
    }
    Ok(())
}

/// One run after the other, on a quiet machine.
async fn alone(executor: &Executor, language: Language) -> Result<()> {
    let mut taken = Vec::with_capacity(ALONE);
    for n in 0..ALONE {
        let begun = Instant::now();
        let value = executor.run(language, "return n + 1", json!({ "n": n })).await?;
        taken.push(begun.elapsed().as_secs_f64() * 1e3);
        anyhow::ensure!(value == n + 1, "{language:?} computed {value}");
        tokio::time::sleep(PAUSE).await;
    }
    taken.sort_by(f64::total_cmp);
    let at = |share: f64| taken[((taken.len() - 1) as f64 * share) as usize];
    println!("{:<12} alone: min {:.2} ms, p50 {:.2} ms, p99 {:.2} ms", language.word(), taken[0], at(0.5), at(0.99));
    Ok(())
}

/// Both languages mixed, eight at once.
async fn loaded(executor: &Executor, processes: &ProcessGroup, seconds: f64) -> Result<()> {
    let (cpu, begun) = (processes.cpu_ms(), Instant::now());
    let end = begun + Duration::from_secs_f64(seconds);
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..8_usize {
        let executor = executor.clone();
        workers.spawn(async move {
            let mut done = 0_usize;
            while Instant::now() < end {
                let language = if (worker + done).is_multiple_of(2) { Language::Javascript } else { Language::Python };
                executor.run(language, "return n + 1", json!({ "n": done })).await?;
                done += 1;
            }
            anyhow::Ok(done)
        });
    }
    let mut done = 0;
    while let Some(worker) = workers.join_next().await {
        done += worker.context("a worker panicked")??;
    }
    let rate = done as f64 / begun.elapsed().as_secs_f64();
    println!("mixed, 8 at once: {rate:.0} runs/s, {:.2} ms of CPU a run", (processes.cpu_ms() - cpu) / done as f64);
    Ok(())
}

/// Where the time of the runs between two moments went, by the executor's own account.
fn stages(before: &Stages, after: &Stages) {
    for (stage, (count, seconds)) in after {
        let (count_before, seconds_before) = before.get(stage).copied().unwrap_or_default();
        let times = count - count_before;
        println!(
            "  {stage:<10} {times:>6.0} times, {:>6.0} us on average",
            (seconds - seconds_before) / times.max(1.0) * 1e6
        );
    }
}
