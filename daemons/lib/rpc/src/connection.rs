//! What hyper's client is given for a connection: a stream, whatever it runs over.

use std::future::Future;
use std::io::Result;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::rt::ReadBufCursor;
use hyper_util::client::legacy::connect::Connected;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

use crate::replicas::{Place, Replicas};

/// Connects to one service, whatever the address of the request says.
#[derive(Clone, Debug)]
pub(crate) enum Connector {
    Unix(Arc<Path>),
    Replicas(Arc<Replicas>),
}

impl tower::Service<http::Uri> for Connector {
    type Response = Connection;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Uri) -> Self::Future {
        match self.clone() {
            Self::Unix(socket) => Box::pin(async move {
                let stream = UnixStream::connect(&socket).await?;
                Ok(Connection::Unix(TokioIo::new(stream)))
            }),
            Self::Replicas(replicas) => Box::pin(async move {
                let (stream, place) = replicas.connect().await?;
                Ok(Connection::Tls { stream: TokioIo::new(Box::new(stream)), _place: place })
            }),
        }
    }
}

/// A connection, as hyper's client wants it.
#[derive(Debug)]
pub(crate) enum Connection {
    Unix(TokioIo<UnixStream>),
    Tls {
        stream: TokioIo<Box<TlsStream<TcpStream>>>,
        /// Counts as one of its replica's for as long as it lives.
        _place: Place,
    },
}

impl hyper_util::client::legacy::connect::Connection for Connection {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls { stream, .. } => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl hyper::rt::Write for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<Result<usize>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_write(context, buffer),
            Self::Tls { stream, .. } => Pin::new(stream).poll_write(context, buffer),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls { stream, .. } => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        match self.get_mut() {
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls { stream, .. } => Pin::new(stream).poll_shutdown(context),
        }
    }
}
