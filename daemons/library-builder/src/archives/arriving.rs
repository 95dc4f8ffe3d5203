//! An archive on its way into the cache: hashed as it is written, in its place only if it is the right one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use super::place;
use crate::digest::{Digest, Hasher};
use crate::error::BuildError;
use crate::images::PARTIAL;
use crate::lock::Package;

/// A file in the cache that is not whole yet; removed with this value.
pub(super) struct Arriving {
    directory: PathBuf,
    path: PathBuf,
    file: File,
    hasher: Hasher,
    package: String,
    hashes: Vec<Digest>,
    bytes: u64,
    limit: u64,
}

impl Arriving {
    pub(super) async fn begin(directory: &Path, package: &Package, limit: u64) -> Result<Self, BuildError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("download-{}{PARTIAL}", NEXT.fetch_add(1, Ordering::Relaxed));
        let path = directory.join(name);
        let file = File::create(&path).await.map_err(BuildError::storage("writing to the cache"))?;
        let algorithm = package.hashes.first().expect("a package has a hash").algorithm;
        Ok(Self {
            directory: directory.to_owned(),
            path,
            file,
            hasher: Hasher::new(algorithm),
            package: package.label(),
            hashes: package.hashes.clone(),
            bytes: 0,
            limit,
        })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), BuildError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.limit {
            return Err(BuildError::ArchiveTooLarge { package: self.package.clone(), limit: self.limit });
        }
        self.hasher.update(bytes);
        self.file.write_all(bytes).await.map_err(BuildError::storage("writing to the cache"))
    }

    /// Checks the hash and puts the file in its place, under this name.
    pub(super) async fn finish(mut self, name: &str) -> Result<PathBuf, BuildError> {
        let storage = BuildError::storage("writing to the cache");
        self.file.flush().await.map_err(&storage)?;
        // After a crash of the machine a file that has its name has its content, too.
        self.file.sync_data().await.map_err(&storage)?;
        let hasher = std::mem::replace(&mut self.hasher, Hasher::new(crate::digest::Algorithm::Sha256));
        let found = hasher.finish();
        if !self.hashes.contains(&found) {
            return Err(BuildError::Hash { package: self.package.clone(), found: found.to_string() });
        }
        let folder = place(&self.directory, &found);
        tokio::fs::create_dir_all(&folder).await.map_err(&storage)?;
        let path = folder.join(name);
        // The sandbox may be another user when the daemon is root; there is nothing secret in an archive.
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        tokio::fs::set_permissions(&self.path, readable).await.map_err(&storage)?;
        tokio::fs::rename(&self.path, &path).await.map_err(&storage)?;
        Ok(path)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        // In its place already, most of the time; what stays behind otherwise goes with the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}
