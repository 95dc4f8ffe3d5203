//! Random tokens: sessions, one-time links, webhook keys. Only their hashes are stored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::http_error::ApiError;

/// The SHA-256 of a token. A fast hash is right for 256 random bits.
pub(crate) type TokenHash = [u8; 32];

/// A new token of 256 random bits, in base64url, and its hash.
pub(crate) fn mint() -> Result<(String, TokenHash), ApiError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| ApiError::Internal { operation: "reading random bytes", source: error.to_string().into() })?;
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let hash = hash(&token);
    Ok((token, hash))
}

/// The hash of a token as it came in.
pub(crate) fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_never_alike() {
        let (one, hash_of_one) = mint().expect("random");
        let (other, _) = mint().expect("random");
        assert_eq!(one.len(), 43);
        assert_ne!(one, other);
        assert_eq!(hash(&one), hash_of_one);
    }
}
