//! NATS servers.

use super::server::server_config;
use crate::Fault;

server_config! {
    /// How to reach a NATS server.
    NatsConfig {
        /// User to log in as, with the secret as its password. When empty, the secret is a token, and without one there is no log-in.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        user: String,
    }
}

fn default_port() -> u16 {
    4222
}

impl NatsConfig {
    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        if self.user.len() > 255 || self.user.contains('\0') {
            faults.push(Fault::new("config.user", "must have 255 characters at most"));
        }
    }
}
