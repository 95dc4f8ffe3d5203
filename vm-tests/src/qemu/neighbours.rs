//! The executor and its runs as the kernel has them, and runs that must not notice what goes on beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use crate::block::Block;
use crate::code::metric;
use crate::guest::{Guest, wait_until};

/// The delegated cgroup below which each run has one.
const EXECUTOR_CGROUP: &str = "/sys/fs/cgroup/bulkhead.slice/bulkhead-code-executor.service";
pub(super) const EXECUTOR: &str = "bulkhead-code-executor.service";

/// Does `work` while a run of each language goes on beside it, over and over; all of those must end well, and the executor
/// and its zygotes must be the same before and after.
pub(super) fn beside_neighbours<T>(guest: &Guest, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let neighbours = [
        Block::new("python", "import time\ntime.sleep(2)\nreturn 'went on'"),
        Block::new("javascript", "await new Promise((resume) => setTimeout(resume, 2000)); return 'went on'"),
    ];
    let before = identity(guest)?;
    let over = AtomicBool::new(false);
    let live = |neighbour: &Block| -> Result<()> {
        while !over.load(Ordering::Relaxed) {
            let ended = neighbour.run(guest)?;
            ensure!(ended.value == "went on", "a neighbour in {} ended so: {ended:?}", neighbour.language);
        }
        Ok(())
    };
    let done = std::thread::scope(|scope| {
        let lives: Vec<_> = neighbours.iter().map(|neighbour| scope.spawn(|| live(neighbour))).collect();
        std::thread::sleep(Duration::from_secs(1));
        let done = work();
        over.store(true, Ordering::Relaxed);
        for life in lives {
            life.join().map_err(|_| anyhow!("a neighbour panicked"))??;
        }
        done
    })?;
    let after = identity(guest)?;
    ensure!(before == after, "the executor was {before:?} and is {after:?}");
    Ok(done)
}

/// The executor's process, its restarts and how many zygotes it has started: all the same while nothing of it dies.
fn identity(guest: &Guest) -> Result<(String, u64)> {
    let shown = guest.run(&["systemctl", "show", "--property=MainPID", "--property=NRestarts", EXECUTOR])?;
    ensure!(shown.contains("NRestarts=0"), "the executor was restarted: {shown}");
    Ok((shown, metric(guest, "executor_zygotes_started_total")?))
}

/// The cgroups of runs and of copies that wait for one.
pub(super) fn run_cgroups() -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(EXECUTOR_CGROUP).with_context(|| format!("list {EXECUTOR_CGROUP}"))?;
    Ok(entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("run-"))
        .map(|entry| entry.path())
        .collect())
}

/// A file of a cgroup, empty if that is gone.
pub(super) fn read(cgroup: &Path, file: &str) -> String {
    fs::read_to_string(cgroup.join(file)).unwrap_or_default().trim().to_owned()
}

/// How many processes of the executor's runs the kernel has killed for lack of memory.
pub(super) fn kills_for_memory() -> Result<u64> {
    let events = read(Path::new(EXECUTOR_CGROUP), "memory.events");
    let kills = events.lines().find_map(|line| line.strip_prefix("oom_kill ")).context("no count of kills")?;
    kills.parse().context("the count of kills")
}

/// The cgroup with this limit of memory, when it appears.
pub(super) fn cgroup_limited_to(bytes: &dyn Fn(u64) -> bool) -> Result<PathBuf> {
    let mut found = None;
    wait_until("a run's cgroup with its limit of memory", Duration::from_secs(20), || {
        found = run_cgroups()?.into_iter().find(|path| read(path, "memory.max").parse().is_ok_and(bytes));
        Ok(found.is_some())
    })?;
    found.context("a cgroup")
}
