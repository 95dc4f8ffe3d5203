//! What runs leave on the machine: nothing.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use serde_json::json;

use super::neighbours::{EXECUTOR, run_cgroups};
use crate::api;
use crate::guest::{Guest, wait_until};

const RUNS: usize = 500;
const AT_ONCE: usize = 4;
/// Copies that were made ready for a burst are given up after ten seconds each.
const CALM: Duration = Duration::from_secs(90);

/// What is counted before and after.
#[derive(Debug)]
struct Counts {
    cgroups: usize,
    processes: usize,
    mounts_of_executor: usize,
    mounts: usize,
    descriptors: usize,
}

/// Runs of both languages, most of which end well, some by an error or at a limit.
pub(super) fn of_five_hundred_runs(guest: &Guest) -> Result<()> {
    run_some(guest, 20)?;
    let mut before = count(guest)?;
    // The pools shrink to what they keep when nobody asks.
    wait_until("the pools have become calm", CALM, || {
        std::thread::sleep(Duration::from_secs(5));
        let now = count(guest)?;
        let calm = now.cgroups >= before.cgroups;
        before = now;
        Ok(calm)
    })?;

    run_some(guest, RUNS)?;

    let mut after = count(guest)?;
    let settled = wait_until("the counts are what they were", CALM, || {
        after = count(guest)?;
        Ok(after.cgroups <= before.cgroups
            && after.processes <= before.processes
            && after.mounts_of_executor <= before.mounts_of_executor
            && after.mounts <= before.mounts
            && after.descriptors <= before.descriptors)
    });
    settled.map_err(|error| anyhow!("{error}: before {before:?}, afterwards {after:?}"))
}

fn run_some(guest: &Guest, runs: usize) -> Result<()> {
    let next = AtomicUsize::new(0);
    let some = || -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= runs {
                return Ok(());
            }
            let (language, source, wanted, wall_ms) = match number % 10 {
                4 => ("javascript", "while (true) {}", "wall-time", 300),
                9 => ("python", "import os\nos._exit(3)", "no-result", 60_000),
                some if some % 4 < 2 => ("javascript", "return n * 2", "", 60_000),
                _ => ("python", "return n * 2", "", 60_000),
            };
            let request =
                json!({ "language": language, "source": source, "inputs": { "n": number }, "wall_ms": wall_ms });
            let result = api::run_code(guest, &request)?;
            let kind = result["error"]["kind"].as_str().unwrap_or_default();
            ensure!(kind == wanted, "run {number} ended so: {result}");
            ensure!(!wanted.is_empty() || result["value"] == number * 2, "run {number} returned {}", result["value"]);
        }
    };
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(some)).collect();
        callers.into_iter().try_for_each(|caller| caller.join().map_err(|_| anyhow!("a caller panicked"))?)
    })
}

fn count(guest: &Guest) -> Result<Counts> {
    let executor = guest.run(&["systemctl", "show", "--value", "--property=MainPID", EXECUTOR])?;
    let lines = |path: String| Ok::<_, std::io::Error>(fs::read_to_string(path)?.lines().count());
    let user = guest.run(&["pgrep", "--count", "--uid", "bulkhead-code-executor"])?;
    Ok(Counts {
        cgroups: run_cgroups()?.len(),
        processes: user.parse()?,
        mounts_of_executor: lines(format!("/proc/{executor}/mountinfo"))?,
        mounts: lines("/proc/self/mountinfo".to_owned())?,
        descriptors: fs::read_dir(format!("/proc/{executor}/fd"))?.count(),
    })
}
