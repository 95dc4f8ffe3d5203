//! TLS to resources: the certificate is always verified in full, against the system's authorities or the resource's own. Where a server
//! wants to know who asks, this side shows the certificate of the resource.

use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, Time};

/// The authorities of `pem`, or the system's. An error says which certificate cannot be used.
pub(crate) fn authorities(pem: Option<&str>) -> Result<RootCertStore, String> {
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
    Ok(roots)
}

/// A configuration that trusts these authorities.
pub(crate) fn verifying(roots: RootCertStore) -> Result<ClientConfig, String> {
    Ok(builder(roots)?.with_no_client_auth())
}

/// The same, with the certificate of `pem`, and for how long it is good.
pub(crate) fn certified(
    roots: RootCertStore,
    pem: &str,
    key: Option<&[u8]>,
) -> Result<(ClientConfig, Option<Validity>), String> {
    let chain = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| format!("it cannot be read: {error}"))?;
    let Some(own) = chain.first() else { return Err("there is none in its text: enter it as PEM".into()) };
    let validity = Validity::of(own);
    let key = key.ok_or("its private key is missing: enter it")?;
    if String::from_utf8_lossy(key).contains("ENCRYPTED") {
        return Err(
            "its private key is encrypted with a passphrase: enter it without one (openssl pkey -in key.pem)".into()
        );
    }
    let key = PrivateKeyDer::from_pem_slice(key);
    let key = key
        .map_err(|_| "its private key cannot be read: enter it as PEM, -----BEGIN PRIVATE KEY----- and what follows")?;
    let config = builder(roots)?.with_client_auth_cert(chain, key).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            "the private key is of another certificate: enter the one that belongs to it".into()
        }
        error => format!("it cannot be used: {error}"),
    })?;
    Ok((config, validity))
}

fn builder(roots: RootCertStore) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(builder.map_err(|error| error.to_string())?.with_root_certificates(roots))
}

/// For how long a certificate is good.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    from: OffsetDateTime,
    until: OffsetDateTime,
}

impl Validity {
    /// Reads it from a certificate (RFC 5280, section 4.1): it is the fourth of what is signed, or the fifth behind a version.
    fn of(certificate: &[u8]) -> Option<Self> {
        let (_, whole, _) = element(certificate)?;
        let (_, mut signed, _) = element(whole)?;
        let (tag, _, rest) = element(signed)?;
        if tag == 0xA0 {
            signed = rest;
        }
        // Number, algorithm, issuer.
        for _ in 0..3 {
            signed = element(signed)?.2;
        }
        let (_, times, _) = element(signed)?;
        let (from_form, from, rest) = element(times)?;
        let (until_form, until, _) = element(rest)?;
        Some(Self { from: moment(from_form, from)?, until: moment(until_form, until)? })
    }

    /// What is wrong with it at `now`.
    pub(crate) fn problem(&self, now: OffsetDateTime) -> Option<String> {
        let shown = |moment: OffsetDateTime| moment.format(&Rfc3339).unwrap_or_default();
        if now > self.until {
            Some(format!("it expired at {}: enter a new one, with its key", shown(self.until)))
        } else if now < self.from {
            Some(format!("it is good only from {} on: look at this machine's clock", shown(self.from)))
        } else {
            None
        }
    }
}

/// The first element of DER: its tag, what is in it, what is behind it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        short @ 0..=0x7F => (usize::from(*short), rest),
        long => {
            let (bytes, rest) =
                rest.split_at_checked(usize::from(long & 0x7F)).filter(|(bytes, _)| bytes.len() <= 4)?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
    };
    let (inside, behind) = rest.split_at_checked(length)?;
    Some((*tag, inside, behind))
}

/// A moment of a certificate: `YYMMDDhhmmssZ`, or with four digits of the year.
fn moment(tag: u8, text: &[u8]) -> Option<OffsetDateTime> {
    let text = std::str::from_utf8(text).ok()?;
    let (year, rest) = match tag {
        0x17 => {
            let year: i32 = text.get(..2)?.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, text.get(2..)?)
        }
        0x18 => (text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<u8>().ok();
    let date = Date::from_calendar_date(year, Month::try_from(part(0)?).ok()?, part(2)?).ok()?;
    Some(date.with_time(Time::from_hms(part(4)?, part(6)?, part(8)?).ok()?).assume_utc())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_certificate_says_for_how_long_it_is_good() {
        let mut params = CertificateParams::new(vec!["tools".to_owned()]).expect("parameters");
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 2), date_time_ymd(2051, 3, 4));
        let certificate = params.self_signed(&KeyPair::generate().expect("a key")).expect("signed");
        let validity = Validity::of(certificate.der()).expect("there");
        assert_eq!(validity, Validity { from: datetime!(2020-01-02 0:00 UTC), until: datetime!(2051-03-04 0:00 UTC) });
        assert_eq!(validity.problem(datetime!(2026-01-01 0:00 UTC)), None);
        let late = validity.problem(datetime!(2051-03-05 0:00 UTC)).expect("expired");
        assert!(late.contains("expired at 2051-03-04"), "{late}");
        assert!(validity.problem(datetime!(2019-01-01 0:00 UTC)).is_some());
    }

    #[test]
    fn a_key_that_does_not_fit_is_told() {
        let (key, other) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
        let certificate = CertificateParams::new(Vec::new()).expect("parameters").self_signed(&key).expect("signed");
        let (pem, own) = (certificate.pem(), key.serialize_pem());
        let roots = || authorities(Some(&pem)).expect("authorities");
        let told = |key: Option<&str>| certified(roots(), &pem, key.map(str::as_bytes)).map(drop).unwrap_err();
        assert!(certified(roots(), &pem, Some(own.as_bytes())).is_ok());
        assert!(told(Some(&other.serialize_pem())).contains("another certificate"));
        assert!(told(None).contains("missing") && told(Some("no key")).contains("cannot be read"));
        assert!(told(Some("-----BEGIN ENCRYPTED PRIVATE KEY-----")).contains("passphrase"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_certificate_or_none(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = Validity::of(&bytes);
        }
    }
}
