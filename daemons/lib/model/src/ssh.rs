//! SSH hosts: what resources are reached through. Their secrets are never part of the settings.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Fault, SshHostId};

/// SSH hosts in a row at most, the one that is reached through the others included.
pub const MAX_SSH_HOSTS_IN_A_ROW: usize = 4;

/// The longest password or passphrase, in bytes.
const MAX_PASSWORD_BYTES: usize = 1024;
/// The longest private key, in bytes: more than ten times what a key of a usable type takes.
const MAX_PRIVATE_KEY_BYTES: usize = 8 * 1024;
/// The longest public key, in bytes.
const MAX_HOST_KEY_BYTES: usize = 1024;

/// Where an SSH host is, who logs in there, and how it proves who it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SshHostConfig {
    /// Host name or address, as the jump host sees it where there is one.
    pub host: String,
    /// TCP port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// Who to log in as.
    pub user: String,
    /// The one key that the host may show: `ssh-ed25519 AAAA...`.
    pub host_key: String,
    /// The SSH host that it is reached through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump_host: Option<SshHostId>,
}

fn default_port() -> u16 {
    22
}

/// How an SSH host lets Bulkhead in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SshAuthentication {
    /// By a key pair.
    Key,
    /// By a password.
    Password,
}

impl SshAuthentication {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Password => "password",
        }
    }
}

impl std::str::FromStr for SshAuthentication {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "key" => Ok(Self::Key),
            "password" => Ok(Self::Password),
            _ => Err(()),
        }
    }
}

/// What logs in. It is sealed to ssh-connector as this JSON, whole.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "authentication", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SshSecret {
    /// A key pair.
    Key {
        /// The private key in OpenSSH form, of type ed25519 or ecdsa.
        #[serde(rename = "private-key")]
        private_key: String,
        /// What it is protected by, if it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        passphrase: Option<String>,
    },
    /// A password, also where the host asks for it in a dialogue.
    Password {
        /// The password.
        password: String,
    },
}

impl std::fmt::Debug for SshSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SshSecret({})", self.authentication().as_str())
    }
}

impl SshHostConfig {
    /// Whether the secret of the one goes to where that of the other goes.
    pub fn has_destination_of(&self, other: &Self) -> bool {
        let destination = |config: &Self| (config.port, config.jump_host);
        destination(self) == destination(other) && self.host == other.host && self.user == other.user
    }

    /// Whether what is stored may be used with the settings of the other. A password is shown to the host, so it does not follow to
    /// another host's key either; a private key only signs for the host that it meets.
    pub fn keeps_secret(&self, other: &Self, authentication: SshAuthentication) -> bool {
        let is_known = authentication == SshAuthentication::Key || self.host_key == other.host_key;
        self.has_destination_of(other) && is_known
    }

    /// Faults that can be told without connecting.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = where_faults(&self.host, self.port);
        if self.user.is_empty() || self.user.len() > 255 || self.user.chars().any(char::is_control) {
            faults.push(Fault::new("config.user", "must have 1 to 255 characters"));
        }
        if self.host_key.len() > MAX_HOST_KEY_BYTES {
            faults.push(Fault::new("config.host-key", format!("must have at most {MAX_HOST_KEY_BYTES} bytes")));
        }
        faults
    }
}

/// Faults of the place of an SSH host.
pub fn where_faults(host: &str, port: u16) -> Vec<Fault> {
    let mut faults = Vec::new();
    crate::resource::host_faults(host, port, &mut faults);
    faults
}

impl SshSecret {
    /// How it logs in.
    pub fn authentication(&self) -> SshAuthentication {
        match self {
            Self::Key { .. } => SshAuthentication::Key,
            Self::Password { .. } => SshAuthentication::Password,
        }
    }

    /// Faults that can be told without the host. They repeat nothing of it.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut check = |path: &str, text: &str, most: usize| {
            if text.is_empty() || text.len() > most {
                faults.push(Fault::new(path, format!("must have 1 to {most} bytes")));
            }
        };
        match self {
            Self::Key { private_key, passphrase } => {
                check("secret.private-key", private_key, MAX_PRIVATE_KEY_BYTES);
                if let Some(passphrase) = passphrase {
                    check("secret.passphrase", passphrase, MAX_PASSWORD_BYTES);
                }
                if !private_key.trim_start().starts_with("-----BEGIN ") {
                    let message = "must be the whole file, from -----BEGIN OPENSSH PRIVATE KEY----- to its last line";
                    faults.push(Fault::new("secret.private-key", message));
                }
            }
            Self::Password { password } => check("secret.password", password, MAX_PASSWORD_BYTES),
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> SshHostConfig {
        SshHostConfig {
            host: "bastion".into(),
            port: 22,
            user: "tunnel".into(),
            host_key: "ssh-ed25519 AAAA".into(),
            jump_host: None,
        }
    }

    #[test]
    fn a_secret_belongs_to_host_port_user_and_jump_host() {
        let other_key = SshHostConfig { host_key: "ssh-ed25519 BBBB".into(), ..config() };
        assert!(config().keeps_secret(&other_key, SshAuthentication::Key));
        assert!(!config().keeps_secret(&other_key, SshAuthentication::Password));
        assert!(config().keeps_secret(&config(), SshAuthentication::Password));
        for other in [
            SshHostConfig { host: "other".into(), ..config() },
            SshHostConfig { port: 2222, ..config() },
            SshHostConfig { user: "root".into(), ..config() },
            SshHostConfig { jump_host: Some(SshHostId::new()), ..config() },
        ] {
            assert!(!config().has_destination_of(&other), "{other:?}");
        }
    }

    #[test]
    fn a_secret_reads_as_one_document_and_shows_nothing() {
        let text = r#"{"authentication":"key","private-key":"-----BEGIN X","passphrase":"canary"}"#;
        let secret: SshSecret = serde_json::from_str(text).expect("reads");
        assert_eq!(serde_json::to_string(&secret).expect("writes"), text);
        assert_eq!(format!("{secret:?}"), "SshSecret(key)");
        assert!(secret.validate().is_empty());
        let both = r#"{"authentication":"password","password":"a","private-key":"b"}"#;
        assert!(serde_json::from_str::<SshSecret>(both).is_err());
    }

    #[test]
    fn what_cannot_be_right_is_told_with_its_place() {
        let bad = SshHostConfig { host: "ssh://bastion".into(), port: 0, user: String::new(), ..config() };
        let paths = bad.validate().into_iter().map(|fault| fault.path).collect::<Vec<_>>();
        assert_eq!(paths, ["config.host", "config.port", "config.user"]);
        let public = SshSecret::Key { private_key: "ssh-ed25519 AAAA".into(), passphrase: Some(String::new()) };
        let paths = public.validate().into_iter().map(|fault| fault.path).collect::<Vec<_>>();
        assert_eq!(paths, ["secret.passphrase", "secret.private-key"]);
    }
}
