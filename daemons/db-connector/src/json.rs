//! Pieces of JSON that all kinds write.

use std::io::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The largest whole number that every reader of JSON keeps exactly.
const MAX_SAFE: i64 = 1 << 53;
/// Decimal digits that a double keeps exactly.
const EXACT_DIGITS: usize = 15;

/// Appends `text` as a JSON string.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut clean_from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        // Nearly every byte of nearly every text ends here.
        if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[clean_from..at]);
        clean_from = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => out.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&bytes[clean_from..]);
    out.push(b'"');
}

/// Appends bytes as base64 with padding.
pub(crate) fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let mut text = String::with_capacity(bytes.len() / 3 * 4 + 4);
    STANDARD.encode_string(bytes, &mut text);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Appends a whole number: as a number where every reader keeps it exactly, else as a string.
pub(crate) fn write_integer(number: i128, out: &mut Vec<u8>) {
    if (-i128::from(MAX_SAFE)..=i128::from(MAX_SAFE)).contains(&number) {
        out.extend_from_slice(number.to_string().as_bytes());
    } else {
        out.extend_from_slice(format!("\"{number}\"").as_bytes());
    }
}

/// Appends a floating-point number; what JSON has no number for is a word, as PostgreSQL writes it.
pub(crate) fn write_float(value: f64, out: &mut Vec<u8>) {
    let written = if value.is_nan() {
        out.write_all(b"\"NaN\"")
    } else if value.is_infinite() {
        out.write_all(if value > 0.0 { b"\"Infinity\"" } else { b"\"-Infinity\"" })
    } else if value == 0.0 || (1e-5..1e15).contains(&value.abs()) {
        write!(out, "{value}")
    } else {
        // Rust writes all zeros of a large or small number; the exponent is the shorter form that JSON knows too.
        write!(out, "{value:e}")
    };
    written.expect("memory takes all");
}

/// Makes the decimal number that was appended from `start` on a string, if a double would not keep all its digits.
pub(crate) fn quote_long_number(start: usize, out: &mut Vec<u8>) {
    if out[start..].iter().filter(|byte| byte.is_ascii_digit()).count() > EXACT_DIGITS {
        out.insert(start, b'"');
        out.push(b'"');
    }
}

/// A document that came as JSON, with whole numbers that readers would round as strings.
pub(crate) fn exact(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let is_safe = |whole: i128| (-i128::from(MAX_SAFE)..=i128::from(MAX_SAFE)).contains(&whole);
            match number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)) {
                Some(whole) if !is_safe(whole) => Value::String(number.to_string()),
                _ => Value::Number(number),
            }
        }
        Value::Array(items) => Value::Array(items.into_iter().map(exact).collect()),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(key, value)| (key, exact(value))).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_string_reads_back_as_it_was(text in "(?s).*") {
            let mut out = Vec::new();
            write_string(&text, &mut out);
            let back: String = serde_json::from_slice(&out).expect("JSON");
            proptest::prop_assert_eq!(back, text);
        }
    }

    #[test]
    fn a_document_keeps_its_long_numbers() {
        let document = serde_json::json!({ "a": [u64::MAX, i64::MIN, 7, 0.5] });
        let expected = serde_json::json!({ "a": ["18446744073709551615", "-9223372036854775808", 7, 0.5] });
        assert_eq!(exact(document), expected);
    }

    #[test]
    fn a_number_that_readers_would_round_is_a_string() {
        let written = |number| {
            let mut out = Vec::new();
            write_integer(number, &mut out);
            String::from_utf8(out).expect("text")
        };
        assert_eq!(written(i128::from(MAX_SAFE)), "9007199254740992");
        assert_eq!(written(i128::from(MAX_SAFE) + 1), "\"9007199254740993\"");
        assert_eq!(written(i128::from(u64::MAX)), "\"18446744073709551615\"");
    }
}
