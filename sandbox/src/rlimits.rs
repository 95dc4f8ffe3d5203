//! Resource limits of each process of a run. Where the run has a cgroup these are the second fence.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::error::{AtStep, StepError};
use crate::policy::Limits;

/// PID 1 and the stage count towards the tasks of the user namespace.
const OWN_TASKS: u64 = 2;

/// Lowers the limits of this process; they can never be raised again.
pub(crate) fn apply(limits: &Limits) -> Result<(), StepError> {
    let fixed = [
        (Resource::RLIMIT_DATA, limits.data_bytes),
        // Counted per user namespace since Linux 5.14, so that runs do not take one another's.
        (Resource::RLIMIT_NPROC, limits.tasks + OWN_TASKS),
        (Resource::RLIMIT_NOFILE, limits.open_files),
        (Resource::RLIMIT_FSIZE, limits.file_size_bytes),
        // A core file would carry a run's data out of it. Not 0, which lets the kernel hand the core to
        // the host's collector still; 1 it takes as a word for neither.
        (Resource::RLIMIT_CORE, 1),
        // Queues and locked pages are kernel memory that no other limit here sees.
        (Resource::RLIMIT_MSGQUEUE, 0),
        (Resource::RLIMIT_MEMLOCK, 0),
        (Resource::RLIMIT_SIGPENDING, 256),
    ];
    for (resource, value) in fixed {
        lower(resource, value, value)?;
    }
    if let Some(bytes) = limits.address_space_bytes {
        lower(Resource::RLIMIT_AS, bytes, bytes)?;
    }
    // SIGXCPU at the limit names the cause; SIGKILL a second later is for programs that ignore it.
    lower(Resource::RLIMIT_CPU, limits.cpu_time_s, limits.cpu_time_s + 1)
}

fn lower(resource: Resource, soft: u64, hard: u64) -> Result<(), StepError> {
    let name = format!("{resource:?}");
    let (_, ceiling) = getrlimit(resource).at_object("limiting resources", &name)?;
    setrlimit(resource, soft.min(ceiling), hard.min(ceiling)).at_object("limiting resources", name)
}
