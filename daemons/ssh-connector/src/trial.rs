//! What an administrator asks before an SSH host is saved: which key it shows, and whether its settings work.

use std::sync::Arc;

use bulkhead_model::SshHostId;
use bulkhead_rpc::ssh::{HostKeyAnswer, HostKeyRequest, TestAnswer, TestRequest};
use bulkhead_store::StoreError;
use bulkhead_store::ssh_hosts::SshHop;

use crate::Tunnels;
use crate::error::TunnelError;
use crate::session::shown_key;

/// A port of the host's own loopback where nobody serves: a host that forwards says that nobody answers there.
const NOBODYS_PORT: u16 = 1;

impl Tunnels {
    /// The way to an SSH host.
    pub(crate) async fn way(&self, id: SshHostId) -> Result<Vec<SshHop>, TunnelError> {
        self.database.ssh_way(id).await.map_err(|error| match error {
            StoreError::NotFound { .. } => TunnelError::UnknownHost,
            other => TunnelError::Store(other),
        })
    }

    async fn way_to(&self, jump_host: Option<SshHostId>) -> Result<Vec<SshHop>, TunnelError> {
        match jump_host {
            Some(jump_host) => self.way(jump_host).await,
            None => Ok(Vec::new()),
        }
    }

    /// The key that a host shows now. It learns nothing but that somebody asks.
    pub(crate) async fn shown_key(self: Arc<Self>, request: HostKeyRequest) -> Result<HostKeyAnswer, TunnelError> {
        let HostKeyRequest { host, port, jump_host } = request;
        let via = self.sessions.log_in(&self.way_to(jump_host).await?).await?;
        let key = shown_key((&host, port), via.as_ref(), &self.config.network).await?;
        let unreadable = |_| TunnelError::PinnedKey { host, reason: "it cannot be written down" };
        Ok(HostKeyAnswer { host_key: key.to_openssh().map_err(unreadable)? })
    }

    /// Connects and logs in, and asks the host to forward to nowhere.
    pub(crate) async fn try_out(self: Arc<Self>, request: TestRequest) -> Result<TestAnswer, TunnelError> {
        let TestRequest { ssh_host: id, config, secret } = request;
        let sealed_secret = match secret {
            Some(sealed) => sealed,
            // The stored secret goes only where it was entered for.
            None => match self.way(id).await?.pop() {
                Some(stored) if stored.config.has_destination_of(&config) => stored.sealed_secret,
                _ => return Err(TunnelError::SecretNeeded),
            },
        };
        let mut way = self.way_to(config.jump_host).await?;
        if way.iter().any(|hop| hop.id == id) {
            return Err(TunnelError::RowTooLong);
        }
        way.push(SshHop { id, config, sealed_secret });
        let session = self.sessions.log_in(&way).await?.ok_or(TunnelError::UnknownHost)?;
        match session.open("127.0.0.1", NOBODYS_PORT).await {
            Ok(None) => Err(session.lost()),
            Ok(Some(_)) | Err(TunnelError::TargetUnreachable { .. }) => Ok(TestAnswer { forwards: true }),
            Err(TunnelError::ForwardingRefused { .. }) => Ok(TestAnswer { forwards: false }),
            Err(error) => Err(error),
        }
    }
}
