//! ssh-connector: tunnels for db-connector.
//!
//! `POST /v1/tunnels` with `upgrade: bulkhead-tunnel` and a [`TunnelRequest`] answers 101, and from then on the connection carries
//! the target's bytes; or it answers a problem document. Closing the connection closes the tunnel.

use bulkhead_model::SshHostId;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{RpcClient, RpcError};

/// Where the service listens.
pub const SOCKET: &str = "/run/bulkhead/ssh-connector.sock";
/// Where tunnels are asked for.
pub const TUNNELS: &str = "/v1/tunnels";
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

/// Opens a tunnel. What is written to it reaches the target; dropping it closes the connection there.
pub async fn open_tunnel(
    client: &RpcClient,
    request: &TunnelRequest,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>, RpcError> {
    client.upgrade(TUNNELS, request, PROTOCOL).await
}
