//! JSON values as SQLite's, and back.
//!
//! SQLite's types belong to values and not to columns, so bytes are told by their form: `{"base64": "..."}`, in both directions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::types::{Value as Stored, ValueRef};
use serde_json::Value;

use crate::error::QueryError;
use crate::json::{write_base64, write_float, write_integer, write_string};

/// The value of a parameter.
pub(super) fn parameter(expression: &str, value: &Value) -> Result<Stored, QueryError> {
    Ok(match value {
        Value::Null => Stored::Null,
        Value::Bool(truth) => Stored::Integer((*truth).into()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Stored::Integer(whole),
            (None, Some(_)) if number.is_u64() => {
                let (wanted, message) = ("a whole number of 64 bits", "it is larger than 9223372036854775807");
                return Err(QueryError::ParameterValue {
                    expression: expression.to_owned(),
                    wanted: wanted.to_owned(),
                    message: message.to_owned(),
                });
            }
            (None, float) => Stored::Real(float.unwrap_or_default()),
        },
        Value::String(text) => Stored::Text(text.clone()),
        Value::Object(fields) if fields.len() == 1 && fields.get("base64").is_some_and(Value::is_string) => {
            let decoded = STANDARD.decode(fields["base64"].as_str().unwrap_or_default());
            Stored::Blob(decoded.map_err(|_| QueryError::ParameterBytes { expression: expression.to_owned() })?)
        }
        // For json_each() and the other functions that read JSON.
        Value::Array(_) | Value::Object(_) => Stored::Text(value.to_string()),
    })
}

/// Appends a value as JSON.
pub(super) fn write(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Null => out.extend_from_slice(b"null"),
        ValueRef::Integer(number) => write_integer(number.into(), out),
        ValueRef::Real(number) => write_float(number, out),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => write_string(text, out),
            Err(_) => write_bytes(bytes, out),
        },
        ValueRef::Blob(bytes) => write_bytes(bytes, out),
    }
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"base64\":");
    write_base64(bytes, out);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_go_in_and_come_out_as_they_were() {
        for value in [json!(null), json!(-7), json!(1.5), json!("é\u{0}"), json!({ "base64": "/wA=" })] {
            let stored = parameter("x", &value).expect("stored");
            let mut out = Vec::new();
            write(ValueRef::from(&stored), &mut out);
            assert_eq!(serde_json::from_slice::<Value>(&out).expect("JSON"), value);
        }
        assert_eq!(parameter("x", &json!(true)).expect("stored"), Stored::Integer(1));
        assert_eq!(parameter("x", &json!([1, "a"])).expect("stored"), Stored::Text("[1,\"a\"]".into()));
    }

    #[test]
    fn what_sqlite_cannot_hold_names_its_expression() {
        assert!(parameter("x", &json!(u64::MAX)).expect_err("refused").to_string().contains("`x`"));
        assert!(parameter("x", &json!({ "base64": "!" })).expect_err("refused").to_string().contains("`x`"));
    }
}
