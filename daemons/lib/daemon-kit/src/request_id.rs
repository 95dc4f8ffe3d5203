//! The id of a request: in the answer's `x-request-id`, in every log line about it, in problem documents.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;

/// The header that carries it.
pub(crate) const HEADER: &str = "x-request-id";

/// The id of one request. Unique, not secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

static COUNTER: AtomicU64 = AtomicU64::new(0);

impl RequestId {
    /// A new id: the time of its making and a count, so that ids sort by time in the journal.
    pub(crate) fn new() -> Self {
        let micros = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_micros());
        let count = COUNTER.fetch_add(1, Ordering::Relaxed) & 0xffff;
        Self(format!("{micros:014x}{count:04x}"))
    }

    /// The id that another daemon passed on, if it is well formed.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(HEADER)?.to_str().ok()?;
        let well_formed =
            (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        well_formed.then(|| Self(text.to_owned()))
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
