//! The certificate that HTTPS starts with: self-signed, to be replaced by the site's own.

use std::path::Path;

use anyhow::{Context, Result};
use rcgen::{CertificateParams, DnType, KeyPair};
use time::{Duration, OffsetDateTime};

use super::step;
use crate::files;

/// Browsers refuse certificates that are valid for longer.
const VALID_DAYS: i64 = 825;
/// Whose group may read the key.
const READER: &str = "bulkhead-api";

/// Makes `api.crt` and `api.key` in `directory`, unless there are some.
pub(super) fn make(directory: &Path, host: &str) -> Result<()> {
    let (certificate, key) = (directory.join("api.crt"), directory.join("api.key"));
    if certificate.exists() && key.exists() {
        step(&format!("the TLS certificate {} stays", certificate.display()));
        return Ok(());
    }
    files::folder(directory, 0o755)?;
    let (certificate_pem, key_pem) = self_signed(host)?;
    files::write(&key, key_pem.as_bytes(), 0o640)?;
    // Without the package's user, as in a checkout, the file stays root's.
    files::show_to(&key, READER)?;
    files::write(&certificate, certificate_pem.as_bytes(), 0o644)?;
    step(&format!("a self-signed TLS certificate for {host} in {}", certificate.display()));
    Ok(())
}

fn self_signed(host: &str) -> Result<(String, String)> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    if !names.iter().any(|name| name == host) {
        names.push(host.to_owned());
    }
    let key = KeyPair::generate().context("generate a key")?;
    let mut parameters = CertificateParams::new(names).with_context(|| format!("`{host}` as a certificate's name"))?;
    parameters.distinguished_name.push(DnType::CommonName, host);
    // An hour ago: clocks of browsers differ.
    parameters.not_before = OffsetDateTime::now_utc() - Duration::hours(1);
    parameters.not_after = OffsetDateTime::now_utc() + Duration::days(VALID_DAYS);
    let certificate = parameters.self_signed(&key).context("sign the certificate")?;
    Ok((certificate.pem(), key.serialize_pem()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_certificate_is_made_once() {
        let directory = tempfile::tempdir().expect("a directory");
        make(directory.path(), "tools.example.org").expect("makes");
        let first = fs::read(directory.path().join("api.crt")).expect("reads");
        make(directory.path(), "other.example.org").expect("leaves alone");
        assert_eq!(fs::read(directory.path().join("api.crt")).expect("reads"), first);
        let mode = fs::metadata(directory.path().join("api.key")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
}
