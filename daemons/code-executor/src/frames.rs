//! The channel between executor and child: frames of a 4-byte big-endian length and JSON.
//!
//! The child's side is `runtime/javascript.js` and `runtime/python.py`. Nothing that a child sends is
//! believed but under the nonce of its run, and nothing is kept that is larger than the run's limits.

use std::collections::BTreeMap;
use std::io;

use bulkhead_model::run::LogLevel;
use bulkhead_rpc::backend::CallAsk;
use bulkhead_rpc::executor::Work;
use bulkhead_rpc::fetch::FetchRequest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio_util::bytes::Bytes;
use tokio_util::codec::LengthDelimitedCodec;

/// The first frame to a child.
#[derive(Serialize)]
pub(crate) struct Start<'a> {
    pub(crate) nonce: &'a str,
    pub(crate) block: &'a str,
    pub(crate) work: &'a Work,
    pub(crate) inputs: Inputs<'a>,
    pub(crate) result_bytes: u32,
    pub(crate) log_bytes: u32,
}

/// The variables of a block: its own, then those of the chain.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) own: &'a BTreeMap<String, Value>,
    pub(crate) chain: &'a BTreeMap<String, Value>,
}

impl Serialize for Inputs<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let chain = self.chain.iter().filter(|(name, _)| !self.own.contains_key(*name));
        serializer.collect_map(self.own.iter().chain(chain))
    }
}

/// The answer to a call.
#[derive(Serialize)]
pub(crate) struct Answer {
    /// Counts the block's calls from 0, in the order in which they came.
    pub(crate) call: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<CallError>,
    /// Whether the value is a secret, which is not to be logged.
    #[serde(skip)]
    pub(crate) is_secret: bool,
}

/// Why a call failed, as user code sees it.
#[derive(Debug, Serialize)]
pub(crate) struct CallError {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// What a child says.
#[derive(Debug)]
pub(crate) enum Said {
    Log { level: LogLevel, time_ms: u64, text: String },
    Ask(Asked),
    Result(Box<RawValue>),
    Error(Thrown),
}

/// What code asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    Call(CallAsk),
    Secret(String),
}

impl Asked {
    /// As code spells it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Call(CallAsk::Query { .. }) => "query()",
            Self::Call(CallAsk::Fetch { .. }) => "fetch()",
            Self::Secret(_) => "secret()",
        }
    }
}

/// An error that user code ended with.
#[derive(Debug, Deserialize)]
pub(crate) struct Thrown {
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) line: Option<u32>,
    #[serde(default)]
    pub(crate) column: Option<u32>,
    #[serde(default)]
    pub(crate) stack: Option<String>,
}

/// Why a frame is not believed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a message larger than any may be")]
    TooLarge,
    #[error("a message that is not of this protocol")]
    Malformed(#[source] serde_json::Error),
    #[error("a message that does not carry this run's nonce")]
    Forged,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame {
    nonce: String,
    kind: Kind,
    #[serde(default)]
    level: Option<LogLevel>,
    #[serde(default)]
    time_ms: Option<u64>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    parameters: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    fetch: Option<FetchRequest>,
    #[serde(default)]
    secret: Option<String>,
    #[serde(default)]
    value: Option<Box<RawValue>>,
    #[serde(default)]
    error: Option<Thrown>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Log,
    Query,
    Fetch,
    Secret,
    Result,
    Error,
}

/// Cuts the channel into frames of at most `limit` bytes.
pub(crate) fn codec(limit: usize) -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().length_field_type::<u32>().max_frame_length(limit).new_codec()
}

/// One frame to a child.
pub(crate) fn encode(message: &impl Serialize) -> io::Result<Bytes> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = u32::try_from(frame.len() - 4).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame.into())
}

/// Understands a frame's body, if it carries the nonce.
pub(crate) fn understand(body: &[u8], nonce: &str) -> Result<Said, FrameError> {
    let frame: Frame = serde_json::from_slice(body).map_err(FrameError::Malformed)?;
    if frame.nonce != nonce {
        return Err(FrameError::Forged);
    }
    let missing = |field: &'static str| FrameError::Malformed(serde::de::Error::missing_field(field));
    Ok(match frame.kind {
        Kind::Log => Said::Log {
            level: frame.level.ok_or_else(|| missing("level"))?,
            time_ms: frame.time_ms.ok_or_else(|| missing("time_ms"))?,
            text: frame.text.ok_or_else(|| missing("text"))?,
        },
        Kind::Query => Said::Ask(Asked::Call(CallAsk::Query {
            query: frame.query.ok_or_else(|| missing("query"))?,
            parameters: frame.parameters.ok_or_else(|| missing("parameters"))?,
        })),
        Kind::Fetch => Said::Ask(Asked::Call(CallAsk::Fetch { request: frame.fetch.ok_or_else(|| missing("fetch"))? })),
        Kind::Secret => Said::Ask(Asked::Secret(frame.secret.ok_or_else(|| missing("secret"))?)),
        // JSON null arrives as an absent value.
        Kind::Result => Said::Result(frame.value.unwrap_or_else(|| RawValue::NULL.to_owned())),
        Kind::Error => Said::Error(frame.error.ok_or_else(|| missing("error"))?),
    })
}

/// How deep arrays and objects nest in a JSON text.
pub(crate) fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let mut in_string = false;
    let mut escaped = false;
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio_util::codec::Decoder;

    use super::*;

    #[test]
    fn a_frame_without_the_nonce_is_forged() {
        let body = br#"{"nonce":"guess","kind":"result","value":1}"#;

        assert!(matches!(understand(body, "secret"), Err(FrameError::Forged)));
    }

    #[test]
    fn a_null_result_is_a_result() {
        let body = br#"{"nonce":"n","kind":"result","value":null}"#;

        assert!(matches!(understand(body, "n"), Ok(Said::Result(value)) if value.get() == "null"));
    }

    #[test]
    fn brackets_in_strings_are_not_depth() {
        assert_eq!(depth(r#"{"a":["[[[","\"{{",[1]]}"#), 3);
        assert_eq!(depth("7"), 0);
    }

    #[test]
    fn a_large_frame_is_refused_by_its_length() {
        let mut received = [0x40u8, 0, 0, 0, b'x'][..].into();

        assert!(codec(1024).decode(&mut received).is_err());
    }

    #[test]
    fn what_is_encoded_can_be_cut_again() {
        let answer = Answer { call: 3, value: Some(Value::Null), error: None, is_secret: false };
        let mut sent = encode(&answer).unwrap().into();

        let frame = codec(1024).decode(&mut sent).unwrap().unwrap();

        assert_eq!(&frame[..], br#"{"call":3,"value":null}"#);
    }
}
