//! What a daemon's certificate says: its role, and from when until when. It verifies nothing: rustls has done that before.

use std::time::{Duration, SystemTime};

use thiserror::Error;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::{Role, UnknownRole};

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Whose it is.
    pub role: Role,
    /// From when it holds.
    pub begins: SystemTime,
    /// When it ends.
    pub ends: SystemTime,
    /// The DNS names and addresses it is for, as text.
    pub names: Vec<String>,
    /// Its number, in hexadecimal.
    pub serial: String,
}

/// Why a certificate is none of a daemon.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CertificateFault {
    /// Not in DER.
    #[error("it is no X.509 certificate: {0}")]
    Unreadable(String),
    /// It has no role.
    #[error("it shows no role: it needs one URI name such as {}", Role::DbConnector.uri())]
    NoRole,
    /// It has several, so that nobody could say which one counts.
    #[error("it shows several roles: a certificate is for one daemon")]
    Roles,
    /// It has one that does not exist.
    #[error("it shows a role that is none")]
    Unknown(#[source] UnknownRole),
}

/// What the certificate `der` says.
pub fn shown(der: &[u8]) -> Result<Shown, CertificateFault> {
    let unreadable = |error: x509_cert::der::Error| CertificateFault::Unreadable(error.to_string());
    let certificate = Certificate::from_der(der).map_err(unreadable)?.tbs_certificate;
    let names = certificate.get::<SubjectAltName>().map_err(unreadable)?.map(|(_, names)| names.0);
    let names = names.unwrap_or_default();
    let mut roles = names.iter().filter_map(|name| match name {
        GeneralName::UniformResourceIdentifier(uri) => Role::of_uri(uri.as_str()),
        _ => None,
    });
    let role = roles.next().ok_or(CertificateFault::NoRole)?.map_err(CertificateFault::Unknown)?;
    if roles.next().is_some() {
        return Err(CertificateFault::Roles);
    }
    let time = |time: x509_cert::time::Time| {
        let since = SystemTime::UNIX_EPOCH.checked_add(time.to_unix_duration());
        since.unwrap_or(SystemTime::UNIX_EPOCH + Duration::from_secs(u32::MAX.into()))
    };
    let serial: String = certificate.serial_number.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Shown {
        role,
        begins: time(certificate.validity.not_before),
        ends: time(certificate.validity.not_after),
        names: names.iter().filter_map(text).collect(),
        serial,
    })
}

fn text(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let four = <[u8; 4]>::try_from(bytes).map(std::net::IpAddr::from);
            let address = four.or_else(|_| <[u8; 16]>::try_from(bytes).map(std::net::IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn made(uris: &[&str]) -> Result<Shown, CertificateFault> {
        let key = KeyPair::generate().expect("a key");
        let names = ["db1.example.org".to_owned(), "10.0.0.7".to_owned()];
        let mut parameters = CertificateParams::new(names).expect("names");
        for uri in uris {
            parameters.subject_alt_names.push(SanType::URI((*uri).try_into().expect("a URI")));
        }
        shown(parameters.self_signed(&key).expect("signed").der())
    }

    #[test]
    fn one_role_is_wanted() {
        let found = made(&["https://example.org/", "bulkhead://role/db-connector"]).expect("reads");
        assert_eq!((found.role, found.names), (Role::DbConnector, vec!["db1.example.org".into(), "10.0.0.7".into()]));
        assert_eq!(made(&[]), Err(CertificateFault::NoRole));
        assert_eq!(made(&["bulkhead://role/api", "bulkhead://role/db-connector"]), Err(CertificateFault::Roles));
        assert_eq!(made(&["bulkhead://role/root"]), Err(CertificateFault::Unknown(UnknownRole("root".into()))));
        assert!(matches!(shown(b"no certificate"), Err(CertificateFault::Unreadable(_))));
    }
}
