//! What the executor holds on this machine: processes, memory, descriptors, cgroups, mounts.

use std::fs;
use std::path::Path;

use bulkhead_bench::process::ProcessGroup;

/// A moment's count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) processes: usize,
    pub(crate) rss_mib: f64,
    pub(crate) descriptors: usize,
    pub(crate) cgroups: usize,
    pub(crate) mounts: usize,
}

impl Held {
    /// What these processes hold, and what there is of cgroups and mounts at all.
    pub(crate) fn by(processes: &ProcessGroup) -> Self {
        let pids = processes.pids();
        let descriptors = pids.iter().filter_map(|pid| fs::read_dir(format!("/proc/{pid}/fd")).ok());
        Self {
            processes: pids.len(),
            rss_mib: processes.rss_mib(),
            descriptors: descriptors.map(Iterator::count).sum(),
            cgroups: folders(Path::new("/sys/fs/cgroup")),
            mounts: fs::read_to_string("/proc/self/mountinfo").unwrap_or_default().lines().count(),
        }
    }
}

fn folders(path: &Path) -> usize {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let folders_of =
        |entry: fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir()).then(|| folders(&entry.path()));
    entries.filter_map(folders_of).map(|below| below + 1).sum()
}
