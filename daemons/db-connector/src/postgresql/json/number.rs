//! Numbers. A number that some reader would round is written as a string.

use std::io::Write as _;

use crate::json::{quote_long_number, write_float, write_integer, write_single};

pub(super) fn int2(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    append(i16::from_be_bytes(raw.try_into().ok()?), out)
}

pub(super) fn int4(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    append(i32::from_be_bytes(raw.try_into().ok()?), out)
}

pub(super) fn oid(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    append(u32::from_be_bytes(raw.try_into().ok()?), out)
}

pub(super) fn int8(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    write_integer(i64::from_be_bytes(raw.try_into().ok()?).into(), out);
    Some(())
}

pub(super) fn float4(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    write_single(f32::from_be_bytes(raw.try_into().ok()?), out);
    Some(())
}

pub(super) fn float8(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    write_float(f64::from_be_bytes(raw.try_into().ok()?), out);
    Some(())
}

/// Count of base-10000 digits, weight of the first, sign, decimals shown, digits.
pub(super) fn numeric(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let field = |index: usize| raw.get(index * 2..index * 2 + 2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
    let (count, weight, sign, scale) = (field(0)?, field(1)?.cast_signed(), field(2)?, field(3)?);
    match sign {
        0xC000 => return quoted("NaN", out),
        0xD000 => return quoted("Infinity", out),
        0xF000 => return quoted("-Infinity", out),
        _ => {}
    }
    // The digit worth 10000^place.
    let digit = |place: i32| {
        let index = i32::from(weight) - place;
        if (0..i32::from(count)).contains(&index) { field(4 + usize::try_from(index).ok()?) } else { Some(0) }
    };
    let start = out.len();
    if sign == 0x4000 {
        out.push(b'-');
    }
    write!(out, "{}", digit(i32::from(weight).max(0))?).ok()?;
    for place in (0..i32::from(weight).max(0)).rev() {
        write!(out, "{:04}", digit(place)?).ok()?;
    }
    if scale > 0 {
        out.push(b'.');
        let end = out.len() + usize::from(scale);
        for place in 1..=i32::from(scale).div_euclid(4) + 1 {
            write!(out, "{:04}", digit(-place)?).ok()?;
        }
        out.truncate(end);
    }
    quote_long_number(start, out);
    Some(())
}

fn append(value: impl std::fmt::Display, out: &mut Vec<u8>) -> Option<()> {
    write!(out, "{value}").ok()
}

fn quoted(value: impl std::fmt::Display, out: &mut Vec<u8>) -> Option<()> {
    write!(out, "\"{value}\"").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn every_double_reads_back_as_it_was(value in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO) {
            let mut out = Vec::new();
            float8(&value.to_be_bytes(), &mut out).expect("a number");
            let text = String::from_utf8(out).expect("text");
            proptest::prop_assert_eq!(text.parse::<f64>().expect("a number"), value, "{}", text);
            let _: serde_json::Number = serde_json::from_str(&text).expect("JSON");
        }

        #[test]
        fn no_bytes_make_it_panic(raw in proptest::collection::vec(proptest::num::u8::ANY, 0..30)) {
            for write in [int2, int4, int8, oid, float4, float8, numeric] {
                let _ = write(&raw, &mut Vec::new());
            }
        }
    }
}
