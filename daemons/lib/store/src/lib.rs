//! The only crate with SQL: the schema, its migrations, and one module of queries for each aggregate.
//!
//! A daemon's PostgreSQL role may touch only what its own queries need (the grants stand at the end of each migration), so
//! a query called by the wrong daemon fails in the database too.

pub mod access;
pub mod api_tokens;
pub mod app_life;
pub mod approvals;
pub mod apps;
pub mod audit;
pub mod audit_chain;
pub mod block_calls;
pub mod block_ends;
mod block_rows;
pub mod children;
mod database;
mod database_config;
mod database_tls;
mod documents;
pub mod environments;
mod error;
pub mod events;
pub mod folders;
pub mod groups;
pub mod identity;
pub mod jobs;
pub mod journal;
mod keyed_locks;
pub mod library_queries;
pub mod library_sets;
mod listen;
mod migrations;
pub mod oauth;
pub mod outbox;
mod payload;
pub mod queues;
mod release_cache;
pub mod resources;
mod retention;
pub mod run_control;
pub mod run_search;
pub mod runs;
pub mod schedules;
pub mod second_factors;
pub mod secrets;
pub mod session_access;
pub mod sessions;
pub mod sharing;
pub mod sign_in;
pub mod source_control;
pub mod source_documents;
pub mod ssh_hosts;
pub mod table_logins;
#[cfg(feature = "test-support")]
pub mod test_support;
pub mod traces;
pub mod workflows;

pub use database::Database;
pub use database_config::{DatabaseConfig, DatabaseConfigError};
pub use error::StoreError;
pub use listen::Notifications;
pub use migrations::{MigrationError, SCHEMA_VERSION, migrate};
