//! Redis and Valkey.

use super::server::server_config;
use crate::Fault;

server_config! {
    /// How to reach a Redis or Valkey server.
    RedisConfig {
        /// User to log in as; the default user when empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        user: String,
        /// Number of the database.
        #[serde(default)]
        database: u16,
    }
}

fn default_port() -> u16 {
    6379
}

impl RedisConfig {
    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        if self.user.len() > 255 || self.user.contains('\0') {
            faults.push(Fault::new("config.user", "must have 255 characters at most"));
        }
    }
}
