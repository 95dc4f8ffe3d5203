//! ssh-connector: tunnels for db-connector; for api, the key that a host shows and trials of settings.
//!
//! `POST /v1/tunnels` with `upgrade: bulkhead-tunnel` and a [`TunnelRequest`] answers 101, and from then on the connection carries
//! the target's bytes; or it answers a problem document. Closing the connection closes the tunnel.

use bulkhead_model::SshHostId;
use bulkhead_model::ssh::SshHostConfig;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{RpcClient, RpcError};

/// Where the service listens.
pub const SOCKET: &str = "/run/bulkhead/ssh-connector.sock";
/// Where tunnels are asked for.
pub const TUNNELS: &str = "/v1/tunnels";
/// Where api asks which key a host shows.
pub const HOST_KEY: &str = "/v1/host-key";
/// Where api tries settings.
pub const TEST: &str = "/v1/test";
/// What the connection switches to.
pub const PROTOCOL: &str = "bulkhead-tunnel";

/// Asks for a tunnel.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TunnelRequest {
    /// The SSH host to go through.
    pub ssh_host: SshHostId,
    /// The target's name or address, as the SSH host sees it.
    pub host: String,
    /// The target's TCP port.
    pub port: u16,
}

/// Asks which key a host shows now. Nobody logs in there; the hosts on the way are logged in to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostKeyRequest {
    /// The host's name or address, as the jump host sees it where there is one.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// The SSH host that it is reached through.
    pub jump_host: Option<SshHostId>,
}

/// The key that a host shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKeyAnswer {
    /// In OpenSSH form, without a comment.
    pub host_key: String,
}

/// Connects and logs in with settings and a secret that need not be saved yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestRequest {
    /// The SSH host whose stored secret to use, and the row that a given secret is sealed to.
    pub ssh_host: SshHostId,
    /// The settings.
    pub config: SshHostConfig,
    /// Sealed to ssh-connector; the stored one when absent.
    pub secret: Option<String>,
}

/// The settings work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestAnswer {
    /// Whether the host forwards to its own loopback. One that does not may still forward to what its `PermitOpen` lists.
    pub forwards: bool,
}

/// Opens a tunnel. What is written to it reaches the target; dropping it closes the connection there.
pub async fn open_tunnel(
    client: &RpcClient,
    request: &TunnelRequest,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>, RpcError> {
    client.upgrade(TUNNELS, request, PROTOCOL).await
}
