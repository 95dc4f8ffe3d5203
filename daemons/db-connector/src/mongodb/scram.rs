//! The log-in by SCRAM (RFC 5802), which sends no password and checks that the server knows it, too.

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use std::num::NonZeroU32;
use zeroize::Zeroizing;

/// Rounds that a server may ask for: fewer are unsafe, and many more would only keep this machine busy.
const ROUNDS: std::ops::RangeInclusive<u32> = 4096..=600_000;

/// Which hash is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    Sha1,
    Sha256,
}

/// A log-in that has begun.
pub(super) struct Scram {
    mechanism: Mechanism,
    password: Zeroizing<String>,
    nonce: String,
    first: String,
}

/// A log-in whose answer is sent, and what the server must say to it.
pub(super) struct Proven {
    pub(super) message: String,
    signature: String,
}

impl Mechanism {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SCRAM-SHA-1",
            Self::Sha256 => "SCRAM-SHA-256",
        }
    }

    fn hmac(self, key: &[u8], text: &[u8]) -> hmac::Tag {
        let algorithm = match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
        };
        hmac::sign(&hmac::Key::new(algorithm, key), text)
    }

    fn hash(self, bytes: &[u8]) -> digest::Digest {
        digest::digest(if self == Self::Sha1 { &digest::SHA1_FOR_LEGACY_USE_ONLY } else { &digest::SHA256 }, bytes)
    }

    /// The key that the password is stretched to.
    fn salted(self, password: &str, salt: &[u8], rounds: NonZeroU32) -> Zeroizing<Vec<u8>> {
        let (algorithm, length) = match self {
            Self::Sha1 => (pbkdf2::PBKDF2_HMAC_SHA1, digest::SHA1_OUTPUT_LEN),
            Self::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, digest::SHA256_OUTPUT_LEN),
        };
        let mut key = Zeroizing::new(vec![0; length]);
        pbkdf2::derive(algorithm, rounds, salt, password.as_bytes(), &mut key);
        key
    }
}

impl Scram {
    /// A log-in with a nonce of printable characters. An error says why the password cannot be used.
    pub(super) fn new(mechanism: Mechanism, user: &str, password: &str, nonce: &str) -> Result<Self, &'static str> {
        let password = Zeroizing::new(match mechanism {
            // As MongoDB has stored them before it knew the other one.
            Mechanism::Sha1 => hex::encode(Md5::digest(format!("{user}:mongo:{password}"))),
            Mechanism::Sha256 => stringprep::saslprep(password)
                .map_err(|_| "the password has characters that no password may have (SASLprep)")?
                .into_owned(),
        });
        let user = user.replace('=', "=3D").replace(',', "=2C");
        Ok(Self { mechanism, password, nonce: nonce.to_owned(), first: format!("n={user},r={nonce}") })
    }

    /// What is sent first.
    pub(super) fn message(&self) -> String {
        format!("n,,{}", self.first)
    }

    /// The answer to the server's first message. It takes a while: it belongs on a thread that may wait.
    pub(super) fn prove(self, server_first: &str) -> Result<Proven, &'static str> {
        const FORM: &str = "its message of SCRAM is none";
        let field = |name: &str| server_first.split(',').find_map(|field| field.strip_prefix(name));
        let nonce = field("r=").ok_or(FORM)?;
        let salt = field("s=").and_then(|salt| STANDARD.decode(salt).ok()).ok_or(FORM)?;
        let rounds: u32 = field("i=").and_then(|rounds| rounds.parse().ok()).ok_or(FORM)?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err("it does not repeat the nonce");
        }
        let rounds = NonZeroU32::new(rounds).filter(|rounds| ROUNDS.contains(&rounds.get()));
        let rounds = rounds.ok_or("it wants fewer or more rounds of its hash than are made here (4,096 to 600,000)")?;
        let mechanism = self.mechanism;
        let salted = mechanism.salted(&self.password, &salt, rounds);
        // "biws" is the header of the first message, in base64.
        let without_proof = format!("c=biws,r={nonce}");
        let exchange = format!("{},{server_first},{without_proof}", self.first);
        let client_key = mechanism.hmac(&salted, b"Client Key");
        let signature = mechanism.hmac(mechanism.hash(client_key.as_ref()).as_ref(), exchange.as_bytes());
        let proof: Vec<u8> =
            client_key.as_ref().iter().zip(signature.as_ref()).map(|(key, signed)| key ^ signed).collect();
        let server_key = mechanism.hmac(&salted, b"Server Key");
        let expected = mechanism.hmac(server_key.as_ref(), exchange.as_bytes());
        Ok(Proven {
            message: format!("{without_proof},p={}", STANDARD.encode(proof)),
            signature: STANDARD.encode(expected.as_ref()),
        })
    }
}

impl Proven {
    /// Whether the server has shown that it knows the password.
    pub(super) fn is_mutual(&self, server_final: &str) -> bool {
        let told = server_final.split(',').find_map(|field| field.strip_prefix("v=")).unwrap_or_default();
        constant_time::verify_slices_are_equal(told.as_bytes(), self.signature.as_bytes()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of MongoDB's specification of authentication.
    #[test]
    fn the_exchange_is_that_of_the_specification() {
        let scram = Scram::new(Mechanism::Sha256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO").expect("a password");
        assert_eq!(scram.message(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let server = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let proven = scram.prove(server).expect("a proof");
        assert_eq!(
            proven.message,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert!(proven.is_mutual("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!proven.is_mutual("v=AAAA") && !proven.is_mutual("e=other-error") && !proven.is_mutual(""));

        let scram = Scram::new(Mechanism::Sha1, "user", "pencil", "fyko+d2lbbFgONRv9qkxdawL").expect("a password");
        let server = "r=fyko+d2lbbFgONRv9qkxdawLHo+Vgk7qvUOKUwuWLIWg4l/9SraGMHEE,s=rQ9ZY3MntBeuP3E1TDVC4w==,i=10000";
        let proven = scram.prove(server).expect("a proof");
        assert!(proven.message.ends_with(",p=MC2T8BvbmWRckDw8oWl5IVghwCY="), "{}", proven.message);
        assert!(proven.is_mutual("v=UMWeI25JD1yNYZRMpZ4VHvhZ9e0="));
    }

    #[test]
    fn a_server_that_cheats_is_refused() {
        let prove = |server: &str| {
            Scram::new(Mechanism::Sha256, "a=b,c", "pencil", "abc").expect("a password").prove(server).err()
        };
        assert!(prove("r=other,s=AAAA,i=4096").is_some());
        assert!(prove("r=abc,s=AAAA,i=4096").is_some(), "it adds nothing of its own");
        for rounds in ["1", "4095", "600001", "4294967295", "x"] {
            assert!(prove(&format!("r=abcd,s=AAAA,i={rounds}")).is_some(), "{rounds}");
        }
        assert!(prove("").is_some() && prove("e=no").is_some());
        let scram = Scram::new(Mechanism::Sha1, "a=b,c", "x", "abc").expect("a password");
        assert_eq!(scram.message(), "n,,n=a=3Db=2Cc,r=abc");
    }
}
