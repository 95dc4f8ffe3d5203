//! LDAP directories: OpenLDAP, Active Directory, FreeIPA and others.

use super::server::server_config;
use crate::Fault;

server_config! {
    /// How to reach a directory.
    LdapConfig {
        /// Distinguished name to bind as, with the secret as its password; anonymous when empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        bind_dn: String,
        /// Where a search begins that names no base.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        base_dn: String,
        /// Whether encryption begins by StartTLS (port 389), which the server must then offer, or with the first byte (port 636).
        /// Of no meaning where `tls` is `disabled`.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        starttls: bool,
    }
}

fn default_port() -> u16 {
    636
}

impl LdapConfig {
    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        for (path, text) in [("config.bind-dn", &self.bind_dn), ("config.base-dn", &self.base_dn)] {
            if text.len() > 1024 || text.contains('\0') {
                faults.push(Fault::new(path, "must have 1024 characters at most"));
            }
        }
    }
}
