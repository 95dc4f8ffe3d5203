//! JSON values as parameters of a call of sp_executesql, each declared as what it is, or as its column's type.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::types::token;
use super::wire::put_utf16;
use crate::change::value;
use crate::error::QueryError;

/// Parameters of one statement at most: two of a call's 2,100 are the statement and the declarations.
pub(super) const MAX_PARAMETERS: usize = 2098;
/// Bytes of a text or of bytes that travel without parts.
const SHORT_BYTES: usize = 8000;
const MAX_DIGITS: usize = 38;

/// A value as it travels, and the type of the parameter that it is for.
#[derive(Clone, PartialEq)]
pub(super) struct Parameter {
    declared: String,
    value: Travelling,
}

#[derive(Clone, PartialEq)]
enum Travelling {
    NullText,
    NullBytes,
    Bit(bool),
    Integer(i64),
    Double(f64),
    Decimal { is_negative: bool, magnitude: u128, digits: u8, scale: u8 },
    Text(String),
    Bytes(Vec<u8>),
}

impl std::fmt::Debug for Parameter {
    /// Without the value: it is somebody's data and belongs into no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parameter({})", self.declared)
    }
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Self {
        Travelling::Text(text.to_owned()).into()
    }
}

impl From<Travelling> for Parameter {
    /// Declared as what it is.
    fn from(value: Travelling) -> Self {
        let declared = match &value {
            Travelling::NullText => "nvarchar(4000)".to_owned(),
            Travelling::NullBytes | Travelling::Bytes(_) => "varbinary(max)".to_owned(),
            Travelling::Bit(_) => "bit".to_owned(),
            Travelling::Integer(_) => "bigint".to_owned(),
            Travelling::Double(_) => "float".to_owned(),
            Travelling::Decimal { digits, scale, .. } => format!("decimal({digits},{scale})"),
            Travelling::Text(text) if text.len() > SHORT_BYTES / 2 => "nvarchar(max)".to_owned(),
            Travelling::Text(_) => "nvarchar(4000)".to_owned(),
        };
        Self { declared, value }
    }
}

impl Parameter {
    pub(super) fn declared(&self) -> &str {
        &self.declared
    }

    /// About how many bytes it travels in.
    pub(super) fn size(&self) -> usize {
        match &self.value {
            Travelling::Text(text) => text.len() * 2 + 20,
            Travelling::Bytes(bytes) => bytes.len() + 20,
            _ => 30,
        }
    }

    /// Appends it as a call has it: name, flags, type, value.
    pub(super) fn put(&self, name: &str, out: &mut Vec<u8>) {
        out.push(u8::try_from(name.len()).unwrap_or_default());
        put_utf16(name, out);
        out.push(0);
        match &self.value {
            Travelling::NullText => {
                out.extend_from_slice(&[token::NVARCHAR, 0x40, 0x1F, 0, 0, 0, 0, 0, 0xFF, 0xFF]);
            }
            Travelling::NullBytes => out.extend_from_slice(&[token::VARBINARY, 0x40, 0x1F, 0xFF, 0xFF]),
            Travelling::Bit(truth) => out.extend_from_slice(&[token::BIT, 1, 1, u8::from(*truth)]),
            Travelling::Integer(value) => {
                out.extend_from_slice(&[token::INT, 8, 8]);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Travelling::Double(value) => {
                out.extend_from_slice(&[token::FLOAT, 8, 8]);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Travelling::Decimal { is_negative, magnitude, digits, scale } => {
                out.extend_from_slice(&[token::DECIMAL, 17, *digits, *scale, 17, u8::from(!is_negative)]);
                out.extend_from_slice(&magnitude.to_le_bytes());
            }
            Travelling::Text(text) => {
                let mut bytes = Vec::with_capacity(text.len() * 2);
                put_utf16(text, &mut bytes);
                put_bytes(token::NVARCHAR, &[0; 5], &bytes, out);
            }
            Travelling::Bytes(bytes) => put_bytes(token::VARBINARY, &[], bytes, out),
        }
    }
}

/// Appends a text or bytes: whole where they are short, else in one part.
fn put_bytes(kind: u8, collation: &[u8], bytes: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    let short = u16::try_from(bytes.len()).ok().filter(|_| bytes.len() <= SHORT_BYTES);
    out.extend_from_slice(if short.is_some() { &[0x40, 0x1F] } else { &[0xFF, 0xFF] });
    out.extend_from_slice(collation);
    match short {
        Some(length) => out.extend_from_slice(&length.to_le_bytes()),
        None => {
            out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        }
    }
    out.extend_from_slice(bytes);
    if short.is_none() {
        out.extend_from_slice(&[0; 4]);
    }
}

/// The values of a statement's expressions.
pub(super) fn bind(expressions: &[&str], values: &BTreeMap<String, Value>) -> Result<Vec<Parameter>, QueryError> {
    if expressions.len() > MAX_PARAMETERS {
        return Err(QueryError::Unsupported(
            "it has more than 2,098 parameters; give a list as one, and open it by openjson({{ list }})",
        ));
    }
    expressions.iter().map(|expression| Ok(travelling(value(expression, values)?).into())).collect()
}

/// A value whose column is not known.
fn travelling(value: &Value) -> Travelling {
    match value {
        Value::Null => Travelling::NullText,
        Value::Bool(truth) => Travelling::Bit(*truth),
        Value::Number(value) => number(value),
        Value::String(text) => Travelling::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => Travelling::Text(value.to_string()),
    }
}

/// A number. `2.0`, as some languages write 2, is a whole one too.
fn number(number: &Number) -> Travelling {
    let text = number.to_string();
    let whole = text.strip_suffix(".0").unwrap_or(&text);
    if let Ok(value) = whole.parse() {
        return Travelling::Integer(value);
    }
    decimal(whole).unwrap_or_else(|| Travelling::Double(number.as_f64().unwrap_or(f64::NAN)))
}

/// A number without an exponent, of as many digits as there can be.
fn decimal(text: &str) -> Option<Travelling> {
    let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.len() > MAX_DIGITS || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (digits, scale) = (u8::try_from(all.len()).ok()?, u8::try_from(fraction.len()).ok()?);
    Some(Travelling::Decimal { is_negative, magnitude: all.parse().ok()?, digits, scale })
}

/// A value for a column of this type: what a result shows of a column can be given back to it.
pub(super) fn for_column(expression: &str, value: &Value, data_type: &str) -> Result<Parameter, QueryError> {
    let base = data_type.split('(').next().unwrap_or_default();
    let value = match (value, base) {
        (Value::Null, "binary" | "varbinary" | "image" | "timestamp") => Travelling::NullBytes,
        (Value::Null, _) => Travelling::NullText,
        (Value::String(text), "binary" | "varbinary" | "image" | "timestamp") => {
            Travelling::Bytes(bytes(expression, text)?)
        }
        (Value::String(text), "date" | "datetime" | "smalldatetime" | "datetime2" | "time") => {
            Travelling::Text(without_zone(text, base))
        }
        (Value::Array(_) | Value::Object(_), base) if !is_text(base) => {
            let found = if value.is_array() { "a list" } else { "an object" };
            let (expression, wanted) = (expression.to_owned(), data_type.to_owned());
            return Err(QueryError::ParameterType { expression, found, wanted });
        }
        (value, _) => travelling(value),
    };
    // Declared no shorter than it may be: a parameter cuts what it does not hold, and a column says that it does not.
    let declared = match base {
        _ if is_text(base) || base.is_empty() => return Ok(value.into()),
        "binary" | "varbinary" | "image" | "timestamp" => "varbinary(max)".to_owned(),
        _ => data_type.to_owned(),
    };
    Ok(Parameter { declared, value })
}

fn is_text(base: &str) -> bool {
    matches!(base, "char" | "varchar" | "text" | "nchar" | "nvarchar" | "ntext" | "xml" | "sql_variant" | "json")
}

/// Bytes: base64, as results show them, or hexadecimal digits behind `\x` or `0x`.
fn bytes(expression: &str, text: &str) -> Result<Vec<u8>, QueryError> {
    let wrong = || QueryError::ParameterBytes { expression: expression.to_owned() };
    match text.strip_prefix("\\x").or_else(|| text.strip_prefix("0x")) {
        Some(digits) => hex::decode(digits).map_err(|_| wrong()),
        None => STANDARD.decode(text).map_err(|_| wrong()),
    }
}

/// A moment as the types without a zone read it in every language: in UTC where it has a zone, and with a time behind its date.
fn without_zone(text: &str, base: &str) -> String {
    let is_date = text.len() == 10 && text.as_bytes()[4] == b'-';
    if is_date && matches!(base, "datetime" | "smalldatetime") {
        return format!("{text}T00:00:00");
    }
    let Ok(moment) = OffsetDateTime::parse(text, &Rfc3339) else { return text.to_owned() };
    let utc = moment.to_offset(time::UtcOffset::UTC);
    let written = match base {
        "date" => utc.format(format_description!("[year]-[month]-[day]")),
        "time" => utc.format(format_description!("[hour]:[minute]:[second].[subsecond digits:7]")),
        "datetime2" => {
            utc.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:7]"))
        }
        "smalldatetime" => utc.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]")),
        _ => utc.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]")),
    };
    written.unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_travel_as_what_they_are() {
        for (value, declared) in [
            (json!(null), "nvarchar(4000)"),
            (json!(true), "bit"),
            (json!(-7), "bigint"),
            (json!(2.0), "bigint"),
            (json!(1.50), "decimal(2,1)"),
            (json!(-0.25), "decimal(3,2)"),
            (json!(u64::MAX), "decimal(20,0)"),
            (json!(1e300), "float"),
            (json!("it's"), "nvarchar(4000)"),
            (json!("x".repeat(5000)), "nvarchar(max)"),
            (json!([1, "a"]), "nvarchar(4000)"),
        ] {
            assert_eq!(Parameter::from(travelling(&value)).declared(), declared, "{value}");
        }
        assert!(
            travelling(&json!(-0.25)) == Travelling::Decimal { is_negative: true, magnitude: 25, digits: 3, scale: 2 }
        );
    }

    #[test]
    fn a_column_takes_back_what_it_showed() {
        let text = |text: &str| Travelling::Text(text.to_owned());
        for (value, data_type, declared, travels) in [
            (json!("AAH/"), "varbinary(3)", "varbinary(max)", Travelling::Bytes(vec![0, 1, 255])),
            (json!("0x00fF"), "binary(2)", "varbinary(max)", Travelling::Bytes(vec![0, 255])),
            (json!(null), "varbinary(3)", "varbinary(max)", Travelling::NullBytes),
            (json!(null), "int", "int", Travelling::NullText),
            (json!("2026-01-02T03:04:05.5+02:00"), "datetime", "datetime", text("2026-01-02T01:04:05.500")),
            (json!("2026-01-02T03:04:05.5Z"), "datetimeoffset(7)", "datetimeoffset(7)", text("2026-01-02T03:04:05.5Z")),
            (json!("2026-01-02"), "datetime", "datetime", text("2026-01-02T00:00:00")),
            (json!("9007199254740993"), "bigint", "bigint", text("9007199254740993")),
            (json!("123456789012345678.90"), "decimal(20,2)", "decimal(20,2)", text("123456789012345678.90")),
            (json!("long"), "varchar(2)", "nvarchar(4000)", text("long")),
            (json!({ "a": 1 }), "nvarchar(max)", "nvarchar(4000)", text("{\"a\":1}")),
        ] {
            let parameter = for_column("x", &value, data_type).expect("fits");
            assert_eq!(parameter.declared(), declared, "{value} in {data_type}");
            assert!(parameter.value == travels, "{value} in {data_type}");
        }
        assert!(for_column("x", &json!("no base64!"), "image").is_err());
        assert!(for_column("x", &json!([]), "int").is_err());
    }

    #[test]
    fn short_texts_travel_whole_and_long_ones_in_a_part() {
        let mut out = Vec::new();
        Parameter::from("a").put("@P1", &mut out);
        let expected = [3, b'@', 0, b'P', 0, b'1', 0, 0, 0xE7, 0x40, 0x1F, 0, 0, 0, 0, 0, 2, 0, b'a', 0];
        assert_eq!(out, expected);
        let mut out = Vec::new();
        Parameter::from("a".repeat(4001).as_str()).put("", &mut out);
        assert_eq!(out[2..22], [0xE7, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0x42, 0x1F, 0, 0, 0, 0, 0, 0, 0x42, 0x1F, 0, 0]);
        assert_eq!((out.len(), &out[out.len() - 4..]), (22 + 8002 + 4, &[0; 4][..]));
    }
}
