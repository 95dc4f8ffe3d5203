//! HTTP requests of user code: code-executor -> workflows-backend -> db-connector, which alone decides whether a host is reached.
//!
//! Bodies travel as base64, because they may be any bytes.

use serde::{Deserialize, Serialize};

/// The largest body of a request or an answer, in bytes.
pub const MAX_BODY_BYTES: usize = 5 * 1024 * 1024;
/// Headers of a request at most.
pub const MAX_HEADERS: usize = 100;

/// A request as code made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchRequest {
    /// `http:` or `https:`.
    pub url: String,
    /// `GET`, `POST` and so on.
    pub method: String,
    /// In order; those that belong to the connection, such as `Host`, are left out by the connector.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What becomes of a redirect.
    #[serde(default)]
    pub redirect: Redirect,
}

/// What becomes of a redirect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Redirect {
    /// It is followed, if the policy allows where it leads.
    #[default]
    Follow,
    /// It is the answer.
    Manual,
    /// It is an error.
    Error,
}

/// The answer of the last host that was asked, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchAnswer {
    /// The status code.
    pub status: u16,
    /// Where it came from, after redirects.
    pub url: String,
    /// Whether there were any.
    pub redirected: bool,
    /// In order.
    pub headers: Vec<(String, String)>,
    /// Base64.
    pub body: String,
}

impl FetchRequest {
    /// Whether to make it twice is as good as once, by what HTTP says of its method.
    pub fn is_idempotent(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE" | "TRACE")
    }

    /// Whether it changes nothing, by what HTTP says of its method.
    pub fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }
}
