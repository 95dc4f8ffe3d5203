//! What logs in: the opened secret of an SSH host, made usable. It never leaves this process.

use std::sync::Arc;

use bulkhead_model::ssh::SshSecret;
use russh::keys::ssh_key::Kdf;
use russh::keys::{Algorithm, PrivateKey};
use zeroize::Zeroizing;

use crate::error::TunnelError;

/// The most rounds of key derivation that a protected key may ask for: ssh-keygen's default is below 30, and a hundred are
/// most of a second.
const MAX_ROUNDS: u32 = 512;

/// What logs in.
pub(crate) enum Credential {
    /// A key pair.
    Key(Arc<PrivateKey>),
    /// A password.
    Password(Zeroizing<String>),
}

impl Credential {
    /// Reads the opened secret of SSH host `host`. A protected key takes its time: not on a thread that others wait for.
    pub(crate) fn from_secret(host: &str, secret: &[u8]) -> Result<Self, TunnelError> {
        let unusable = |reason| TunnelError::PrivateKey { host: host.to_owned(), reason };
        match serde_json::from_slice(secret) {
            Ok(SshSecret::Password { password }) => Ok(Self::Password(Zeroizing::new(password))),
            Ok(SshSecret::Key { private_key, passphrase }) => {
                let (text, passphrase) = (Zeroizing::new(private_key), passphrase.map(Zeroizing::new));
                let key = read_key(&text, passphrase.as_ref().map(|passphrase| passphrase.as_str()));
                key.map(|key| Self::Key(Arc::new(key))).map_err(unusable)
            }
            Err(_) => Err(unusable("it is neither a key nor a password; enter it again")),
        }
    }
}

fn read_key(text: &str, passphrase: Option<&str>) -> Result<PrivateKey, &'static str> {
    // A pasted key often lacks its last line break, or has those of Windows.
    let lines = text.trim().lines().map(str::trim_end).collect::<Vec<_>>();
    let tidy = Zeroizing::new(lines.join("\n") + "\n");
    let key = PrivateKey::from_openssh(tidy.as_bytes())
        .map_err(|_| "it is not in OpenSSH form; convert it with ssh-keygen -p -f KEY")?;
    if !usable(&key.algorithm()) {
        return Err("it must be of type ed25519 or ecdsa (make one with ssh-keygen -t ed25519)");
    }
    if !key.is_encrypted() {
        return Ok(key);
    }
    let passphrase = passphrase.ok_or("it is protected by a passphrase; enter that too")?;
    if let Kdf::Bcrypt { rounds, .. } = key.kdf()
        && *rounds > MAX_ROUNDS
    {
        return Err(
            "its passphrase is derived in more than 512 rounds; protect it anew with ssh-keygen -p -a 100 -f KEY",
        );
    }
    key.decrypt(passphrase).map_err(|_| "its passphrase is another one; enter it again")
}

/// RSA is left out: the only implementation at hand has a timing weakness in its private-key operation (RUSTSEC-2023-0071).
pub(crate) fn usable(algorithm: &Algorithm) -> bool {
    matches!(algorithm, Algorithm::Ed25519 | Algorithm::Ecdsa { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(secret: &SshSecret) -> &'static str {
        match Credential::from_secret("h", &serde_json::to_vec(secret).expect("JSON")) {
            Err(TunnelError::PrivateKey { reason, .. }) => reason,
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("it must not be usable"),
        }
    }

    #[test]
    fn a_password_is_a_password_whatever_it_looks_like() {
        let secret = br#"{"authentication":"password","password":"-----BEGIN OPENSSH PRIVATE KEY-----"}"#;
        assert!(matches!(Credential::from_secret("h", secret), Ok(Credential::Password(_))));
    }

    #[test]
    fn what_is_no_key_says_what_to_do() {
        let private_key = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----".to_owned();
        assert!(reason(&SshSecret::Key { private_key, passphrase: None }).contains("ssh-keygen -p"));
        let Err(TunnelError::PrivateKey { reason, .. }) = Credential::from_secret("h", b"hunter22") else {
            panic!("a bare text is no secret")
        };
        assert!(reason.contains("enter it again"));
    }
}
