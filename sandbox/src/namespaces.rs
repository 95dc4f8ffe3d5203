//! New user, mount, pid, network, ipc, uts and cgroup namespaces, and the one id that is mapped.

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use crate::error::{AtStep, StepError};
use crate::policy::INNER_ID;

/// The name of the step, which the self-check looks for.
pub(crate) const STEP: &str = "creating namespaces";

/// Leaves all of the host's namespaces. The next child is PID 1 of the new pid namespace.
///
/// The network namespace has a loopback interface that stays down, so nothing can be reached.
pub(crate) fn enter() -> Result<(), StepError> {
    let (uid, gid) = (geteuid(), getegid());
    let all = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    unshare(all).at(STEP)?;
    // An unprivileged process may map its own group only once setgroups is off the table.
    write_own("setgroups", "deny")?;
    write_own("uid_map", &format!("{INNER_ID} {uid} 1"))?;
    write_own("gid_map", &format!("{INNER_ID} {gid} 1"))
}

fn write_own(file: &str, text: &str) -> Result<(), StepError> {
    let path = format!("/proc/self/{file}");
    std::fs::write(&path, text).at_object("mapping ids", path)
}
