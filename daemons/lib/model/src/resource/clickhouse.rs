//! ClickHouse, by its HTTP interface.

use super::server::server_config;
use super::text_fault;
use crate::Fault;

server_config! {
    /// How to reach a ClickHouse server by HTTP.
    ClickhouseConfig {
        /// Database that names without one are in.
        #[serde(default = "default_name")]
        database: String,
        /// User to log in as.
        #[serde(default = "default_name")]
        user: String,
    }
}

/// The port of HTTP over TLS; without TLS it is 8123.
fn default_port() -> u16 {
    8443
}

fn default_name() -> String {
    "default".to_owned()
}

impl ClickhouseConfig {
    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        for (path, value) in [("config.database", &self.database), ("config.user", &self.user)] {
            text_fault(path, value, 255, faults);
            // Both travel in a header.
            if value.chars().any(char::is_control) {
                faults.push(Fault::new(path, "must have no control characters"));
            }
        }
    }
}
