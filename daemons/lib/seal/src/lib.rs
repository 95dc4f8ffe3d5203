//! Secrets sealed to the public key of the one daemon that may open them.
//!
//! HPKE (RFC 9180) in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. What is sealed is bound to the row
//! that it stands in ([`Place`]), so a sealed value moved to another row does not open. Who seals needs only the public
//! key; nothing here reads files or keeps state.
//!
//! A sealed value is text: `bh1.<key id>.<encapsulated key>.<ciphertext>`, the last two in base64url without padding. The key id
//! tells, without opening, which key a value waits for: that is what makes a half-finished rotation visible.

mod key;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hpke::{Deserializable, OpModeR, OpModeS, Serializable};
use thiserror::Error;
use zeroize::Zeroizing;

pub use key::{KeyError, SealPrivateKey, SealPublicKey};

type Kem = hpke::kem::X25519HkdfSha256;
type Kdf = hpke::kdf::HkdfSha256;
type Aead = hpke::aead::AesGcm256;

/// Separates these values from anything else that may ever be sealed to the same key.
const INFO: &[u8] = b"bulkhead sealed value 1";
const VERSION: &str = "bh1";

/// The largest secret, in bytes: a private key or a certificate chain fits, a payload does not.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// Where a sealed value stands. It opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The row's id, as text.
    pub row: &'a str,
    /// The column.
    pub field: &'a str,
}

impl Place<'_> {
    /// Length-prefixed, so that no two places read the same.
    fn associated_data(&self) -> Vec<u8> {
        let mut data = Vec::new();
        for part in [self.table, self.row, self.field] {
            data.extend((part.len() as u64).to_be_bytes());
            data.extend(part.as_bytes());
        }
        data
    }
}

/// Why a secret was not sealed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SealError {
    /// Longer than [`MAX_SECRET_BYTES`].
    #[error("the secret has {0} bytes; the most is {MAX_SECRET_BYTES}")]
    TooLong(usize),
    /// The cipher failed.
    #[error("sealing failed")]
    Cipher,
}

/// Why a sealed value did not open.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OpenError {
    /// Not text that [`SealPublicKey::seal`] makes.
    #[error("this is not a sealed value")]
    Malformed,
    /// Sealed to another key.
    #[error(
        "this value is sealed to key {sealed_to}, but the key here is {ours}: enter the secret again or restore that key"
    )]
    OtherKey {
        /// The id of the key that it waits for.
        sealed_to: String,
        /// The id of the key at hand.
        ours: String,
    },
    /// Changed, or moved from another place.
    #[error("this value was changed or moved from another row: enter the secret again")]
    Tampered,
}

impl SealPublicKey {
    /// Seals `secret` for the owner of this key, to stand at `place`.
    pub fn seal(&self, place: &Place<'_>, secret: &[u8]) -> Result<String, SealError> {
        if secret.len() > MAX_SECRET_BYTES {
            return Err(SealError::TooLong(secret.len()));
        }
        let (encapsulated, ciphertext) = hpke::single_shot_seal::<Aead, Kdf, Kem>(
            &OpModeS::Base,
            self.inner(),
            INFO,
            secret,
            &place.associated_data(),
        )
        .map_err(|_| SealError::Cipher)?;
        let encapsulated = URL_SAFE_NO_PAD.encode(encapsulated.to_bytes());
        let ciphertext = URL_SAFE_NO_PAD.encode(ciphertext);
        Ok(format!("{VERSION}.{}.{encapsulated}.{ciphertext}", self.id()))
    }
}

impl SealPrivateKey {
    /// Opens what was sealed to this key and stands at `place`.
    pub fn open(&self, place: &Place<'_>, sealed: &str) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let mut parts = sealed.split('.');
        let (Some(VERSION), Some(id), Some(encapsulated), Some(ciphertext), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(OpenError::Malformed);
        };
        let ours = self.public_key().id();
        if id != ours {
            return Err(OpenError::OtherKey { sealed_to: id.chars().take(16).collect(), ours });
        }
        let decode = |text| URL_SAFE_NO_PAD.decode(text).map_err(|_| OpenError::Malformed);
        let encapsulated =
            <Kem as hpke::Kem>::EncappedKey::from_bytes(&decode(encapsulated)?).map_err(|_| OpenError::Malformed)?;
        hpke::single_shot_open::<Aead, Kdf, Kem>(
            &OpModeR::Base,
            self.inner(),
            &encapsulated,
            INFO,
            &decode(ciphertext)?,
            &place.associated_data(),
        )
        .map(Zeroizing::new)
        .map_err(|_| OpenError::Tampered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { table: "resources", row: "1", field: "sealed_secret" };

    #[test]
    fn a_secret_opens_where_it_was_sealed_to_and_nowhere_else() {
        let key = SealPrivateKey::generate();
        let sealed = key.public_key().seal(&PLACE, b"s3cret").expect("seals");
        assert_eq!(key.open(&PLACE, &sealed).expect("opens").as_slice(), b"s3cret");
        for other in [Place { row: "2", ..PLACE }, Place { table: "ssh_hosts", ..PLACE }, Place { field: "x", ..PLACE }]
        {
            assert_eq!(key.open(&other, &sealed), Err(OpenError::Tampered));
        }
    }

    #[test]
    fn another_key_is_named() {
        let (ours, theirs) = (SealPrivateKey::generate(), SealPrivateKey::generate());
        let sealed = theirs.public_key().seal(&PLACE, b"x").expect("seals");
        let error = ours.open(&PLACE, &sealed).expect_err("does not open");
        assert_eq!(error, OpenError::OtherKey { sealed_to: theirs.public_key().id(), ours: ours.public_key().id() });
    }

    #[test]
    fn sealing_twice_never_gives_the_same_text() {
        let key = SealPrivateKey::generate().public_key();
        assert_ne!(key.seal(&PLACE, b"x"), key.seal(&PLACE, b"x"));
    }

    #[test]
    fn a_secret_over_the_limit_is_refused() {
        let key = SealPrivateKey::generate().public_key();
        let error = key.seal(&PLACE, &vec![0; MAX_SECRET_BYTES + 1]);
        assert_eq!(error, Err(SealError::TooLong(MAX_SECRET_BYTES + 1)));
    }

    proptest::proptest! {
        #[test]
        fn a_changed_value_never_opens(secret in proptest::collection::vec(proptest::num::u8::ANY, 0..64), at in 0_usize..200, to in "[A-Za-z0-9_.-]") {
            let key = SealPrivateKey::generate();
            let sealed = key.public_key().seal(&PLACE, &secret).expect("seals");
            let at = at % sealed.len();
            let changed = format!("{}{to}{}", &sealed[..at], &sealed[at + 1..]);
            // The last character of a base64 part carries spare bits: a change of those alone is refused by the decoder.
            if changed != sealed {
                proptest::prop_assert!(key.open(&PLACE, &changed).is_err());
            }
        }

        #[test]
        fn any_text_is_refused_without_a_panic(text in ".{0,100}") {
            proptest::prop_assert!(SealPrivateKey::generate().open(&PLACE, &text).is_err());
        }
    }
}
