//! db-connector over its socket, against real PostgreSQL databases.

mod changes;
mod clickhouse;
mod cluster;
mod conformance;
mod failures;
mod fetching;
mod hygiene;
mod kit;
mod ldap;
mod nats;
mod parameters;
mod reading;
mod redis;
mod results;
mod s3;
mod smtp;
mod streaming;
mod transport;
mod tunnel;
mod writing;
