//! ssh-connector: tunnels for db-connector.

/// Where the service listens.
pub const SOCKET: &str = "/run/bulkhead/ssh-connector.sock";
