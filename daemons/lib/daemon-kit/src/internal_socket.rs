//! The socket that a daemon's siblings call: on this machine always, over TCP where an administrator switched that on.

use std::sync::Arc;

use axum::Router;
use bulkhead_mtls::{Identity, Role};
use thiserror::Error;

use crate::{Context, Lifetime, Listener, ListenerError, PeerError, PeerPolicy, ServeError, ServeOptions, serve};

/// Both halves, with who may call.
#[derive(Debug)]
pub struct InternalSocket {
    unix: Listener,
    tcp: Option<(Listener, Arc<Identity>)>,
    peers: PeerPolicy,
}

/// Why a daemon cannot be called.
#[derive(Debug, Error)]
pub enum InternalSocketError {
    /// The Unix socket is missing.
    #[error("the internal socket is not there")]
    Listener(#[from] ListenerError),
    /// Who may call is not known.
    #[error("who may call cannot be told")]
    Peers(#[from] PeerError),
    /// A socket for other machines, and no certificate to show them.
    #[error(
        "bulkhead-{role}-tls.socket is active, and {role}.toml has no [internal-tls]: write certificate, key and ca \
         (docs/several-machines.md), or switch the socket off"
    )]
    NoIdentity {
        /// The daemon.
        role: Role,
    },
}

impl<C> Context<C> {
    /// Takes the sockets `rpc` and, where there is one, `rpc-tls`, for those that may call `role`.
    pub fn internal_socket(&mut self, role: Role) -> Result<InternalSocket, InternalSocketError> {
        let unix = self.listeners.take("rpc")?;
        let tcp = match (self.listeners.take_optional("rpc-tls"), &self.internal_tls) {
            (None, _) => None,
            (Some(listener), Some(identity)) => Some((listener, Arc::clone(identity))),
            (Some(_), None) => return Err(InternalSocketError::NoIdentity { role }),
        };
        Ok(InternalSocket { unix, tcp, peers: PeerPolicy::callers_of(role)? })
    }
}

impl InternalSocket {
    /// Serves `router` on both until shutdown.
    pub async fn serve(self, router: Router, lifetime: &Lifetime) -> Result<(), ServeError> {
        let options = ServeOptions::unix(self.peers.clone());
        let Some((listener, identity)) = self.tcp else {
            return serve(self.unix, router, options, lifetime).await;
        };
        let elsewhere = ServeOptions::mutual(self.peers, identity);
        let unix = serve(self.unix, router.clone(), options, lifetime);
        tokio::try_join!(unix, serve(listener, router, elsewhere, lifetime)).map(drop)
    }
}
