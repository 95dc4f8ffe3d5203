//! Who calls, and what they may do.
//!
//! [`caller`] turns a cookie, a token or a peer into a [`caller::Caller`]; [`guard`] is the one place where roles are enforced. Handlers ask for
//! what they need as an argument, so none can forget the check.

pub(crate) mod attempts;
pub(crate) mod caller;
pub(crate) mod cross_site;
pub(crate) mod guard;
pub(crate) mod id_token;
pub(crate) mod passwords;
pub(crate) mod provider_keys;
pub(crate) mod second_factor;
pub(crate) mod token;

pub(crate) use caller::{Administrator, AdministratorInSession, Caller, InSession, Origin, Root};
pub(crate) use guard::{
    Admin, AppKind, Editor, FolderKind, On, OnQuery, OnRun, QueryKind, ResourceKind, Viewer, WorkflowKind,
};
