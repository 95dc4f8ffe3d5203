//! What the executor holds on this machine: processes, memory, descriptors, cgroups, mounts.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Uid, getpid};

/// Clock ticks a second in /proc: USER_HZ, fixed at 100 on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// The processes of one user, but this one.
pub(crate) struct System {
    user: u32,
}

/// A moment's count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) processes: usize,
    pub(crate) rss_mib: f64,
    pub(crate) descriptors: usize,
    pub(crate) cgroups: usize,
    pub(crate) mounts: usize,
}

impl System {
    pub(crate) fn of_own_user() -> Self {
        Self { user: Uid::effective().as_raw() }
    }

    /// Processor time so far in milliseconds, of ended children too.
    pub(crate) fn cpu_ms(&self) -> f64 {
        let ticks = |stat: &[f64]| stat[11] + stat[12] + stat[13] + stat[14];
        self.processes().iter().filter_map(|pid| fields(pid)).map(|stat| ticks(&stat)).sum::<f64>() / TICKS_PER_SECOND
            * 1e3
    }

    pub(crate) fn held(&self) -> Held {
        let processes = self.processes();
        let pages: f64 = processes.iter().filter_map(|pid| fields(pid)).map(|stat| stat[21]).sum();
        let descriptors = processes.iter().filter_map(|pid| fs::read_dir(format!("/proc/{pid}/fd")).ok());
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default().lines().count();
        Held {
            processes: processes.len(),
            rss_mib: pages * 4096.0 / (1024.0 * 1024.0),
            descriptors: descriptors.map(Iterator::count).sum(),
            cgroups: folders(Path::new("/sys/fs/cgroup")),
            mounts,
        }
    }

    fn processes(&self) -> Vec<String> {
        let own = getpid().to_string();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ours = entries.filter(|entry| entry.metadata().is_ok_and(|found| found.uid() == self.user));
        let names = ours.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()) && *name != own).collect()
    }
}

/// The numbers of /proc/PID/stat behind the name; what is no number there counts as none.
fn fields(pid: &str) -> Option<Vec<f64>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let tail = text.rsplit_once(") ")?.1;
    let numbers: Vec<f64> = tail.split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect();
    (numbers.len() > 21).then_some(numbers)
}

fn folders(path: &Path) -> usize {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let folders_of =
        |entry: fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir()).then(|| folders(&entry.path()));
    entries.filter_map(folders_of).map(|below| below + 1).sum()
}
