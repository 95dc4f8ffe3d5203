//! db-connector, for api: accounts that resources ask as, by OAuth 2 with a person's consent.
//!
//! What the person's browser brings back passes through api; tokens are exchanged, kept and used by db-connector alone.

use bulkhead_model::{ResourceId, UserId};
use serde::{Deserialize, Serialize};

/// Where a person is about to say yes.
pub const BEGIN: &str = "/v1/accounts/begin";
/// Where they have said it.
pub const COMPLETE: &str = "/v1/accounts/complete";
/// Where an account is forgotten.
pub const DISCONNECT: &str = "/v1/accounts/disconnect";

/// Asks where to send a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeginRequest {
    /// The resource.
    pub resource: ResourceId,
    /// The person.
    pub person: UserId,
    /// SHA-256 of their session, in hexadecimal digits: the one that it has to end in.
    pub session: String,
    /// Where the server sends them back to.
    pub redirect_uri: String,
}

/// Where to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BeginAnswer {
    /// The server's page.
    pub url: String,
}

/// Brings back what the server gave the person's browser. Answers `{}` or a problem.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompleteRequest {
    /// As it was sent along: the resource's id, a dot, and what nobody guesses.
    pub state: String,
    /// Worth tokens.
    pub code: String,
    /// The person.
    pub person: UserId,
    /// SHA-256 of their session, in hexadecimal digits.
    pub session: String,
    /// Where the server sent them back to.
    pub redirect_uri: String,
}

/// Forgets an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisconnectRequest {
    /// The resource.
    pub resource: ResourceId,
    /// Whose account; everybody's where there is nobody.
    pub user: Option<UserId>,
}

/// Whether there was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisconnectAnswer {
    /// It is gone now.
    pub existed: bool,
}
