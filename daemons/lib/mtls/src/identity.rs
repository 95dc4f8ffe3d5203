//! A daemon's certificate, its key and the authority, read again when they change, and the TLS settings of both sides.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::Error::NoItemsFound;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use serde::Deserialize;
use thiserror::Error;

use crate::server_role::ServerRole;
use crate::{CertificateFault, Role, Shown, shown};

/// Where a daemon's certificate stands: the table `[internal-tls]` of its configuration.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Files {
    /// PEM of this daemon's certificate, then those of its issuers below the authority.
    pub certificate: PathBuf,
    /// PEM of its key, which this daemon alone may read.
    pub key: PathBuf,
    /// PEM of the authority, or of two while one takes the other's place. The system's authorities count for nothing here.
    pub ca: PathBuf,
}

/// Why a certificate is not used.
#[derive(Debug, Error)]
pub enum IdentityError {
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
    /// The certificate is of no daemon.
    #[error("{path} is no certificate of a daemon: bulkheadctl pki issue makes one")]
    Fault {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: CertificateFault,
    },
    /// It is another daemon's.
    #[error("{path} shows the role {shown}, and this is {own}: bulkheadctl pki issue --role {own} makes the right one")]
    Role {
        /// The file.
        path: PathBuf,
        /// What it shows.
        shown: Role,
        /// What it should.
        own: Role,
    },
    /// Certificate, key and authority do not make an identity.
    #[error("{certificate}, {key} and {ca} do not belong together")]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's.
        key: PathBuf,
        /// The authority's.
        ca: PathBuf,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Who a daemon is to other machines.
#[derive(Debug)]
pub struct Identity {
    files: Files,
    own: Role,
    current: RwLock<Arc<Current>>,
}

#[derive(Debug)]
struct Current {
    shown: Shown,
    changed: [Option<SystemTime>; 3],
    server: Arc<ServerConfig>,
    key: Arc<CertifiedKey>,
    clients: Arc<dyn ClientCertVerifier>,
    chain: Arc<WebPkiServerVerifier>,
}

impl Identity {
    /// Reads the files, of which the certificate must be `own`'s.
    pub fn load(files: Files, own: Role) -> Result<Arc<Self>, IdentityError> {
        let current = RwLock::new(Arc::new(read(&files, own)?));
        Ok(Arc::new(Self { files, own, current }))
    }

    /// Reads the files again; on a fault the old identity stays.
    pub fn reload(&self) -> Result<(), IdentityError> {
        let fresh = Arc::new(read(&self.files, self.own)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Whether a file is another than the one that was read.
    pub fn has_changed(&self) -> bool {
        self.current().changed != changed(&self.files)
    }

    /// Whose certificate this is.
    pub fn role(&self) -> Role {
        self.own
    }

    /// What the certificate in use says.
    pub fn shown(&self) -> Shown {
        self.current().shown.clone()
    }

    /// Whether another machine that trusts the same authority would take the certificate now.
    pub fn verify(&self) -> Result<(), rustls::Error> {
        let current = self.current();
        let (own, issuers) = current.key.cert.split_first().ok_or(rustls::Error::NoCertificatesPresented)?;
        let now = UnixTime::now();
        if self.own.calls() {
            current.clients.verify_client_cert(own, issuers, now)?;
        }
        if self.own.port().is_some() {
            let name = current.shown.names.first().map_or("", String::as_str);
            let name = ServerName::try_from(name).map_err(|_| CertificateError::NotValidForName)?;
            current.chain.verify_server_cert(own, issuers, &name, &[], now)?;
        }
        Ok(())
    }

    /// The settings of a server: TLS 1.3, the client shows a certificate of the authority. Which role it has is the caller's to look at.
    pub fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current().server)
    }

    /// The settings of a client that calls `server` and nobody else.
    pub fn client(&self, server: Role) -> Result<Arc<ClientConfig>, rustls::Error> {
        let current = self.current();
        let verifier = ServerRole { chain: Arc::clone(&current.chain), wanted: server };
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&current.key))));
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn changed(files: &Files) -> [Option<SystemTime>; 3] {
    [&files.certificate, &files.key, &files.ca].map(|file| file.metadata().and_then(|data| data.modified()).ok())
}

fn read(files: &Files, own: Role) -> Result<Current, IdentityError> {
    // Before the content, so that a change while this reads is seen the next time.
    let changed = changed(files);
    let chain = certificates(&files.certificate, "this daemon's certificate, then those of its issuers")?;
    let fault = |source| IdentityError::Fault { path: files.certificate.clone(), source };
    let shown = shown(&chain[0]).map_err(fault)?;
    if shown.role != own {
        return Err(IdentityError::Role { path: files.certificate.clone(), shown: shown.role, own });
    }
    let private = PrivateKeyDer::from_pem_file(&files.key).map_err(|source| IdentityError::Pem {
        path: files.key.clone(),
        wanted: "a private key",
        source,
    })?;
    let mut roots = RootCertStore::empty();
    for authority in certificates(&files.ca, "the authority's certificate")? {
        roots.add(authority).map_err(|error| unusable(files, error))?;
    }
    let roots = Arc::new(roots);
    let key = CertifiedKey::from_der(chain, private, &provider()).map_err(|error| unusable(files, error))?;
    let key = Arc::new(key);
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider());
    let clients = clients.build().map_err(|error| unusable(files, error))?;
    let verifier: Arc<dyn ClientCertVerifier> = Arc::clone(&clients);
    let mut server = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| unusable(files, error))?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&key))));
    // A resumed session would not look at the certificate again.
    server.send_tls13_tickets = 0;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    let chain = WebPkiServerVerifier::builder_with_provider(roots, provider());
    let chain = chain.build().map_err(|error| unusable(files, error))?;
    Ok(Current { shown, changed, server: Arc::new(server), key, clients, chain })
}

fn unusable(files: &Files, source: impl std::error::Error + Send + Sync + 'static) -> IdentityError {
    IdentityError::Unusable {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        ca: files.ca.clone(),
        source: Box::new(source),
    }
}

fn certificates(path: &Path, wanted: &'static str) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .and_then(|found| if found.is_empty() { Err(NoItemsFound) } else { Ok(found) })
        .map_err(|source| IdentityError::Pem { path: path.to_owned(), wanted, source })
}
