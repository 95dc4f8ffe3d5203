//! The answers to a server that asks for the password: none of them shows it, unless the connection is encrypted.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512};
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use zeroize::Zeroizing;

/// How an account proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// `mysql_native_password`: by SHA-1, the one of MariaDB and of older servers.
    Native,
    /// `caching_sha2_password`: by SHA-256, the one of MySQL 8; where the server does not know the password yet, it wants to see it.
    CachingSha2,
    /// `client_ed25519`: a signature, for accounts of MariaDB that are made so.
    Ed25519,
    /// `mysql_clear_password`: the password itself, for servers that ask another one (PAM, LDAP). Over TLS alone.
    Clear,
}

impl Method {
    /// The one of this name.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"mysql_native_password" => Some(Self::Native),
            b"caching_sha2_password" => Some(Self::CachingSha2),
            b"client_ed25519" => Some(Self::Ed25519),
            b"mysql_clear_password" => Some(Self::Clear),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Native => "mysql_native_password",
            Self::CachingSha2 => "caching_sha2_password",
            Self::Ed25519 => "client_ed25519",
            Self::Clear => "mysql_clear_password",
        }
    }

    /// How many random bytes of the server's it answers to; some servers send a NUL behind them.
    fn nonce_bytes(self) -> usize {
        if self == Self::Ed25519 { 32 } else { 20 }
    }

    /// What it answers to the server's random bytes. Nothing, where it would show the password to whoever listens.
    pub(super) fn answer(self, password: &[u8], nonce: &[u8], is_encrypted: bool) -> Option<Zeroizing<Vec<u8>>> {
        let nonce = &nonce[..nonce.len().min(self.nonce_bytes())];
        match self {
            Self::Native | Self::CachingSha2 if password.is_empty() => Some(Zeroizing::default()),
            Self::Native => Some(by_hash(&SHA1_FOR_LEGACY_USE_ONLY, password, nonce, true)),
            Self::CachingSha2 => Some(by_hash(&SHA256, password, nonce, false)),
            Self::Ed25519 => Some(by_signature(password, nonce)),
            Self::Clear => is_encrypted.then(|| terminated(password)),
        }
    }
}

/// The password as a server reads it.
pub(super) fn terminated(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(password.len() + 1));
    text.extend_from_slice(password);
    text.push(0);
    text
}

/// `H(password) xor H(nonce, H(H(password)))`; the newer method hashes the two the other way round.
fn by_hash(hash: &'static digest::Algorithm, password: &[u8], nonce: &[u8], nonce_first: bool) -> Zeroizing<Vec<u8>> {
    let once = digest::digest(hash, password);
    let twice = digest::digest(hash, once.as_ref());
    let mut mixed = digest::Context::new(hash);
    let (first, second) = if nonce_first { (nonce, twice.as_ref()) } else { (twice.as_ref(), nonce) };
    mixed.update(first);
    mixed.update(second);
    let mask = mixed.finish();
    Zeroizing::new(once.as_ref().iter().zip(mask.as_ref()).map(|(byte, mask)| byte ^ mask).collect())
}

/// Signs with the hash of the password in the place of a key's.
fn by_signature(password: &[u8], nonce: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut hash = Zeroizing::new([0; 64]);
    hash.copy_from_slice(digest::digest(&SHA512, password).as_ref());
    let key = ExpandedSecretKey::from_bytes(&hash);
    let public = VerifyingKey::from(&key);
    Zeroizing::new(raw_sign::<sha2::Sha512>(&key, nonce, &public).to_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_can_check_the_answer_by_what_it_stores() {
        let nonce = [7; 20];
        for (method, hash, nonce_first) in
            [(Method::Native, &SHA1_FOR_LEGACY_USE_ONLY, true), (Method::CachingSha2, &SHA256, false)]
        {
            let answer = method.answer(b"secret", &nonce, false).expect("an answer");
            let stored = digest::digest(hash, digest::digest(hash, b"secret").as_ref());
            let both = if nonce_first { [&nonce, stored.as_ref()] } else { [stored.as_ref(), &nonce] }.concat();
            let mask = digest::digest(hash, &both);
            let once: Vec<u8> = answer.iter().zip(mask.as_ref()).map(|(byte, mask)| byte ^ mask).collect();
            assert_eq!(digest::digest(hash, &once).as_ref(), stored.as_ref());
            assert!(method.answer(b"", &nonce, false).expect("an answer").is_empty());
        }
    }

    #[test]
    fn the_password_itself_goes_over_tls_alone() {
        assert_eq!(Method::Clear.answer(b"secret", &[], false), None);
        assert_eq!(Method::Clear.answer(b"secret", &[], true).expect("an answer").as_slice(), b"secret\0");
    }
}
