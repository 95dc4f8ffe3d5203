//! What a failed handshake means and what to do, for the journal of the one that sees it.

use std::error::Error as StdError;

use rustls::{AlertDescription, CertificateError, Error};

/// Words for the TLS failure somewhere in the causes of `error`; none when it is of another kind.
pub fn explain(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<Error>() {
            return Some(words(found));
        }
        // An I/O error's own cause begins behind what it wraps.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(found) = inner.and_then(|inner| inner.downcast_ref::<Error>()) {
            return Some(words(found));
        }
        next = error.source();
    }
    None
}

/// A handshake that this side ended, or was told that the other ended it.
fn words(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(fault) => format!("the other end's certificate was refused: {}", refused(fault)),
        Error::NoCertificatesPresented => {
            "the other end showed no certificate: its daemon needs [internal-tls] in its configuration".to_owned()
        }
        Error::AlertReceived(alert) => told(*alert),
        Error::InvalidMessage(_) => {
            "the other end does not speak TLS: is the port that of a daemon's -tls.socket?".to_owned()
        }
        Error::PeerIncompatible(_) => "the other end does not speak TLS 1.3".to_owned(),
        other => other.to_string(),
    }
}

fn refused(fault: &CertificateError) -> String {
    match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has ended: renew it (bulkheadctl pki renew), or this machine's clock is ahead".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it does not hold yet: the clocks of the two machines may differ (timedatectl on both)".to_owned()
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "it is not of the authority in internal-tls.ca: both machines need certificates of the same one".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for other names: the address in the configuration must be one of those (bulkheadctl pki issue --dns, --ip)"
                .to_owned()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not made for this side of a connection: the daemon that showed it has no socket for others".to_owned()
        }
        CertificateError::Other(other) => other.to_string(),
        other => format!("{other:?}"),
    }
}

/// The other end's refusal of what this side showed. TLS has one word for what ended and what does not hold yet.
fn told(alert: AlertDescription) -> String {
    let own = match alert {
        AlertDescription::CertificateExpired => {
            "has ended or does not hold yet: bulkheadctl pki check here; the clocks of the two machines may differ"
        }
        AlertDescription::UnknownCA | AlertDescription::DecryptError => {
            "is not of the authority that it trusts: both machines need certificates of the same one"
        }
        AlertDescription::CertificateRequired => "is missing: this daemon needs [internal-tls] in its configuration",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateRevoked
        | AlertDescription::AccessDenied => {
            "is refused: bulkheadctl pki check here, and the other end's journal say why"
        }
        other => return format!("the other end ended the handshake: {other:?}"),
    };
    format!("the other end says that this daemon's certificate {own}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_found_below_what_wraps_it_and_names_the_fix() {
        let tls = Error::InvalidCertificate(CertificateError::NotValidYet);
        let io = std::io::Error::new(std::io::ErrorKind::InvalidData, tls);
        assert!(explain(&io).expect("found").contains("the clocks of the two machines may differ"));
        let told = std::io::Error::other(Error::AlertReceived(AlertDescription::CertificateRequired));
        assert!(explain(&told).expect("found").contains("this daemon needs [internal-tls]"));
        assert_eq!(explain(&std::io::Error::other("a cable")), None);
    }
}
