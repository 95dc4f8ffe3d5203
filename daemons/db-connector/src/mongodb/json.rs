//! Documents as JSON: MongoDB's own extended form, in which every type is told apart and comes back as it was.
//!
//! | BSON | JSON |
//! |---|---|
//! | text, truth, null, list, document | as they are |
//! | int32, double | number; of what is none `{"$numberDouble": "NaN"}` |
//! | int64 | number up to 2^53, else `{"$numberLong": "..."}` |
//! | ObjectId, Decimal128 | `{"$oid": "..."}`, `{"$numberDecimal": "..."}` |
//! | date | `{"$date": "2026-01-31T12:00:00Z"}`; beyond the years 1970 to 9999 `{"$date": {"$numberLong": "..."}}` |
//! | bytes, UUID | `{"$binary": {"base64": "...", "subType": "00"}}`, `{"$uuid": "..."}` |

use bson::spec::BinarySubtype;
use bson::{DateTime, RawBsonRef, RawDocument};
use uuid::Uuid;

use crate::error::QueryError;
use crate::json::{write_base64, write_float, write_integer, write_string};

/// How deep a document may nest: more than the 100 levels that servers store.
const MAX_DEPTH: usize = 200;
/// Milliseconds of the year 10,000.
const YEAR_10000: i64 = 253_402_300_800_000;
const MAX_SAFE: i64 = 1 << 53;

/// Appends a document.
pub(super) fn write_document(document: &RawDocument, out: &mut Vec<u8>) -> Result<(), QueryError> {
    document_within(document, MAX_DEPTH, out)
}

/// Appends a value.
pub(super) fn write_value(value: RawBsonRef<'_>, out: &mut Vec<u8>) -> Result<(), QueryError> {
    value_within(value, MAX_DEPTH, out)
}

fn broken() -> QueryError {
    QueryError::Sql {
        message: "the server's answer is no sound BSON".to_owned(),
        sqlstate: "InvalidBSON".to_owned(),
        position: None,
    }
}

fn document_within(document: &RawDocument, depth: usize, out: &mut Vec<u8>) -> Result<(), QueryError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(QueryError::Unsupported("its answer nests too deep"));
    };
    out.push(b'{');
    for (index, element) in document.iter().enumerate() {
        let (key, value) = element.map_err(|_| broken())?;
        if index > 0 {
            out.push(b',');
        }
        write_string(key.as_str(), out);
        out.push(b':');
        value_within(value, depth, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn value_within(value: RawBsonRef<'_>, depth: usize, out: &mut Vec<u8>) -> Result<(), QueryError> {
    match value {
        RawBsonRef::Null => out.extend_from_slice(b"null"),
        RawBsonRef::Boolean(true) => out.extend_from_slice(b"true"),
        RawBsonRef::Boolean(false) => out.extend_from_slice(b"false"),
        RawBsonRef::String(text) => write_string(text, out),
        RawBsonRef::Int32(number) => write_integer(number.into(), out),
        RawBsonRef::Int64(number) if number.unsigned_abs() <= MAX_SAFE as u64 => write_integer(number.into(), out),
        RawBsonRef::Int64(number) => typed("$numberLong", &number.to_string(), out),
        RawBsonRef::Double(number) if number.is_finite() => write_float(number, out),
        RawBsonRef::Double(number) => {
            let word = if number.is_nan() {
                "NaN"
            } else if number > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            };
            typed("$numberDouble", word, out);
        }
        RawBsonRef::Decimal128(number) => typed("$numberDecimal", &number.to_string(), out),
        RawBsonRef::ObjectId(id) => typed("$oid", &id.to_hex(), out),
        RawBsonRef::DateTime(date) => write_date(date, out),
        RawBsonRef::Document(document) => document_within(document, depth, out)?,
        RawBsonRef::Array(array) => {
            let Some(depth) = depth.checked_sub(1) else {
                return Err(QueryError::Unsupported("its answer nests too deep"));
            };
            out.push(b'[');
            for (index, item) in array.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                value_within(item.map_err(|_| broken())?, depth, out)?;
            }
            out.push(b']');
        }
        RawBsonRef::Binary(binary) => match (binary.subtype, Uuid::from_slice(binary.bytes)) {
            (BinarySubtype::Uuid, Ok(uuid)) => typed("$uuid", &uuid.to_string(), out),
            (subtype, _) => {
                out.extend_from_slice(b"{\"$binary\":{\"base64\":");
                write_base64(binary.bytes, out);
                out.extend_from_slice(format!(",\"subType\":\"{:02x}\"}}}}", u8::from(subtype)).as_bytes());
            }
        },
        RawBsonRef::Timestamp(stamp) => {
            let written = format!("{{\"$timestamp\":{{\"t\":{},\"i\":{}}}}}", stamp.time, stamp.increment);
            out.extend_from_slice(written.as_bytes());
        }
        RawBsonRef::RegularExpression(regex) => {
            out.extend_from_slice(b"{\"$regularExpression\":{\"pattern\":");
            write_string(regex.pattern.as_str(), out);
            out.extend_from_slice(b",\"options\":");
            write_string(regex.options.as_str(), out);
            out.extend_from_slice(b"}}");
        }
        RawBsonRef::JavaScriptCode(code) => typed("$code", code, out),
        RawBsonRef::JavaScriptCodeWithScope(code) => typed("$code", code.code, out),
        RawBsonRef::Symbol(symbol) => typed("$symbol", symbol, out),
        RawBsonRef::MinKey => out.extend_from_slice(b"{\"$minKey\":1}"),
        RawBsonRef::MaxKey => out.extend_from_slice(b"{\"$maxKey\":1}"),
        RawBsonRef::Undefined => out.extend_from_slice(b"{\"$undefined\":true}"),
        RawBsonRef::DbPointer(_) => typed("$dbPointer", "", out),
    }
    Ok(())
}

fn typed(name: &str, text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    write_string(text, out);
    out.push(b'}');
}

fn write_date(date: DateTime, out: &mut Vec<u8>) {
    let millis = date.timestamp_millis();
    match date.try_to_rfc3339_string() {
        Ok(text) if (0..YEAR_10000).contains(&millis) => typed("$date", &text, out),
        _ => {
            out.extend_from_slice(b"{\"$date\":");
            typed("$numberLong", &millis.to_string(), out);
            out.push(b'}');
        }
    }
}

/// What a column of such values is called.
pub(super) fn type_name(value: RawBsonRef<'_>) -> &'static str {
    match value {
        RawBsonRef::Double(_) => "double",
        RawBsonRef::String(_) => "string",
        RawBsonRef::Document(_) => "object",
        RawBsonRef::Array(_) => "array",
        RawBsonRef::Binary(_) => "binData",
        RawBsonRef::ObjectId(_) => "objectId",
        RawBsonRef::Boolean(_) => "bool",
        RawBsonRef::DateTime(_) => "date",
        RawBsonRef::Null | RawBsonRef::Undefined => "null",
        RawBsonRef::RegularExpression(_) => "regex",
        RawBsonRef::Int32(_) => "int",
        RawBsonRef::Timestamp(_) => "timestamp",
        RawBsonRef::Int64(_) => "long",
        RawBsonRef::Decimal128(_) => "decimal",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use bson::{Document, RawDocumentBuf, doc};

    use super::super::fill::plain;
    use super::*;

    fn json_of(document: &Document) -> String {
        let raw = RawDocumentBuf::from_bytes(document.to_vec().expect("a document")).expect("a document");
        let mut out = Vec::new();
        write_document(&raw, &mut out).expect("JSON");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn every_type_comes_back_as_it_was() {
        let decimal: bson::Decimal128 = "0.1000".parse().expect("a number");
        let document = doc! {
            "id": bson::oid::ObjectId::parse_str("65f0a1b2c3d4e5f601020304").expect("an id"), "decimal": decimal,
            "small": 7, "long": i64::MAX, "double": 0.1, "nan": f64::INFINITY,
            "date": DateTime::from_millis(1_700_000_000_123), "old": DateTime::from_millis(-1),
            "bytes": bson::Binary { subtype: BinarySubtype::Generic, bytes: vec![0, 255] },
            "uuid": bson::Uuid::from_bytes([7; 16]), "time": bson::Timestamp { time: 1, increment: 2 },
            "list": [1, { "a": null }, "ü\""], "yes": true, "low": bson::Bson::MinKey,
        };
        let json = json_of(&document);
        assert!(json.contains(r#""decimal":{"$numberDecimal":"0.1000"}"#), "{json}");
        assert!(json.contains(r#""long":{"$numberLong":"9223372036854775807"}"#), "{json}");
        assert!(json.contains(r#""date":{"$date":"2023-11-14T22:13:20.123Z"}"#), "{json}");
        let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(plain(&value).expect("values"), document.into());
    }

    #[test]
    fn a_document_that_nests_without_end_is_refused() {
        let deep = (0..400).fold(doc! {}, |inner, _| doc! { "a": inner });
        let raw = RawDocumentBuf::from_bytes(deep.to_vec().expect("a document")).expect("a document");
        assert!(write_document(&raw, &mut Vec::new()).is_err());
    }
}
