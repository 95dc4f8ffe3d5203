//! Certificates for servers that the tests start, and for who asks them.

use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

/// A server's certificate for `localhost`.
pub(crate) struct Certified {
    pub(crate) certificate: Certificate,
    pub(crate) key: KeyPair,
    /// The authority that signed it, as PEM.
    pub(crate) authority: String,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A client's certificate and its private key, as PEM.
pub(crate) struct ClientCertificate {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// A new one, of a new authority.
pub(crate) fn certified() -> Certified {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let certificate = certificate.signed_by(&key, &issuer).expect("signed");
    Certified { certificate, key, authority: issuer.pem(), issuer }
}

impl Certified {
    /// A certificate of the same authority for who is called `name`, good until the end of this year.
    pub(crate) fn client(&self, name: &str, last_year: i32) -> ClientCertificate {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_after = date_time_ymd(last_year, 12, 31);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        ClientCertificate { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}
