//! db-connector, for api: what has to be asked of a provider of OpenID Connect. api names a provider, never an address.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Where people are sent, and what else the provider says of itself. Answers [`Metadata`].
pub const METADATA: &str = "/v1/sign-in/metadata";
/// The keys that it signs with. Answers [`Keys`].
pub const KEYS: &str = "/v1/sign-in/keys";
/// What a code is worth. Answers [`Exchanged`].
pub const EXCHANGE: &str = "/v1/sign-in/exchange";

/// Asks about a provider.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderRequest {
    /// The provider.
    pub provider: Uuid,
}

/// What a provider says of itself, as far as api needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Where people are sent.
    pub authorization_endpoint: String,
    /// Whether it says who it is when it sends people back (RFC 9207).
    pub says_issuer: bool,
}

/// The keys that a provider signs with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Keys {
    /// A set of JSON Web Keys.
    pub keys: Value,
}

/// Exchanges a code.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeRequest {
    /// The provider.
    pub provider: Uuid,
    /// As the provider gave it to the browser.
    pub code: String,
    /// The verifier of PKCE.
    pub verifier: String,
    /// Where the browser was sent back to.
    pub redirect_uri: String,
}

/// What a code was worth. The access token has been used and forgotten.
#[derive(Clone, Serialize, Deserialize)]
pub struct Exchanged {
    /// Not verified yet.
    pub id_token: String,
    /// Claims of its user info endpoint, where it has one.
    pub userinfo: Option<Value>,
}
