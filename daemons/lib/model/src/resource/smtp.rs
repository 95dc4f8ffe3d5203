//! A mail server that takes messages to send: SMTP submission.

use super::server::server_config;
use crate::Fault;

server_config! {
    /// How to hand messages to a mail server.
    SmtpConfig {
        /// User to log in as; no log-in when empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        user: String,
        /// Address that all messages are from. It is here and not in an operation, so that nobody who writes one picks another.
        from: String,
        /// Name beside that address, where an operation gives none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        from_name: String,
        /// Whether encryption begins by the command STARTTLS (port 587), which the server must then offer, or with the first byte
        /// (port 465). Of no meaning where `tls` is `disabled`.
        #[serde(default = "default_starttls")]
        starttls: bool,
    }
}

fn default_port() -> u16 {
    587
}

fn default_starttls() -> bool {
    true
}

/// The longest address of RFC 5321, in bytes.
const MAX_ADDRESS: usize = 254;

impl SmtpConfig {
    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        for (path, text) in [("config.user", &self.user), ("config.from-name", &self.from_name)] {
            if text.len() > 255 || text.chars().any(char::is_control) {
                faults.push(Fault::new(path, "must have 255 characters at most, and no line breaks"));
            }
        }
        let is_plain = |c: char| c.is_ascii_graphic() && !"<>,;\"()[]\\:".contains(c);
        let is_address = |(user, domain): (&str, &str)| !user.is_empty() && !domain.is_empty() && !user.contains('@');
        let sound = self.from.len() <= MAX_ADDRESS && self.from.chars().all(is_plain);
        if !sound || !self.from.rsplit_once('@').is_some_and(is_address) {
            faults.push(Fault::new("config.from", "must be one address without a name, such as tools@example.com"));
        }
    }
}
