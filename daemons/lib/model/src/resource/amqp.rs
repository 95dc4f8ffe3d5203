//! Message brokers that speak AMQP 0-9-1, such as RabbitMQ.

use super::server::server_config;
use super::text_fault;
use crate::Fault;

server_config! {
    /// How to reach a broker.
    AmqpConfig {
        /// User to log in as.
        user: String,
        /// Virtual host.
        #[serde(default = "default_virtual_host")]
        virtual_host: String,
    }
}

fn default_port() -> u16 {
    5671
}

fn default_virtual_host() -> String {
    "/".to_owned()
}

impl AmqpConfig {
    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        for (path, text) in [("config.user", &self.user), ("config.virtual-host", &self.virtual_host)] {
            text_fault(path, text, 255, faults);
        }
    }
}
