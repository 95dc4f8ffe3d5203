//! JSON payloads as they are stored: text, or zstd of the text where it is long.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

/// Longer texts are compressed.
const PACK_ABOVE_BYTES: usize = 64 * 1024;
/// No stored payload unpacks to more: what writes them has lower limits.
const MAX_UNPACKED_BYTES: usize = 128 * 1024 * 1024;

/// The two columns of a payload: exactly one is set.
#[derive(Debug)]
pub(crate) struct Payload {
    pub(crate) json: Option<String>,
    pub(crate) packed: Option<Vec<u8>>,
}

impl Payload {
    /// `value`, packed if that is worth it.
    pub(crate) fn of<T: Serialize>(operation: &'static str, value: &T) -> Result<Self, StoreError> {
        let text = serde_json::to_string(value).map_err(StoreError::damaged(operation))?;
        // PostgreSQL's text cannot hold NUL; JSON text never does, since it escapes it.
        if text.len() <= PACK_ABOVE_BYTES {
            return Ok(Self { json: Some(text), packed: None });
        }
        let packed = zstd::bulk::compress(text.as_bytes(), 3).map_err(StoreError::damaged(operation))?;
        Ok(Self { json: None, packed: Some(packed) })
    }

    /// The value again; JSON null when neither column is set.
    pub(crate) fn read<T: DeserializeOwned>(
        operation: &'static str,
        json: Option<&str>,
        packed: Option<&[u8]>,
    ) -> Result<T, StoreError> {
        match packed {
            None => serde_json::from_str(json.unwrap_or("null")).map_err(StoreError::damaged(operation)),
            Some(packed) => {
                let bytes =
                    zstd::bulk::decompress(packed, MAX_UNPACKED_BYTES).map_err(StoreError::damaged(operation))?;
                serde_json::from_slice(&bytes).map_err(StoreError::damaged(operation))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_payload_reads_as_it_was_written_packed_or_not() {
        for value in [json!(null), json!({"a": "\u{0}é"}), json!("x".repeat(PACK_ABOVE_BYTES + 1))] {
            let payload = Payload::of("test", &value).expect("writes");
            assert_eq!(payload.json.is_some(), value.to_string().len() <= PACK_ABOVE_BYTES);
            let again: Value =
                Payload::read("test", payload.json.as_deref(), payload.packed.as_deref()).expect("reads");
            assert_eq!(again, value);
        }
    }

    #[test]
    fn damage_is_an_error() {
        assert!(Payload::read::<Value>("test", None, Some(b"not zstd")).is_err());
        assert!(Payload::read::<Value>("test", Some("{"), None).is_err());
    }
}
