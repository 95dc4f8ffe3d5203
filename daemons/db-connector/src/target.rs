//! A resource as its connections need to know it, and the words for a server that cannot be reached.

use std::sync::{Arc, OnceLock};

use bulkhead_model::resource::{Server, TlsMode};
use rustls::ClientConfig;
use zeroize::Zeroizing;

use crate::error::QueryError;
use crate::metrics::PoolMetrics;
use crate::tls;

/// A resource, ready to connect to.
pub(crate) struct Target {
    pub(crate) name: String,
    secret: Option<Zeroizing<Vec<u8>>>,
    pub(crate) built_in: bool,
    pub(crate) metrics: PoolMetrics,
    /// Made with the first connection: reading the system's authorities takes milliseconds.
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Target {
    pub(crate) fn new(name: String, secret: Option<Zeroizing<Vec<u8>>>, built_in: bool) -> Self {
        Self { name, secret, built_in, metrics: PoolMetrics::default(), tls: OnceLock::new() }
    }

    /// The same, with connections that are counted.
    pub(crate) fn counted(self, metrics: PoolMetrics) -> Self {
        Self { metrics, ..self }
    }

    /// The secret, for a kind that cannot do without.
    pub(crate) fn required_secret(&self) -> Result<&[u8], QueryError> {
        self.secret.as_deref().map(Vec::as_slice).ok_or_else(|| QueryError::NoSecret { resource: self.name.clone() })
    }

    /// The secret as text, for a kind whose secrets are typed by people.
    pub(crate) fn secret_text(&self) -> Result<Option<&str>, QueryError> {
        let text = self.secret.as_deref().map(|secret| std::str::from_utf8(secret)).transpose();
        text.map_err(|_| QueryError::LogIn {
            resource: self.name.clone(),
            message: "the secret is no text: enter it again".to_owned(),
        })
    }

    /// How to check the server's certificate; nothing where encryption is turned off.
    pub(crate) fn tls(&self, server: &Server<'_>) -> Result<Option<Arc<ClientConfig>>, QueryError> {
        if server.tls == TlsMode::Disabled {
            return Ok(None);
        }
        if let Some(tls) = self.tls.get() {
            return Ok(Some(Arc::clone(tls)));
        }
        let made = tls::verifying(server.ca_certificate).map_err(|reason| self.no_tls(server, reason))?;
        Ok(Some(Arc::clone(self.tls.get_or_init(|| Arc::new(made)))))
    }

    pub(crate) fn no_tls(&self, server: &Server<'_>, reason: impl Into<String>) -> QueryError {
        let (resource, host) = (self.name.clone(), server.host.to_owned());
        QueryError::Tls { resource, host, port: server.port, reason: reason.into() }
    }

    pub(crate) fn unreachable(&self, server: &Server<'_>, reason: impl Into<String>) -> QueryError {
        let (resource, host) = (self.name.clone(), server.host.to_owned());
        QueryError::Unreachable { resource, host, port: server.port, reason: reason.into() }
    }

    pub(crate) fn log_in(&self, message: impl Into<String>) -> QueryError {
        QueryError::LogIn { resource: self.name.clone(), message: message.into() }
    }
}
