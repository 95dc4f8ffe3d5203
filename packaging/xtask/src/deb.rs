//! Debian packages: the built binaries and the UI, put together by debhelper in a folder outside the checkout.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::shell::{command, run_quietly, step};
use crate::{build, install, paths, temporal};

/// The programs that are packaged.
pub(crate) const PROGRAMS: [&str; 9] = [
    "bulkhead-api",
    "bulkhead-code-executor",
    "bulkhead-db-connector",
    "bulkhead-jobs-runner",
    "bulkhead-library-builder",
    "bulkhead-ssh-connector",
    "bulkhead-workflows-backend",
    "bulkhead-workflows-worker",
    "bulkheadctl",
];

/// What Node and Python load to become zygotes.
pub(crate) const ZYGOTE_LIBRARY: &str = "libbulkhead_zygote.so";

/// Builds all packages, unless nothing that goes into them changed. Returns their paths.
pub(crate) fn build() -> Result<Vec<PathBuf>> {
    install::ensure(&[install::PACKAGES])?;
    let binaries = build::binaries()?;
    let web = build::web()?;
    let libraries = build::libraries()?;
    let temporal = temporal::binary()?;
    let output = paths::cache().join("deb");
    let key = content_key(&binaries, &[&web, &libraries])?;
    let stamp = output.join("content.key");
    if std::fs::read_to_string(&stamp).is_ok_and(|built| built == key) {
        return packages(&output);
    }
    step("packaging", || {
        let tree = output.join("bulkhead");
        if output.exists() {
            std::fs::remove_dir_all(&output)?;
        }
        assemble(&tree, &binaries, &web, &libraries, &temporal)?;
        let mut build = command("dpkg-buildpackage", &["-b", "-us", "-uc", "-d", "-ui"]);
        run_quietly(build.current_dir(&tree).env("DEB_BUILD_OPTIONS", "nocheck parallel=2"))?;
        std::fs::remove_dir_all(&tree)?;
        std::fs::write(&stamp, key).context("write the packages' stamp")
    })?;
    packages(&output)
}

/// Lays out the tree that `debian/rules` expects.
fn assemble(tree: &Path, binaries: &Path, web: &Path, libraries: &Path, temporal: &Path) -> Result<()> {
    let repository = paths::repository();
    std::fs::create_dir_all(tree.join("target/bin"))?;
    std::fs::create_dir_all(tree.join("target/temporal"))?;
    std::fs::create_dir_all(tree.join("packaging"))?;
    let copy = |from: &Path, to: &str| run_quietly(command("cp", &["-a"]).arg(from).arg(tree.join(to)));
    for program in PROGRAMS {
        copy(&binaries.join(program), "target/bin/")?;
    }
    copy(&binaries.join(ZYGOTE_LIBRARY), "target/bin/")?;
    run_quietly(command("strip", &[]).args(PROGRAMS.map(|program| tree.join("target/bin").join(program))))?;
    run_quietly(command("strip", &["--strip-unneeded"]).arg(tree.join("target/bin").join(ZYGOTE_LIBRARY)))?;
    copy(temporal, "target/temporal/")?;
    copy(web, "target/web")?;
    copy(libraries, "target/libraries")?;
    copy(&repository.join("units"), "units")?;
    copy(&repository.join("packaging/default-config"), "packaging/")?;
    copy(&repository.join("packaging/deb/debian"), "debian")
}

fn content_key(binaries: &Path, folders: &[&Path]) -> Result<String> {
    let repository = paths::repository();
    let mut hasher = Sha256::new();
    for program in PROGRAMS.into_iter().chain([ZYGOTE_LIBRARY]) {
        let path = binaries.join(program);
        hasher.update(std::fs::read(&path).with_context(|| format!("read {}", path.display()))?);
    }
    for folder in ["units", "packaging/deb", "packaging/default-config"] {
        hasher.update(build::fingerprint(&repository.join(folder))?);
    }
    let mut files = Vec::new();
    for folder in folders {
        files.extend(walk(folder)?);
    }
    files.sort();
    for file in files {
        hasher.update(file.to_string_lossy().as_bytes());
        hasher.update(std::fs::read(&file)?);
    }
    Ok(hex::encode(hasher.finalize()))
}

fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.extend(walk(&entry.path())?);
        } else {
            files.push(entry.path());
        }
    }
    Ok(files)
}

fn packages(output: &Path) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> =
        walk(output)?.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "deb")).collect();
    found.sort();
    ensure!(!found.is_empty(), "no packages were built in {}", output.display());
    Ok(found)
}
