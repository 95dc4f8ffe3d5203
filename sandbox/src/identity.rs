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

    /// The machine's user of this name, for a daemon that was started as root; the caller without a name. An error says what to
    /// write instead.
    pub fn of_user(name: Option<&str>) -> Result<Self, String> {
        let Some(name) = name else { return Ok(Self::Caller) };
        if !geteuid().is_root() {
            return Err("only a daemon that is started as root can become another user: leave it out".to_owned());
        }
        match User::from_name(name) {
            Ok(Some(user)) if user.uid.is_root() || user.gid.as_raw() == 0 => Err(format!(
                "nothing is sandboxed as root: name an unprivileged user instead of '{name}', for example 'nobody'"
            )),
            Ok(Some(user)) => Ok(Self::Switch { uid: user.uid.as_raw(), gid: user.gid.as_raw() }),
            Ok(None) => Err(format!("there is no user '{name}' on this machine")),
            Err(error) => Err(format!("the user '{name}' cannot be looked up: {error}")),
        }
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
