//! The key pairs, and how they stand in files.
//!
//! A private key is a file of one line, `bulkhead-seal-private:<base64url>`, that only systemd's credentials carry; a public
//! key is `bulkhead-seal-public:<base64url>` and may be read by all.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hpke::{Deserializable, Kem as _, Serializable};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::Kem;

const PRIVATE_PREFIX: &str = "bulkhead-seal-private:";
const PUBLIC_PREFIX: &str = "bulkhead-seal-public:";

/// Why a key file was not read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// Another kind of file.
    #[error("this is not a key file: it must start with {0}")]
    Prefix(&'static str),
    /// Damaged.
    #[error("the key after {0} is damaged: run bulkheadctl setup again or restore it")]
    Damaged(&'static str),
}

/// The half that seals.
#[derive(Clone)]
pub struct SealPublicKey(<Kem as hpke::Kem>::PublicKey);

/// The half that opens. Its bytes are wiped when it is dropped.
pub struct SealPrivateKey(<Kem as hpke::Kem>::PrivateKey);

impl SealPublicKey {
    /// Reads a public key file.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let bytes = decode(text, PUBLIC_PREFIX)?;
        <Kem as hpke::Kem>::PublicKey::from_bytes(&bytes).map(Self).map_err(|_| KeyError::Damaged(PUBLIC_PREFIX))
    }

    /// The text of a public key file.
    pub fn to_text(&self) -> String {
        format!("{PUBLIC_PREFIX}{}\n", URL_SAFE_NO_PAD.encode(self.0.to_bytes()))
    }

    /// A short name of this key: the start of its text.
    pub fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0.to_bytes()[..6])
    }

    pub(crate) fn inner(&self) -> &<Kem as hpke::Kem>::PublicKey {
        &self.0
    }
}

impl SealPrivateKey {
    /// A new key from the system's randomness.
    pub fn generate() -> Self {
        Self(Kem::gen_keypair().0)
    }

    /// Reads a private key file.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let bytes = decode(text, PRIVATE_PREFIX)?;
        <Kem as hpke::Kem>::PrivateKey::from_bytes(&bytes).map(Self).map_err(|_| KeyError::Damaged(PRIVATE_PREFIX))
    }

    /// The text of a private key file.
    pub fn to_text(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new(self.0.to_bytes().to_vec());
        Zeroizing::new(format!("{PRIVATE_PREFIX}{}\n", URL_SAFE_NO_PAD.encode(bytes.as_slice())))
    }

    /// The other half.
    pub fn public_key(&self) -> SealPublicKey {
        SealPublicKey(Kem::sk_to_pk(&self.0))
    }

    pub(crate) fn inner(&self) -> &<Kem as hpke::Kem>::PrivateKey {
        &self.0
    }
}

impl std::fmt::Debug for SealPublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealPublicKey({})", self.id())
    }
}

impl std::fmt::Debug for SealPrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealPrivateKey(of {})", self.public_key().id())
    }
}

fn decode(text: &str, prefix: &'static str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let key = text.trim().strip_prefix(prefix).ok_or(KeyError::Prefix(prefix))?;
    URL_SAFE_NO_PAD.decode(key).map(Zeroizing::new).map_err(|_| KeyError::Damaged(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_files() {
        let key = SealPrivateKey::generate();
        let again = SealPrivateKey::from_text(&key.to_text()).expect("reads");
        assert_eq!(again.public_key().id(), key.public_key().id());
        let public = SealPublicKey::from_text(&key.public_key().to_text()).expect("reads");
        assert_eq!(public.id(), key.public_key().id());
    }

    #[test]
    fn an_empty_short_or_foreign_key_is_refused() {
        assert_eq!(SealPrivateKey::from_text("").err(), Some(KeyError::Prefix(PRIVATE_PREFIX)));
        assert_eq!(
            SealPrivateKey::from_text("bulkhead-seal-private:AAAA").err(),
            Some(KeyError::Damaged(PRIVATE_PREFIX))
        );
        let public = SealPrivateKey::generate().public_key().to_text();
        assert_eq!(SealPrivateKey::from_text(&public).err(), Some(KeyError::Prefix(PRIVATE_PREFIX)));
    }

    #[test]
    fn debug_output_holds_no_private_key() {
        let key = SealPrivateKey::generate();
        let text = key.to_text();
        let secret = text.trim().rsplit(':').next().expect("a key");
        assert!(!format!("{key:?}").contains(secret));
    }
}
