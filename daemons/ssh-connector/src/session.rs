//! One SSH connection: checked address, pinned host key, log-in, a channel to a target.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon_kit::{NetworkPolicy, ResolveError};
use bulkhead_store::resources::SshHost;
use russh::client::{self, AuthResult, Handle, Msg};
use russh::keys::{Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{ChannelOpenFailure, ChannelStream, Preferred};
use zeroize::Zeroizing;

use crate::error::TunnelError;

/// Unanswered questions for a sign of life after which a session is dead.
const KEEPALIVE_MAX: usize = 3;

/// What logs in. The secret's text decides: a PEM block is a private key, anything else a password.
pub(crate) enum Credential {
    /// A key pair.
    Key(Arc<PrivateKey>),
    /// A password.
    Password(Zeroizing<String>),
}

/// A session that is logged in.
pub(crate) struct Session {
    handle: Handle<PinnedKey>,
    settings: SshHost,
}

/// Why the SSH protocol did not get through.
#[derive(Debug)]
enum HandshakeError {
    /// Another host key than the pinned one.
    HostKey { pinned: String, shown: String },
    /// Anything else.
    Ssh(russh::Error),
}

impl From<russh::Error> for HandshakeError {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

/// Accepts one host key and no other.
struct PinnedKey(PublicKey);

impl client::Handler for PinnedKey {
    type Error = HandshakeError;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, HandshakeError> {
        // A certificate is never offered: no certificate algorithm is in the list that is negotiated.
        let shown = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } if key.key_data() == self.0.key_data() => return Ok(true),
            PublicKeyOrCertificate::PublicKey { key, .. } => fingerprint(key),
            PublicKeyOrCertificate::Certificate(_) => "a certificate".to_owned(),
        };
        Err(HandshakeError::HostKey { pinned: fingerprint(&self.0), shown })
    }
}

impl Credential {
    /// Reads the opened secret of SSH host `host`.
    pub(crate) fn from_secret(host: &str, secret: &[u8]) -> Result<Self, TunnelError> {
        let unusable = |reason| TunnelError::PrivateKey { host: host.to_owned(), reason };
        let text = std::str::from_utf8(secret).map_err(|_| unusable("it is neither a key nor a password in UTF-8"))?;
        if !text.trim_start().starts_with("-----BEGIN ") {
            return Ok(Self::Password(Zeroizing::new(text.to_owned())));
        }
        let key = PrivateKey::from_openssh(text.trim_start())
            .map_err(|_| unusable("it is not in OpenSSH form; convert it with ssh-keygen -p -f KEY"))?;
        if key.is_encrypted() {
            return Err(unusable("it is protected by a passphrase; enter one without (it is stored sealed)"));
        }
        usable(&key.algorithm()).then(|| Self::Key(Arc::new(key))).ok_or_else(|| unusable(UNUSABLE_ALGORITHM))
    }
}

impl Session {
    /// Connects and logs in.
    pub(crate) async fn log_in(
        settings: SshHost,
        credential: &Credential,
        network: &NetworkPolicy,
        keepalive_interval: Duration,
    ) -> Result<Self, TunnelError> {
        let pinned = pinned_key(&settings)?;
        let stream = connect(&settings, network).await?;
        let config = client::Config {
            preferred: preferred(pinned.algorithm()),
            keepalive_interval: Some(keepalive_interval),
            keepalive_max: KEEPALIVE_MAX,
            ..client::Config::default()
        };
        let connected = client::connect_stream(Arc::new(config), stream, PinnedKey(pinned)).await;
        let mut handle = connected.map_err(|error| match error {
            HandshakeError::HostKey { pinned, shown } => {
                TunnelError::HostKey { host: settings.host.clone(), pinned, shown }
            }
            HandshakeError::Ssh(error) => unreachable(&settings, &error),
        })?;
        let outcome = match credential {
            Credential::Key(key) => {
                let key = PrivateKeyWithHashAlg::new(Arc::clone(key), None);
                handle.authenticate_publickey(&settings.user, key).await
            }
            Credential::Password(password) => handle.authenticate_password(&settings.user, password.as_str()).await,
        };
        match outcome.map_err(|error| unreachable(&settings, &error))? {
            AuthResult::Success => Ok(Self { handle, settings }),
            AuthResult::Failure { remaining_methods, .. } => Err(TunnelError::LogIn {
                host: settings.host,
                user: settings.user,
                accepted: remaining_methods.iter().map(String::from).collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// Whether it still lives and was made with these settings.
    pub(crate) fn serves(&self, settings: &SshHost) -> bool {
        !self.handle.is_closed() && self.settings == *settings
    }

    /// A channel to `host:port`, seen from the SSH host. `None` when the session died before it could be asked.
    pub(crate) async fn open(&self, host: &str, port: u16) -> Result<Option<ChannelStream<Msg>>, TunnelError> {
        // The originator is for the host's log; it tells nothing about this machine's network.
        let opened = self.handle.channel_open_direct_tcpip(host, port.into(), "127.0.0.1", 0).await;
        let reason = match opened {
            Ok(channel) => return Ok(Some(channel.into_stream())),
            Err(russh::Error::ChannelOpenFailure(reason)) => reason,
            Err(_) => return Ok(None),
        };
        let via = self.settings.host.clone();
        let unreachable = |reason: &str| TunnelError::TargetUnreachable {
            via: via.clone(),
            host: host.to_owned(),
            port,
            reason: reason.to_owned(),
        };
        Err(match reason {
            ChannelOpenFailure::AdministrativelyProhibited => TunnelError::ForwardingRefused(via),
            ChannelOpenFailure::ConnectFailed => unreachable("the connection failed; check host and port"),
            ChannelOpenFailure::ResourceShortage => unreachable("the SSH host lacks resources"),
            ChannelOpenFailure::UnknownChannelType => unreachable("it is no SSH server that forwards"),
            ChannelOpenFailure::Other { code, .. } => unreachable(&format!("reason {code}")),
        })
    }

    /// The error for a session that died right after its log-in.
    pub(crate) fn lost(&self) -> TunnelError {
        unreachable(&self.settings, &russh::Error::Disconnect)
    }
}

const UNUSABLE_ALGORITHM: &str = "it must be of type ed25519 or ecdsa (make one with ssh-keygen -t ed25519)";

/// RSA is left out: the only implementation at hand has a timing weakness in its private-key operation (RUSTSEC-2023-0071).
fn usable(algorithm: &Algorithm) -> bool {
    matches!(algorithm, Algorithm::Ed25519 | Algorithm::Ecdsa { .. })
}

fn pinned_key(settings: &SshHost) -> Result<PublicKey, TunnelError> {
    let unusable = |reason| TunnelError::PinnedKey { host: settings.host.clone(), reason };
    let key = PublicKey::from_openssh(settings.host_key.trim())
        .map_err(|_| unusable("it must read like `ssh-ed25519 AAAA...` (ssh-keyscan HOST prints it after the name)"))?;
    usable(&key.algorithm()).then_some(key).ok_or_else(|| unusable("pin the host's ed25519 or ecdsa key"))
}

/// The pinned key's algorithm first, so that a host with several keys shows that one; the others after it, so that one with
/// another key still shows it and the refusal can name it.
fn preferred(pinned: Algorithm) -> Preferred {
    let others = Preferred::DEFAULT.key.iter().filter(|other| usable(other) && **other != pinned);
    let key = std::iter::once(&pinned).chain(others).cloned().collect::<Vec<_>>();
    // Databases' bytes compress badly, and compressing beside encrypting leaks lengths.
    let compression = vec![russh::compression::NONE];
    Preferred { key: key.into(), compression: compression.into(), ..Preferred::DEFAULT }
}

async fn connect(settings: &SshHost, network: &NetworkPolicy) -> Result<tokio::net::TcpStream, TunnelError> {
    let address = network.resolve(&settings.host, settings.port).await.map_err(|error| match error {
        ResolveError::Refused(host) => TunnelError::HostRefused { host },
        ResolveError::Lookup { host, .. } | ResolveError::Nothing(host) => TunnelError::NoAddress { host },
    })?;
    let connected = async {
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    connected.await.map_err(|error: std::io::Error| unreachable(settings, &error))
}

fn unreachable(settings: &SshHost, error: &dyn std::error::Error) -> TunnelError {
    TunnelError::Unreachable { host: settings.host.clone(), port: settings.port, reason: error.to_string() }
}

/// As `ssh-keygen -l` prints it.
fn fingerprint(key: &PublicKey) -> String {
    format!("{} ({})", key.fingerprint(HashAlg::Sha256), key.algorithm())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(host_key: &str) -> SshHost {
        SshHost {
            host: "bastion".into(),
            port: 22,
            user: "tunnel".into(),
            host_key: host_key.into(),
            sealed_secret: String::new(),
        }
    }

    #[test]
    fn a_password_is_what_is_no_pem_block() {
        assert!(matches!(Credential::from_secret("h", b"hunter22"), Ok(Credential::Password(_))));
        assert!(matches!(
            Credential::from_secret("h", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"),
            Err(TunnelError::PrivateKey { .. })
        ));
    }

    #[test]
    fn only_a_whole_key_of_a_usable_type_can_be_pinned() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
        assert!(pinned_key(&settings(key)).is_ok());
        assert!(pinned_key(&settings(&format!("{key} root@bastion\n"))).is_ok());
        assert!(matches!(pinned_key(&settings("ssh-ed25519 AAAA")), Err(TunnelError::PinnedKey { .. })));
        assert!(matches!(pinned_key(&settings("")), Err(TunnelError::PinnedKey { .. })));
    }

    #[test]
    fn the_pinned_algorithm_is_asked_for_first() {
        let pinned = Algorithm::Ecdsa { curve: russh::keys::EcdsaCurve::NistP256 };
        let asked = preferred(pinned.clone());
        assert_eq!(asked.key.first(), Some(&pinned));
        assert!(asked.key.contains(&Algorithm::Ed25519));
        assert!(!asked.key.iter().any(|algorithm| algorithm.clone().is_rsa()));
    }
}
