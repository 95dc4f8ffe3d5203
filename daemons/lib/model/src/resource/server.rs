//! What all kinds have in common whose server is reached by host and port.

use super::TlsMode;
use crate::{Fault, SshHostId};

/// Where a server is, and how the way to it is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server<'a> {
    /// Host name or address.
    pub host: &'a str,
    /// TCP port.
    pub port: u16,
    /// Encryption of the connection.
    pub tls: TlsMode,
    /// PEM of the authority that signed the server's certificate; the system's authorities when absent.
    pub ca_certificate: Option<&'a str>,
    /// PEM of the certificate by which this side is known to the server.
    pub client_certificate: Option<&'a str>,
    /// SSH host to tunnel through.
    pub ssh_host: Option<SshHostId>,
}

impl Server<'_> {
    /// Faults that can be told without connecting.
    pub(super) fn faults(&self, faults: &mut Vec<Fault>) {
        host_faults(self.host, self.port, faults);
    }

    /// Faults of the client certificate.
    pub(super) fn certificate_faults(&self, faults: &mut Vec<Fault>) {
        let Some(certificate) = self.client_certificate else { return };
        let fault = if certificate.contains("PRIVATE KEY-----") {
            "holds a private key: everybody who may look at the resource would read it; enter the key in its own field"
        } else if !certificate.contains("-----BEGIN CERTIFICATE-----") {
            "must be PEM: -----BEGIN CERTIFICATE----- and what follows"
        } else if self.tls == TlsMode::Disabled {
            "is shown over TLS alone: turn TLS on, or remove it"
        } else {
            return;
        };
        faults.push(Fault::new("config.client-certificate", fault));
    }
}

/// Faults of where a server is: of the settings' `host` and `port`.
pub(crate) fn host_faults(host: &str, port: u16, faults: &mut Vec<Fault>) {
    let host_ok = !host.is_empty()
        && host.len() <= 253
        && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_'));
    if !host_ok {
        faults.push(Fault::new(
            "config.host",
            "must be one host name or address, without scheme, path or port (a Unix socket is not accepted)",
        ));
    }
    if port == 0 {
        faults.push(Fault::new("config.port", "must be between 1 and 65535"));
    }
}

/// The settings of a kind whose server is reached by host and port: its own fields beside those that all such kinds share. The file
/// that uses it has a `default_port()`.
macro_rules! server_config {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub struct $name {
            /// Host name or address. Never a Unix socket: a resource must not reach the appliance's own services.
            pub host: String,
            /// TCP port.
            #[serde(default = "default_port")]
            pub port: u16,
            $($(#[$field_meta])* pub $field: $type,)*
            /// Encryption of the connection.
            #[serde(default)]
            pub tls: $crate::resource::TlsMode,
            /// PEM of the authority that signed the server's certificate; the system's authorities when absent.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub ca_certificate: Option<String>,
            /// PEM of the certificate by which this side is known to the server, its authorities behind it; none when absent. Its private key is sealed with the secret.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub client_certificate: Option<String>,
            /// SSH host to tunnel through.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub ssh_host: Option<$crate::SshHostId>,
        }

        impl $name {
            /// Where the server is.
            pub fn server(&self) -> $crate::resource::Server<'_> {
                $crate::resource::Server {
                    host: &self.host,
                    port: self.port,
                    tls: self.tls,
                    ca_certificate: self.ca_certificate.as_deref(),
                    client_certificate: self.client_certificate.as_deref(),
                    ssh_host: self.ssh_host,
                }
            }
        }
    };
}

pub(super) use server_config;
