//! Each daemon's secret keys, and the public halves that others seal to.
//!
//! On a machine with systemd a secret is encrypted to this machine (TPM or host key) and given to its unit alone; in a checkout
//! it is a plain file that only its owner may read.

use std::fs;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bulkhead_seal::SealPrivateKey;
use zeroize::Zeroizing;

use super::step;
use crate::files;

/// Daemons that secrets are sealed to.
const SEAL_KEYS: [&str; 5] = ["api", "db-connector", "jobs-runner", "ssh-connector", "workflows-backend"];
/// Where units look for credentials (`LoadCredentialEncrypted=`).
const CREDENTIALS: &str = "/etc/credstore.encrypted";

/// Where keys are kept.
#[derive(Debug)]
pub(super) enum Store {
    /// Encrypted to this machine by systemd-creds.
    Encrypted {
        /// The folder of the public keys.
        public: PathBuf,
    },
    /// Plain files below this folder.
    Plain(PathBuf),
}

/// Makes the keys that are missing. Returns the daemons that got a seal key: they read it at their start.
pub(super) fn make(store: &Store) -> Result<Vec<&'static str>> {
    let mut made = Vec::new();
    for daemon in SEAL_KEYS {
        if seal_key(store, daemon)? {
            made.push(daemon);
        }
    }
    run_token_key(store)?;
    Ok(made)
}

/// True when the private half is new.
fn seal_key(store: &Store, daemon: &str) -> Result<bool> {
    let public = store.public(daemon);
    let private = store.secret(daemon, "seal.key");
    match (private.exists(), public.exists()) {
        (true, true) => step(&format!("the seal key of {daemon} stays")),
        (true, false) => {
            let key = SealPrivateKey::from_text(&store.read(daemon, "seal.key")?)?;
            write_public(&public, &key)?;
            step(&format!("the public seal key of {daemon}, from its private half"));
        }
        // A new pair here would leave every sealed value unreadable without a word.
        (false, true) => bail!(
            "{} is missing, but its public half {} is there: restore it from a backup, or remove the public half and \
             repeat setup (sealed passwords must be entered again then)",
            private.display(),
            public.display()
        ),
        (false, false) => {
            let key = SealPrivateKey::generate();
            store.write(daemon, "seal.key", key.to_text().as_bytes())?;
            write_public(&public, &key)?;
            step(&format!("a seal key for {daemon} ({})", store.protection()));
            return Ok(true);
        }
    }
    Ok(false)
}

/// The key that workflows-backend signs capability tokens with. Tokens live for minutes, so a lost key loses nothing.
fn run_token_key(store: &Store) -> Result<()> {
    const DAEMON: &str = "workflows-backend";
    const NAME: &str = "run-token.key";
    if store.secret(DAEMON, NAME).exists() {
        step("the run token key stays");
        return Ok(());
    }
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut()).context("ask the system for randomness")?;
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref()));
    store.write(DAEMON, NAME, text.as_bytes())?;
    step(&format!("a run token key for {DAEMON} ({})", store.protection()));
    Ok(())
}

fn write_public(path: &Path, key: &SealPrivateKey) -> Result<()> {
    files::folder(path.parent().unwrap_or(Path::new("/")), 0o755)?;
    files::write(path, key.public_key().to_text().as_bytes(), 0o644)
}

impl Store {
    fn public(&self, daemon: &str) -> PathBuf {
        let folder = match self {
            Self::Encrypted { public } => public.clone(),
            Self::Plain(folder) => folder.join("keys"),
        };
        folder.join(format!("{daemon}.pub"))
    }

    fn secret(&self, daemon: &str, name: &str) -> PathBuf {
        match self {
            Self::Encrypted { .. } => Path::new(CREDENTIALS).join(format!("bulkhead-{daemon}.{name}")),
            Self::Plain(folder) => folder.join("credentials").join(daemon).join(name),
        }
    }

    fn protection(&self) -> &'static str {
        match self {
            Self::Encrypted { .. } => "encrypted to this machine",
            Self::Plain(_) => "a plain file",
        }
    }

    fn write(&self, daemon: &str, name: &str, secret: &[u8]) -> Result<()> {
        let path = self.secret(daemon, name);
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("make {}", folder.display()))?;
        match self {
            Self::Plain(_) => files::write(&path, secret, 0o600),
            Self::Encrypted { .. } => encrypt_credential(&path, name, secret),
        }
    }

    fn read(&self, daemon: &str, name: &str) -> Result<Zeroizing<String>> {
        let path = self.secret(daemon, name);
        match self {
            Self::Plain(_) => {
                fs::read_to_string(&path).map(Zeroizing::new).with_context(|| format!("read {}", path.display()))
            }
            Self::Encrypted { .. } => {
                let mut secret = decrypt_credential(&path, name)?;
                let text = String::from_utf8(std::mem::take(&mut *secret)).ok();
                text.map(Zeroizing::new).with_context(|| format!("{} holds no text", path.display()))
            }
        }
    }
}

/// Encrypts to this machine; the credential that holds it is called `name`. A key that the power takes in between is none: it is made anew.
pub(crate) fn encrypt_credential(path: &Path, name: &str, secret: &[u8]) -> Result<()> {
    let mut encrypt = Command::new("systemd-creds");
    encrypt.args(["encrypt", &format!("--name={name}"), "-", "-"]);
    files::write(path, &piped(&mut encrypt, secret)?, 0o600)
}

/// What this machine has encrypted.
pub(crate) fn decrypt_credential(path: &Path, name: &str) -> Result<Zeroizing<Vec<u8>>> {
    let mut decrypt = Command::new("systemd-creds");
    decrypt.args(["decrypt", &format!("--name={name}")]).arg(path).arg("-");
    piped(&mut decrypt, b"").with_context(|| format!("open {}", path.display()))
}

/// Runs systemd-creds with `input`; its output is as secret as its input.
fn piped(command: &mut Command, input: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("start systemd-creds: systemd 250 or newer has it")?;
    child.stdin.take().context("its standard input")?.write_all(input).context("write to systemd-creds")?;
    let output = child.wait_with_output().context("wait for systemd-creds")?;
    ensure!(output.status.success(), "systemd-creds: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(Zeroizing::new(output.stdout))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_made_once_and_completed() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::Plain(directory.path().to_owned());
        assert_eq!(make(&store).expect("makes"), SEAL_KEYS);
        let public = store.public("db-connector");
        let first = fs::read_to_string(&public).expect("reads");
        let mode = fs::metadata(store.secret("db-connector", "seal.key")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        fs::remove_file(&public).expect("removed");
        assert_eq!(make(&store).expect("completes"), [] as [&str; 0]);

        assert_eq!(fs::read_to_string(&public).expect("reads"), first);
        assert!(store.read("workflows-backend", "run-token.key").expect("reads").len() >= 32);
    }

    #[test]
    fn an_installation_from_before_a_key_gets_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::Plain(directory.path().to_owned());
        make(&store).expect("makes");
        fs::remove_file(store.secret("workflows-backend", "seal.key")).expect("removed");
        fs::remove_file(store.public("workflows-backend")).expect("removed");
        assert_eq!(make(&store).expect("completes"), ["workflows-backend"]);
    }

    #[test]
    fn a_lost_private_key_is_never_replaced_in_silence() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::Plain(directory.path().to_owned());
        make(&store).expect("makes");
        fs::remove_file(store.secret("db-connector", "seal.key")).expect("removed");
        let error = make(&store).expect_err("refused").to_string();
        assert!(error.contains("restore it from a backup"), "{error}");
    }
}
