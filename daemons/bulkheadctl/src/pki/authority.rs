//! The authority's folder: `ca.crt`, `ca.key` (or `ca.key.sealed`), and `issued/NUMBER.crt` for each certificate.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use bulkhead_mtls::{Role, shown};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData, SanType, SerialNumber, SubjectPublicKeyInfo,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use x509_cert::der::{Decode, Encode};

use crate::files;
use crate::setup::{decrypt_credential, encrypt_credential};

/// Clocks of machines differ: a certificate holds from a little before it was made.
const TOLERANCE: Duration = Duration::hours(1);
/// The name of the sealed key inside its file.
const SEALED: &str = "bulkhead-pki.ca.key";

/// An authority that can sign.
pub(super) struct Authority {
    folder: PathBuf,
    pem: String,
    ends: OffsetDateTime,
    issuer: Issuer<'static, KeyPair>,
}

/// What a certificate is to say.
pub(super) struct Wanted {
    pub(super) role: Role,
    pub(super) host: String,
    pub(super) dns: Vec<String>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) days: u32,
}

/// A certificate that was issued.
#[derive(Debug, Serialize)]
pub(super) struct Issued {
    #[serde(serialize_with = "as_name")]
    pub(super) role: Role,
    pub(super) host: String,
    names: Vec<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) begins: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) ends: OffsetDateTime,
    number: String,
    #[serde(skip)]
    public_key: Vec<u8>,
}

fn as_name<S: serde::Serializer>(role: &Role, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(role.name())
}

impl Authority {
    /// Makes one where there is none.
    pub(super) fn make(folder: &Path, name: &str, days: u32, seal: bool) -> Result<()> {
        let certificate = folder.join("ca.crt");
        ensure!(
            !certificate.exists(),
            "{} is there already: all machines trust it. Another authority needs another folder (--authority)",
            certificate.display()
        );
        let key = KeyPair::generate().context("generate a key")?;
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (parameters.not_before, parameters.not_after) = validity(days);
        parameters.serial_number = Some(number()?);
        let pem = parameters.self_signed(&key).context("sign the authority's certificate")?.pem();
        files::folder(folder, 0o700)?;
        files::folder(&folder.join("issued"), 0o700)?;
        let secret = zeroize::Zeroizing::new(key.serialize_pem());
        if seal {
            encrypt_credential(&folder.join("ca.key.sealed"), SEALED, secret.as_bytes())?;
        } else {
            files::write(&folder.join("ca.key"), secret.as_bytes(), 0o600)?;
        }
        // Last: without it there is no authority, and the command can be repeated.
        files::write(&certificate, pem.as_bytes(), 0o644)
    }

    /// The one in `folder`.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let file = folder.join("ca.crt");
        ensure!(file.exists(), "{} is missing: `bulkheadctl pki init` makes an authority", file.display());
        let pem = files::text(&file)?;
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).with_context(|| format!("{}", file.display()))?;
        let read = x509_cert::Certificate::from_der(&der).with_context(|| format!("{}", file.display()))?;
        let ends = read.tbs_certificate.validity.not_after.to_unix_duration().as_secs();
        let ends = OffsetDateTime::from_unix_timestamp(i64::try_from(ends)?)?;
        let key = KeyPair::from_pem(&secret(folder)?).context("the authority's key is not understood")?;
        let own = read.tbs_certificate.subject_public_key_info.subject_public_key.raw_bytes();
        ensure!(own == key.public_key_raw(), "the key in {} is not the one of ca.crt", folder.display());
        let issuer = Issuer::from_ca_cert_der(&der, key).with_context(|| format!("{}", file.display()))?;
        Ok(Self { folder: folder.to_owned(), pem, ends, issuer })
    }

    /// Its certificate.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// Signs, keeps a copy, and returns the certificate.
    pub(super) fn issue(&self, wanted: &Wanted, key: &impl PublicKeyData) -> Result<String> {
        let mut parameters = parameters(wanted)?;
        ensure!(
            parameters.not_after <= self.ends,
            "the authority ends on {}, before {} days: give fewer (--days), or make a new authority (docs/several-machines.md)",
            self.ends.date(),
            wanted.days
        );
        let serial = number()?;
        let name: String = serial.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        parameters.serial_number = Some(serial);
        let pem = parameters.signed_by(key, &self.issuer).context("sign the certificate")?.pem();
        // The copy first: nothing is issued that `list` does not show.
        files::write(&self.folder.join("issued").join(format!("{name}.crt")), pem.as_bytes(), 0o644)?;
        Ok(pem)
    }
}

fn secret(folder: &Path) -> Result<zeroize::Zeroizing<String>> {
    let (plain, sealed) = (folder.join("ca.key"), folder.join("ca.key.sealed"));
    if sealed.exists() {
        let mut bytes = decrypt_credential(&sealed, SEALED)?;
        let text = String::from_utf8(std::mem::take(&mut *bytes)).ok();
        return text.map(zeroize::Zeroizing::new).context("the authority's sealed key holds no text");
    }
    files::text(&plain)
        .map(zeroize::Zeroizing::new)
        .context("the authority's key is not here: run this on the authority's machine, as root")
}

fn parameters(wanted: &Wanted) -> Result<CertificateParams> {
    let mut names: Vec<String> = vec![wanted.host.clone()];
    names.extend(wanted.dns.iter().cloned());
    names.extend(wanted.addresses.iter().map(IpAddr::to_string));
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    for name in &names {
        let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':');
        ensure!(
            !name.is_empty() && name.len() <= 253 && name.chars().all(sound) && !name.starts_with(['.', '-']),
            "`{name}` is no machine's name or address: write one such as db1.example.org or 10.0.0.7"
        );
    }
    let mut parameters = CertificateParams::new(names).context("the machine's names")?;
    let uri = wanted.role.uri();
    parameters.subject_alt_names.push(SanType::URI(uri.as_str().try_into().context("the role's name")?));
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::OrganizationalUnitName, wanted.role.unit());
    parameters.distinguished_name.push(DnType::CommonName, wanted.host.as_str());
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.use_authority_key_identifier_extension = true;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // A daemon that nobody calls cannot be a server even where its role were overlooked.
    if wanted.role.calls() {
        parameters.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
    }
    if wanted.role.port().is_some() {
        parameters.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    }
    (parameters.not_before, parameters.not_after) = validity(wanted.days);
    Ok(parameters)
}

fn validity(days: u32) -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (now - TOLERANCE, now + Duration::days(days.into()))
}

/// A number that was never used: 127 bits of chance, positive.
fn number() -> Result<SerialNumber> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("ask the system for randomness")?;
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

impl Issued {
    fn read(file: &Path) -> Result<Self> {
        let der = CertificateDer::from_pem_slice(files::text(file)?.as_bytes()).context("read it as PEM")?;
        let found = shown(&der)?;
        let certificate = x509_cert::Certificate::from_der(&der).context("read it")?.tbs_certificate;
        let public_key = certificate.subject_public_key_info.to_der().context("read its key")?;
        let Some(host) = found.names.first().cloned() else { bail!("it is for no machine") };
        Ok(Self {
            role: found.role,
            host,
            begins: found.begins.into(),
            ends: found.ends.into(),
            names: found.names,
            number: found.serial,
            public_key,
        })
    }

    /// The same again.
    pub(super) fn again(&self, days: u32) -> Wanted {
        let (addresses, dns): (Vec<_>, Vec<_>) =
            self.names.iter().skip(1).partition(|name| name.parse::<IpAddr>().is_ok());
        Wanted {
            role: self.role,
            host: self.host.clone(),
            dns: dns.into_iter().cloned().collect(),
            addresses: addresses.into_iter().filter_map(|name| name.parse().ok()).collect(),
            days,
        }
    }

    /// The key that it is for.
    pub(super) fn public_key(&self) -> Result<SubjectPublicKeyInfo> {
        SubjectPublicKeyInfo::from_der(&self.public_key).context("the key of a certificate that was issued")
    }

    pub(super) fn row(&self) -> [String; 5] {
        let ends = self.ends.format(&Rfc3339).unwrap_or_default();
        [self.role.to_string(), self.host.clone(), self.names.join(" "), ends, self.number.clone()]
    }
}

/// All that was issued, by machine, daemon and time.
pub(super) fn issued(folder: &Path) -> Result<Vec<Issued>> {
    let folder = folder.join("issued");
    let entries = fs::read_dir(&folder)
        .with_context(|| format!("read {}: is the authority on this machine, and are you root?", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "crt") {
            found.push(Issued::read(&path).with_context(|| format!("{}", path.display()))?);
        }
    }
    found.sort_by(|a, b| (&a.host, a.role, a.begins).cmp(&(&b.host, b.role, b.begins)));
    Ok(found)
}

/// Of each daemon on each machine the certificate that ends last.
pub(super) fn newest(issued: Vec<Issued>) -> Vec<Issued> {
    let mut newest = BTreeMap::new();
    for issued in issued {
        let place = (issued.host.clone(), issued.role);
        match newest.get(&place) {
            Some(Issued { ends, .. }) if *ends > issued.ends => {}
            _ => drop(newest.insert(place, issued)),
        }
    }
    newest.into_values().collect()
}
