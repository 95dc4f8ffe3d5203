//! Hashes that lock files name: SHA-256, SHA-384, SHA-512. Weaker ones name nothing.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// A hash function, from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Sha256, Self::Sha384, Self::Sha512].into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// The hash of an archive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Digest {
    pub(crate) algorithm: Algorithm,
    bytes: Vec<u8>,
}

impl Digest {
    /// SHA-256 from hexadecimal digits.
    pub(crate) fn sha256(digits: &str) -> Option<Self> {
        let bytes = hex::decode(digits).ok().filter(|bytes| bytes.len() == Algorithm::Sha256.bytes())?;
        Some(Self { algorithm: Algorithm::Sha256, bytes })
    }

    /// The strongest hashes of an `integrity` (Subresource Integrity, W3C): any of them names the archive.
    pub(crate) fn of_integrity(text: &str) -> Vec<Self> {
        let known = text.split_ascii_whitespace().filter_map(|one| {
            let (name, value) = one.split_once('-')?;
            let algorithm = Algorithm::named(name)?;
            // Options follow a question mark and mean nothing yet.
            let bytes = STANDARD.decode(value.split('?').next()?).ok()?;
            (bytes.len() == algorithm.bytes()).then_some(Self { algorithm, bytes })
        });
        let mut known: Vec<Self> = known.collect();
        let strongest = known.iter().map(|digest| digest.algorithm).max();
        known.retain(|digest| Some(digest.algorithm) == strongest);
        known.sort();
        known.dedup();
        known
    }
}

/// For example `sha256-e3b0c442...`: also the name of its directory in the cache.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.algorithm.name(), hex::encode(&self.bytes))
    }
}

/// Computes one as bytes come.
pub(crate) enum Hasher {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha384 => Self::Sha384(Sha384::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Digest {
        match self {
            Self::Sha256(hasher) => Digest { algorithm: Algorithm::Sha256, bytes: hasher.finalize().to_vec() },
            Self::Sha384(hasher) => Digest { algorithm: Algorithm::Sha384, bytes: hasher.finalize().to_vec() },
            Self::Sha512(hasher) => Digest { algorithm: Algorithm::Sha512, bytes: hasher.finalize().to_vec() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_of_an_integrity_counts_and_sha1_never() {
        let strong = format!("sha512-{}", STANDARD.encode([7; 64]));
        let weak = format!("sha256-{}", STANDARD.encode([7; 32]));

        let both = Digest::of_integrity(&format!("{weak} {strong}?opt sha1-{}", STANDARD.encode([7; 20])));

        assert_eq!(both, [Digest { algorithm: Algorithm::Sha512, bytes: vec![7; 64] }]);
        assert!(Digest::of_integrity(&format!("sha1-{}", STANDARD.encode([7; 20]))).is_empty());
        assert!(Digest::of_integrity("sha512-AAAA").is_empty());
    }

    #[test]
    fn a_digest_is_what_its_function_gives() {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(b"");
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hasher.finish(), Digest::sha256(empty).expect("a digest"));
    }
}
