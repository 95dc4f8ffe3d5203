//! The certificates that are configured, and when they end.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::settings;
use crate::daemons::DAEMONS;

/// Days before its end from which on a certificate is remarked on.
const SOON_DAYS: i64 = 30;

/// A certificate.
#[derive(Debug, Serialize)]
pub(super) struct Certificate {
    file: PathBuf,
    subject: String,
    names: Vec<String>,
    /// RFC 3339, UTC.
    ends: String,
    /// What is wrong with it, or is to be known.
    remark: String,
}

impl Certificate {
    pub(super) fn row(&self) -> [String; 5] {
        let file = self.file.display().to_string();
        [file, self.subject.clone(), self.names.join(" "), self.ends.clone(), self.remark.clone()]
    }
}

/// Those of api, of the worker, and of the daemons that other machines know.
pub(super) fn look(etc: &Path) -> Vec<Certificate> {
    let configured = |daemon: &str, table: &str, default: Option<&str>| {
        let found = settings::effective(etc, daemon)
            .ok()
            .and_then(|found| Some(PathBuf::from(found.get(table)?.as_table()?.get("certificate")?.as_str()?)));
        found.or_else(|| default.map(|file| etc.join(file)))
    };
    let files = [configured("api", "tls", Some("tls/api.crt")), configured("workflows-worker", "temporal", None)];
    let own = DAEMONS.iter().map(|daemon| configured(daemon.name, "internal-tls", None));
    let files = files.into_iter().chain(own);
    let now = OffsetDateTime::now_utc();
    files.flatten().map(|file| read(&file, now).unwrap_or_else(|error| unread(&file, &error))).collect()
}

fn unread(file: &Path, error: &anyhow::Error) -> Certificate {
    let remark = format!("not read: {error:#}");
    Certificate { file: file.to_owned(), subject: String::new(), names: Vec::new(), ends: String::new(), remark }
}

fn read(file: &Path, now: OffsetDateTime) -> Result<Certificate> {
    let text = fs::read_to_string(file).context("open it")?;
    let certificate =
        x509_cert::Certificate::from_der(&first_of(&text)?).context("it is no certificate")?.tbs_certificate;
    let time =
        |time: x509_cert::time::Time| OffsetDateTime::from_unix_timestamp(time.to_unix_duration().as_secs() as i64);
    let (begins, ends) = (time(certificate.validity.not_before)?, time(certificate.validity.not_after)?);
    let names = certificate.get::<SubjectAltName>().context("read its names")?.map(|(_, names)| names.0);
    let names = names.iter().flatten().filter_map(|name| match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => address(bytes.as_bytes()),
        // The role by which other machines know a daemon.
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.to_string()),
        _ => None,
    });
    let mut remarks = Vec::new();
    let days = (ends - now).whole_days();
    if now >= ends {
        remarks.push("it has ended".to_owned());
    } else if days < SOON_DAYS {
        remarks.push(format!("it ends in {days} days"));
    }
    if now < begins {
        remarks.push("it has not begun: is the clock right?".to_owned());
    }
    if certificate.subject == certificate.issuer {
        remarks.push("self-signed: browsers warn".to_owned());
    }
    Ok(Certificate {
        file: file.to_owned(),
        subject: certificate.subject.to_string(),
        names: names.collect(),
        ends: ends.format(&Rfc3339)?,
        remark: remarks.join("; "),
    })
}

/// The first certificate of a PEM file: those behind it are its issuers'.
fn first_of(pem: &str) -> Result<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----").context("it is no certificate in PEM")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----").context("it is cut")?;
    let body: String = body.split_whitespace().collect();
    STANDARD.decode(body).context("it is no certificate in PEM")
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string());
    four.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()))
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn an_end_that_is_near_or_past_is_remarked_on() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("a.crt");
        let key = rcgen::KeyPair::generate().expect("a key");
        let now = OffsetDateTime::now_utc();
        let names = ["tools.example.org".to_owned(), "127.0.0.1".to_owned()];
        let mut parameters = rcgen::CertificateParams::new(names).expect("names");
        parameters.not_before = now - Duration::days(1);
        parameters.not_after = now + Duration::days(100);
        fs::write(&file, parameters.self_signed(&key).expect("signed").pem()).expect("written");
        let at = |days: i64| read(&file, now + Duration::days(days)).expect("reads");
        assert_eq!(at(0).names, ["tools.example.org", "127.0.0.1"]);
        assert_eq!(at(0).remark, "self-signed: browsers warn");
        assert!(at(80).remark.contains("it ends in"), "{}", at(80).remark);
        assert!(at(101).remark.contains("it has ended"));
        assert!(at(-2).remark.contains("clock"));
        fs::write(&file, "no certificate").expect("written");
        assert!(read(&file, now).is_err());
    }
}
