//! Debian packages: the built binaries and the UI, put together by debhelper in a folder outside the checkout.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::shell::{command, run_quietly, step};
use crate::{build, install, paths, reference, sbom, temporal};

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
    build_from(None)
}

/// [`build`], with programs that are built already in this folder.
pub(crate) fn build_from(programs: Option<&Path>) -> Result<Vec<PathBuf>> {
    install::ensure(&[install::PACKAGES])?;
    let parts = Parts::build(programs)?;
    let output = paths::cache().join("deb");
    let key = parts.key(&[])?;
    let stamp = output.join("content.key");
    if std::fs::read_to_string(&stamp).is_ok_and(|built| built == key) {
        return packages(&output);
    }
    step("packaging", || {
        let tree = output.join("bulkhead");
        if output.exists() {
            std::fs::remove_dir_all(&output)?;
        }
        parts.assemble(&tree)?;
        let mut build = command("dpkg-buildpackage", &["-b", "-us", "-uc", "-d", "-ui"]);
        run_quietly(build.current_dir(&tree).env("DEB_BUILD_OPTIONS", "nocheck parallel=2"))?;
        std::fs::remove_dir_all(&tree)?;
        std::fs::write(&stamp, key).context("write the packages' stamp")
    })?;
    packages(&output)
}

/// The version of packages that stand for the release after this one, above any that is built.
pub(crate) const NEWER: &str = "999.0";

/// Writes the packages of one folder into another one, as those of version [`NEWER`].
pub(crate) fn newer(packages: &Path, into: &Path) -> Result<()> {
    let work = tempfile::tempdir()?;
    let tree = work.path().join("tree");
    for package in with_extension(packages, "deb")? {
        run_quietly(command("dpkg-deb", &["--raw-extract"]).arg(&package).arg(&tree))?;
        let control = tree.join("DEBIAN/control");
        let text = std::fs::read_to_string(&control)?;
        let version = text.lines().find_map(|line| line.strip_prefix("Version: ")).context("a version")?.to_owned();
        std::fs::write(&control, text.replace(&version, NEWER))?;
        let name = package.file_name().and_then(|name| name.to_str()).context("a name")?.replace(&version, NEWER);
        run_quietly(command("dpkg-deb", &["--root-owner-group", "-Znone", "--build"]).arg(&tree).arg(into.join(name)))?;
        std::fs::remove_dir_all(&tree)?;
    }
    Ok(())
}

/// What packages are made of, built.
pub(crate) struct Parts {
    binaries: PathBuf,
    web: PathBuf,
    libraries: PathBuf,
    temporal: PathBuf,
}

impl Parts {
    /// Builds it; the programs only where nobody has.
    pub(crate) fn build(programs: Option<&Path>) -> Result<Self> {
        let binaries = programs.map_or_else(build::binaries, |folder| Ok(folder.to_owned()))?;
        Ok(Self { binaries, web: build::web()?, libraries: build::libraries()?, temporal: temporal::binary()? })
    }

    /// A name for all of it, and for these folders of the repository.
    pub(crate) fn key(&self, folders: &[&str]) -> Result<String> {
        content_key(&self.binaries, &[&self.web, &self.libraries], folders)
    }

    /// Lays out the tree that `debian/rules` and the spec expect.
    pub(crate) fn assemble(&self, tree: &Path) -> Result<()> {
        let repository = paths::repository();
        std::fs::create_dir_all(tree.join("target/bin"))?;
        std::fs::create_dir_all(tree.join("target/temporal"))?;
        std::fs::create_dir_all(tree.join("packaging"))?;
        let copy = |from: &Path, to: &str| run_quietly(command("cp", &["-a"]).arg(from).arg(tree.join(to)));
        for program in PROGRAMS {
            copy(&self.binaries.join(program), "target/bin/")?;
        }
        copy(&self.binaries.join(ZYGOTE_LIBRARY), "target/bin/")?;
        run_quietly(command("strip", &[]).args(PROGRAMS.map(|program| tree.join("target/bin").join(program))))?;
        run_quietly(command("strip", &["--strip-unneeded"]).arg(tree.join("target/bin").join(ZYGOTE_LIBRARY)))?;
        copy(&self.temporal, "target/temporal/")?;
        copy(&self.web, "target/web")?;
        // What the build's own check of sizes reads, and no browser.
        let manifest = tree.join("target/web/.vite");
        if manifest.exists() {
            std::fs::remove_dir_all(manifest)?;
        }
        copy(&self.libraries, "target/libraries")?;
        reference::man_pages(&tree.join("target/man"))?;
        std::fs::write(tree.join("target/sbom.cdx.json"), sbom::document()?)?;
        copy(&repository.join("units"), "units")?;
        copy(&repository.join("packaging/default-config"), "packaging/")?;
        copy(&repository.join("packaging/monitoring"), "packaging/")?;
        copy(&repository.join("packaging/deb/debian"), "debian")
    }
}

fn content_key(binaries: &Path, built: &[&Path], sources: &[&str]) -> Result<String> {
    let repository = paths::repository();
    let mut hasher = Sha256::new();
    for program in PROGRAMS.into_iter().chain([ZYGOTE_LIBRARY]) {
        let path = binaries.join(program);
        hasher.update(std::fs::read(&path).with_context(|| format!("read {}", path.display()))?);
    }
    // The lists of files are Debian's, for rpm too.
    let common = ["units", "packaging/deb", "packaging/default-config", "packaging/monitoring"];
    for folder in common.iter().chain(sources) {
        hasher.update(build::fingerprint(&repository.join(folder))?);
    }
    hasher.update(sbom::document()?);
    let pages = tempfile::tempdir()?;
    reference::man_pages(pages.path())?;
    let mut made = walk(pages.path())?;
    made.sort();
    for page in made {
        hasher.update(std::fs::read(page)?);
    }
    let mut files = Vec::new();
    for folder in built {
        files.extend(walk(folder)?);
    }
    files.sort();
    for file in files {
        hasher.update(file.to_string_lossy().as_bytes());
        hasher.update(std::fs::read(&file)?);
    }
    Ok(hex::encode(hasher.finalize()))
}

pub(crate) fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
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
    let found = with_extension(output, "deb")?;
    ensure!(!found.is_empty(), "no packages were built in {}", output.display());
    Ok(found)
}

/// The files below a folder whose names end so, in order.
pub(crate) fn with_extension(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = walk(folder)?;
    found.retain(|path| path.extension().is_some_and(|found| found == extension));
    found.sort();
    Ok(found)
}
