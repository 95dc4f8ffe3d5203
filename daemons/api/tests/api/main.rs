//! The daemon as it runs: real routes over real sockets, a real PostgreSQL under the daemons' own roles, and the real
//! db-connector beside it.

mod api_tokens;
mod asking;
mod audit;
mod documents;
mod environments;
mod events;
mod exports;
mod groups;
mod identity;
mod imports;
mod kit;
mod library;
mod library_sets;
mod openapi;
mod perimeter;
mod permissions;
mod queries;
mod resource_accounts;
mod resources;
mod runs;
mod second_factor;
mod secrets;
mod sessions;
mod sharing;
mod sign_in;
mod source_control;
mod ssh_hosts;
mod tables;
mod web;
mod webhooks;
