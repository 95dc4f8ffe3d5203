//! What a client asks of a server besides its name: the role.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use thiserror::Error;

use crate::{CertificateFault, Role, shown};

/// The other end is sound, and somebody else.
#[derive(Debug, Error)]
pub(crate) enum WrongServer {
    /// Another daemon.
    #[error("the server shows the role {shown}, and {wanted} was to be called")]
    Role { shown: Role, wanted: Role },
    /// Nothing of ours.
    #[error("the server's certificate is none of a daemon: {0}")]
    Fault(CertificateFault),
}

/// Chain, name, purpose and validity as ever, then the role.
#[derive(Debug)]
pub(crate) struct ServerRole {
    pub(crate) chain: Arc<WebPkiServerVerifier>,
    pub(crate) wanted: Role,
}

impl ServerCertVerifier for ServerRole {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.chain.verify_server_cert(end_entity, intermediates, server_name, ocsp, now)?;
        let wrong = match shown(end_entity) {
            Ok(found) if found.role == self.wanted => return Ok(verified),
            Ok(found) => WrongServer::Role { shown: found.role, wanted: self.wanted },
            Err(fault) => WrongServer::Fault(fault),
        };
        Err(CertificateError::Other(OtherError(Arc::new(wrong))).into())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 only".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
