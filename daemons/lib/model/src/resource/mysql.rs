//! MySQL and MariaDB, and what speaks their protocol.

use super::server::server_config;
use super::text_fault;
use crate::Fault;

server_config! {
    /// How to reach a MySQL or MariaDB database.
    MysqlConfig {
        /// Database name.
        database: String,
        /// Account to log in as.
        user: String,
    }
}

fn default_port() -> u16 {
    3306
}

impl MysqlConfig {
    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        text_fault("config.database", &self.database, 64, faults);
        text_fault("config.user", &self.user, 80, faults);
    }
}
