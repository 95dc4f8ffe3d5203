//! Where things are. What is built or fetched stays outside the checkout, so that a fresh clone is warm.

use std::path::PathBuf;

/// The root of the checkout.
pub(crate) fn repository() -> PathBuf {
    // From the environment, as `cargo run` sets it, not from the build: clones that share a target folder share this binary.
    let manifest =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("packaging/xtask"), PathBuf::from);
    // It is packaging/xtask.
    manifest.ancestors().nth(2).map(PathBuf::from).unwrap_or(manifest)
}

/// Where caches and machines are kept: `$BULKHEAD_CACHE`, else `~/.cache/bulkhead`.
pub(crate) fn cache() -> PathBuf {
    if let Some(path) = std::env::var_os("BULKHEAD_CACHE") {
        return path.into();
    }
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from);
    home.join(".cache/bulkhead")
}

/// Where cargo puts binaries of the one profile.
pub(crate) fn binaries() -> anyhow::Result<PathBuf> {
    let metadata = cargo_metadata::MetadataCommand::new().no_deps().current_dir(repository()).exec()?;
    Ok(metadata.target_directory.into_std_path_buf().join("release"))
}

/// Where `dev` keeps its files.
pub(crate) fn dev() -> anyhow::Result<PathBuf> {
    Ok(binaries()?.with_file_name("dev"))
}
