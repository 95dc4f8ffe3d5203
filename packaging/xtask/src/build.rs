//! Building the binaries and the web UI.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::paths;
use crate::shell::{command, output, run, run_quietly, step};

/// Builds all binaries, and the library that interpreters load, with the one profile.
pub(crate) fn binaries() -> Result<PathBuf> {
    step("building the binaries", || {
        run(command("cargo", &["build", "--release", "--workspace", "--locked", "--quiet"])
            .current_dir(paths::repository()))
    })?;
    paths::binaries()
}

/// The folder of the web UI's sources.
pub(crate) fn web_sources() -> PathBuf {
    paths::repository().join("daemons/api/web")
}

/// Builds the web UI if its sources changed; returns the folder to ship.
pub(crate) fn web() -> Result<PathBuf> {
    let sources = web_sources();
    let dist = sources.join("dist");
    let stamp = paths::cache().join(format!("web-{}.stamp", &fingerprint(&sources)?[..16]));
    if stamp.exists() && dist.join("index.html").exists() {
        return Ok(dist);
    }
    step("building the web UI", || {
        npm_install(&sources)?;
        run_quietly(command("npm", &["run", "--silent", "build"]).current_dir(&sources))?;
        std::fs::create_dir_all(paths::cache())?;
        std::fs::write(&stamp, "").context("write the web UI's stamp")
    })?;
    Ok(dist)
}

/// Installs the libraries that JavaScript blocks always find; returns the folder to ship. Nothing of them is executed here.
pub(crate) fn libraries() -> Result<PathBuf> {
    let sources = paths::repository().join("daemons/code-executor/libraries");
    let built = paths::cache().join(format!("libraries-{}", &fingerprint(&sources)?[..16]));
    if built.exists() {
        return Ok(built);
    }
    step("installing the libraries of JavaScript blocks", || {
        npm_install(&sources)?;
        let fresh = built.with_extension("new");
        if fresh.exists() {
            std::fs::remove_dir_all(&fresh)?;
        }
        copy_code(&sources.join("node_modules"), &fresh.join("javascript/node_modules"))?;
        std::fs::rename(&fresh, &built).context("put the libraries in place")
    })?;
    Ok(built)
}

/// Copies what runs, and the licences: types and source maps are most of a package.
fn copy_code(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| format!("list {}", from.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let extension = Path::new(&name).extension().and_then(|extension| extension.to_str());
        // Settings of whoever wrote it.
        if name.starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_code(&entry.path(), &to.join(name))?;
        } else if matches!(extension, Some("js" | "cjs" | "mjs" | "json")) || name.to_uppercase().starts_with("LICEN") {
            let copy = to.join(name);
            std::fs::copy(entry.path(), &copy)?;
            // Some are executable, by nobody's intention.
            std::fs::set_permissions(&copy, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        }
    }
    Ok(())
}

/// Installs the packages of the lock file, if that changed.
pub(crate) fn npm_install(folder: &Path) -> Result<()> {
    let lock = std::fs::read(folder.join("package-lock.json")).context("read package-lock.json")?;
    let wanted = hex::encode(Sha256::digest(&lock));
    let stamp = folder.join("node_modules/.bulkhead-lock");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    run_quietly(
        command("npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]).current_dir(folder),
    )?;
    std::fs::write(&stamp, wanted).context("write npm's stamp")
}

/// The folder with the packages of the tests' provider of OpenID Connect, installed on first use.
pub(crate) fn oidc_provider() -> Result<PathBuf> {
    let (sources, folder) =
        (paths::repository().join("daemons/lib/test-kit/oidc"), paths::cache().join("oidc-provider"));
    std::fs::create_dir_all(&folder)?;
    for name in ["package.json", "package-lock.json", ".npmrc"] {
        std::fs::copy(sources.join(name), folder.join(name)).with_context(|| format!("copy {name}"))?;
    }
    npm_install(&folder)?;
    Ok(folder)
}

/// A hash over the tracked and the new files below `folder`.
pub(crate) fn fingerprint(folder: &Path) -> Result<String> {
    let listed = output(
        command("git", &["ls-files", "--cached", "--others", "--exclude-standard", "-z", "."]).current_dir(folder),
    )?;
    let mut names: Vec<&str> = listed.split('\0').filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    let mut hasher = Sha256::new();
    for name in names {
        // A file that git still lists but that is gone counts by its absence.
        let content = std::fs::read(folder.join(name)).unwrap_or_default();
        hasher.update(name);
        hasher.update([0]);
        hasher.update(Sha256::digest(&content));
    }
    Ok(hex::encode(hasher.finalize()))
}

/// Generates the OpenAPI document from the types, and the TypeScript client from the document.
pub(crate) fn generate() -> Result<()> {
    let repository = paths::repository();
    let document = step("generating daemons/api/openapi.json", || {
        output(
            command("cargo", &["run", "--release", "--quiet", "--package", "bulkhead-api", "--", "--print-openapi"])
                .current_dir(&repository),
        )
    })?;
    std::fs::write(repository.join("daemons/api/openapi.json"), document)?;
    step("generating the TypeScript client", || {
        npm_install(&web_sources())?;
        run_quietly(command("npm", &["run", "--silent", "gen"]).current_dir(web_sources()))
    })
}
