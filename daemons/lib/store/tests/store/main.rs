//! The store on a real PostgreSQL.

mod identity;
mod journal;
mod migrations;
mod releases;
