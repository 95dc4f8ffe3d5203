//! A resource as its connections need to know it, and the words for a server that cannot be reached.

use std::sync::{Arc, OnceLock};

use bulkhead_model::resource::{Server, TlsMode, secret};
use bulkhead_model::{ResourceId, UserId};
use rustls::ClientConfig;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::error::{QueryError, Unconnected};
use crate::metrics::PoolMetrics;
use crate::tls::{self, Validity};

/// A resource, ready to connect to.
pub(crate) struct Target {
    pub(crate) name: String,
    secret: Option<Zeroizing<Vec<u8>>>,
    /// PEM of the private key that belongs to the client certificate.
    client_key: Option<Zeroizing<Vec<u8>>>,
    pub(crate) built_in: bool,
    /// The saved resource that it is, and who asks it, where that makes a difference.
    pub(crate) asked_by: Option<(ResourceId, Option<UserId>)>,
    pub(crate) metrics: PoolMetrics,
    /// Made with the first connection: reading the system's authorities takes milliseconds.
    tls: OnceLock<Tls>,
}

/// How TLS is spoken to the server.
struct Tls {
    config: Arc<ClientConfig>,
    /// For how long this side's certificate is good, if it has one.
    validity: Option<Validity>,
}

impl Target {
    /// One whose secret, and private key if it has one, was sealed as `opened`.
    pub(crate) fn new(name: String, opened: Option<Zeroizing<Vec<u8>>>, built_in: bool) -> Self {
        let unpacked = opened.as_ref().map(|opened| secret::unpack(opened)).unwrap_or_default();
        let owned = |part: Option<&[u8]>| part.map(|part| Zeroizing::new(part.to_vec()));
        let (secret, client_key) = (owned(unpacked.secret), owned(unpacked.client_key));
        let (metrics, tls) = (PoolMetrics::default(), OnceLock::new());
        Self { name, secret, client_key, built_in, asked_by: None, metrics, tls }
    }

    /// The same, as a resource that is saved and, where it asks with each person's own account, as that person.
    pub(crate) fn asked_by(self, resource: ResourceId, user: Option<UserId>) -> Self {
        Self { asked_by: Some((resource, user)), ..self }
    }

    /// The same, with connections that are counted.
    pub(crate) fn counted(self, metrics: PoolMetrics) -> Self {
        Self { metrics, ..self }
    }

    /// The secret, for a kind that cannot do without.
    pub(crate) fn required_secret(&self) -> Result<&[u8], QueryError> {
        match (self.secret.as_deref(), &self.client_key) {
            (Some(secret), _) => Ok(secret),
            // Who is known by a certificate may need no password; a server that wants one says so.
            (None, Some(_)) => Ok(&[]),
            (None, None) => Err(QueryError::NoSecret { resource: self.name.clone() }),
        }
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
        let tls = match self.tls.get() {
            Some(tls) => tls,
            None => {
                let made = self.new_tls(server)?;
                self.tls.get_or_init(|| made)
            }
        };
        // Each time, since a certificate ends while its resource is in use.
        if let Some(reason) = tls.validity.as_ref().and_then(|validity| validity.problem(OffsetDateTime::now_utc())) {
            return Err(self.client_certificate(reason));
        }
        Ok(Some(Arc::clone(&tls.config)))
    }

    fn new_tls(&self, server: &Server<'_>) -> Result<Tls, QueryError> {
        let roots = tls::authorities(server.ca_certificate).map_err(|reason| self.no_tls(server, reason))?;
        let Some(certificate) = server.client_certificate else {
            let config = tls::verifying(roots).map_err(|reason| self.no_tls(server, reason))?;
            return Ok(Tls { config: Arc::new(config), validity: None });
        };
        let key = self.client_key.as_deref().map(Vec::as_slice);
        let made = tls::certified(roots, certificate, key).map_err(|reason| self.client_certificate(reason))?;
        Ok(Tls { config: Arc::new(made.0), validity: made.1 })
    }

    fn client_certificate(&self, reason: impl Into<String>) -> QueryError {
        QueryError::ClientCertificate { resource: self.name.clone(), reason: reason.into() }
    }

    /// What the server says of this side's certificate, if that is what it said. In TLS 1.3 it says so only after this side has begun.
    fn about_certificate(&self, server: &Server<'_>, reason: &str) -> Option<QueryError> {
        let (_, alert) = reason.split_once("received fatal alert: ")?;
        let has_one = server.client_certificate.is_some();
        let reason = match alert.split(|c: char| !c.is_alphanumeric()).next()? {
            "CertificateRequired" | "BadCertificate" if !has_one => {
                "the server demands a client certificate, and the resource has none"
            }
            "CertificateExpired" if has_one => "the server says that it has expired",
            "CertificateRevoked" if has_one => "the server says that it was revoked",
            "UnknownCA" if has_one => "the server does not know the authority that signed it",
            "BadCertificate"
            | "CertificateUnknown"
            | "UnsupportedCertificate"
            | "AccessDenied"
            | "CertificateRequired"
                if has_one =>
            {
                "the server does not accept it"
            }
            _ => return None,
        };
        Some(self.client_certificate(reason))
    }

    pub(crate) fn no_tls(&self, server: &Server<'_>, reason: impl Into<String>) -> QueryError {
        let (resource, host, reason) = (self.name.clone(), server.host.to_owned(), reason.into());
        let about = self.about_certificate(server, &reason);
        about.unwrap_or(QueryError::Tls { resource, host, port: server.port, reason })
    }

    pub(crate) fn unreachable(&self, server: &Server<'_>, reason: impl Into<String>) -> QueryError {
        let (resource, host, reason) = (self.name.clone(), server.host.to_owned(), reason.into());
        let about = self.about_certificate(server, &reason);
        about.unwrap_or(QueryError::Unreachable { resource, host, port: server.port, reason })
    }

    pub(crate) fn unconnected(&self, why: Unconnected) -> QueryError {
        QueryError::Unconnected { resource: self.name.clone(), why }
    }

    pub(crate) fn log_in(&self, message: impl Into<String>) -> QueryError {
        QueryError::LogIn { resource: self.name.clone(), message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_of_the_certificate_is_told() {
        let target = Target::new("shop".into(), None, false);
        let server = |client_certificate| Server {
            host: "localhost",
            port: 1,
            tls: TlsMode::VerifyFull,
            ca_certificate: None,
            client_certificate,
            ssh_host: None,
        };
        let told = |certificate, alert: rustls::AlertDescription| {
            let error = rustls::Error::AlertReceived(alert);
            target.unreachable(&server(certificate), std::io::Error::other(error).to_string()).problem()
        };
        let demanded = told(None, rustls::AlertDescription::CertificateRequired);
        assert_eq!(demanded.code, "resource-client-certificate");
        assert!(demanded.detail.contains("demands"), "{}", demanded.detail);
        let unknown = told(Some("PEM"), rustls::AlertDescription::UnknownCA);
        assert!(unknown.detail.contains("does not know the authority"), "{}", unknown.detail);
        assert_eq!(told(None, rustls::AlertDescription::HandshakeFailure).code, "resource-unreachable");
    }

    #[test]
    fn who_has_a_key_needs_no_password() {
        let packed = secret::pack(None, Some("PEM")).expect("something");
        let target = Target::new("shop".into(), Some(Zeroizing::new(packed.into_bytes())), false);
        assert!(
            target.required_secret().is_ok_and(<[u8]>::is_empty) && target.secret_text().is_ok_and(|it| it.is_none())
        );
    }
}
