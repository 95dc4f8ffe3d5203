//! Rows as JSON, written straight from MySQL's binary format: no value is held in between.
//!
//! | MySQL, MariaDB | JSON |
//! |---|---|
//! | tinyint (boolean too), smallint, mediumint, int, year, float, double | number |
//! | bigint, signed or not | number up to 2^53, where every reader keeps it exactly, else string |
//! | decimal | number up to 15 digits, likewise, else string |
//! | date, datetime | ISO 8601 string; timestamp in UTC with `Z` |
//! | time | string, which may be negative or beyond a day |
//! | bit | string of its bits |
//! | json | as it is |
//! | binary, varbinary, blobs, geometry | base64 |
//! | char, varchar, texts, enum, set, uuid, inet | string |

use serde_json::value::RawValue;

mod temporal;

use super::protocol::ColumnDefinition;
use super::wire::Fields;
use crate::answer::Columns;
use crate::error::QueryError;
use crate::json::{quote_long_number, write_base64, write_float, write_integer, write_single, write_string};

/// The character set that is none: bytes.
const BINARY: u16 = 63;
const UNSIGNED: u16 = 1 << 5;
const ENUM: u16 = 1 << 8;
const SET: u16 = 1 << 11;
/// What MariaDB calls types that it sends as text.
const TEXT_FORMATS: [&str; 3] = ["uuid", "inet4", "inet6"];

/// How values of one column are read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoder {
    Null,
    Tiny { signed: bool },
    Short { signed: bool },
    Int { signed: bool },
    Big { signed: bool },
    Single,
    Double,
    Decimal,
    Date,
    DateTime,
    Timestamp,
    Time,
    Bits(u32),
    Json,
    Text,
    Bytes,
}

/// The columns of a result, ready to write rows.
#[derive(Debug, Default)]
pub(super) struct RowWriter {
    pub(super) columns: Columns,
    encoders: Vec<Encoder>,
}

impl RowWriter {
    /// Chooses an encoder for each column once.
    pub(super) fn new(columns: &[ColumnDefinition]) -> Result<Self, QueryError> {
        let mut writer = Self::default();
        for column in columns {
            let Some((type_name, encoder)) = encoder(column) else {
                let type_name = format!("number {} of the protocol", column.kind);
                return Err(QueryError::ColumnType { column: column.name.clone(), type_name });
            };
            writer.encoders.push(encoder);
            writer.columns.add(&column.name, &type_name);
        }
        Ok(writer)
    }

    /// Appends one row as an object: a byte, a bit for each column that is null, the other values.
    pub(super) fn write(&self, packet: &[u8], out: &mut Vec<u8>) -> Result<(), QueryError> {
        let bits = (self.encoders.len() + 9) / 8;
        let mut fields = Fields(packet);
        let nulls = fields.u8().and_then(|_| fields.take(bits)).unwrap_or_default();
        out.push(b'{');
        for (index, (key, encoder)) in self.columns.keys().zip(&self.encoders).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            // The first two bits are not used.
            let is_null = nulls.get((index + 2) / 8).map(|byte| byte >> ((index + 2) % 8) & 1 == 1);
            let written = match is_null {
                Some(true) => encoder_null(out),
                Some(false) => encoder.write(&mut fields, out),
                None => None,
            };
            written.ok_or_else(|| {
                let column = self.columns.get(index);
                QueryError::Value { column: column.name.clone(), type_name: column.type_name.clone() }
            })?;
        }
        out.push(b'}');
        Ok(())
    }
}

/// The name of a column's type, and how its values are written.
fn encoder(column: &ColumnDefinition) -> Option<(String, Encoder)> {
    let signed = column.flags & UNSIGNED == 0;
    let text_or = |text: &str, bytes: &str| {
        if column.charset == BINARY { (bytes.to_owned(), Encoder::Bytes) } else { (text.to_owned(), Encoder::Text) }
    };
    let whole = |name: &str, encoder| {
        let name = if signed { name.to_owned() } else { format!("{name} unsigned") };
        Some((name, encoder))
    };
    match column.format.as_deref() {
        Some("json") => return Some(("json".to_owned(), Encoder::Json)),
        Some(format) if TEXT_FORMATS.contains(&format) => return Some((format.to_owned(), Encoder::Text)),
        _ => {}
    }
    let (name, encoder) = match column.kind {
        0 | 246 => ("decimal", Encoder::Decimal),
        1 => return whole("tinyint", Encoder::Tiny { signed }),
        2 => return whole("smallint", Encoder::Short { signed }),
        3 => return whole("int", Encoder::Int { signed }),
        9 => return whole("mediumint", Encoder::Int { signed }),
        8 => return whole("bigint", Encoder::Big { signed }),
        13 => ("year", Encoder::Short { signed: false }),
        4 => ("float", Encoder::Single),
        5 => ("double", Encoder::Double),
        6 => ("null", Encoder::Null),
        7 => ("timestamp", Encoder::Timestamp),
        10 => ("date", Encoder::Date),
        11 => ("time", Encoder::Time),
        12 => ("datetime", Encoder::DateTime),
        16 => ("bit", Encoder::Bits(column.length)),
        245 => ("json", Encoder::Json),
        247 => ("enum", Encoder::Text),
        248 => ("set", Encoder::Text),
        254 if column.flags & ENUM != 0 => ("enum", Encoder::Text),
        254 if column.flags & SET != 0 => ("set", Encoder::Text),
        249..=252 => return Some(text_or("text", "blob")),
        15 | 253 => return Some(text_or("varchar", "varbinary")),
        254 => return Some(text_or("char", "binary")),
        255 => (column.format.as_deref().unwrap_or("geometry"), Encoder::Bytes),
        _ => return None,
    };
    Some((name.to_owned(), encoder))
}

fn encoder_null(out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(b"null");
    Some(())
}

impl Encoder {
    /// Reads a value and appends its JSON form. `None` when the bytes are not what the type promises.
    fn write(self, fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Null => return encoder_null(out),
            Self::Tiny { signed } => {
                let [byte] = fields.array()?;
                write_integer(if signed { byte.cast_signed().into() } else { byte.into() }, out);
            }
            Self::Short { signed } => {
                let value = fields.u16()?;
                write_integer(if signed { value.cast_signed().into() } else { value.into() }, out);
            }
            Self::Int { signed } => {
                let value = fields.u32()?;
                write_integer(if signed { value.cast_signed().into() } else { value.into() }, out);
            }
            Self::Big { signed } => {
                let value = u64::from_le_bytes(fields.array()?);
                write_integer(if signed { value.cast_signed().into() } else { value.into() }, out);
            }
            Self::Single => write_single(f32::from_le_bytes(fields.array()?), out),
            Self::Double => write_float(f64::from_le_bytes(fields.array()?), out),
            Self::Decimal => decimal(fields.counted()?, out)?,
            Self::Date => temporal::date(fields.counted()?, out)?,
            Self::DateTime => temporal::moment(fields.counted()?, b"", out)?,
            Self::Timestamp => temporal::moment(fields.counted()?, b"Z", out)?,
            Self::Time => temporal::time(fields.counted()?, out)?,
            Self::Bits(count) => bits(fields.counted()?, count, out)?,
            Self::Json => json(fields.counted()?, out),
            Self::Text => write_string(&String::from_utf8_lossy(fields.counted()?), out),
            Self::Bytes => write_base64(fields.counted()?, out),
        }
        Some(())
    }
}

/// A decimal number in digits. One that is filled up with zeros is no number of JSON's.
fn decimal(digits: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let text = std::str::from_utf8(digits).ok()?;
    if serde_json::from_str::<serde_json::Number>(text).is_err() {
        write_string(text, out);
        return Some(());
    }
    let start = out.len();
    out.extend_from_slice(digits);
    quote_long_number(start, out);
    Some(())
}

/// Bits, in as many bytes as they need, from the highest on.
fn bits(bytes: &[u8], count: u32, out: &mut Vec<u8>) -> Option<()> {
    let held = u32::try_from(bytes.len()).ok()? * 8;
    out.push(b'"');
    for place in held.checked_sub(count)?..held {
        let byte = bytes.get(usize::try_from(place / 8).ok()?)?;
        out.push(if byte & (0x80 >> (place % 8)) == 0 { b'0' } else { b'1' });
    }
    out.push(b'"');
    Some(())
}

/// JSON as it is. MariaDB checks it when it is written, unless that was turned off: what is none is a string.
fn json(text: &[u8], out: &mut Vec<u8>) {
    match serde_json::from_slice::<&RawValue>(text) {
        Ok(value) => out.extend_from_slice(value.get().as_bytes()),
        Err(_) => write_string(&String::from_utf8_lossy(text), out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: u8, charset: u16, flags: u16) -> ColumnDefinition {
        ColumnDefinition { name: "a".to_owned(), format: None, charset, length: 10, kind, flags }
    }

    fn written(write: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> Option<String> {
        let mut out = Vec::new();
        write(&mut out)?;
        Some(String::from_utf8(out).expect("text"))
    }

    #[test]
    fn values_keep_all_their_digits() {
        assert_eq!(written(|out| decimal(b"-12.50", out)).as_deref(), Some("-12.50"));
        assert_eq!(written(|out| decimal(b"12345678901234.56", out)).as_deref(), Some("\"12345678901234.56\""));
        assert_eq!(written(|out| decimal(b"0012.50", out)).as_deref(), Some("\"0012.50\""));
        assert_eq!(written(|out| bits(&[0b101, 0xFF], 10, out)).as_deref(), Some("\"0111111111\""));
        assert_eq!(written(|out| bits(&[1], 1, out)).as_deref(), Some("\"1\""));
        let unsigned = Encoder::Big { signed: false };
        let most = written(|out| unsigned.write(&mut Fields(&[0xFF; 8]), out));
        assert_eq!(most.as_deref(), Some("\"18446744073709551615\""));
    }

    #[test]
    fn what_is_no_json_is_a_string() {
        for (text, expected) in [("{\"a\": 1}", "{\"a\": 1}"), ("{a: 1}", "\"{a: 1}\""), ("1 2", "\"1 2\"")] {
            let mut out = Vec::new();
            json(text.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).expect("text"), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_row_makes_it_panic(packet in proptest::collection::vec(proptest::num::u8::ANY, 0..80), kind: u8, charset in 60_u16..66, flags: u16) {
            let columns = vec![column(kind, charset, flags); 3];
            if let Ok(writer) = RowWriter::new(&columns) {
                let _ = writer.write(&packet, &mut Vec::new());
            }
        }
    }
}
