//! The administrator's directory of archives, for machines that reach no registry: any file in it whose hash a lock file names is
//! as good as a download. Read only.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::digest::{Algorithm, Digest, Hasher};
use crate::error::BuildError;

/// Folders inside one another.
const MAX_DEPTH: usize = 8;

/// A file in the directory.
#[derive(Clone, Debug)]
pub(super) struct BundledFile {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// All files of the directory by their hashes.
#[derive(Debug, Default)]
pub(super) struct Bundles {
    by_digest: HashMap<Digest, BundledFile>,
}

impl Bundles {
    /// Reads every file of at most `limit` bytes below `directory`, which need not exist.
    pub(super) async fn scan(directory: PathBuf, limit: u64) -> Result<Self, BuildError> {
        let scanned = tokio::task::spawn_blocking(move || {
            let mut bundles = Self::default();
            bundles.add(&directory, limit, 0);
            bundles
        });
        scanned.await.map_err(|error| BuildError::storage("reading the bundles")(std::io::Error::other(error)))
    }

    pub(super) fn find(&self, digest: &Digest) -> Option<&BundledFile> {
        self.by_digest.get(digest)
    }

    /// What cannot be read is left out and logged: another file may be all that is needed.
    fn add(&mut self, directory: &Path, limit: u64, depth: usize) {
        let entries = match std::fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) => {
                if error.kind() != std::io::ErrorKind::NotFound {
                    tracing::warn!("bundles in {} cannot be read: {error}", directory.display());
                }
                return;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let Ok(found) = std::fs::metadata(&path) else { continue };
            if found.is_dir() && depth < MAX_DEPTH {
                self.add(&path, limit, depth + 1);
            }
            if !found.is_file() || found.len() > limit {
                continue;
            }
            match digests(&path) {
                Ok(digests) => {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    let file = BundledFile { name, path };
                    self.by_digest.extend(digests.map(|digest| (digest, file.clone())));
                }
                Err(error) => tracing::warn!("{} cannot be read: {error}", path.display()),
            }
        }
    }
}

fn digests(path: &Path) -> std::io::Result<[Digest; 3]> {
    let mut hashers = [Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512].map(Hasher::new);
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok(hashers.map(Hasher::finish));
        }
        for hasher in &mut hashers {
            hasher.update(&buffer[..length]);
        }
    }
}
