//! One SSH connection: checked address or channel of a jump host, pinned host key, log-in, a channel to a target.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon_kit::{NetworkPolicy, ResolveError};
use bulkhead_store::ssh_hosts::SshHop;
use russh::client::{self, Handle, Msg};
use russh::keys::{Algorithm, HashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{AlgorithmKind, ChannelOpenFailure, ChannelStream, Preferred};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::credential::{Credential, usable};
use crate::error::TunnelError;
use crate::log_in::log_in;
use crate::target;

/// Unanswered questions for a sign of life after which a session is dead.
const KEEPALIVE_MAX: usize = 3;
/// How long a host has to accept a TCP connection: less than the whole tunnel has, so that what hung has a name.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A session that is logged in, and the one that it travels through.
pub(crate) struct Session {
    handle: Handle<HostKeyCheck>,
    hop: SshHop,
    via: Option<Box<Session>>,
}

/// What connecting needs besides the host.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// Where the first host may be.
    pub(crate) network: NetworkPolicy,
    /// After how much silence a host is asked for a sign of life.
    pub(crate) keepalive_interval: Duration,
}

/// Why the SSH protocol did not get through.
#[derive(Debug)]
pub(crate) enum HandshakeError {
    /// Another host key than the pinned one, or any where none is pinned. `None` for a certificate.
    HostKey(Option<Box<PublicKey>>),
    /// Anything else.
    Ssh(russh::Error),
}

impl From<russh::Error> for HandshakeError {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

/// Accepts one host key and no other; without one, none.
pub(crate) struct HostKeyCheck(Option<PublicKey>);

impl client::Handler for HostKeyCheck {
    type Error = HandshakeError;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, HandshakeError> {
        // A certificate is never offered: no certificate algorithm is in the list that is negotiated.
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else { return Err(HandshakeError::HostKey(None)) };
        match &self.0 {
            Some(pinned) if key.key_data() == pinned.key_data() => Ok(true),
            _ => Err(HandshakeError::HostKey(Some(Box::new(key.clone())))),
        }
    }
}

trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> ByteStream for T {}

impl Session {
    /// Connects to a host, through `via` where it is given, and logs in.
    pub(crate) async fn log_in(
        hop: SshHop,
        credential: &Credential,
        via: Option<Self>,
        way: &Way,
    ) -> Result<Self, TunnelError> {
        let pinned = pinned_key(&hop)?;
        let stream = connect((&hop.config.host, hop.config.port), via.as_ref(), &way.network).await?;
        let config = client::Config {
            preferred: preferred(Some(pinned.algorithm())),
            keepalive_interval: Some(way.keepalive_interval),
            keepalive_max: KEEPALIVE_MAX,
            ..client::Config::default()
        };
        let expected = fingerprint(&pinned);
        let connected = client::connect_stream(Arc::new(config), stream, HostKeyCheck(Some(pinned))).await;
        let mut handle = connected.map_err(|error| match error {
            HandshakeError::HostKey(shown) => {
                let shown = shown.map_or_else(|| "a certificate".to_owned(), |key| fingerprint(&key));
                TunnelError::HostKey { host: hop.config.host.clone(), pinned: expected, shown }
            }
            HandshakeError::Ssh(error) => no_handshake((&hop.config.host, hop.config.port), &error),
        })?;
        log_in(&mut handle, &hop.config, credential).await?;
        Ok(Self { handle, hop, via: via.map(Box::new) })
    }

    /// Whether it still lives and was made with this way.
    pub(crate) fn serves(&self, way: &[SshHop]) -> bool {
        let Some((last, before)) = way.split_last() else { return false };
        let behind = match &self.via {
            Some(via) => via.serves(before),
            None => before.is_empty(),
        };
        behind && self.hop == *last && !self.handle.is_closed()
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
        let (via, host) = (self.hop.config.host.clone(), host.to_owned());
        let reason = match reason {
            ChannelOpenFailure::AdministrativelyProhibited => {
                return Err(TunnelError::ForwardingRefused { via, user: self.hop.config.user.clone(), host, port });
            }
            ChannelOpenFailure::ConnectFailed => "the connection failed; check host and port".to_owned(),
            ChannelOpenFailure::ResourceShortage => "the SSH host lacks resources".to_owned(),
            ChannelOpenFailure::UnknownChannelType => "it is no SSH server that forwards".to_owned(),
            ChannelOpenFailure::Other { code, .. } => format!("reason {code}"),
        };
        Err(TunnelError::TargetUnreachable { via, host, port, reason })
    }

    /// The error for a session that died right after its log-in.
    pub(crate) fn lost(&self) -> TunnelError {
        let config = &self.hop.config;
        no_handshake((&config.host, config.port), &russh::Error::Disconnect)
    }
}

/// The key that a host shows. Nobody logs in there.
pub(crate) async fn shown_key(
    (host, port): (&str, u16),
    via: Option<&Session>,
    network: &NetworkPolicy,
) -> Result<PublicKey, TunnelError> {
    let stream = connect((host, port), via, network).await?;
    let config = client::Config { preferred: preferred(None), ..client::Config::default() };
    match client::connect_stream(Arc::new(config), stream, HostKeyCheck(None)).await {
        Err(HandshakeError::HostKey(Some(shown))) => Ok(*shown),
        Err(HandshakeError::Ssh(error)) => Err(no_handshake((host, port), &error)),
        // A certificate, which was not asked for; or no key at all, which the check accepts as little.
        Err(HandshakeError::HostKey(None)) | Ok(_) => Err(no_handshake((host, port), &russh::Error::UnknownKey)),
    }
}

fn pinned_key(hop: &SshHop) -> Result<PublicKey, TunnelError> {
    let unusable = |reason| TunnelError::PinnedKey { host: hop.config.host.clone(), reason };
    let key = PublicKey::from_openssh(hop.config.host_key.trim())
        .map_err(|_| unusable("it must read like `ssh-ed25519 AAAA...` (ssh-keyscan HOST prints it after the name)"))?;
    usable(&key.algorithm()).then_some(key).ok_or_else(|| unusable("pin the host's ed25519 or ecdsa key"))
}

/// The pinned key's algorithm first, so that a host with several keys shows that one; the others after it, so that one with
/// another key still shows it and the refusal can name it. Where none is pinned, ed25519 first.
fn preferred(pinned: Option<Algorithm>) -> Preferred {
    let first = pinned.unwrap_or(Algorithm::Ed25519);
    let others = Preferred::DEFAULT.key.iter().filter(|other| usable(other) && **other != first);
    let key = std::iter::once(&first).chain(others).cloned().collect::<Vec<_>>();
    // Databases' bytes compress badly, and compressing beside encrypting leaks lengths.
    let compression = vec![russh::compression::NONE];
    Preferred { key: key.into(), compression: compression.into(), ..Preferred::DEFAULT }
}

/// From here to an address that the policy permits; from a jump host to where a tunnel may lead.
async fn connect(
    (host, port): (&str, u16),
    via: Option<&Session>,
    network: &NetworkPolicy,
) -> Result<Box<dyn ByteStream>, TunnelError> {
    if let Some(via) = via {
        target::check(host, port)?;
        let channel = via.open(host, port).await?;
        return Ok(Box::new(channel.ok_or_else(|| via.lost())?));
    }
    let address = network.resolve(host, port).await.map_err(|error| match error {
        ResolveError::Refused(host) => TunnelError::HostRefused { host },
        ResolveError::Lookup { host, .. } | ResolveError::Nothing(host) => TunnelError::NoAddress { host },
    })?;
    let unreachable = |reason: String| TunnelError::Unreachable { host: host.to_owned(), port, reason };
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, tokio::net::TcpStream::connect(address)).await;
    let stream = connected
        .map_err(|_| {
            unreachable(format!("no answer within {} s; a firewall may be in between", CONNECT_TIMEOUT.as_secs()))
        })?
        .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
        .map_err(|error| unreachable(error.to_string()))?;
    Ok(Box::new(stream))
}

/// What went wrong between the TCP connection and the log-in.
fn no_handshake((host, port): (&str, u16), error: &russh::Error) -> TunnelError {
    let closed = || {
        "it closed the connection; it may be full (MaxStartups), keep this machine out, or be no SSH server".to_owned()
    };
    let reason = match error {
        russh::Error::NoCommonAlgo { kind: AlgorithmKind::Key, .. } => {
            "it has no host key of type ed25519 or ecdsa; `ssh-keygen -A` on it makes one".to_owned()
        }
        russh::Error::NoCommonAlgo { .. } => {
            "it offers no method of encryption that is still taken for safe; it needs a newer SSH server".to_owned()
        }
        russh::Error::Version => "what answers there is no SSH server; check the port".to_owned(),
        russh::Error::HUP | russh::Error::Disconnect => closed(),
        russh::Error::IO(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof) => {
            closed()
        }
        error => error.to_string(),
    };
    TunnelError::Unreachable { host: host.to_owned(), port, reason }
}

/// As `ssh-keygen -l` prints it.
fn fingerprint(key: &PublicKey) -> String {
    format!("{} ({})", key.fingerprint(HashAlg::Sha256), key.algorithm())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bulkhead_model::SshHostId;
    use bulkhead_model::ssh::SshHostConfig;

    fn hop(host_key: &str) -> SshHop {
        let config = SshHostConfig {
            host: "bastion".into(),
            port: 22,
            user: "tunnel".into(),
            host_key: host_key.into(),
            jump_host: None,
        };
        SshHop { id: SshHostId::new(), config, sealed_secret: String::new() }
    }

    #[test]
    fn only_a_whole_key_of_a_usable_type_can_be_pinned() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
        assert!(pinned_key(&hop(key)).is_ok());
        assert!(pinned_key(&hop(&format!("{key} root@bastion\n"))).is_ok());
        assert!(matches!(pinned_key(&hop("ssh-ed25519 AAAA")), Err(TunnelError::PinnedKey { .. })));
        assert!(matches!(pinned_key(&hop("")), Err(TunnelError::PinnedKey { .. })));
    }

    #[test]
    fn the_pinned_algorithm_is_asked_for_first() {
        let pinned = Algorithm::Ecdsa { curve: russh::keys::EcdsaCurve::NistP256 };
        let asked = preferred(Some(pinned.clone()));
        assert_eq!(asked.key.first(), Some(&pinned));
        assert!(asked.key.contains(&Algorithm::Ed25519));
        assert!(!asked.key.iter().any(|algorithm| algorithm.clone().is_rsa()));
        assert_eq!(preferred(None).key.first(), Some(&Algorithm::Ed25519));
    }
}
