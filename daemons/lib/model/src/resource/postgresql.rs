//! PostgreSQL, and what speaks its protocol.

use super::server::server_config;
use super::text_fault;
use crate::Fault;

server_config! {
    /// How to reach a PostgreSQL database.
    PostgresqlConfig {
        /// Database name.
        database: String,
        /// Role to log in as.
        user: String,
    }
}

fn default_port() -> u16 {
    5432
}

impl PostgresqlConfig {
    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        for (path, value) in [("config.database", &self.database), ("config.user", &self.user)] {
            text_fault(path, value, 63, faults);
        }
    }
}
