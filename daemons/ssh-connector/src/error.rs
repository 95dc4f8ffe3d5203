//! Why a tunnel was not opened or a host not reached, as a problem document. Nothing here repeats a secret.

use axum::response::{IntoResponse, Response};
use bulkhead_model::ssh::MAX_SSH_HOSTS_IN_A_ROW;
use bulkhead_rpc::Problem;
use bulkhead_seal::OpenError;
use bulkhead_store::StoreError;
use thiserror::Error;

/// Why a tunnel was not opened.
#[derive(Debug, Error)]
pub(crate) enum TunnelError {
    #[error("there is no such SSH host: choose one that exists")]
    UnknownHost,
    #[error("Bulkhead's own database does not answer")]
    Store(#[source] StoreError),
    #[error("the secret of SSH host {host} cannot be opened")]
    Secret {
        host: String,
        #[source]
        source: OpenError,
    },
    #[error("the secret of SSH host {host} is not usable: {reason}")]
    PrivateKey { host: String, reason: &'static str },
    #[error("the pinned key of SSH host {host} is not usable: {reason}")]
    PinnedKey { host: String, reason: &'static str },
    #[error("SSH host {host} has no address: check its name")]
    NoAddress { host: String },
    #[error(
        "SSH host {host} is on this machine or link-local, where SSH hosts may not be; an administrator can allow it by \
         allow-networks in ssh-connector.toml"
    )]
    HostRefused { host: String },
    #[error("SSH host {host}:{port} cannot be reached: {reason}")]
    Unreachable { host: String, port: u16, reason: String },
    #[error(
        "SSH host {host} showed another key than the pinned one: pinned {pinned}, shown {shown}. If its key was changed on \
         purpose, pin the new one; if not, somebody may be in between"
    )]
    HostKey { host: String, pinned: String, shown: String },
    #[error("SSH host {host} refused to log in {user}: {reason}")]
    LogIn { host: String, user: String, reason: String },
    #[error(
        "more than {MAX_SSH_HOSTS_IN_A_ROW} SSH hosts stand in a row, or one is reached through itself: shorten the way"
    )]
    RowTooLong,
    #[error("host, port, user or jump host changed: enter the secret again")]
    SecretNeeded,
    #[error("only {0} may ask for this")]
    Forbidden(&'static str),
    #[error("a tunnel cannot lead to {host}: {reason}")]
    TargetRefused { host: String, reason: &'static str },
    #[error("SSH host {via} cannot reach {host}:{port}: {reason}")]
    TargetUnreachable { via: String, host: String, port: u16, reason: String },
    #[error(
        "SSH host {via} does not let {user} forward to {host}:{port}. In its sshd_config, AllowTcpForwarding must be yes or local \
         and DisableForwarding no, and PermitOpen must list {host}:{port} where it is set; in authorized_keys the same is \
         decided by restrict, no-port-forwarding and permitopen"
    )]
    ForwardingRefused { via: String, user: String, host: String, port: u16 },
    #[error("the way took longer than {0} ms: an SSH host or the target does not answer")]
    Timeout(u128),
    #[error("all {0} tunnels are in use: try again, or raise max-tunnels in ssh-connector.toml")]
    Busy(usize),
    #[error("this is no request for a tunnel: {0}")]
    Request(String),
}

impl TunnelError {
    fn status_and_code(&self) -> (u16, &'static str) {
        match self {
            Self::UnknownHost => (404, "ssh-host-unknown"),
            Self::Store(_) => (503, "database-unavailable"),
            Self::Secret { .. } | Self::PrivateKey { .. } => (422, "ssh-secret"),
            Self::PinnedKey { .. } => (422, "ssh-pinned-key"),
            Self::HostRefused { .. } => (422, "ssh-host-refused"),
            Self::RowTooLong => (422, "ssh-row-too-long"),
            Self::SecretNeeded => (422, "secret-needed"),
            Self::Forbidden(_) => (403, "forbidden"),
            Self::NoAddress { .. } => (502, "ssh-host-unknown-name"),
            Self::Unreachable { .. } => (502, "ssh-host-unreachable"),
            Self::HostKey { .. } => (502, "ssh-host-key"),
            Self::LogIn { .. } => (502, "ssh-log-in"),
            Self::TargetRefused { .. } => (422, "ssh-target-refused"),
            Self::TargetUnreachable { .. } => (502, "ssh-target-unreachable"),
            Self::ForwardingRefused { .. } => (502, "ssh-forwarding-refused"),
            Self::Timeout(_) => (504, "ssh-timeout"),
            Self::Busy(_) => (503, "ssh-busy"),
            Self::Request(_) => (400, "request-invalid"),
        }
    }

    /// The problem document.
    pub(crate) fn problem(&self) -> Problem {
        let (status, code) = self.status_and_code();
        let detail = match self {
            Self::Secret { source, .. } => format!("{self}: {source}"),
            _ => self.to_string(),
        };
        Problem::new(status, code, detail)
    }
}

impl IntoResponse for TunnelError {
    fn into_response(self) -> Response {
        if let Self::Store(source) = &self {
            tracing::error!("{self}: {source}");
        }
        self.problem().response().into_response()
    }
}
