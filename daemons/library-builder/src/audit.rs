//! Looks at a finished tree from outside the sandbox, because what made it read strangers' archives: it must hold files and
//! directories with the right modes and nothing else, within its limits.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::plan::TreeLimits;

/// What a tree holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) bytes: u64,
    pub(crate) files: u64,
}

/// Why a tree is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    #[error("{} cannot be looked at", .path.display())]
    Look {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is no plain file or directory with the modes of a library", .0.display())]
    Strange(PathBuf),
    #[error("the set is larger than {0} bytes or {1} files")]
    TooLarge(u64, u64),
}

/// Counts what is in `tree`.
pub(crate) fn audit(tree: &Path, limits: TreeLimits) -> Result<Contents, AuditError> {
    let mut contents = Contents::default();
    let mut directories = vec![tree.to_owned()];
    let look = |path: &Path, source| AuditError::Look { path: path.to_owned(), source };
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).map_err(|error| look(&directory, error))? {
            let path = entry.map_err(|error| look(&directory, error))?.path();
            // Not followed: a link is seen as one.
            let found = fs::symlink_metadata(&path).map_err(|error| look(&path, error))?;
            match found.mode() & !0o777 {
                0o040_000 if found.mode() & 0o777 == 0o755 => directories.push(path),
                0o100_000 if matches!(found.mode() & 0o777, 0o644 | 0o755) && found.nlink() == 1 => {
                    contents.bytes = contents.bytes.saturating_add(found.len());
                    contents.files += 1;
                }
                _ => return Err(AuditError::Strange(path)),
            }
            if contents.bytes > limits.bytes || contents.files > limits.files {
                return Err(AuditError::TooLarge(limits.bytes, limits.files));
            }
        }
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    const LIMITS: TreeLimits = TreeLimits { bytes: 10, files: 2 };

    /// A tree with one fine file of 3 bytes.
    fn tree() -> tempfile::TempDir {
        let tree = tempfile::tempdir().expect("a directory");
        let folder = tree.path().join("a");
        fs::create_dir(&folder).expect("made");
        fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).expect("set");
        file(&folder.join("b"), 0o644);
        tree
    }

    fn file(path: &Path, mode: u32) {
        fs::write(path, "abc").expect("written");
        fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("set");
    }

    #[test]
    fn a_plain_tree_is_counted() {
        assert_eq!(audit(tree().path(), LIMITS).expect("fine"), Contents { bytes: 3, files: 1 });
    }

    #[test]
    fn links_and_strange_modes_are_found() {
        let link = tree();
        symlink("/etc/passwd", link.path().join("c")).expect("made");
        let hard = tree();
        fs::hard_link(hard.path().join("a/b"), hard.path().join("c")).expect("made");
        let setuid = tree();
        file(&setuid.path().join("c"), 0o4755);
        let secret = tree();
        file(&secret.path().join("c"), 0o600);

        for tree in [link, hard, setuid, secret] {
            assert!(matches!(audit(tree.path(), LIMITS), Err(AuditError::Strange(_))));
        }
    }

    #[test]
    fn a_tree_over_its_limits_is_found() {
        let tree = tree();
        assert!(matches!(audit(tree.path(), TreeLimits { bytes: 2, files: 9 }), Err(AuditError::TooLarge(..))));
        assert!(matches!(audit(tree.path(), TreeLimits { bytes: 9, files: 0 }), Err(AuditError::TooLarge(..))));
    }
}
