//! Who is on the other end of an internal socket, and who may be.
//!
//! On a Unix socket the kernel tells (SO_PEERCRED), over TCP the role in a certificate that was verified. A socket's mode lets the group `bulkhead` connect; this policy then says which of its
//! members. The daemon's own user is always let in: it gains nothing by calling itself, and it lets one unprivileged user run
//! all daemons in a checkout.

use std::collections::BTreeMap;

use bulkhead_mtls::Role;
use nix::unistd::{Uid, User};
use thiserror::Error;

/// The process on the other end of an internal socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its user id, where it is on this machine.
    pub uid: Option<u32>,
    /// Its user's name, where the policy knows it; of another machine's daemon, the user that it has there.
    pub user: Option<String>,
}

impl Peer {
    /// Whether it is on this machine.
    pub fn is_local(&self) -> bool {
        self.uid.is_some()
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
    roles: &'static [Role],
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
        Ok(Self { allowed: Some(allowed), roles: &[], own: Uid::effective().as_raw() })
    }

    /// Those that may call this daemon: their users on this machine, their roles on others.
    pub fn callers_of(role: Role) -> Result<Self, PeerError> {
        let names: Vec<&str> = role.callers().iter().map(|caller| caller.unit()).collect();
        Ok(Self { roles: role.callers(), ..Self::users(&names)? })
    }

    /// Whoever the socket's mode lets connect.
    pub fn any() -> Self {
        Self { allowed: None, roles: &[], own: Uid::effective().as_raw() }
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
        admitted.then_some(Peer { uid: Some(uid), user })
    }

    /// The daemon of another machine that showed this role, if it may connect. One's own role counts for nothing there.
    pub(crate) fn admit_role(&self, role: Role) -> Option<Peer> {
        self.roles.contains(&role).then(|| Peer { uid: None, user: Some(role.unit().to_owned()) })
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
        assert_eq!(policy.admit(nobody), Some(Peer { uid: Some(nobody), user: Some("nobody".into()) }));
        assert_eq!(policy.admit(own), Some(Peer { uid: Some(own), user: None }));
        assert_eq!(policy.admit(54_321), None);
        assert!(policy.and_root().admit(0).is_some());
    }

    #[test]
    fn a_role_is_admitted_where_the_table_says_so() {
        let policy = PeerPolicy::callers_of(Role::DbConnector).expect("looked up");
        let peer = policy.admit_role(Role::WorkflowsBackend).expect("admitted");
        assert_eq!(peer, Peer { uid: None, user: Some("bulkhead-workflows-backend".into()) });
        assert!(!peer.is_local());
        assert_eq!(policy.admit_role(Role::WorkflowsWorker), None);
        assert_eq!(policy.admit_role(Role::DbConnector), None, "its own role is nobody's to show");
        assert_eq!(PeerPolicy::any().admit_role(Role::Api), None);
    }
}
