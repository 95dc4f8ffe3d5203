//! The sets: a directory each, named by its hash, whole or not there. `image.json` says what is in `tree/`.
//!
//! This module owns `/var/lib/bulkhead-libraries`. A set grows under another name and gets its own by a rename, after everything
//! is on the disk; what a crash leaves has that other name and goes with the next start.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bulkhead_model::LibraryImage;
use bulkhead_model::LibraryPackage;
use bulkhead_model::workflow::Language;
use bulkhead_rpc::library_builder::BuiltImage;
use serde::{Deserialize, Serialize};

/// The end of the name of what is not whole.
pub(crate) const PARTIAL: &str = ".partial";
/// In a set: its description.
const MANIFEST: &str = "image.json";
/// In a set: its files.
const TREE: &str = "tree";

/// What `image.json` holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) language: Language,
    pub(crate) preload: Vec<String>,
    pub(crate) packages: Vec<LibraryPackage>,
    pub(crate) bytes: u64,
    pub(crate) files: u64,
}

/// All sets.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    directory: PathBuf,
}

impl Images {
    /// Opens the directory, made if it is missing, and removes what a crash left.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o755).create(directory)?;
        remove_partial(directory)?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// The set of that name, if it is there.
    pub(crate) fn find(&self, image: &LibraryImage) -> io::Result<Option<BuiltImage>> {
        let text = match fs::read(self.directory.join(image.as_str()).join(MANIFEST)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let manifest: Manifest = serde_json::from_slice(&text)?;
        let Manifest { packages, bytes, files, .. } = manifest;
        Ok(Some(BuiltImage { image: image.clone(), bytes, files, packages }))
    }

    /// Begins a set; nothing of it stays unless it is finished.
    pub(crate) fn begin(&self, image: &LibraryImage) -> io::Result<Partial> {
        let path = self.directory.join(format!("{image}{PARTIAL}"));
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        let partial = Partial { directory: self.directory.clone(), image: image.clone(), path };
        for path in [partial.path.clone(), partial.tree()] {
            fs::create_dir(&path)?;
            // Whatever the umask says: code-executor is another user.
            fs::set_permissions(&path, Permissions::from_mode(0o755))?;
        }
        Ok(partial)
    }

    /// Removes a set; false if there is none.
    pub(crate) fn remove(&self, image: &LibraryImage) -> io::Result<bool> {
        let gone = self.directory.join(format!("{image}.removed{PARTIAL}"));
        match fs::rename(self.directory.join(image.as_str()), &gone) {
            Ok(()) => fs::remove_dir_all(gone).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A set that is not whole yet; removed with this value.
#[derive(Debug)]
pub(crate) struct Partial {
    directory: PathBuf,
    image: LibraryImage,
    path: PathBuf,
}

impl Partial {
    pub(crate) fn tree(&self) -> PathBuf {
        self.path.join(TREE)
    }

    /// Gives the set its name, with all of it on the disk.
    pub(crate) fn finish(self, manifest: Manifest) -> io::Result<BuiltImage> {
        let path = self.path.join(MANIFEST);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&path)?;
        file.write_all(&serde_json::to_vec_pretty(&manifest)?)?;
        fs::set_permissions(&path, Permissions::from_mode(0o644))?;
        // One call for a hundred thousand files.
        nix::unistd::syncfs(&file)?;
        fs::rename(&self.path, self.directory.join(self.image.as_str()))?;
        File::open(&self.directory)?.sync_all()?;
        let Manifest { packages, bytes, files, .. } = manifest;
        Ok(BuiltImage { image: self.image.clone(), bytes, files, packages })
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Gone already when it was finished; what cannot be removed now goes with the next start.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes what is not whole in `directory`.
pub(crate) fn remove_partial(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().ends_with(PARTIAL) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> LibraryImage {
        "a".repeat(64).parse().expect("an image")
    }

    fn manifest() -> Manifest {
        let packages = vec![LibraryPackage { name: "a".into(), version: "1".into() }];
        Manifest { language: Language::Python, preload: Vec::new(), packages, bytes: 3, files: 1 }
    }

    #[test]
    fn a_set_is_there_when_it_is_whole_and_gone_when_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let images = Images::open(directory.path()).expect("opened");

        let partial = images.begin(&image()).expect("begun");
        assert_eq!(images.find(&image()).expect("looked"), None);
        let built = partial.finish(manifest()).expect("finished");

        assert_eq!(images.find(&image()).expect("looked"), Some(built));
        let modes = ["", "tree", "image.json"].map(|path| {
            let path = directory.path().join(image().as_str()).join(path);
            fs::metadata(path).expect("there").permissions().mode() & 0o777
        });
        assert_eq!(modes, [0o755, 0o755, 0o644]);
        assert!(images.remove(&image()).expect("removed"));
        assert!(!images.remove(&image()).expect("looked"));
        assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 0);
    }

    #[test]
    fn what_a_crash_left_is_removed_at_the_next_start() {
        let directory = tempfile::tempdir().expect("a directory");
        let images = Images::open(directory.path()).expect("opened");
        std::mem::forget(images.begin(&image()).expect("begun"));

        Images::open(directory.path()).expect("opened");

        assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 0);
    }
}
