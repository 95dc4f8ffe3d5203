//! A cgroup v2 for each run, below the one that systemd delegated to this service.
//!
//! The service's own processes move into a leaf of their own first: a cgroup that hands controllers to
//! children may not hold processes itself. Memory, tasks and CPU of a run are then limits of the whole
//! run, and an out-of-memory kill takes the run as a group and leaves the rest alone.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::SandboxError;
use crate::outcome::Usage;
use crate::policy::Limits;

const MOUNT: &str = "/sys/fs/cgroup";
const CONTROLLERS: [&str; 3] = ["cpu", "memory", "pids"];
/// The leaf of the service itself; the name that units give in `DelegateSubgroup=`.
const OWN_LEAF: &str = "supervisor";
/// What `cpu.max` counts in, in microseconds.
const CPU_PERIOD_US: u32 = 100_000;
const SWAP_LIMIT: &str = "memory.swap.max";
/// Milliseconds that the removal of a run's cgroup may take.
const REMOVAL_TRIES: u32 = 200;

/// Why runs cannot have cgroups here. Display names the fix.
#[derive(Debug, thiserror::Error)]
pub enum CgroupMissing {
    /// The machine has no unified cgroup hierarchy at the usual place.
    #[error("no cgroup v2 at /sys/fs/cgroup: boot with systemd.unified_cgroup_hierarchy=1")]
    NoUnifiedHierarchy,
    /// The service's cgroup lacks a controller.
    #[error("the cgroup {} lacks the controller '{controller}': set Delegate=cpu memory pids in the service's unit", .path.display())]
    NoController {
        /// The service's cgroup.
        path: PathBuf,
        /// The controller.
        controller: &'static str,
    },
    /// The service may not write to its cgroup.
    #[error("the cgroup {} is not delegated to this user: set Delegate=cpu memory pids in the service's unit", .path.display())]
    NotDelegated {
        /// The service's cgroup.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The delegated cgroup, ready to have a child for each run.
#[derive(Debug, Clone)]
pub struct Delegation {
    root: PathBuf,
}

impl Delegation {
    /// Takes the delegated cgroup of this process into use: moves the process into a leaf and hands
    /// the controllers to the children.
    pub fn enter() -> Result<Self, CgroupMissing> {
        let membership = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let root = root_of(Path::new(MOUNT), &membership).ok_or(CgroupMissing::NoUnifiedHierarchy)?;
        require_controllers(&root)?;
        let refused = |source| CgroupMissing::NotDelegated { path: root.clone(), source };
        let leaf = root.join(OWN_LEAF);
        fs::create_dir_all(&leaf).map_err(refused)?;
        fs::write(leaf.join("cgroup.procs"), std::process::id().to_string()).map_err(refused)?;
        fs::write(root.join("cgroup.subtree_control"), "+cpu +memory +pids").map_err(refused)?;
        Ok(Self { root })
    }

    /// Makes the cgroup of one run.
    pub(crate) fn create_run(&self, limits: &Limits) -> Result<RunCgroup, SandboxError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("run-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut run = RunCgroup { path: self.root.join(name), set: Vec::new() };
        fs::create_dir(&run.path).map_err(|source| SandboxError::Cgroup { operation: "making it", source })?;
        run.limit(limits)?;
        Ok(run)
    }
}

/// The cgroup of one run; removed with this value, when everything in it has ended.
#[derive(Debug)]
pub(crate) struct RunCgroup {
    path: PathBuf,
    /// The limits as they are.
    set: Vec<(&'static str, String)>,
}

impl RunCgroup {
    /// Puts a process in, and with it all that come from it.
    pub(crate) fn add(&self, pid: u32) -> Result<(), SandboxError> {
        fs::write(self.path.join("cgroup.procs"), pid.to_string())
            .map_err(|source| SandboxError::Cgroup { operation: "entering it", source })
    }

    /// A descriptor of it, for a clone into it.
    pub(crate) fn open(&self) -> Result<OwnedFd, SandboxError> {
        let opened = fs::File::open(&self.path).map(OwnedFd::from);
        opened.map_err(|source| SandboxError::Cgroup { operation: "opening it", source })
    }

    /// Sets the limits of a run, those that are not set so already.
    pub(crate) fn limit(&mut self, limits: &Limits) -> Result<(), SandboxError> {
        let wanted = settings(limits).to_vec();
        for (file, value) in wanted.iter().filter(|setting| !self.set.contains(setting)) {
            let path = self.path.join(file);
            // A kernel without swap accounting has no limit on swap to set.
            if *file == SWAP_LIMIT && !path.exists() {
                continue;
            }
            fs::write(path, value).map_err(|source| SandboxError::Cgroup { operation: "setting a limit", source })?;
        }
        self.set = wanted;
        Ok(())
    }

    /// Whether the kernel killed for lack of memory.
    pub(crate) fn out_of_memory(&self) -> bool {
        let events = fs::read_to_string(self.path.join("memory.events")).unwrap_or_default();
        counter(&events, "oom_kill").is_some_and(|kills| kills > 0)
    }

    /// What the run used, as far as the kernel counts it: the peak of memory since Linux 5.19.
    pub(crate) fn usage(&self, otherwise: Usage) -> Usage {
        let read = |file: &str| fs::read_to_string(self.path.join(file)).unwrap_or_default();
        Usage {
            cpu_us: counter(&read("cpu.stat"), "usage_usec").unwrap_or(otherwise.cpu_us),
            peak_memory_bytes: read("memory.peak").trim().parse().unwrap_or(otherwise.peak_memory_bytes),
        }
    }
}

impl Drop for RunCgroup {
    fn drop(&mut self) {
        // A kill for lack of memory takes the stage along, which then has not waited for the others: they
        // may take a moment to end. An empty cgroup that stays behind even so goes with the service.
        for _ in 0..REMOVAL_TRIES {
            if fs::remove_dir(&self.path).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn settings(limits: &Limits) -> [(&'static str, String); 5] {
    let quota_us = u64::from(limits.cpu_percent) * u64::from(CPU_PERIOD_US) / 100;
    [
        ("memory.max", limits.memory_bytes.to_string()),
        (SWAP_LIMIT, "0".to_owned()),
        ("memory.oom.group", "1".to_owned()),
        ("pids.max", (limits.tasks + 2).to_string()),
        ("cpu.max", format!("{quota_us} {CPU_PERIOD_US}")),
    ]
}

/// The delegated cgroup: the process's own, or its parent when systemd has made the leaf already.
fn root_of(mount: &Path, membership: &str) -> Option<PathBuf> {
    if !mount.join("cgroup.controllers").exists() {
        return None;
    }
    let own = membership.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let own = mount.join(own);
    if own.file_name().is_some_and(|name| name == OWN_LEAF) { own.parent().map(Path::to_path_buf) } else { Some(own) }
}

fn require_controllers(root: &Path) -> Result<(), CgroupMissing> {
    let present = fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
    match CONTROLLERS.into_iter().find(|wanted| !present.split_whitespace().any(|one| one == *wanted)) {
        Some(controller) => Err(CgroupMissing::NoController { path: root.to_path_buf(), controller }),
        None => Ok(()),
    }
}

fn counter(text: &str, name: &str) -> Option<u64> {
    let (_, value) = text.lines().filter_map(|line| line.split_once(' ')).find(|(key, _)| *key == name)?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn unified(controllers: &str, own: &str) -> tempfile::TempDir {
        let mount = tempfile::tempdir().unwrap();
        fs::write(mount.path().join("cgroup.controllers"), controllers).unwrap();
        let own = mount.path().join(own);
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("cgroup.controllers"), controllers).unwrap();
        mount
    }

    #[test]
    fn the_root_is_the_cgroup_above_our_own_leaf() {
        let mount = unified("cpu memory pids", "bulkhead/executor/supervisor");

        let by_hand = root_of(mount.path(), "0::/bulkhead/executor\n").unwrap();
        let by_systemd = root_of(mount.path(), "0::/bulkhead/executor/supervisor\n").unwrap();

        assert_eq!(by_hand, by_systemd);
    }

    #[test]
    fn a_hybrid_hierarchy_is_none() {
        let mount = tempfile::tempdir().unwrap();

        assert_eq!(root_of(mount.path(), "4:memory:/x\n0::/x\n"), None);
    }

    #[test]
    fn the_missing_controller_is_named_with_the_fix() {
        let mount = unified("cpu pids", "own");

        let error = require_controllers(&mount.path().join("own")).unwrap_err().to_string();

        assert!(error.contains("'memory'") && error.contains("Delegate=cpu memory pids"), "{error}");
    }

    #[test]
    fn limits_become_settings() {
        let limits = Limits { cpu_percent: 50, tasks: 10, memory_bytes: 1 << 20, ..Limits::default() };

        let settings = settings(&limits);

        assert!(settings.contains(&("cpu.max", "50000 100000".to_owned())));
        assert!(settings.contains(&("memory.max", "1048576".to_owned())));
        assert_eq!(counter("low 0\noom_kill 3\n", "oom_kill"), Some(3));
        assert_eq!(counter("low 0\n", "oom_kill"), None);
    }
}
