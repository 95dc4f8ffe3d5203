//! The language that Bulkhead's daemons share: ids, names, app and workflow documents, bindings, run states.
//!
//! Pure data and pure functions: no IO, no clock, no randomness beyond minting an id. Everything that a person can
//! save is parsed and validated here, so that every daemon refuses the same document with the same words.

pub mod app;
pub mod binding;
pub mod change;
pub mod environment;
pub mod fault;
pub mod header;
pub mod ids;
pub mod library;
pub mod library_query;
pub mod library_set;
pub mod name;
pub mod operation;
pub mod query;
pub mod resource;
pub mod role;
pub mod run;
pub mod sign_in;
pub mod source_control;
pub mod sql;
pub mod ssh;
pub mod tables;
pub mod trace;
pub mod workflow;

pub use fault::Fault;
pub use ids::{AppId, EnvironmentId, FolderId, LibraryQueryId, ResourceId, RunId, SshHostId, UserId, WorkflowId};
pub use library::{Libraries, LibraryImage};
pub use library_set::{LibraryNames, LibraryPackage, LibrarySet};
pub use name::{Name, Slug};
pub use role::Role;
pub use trace::TraceParent;
