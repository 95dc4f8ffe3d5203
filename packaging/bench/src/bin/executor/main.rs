//! The executor by its own socket: latency beside a cold interpreter in the same sandbox, throughput, where the time goes, and a
//! soak.
//!
//! Runs on the machine, as the executor's own user: it is let in, and may look at its own processes. `cargo xtask bench` calls it.

mod client;
mod soak;
mod system;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bulkhead_bench::process::ProcessGroup;
use bulkhead_bench::report::Report;
use bulkhead_bench::sample::{self, Sample};
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
    /// The `bulkheadctl` that runs the cold interpreters.
    #[arg(long, default_value = "/usr/bin/bulkheadctl")]
    bulkheadctl: PathBuf,
    /// An nsjail to compare with, too.
    #[arg(long)]
    nsjail: Option<PathBuf>,
    /// Runs of the soak, half in each language; none: no soak.
    #[arg(long, default_value_t = 0)]
    soak: usize,
    /// Seconds of load.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Write the figures here, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Runs that are measured alone, each language.
const ALONE: usize = 300;
/// Cold starts that are measured, each language.
const COLD: usize = 50;
/// What an interpreter needs to start in nsjail, which has no filter then.
const NSJAIL: &[&str] = &[
    "-Mo",
    "-q",
    "-R",
    "/usr",
    "-R",
    "/lib",
    "-R",
    "/lib64",
    "-R",
    "/dev/null",
    "-R",
    "/dev/urandom",
    "-T",
    "/tmp",
    "--",
];
/// Between two runs, so that the next copy is ready: this measures a run, not the refill.
const PAUSE: Duration = Duration::from_millis(15);

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let executor = Executor::new(&arguments.socket, &arguments.control);
    let processes = ProcessGroup::User(Uid::effective().as_raw());
    let mut report = Report::default();
    for language in [Language::Javascript, Language::Python] {
        // The first runs wait for a zygote.
        for _ in 0..20 {
            executor.run(language, "return 1", json!({})).await?;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = executor.stages().await?;
        let forked = alone(&executor, language).await?;
        println!("{}", language.word());
        stages(&before, &executor.stages().await?);
        let ours = cold(&arguments.bulkheadctl, &["sandbox", "run", "--"], language).await?;
        report.add_latency("C1", &forked, &ours, &format!("{} by the socket; cold, same sandbox", language.word()));
        if let Some(nsjail) = &arguments.nsjail {
            let theirs = cold(nsjail, NSJAIL, language).await?;
            report.add_latency("C1", &forked, &theirs, &format!("{} by the socket; cold, nsjail", language.word()));
        }
    }
    report.print();
    loaded(&executor, &processes, arguments.seconds).await?;
    if arguments.soak > 0 {
        soak::soak(&executor, &processes, arguments.soak).await?;
    }
    arguments.json.map_or(Ok(()), |path| report.write_json(&path))
}

/// One run after the other, on a quiet machine.
async fn alone(executor: &Executor, language: Language) -> Result<Sample> {
    let mut taken = Vec::with_capacity(ALONE);
    let begun = Instant::now();
    for n in 0..ALONE {
        let one = Instant::now();
        let value = executor.run(language, "return n + 1", json!({ "n": n })).await?;
        taken.push(one.elapsed().as_secs_f64() * 1e3);
        anyhow::ensure!(value == n + 1, "{language:?} computed {value}");
        tokio::time::sleep(PAUSE).await;
    }
    Ok(Sample::of(taken, begun.elapsed(), f64::NAN, f64::NAN))
}

/// A sandbox around an interpreter that starts for each run, to its end.
async fn cold(sandbox: &Path, options: &[&str], language: Language) -> Result<Sample> {
    let program = match language {
        Language::Javascript => ["/usr/bin/node", "-e", "1 + 1"],
        Language::Python => ["/usr/bin/python3", "-c", "1 + 1"],
    };
    sample::command(sandbox, &[options, &program].concat(), COLD).await
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
