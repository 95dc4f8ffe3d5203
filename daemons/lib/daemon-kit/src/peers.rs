//! Who is on the other end of a Unix socket, and who may be.
//!
//! The kernel tells (SO_PEERCRED). A socket's mode lets the group `bulkhead` connect; this policy then says which of its
//! members. The daemon's own user is always let in: it gains nothing by calling itself, and it lets one unprivileged user run
//! all daemons in a checkout.

use std::collections::BTreeMap;

use nix::unistd::{Uid, User};
use thiserror::Error;

/// The process on the other end of a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its user id.
    pub uid: u32,
    /// Its user's name, where the policy knows it.
    pub user: Option<String>,
}

impl Peer {
    /// Whether this is root, which `bulkheadctl` runs as.
    pub fn is_root(&self) -> bool {
        self.uid == 0
    }
}

/// Why a policy could not be made.
#[derive(Debug, Error)]
pub enum PeerError {
    /// The user data base could not be read.
    #[error("looking up user {user} failed")]
    Lookup {
        /// The user.
        user: String,
        /// The cause.
        #[source]
        source: nix::Error,
    },
}

/// Which users may connect.
#[derive(Clone, Debug)]
pub struct PeerPolicy {
    allowed: Option<BTreeMap<u32, String>>,
    own: u32,
}

impl PeerPolicy {
    /// These users. One that does not exist is left out: its daemon is not installed on this machine.
    pub fn users(names: &[&str]) -> Result<Self, PeerError> {
        let mut allowed = BTreeMap::new();
        for name in names {
            let found =
                User::from_name(name).map_err(|source| PeerError::Lookup { user: (*name).to_owned(), source })?;
            if let Some(user) = found {
                allowed.insert(user.uid.as_raw(), (*name).to_owned());
            }
        }
        Ok(Self { allowed: Some(allowed), own: Uid::effective().as_raw() })
    }

    /// Whoever the socket's mode lets connect.
    pub fn any() -> Self {
        Self { allowed: None, own: Uid::effective().as_raw() }
    }

    /// These users and root.
    #[must_use]
    pub fn and_root(mut self) -> Self {
        if let Some(allowed) = &mut self.allowed {
            allowed.insert(0, "root".to_owned());
        }
        self
    }

    /// The peer of user `uid`, if it may connect.
    pub(crate) fn admit(&self, uid: u32) -> Option<Peer> {
        let user = self.allowed.as_ref().and_then(|allowed| allowed.get(&uid)).cloned();
        let admitted = self.allowed.is_none() || user.is_some() || uid == self.own;
        admitted.then_some(Peer { uid, user })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_users_and_oneself_are_admitted() {
        let own = Uid::effective().as_raw();
        let policy = PeerPolicy::users(&["nobody", "no-such-user-here"]).expect("looked up");
        let nobody = User::from_name("nobody").expect("looked up").expect("exists").uid.as_raw();
        assert_eq!(policy.admit(nobody), Some(Peer { uid: nobody, user: Some("nobody".into()) }));
        assert_eq!(policy.admit(own), Some(Peer { uid: own, user: None }));
        assert_eq!(policy.admit(54_321), None);
        assert!(policy.and_root().admit(0).is_some());
    }
}
