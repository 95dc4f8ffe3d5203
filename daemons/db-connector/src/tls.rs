//! TLS to resources: the certificate is always verified in full, against the system's authorities or the resource's own.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// A configuration that trusts the authorities of `pem`, or the system's. An error says which certificate cannot be used.
pub(crate) fn verifying(pem: Option<&str>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    match pem {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let added = certificate
                    .map_err(|error| error.to_string())
                    .and_then(|der| roots.add(der).map_err(|error| error.to_string()));
                added.map_err(|error| format!("the resource's CA certificate cannot be read: {error}"))?;
            }
        }
        None => {
            // One that does not parse is left out; none at all is an error below.
            let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err("no authority is trusted: the resource has no CA certificate, and this machine has none (package \
                    ca-certificates)"
            .into());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
