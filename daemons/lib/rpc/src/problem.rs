//! How a service says no: RFC 9457 problem documents.

use bulkhead_model::Fault;
use http::{HeaderValue, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The media type of a [`Problem`].
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A refusal or failure, in the shape of RFC 9457.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// A stable word for programs: `query-failed`, `parameter-missing`, `forbidden`, ...
    pub code: String,
    /// What happened and what to do, for a person.
    pub detail: String,
    /// Faults of a document, each with its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// For a SQL error: 1-based character in the statement as the person wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// For a SQL error: SQLSTATE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// For `account-needed`: the resource that an account has to be connected to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The request's id, to find it in the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    /// A problem without extras.
    pub fn new(status: u16, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            detail: detail.into(),
            faults: Vec::new(),
            position: None,
            sqlstate: None,
            resource: None,
            request_id: None,
        }
    }

    /// The answer of a server that says this. A status that is none counts as 500.
    pub fn response(&self) -> Response<String> {
        let mut response = Response::new(serde_json::to_string(self).unwrap_or_default());
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response
    }
}
