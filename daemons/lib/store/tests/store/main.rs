//! The store on a real PostgreSQL.

mod identity;
mod journal;
mod library_sets;
mod migrations;
mod releases;
mod secrets;
