//! Secrets that systemd hands over: files in `$CREDENTIALS_DIRECTORY`, decrypted for this unit alone.

use std::path::PathBuf;

use thiserror::Error;
use zeroize::Zeroizing;

/// The largest credential, in bytes; systemd's own limit is 1 MiB.
const MAX_BYTES: u64 = 64 * 1024;

/// Why a credential was not read.
#[derive(Debug, Error)]
pub enum CredentialError {
    /// The unit passes none.
    #[error("no credentials were passed: the unit needs LoadCredentialEncrypted={0}; run bulkheadctl setup")]
    NoDirectory(String),
    /// This one is missing or cannot be read.
    #[error("credential {name} cannot be read: the unit needs LoadCredentialEncrypted={name}; run bulkheadctl setup")]
    Read {
        /// Its name.
        name: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Nothing in it, or too much.
    #[error("credential {name} has {bytes} bytes: it must have 1 to {MAX_BYTES}; run bulkheadctl setup")]
    Size {
        /// Its name.
        name: String,
        /// Its size.
        bytes: u64,
    },
}

/// The credentials of this daemon.
#[derive(Clone, Debug)]
pub struct Credentials {
    directory: Option<PathBuf>,
}

impl Credentials {
    /// Those in `directory`; none at all without one.
    pub fn in_directory(directory: Option<PathBuf>) -> Self {
        Self { directory }
    }

    /// The content of credential `name`, wiped when dropped.
    pub fn read(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
        let directory = self.directory.as_ref().ok_or_else(|| CredentialError::NoDirectory(name.to_owned()))?;
        let path = directory.join(name);
        let read = |source| CredentialError::Read { name: name.to_owned(), source };
        let bytes = std::fs::metadata(&path).map_err(read)?.len();
        if bytes == 0 || bytes > MAX_BYTES {
            return Err(CredentialError::Size { name: name.to_owned(), bytes });
        }
        std::fs::read(&path).map(Zeroizing::new).map_err(read)
    }

    /// [`Self::read`], as text.
    pub fn read_text(&self, name: &str) -> Result<Zeroizing<String>, CredentialError> {
        let bytes = self.read(name)?;
        let text = std::str::from_utf8(&bytes).map_err(|error| CredentialError::Read {
            name: name.to_owned(),
            source: std::io::Error::new(std::io::ErrorKind::InvalidData, error),
        })?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_or_empty_credential_names_the_fix() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("empty"), "").expect("written");
        std::fs::write(directory.path().join("seal.key"), "abc").expect("written");
        let credentials = Credentials::in_directory(Some(directory.path().to_owned()));
        assert_eq!(credentials.read_text("seal.key").expect("reads").as_str(), "abc");
        assert!(matches!(credentials.read("empty"), Err(CredentialError::Size { bytes: 0, .. })));
        let missing = credentials.read("other").expect_err("missing").to_string();
        assert!(missing.contains("LoadCredentialEncrypted=other"), "{missing}");
        assert!(matches!(Credentials::in_directory(None).read("x"), Err(CredentialError::NoDirectory(_))));
    }
}
