//! Runs are copies of zygotes, each in a cgroup of its own with the limits of its block.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};

use super::neighbours::{cgroup_limited_to, read, run_cgroups};
use crate::block::Block;
use crate::code::metric;
use crate::guest::{Guest, wait_until};

/// Copies of both languages that the executor keeps ready.
const READY: usize = 8;

/// One run of each language at once.
pub(super) fn each_run_has_a_cgroup(guest: &Guest) -> Result<()> {
    let (forks, cold) = ("executor_forks_total", "executor_cold_starts_total");
    // An interpreter that starts on a busy emulated machine may take longer than the executor waits, which then tries again.
    wait_until("copies are ready", Duration::from_secs(180), || Ok(run_cgroups()?.len() >= READY))?;
    let cold_before = metric(guest, cold)?;
    let idle: BTreeSet<u64> = limits()?;
    let mut python = Block::new("python", "import time\ntime.sleep(6)\nreturn 42");
    let mut javascript = Block::new("javascript", "await new Promise((resume) => setTimeout(resume, 6000)); return 42");
    // A limit that nobody else has tells a run's cgroup from the others.
    (python.memory_mib, javascript.memory_mib) = (101, 113);

    let cgroups = std::thread::scope(|scope| {
        let runs = [scope.spawn(|| python.run(guest)), scope.spawn(|| javascript.run(guest))];
        let first = cgroup_limited_to(&|bytes| !idle.contains(&bytes))?;
        let first_limit: u64 = read(&first, "memory.max").parse()?;
        let second = cgroup_limited_to(&|bytes| !idle.contains(&bytes) && bytes != first_limit)?;
        let settings = |file: &str| (read(&first, file), read(&second, file));
        let seen = [settings("cgroup.procs"), settings("pids.max"), settings("cpu.max"), settings("memory.oom.group")];
        for run in runs {
            let ended = run.join().map_err(|_| anyhow!("a run panicked"))??;
            ensure!(ended.value == 42, "a run ended so: {ended:?}");
        }
        Ok((first, second, seen))
    })?;

    let (first, second, [processes, tasks, cpu, group]) = cgroups;
    ensure!(first != second, "both runs are in {}", first.display());
    ensure!(!processes.0.is_empty() && !processes.1.is_empty(), "a run's cgroup is empty: {processes:?}");
    for limit in [&tasks.0, &tasks.1] {
        ensure!(limit.parse::<u64>().is_ok_and(|tasks| tasks < 100), "pids.max is {limit}");
    }
    for limit in [&cpu.0, &cpu.1] {
        ensure!(limit == "100000 100000", "cpu.max is {limit}");
    }
    ensure!(group == ("1".to_owned(), "1".to_owned()), "memory.oom.group is {group:?}");
    ensure!(metric(guest, forks)? >= 2, "nothing was forked");
    ensure!(metric(guest, cold)? == cold_before, "an interpreter was started for a run");
    Ok(())
}

fn limits() -> Result<BTreeSet<u64>> {
    Ok(run_cgroups()?.iter().filter_map(|path| read(path, "memory.max").parse().ok()).collect())
}
