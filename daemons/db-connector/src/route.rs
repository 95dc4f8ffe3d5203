//! The way to a resource's server: directly to a checked address, or through an SSH host; encrypted or not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_daemon_kit::{NetworkPolicy, ResolveError};
use bulkhead_model::resource::Server;
use bulkhead_rpc::ssh::{TunnelRequest, open_tunnel};
use bulkhead_rpc::{RpcClient, RpcError};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::error::QueryError;
use crate::target::Target;

/// What connecting needs besides the resource.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    pub(crate) policy: NetworkPolicy,
    /// For the built-in tables database, which may be on this machine.
    pub(crate) built_in_policy: NetworkPolicy,
    pub(crate) ssh_connector: RpcClient,
    /// How long connecting may take.
    pub(crate) timeout: Duration,
}

/// One way.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// To this address: the one that was checked, whatever the name resolves to a moment later.
    Direct(SocketAddr),
    /// Through an SSH host, whose own rules say where it leads.
    Tunnel(Box<(RpcClient, TunnelRequest)>),
}

/// Bytes to and from a server.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> ByteStream for T {}

impl Routes {
    /// The way to a resource that the policy permits.
    pub(crate) async fn to(&self, target: &Target, server: &Server<'_>) -> Result<Route, QueryError> {
        if let Some(ssh_host) = server.ssh_host {
            let request = TunnelRequest { ssh_host, host: server.host.to_owned(), port: server.port };
            return Ok(Route::Tunnel(Box::new((self.ssh_connector.clone(), request))));
        }
        let policy = if target.built_in { &self.built_in_policy } else { &self.policy };
        let address = policy.resolve(server.host, server.port).await;
        address.map(Route::Direct).map_err(|error| {
            let (resource, host) = (target.name.clone(), server.host.to_owned());
            match error {
                ResolveError::Refused(_) => QueryError::HostRefused { resource, host },
                ResolveError::Lookup { .. } | ResolveError::Nothing(_) => QueryError::UnknownHost { resource, host },
            }
        })
    }

    /// Connects to a resource's server, and does no more: for protocols that turn to TLS after a greeting.
    pub(crate) async fn connect_plain(
        &self,
        target: &Target,
        server: &Server<'_>,
    ) -> Result<Box<dyn ByteStream>, QueryError> {
        let connected = async {
            match self.to(target, server).await? {
                Route::Direct(address) => {
                    let stream = TcpStream::connect(address).await;
                    let stream = stream.map_err(|error| target.unreachable(server, error.to_string()))?;
                    // Waiting to fill a packet only adds to the time of a question and its answer.
                    stream.set_nodelay(true).map_err(|error| target.unreachable(server, error.to_string()))?;
                    Ok(Box::new(stream) as Box<dyn ByteStream>)
                }
                Route::Tunnel(tunnel) => {
                    let stream = open_tunnel(&tunnel.0, &tunnel.1).await;
                    Ok(Box::new(stream.map_err(|error| no_tunnel(target, error))?) as Box<dyn ByteStream>)
                }
            }
        };
        tokio::time::timeout(self.timeout, connected).await.unwrap_or_else(|_| Err(self.no_answer(target, server)))
    }

    /// Connects to a resource's server, over TLS unless that is turned off.
    pub(crate) async fn connect(
        &self,
        target: &Target,
        server: &Server<'_>,
    ) -> Result<Box<dyn ByteStream>, QueryError> {
        let stream = self.connect_plain(target, server).await?;
        self.secure(target, server, stream).await
    }

    /// The same, for a protocol that is agreed upon by its name within TLS.
    pub(crate) async fn connect_speaking(
        &self,
        target: &Target,
        server: &Server<'_>,
        protocol: &[u8],
    ) -> Result<Box<dyn ByteStream>, QueryError> {
        let stream = self.connect_plain(target, server).await?;
        let Some(tls) = target.tls(server)? else { return Ok(stream) };
        let mut tls = ClientConfig::clone(&tls);
        tls.alpn_protocols = vec![protocol.to_vec()];
        self.shake_hands(target, server, stream, Arc::new(tls)).await
    }

    /// Turns a stream to TLS, unless that is turned off.
    pub(crate) async fn secure(
        &self,
        target: &Target,
        server: &Server<'_>,
        stream: Box<dyn ByteStream>,
    ) -> Result<Box<dyn ByteStream>, QueryError> {
        match target.tls(server)? {
            Some(tls) => self.shake_hands(target, server, stream, tls).await,
            None => Ok(stream),
        }
    }

    async fn shake_hands(
        &self,
        target: &Target,
        server: &Server<'_>,
        stream: Box<dyn ByteStream>,
        tls: Arc<ClientConfig>,
    ) -> Result<Box<dyn ByteStream>, QueryError> {
        let name = ServerName::try_from(server.host.to_owned());
        let name = name.map_err(|error| target.no_tls(server, error.to_string()))?;
        match tokio::time::timeout(self.timeout, TlsConnector::from(tls).connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(target.no_tls(server, error.to_string())),
            Err(_) => Err(target.no_tls(server, "it does not answer to the offer of TLS")),
        }
    }

    /// Bounds what follows connecting: greetings and log-ins.
    pub(crate) async fn within<T>(
        &self,
        target: &Target,
        server: &Server<'_>,
        work: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        tokio::time::timeout(self.timeout, work).await.unwrap_or_else(|_| Err(self.no_answer(target, server)))
    }

    pub(crate) fn no_answer(&self, target: &Target, server: &Server<'_>) -> QueryError {
        target.unreachable(server, format!("it did not answer within {} ms", self.timeout.as_millis()))
    }
}

/// Why there is no tunnel.
pub(crate) fn no_tunnel(target: &Target, error: RpcError) -> QueryError {
    let resource = target.name.clone();
    match error {
        RpcError::Problem(problem) => QueryError::Tunnel { resource, problem },
        error => QueryError::NoSshConnector { resource, source: error },
    }
}
