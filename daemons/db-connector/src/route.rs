//! The way to a resource's server: directly to a checked address, or through an SSH host.

use std::net::SocketAddr;
use std::time::Duration;

use bulkhead_daemon_kit::{NetworkPolicy, ResolveError};
use bulkhead_model::resource::PostgresqlConfig;
use bulkhead_rpc::ssh::{TunnelRequest, open_tunnel};
use bulkhead_rpc::{RpcClient, RpcError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::tls::{MakeTlsConnect, TlsStream};
use tokio_postgres::{CancelToken, Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::connect::Target;
use crate::error::QueryError;

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

impl Routes {
    /// The way to a resource that the policy permits.
    pub(crate) async fn to(&self, target: &Target, config: &PostgresqlConfig) -> Result<Route, QueryError> {
        if let Some(ssh_host) = config.ssh_host {
            let request = TunnelRequest { ssh_host, host: config.host.clone(), port: config.port };
            return Ok(Route::Tunnel(Box::new((self.ssh_connector.clone(), request))));
        }
        let policy = if target.built_in { &self.built_in_policy } else { &self.policy };
        let address = policy.resolve(&config.host, config.port).await;
        address.map(Route::Direct).map_err(|error| {
            let (resource, host) = (target.name.clone(), config.host.clone());
            match error {
                ResolveError::Refused(_) => QueryError::HostRefused { resource, host },
                ResolveError::Lookup { .. } | ResolveError::Nothing(_) => QueryError::UnknownHost { resource, host },
            }
        })
    }
}

/// Why the way could not be taken.
#[derive(Debug)]
pub(crate) enum RouteError {
    Database(tokio_postgres::Error),
    Tunnel(RpcError),
    /// The host's name cannot be that of a certificate.
    Name(String),
}

impl Route {
    /// Logs in over this way. The connection is carried by a task of its own until its client is dropped.
    pub(crate) async fn connect(
        &self,
        driver: &mut tokio_postgres::Config,
        host: &str,
        tls: Option<MakeRustlsConnect>,
    ) -> Result<Client, RouteError> {
        match (self, tls) {
            (Self::Direct(address), None) => driver.host(host).hostaddr(address.ip()).connect(NoTls).await.map(carried),
            (Self::Direct(address), Some(tls)) => {
                // The name is only what the certificate must show.
                driver.host(host).hostaddr(address.ip()).connect(tls).await.map(carried)
            }
            (Self::Tunnel(tunnel), None) => {
                let stream = open_tunnel(&tunnel.0, &tunnel.1).await.map_err(RouteError::Tunnel)?;
                driver.connect_raw(stream, NoTls).await.map(carried)
            }
            (Self::Tunnel(tunnel), Some(tls)) => {
                let stream = open_tunnel(&tunnel.0, &tunnel.1).await.map_err(RouteError::Tunnel)?;
                let tls = named(tls, host, &stream)?;
                driver.connect_raw(stream, tls).await.map(carried)
            }
        }
        .map_err(RouteError::Database)
    }

    /// Asks the server, over a connection of its own, to stop a statement.
    pub(crate) async fn cancel(
        &self,
        token: &CancelToken,
        host: &str,
        tls: Option<MakeRustlsConnect>,
    ) -> Result<(), RouteError> {
        match (self, tls) {
            (Self::Direct(_), None) => token.cancel_query(NoTls).await,
            (Self::Direct(_), Some(tls)) => token.cancel_query(tls).await,
            (Self::Tunnel(tunnel), None) => {
                let stream = open_tunnel(&tunnel.0, &tunnel.1).await.map_err(RouteError::Tunnel)?;
                token.cancel_query_raw(stream, NoTls).await
            }
            (Self::Tunnel(tunnel), Some(tls)) => {
                let stream = open_tunnel(&tunnel.0, &tunnel.1).await.map_err(RouteError::Tunnel)?;
                let tls = named(tls, host, &stream)?;
                token.cancel_query_raw(stream, tls).await
            }
        }
        .map_err(RouteError::Database)
    }
}

fn carried<S, T>((client, connection): (Client, tokio_postgres::Connection<S, T>)) -> Client
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: TlsStream + Unpin + Send + 'static,
{
    tokio::spawn(connection);
    client
}

/// TLS that wants the certificate of `host`, for a stream that this side opened itself.
fn named<S>(
    mut tls: MakeRustlsConnect,
    host: &str,
    _: &S,
) -> Result<<MakeRustlsConnect as MakeTlsConnect<S>>::TlsConnect, RouteError>
where
    MakeRustlsConnect: MakeTlsConnect<S>,
    <MakeRustlsConnect as MakeTlsConnect<S>>::Error: std::fmt::Display,
{
    MakeTlsConnect::<S>::make_tls_connect(&mut tls, host).map_err(|error| RouteError::Name(error.to_string()))
}
