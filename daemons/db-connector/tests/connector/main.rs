//! db-connector over its socket, against real PostgreSQL databases.

mod changes;
mod cluster;
mod failures;
mod fetching;
mod hygiene;
mod kit;
mod parameters;
mod reading;
mod results;
mod streaming;
mod transport;
mod tunnel;
mod writing;
