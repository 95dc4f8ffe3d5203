//! The driver over the way to a server.

use bulkhead_rpc::RpcError;
use bulkhead_rpc::ssh::open_tunnel;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::tls::{MakeTlsConnect, TlsStream};
use tokio_postgres::{CancelToken, Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::route::Route;

/// Why the way could not be taken.
#[derive(Debug)]
pub(super) enum WayError {
    Database(tokio_postgres::Error),
    Tunnel(RpcError),
    /// The host's name cannot be that of a certificate.
    Name(String),
}

/// Logs in over this way. The connection is carried by a task of its own until its client is dropped.
pub(super) async fn connect(
    route: &Route,
    driver: &mut tokio_postgres::Config,
    host: &str,
    tls: Option<MakeRustlsConnect>,
) -> Result<Client, WayError> {
    match (route, tls) {
        (Route::Direct(address), None) => driver.host(host).hostaddr(address.ip()).connect(NoTls).await.map(carried),
        (Route::Direct(address), Some(tls)) => {
            // The name is only what the certificate must show.
            driver.host(host).hostaddr(address.ip()).connect(tls).await.map(carried)
        }
        (Route::Tunnel(tunnel), None) => {
            let stream = open_tunnel(&tunnel.0, &tunnel.1).await.map_err(WayError::Tunnel)?;
            driver.connect_raw(stream, NoTls).await.map(carried)
        }
        (Route::Tunnel(tunnel), Some(tls)) => {
            let stream = open_tunnel(&tunnel.0, &tunnel.1).await.map_err(WayError::Tunnel)?;
            let tls = named(tls, host, &stream)?;
            driver.connect_raw(stream, tls).await.map(carried)
        }
    }
    .map_err(WayError::Database)
}

/// Asks the server, over a connection of its own, to stop a statement.
pub(super) async fn cancel(
    route: &Route,
    token: &CancelToken,
    host: &str,
    tls: Option<MakeRustlsConnect>,
) -> Result<(), WayError> {
    match (route, tls) {
        (Route::Direct(_), None) => token.cancel_query(NoTls).await,
        (Route::Direct(_), Some(tls)) => token.cancel_query(tls).await,
        (Route::Tunnel(tunnel), None) => {
            let stream = open_tunnel(&tunnel.0, &tunnel.1).await.map_err(WayError::Tunnel)?;
            token.cancel_query_raw(stream, NoTls).await
        }
        (Route::Tunnel(tunnel), Some(tls)) => {
            let stream = open_tunnel(&tunnel.0, &tunnel.1).await.map_err(WayError::Tunnel)?;
            let tls = named(tls, host, &stream)?;
            token.cancel_query_raw(stream, tls).await
        }
    }
    .map_err(WayError::Database)
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
) -> Result<<MakeRustlsConnect as MakeTlsConnect<S>>::TlsConnect, WayError>
where
    MakeRustlsConnect: MakeTlsConnect<S>,
    <MakeRustlsConnect as MakeTlsConnect<S>>::Error: std::fmt::Display,
{
    MakeTlsConnect::<S>::make_tls_connect(&mut tls, host).map_err(|error| WayError::Name(error.to_string()))
}
