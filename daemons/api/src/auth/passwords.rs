//! Passwords: which are accepted, and their hashes.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use bulkhead_model::Fault;
use tokio::sync::Semaphore;

use crate::http_error::ApiError;

/// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A password that nobody has, hashed with the parameters above: verifying against it takes as long as against a real one.
const DUMMY_PASSWORD: &str = "the password of nobody at all";

const MIN_CHARACTERS: usize = 12;
const MAX_BYTES: usize = 1024;
/// Requests that wait for their turn; more are told to come back.
const MAX_WAITING: usize = 64;

/// Long passwords that attackers try first, in lower case, one a line.
const COMMON: &str = include_str!("common_passwords.txt");

/// Hashes and verifies, a few at a time.
#[derive(Debug)]
pub(crate) struct Passwords {
    turns: Semaphore,
    waiting: Semaphore,
    dummy_hash: String,
}

impl Passwords {
    /// At most `at_once` at a time. Hashes once, for the dummy.
    pub(crate) fn new(at_once: usize) -> Result<Self, ApiError> {
        let dummy_hash = hash_now(DUMMY_PASSWORD)?;
        Ok(Self { turns: Semaphore::new(at_once), waiting: Semaphore::new(MAX_WAITING), dummy_hash })
    }

    /// The PHC string of `password`.
    pub(crate) async fn hash(&self, password: String) -> Result<String, ApiError> {
        self.work(move || hash_now(&password)).await?
    }

    /// Whether `password` is the one behind `stored`. Without a stored hash the answer is no, after the same work.
    pub(crate) async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, ApiError> {
        let known = stored.is_some();
        let hash = stored.unwrap_or_else(|| self.dummy_hash.clone());
        let verified = self.work(move || verify_now(&password, &hash)).await??;
        Ok(known && verified)
    }

    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
        let _place = self.waiting.try_acquire().map_err(|_| ApiError::Busy)?;
        let _turn = self.turns.acquire().await.map_err(ApiError::internal("waiting to hash"))?;
        tokio::task::spawn_blocking(job).await.map_err(ApiError::internal("hashing a password"))
    }
}

/// Refuses what is short, over long or among the first that are guessed. There are no rules of composition.
pub(crate) fn check(password: &str) -> Result<(), ApiError> {
    let refuse = |message: String| {
        Err(ApiError::Unprocessable {
            code: "password-refused",
            detail: message.clone(),
            faults: vec![Fault::new("password", message)],
        })
    };
    if password.chars().count() < MIN_CHARACTERS {
        return refuse(format!("the password must have at least {MIN_CHARACTERS} characters"));
    }
    if password.len() > MAX_BYTES {
        return refuse(format!("the password must have at most {MAX_BYTES} bytes"));
    }
    if is_common(&password.to_lowercase()) {
        return refuse(
            "this password is among the first that are guessed: choose another, for instance four words".into(),
        );
    }
    Ok(())
}

fn is_common(lower: &str) -> bool {
    let characters: Vec<char> = lower.chars().collect();
    let repeats = |period: usize| characters.iter().enumerate().all(|(at, c)| *c == characters[at % period]);
    let steps = characters.windows(2).all(|pair| (pair[1] as u32).wrapping_sub(pair[0] as u32) == 1);
    (1..=3).any(repeats) || steps || COMMON.lines().any(|line| line == lower)
}

fn argon2() -> Result<Argon2<'static>, ApiError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None);
    let params = params.map_err(|error| ApiError::internal("setting up argon2")(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &str) -> Result<String, ApiError> {
    let hash = argon2()?.hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| ApiError::internal("hashing a password")(error.to_string()))
}

fn verify_now(password: &str, stored: &str) -> Result<bool, ApiError> {
    let parsed = PasswordHash::new(stored)
        .map_err(|error| ApiError::internal("reading a password's hash")(error.to_string()))?;
    Ok(argon2()?.verify_password(password.as_bytes(), &parsed).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_common_passwords_are_refused() {
        for bad in ["", "short", "aaaaaaaaaaaa", "123456789012", "Password1234", "abcabcabcabc", "qwertyuiop123"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        for good in ["correct horse battery staple", "täglich frische brötchen", "zx81-amiga-vic20"] {
            assert!(check(good).is_ok(), "{good}");
        }
    }

    #[tokio::test]
    async fn a_hash_is_argon2id_and_only_its_password_fits() {
        let passwords = Passwords::new(1).expect("starts");
        let hash = passwords.hash("correct horse".into()).await.expect("hashes");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse".into(), Some(hash.clone())).await.expect("verifies"));
        assert!(!passwords.verify("incorrect horse".into(), Some(hash)).await.expect("verifies"));
        assert!(!passwords.verify(DUMMY_PASSWORD.into(), None).await.expect("verifies"));
    }
}
