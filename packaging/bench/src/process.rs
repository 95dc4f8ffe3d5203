//! Processor time and memory of groups of processes, from /proc.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use anyhow::{Context, Result};

/// Clock ticks a second in /proc: USER_HZ, fixed at 100 on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// A set of processes.
#[derive(Clone, Debug)]
pub enum ProcessGroup {
    /// All whose name starts with this.
    Named(&'static str),
    /// One process and all its descendants.
    Tree(u32),
    /// All of this user but the one that asks.
    User(u32),
}

struct Stat {
    pid: u32,
    user: u32,
    name: String,
    parent: u32,
    cpu_ticks: f64,
    rss_pages: f64,
}

impl ProcessGroup {
    /// Processor time used so far, milliseconds; ended children count with the parent that reaped them.
    pub fn cpu_ms(&self) -> f64 {
        self.members().iter().map(|stat| stat.cpu_ticks).sum::<f64>() / TICKS_PER_SECOND * 1e3
    }

    /// Resident memory now, MiB.
    pub fn rss_mib(&self) -> f64 {
        self.members().iter().map(|stat| stat.rss_pages).sum::<f64>() * 4096.0 / (1024.0 * 1024.0)
    }

    /// Their numbers.
    pub fn pids(&self) -> Vec<u32> {
        self.members().iter().map(|stat| stat.pid).collect()
    }

    fn members(&self) -> Vec<Stat> {
        let all: Vec<Stat> = all_processes();
        match self {
            Self::User(user) => {
                let own = std::process::id();
                all.into_iter().filter(|stat| stat.user == *user && stat.pid != own).collect()
            }
            Self::Named(prefix) => all.into_iter().filter(|stat| stat.name.starts_with(prefix)).collect(),
            Self::Tree(root) => {
                let mut tree = vec![*root];
                let mut at = 0;
                while let Some(parent) = tree.get(at).copied() {
                    tree.extend(all.iter().filter(|stat| stat.parent == parent).map(|stat| stat.pid));
                    at += 1;
                }
                all.into_iter().filter(|stat| tree.contains(&stat.pid)).collect()
            }
        }
    }
}

/// Processor time used so far by programs whose names start so, milliseconds by name.
pub fn cpu_ms_by_name(prefixes: &[&str]) -> BTreeMap<String, f64> {
    let mut used = BTreeMap::new();
    for stat in all_processes().into_iter().filter(|stat| prefixes.iter().any(|prefix| stat.name.starts_with(prefix))) {
        *used.entry(program(stat.pid).unwrap_or(stat.name)).or_default() += stat.cpu_ticks / TICKS_PER_SECOND * 1e3;
    }
    used
}

/// The file name of what a process runs: the kernel's name of it is cut after 15 characters.
fn program(pid: u32) -> Option<String> {
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let first = command.split(|byte| *byte == 0 || *byte == b' ').next().filter(|first| !first.is_empty())?;
    Some(String::from_utf8_lossy(first).rsplit('/').next()?.to_owned())
}

fn all_processes() -> Vec<Stat> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| read_stat(&entry.file_name().to_string_lossy())).collect()
}

fn read_stat(pid: &str) -> Option<Stat> {
    let pid: u32 = pid.parse().ok()?;
    let user = std::fs::metadata(format!("/proc/{pid}")).ok()?.uid();
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may itself hold some: the last one closes it.
    let (head, tail) = text.rsplit_once(") ")?;
    let name = head.split_once(" (")?.1.to_owned();
    let fields: Vec<&str> = tail.split(' ').collect();
    let number = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
    Some(Stat {
        pid,
        user,
        name,
        parent: fields.get(1)?.parse().ok()?,
        cpu_ticks: number(11)? + number(12)? + number(13)? + number(14)?,
        rss_pages: number(21)?,
    })
}

/// Processor time of this process's ended children, milliseconds.
pub fn children_cpu_ms() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").context("read /proc/self/stat")?;
    let tail = text.rsplit_once(") ").context("the shape of /proc/self/stat")?.1;
    let ticks: f64 = tail.split(' ').skip(13).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS_PER_SECOND * 1e3)
}
