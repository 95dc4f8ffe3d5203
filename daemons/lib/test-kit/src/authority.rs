//! An authority with certificates of daemons, for tests of what goes over the network.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose, SanType};
use time::{Duration, OffsetDateTime};

/// An authority with a directory of its own: `ca.crt`, and `NAME.crt` and `NAME.key` for each certificate.
pub struct TestAuthority {
    directory: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl std::fmt::Debug for TestAuthority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TestAuthority").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Default for TestAuthority {
    fn default() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, "an authority for a test");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(parameters, key).expect("signed");
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("ca.crt"), issuer.pem()).expect("written");
        Self { directory, issuer }
    }
}

impl TestAuthority {
    /// Where its files are.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Makes `ROLE.crt` and `ROLE.key`, for localhost, from an hour ago until tomorrow.
    pub fn issue(&self, role: &str) -> [PathBuf; 3] {
        let now = OffsetDateTime::now_utc();
        self.issue_for(role, &["localhost", "127.0.0.1"], (now - Duration::hours(1), now + Duration::days(1)))
    }

    /// Makes them for these names, from then until then. Gives the files: certificate, key, authority.
    pub fn issue_for(&self, role: &str, names: &[&str], holds: (OffsetDateTime, OffsetDateTime)) -> [PathBuf; 3] {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut parameters = CertificateParams::new(names).expect("names");
        let uri = format!("bulkhead://role/{role}");
        parameters.subject_alt_names.push(SanType::URI(uri.as_str().try_into().expect("a URI")));
        parameters.distinguished_name.push(DnType::CommonName, role);
        (parameters.not_before, parameters.not_after) = holds;
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("signed");
        let files = [format!("{role}.crt"), format!("{role}.key"), "ca.crt".to_owned()];
        let files = files.map(|name| self.directory.path().join(name));
        std::fs::write(&files[0], certificate.pem()).expect("written");
        std::fs::write(&files[1], key.serialize_pem()).expect("written");
        files
    }

    /// The line of a daemon's configuration that names the files of a role, which are made.
    pub fn setting(&self, role: &str) -> String {
        let [certificate, key, ca] = self.issue(role).map(|path| path.display().to_string());
        format!("internal-tls = {{ certificate = '{certificate}', key = '{key}', ca = '{ca}' }}\n")
    }
}
