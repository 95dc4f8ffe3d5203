//! How texts of char, varchar and text are written as bytes: by the code page of their column's collation.

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_8, WINDOWS_874, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253,
    WINDOWS_1254, WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258,
};

/// The bit of a collation whose texts are UTF-8.
const UTF8: u32 = 1 << 26;

/// The text of these bytes. `None` where it has letters beyond ASCII in a code page that is not known here.
pub(super) fn decode(bytes: &[u8], collation: [u8; 5]) -> Option<String> {
    if bytes.is_ascii() {
        return Some(String::from_utf8_lossy(bytes).into_owned());
    }
    let (text, _) = encoding(collation)?.decode_without_bom_handling(bytes);
    Some(text.into_owned())
}

fn encoding(collation: [u8; 5]) -> Option<&'static Encoding> {
    let [a, b, c, d, order] = collation;
    let bits = u32::from_le_bytes([a, b, c, d]);
    if bits & UTF8 != 0 {
        return Some(UTF_8);
    }
    if order != 0 { by_sort_order(order) } else { by_language(bits & 0xF_FFFF) }
}

/// Those whose names begin with `SQL_`.
fn by_sort_order(order: u8) -> Option<&'static Encoding> {
    Some(match order {
        // Code pages 437 and 850 of DOS.
        30..=49 | 55..=61 => return None,
        80..=96 => WINDOWS_1250,
        104..=108 => WINDOWS_1251,
        112..=124 => WINDOWS_1253,
        128..=130 => WINDOWS_1254,
        136..=138 => WINDOWS_1255,
        144..=146 => WINDOWS_1256,
        152..=160 => WINDOWS_1257,
        192 | 193 | 200 => SHIFT_JIS,
        194 | 195 | 201 => EUC_KR,
        196 | 197 | 202 => BIG5,
        198 | 199 | 203 => GBK,
        204..=206 => WINDOWS_874,
        _ => WINDOWS_1252,
    })
}

/// Those of Windows, by their language and region.
fn by_language(id: u32) -> Option<&'static Encoding> {
    let whole = id & 0xFFFF;
    match whole {
        0x0404 | 0x0C04 | 0x1404 => return Some(BIG5),
        0x0C1A | 0x201A | 0x082C | 0x0843 => return Some(WINDOWS_1251),
        0x042C | 0x0443 => return Some(WINDOWS_1254),
        _ => {}
    }
    Some(match whole & 0x3FF {
        0x01 | 0x20 | 0x29 | 0x80 | 0x8C => WINDOWS_1256,
        0x02 | 0x19 | 0x22 | 0x23 | 0x28 | 0x2F | 0x3F | 0x40 | 0x44 | 0x50 | 0x6D | 0x85 => WINDOWS_1251,
        0x04 => GBK,
        0x05 | 0x0E | 0x15 | 0x18 | 0x1A | 0x1B | 0x1C | 0x24 | 0x42 => WINDOWS_1250,
        0x08 => WINDOWS_1253,
        0x0D => WINDOWS_1255,
        0x11 => SHIFT_JIS,
        0x12 => EUC_KR,
        0x1E => WINDOWS_874,
        0x1F => WINDOWS_1254,
        0x25..=0x27 => WINDOWS_1257,
        0x2A => WINDOWS_1258,
        0 => return None,
        _ => WINDOWS_1252,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_by_its_code_page() {
        for (bytes, collation, text) in [
            (&b"caf\xe9"[..], [0x09, 0x04, 0xD0, 0, 0x34], Some("café")),
            (b"caf\xe9", [0x09, 0x04, 0xD0, 0, 0], Some("café")),
            (b"\xcf\xf0\xe8", [0x19, 0x04, 0, 0, 0], Some("При")),
            (b"\x93\xfa", [0x11, 0x04, 0, 0, 0], Some("日")),
            ("é".as_bytes(), [0x09, 0x04, 0, 0x04, 0], Some("é")),
            (b"caf\x82", [0x09, 0x04, 0, 0, 30], None),
            (b"cafe", [0x09, 0x04, 0, 0, 30], Some("cafe")),
        ] {
            assert_eq!(decode(bytes, collation).as_deref(), text, "{collation:?}");
        }
    }
}
