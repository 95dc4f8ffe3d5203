//! Values of ClickHouse as JSON.
//!
//! The server writes each row as a list in JSON, told to quote what a double would not keep. Here numbers that fit lose their quotes again,
//! and bytes that are no text become `{"base64": "..."}`.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde_json::value::RawValue;

use crate::json::{quote_long_number, write_base64, write_float, write_integer};

/// How deep types nest at most.
const MAX_DEPTH: usize = 32;

/// What a column's values need.
#[derive(Debug, PartialEq)]
pub(super) enum Shape {
    /// Nothing: they are JSON as they come.
    Plain,
    Integer,
    Decimal,
    Float,
    List(Box<Self>),
    Tuple(Vec<Self>),
    /// A tuple whose parts have names.
    Object(Vec<Self>),
    Map(Box<Self>),
}

impl Shape {
    /// Of a type by its name, such as `Array(Nullable(UInt64))`.
    pub(super) fn of(type_name: &str) -> Self {
        Self::within(type_name.trim(), MAX_DEPTH)
    }

    fn within(type_name: &str, depth: usize) -> Self {
        let Some(depth) = depth.checked_sub(1) else { return Self::Plain };
        let (name, inside) = match type_name.split_once('(') {
            Some((name, rest)) => (name, rest.strip_suffix(')').unwrap_or(rest)),
            None => (type_name, ""),
        };
        match name {
            "Int64" | "UInt64" | "Int128" | "UInt128" | "Int256" | "UInt256" => Self::Integer,
            "Decimal" | "Decimal32" | "Decimal64" | "Decimal128" | "Decimal256" => Self::Decimal,
            "Float32" | "Float64" | "BFloat16" => Self::Float,
            "Nullable" | "LowCardinality" => Self::within(inside, depth),
            // Its second part is the values' type.
            "SimpleAggregateFunction" | "Map" => {
                let of = parts(inside).pop().map_or(Self::Plain, |value| Self::within(value, depth));
                if name == "Map" { Self::Map(Box::new(of)) } else { of }
            }
            "Array" => Self::List(Box::new(Self::within(inside, depth))),
            "Tuple" => {
                let parts = parts(inside);
                let unnamed: Vec<_> = parts.iter().map(|part| type_part(part)).collect();
                let is_named = !parts.is_empty() && unnamed.iter().all(|(is_named, _)| *is_named);
                let shapes = unnamed.into_iter().map(|(_, part)| Self::within(part, depth)).collect();
                if is_named { Self::Object(shapes) } else { Self::Tuple(shapes) }
            }
            _ => Self::Plain,
        }
    }
}

/// The parts between the commas of the outermost level.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start, mut quote) = (Vec::new(), 0_usize, 0, None);
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            _ if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'`') => quote = Some(byte),
            (None, b'(') => depth += 1,
            (None, b')') => depth = depth.saturating_sub(1),
            (None, b',') if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            (None, _) => {}
        }
    }
    if !text[start..].trim().is_empty() {
        parts.push(text[start..].trim());
    }
    parts
}

/// Whether a part of a tuple has a name, and its type: `a Int8`, `` `b c` Enum8('x y' = 1) ``, `Int8`.
fn type_part(part: &str) -> (bool, &str) {
    if let Some(quoted) = part.strip_prefix('`') {
        return quoted.rsplit_once("` ").map_or((true, part), |(_, type_name)| (true, type_name));
    }
    let name = part.split(['(', '\'']).next().unwrap_or_default();
    match name.find(' ') {
        Some(space) => (true, part[space + 1..].trim_start()),
        None => (false, part),
    }
}

/// Appends a value. None if it does not fit its shape.
pub(super) fn write(value: &RawValue, shape: &Shape, out: &mut Vec<u8>) -> Option<()> {
    let text = value.get();
    if text == "null" {
        out.extend_from_slice(b"null");
        return Some(());
    }
    let unquoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match (shape, unquoted) {
        (Shape::Integer, Some(digits)) => match digits.parse() {
            Ok(number) => write_integer(number, out),
            // Of 256 bits.
            Err(_) => out.extend_from_slice(text.as_bytes()),
        },
        (Shape::Decimal, Some(digits)) => {
            serde_json::from_str::<serde_json::Number>(digits).ok()?;
            let start = out.len();
            out.extend_from_slice(digits.as_bytes());
            quote_long_number(start, out);
        }
        (Shape::Float, Some(word)) => write_float(word.parse().ok()?, out),
        (Shape::List(shape), _) => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            write_list(&items, |_| Some(shape), out)?;
        }
        (Shape::Tuple(shapes), _) => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            write_list(&items, |index| shapes.get(index), out)?;
        }
        (Shape::Map(shape), _) => write_object(text, |_| Some(shape), out)?,
        (Shape::Object(shapes), _) if text.starts_with('{') => write_object(text, |index| shapes.get(index), out)?,
        _ => out.extend_from_slice(text.as_bytes()),
    }
    Some(())
}

fn write_list<'a>(items: &[&RawValue], shape: impl Fn(usize) -> Option<&'a Shape>, out: &mut Vec<u8>) -> Option<()> {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, shape(index).unwrap_or(&Shape::Plain), out)?;
    }
    out.push(b']');
    Some(())
}

fn write_object<'a>(text: &str, shape: impl Fn(usize) -> Option<&'a Shape>, out: &mut Vec<u8>) -> Option<()> {
    let fields: IndexMap<Cow<'_, str>, &RawValue> = serde_json::from_str(text).ok()?;
    out.push(b'{');
    for (index, (key, item)) in fields.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&crate::answer::key(key));
        write(item, shape(index).unwrap_or(&Shape::Plain), out)?;
    }
    out.push(b'}');
    Some(())
}

/// A row in which each string that is no UTF-8 is `{"base64": "..."}`; none if a string has no end.
pub(super) fn text_of(row: &[u8]) -> Option<Cow<'_, str>> {
    if let Ok(text) = std::str::from_utf8(row) {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(row.len() * 2);
    let mut rest = row;
    while let Some(open) = rest.iter().position(|byte| *byte == b'"') {
        out.extend_from_slice(&rest[..open]);
        rest = &rest[open + 1..];
        let mut close = 0;
        while *rest.get(close)? != b'"' {
            close += if rest[close] == b'\\' { 2 } else { 1 };
        }
        let inside = &rest[..close];
        match std::str::from_utf8(inside) {
            Ok(_) => {
                out.push(b'"');
                out.extend_from_slice(inside);
                out.push(b'"');
            }
            Err(_) => {
                out.extend_from_slice(b"{\"base64\":");
                write_base64(&bytes_of(inside)?, &mut out);
                out.push(b'}');
            }
        }
        rest = &rest[close + 1..];
    }
    out.extend_from_slice(rest);
    String::from_utf8(out).ok().map(Cow::Owned)
}

/// The bytes that a JSON string stands for.
fn bytes_of(inside: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((&first, after)) = rest.split_first() {
        if first != b'\\' {
            bytes.push(first);
            rest = after;
            continue;
        }
        let (&escape, after) = after.split_first()?;
        rest = after;
        match escape {
            b'n' => bytes.push(b'\n'),
            b't' => bytes.push(b'\t'),
            b'r' => bytes.push(b'\r'),
            b'b' => bytes.push(8),
            b'f' => bytes.push(12),
            b'u' => {
                let digits = std::str::from_utf8(after.get(..4)?).ok()?;
                // The server writes only control characters so.
                let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &after[4..];
            }
            other => bytes.push(other),
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(type_name: &str, value: &str) -> String {
        let value: &RawValue = serde_json::from_str(value).expect("JSON");
        let mut out = Vec::new();
        write(value, &Shape::of(type_name), &mut out).expect("written");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn numbers_keep_their_values_and_lose_quotes_where_they_may() {
        for (type_name, value, wanted) in [
            ("UInt64", "\"5\"", "5"),
            ("Nullable(UInt64)", "null", "null"),
            ("UInt64", "\"18446744073709551615\"", "\"18446744073709551615\""),
            (
                "Int256",
                "\"123456789012345678901234567890123456789012\"",
                "\"123456789012345678901234567890123456789012\"",
            ),
            ("Decimal(18, 2)", "\"1.1\"", "1.1"),
            ("Decimal(38, 2)", "\"12345678901234567890.12\"", "\"12345678901234567890.12\""),
            ("Float64", "\"nan\"", "\"NaN\""),
            ("Float64", "\"-inf\"", "\"-Infinity\""),
            ("Float64", "1e300", "1e300"),
            ("LowCardinality(Nullable(String))", "\"5\"", "\"5\""),
            ("Array(Int64)", "[\"1\",\"9007199254740993\"]", "[1,\"9007199254740993\"]"),
            ("Tuple(UInt8, Array(UInt64))", "[1,[\"2\"]]", "[1,[2]]"),
            ("Tuple(a Int8, `b c` Int64)", "{\"a\":1,\"b c\":\"2\"}", "{\"a\":1,\"b c\":2}"),
            ("Map(LowCardinality(String), UInt64)", "{\"k\":\"3\"}", "{\"k\":3}"),
            ("Enum8('a(,\\'' = 1)", "\"a(,'\"", "\"a(,'\""),
            ("SimpleAggregateFunction(sum, UInt64)", "\"7\"", "7"),
            ("DateTime64(6, 'UTC')", "\"2024-02-29T12:00:00.123456Z\"", "\"2024-02-29T12:00:00.123456Z\""),
        ] {
            assert_eq!(written(type_name, value), wanted, "{type_name}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_base64() {
        let row = b"[\"\xff\\u0000\\n\", [\"\xfe\\\"\"], \"ok\"]";
        let wanted = "[{\"base64\":\"/wAK\"}, [{\"base64\":\"/iI=\"}], \"ok\"]";
        assert_eq!(text_of(row).as_deref(), Some(wanted));
        assert_eq!(text_of(b"[\"\xff"), None);
        assert!(matches!(text_of(b"[1]"), Some(Cow::Borrowed("[1]"))));
    }

    proptest::proptest! {
        #[test]
        fn any_type_and_bytes_are_read_without_failing(name in "[A-Za-z(), '`\\\\]{0,60}", row in proptest::collection::vec(0_u8.., 0..60)) {
            let _ = Shape::of(&name);
            let _ = text_of(&row);
        }
    }
}
