//! Certificates for servers that the tests start.

use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// A server's certificate for `localhost`.
pub(crate) struct Certified {
    pub(crate) certificate: Certificate,
    pub(crate) key: KeyPair,
    /// The authority that signed it, as PEM.
    pub(crate) authority: String,
}

/// A new one, of a new authority.
pub(crate) fn certified() -> Certified {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let certificate = certificate.signed_by(&key, &authority).expect("signed");
    Certified { certificate, key, authority: authority.pem() }
}
