//! Blocks of code by `bulkheadctl code run`, what became of them, and neighbours beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

use crate::code::metric;
use crate::guest::{Guest, wait_until};

/// The delegated cgroup below which each run has one.
const EXECUTOR_CGROUP: &str = "/sys/fs/cgroup/bulkhead.slice/bulkhead-code-executor.service";
pub(super) const EXECUTOR: &str = "bulkhead-code-executor.service";

/// Code and its limits.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) language: &'static str,
    pub(super) source: String,
    pub(super) seconds: u32,
    pub(super) memory_mib: u32,
}

/// How a block ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) value: Value,
    /// The error's kind and message.
    pub(super) error: Option<(String, String)>,
    pub(super) logged: Vec<String>,
    pub(super) wall_ms: f64,
    pub(super) cpu_ms: f64,
}

impl Block {
    /// With limits that do not matter.
    pub(super) fn new(language: &'static str, source: &str) -> Self {
        Self { language, source: source.to_owned(), seconds: 60, memory_mib: 256 }
    }

    /// Runs it; an error is one of the way there, never the code's own.
    pub(super) fn run(&self, guest: &Guest) -> Result<Ended> {
        let (seconds, memory) = (self.seconds.to_string(), self.memory_mib.to_string());
        let limits = ["--time", &seconds, "--memory", &memory];
        let words = ["bulkheadctl", "code", "run", "--json", "--language", self.language, "-"];
        let output = guest.output(&[&words[..], &limits].concat(), self.source.as_bytes())?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let events: Vec<Value> = printed
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()
            .with_context(|| format!("`code run` printed {printed}"))?;
        let Some((result, log)) = events.split_last() else {
            return Err(anyhow!(
                "`code run` ended with {}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            ));
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let error = result.get("error").map(|error| (text(&error["kind"]), text(&error["message"])));
        Ok(Ended {
            value: result["value"].clone(),
            error,
            logged: log.iter().map(|line| text(&line["text"])).collect(),
            wall_ms: result["usage"]["wall_ms"].as_f64().context("no wall clock")?,
            cpu_ms: result["usage"]["cpu_ms"].as_f64().context("no processor time")?,
        })
    }
}

impl Ended {
    /// The error's kind, empty for a block that ended well.
    pub(super) fn kind(&self) -> &str {
        self.error.as_ref().map_or("", |(kind, _)| kind)
    }
}

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
