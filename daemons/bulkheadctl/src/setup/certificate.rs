//! The certificate that HTTPS starts with: self-signed, to be replaced by the site's own.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::Path;

use anyhow::{Context, Result};
use nix::unistd::{Group, Uid};
use rcgen::{CertificateParams, DnType, KeyPair};
use time::{Duration, OffsetDateTime};

use super::step;

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
    fs::create_dir_all(directory).with_context(|| format!("make {}", directory.display()))?;
    let (certificate_pem, key_pem) = self_signed(host)?;
    write(&key, key_pem.as_bytes(), 0o640)?;
    if Uid::effective().is_root() {
        let group = Group::from_name(READER)?;
        // Without the package's user, as in a checkout, the file stays root's.
        if let Some(group) = group {
            chown(&key, None, Some(group.gid.as_raw()))
                .with_context(|| format!("give {} to {READER}", key.display()))?;
        }
    }
    write(&certificate, certificate_pem.as_bytes(), 0o644)?;
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

/// Writes a file that never exists with wider rights than it ends with.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options.create(true).write(true).truncate(true).mode(0o600).open(path)?;
    std::io::Write::write_all(&mut file, bytes).with_context(|| format!("write {}", path.display()))?;
    file.set_permissions(fs::Permissions::from_mode(mode)).with_context(|| format!("protect {}", path.display()))
}

#[cfg(test)]
mod tests {
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
