//! Pieces of JSON that all kinds write.

use std::borrow::Cow;
use std::io::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

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

/// Appends a floating-point number of single precision, with the digits that it has and no more.
pub(crate) fn write_single(value: f32, out: &mut Vec<u8>) {
    let written = if !value.is_finite() {
        return write_float(value.into(), out);
    } else if value == 0.0 || (1e-5..1e15).contains(&value.abs()) {
        write!(out, "{value}")
    } else {
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

/// A JSON document whose numbers are strings where a reader would not keep all their digits. What is no JSON stays none.
pub(crate) fn exact_numbers(document: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    while at < document.len() {
        match document[at] {
            b'"' => at = after_string(document, at),
            b'-' | b'0'..=b'9' => {
                let is_of_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                let length = document[at..].iter().take_while(|byte| is_of_number(byte)).count();
                let number = &document[at..at + length];
                if !std::str::from_utf8(number).is_ok_and(is_kept) {
                    out.extend_from_slice(&document[copied..at]);
                    out.push(b'"');
                    out.extend_from_slice(number);
                    out.push(b'"');
                    copied = at + length;
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(document);
    }
    out.extend_from_slice(&document[copied..]);
    Cow::Owned(out)
}

/// Whether a reader of JSON keeps this number, or refuses it.
fn is_kept(number: &str) -> bool {
    if let Ok(whole) = number.parse::<i64>() {
        return (-MAX_SAFE..=MAX_SAFE).contains(&whole);
    }
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    match number.parse::<f64>() {
        // What was written from a double comes back as it was.
        Ok(double) => {
            double.is_finite()
                && (digits <= EXACT_DIGITS || format!("{double}") == number || format!("{double:e}") == number)
        }
        Err(_) => true,
    }
}

/// Where the string that opens at `open` has ended.
pub(crate) fn after_string(document: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while at < document.len() {
        match document[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    document.len()
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

    #[test]
    fn numbers_of_others_keep_their_digits() {
        let exact = |text: &str| String::from_utf8(exact_numbers(text.as_bytes()).into_owned()).expect("text");
        let same = r#"{"a": 9007199254740992, "b": "9007199254740993", "c\\"": [1.5, -0.30000000000000004, 1e300]}"#;
        assert_eq!(exact(same), same);
        assert_eq!(exact("[9007199254740993,-1]"), r#"["9007199254740993",-1]"#);
        assert_eq!(exact("12345678901234567890123"), r#""12345678901234567890123""#);
        assert_eq!(exact(r#"{"x":0.12345678901234567891}"#), r#"{"x":"0.12345678901234567891"}"#);
        assert_eq!(exact("1e999"), r#""1e999""#);
        for broken in ["", "\"", "\"\\", "-", "1.2.3", "\"a\\\"1"] {
            assert_eq!(exact(broken), broken);
        }
    }
}
