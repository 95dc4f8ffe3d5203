//! A TLS identity that is read again when its files change, without dropping a connection.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::Error::NoItemsFound;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// Why a TLS identity was not loaded.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read or holds no PEM.
    #[error("{path} cannot be read as PEM: it must hold {wanted}")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
        /// The cause.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// Certificate and key do not belong together, or the key is of an unknown kind.
    #[error("the key in {key} does not fit the certificate in {certificate}")]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// The cause.
        #[source]
        source: rustls::Error,
    },
}

/// A certificate chain and its key.
#[derive(Debug)]
pub struct TlsIdentity {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl TlsIdentity {
    /// Reads both files.
    pub fn load(certificate: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let current = RwLock::new(Arc::new(read(certificate, key)?));
        Ok(Arc::new(Self { certificate: certificate.to_owned(), key: key.to_owned(), current }))
    }

    /// Reads both files again; on a fault the old identity stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = Arc::new(read(&self.certificate, &self.key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// A server configuration, TLS 1.2 and 1.3, that always shows the current certificate.
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<rustls::ServerConfig>, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Self>::clone(self));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for TlsIdentity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let pem = |path: &Path, wanted| {
        let path = path.to_owned();
        move |source| TlsError::Pem { path, wanted, source }
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .and_then(|chain| if chain.is_empty() { Err(NoItemsFound) } else { Ok(chain) })
        .map_err(pem(certificate, "a certificate, then those of its issuers"))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(pem(key, "a private key"))?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    CertifiedKey::from_der(chain, private, &provider).map_err(|source| TlsError::Mismatch {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a fresh certificate for `name` and its key.
    fn write(directory: &Path, name: &str) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("made");
        std::fs::write(directory.join("tls.crt"), made.cert.pem()).expect("written");
        std::fs::write(directory.join("tls.key"), made.signing_key.serialize_pem()).expect("written");
    }

    fn shown(identity: &TlsIdentity) -> Vec<CertificateDer<'static>> {
        identity.current.read().expect("read").cert.clone()
    }

    #[test]
    fn a_reload_shows_the_new_certificate_and_a_fault_keeps_the_old() {
        let directory = tempfile::tempdir().expect("a directory");
        let (certificate, key) = (directory.path().join("tls.crt"), directory.path().join("tls.key"));
        write(directory.path(), "one.example");
        let identity = TlsIdentity::load(&certificate, &key).expect("loads");
        let first = shown(&identity);
        write(directory.path(), "two.example");
        identity.reload().expect("reloads");
        let second = shown(&identity);
        assert_ne!(first, second);
        std::fs::write(&certificate, "half a file").expect("written");
        assert!(matches!(identity.reload(), Err(TlsError::Pem { .. })));
        assert_eq!(shown(&identity), second);
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let (certificate, key) = (directory.path().join("tls.crt"), directory.path().join("tls.key"));
        write(directory.path(), "one.example");
        let other = std::fs::read(&key).expect("read");
        write(directory.path(), "two.example");
        std::fs::write(&key, other).expect("written");
        assert!(matches!(TlsIdentity::load(&certificate, &key), Err(TlsError::Mismatch { .. })));
    }
}
