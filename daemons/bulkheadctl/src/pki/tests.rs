//! An authority from its making to a renewal, as an administrator goes through it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bulkhead_mtls::{Files, Identity, IdentityError, Role};
use clap::Parser;

use super::*;
use crate::cli::{Arguments, Command};

fn pki(words: &[&str]) -> Result<ExitCode> {
    let words = ["bulkheadctl", "pki"].iter().chain(words);
    match Arguments::try_parse_from(words)?.command {
        Command::Pki(command) => run(command),
        other => panic!("{other:?}"),
    }
}

struct Place(tempfile::TempDir);

impl Place {
    fn with_authority() -> Self {
        let place = Self(tempfile::tempdir().expect("a directory"));
        place.pki("init").expect("made");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A command, with the authority's folder behind it.
    fn pki(&self, words: &str) -> Result<ExitCode> {
        let authority = self.path("authority");
        let words: Vec<String> =
            words.split(' ').map(|word| word.replace('@', &format!("{}/", self.0.path().display()))).collect();
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        let path = authority.display().to_string();
        if words[0] != "request" {
            words.extend(["--authority", &path]);
        }
        pki(&words)
    }

    fn identity(&self, folder: &str, role: Role) -> Result<std::sync::Arc<Identity>, IdentityError> {
        let at = |name: String| self.path(folder).join(name);
        let files = Files {
            certificate: at(format!("{role}.crt")),
            key: at(format!("{role}.key")),
            ca: at("ca.crt".to_owned()),
        };
        Identity::load(files, role)
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("there").permissions().mode() & 0o777
}

#[test]
fn a_closed_folder_leaves_those_above_it_open() {
    let place = tempfile::tempdir().expect("a directory");
    files::folder(&place.path().join("pki/authority"), 0o700).expect("made");
    assert_eq!(mode(&place.path().join("pki")) & 0o005, 0o005);
    assert_eq!(mode(&place.path().join("pki/authority")), 0o700);
}

#[test]
fn every_role_can_be_named() {
    assert_eq!(crate::cli::DAEMONS_WITH_ROLES, Role::ALL.map(Role::name));
}

#[test]
fn what_is_issued_is_an_identity_of_its_role_and_names() {
    let place = Place::with_authority();
    let words = "issue --role db-connector --host db1.example.org --dns db1 --ip 10.0.0.7 --out @out";
    place.pki(words).expect("issued");
    let identity = place.identity("out", Role::DbConnector).expect("an identity");
    assert_eq!(identity.shown().names, ["db1.example.org", "db1", "10.0.0.7"]);
    identity.verify().expect("holds as client and server");
    assert_eq!(mode(&place.path("authority/ca.key")), 0o600);
    assert_eq!(mode(&place.path("authority")), 0o700);
    assert!(mode(&place.path("out/db-connector.key")) & 0o037 == 0);

    let again = place.pki(words).expect_err("the key is there").to_string();
    assert!(again.contains("pki renew"), "{again}");
    let again = place.pki("init").expect_err("an authority is there").to_string();
    assert!(again.contains("all machines trust it"), "{again}");
}

#[test]
fn a_worker_gets_no_certificate_of_a_server() {
    let place = Place::with_authority();
    place.pki("issue --role workflows-worker --host w1 --out @out").expect("issued");
    let identity = place.identity("out", Role::WorkflowsWorker).expect("an identity");
    identity.verify().expect("holds as a client");
    let text = std::fs::read_to_string(place.path("out/workflows-worker.crt")).expect("read");
    let der =
        <rustls_pki_types::CertificateDer<'_> as rustls_pki_types::pem::PemObject>::from_pem_slice(text.as_bytes());
    let der = der.expect("PEM");
    // id-kp-clientAuth and id-kp-serverAuth (RFC 5280, 4.2.1.12) in DER.
    let has = |last: u8| der.windows(10).any(|bytes| bytes == [6, 8, 0x2b, 6, 1, 5, 5, 7, 3, last]);
    assert!(has(2) && !has(1));
}

#[test]
fn a_key_that_stays_on_its_machine_gets_a_certificate_by_request() {
    let place = Place::with_authority();
    place.pki("request --role code-executor --out @there").expect("requested");
    assert!(mode(&place.path("there/code-executor.key")) & 0o037 == 0);
    place
        .pki("issue --role code-executor --host exec1.example.org --csr @there/code-executor.csr --out @out")
        .expect("issued");
    assert!(!place.path("out/code-executor.key").exists());
    for name in ["code-executor.crt", "ca.crt"] {
        std::fs::copy(place.path("out").join(name), place.path("there").join(name)).expect("copied");
    }
    place.identity("there", Role::CodeExecutor).expect("an identity").verify().expect("holds");
    let error = place.identity("there", Role::DbConnector).expect_err("another daemon's").to_string();
    assert!(error.contains("cannot be read"), "{error}");
}

#[test]
fn a_request_that_was_changed_is_refused() {
    let place = Place::with_authority();
    place.pki("request --role api --out @there").expect("requested");
    let file = place.path("there/api.csr");
    let text = std::fs::read_to_string(&file).expect("read");
    let body: Vec<&str> = text.lines().collect();
    let broken = body[2].chars().rev().collect::<String>();
    std::fs::write(&file, text.replace(body[2], &broken)).expect("written");
    assert!(place.pki("issue --role api --host a1 --csr @there/api.csr --out @out").is_err());
    assert!(authority::issued(&place.path("authority")).expect("read").is_empty());
}

#[test]
fn a_renewal_is_for_the_same_key_and_names() {
    let place = Place::with_authority();
    place.pki("issue --role api --host a1.example.org --ip 10.0.0.1 --days 10 --out @out").expect("issued");
    place.pki("issue --role jobs-runner --host a1.example.org --out @out").expect("issued");
    place.pki("renew --out @new").expect("renewed");
    assert!(!place.path("new/a1.example.org/jobs-runner.crt").exists(), "it holds for a year");
    let before = place.identity("out", Role::Api).expect("an identity").shown();
    std::fs::copy(place.path("new/a1.example.org/api.crt"), place.path("out/api.crt")).expect("copied");
    let after = place.identity("out", Role::Api).expect("the key fits").shown();
    assert_eq!(before.names, after.names);
    assert!(after.ends > before.ends && after.serial != before.serial);
    // The one that was renewed is due no more.
    let newest = authority::newest(authority::issued(&place.path("authority")).expect("read"));
    assert_eq!(newest.len(), 2);
    assert!(newest.iter().all(|issued| issued.ends > OffsetDateTime::from(before.ends)));
}

#[test]
fn what_cannot_be_a_name_or_outlives_the_authority_is_refused() {
    let place = Place(tempfile::tempdir().expect("a directory"));
    let error = place.pki("issue --role api --host a1 --out @out").expect_err("no authority").to_string();
    assert!(error.contains("pki init"), "{error}");
    place.pki("init --days 30").expect("made");
    for host in ["../a1", "*.example.org", "a1,b1"] {
        assert!(place.pki(&format!("issue --role api --host {host} --out @out")).is_err(), "{host}");
    }
    let error = place.pki("issue --role api --host a1 --days 60 --out @out").expect_err("too long").to_string();
    assert!(error.contains("the authority ends"), "{error}");
    assert!(!place.path("out/api.key").exists(), "no key is left without a certificate");
    assert!(place.pki("issue --role root --host a1 --out @out").is_err());
}

#[test]
fn check_tells_what_is_wrong_with_what_is_configured() {
    let place = Place::with_authority();
    place.pki("issue --role api --host a1 --out @pki").expect("issued");
    place.pki("issue --role db-connector --host a1 --days 5 --out @pki").expect("issued");
    let pki = place.path("pki");
    let table = |role: &str, of: &str| {
        format!(
            "internal-tls.certificate = '{0}/{of}.crt'\ninternal-tls.key = '{0}/{role}.key'\ninternal-tls.ca = '{0}/ca.crt'",
            pki.display()
        )
    };
    std::fs::write(place.path("api.toml"), table("api", "api")).expect("written");
    std::fs::write(place.path("db-connector.toml"), table("db-connector", "db-connector")).expect("written");
    std::fs::write(place.path("ssh-connector.toml"), table("api", "api")).expect("written");
    let found = check(place.0.path());
    let fault = |daemon: &str| found.iter().find(|found| found.daemon == daemon).expect("checked").fault.clone();
    assert_eq!(fault("api"), "");
    assert!(fault("db-connector").contains("it ends in 4 days"), "{}", fault("db-connector"));
    assert!(fault("ssh-connector").contains("shows the role api"), "{}", fault("ssh-connector"));
    std::fs::set_permissions(pki.join("api.key"), std::fs::Permissions::from_mode(0o644)).expect("opened");
    let found = check(place.0.path());
    assert!(found.iter().any(|found| found.daemon == "api" && found.fault.contains("chmod 0640")), "{found:?}");
}
