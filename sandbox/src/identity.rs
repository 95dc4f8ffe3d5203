//! Who the sandbox is on the host: never root.

use nix::unistd::{Gid, Uid, User, getegid, geteuid, setgroups, setresgid, setresuid};

use crate::error::{AtStep, SandboxError, StepError};
use crate::policy::Identity;

impl Identity {
    /// The caller, or the machine's user `nobody` if the caller is root; `None` if there is no such user.
    /// For command lines and tests; a daemon has a user of its own.
    pub fn unprivileged() -> Option<Self> {
        if !geteuid().is_root() {
            return Some(Self::Caller);
        }
        let nobody = User::from_name("nobody").ok()??;
        Some(Self::Switch { uid: nobody.uid.as_raw(), gid: nobody.gid.as_raw() })
    }
}

/// Refuses an identity that would be root. Asked in the caller, before anything starts.
pub(crate) fn refuse_root(identity: Identity) -> Result<(), SandboxError> {
    let root = match identity {
        Identity::Caller => geteuid().is_root() || getegid().as_raw() == 0,
        Identity::Switch { uid, gid } => uid == 0 || gid == 0,
    };
    if root { Err(SandboxError::Root) } else { Ok(()) }
}

/// Becomes the identity for good.
pub(crate) fn assume(identity: Identity) -> Result<(), StepError> {
    let Identity::Switch { uid, gid } = identity else { return Ok(()) };
    const STEP: &str = "becoming the unprivileged user";
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    setgroups(&[]).at(STEP)?;
    setresgid(gid, gid, gid).at(STEP)?;
    setresuid(uid, uid, uid).at(STEP)?;
    // The kernel made /proc/self root's with the change, and uid_map is in there.
    nix::sys::prctl::set_dumpable(true).at(STEP)
}
