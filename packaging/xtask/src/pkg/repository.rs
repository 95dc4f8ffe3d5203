//! Repositories of apt and dnf, signed by one key, and the bundle: both in one file with checksums and a script that installs from it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use super::rpm;
use crate::shell::{command, output, run_quietly, step};
use crate::{deb, install, paths};

/// What was built.
pub(crate) struct Repositories {
    /// `apt/`, `dnf/`, the public key, `SHA256SUMS`, `install.sh`.
    pub(crate) folder: PathBuf,
    /// All of that as one tar.
    pub(crate) bundle: PathBuf,
}

/// Builds them anew.
pub(crate) fn build(programs: Option<&Path>, key: Option<&Path>, target: Option<&Path>) -> Result<Repositories> {
    install::ensure(&[install::REPOSITORIES])?;
    let (debs, rpms) = (deb::build_from(programs)?, rpm::build(programs)?);
    let folder = target.map_or_else(|| paths::cache().join("repository"), Path::to_owned);
    // Nothing else is replaced: a mistyped --output must not cost somebody's files.
    ensure!(
        !folder.exists() || folder.join("SHA256SUMS").exists() || folder.read_dir()?.next().is_none(),
        "{} is not empty and is no repository: give another folder",
        folder.display()
    );
    step("building the repositories", || {
        let partial = folder.with_extension("partial");
        if partial.exists() {
            std::fs::remove_dir_all(&partial)?;
        }
        std::fs::create_dir_all(&partial)?;
        fill(&partial.canonicalize()?, &debs, &rpms, &Signer::new(key)?)?;
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::rename(&partial, &folder).context("put the repositories in place")?;
        let name = format!("bulkhead-{}", env!("CARGO_PKG_VERSION"));
        let bundle = folder.with_file_name(format!("{name}-offline.tar"));
        let mut tar =
            command("tar", &["--create", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"]);
        tar.arg("--transform").arg(format!("s,^\\.,{name},"));
        run_quietly(tar.arg("--file").arg(&bundle).arg("--directory").arg(&folder).arg("."))?;
        Ok(Repositories { folder, bundle })
    })
}

fn fill(folder: &Path, debs: &[PathBuf], rpms: &[PathBuf], signer: &Signer) -> Result<()> {
    signer.export(folder)?;
    apt(&folder.join("apt"), debs, signer)?;
    dnf(&folder.join("dnf"), rpms, signer)?;
    let script = folder.join("install.sh");
    std::fs::copy(paths::repository().join("packaging/repository/install.sh"), &script).context("copy install.sh")?;
    run_quietly(command("chmod", &["755"]).arg(&script))?;
    checksums(folder, signer)
}

/// A key in a key ring of its own, which is gone when this value is.
pub(crate) struct Signer {
    home: tempfile::TempDir,
    fingerprint: String,
}

impl Signer {
    /// The key in a file, or a new one.
    pub(crate) fn new(key: Option<&Path>) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let mut signer = Self { home, fingerprint: String::new() };
        match key {
            Some(file) => run_quietly(signer.gpg(&["--import"]).arg(file)).context("read the key")?,
            None => {
                // RSA, because the rpm of EL 9 verifies it in every mode.
                let who = "Bulkhead packages (made for tests) <packages@bulkhead.example>";
                let generate = ["--passphrase", "", "--quick-generate-key", who, "rsa3072", "sign", "1y"];
                run_quietly(&mut signer.gpg(&generate))?;
            }
        }
        let listed = output(&mut signer.gpg(&["--with-colons", "--list-secret-keys"]))?;
        let fingerprint =
            listed.lines().find_map(|line| line.strip_prefix("fpr:")?.trim_matches(':').split(':').next());
        signer.fingerprint = fingerprint.context("there is no secret key in that file")?.to_owned();
        Ok(signer)
    }

    fn gpg(&self, arguments: &[&str]) -> Command {
        let mut gpg = command("gpg", &["--batch", "--yes", "--quiet", "--pinentry-mode", "loopback", "--homedir"]);
        gpg.arg(self.home.path()).args(arguments);
        gpg
    }

    /// The public half, as apt and as rpm want it.
    fn export(&self, folder: &Path) -> Result<()> {
        let (armored, binary) = (folder.join("bulkhead.asc"), folder.join("bulkhead.gpg"));
        run_quietly(self.gpg(&["--armor", "--output"]).arg(armored).arg("--export").arg(&self.fingerprint))?;
        run_quietly(self.gpg(&["--output"]).arg(binary).arg("--export").arg(&self.fingerprint))
    }

    /// Signs `file`: into one that has both, or into a signature beside it.
    pub(crate) fn sign(&self, file: &Path, how: &str, into: &Path) -> Result<()> {
        let mut sign = self.gpg(&["--armor", "--digest-algo", "SHA256", "--local-user", &self.fingerprint, "--output"]);
        run_quietly(sign.arg(into).arg(how).arg(file)).with_context(|| format!("sign {}", file.display()))
    }

    fn sign_rpms(&self, files: &[PathBuf]) -> Result<()> {
        // Debian's rpm asks for a program that is called gpg2.
        let mut sign = command("rpm", &["--addsign", "--define", "__gpg /usr/bin/gpg", "--define"]);
        sign.arg(format!("_gpg_name {}", self.fingerprint));
        sign.arg("--define").arg(format!("_gpg_path {}", self.home.path().display()));
        run_quietly(sign.args(files).env("GNUPGHOME", self.home.path()))
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        // Its agent would stay otherwise.
        let _ = run_quietly(command("gpgconf", &["--homedir"]).arg(self.home.path()).args(["--kill", "all"]));
    }
}

/// `dists/stable` with one component, `pool` with the packages.
fn apt(folder: &Path, packages: &[PathBuf], signer: &Signer) -> Result<()> {
    let binary = folder.join("dists/stable/main/binary-amd64");
    std::fs::create_dir_all(&binary)?;
    copy_all(packages, &folder.join("pool"))?;
    let index = output(command("apt-ftparchive", &["packages", "pool"]).current_dir(folder))?;
    ensure!(index.matches("\nPackage: ").count() + 1 == packages.len(), "the index does not list each package once");
    std::fs::write(binary.join("Packages"), &index)?;
    run_quietly(command("gzip", &["-9nk"]).arg(binary.join("Packages")))?;
    let release = folder.join("dists/stable");
    let fields = [
        ("Origin", "Bulkhead"),
        ("Label", "Bulkhead"),
        ("Suite", "stable"),
        ("Codename", "stable"),
        ("Architectures", "amd64"),
        ("Components", "main"),
    ];
    let mut describe = command("apt-ftparchive", &[]);
    describe.args(fields.map(|(name, value)| format!("-oAPT::FTPArchive::Release::{name}={value}")));
    let text = output(describe.arg("release").arg(&release))?;
    let file = release.join("Release");
    std::fs::write(&file, text)?;
    signer.sign(&file, "--clear-sign", &release.join("InRelease"))?;
    signer.sign(&file, "--detach-sign", &release.join("Release.gpg"))
}

/// One folder with `repodata`.
fn dnf(folder: &Path, packages: &[PathBuf], signer: &Signer) -> Result<()> {
    let copies = copy_all(packages, &folder.join("packages"))?;
    signer.sign_rpms(&copies)?;
    run_quietly(command("createrepo_c", &["--quiet", "--general-compress-type=gz"]).arg(folder))?;
    let index = folder.join("repodata/repomd.xml");
    signer.sign(&index, "--detach-sign", &folder.join("repodata/repomd.xml.asc"))
}

fn copy_all(files: &[PathBuf], folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    let copy = |file: &PathBuf| {
        let to = folder.join(file.file_name().context("a file's name")?);
        std::fs::copy(file, &to).with_context(|| format!("copy {}", file.display()))?;
        Ok(to)
    };
    files.iter().map(copy).collect()
}

/// `SHA256SUMS` of all files, and its signature.
fn checksums(folder: &Path, signer: &Signer) -> Result<()> {
    let mut files = deb::walk(folder)?;
    files.sort();
    let mut lines = String::new();
    for file in files {
        let digest = hex::encode(Sha256::digest(std::fs::read(&file)?));
        lines += &format!("{digest}  {}\n", file.strip_prefix(folder)?.display());
    }
    let sums = folder.join("SHA256SUMS");
    std::fs::write(&sums, lines)?;
    signer.sign(&sums, "--detach-sign", &folder.join("SHA256SUMS.asc"))
}
