//! Microsoft SQL Server, and what speaks its protocol.

use super::server::server_config;
use super::text_fault;
use crate::Fault;

server_config! {
    /// How to reach a database of SQL Server.
    SqlServerConfig {
        /// Database name.
        database: String,
        /// Login of SQL Server's own.
        user: String,
    }
}

fn default_port() -> u16 {
    1433
}

impl SqlServerConfig {
    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        for (path, value) in [("config.database", &self.database), ("config.user", &self.user)] {
            text_fault(path, value, 128, faults);
        }
    }
}
