//! The limit of memory of several processes together, on a host without cgroups that could keep it.
//!
//! It is looked at from time to time, so a run may hold a little more for a moment. The kernel's limits hold beside it, for each
//! process.

use std::os::fd::OwnedFd;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::Pid;

use crate::error::{AtStep, StepError};
use crate::inherited::{list, read};

/// A limit and the `/proc` to look at.
pub(crate) struct MemoryWatch {
    proc: OwnedFd,
    limit_bytes: u64,
}

impl MemoryWatch {
    /// Opens the host's `/proc`.
    pub(crate) fn new(limit_bytes: u64) -> Result<Self, StepError> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let proc = open("/proc", flags, Mode::empty()).at_object("opening", "/proc")?;
        Ok(Self { proc, limit_bytes })
    }

    /// Whether all processes that descend from PID 1 hold more than the limit.
    pub(crate) fn is_exceeded_by(&self, first: Pid) -> bool {
        let processes = self.descendants(first.as_raw());
        let sum =
            |held: fn(&Self, i32) -> Option<u64>| processes.iter().filter_map(|pid| held(self, *pid)).sum::<u64>();
        // What processes share counts for each in the quick sum, so only a large one is worth the exact one.
        sum(Self::resident_bytes) > self.limit_bytes && sum(Self::proportional_bytes) > self.limit_bytes
    }

    /// PID 1's own memory is not the run's. Orphans are its children too.
    fn descendants(&self, first: i32) -> Vec<i32> {
        let mut found = vec![first];
        let mut next = 0;
        while let Some(pid) = found.get(next).copied() {
            next += 1;
            for thread in list(&self.proc, &format!("{pid}/task")).unwrap_or_default() {
                let children = read(&self.proc, &format!("{pid}/task/{thread}/children")).unwrap_or_default();
                found.extend(children.split_whitespace().filter_map(|child| child.parse::<i32>().ok()));
            }
        }
        found.split_off(1)
    }

    fn resident_bytes(&self, pid: i32) -> Option<u64> {
        self.sum_kib(&format!("{pid}/status"), &["RssAnon:", "RssShmem:"])
    }

    /// Shared memory counts in equal parts; without a right to look closer, for each process.
    fn proportional_bytes(&self, pid: i32) -> Option<u64> {
        self.sum_kib(&format!("{pid}/smaps_rollup"), &["Pss_Anon:", "Pss_Shmem:"]).or_else(|| self.resident_bytes(pid))
    }

    fn sum_kib(&self, path: &str, names: &[&str]) -> Option<u64> {
        let text = read(&self.proc, path).ok()?;
        let kib = |name: &&str| {
            let line = text.lines().find_map(|line| line.strip_prefix(*name))?;
            line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        };
        names.iter().map(kib).sum::<Option<u64>>().map(|kib| kib * 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_children_counts_and_ones_own_does_not() {
        let here = Pid::this();
        let held = [1u8; 8 << 20];
        let mut child = std::process::Command::new("/bin/sleep").arg("100").spawn().expect("started");

        // A megabyte is what an idle process has in any case.
        let exceeded = MemoryWatch::new(4 << 20).expect("there is a /proc").is_exceeded_by(here);
        let by_one_byte = MemoryWatch::new(1).expect("there is a /proc").is_exceeded_by(here);

        child.kill().expect("killed");
        child.wait().expect("reaped");
        assert_eq!(held[4096], 1);
        assert!(!exceeded);
        assert!(by_one_byte);
    }
}
