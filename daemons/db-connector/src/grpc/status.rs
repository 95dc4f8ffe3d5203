//! How a call ended: the status of gRPC, in words, with the details that servers of Google's error model give.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bulkhead_model::query::QueryMode;
use http::response::Parts;
use http::{HeaderMap, StatusCode, header};
use percent_encoding::percent_decode_str;
use prost::Message;
use prost_reflect::prost_types::Any;
use zeroize::Zeroizing;

use crate::error::QueryError;
use crate::http::Bounds;
use crate::http::content::redacted;
use crate::target::Target;

/// By their numbers.
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
const CANCELLED: usize = 1;
const UNKNOWN: usize = 2;
const DEADLINE_EXCEEDED: usize = 4;
const PERMISSION_DENIED: usize = 7;
const UNIMPLEMENTED: usize = 12;
const UNAVAILABLE: usize = 14;
const UNAUTHENTICATED: usize = 16;

/// Details that a message has at most, and the length of all that a server says.
const SHOWN_DETAILS: usize = 8;
const SHOWN: usize = 2000;

/// How a call ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Status {
    code: usize,
    message: String,
    details: Vec<String>,
}

/// The status among trailers. One that is no number is unknown.
pub(super) fn of(trailers: &HeaderMap) -> Option<Status> {
    let code = trailers.get("grpc-status")?.to_str().unwrap_or_default();
    let code = code.parse().ok().filter(|code| *code < NAMES.len()).unwrap_or(UNKNOWN);
    let message = trailers.get("grpc-message").and_then(|message| message.to_str().ok()).unwrap_or_default();
    let message = percent_decode_str(message).decode_utf8_lossy().into_owned();
    let details =
        trailers.get("grpc-status-details-bin").map(|details| details_of(details.as_bytes())).unwrap_or_default();
    Some(Status { code, message, details })
}

/// The status of an answer that has no messages, or is none of gRPC.
pub(super) fn of_response(parts: &Parts) -> Option<Status> {
    if let Some(status) = of(&parts.headers) {
        return Some(status);
    }
    let content_type =
        parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if parts.status == StatusCode::OK && content_type.starts_with("application/grpc") {
        return None;
    }
    // As the protocol reads what a proxy on the way answers.
    let code = match parts.status.as_u16() {
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 => UNIMPLEMENTED,
        429 | 502 | 503 | 504 => UNAVAILABLE,
        _ => UNKNOWN,
    };
    let kind = if content_type.is_empty() { "nothing" } else { content_type };
    let message = format!("the answer is none of gRPC, but {} with {kind}", parts.status);
    Some(Status { code, message, details: Vec::new() })
}

/// Refuses what did not end well.
pub(super) fn check(trailers: &HeaderMap, target: &Target, bounds: Bounds) -> Result<(), QueryError> {
    match of(trailers) {
        Some(Status { code: 0, .. }) => Ok(()),
        Some(status) => Err(status.into_error(target, bounds)),
        None => {
            let message = "the answer ends without a status".to_owned();
            Err(Status { code: UNKNOWN, message, details: Vec::new() }.into_error(target, bounds))
        }
    }
}

impl Status {
    pub(super) fn is_ok(&self) -> bool {
        self.code == 0
    }

    pub(super) fn is_unimplemented(&self) -> bool {
        self.code == UNIMPLEMENTED
    }

    /// The error of a query. After a call that may have changed something, some say nothing of what became of it.
    pub(super) fn into_error(self, target: &Target, bounds: Bounds) -> QueryError {
        let name = NAMES[self.code];
        let secret = target.secret_text().ok().flatten().map(|secret| Zeroizing::new(secret.to_owned()));
        let message = redacted(self.shown(), &secret.into_iter().collect::<Vec<_>>());
        let is_write = bounds.mode == QueryMode::Write;
        match self.code {
            UNAUTHENTICATED => target.log_in(message),
            DEADLINE_EXCEEDED if !is_write => QueryError::Timeout(bounds.timeout_ms),
            CANCELLED | DEADLINE_EXCEEDED | UNAVAILABLE if is_write => {
                QueryError::Undecided { resource: target.name.clone(), message }
            }
            _ => QueryError::Sql { message, sqlstate: name.to_owned(), position: None },
        }
    }

    fn shown(&self) -> String {
        let mut shown = NAMES[self.code].to_owned();
        if !self.message.is_empty() {
            shown = format!("{shown}: {}", self.message);
        }
        if !self.details.is_empty() {
            shown = format!("{shown} ({})", self.details.join("; "));
        }
        match shown.char_indices().nth(SHOWN) {
            Some((at, _)) => format!("{}…", &shown[..at]),
            None => shown,
        }
    }
}

#[derive(Clone, PartialEq, Message)]
struct Rich {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.rpc.ErrorInfo`; its other fields are for programs.
#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
}

/// `BadRequest`, `PreconditionFailure` and `QuotaFailure`: lists of what is wrong where.
#[derive(Clone, PartialEq, Message)]
struct Violations {
    #[prost(message, repeated, tag = "1")]
    violations: Vec<Violation>,
}

/// The fields of a violation, which the three types number differently.
#[derive(Clone, PartialEq, Message)]
struct Violation {
    #[prost(string, tag = "1")]
    first: String,
    #[prost(string, tag = "2")]
    second: String,
    #[prost(string, tag = "3")]
    third: String,
}

#[derive(Clone, PartialEq, Message)]
struct LocalizedMessage {
    #[prost(string, tag = "2")]
    message: String,
}

/// The details of a status in words, as far as their types are known.
fn details_of(encoded: &[u8]) -> Vec<String> {
    let bytes = STANDARD_NO_PAD.decode(encoded).or_else(|_| STANDARD.decode(encoded));
    let rich = bytes.ok().and_then(|bytes| Rich::decode(bytes.as_slice()).ok()).unwrap_or_default();
    let mut shown = Vec::new();
    for Any { type_url, value } in rich.details {
        let bytes = value.as_slice();
        let name = type_url.rsplit('/').next().unwrap_or_default();
        let violations = || Violations::decode(bytes).map(|list| list.violations).unwrap_or_default();
        match name {
            "google.rpc.ErrorInfo" => {
                let info = ErrorInfo::decode(bytes).unwrap_or_default();
                shown.push(if info.domain.is_empty() {
                    info.reason
                } else {
                    format!("{} of {}", info.reason, info.domain)
                });
            }
            "google.rpc.LocalizedMessage" => {
                shown.extend(LocalizedMessage::decode(bytes).map(|told| told.message));
            }
            "google.rpc.BadRequest" | "google.rpc.QuotaFailure" => {
                shown.extend(violations().into_iter().map(|one| format!("{}: {}", one.first, one.second)));
            }
            "google.rpc.PreconditionFailure" => {
                shown
                    .extend(violations().into_iter().map(|one| format!("{} {}: {}", one.first, one.second, one.third)));
            }
            other => shown.push(other.to_owned()),
        }
    }
    shown.truncate(SHOWN_DETAILS);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trailers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn a_status_is_told_in_words_with_its_details() {
        let bad = Violations {
            violations: vec![Violation { first: "name".into(), second: "is empty".into(), third: String::new() }],
        };
        let any = |name: &str, value: Vec<u8>| Any { type_url: format!("type.googleapis.com/{name}"), value };
        let info = ErrorInfo { reason: "NO_NAME".into(), domain: "shop".into() };
        let rich = Rich {
            details: vec![
                any("google.rpc.BadRequest", bad.encode_to_vec()),
                any("google.rpc.ErrorInfo", info.encode_to_vec()),
                any("shop.v1.Other", vec![1, 2, 3]),
            ],
        };
        let encoded = STANDARD_NO_PAD.encode(rich.encode_to_vec());
        let told = trailers(&[
            ("grpc-status", "3"),
            ("grpc-message", "not%20so%3A%20%C3%BC"),
            ("grpc-status-details-bin", &encoded),
        ]);
        let status = of(&told).expect("a status");
        assert_eq!(status.shown(), "INVALID_ARGUMENT: not so: ü (name: is empty; NO_NAME of shop; shop.v1.Other)");
        assert_eq!(of(&trailers(&[("grpc-status", "99")])).expect("a status").code, UNKNOWN);
        assert_eq!(of(&trailers(&[("x", "y")])), None);
    }

    #[test]
    fn details_that_are_none_are_passed_by() {
        for broken in ["", "!!", "AAAA", "////"] {
            assert_eq!(details_of(broken.as_bytes()), Vec::<String>::new(), "{broken}");
        }
    }
}
