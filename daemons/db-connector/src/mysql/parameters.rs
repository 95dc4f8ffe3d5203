//! JSON values as bind parameters.
//!
//! MySQL does not say what type a parameter is to have: it takes each as what it is sent as, and compares or converts by the type of the
//! column. So whole numbers travel as such, other numbers as decimals, texts as texts; nothing can be anything but a value.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::sql::CompiledStatement;
use serde_json::{Number, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::wire::put_counted;
use crate::change::value;
use crate::error::QueryError;

/// A value as it travels.
#[derive(Clone, PartialEq)]
pub(super) enum Parameter {
    Null,
    Integer(i64),
    Unsigned(u64),
    Double(f64),
    Decimal(String),
    Text(String),
    Bytes(Vec<u8>),
}

impl std::fmt::Debug for Parameter {
    /// Without the value: it is somebody's data and belongs into no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parameter(..)")
    }
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Parameter {
    /// The number of its type in the protocol, and whether it is unsigned.
    fn kind(&self) -> [u8; 2] {
        match self {
            Self::Null => [6, 0],
            Self::Integer(_) => [8, 0],
            Self::Unsigned(_) => [8, 0x80],
            Self::Double(_) => [5, 0],
            Self::Decimal(_) => [246, 0],
            Self::Text(_) => [253, 0],
            Self::Bytes(_) => [252, 0],
        }
    }

    /// About how many bytes it travels in.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Null => 2,
            Self::Integer(_) | Self::Unsigned(_) | Self::Double(_) => 10,
            Self::Decimal(text) | Self::Text(text) => text.len() + 5,
            Self::Bytes(bytes) => bytes.len() + 5,
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => {}
            Self::Integer(value) => out.extend_from_slice(&value.to_le_bytes()),
            Self::Unsigned(value) => out.extend_from_slice(&value.to_le_bytes()),
            Self::Double(value) => out.extend_from_slice(&value.to_le_bytes()),
            Self::Decimal(text) | Self::Text(text) => put_counted(text.as_bytes(), out),
            Self::Bytes(bytes) => put_counted(bytes, out),
        }
    }
}

/// Appends parameters as an execution has them: which are null, the types, the values.
pub(super) fn put_all(parameters: &[Parameter], out: &mut Vec<u8>) {
    if parameters.is_empty() {
        return;
    }
    let mut nulls = vec![0_u8; parameters.len().div_ceil(8)];
    for (index, _) in parameters.iter().enumerate().filter(|(_, parameter)| **parameter == Parameter::Null) {
        nulls[index / 8] |= 1 << (index % 8);
    }
    out.extend_from_slice(&nulls);
    out.push(1);
    parameters.iter().for_each(|parameter| out.extend_from_slice(&parameter.kind()));
    parameters.iter().for_each(|parameter| parameter.put(out));
}

/// The values of a statement's expressions.
pub(super) fn bind(
    compiled: &CompiledStatement<'_>,
    values: &BTreeMap<String, Value>,
) -> Result<Vec<Parameter>, QueryError> {
    compiled.expressions.iter().map(|expression| Ok(parameter(value(expression, values)?))).collect()
}

/// A value whose column is not known.
fn parameter(value: &Value) -> Parameter {
    match value {
        Value::Null => Parameter::Null,
        Value::Bool(truth) => Parameter::Integer((*truth).into()),
        Value::Number(value) => number(value),
        Value::String(text) => Parameter::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => Parameter::Text(value.to_string()),
    }
}

/// A number. `2.0`, as some languages write 2, is a whole one too.
fn number(number: &Number) -> Parameter {
    let text = number.to_string();
    let whole = text.strip_suffix(".0").unwrap_or(&text);
    if let Ok(value) = whole.parse() {
        return Parameter::Integer(value);
    }
    if let Ok(value) = whole.parse() {
        return Parameter::Unsigned(value);
    }
    match number.as_f64() {
        Some(value) if text.contains(['e', 'E']) => Parameter::Double(value),
        _ => Parameter::Decimal(text),
    }
}

/// A value for a column of this type, as information_schema names it: what a result shows of a column can be given back to it.
pub(super) fn for_column(expression: &str, value: &Value, data_type: &str) -> Result<Parameter, QueryError> {
    Ok(match (value, data_type) {
        (Value::Null, _) => Parameter::Null,
        (_, "json") => Parameter::Text(value.to_string()),
        (Value::String(text), "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob") => {
            Parameter::Bytes(bytes(expression, text)?)
        }
        (Value::String(text), "datetime" | "timestamp") => Parameter::Text(in_utc(text)),
        (Value::String(text), "bit") => match u64::from_str_radix(text, 2) {
            Ok(bits) => Parameter::Unsigned(bits),
            Err(_) => Parameter::Text(text.clone()),
        },
        (Value::String(text), "tinyint" | "smallint" | "mediumint" | "int" | "bigint") => match text.parse() {
            Ok(value) => Parameter::Integer(value),
            Err(_) => text.parse().map_or_else(|_| Parameter::Text(text.clone()), Parameter::Unsigned),
        },
        (Value::Array(_) | Value::Object(_), "tinytext" | "text" | "mediumtext" | "longtext" | "char" | "varchar") => {
            Parameter::Text(value.to_string())
        }
        (Value::Array(_) | Value::Object(_), _) => {
            let found = if value.is_array() { "a list" } else { "an object" };
            let (expression, wanted) = (expression.to_owned(), data_type.to_owned());
            return Err(QueryError::ParameterType { expression, found, wanted });
        }
        _ => parameter(value),
    })
}

/// Bytes: base64, as results show them, or hexadecimal digits behind `\x`.
fn bytes(expression: &str, text: &str) -> Result<Vec<u8>, QueryError> {
    let wrong = || QueryError::ParameterBytes { expression: expression.to_owned() };
    let Some(digits) = text.strip_prefix("\\x") else { return STANDARD.decode(text).map_err(|_| wrong()) };
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let pairs = digits.as_bytes().chunks_exact(2).map(|pair| std::str::from_utf8(pair).unwrap_or_default());
    pairs.map(|pair| u8::from_str_radix(pair, 16).map_err(|_| wrong())).collect()
}

/// A moment with a zone as MySQL reads it, which knows no zones: in UTC, as the sessions here are. Any other text stays as it is.
fn in_utc(text: &str) -> String {
    let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]");
    let Ok(moment) = OffsetDateTime::parse(text, &Rfc3339) else { return text.to_owned() };
    moment.to_offset(time::UtcOffset::UTC).format(form).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_travel_as_what_they_are() {
        for (value, expected) in [
            (json!(null), Parameter::Null),
            (json!(true), Parameter::Integer(1)),
            (json!(-7), Parameter::Integer(-7)),
            (json!(2.0), Parameter::Integer(2)),
            (json!(u64::MAX), Parameter::Unsigned(u64::MAX)),
            (json!(1.5), Parameter::Decimal("1.5".into())),
            (json!(1e300), Parameter::Double(1e300)),
            (json!("it's"), Parameter::Text("it's".into())),
            (json!([1, "a"]), Parameter::Text("[1,\"a\"]".into())),
        ] {
            assert!(parameter(&value) == expected, "{value}");
        }
    }

    #[test]
    fn a_column_takes_back_what_it_showed() {
        for (value, data_type, expected) in [
            (json!("AAH/"), "blob", Parameter::Bytes(vec![0, 1, 255])),
            (json!("\\x00fF"), "varbinary", Parameter::Bytes(vec![0, 255])),
            (json!("2026-01-02T03:04:05.5+02:00"), "timestamp", Parameter::Text("2026-01-02 01:04:05.500000".into())),
            (json!("2026-01-02T03:04:05"), "datetime", Parameter::Text("2026-01-02T03:04:05".into())),
            (json!("0101"), "bit", Parameter::Unsigned(5)),
            (json!("9007199254740993"), "bigint", Parameter::Integer(9_007_199_254_740_993)),
            (json!("18446744073709551615"), "bigint", Parameter::Unsigned(u64::MAX)),
            (json!("a"), "json", Parameter::Text("\"a\"".into())),
            (json!("AAH/"), "text", Parameter::Text("AAH/".into())),
        ] {
            assert!(for_column("x", &value, data_type).expect("fits") == expected, "{value} in {data_type}");
        }
        assert!(for_column("x", &json!("no base64!"), "blob").is_err());
        assert!(for_column("x", &json!("\\x0"), "blob").is_err());
        assert!(for_column("x", &json!({}), "int").is_err());
    }

    #[test]
    fn nulls_are_told_apart_and_have_no_value() {
        let mut out = Vec::new();
        put_all(&[Parameter::Null, Parameter::Text("a".into())], &mut out);
        assert_eq!(out, [0b1, 1, 6, 0, 253, 0, 1, b'a']);
    }
}
