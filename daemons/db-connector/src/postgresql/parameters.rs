//! JSON values as bind parameters.
//!
//! Parameters travel in PostgreSQL's text format: the server, which knows its types best, parses them. That makes every type that
//! the server has usable, extensions included, and no value can be anything but a value.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use serde_json::Value;
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::error::QueryError;

/// A value in text format, or NULL.
#[derive(PartialEq, Eq)]
pub(super) struct Parameter(Option<String>);

impl Parameter {
    /// A text that the server reads as a value of whichever type it wants there, or NULL.
    pub(super) fn text(value: Option<String>) -> Result<Self, QueryError> {
        match value {
            Some(text) if text.contains('\0') => {
                Err(QueryError::Edits("a value holds a NUL character, which no database stores: remove it".to_owned()))
            }
            value => Ok(Self(value)),
        }
    }
}

impl std::fmt::Debug for Parameter {
    /// Without the value: it is somebody's data and belongs into no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parameter(..)")
    }
}

impl ToSql for Parameter {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match &self.0 {
            None => Ok(IsNull::Yes),
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// The values of `expressions`, each for the type that the server inferred at its place.
pub(super) fn bind(
    expressions: &[&str],
    types: &[Type],
    values: &BTreeMap<String, Value>,
) -> Result<Vec<Parameter>, QueryError> {
    expressions
        .iter()
        .zip(types)
        .map(|(expression, wanted)| {
            let value =
                values.get(*expression).ok_or_else(|| QueryError::ParameterMissing((*expression).to_owned()))?;
            parameter(expression, value, wanted)
        })
        .collect()
}

fn parameter(expression: &str, value: &Value, wanted: &Type) -> Result<Parameter, QueryError> {
    let text = match (value, base(wanted)) {
        (Value::Null, _) => return Ok(Parameter(None)),
        (_, &Type::JSON | &Type::JSONB) => value.to_string(),
        (Value::Bool(truth), _) => truth.to_string(),
        (Value::Number(number), &Type::INT2 | &Type::INT4 | &Type::INT8) => integer(number),
        (Value::Number(number), _) => number.to_string(),
        (Value::String(text), &Type::BYTEA) => bytes(expression, text)?,
        (Value::String(text), _) => text.clone(),
        (Value::Array(items), array) if matches!(array.kind(), Kind::Array(_)) => {
            array_literal(expression, items, wanted)?
        }
        (Value::Array(_) | Value::Object(_), _) => {
            let found = if value.is_array() { "a list" } else { "an object" };
            let wanted = wanted.name().to_owned();
            return Err(QueryError::ParameterType { expression: expression.to_owned(), found, wanted });
        }
    };
    if text.contains('\0') {
        return Err(QueryError::ParameterNul(expression.to_owned()));
    }
    Ok(Parameter(Some(text)))
}

/// A number for an integer column: `2.0`, as some languages write 2, is a whole number too.
fn integer(number: &serde_json::Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

/// Bytes in the form that PostgreSQL reads: base64, as results show them, or already hexadecimal.
pub(super) fn bytes(expression: &str, text: &str) -> Result<String, QueryError> {
    if text.starts_with("\\x") {
        return Ok(text.to_owned());
    }
    let decoded = STANDARD.decode(text);
    let decoded = decoded.map_err(|_| QueryError::ParameterBytes { expression: expression.to_owned() })?;
    Ok(decoded.iter().fold(String::from("\\x"), |hex, byte| hex + &format!("{byte:02x}")))
}

/// The type below any domains.
fn base(mut wanted: &Type) -> &Type {
    while let Kind::Domain(inner) = wanted.kind() {
        wanted = inner;
    }
    wanted
}

/// `{"a","b",NULL}`: an array of any depth.
fn array_literal(expression: &str, items: &[Value], wanted: &Type) -> Result<String, QueryError> {
    let element = match base(wanted).kind() {
        Kind::Array(element) => element,
        _ => wanted,
    };
    let mut literal = String::from("{");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            literal.push(',');
        }
        match item {
            Value::Array(inner) => literal.push_str(&array_literal(expression, inner, wanted)?),
            _ => match parameter(expression, item, element)?.0 {
                None => literal.push_str("NULL"),
                Some(text) => {
                    literal.push('"');
                    literal.push_str(&text.replace('\\', "\\\\").replace('"', "\\\""));
                    literal.push('"');
                }
            },
        }
    }
    literal.push('}');
    Ok(literal)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(value: Value, wanted: &Type) -> Result<Option<String>, String> {
        parameter("x", &value, wanted).map(|parameter| parameter.0).map_err(|error| error.to_string())
    }

    #[test]
    fn values_become_text_for_the_server_to_parse() {
        assert_eq!(one(json!(null), &Type::INT4), Ok(None));
        assert_eq!(one(json!(1.5), &Type::NUMERIC), Ok(Some("1.5".into())));
        assert_eq!(one(json!(2.0), &Type::INT4), Ok(Some("2".into())));
        assert_eq!(one(json!("AAH/"), &Type::BYTEA), Ok(Some("\\x0001ff".into())));
        assert_eq!(one(json!("\\x00"), &Type::BYTEA), Ok(Some("\\x00".into())));
        assert_eq!(one(json!("it's -- $$ {{x}}"), &Type::TEXT), Ok(Some("it's -- $$ {{x}}".into())));
        assert_eq!(one(json!("a"), &Type::JSONB), Ok(Some("\"a\"".into())));
        assert_eq!(one(json!(["a\"\\", null, 1]), &Type::TEXT_ARRAY), Ok(Some(r#"{"a\"\\",NULL,"1"}"#.into())));
        assert_eq!(one(json!([[1, 2], [3, 4]]), &Type::INT4_ARRAY), Ok(Some(r#"{{"1","2"},{"3","4"}}"#.into())));
    }

    #[test]
    fn what_cannot_fit_names_the_expression() {
        assert_eq!(
            one(json!({}), &Type::INT4),
            Err("parameter `x` is an object, and the statement wants int4 there".into())
        );
        assert!(one(json!("a\0b"), &Type::TEXT).expect_err("refused").contains("NUL"));
    }

    #[test]
    fn a_missing_value_is_not_null() {
        let error = bind(&["a.b"], &[Type::TEXT], &BTreeMap::new()).expect_err("refused");
        assert_eq!(error.to_string(), "parameter `a.b` is missing: give it a value");
    }
}
