//! New user, mount, pid, network, ipc, uts and cgroup namespaces, and the one id that is mapped.

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use crate::error::{AtStep, StepError};
use crate::policy::{INNER_ID, Processes};

/// The name of the step, which the self-check looks for.
pub(crate) const STEP: &str = "creating namespaces";

/// Leaves all of the host's namespaces. The next child is PID 1 of the new pid namespace.
///
/// The network namespace has a loopback interface that stays down, so nothing can be reached.
pub(crate) fn enter(processes: Processes) -> Result<(), StepError> {
    let (uid, gid) = (geteuid(), getegid());
    let mut all = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    // The runs that a zygote forks enter cgroups beside its own, which a namespace of its own would put out of reach.
    if processes != Processes::Zygote {
        all |= CloneFlags::CLONE_NEWCGROUP;
    }
    unshare(all).at(STEP)?;
    for (file, text) in id_maps(uid.as_raw(), gid.as_raw()) {
        let path = format!("/proc/self/{file}");
        std::fs::write(&path, text).at_object("mapping ids", path)?;
    }
    Ok(())
}

/// What to write into which file of `/proc/self`, in this order: an unprivileged process may map its own group only once
/// setgroups is off the table.
pub(crate) fn id_maps(outer_uid: u32, outer_gid: u32) -> [(&'static str, String); 3] {
    [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{INNER_ID} {outer_uid} 1")),
        ("gid_map", format!("{INNER_ID} {outer_gid} 1")),
    ]
}
