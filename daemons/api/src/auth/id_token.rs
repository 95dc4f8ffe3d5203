//! ID tokens of OpenID Connect (Core 1.0, section 3.1.3.7): signed by a key of the provider, for this client, for this browser, and now.

use bulkhead_store::sign_in::SignInProvider;
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};
use thiserror::Error;

/// What a token may be signed with: by a key that the provider alone has. `none` and the HMACs, whose key would be the client's own
/// secret, are not among them.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
const MAX_BYTES: usize = 64 * 1024;
const MAX_SUBJECT_BYTES: usize = 255;

/// Why a token is not believed.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum IdTokenFault {
    #[error("it is no signed token")]
    Malformed,
    #[error("it is signed by an algorithm that is not accepted: use RS256, ES256 or EdDSA for this client")]
    Algorithm,
    #[error("it is signed by a key that the provider does not show")]
    UnknownKey,
    #[error("its signature, issuer, audience or time is wrong ({0})")]
    Invalid(String),
    #[error("it was given to another client")]
    Party,
    #[error("it was given to another log-in")]
    Nonce,
    #[error("it names nobody")]
    Subject,
}

/// The claims of a token that is believed; `sub` is among them.
pub(crate) type Claims = Map<String, Value>;

/// Reads a token for the log-in that this nonce was made for.
pub(crate) fn verify(
    token: &str,
    keys: &JwkSet,
    provider: &SignInProvider,
    nonce: &str,
) -> Result<Claims, IdTokenFault> {
    if token.len() > MAX_BYTES {
        return Err(IdTokenFault::Malformed);
    }
    // A token with the algorithm `none` does not even have a header that is read.
    let header = decode_header(token).map_err(|_| IdTokenFault::Malformed)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(IdTokenFault::Algorithm);
    }
    let key = key_for(keys, header.kid.as_deref(), header.alg)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| IdTokenFault::UnknownKey)?;
    let client = provider.config.client_id.as_str();
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[provider.config.issuer.0.as_str()]);
    validation.set_audience(&[client]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    let claims = decode::<Claims>(token, &key, &validation);
    let claims = claims.map_err(|error| IdTokenFault::Invalid(error.to_string()))?.claims;
    let party = claims.get("azp").map(|party| party.as_str().unwrap_or_default());
    let is_for_several = claims.get("aud").and_then(Value::as_array).is_some_and(|all| all.len() > 1);
    if party.is_some_and(|party| party != client) || (party.is_none() && is_for_several) {
        return Err(IdTokenFault::Party);
    }
    if claims.get("nonce").and_then(Value::as_str) != Some(nonce) {
        return Err(IdTokenFault::Nonce);
    }
    match subject(&claims) {
        Some(_) => Ok(claims),
        None => Err(IdTokenFault::Subject),
    }
}

/// Whom claims are about.
pub(crate) fn subject(claims: &Claims) -> Option<&str> {
    let subject = claims.get("sub").and_then(Value::as_str)?;
    (!subject.is_empty() && subject.len() <= MAX_SUBJECT_BYTES).then_some(subject)
}

/// The one key that a token can be signed by.
fn key_for<'a>(keys: &'a JwkSet, kid: Option<&str>, algorithm: Algorithm) -> Result<&'a Jwk, IdTokenFault> {
    let mut fitting = keys.keys.iter().filter(|key| {
        let is_named = kid.is_none() || key.common.key_id.as_deref() == kid;
        let signs = key.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
        let of = key.common.key_algorithm.as_ref();
        is_named && signs && of.is_none_or(|of| Some(*of) == word(algorithm))
    });
    match (fitting.next(), fitting.next()) {
        (Some(key), None) => Ok(key),
        // Without a name, each of several could be meant.
        _ => Err(IdTokenFault::UnknownKey),
    }
}

fn word(algorithm: Algorithm) -> Option<KeyAlgorithm> {
    match algorithm {
        Algorithm::RS256 => Some(KeyAlgorithm::RS256),
        Algorithm::ES256 => Some(KeyAlgorithm::ES256),
        Algorithm::EdDSA => Some(KeyAlgorithm::EdDSA),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;

    struct Signer(EcdsaKeyPair);

    impl Signer {
        fn new() -> Self {
            Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
        }

        fn keys(&self, more: Value) -> JwkSet {
            let point = self.0.public_key().as_ref();
            let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let mut key =
                json!({ "kty": "EC", "crv": "P-256", "kid": "one", "x": part(&point[1..33]), "y": part(&point[33..]) });
            for (name, value) in more.as_object().expect("an object") {
                key[name] = value.clone();
            }
            serde_json::from_value(json!({ "keys": [key] })).expect("keys")
        }

        fn token(&self, header: &Value, claims: &Value) -> String {
            let text = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
            let signature = self.0.sign(&SystemRandom::new(), text.as_bytes()).expect("signed");
            format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
        }
    }

    fn provider() -> SignInProvider {
        let config = json!({ "label": "Example", "issuer": "https://login.example.com", "client-id": "bulkhead" });
        SignInProvider {
            id: uuid::Uuid::nil(),
            name: "example".into(),
            config: serde_json::from_value(config).expect("settings"),
            revision: 1,
            updated_at: time::OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn claims(changes: Value) -> Value {
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let mut claims = json!({
            "iss": "https://login.example.com", "aud": "bulkhead", "sub": "ada", "nonce": "n", "iat": now, "exp": now + 300,
        });
        for (name, value) in changes.as_object().expect("an object") {
            if value.is_null() {
                claims.as_object_mut().expect("an object").remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    fn read(signer: &Signer, changes: Value) -> Result<Claims, IdTokenFault> {
        let token = signer.token(&json!({ "alg": "ES256", "kid": "one" }), &claims(changes));
        verify(&token, &signer.keys(json!({})), &provider(), "n")
    }

    #[test]
    fn a_token_for_this_client_and_log_in_is_believed() {
        let signer = Signer::new();
        for changes in
            [json!({}), json!({ "aud": ["bulkhead"] }), json!({ "aud": ["x", "bulkhead"], "azp": "bulkhead" })]
        {
            let claims = read(&signer, changes).expect("believed");
            assert_eq!(subject(&claims), Some("ada"));
        }
    }

    #[test]
    fn a_token_for_anything_else_is_not() {
        let signer = Signer::new();
        let past = time::OffsetDateTime::now_utc().unix_timestamp() - 600;
        for changes in [
            json!({ "iss": "https://login.example.com/" }),
            json!({ "iss": null }),
            json!({ "aud": "other" }),
            json!({ "aud": null }),
            json!({ "aud": [] }),
            json!({ "exp": past }),
            json!({ "exp": null }),
            json!({ "exp": "9999999999" }),
            json!({ "nbf": past + 4000 }),
            json!({ "sub": null }),
        ] {
            let fault = read(&signer, changes.clone()).expect_err("not believed");
            assert!(matches!(fault, IdTokenFault::Invalid(_)), "{changes}: {fault}");
        }
        let refused = |changes| read(&signer, changes).expect_err("not believed");
        assert_eq!(refused(json!({ "azp": "other" })), IdTokenFault::Party);
        assert_eq!(refused(json!({ "aud": ["bulkhead", "other"] })), IdTokenFault::Party);
        assert_eq!(refused(json!({ "nonce": "other" })), IdTokenFault::Nonce);
        assert_eq!(refused(json!({ "nonce": null })), IdTokenFault::Nonce);
        assert_eq!(refused(json!({ "sub": "" })), IdTokenFault::Subject);
        read(&signer, json!({ "sub": 7 })).expect_err("not believed");
    }

    #[test]
    fn no_signature_another_algorithm_or_another_key_is_enough() {
        let (signer, other) = (Signer::new(), Signer::new());
        let (keys, provider) = (signer.keys(json!({})), provider());
        let read = |token: &str| verify(token, &keys, &provider, "n").expect_err("not believed");
        let header = json!({ "alg": "ES256", "kid": "one" });
        let good = signer.token(&header, &claims(json!({})));
        assert!(verify(&good, &keys, &provider, "n").is_ok());
        let unsigned = format!("{}.", good.rsplit_once('.').expect("three parts").0);
        assert!(matches!(read(&unsigned), IdTokenFault::Invalid(_) | IdTokenFault::Malformed));
        assert!(matches!(read(&other.token(&header, &claims(json!({})))), IdTokenFault::Invalid(_)));
        let of = |header: Value| signer.token(&header, &claims(json!({})));
        assert_eq!(read(&of(json!({ "alg": "none" }))), IdTokenFault::Malformed);
        for algorithm in ["HS256", "HS512", "RS512", "PS256"] {
            assert_eq!(read(&of(json!({ "alg": algorithm, "kid": "one" }))), IdTokenFault::Algorithm, "{algorithm}");
        }
        assert_eq!(read(&of(json!({ "alg": "ES256", "kid": "two" }))), IdTokenFault::UnknownKey);
        assert!(read(&of(json!({ "alg": "RS256", "kid": "one" }))) != IdTokenFault::Algorithm, "a key of another kind");
        assert_eq!(read("x"), IdTokenFault::Malformed);
        assert_eq!(read(&"x".repeat(MAX_BYTES + 1)), IdTokenFault::Malformed);
    }

    #[test]
    fn a_key_for_something_else_signs_nothing() {
        let signer = Signer::new();
        let token = signer.token(&json!({ "alg": "ES256", "kid": "one" }), &claims(json!({})));
        for more in [json!({ "use": "enc" }), json!({ "alg": "ES384" })] {
            let fault = verify(&token, &signer.keys(more), &provider(), "n").expect_err("not believed");
            assert_eq!(fault, IdTokenFault::UnknownKey);
        }
        let nameless = signer.token(&json!({ "alg": "ES256" }), &claims(json!({})));
        assert!(verify(&nameless, &signer.keys(json!({})), &provider(), "n").is_ok(), "the only key can be meant");
    }
}
