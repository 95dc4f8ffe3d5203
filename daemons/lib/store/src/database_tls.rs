//! TLS to a database on another machine: always verified in full, the server's name included.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::database_config::{DatabaseConfig, DatabaseConfigError};

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// What never encrypts anything: the driver wants one all the same.
pub(crate) fn unused() -> MakeRustlsConnect {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.expect("the provider has the versions that it is made for");
    MakeRustlsConnect::new(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// For the server that is configured.
pub(crate) fn client(config: &DatabaseConfig) -> Result<MakeRustlsConnect, DatabaseConfigError> {
    let tls = |key| move |source| DatabaseConfigError::Tls { key, source };
    let mut roots = RootCertStore::empty();
    match &config.ca {
        Some(path) => {
            for authority in certificates("ca", path)? {
                roots.add(authority).map_err(tls("ca"))?;
            }
        }
        None => {
            // One that does not parse is left out; none at all is an error below.
            let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(DatabaseConfigError::NoAuthority);
    }
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(tls("ca"))?.with_root_certificates(roots);
    let config = match &config.certificate {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let (changed, current) = read(certificate, key)?;
            let files = (certificate.clone(), key.clone());
            let shown = FromFiles { files, current: Mutex::new((changed, Arc::new(current))) };
            builder.with_client_cert_resolver(Arc::new(shown))
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

/// A certificate that is read again when its file changes, so that one that was renewed is shown by the next connection.
#[derive(Debug)]
struct FromFiles {
    files: (std::path::PathBuf, std::path::PathBuf),
    current: Mutex<(Option<SystemTime>, Arc<CertifiedKey>)>,
}

impl ResolvesClientCert for FromFiles {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 != changed(&self.files.0) {
            match read(&self.files.0, &self.files.1) {
                Ok((changed, fresh)) => *current = (changed, Arc::new(fresh)),
                Err(error) => tracing::warn!("the new certificate for the database is not used: {error}"),
            }
        }
        Some(Arc::clone(&current.1))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}

fn read(certificate: &Path, key: &Path) -> Result<(Option<SystemTime>, CertifiedKey), DatabaseConfigError> {
    // Before the content, so that a change while this reads is seen the next time.
    let changed = changed(certificate);
    let chain = certificates("certificate", certificate)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|source| DatabaseConfigError::File {
        key: "key",
        path: key.to_owned(),
        source,
    })?;
    let read = CertifiedKey::from_der(chain, private, &provider());
    Ok((changed, read.map_err(|source| DatabaseConfigError::Tls { key: "certificate", source })?))
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, DatabaseConfigError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .and_then(|found| if found.is_empty() { Err(rustls_pki_types::pem::Error::NoItemsFound) } else { Ok(found) })
        .map_err(|source| DatabaseConfigError::File { key, path: path.to_owned(), source })
}
