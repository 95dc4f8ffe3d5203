//! The store on a real PostgreSQL.

mod app_life;
mod approvals;
mod audit_chain;
mod elsewhere;
mod events;
mod folders;
mod identity;
mod journal;
mod library_sets;
mod migrations;
mod oauth;
mod queues;
mod releases;
mod resources;
mod schedules;
mod secrets;
mod source_control;
mod ssh_hosts;
