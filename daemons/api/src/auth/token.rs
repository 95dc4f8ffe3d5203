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

/// What tokens of people begin with, so that programs that look for secrets in code find them.
pub(crate) const API_TOKEN_PREFIX: &str = "bh_";
/// Characters of a token of a person: the prefix, 256 random bits, 4 bytes of checksum.
const API_TOKEN_LENGTH: usize = 3 + 43 + 6;

/// A new token of a person, and its hash.
pub(crate) fn mint_api_token() -> Result<(String, TokenHash), ApiError> {
    let (random, _) = mint()?;
    let token = format!("{API_TOKEN_PREFIX}{random}{}", checksum(&random));
    let hash = hash(&token);
    Ok((token, hash))
}

/// The hash of a token of a person as it came in; `None` for what was never minted here, which its checksum tells without a look at the
/// database.
pub(crate) fn api_token_hash(token: &str) -> Option<TokenHash> {
    let body = token.strip_prefix(API_TOKEN_PREFIX).filter(|_| token.len() == API_TOKEN_LENGTH)?;
    let (random, sum) = body.split_at_checked(43)?;
    (checksum(random) == sum).then(|| hash(token))
}

/// The first 4 bytes of the SHA-256.
fn checksum(random: &str) -> String {
    URL_SAFE_NO_PAD.encode(&hash(random)[..4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_a_person_with_a_slip_of_the_pen_is_none() {
        let (token, hash_of_it) = mint_api_token().expect("random");
        assert!(token.starts_with("bh_") && token.len() == API_TOKEN_LENGTH, "{token}");
        assert_eq!(api_token_hash(&token), Some(hash_of_it));
        let other = if token.ends_with('A') { 'B' } else { 'A' };
        let (cut, slipped) = (&token[..token.len() - 1], format!("{}{other}", &token[..token.len() - 1]));
        let multibyte = format!("bh_{}ä{}", "a".repeat(42), "a".repeat(5));
        for bad in ["", "bh_", cut, &slipped, &token[3..], &format!("{token}A"), &multibyte] {
            assert_eq!(api_token_hash(bad), None, "{bad}");
        }
    }

    #[test]
    fn tokens_are_long_and_never_alike() {
        let (one, hash_of_one) = mint().expect("random");
        let (other, _) = mint().expect("random");
        assert_eq!(one.len(), 43);
        assert_ne!(one, other);
        assert_eq!(hash(&one), hash_of_one);
    }
}
