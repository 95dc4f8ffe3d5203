//! Rows as JSON, written straight from the form in which they travel.
//!
//! | SQL Server | JSON |
//! |---|---|
//! | tinyint, smallint, int, real, float | number |
//! | bigint | number up to 2^53, where every reader keeps it exactly, else string |
//! | decimal, numeric, money, smallmoney | number up to 15 digits, likewise, else string |
//! | bit | boolean |
//! | date, datetime, datetime2, smalldatetime | ISO 8601 string; datetimeoffset with its offset |
//! | time | string |
//! | binary, varbinary, image, rowversion, types of the database's own | base64 |
//! | char, nchar, varchar, nvarchar, text, ntext, xml, uniqueidentifier | string |
//! | sql_variant | as the type that it holds |

use std::io::Write as _;

use super::types::{TypeInfo, token};
use super::wire::{Fields, from_utf16};
use super::{collation, temporal};
use crate::answer::Columns;
use crate::error::QueryError;
use crate::json::{quote_long_number, write_base64, write_float, write_integer, write_single, write_string};

/// A column of a result.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) info: TypeInfo,
}

/// The columns of a result, ready to write rows.
#[derive(Debug, Default)]
pub(super) struct RowWriter {
    pub(super) columns: Columns,
    types: Vec<TypeInfo>,
}

impl RowWriter {
    pub(super) fn new(columns: &[Column]) -> Self {
        let mut writer = Self::default();
        for Column { name, info } in columns {
            writer.columns.add(name, type_name(info));
            writer.types.push(info.clone());
        }
        writer
    }

    /// Appends one row as an object. `is_packed` tells whether a bit for each column says which are null.
    pub(super) fn write(&self, row: &[u8], is_packed: bool, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let mut fields = Fields::new(row);
        let nulls = if is_packed { fields.take(self.types.len().div_ceil(8)).unwrap_or_default() } else { &[] };
        out.push(b'{');
        for (index, (key, info)) in self.columns.keys().zip(&self.types).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            let is_null = nulls.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1);
            let value = if is_null { Some(None) } else { info.value(&mut fields) };
            let written = match value {
                Some(Some(bytes)) => write_value(info, &bytes, out),
                Some(None) => {
                    out.extend_from_slice(b"null");
                    Some(())
                }
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

/// The name of a type.
fn type_name(info: &TypeInfo) -> &str {
    match (info.token, info.size) {
        (token::NULL, _) => "null",
        (token::INT1, _) | (token::INT, 1) => "tinyint",
        (token::INT2, _) | (token::INT, 2) => "smallint",
        (token::INT4, _) | (token::INT, 4) => "int",
        (token::INT8 | token::INT, _) => "bigint",
        (token::BIT1 | token::BIT, _) => "bit",
        (token::REAL4, _) | (token::FLOAT, 4) => "real",
        (token::FLOAT8 | token::FLOAT, _) => "float",
        (token::DECIMAL, _) => "decimal",
        (token::NUMERIC, _) => "numeric",
        (token::MONEY4, _) | (token::MONEY, 4) => "smallmoney",
        (token::MONEY8 | token::MONEY, _) => "money",
        (token::SMALLDATETIME4, _) | (token::DATETIME, 4) => "smalldatetime",
        (token::DATETIME8 | token::DATETIME, _) => "datetime",
        (token::DATE, _) => "date",
        (token::TIME, _) => "time",
        (token::DATETIME2, _) => "datetime2",
        (token::DATETIMEOFFSET, _) => "datetimeoffset",
        (token::GUID, _) => "uniqueidentifier",
        (token::CHAR, _) => "char",
        (token::VARCHAR, _) => "varchar",
        (token::TEXT, _) => "text",
        (token::NCHAR, _) => "nchar",
        (token::NVARCHAR, _) => "nvarchar",
        (token::NTEXT, _) => "ntext",
        (token::BINARY, _) => "binary",
        (token::VARBINARY, _) => "varbinary",
        (token::IMAGE, _) => "image",
        (token::XML, _) => "xml",
        (token::VARIANT, _) => "sql_variant",
        _ => info.name.as_deref().unwrap_or("unknown"),
    }
}

/// Appends a value's JSON form. `None` when the bytes are not what the type promises.
fn write_value(info: &TypeInfo, bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    match info.token {
        token::INT | token::INT1 | token::INT2 | token::INT4 | token::INT8 => {
            write_integer(integer(bytes)?.into(), out)
        }
        token::BIT | token::BIT1 => out.extend_from_slice(if bytes.first()? == &0 { b"false" } else { b"true" }),
        token::FLOAT | token::REAL4 | token::FLOAT8 => match bytes.len() {
            4 => write_single(f32::from_le_bytes(bytes.try_into().ok()?), out),
            _ => write_float(f64::from_le_bytes(bytes.try_into().ok()?), out),
        },
        token::DECIMAL | token::NUMERIC => {
            let (sign, digits) = bytes.split_first()?;
            let mut magnitude = [0; 16];
            magnitude.get_mut(..digits.len())?.copy_from_slice(digits);
            decimal(*sign == 0, u128::from_le_bytes(magnitude), info.scale, out);
        }
        token::MONEY | token::MONEY8 | token::MONEY4 => {
            let amount = money(bytes)?;
            decimal(amount < 0, amount.unsigned_abs().into(), 4, out);
        }
        token::DATE => temporal::date(bytes, out)?,
        token::TIME => temporal::time(bytes, info.scale, out)?,
        token::DATETIME2 => temporal::datetime2(bytes, info.scale, out)?,
        token::DATETIMEOFFSET => temporal::datetimeoffset(bytes, info.scale, out)?,
        token::DATETIME | token::DATETIME8 | token::SMALLDATETIME4 => temporal::datetime(bytes, out)?,
        token::GUID => guid(bytes, out)?,
        token::CHAR | token::VARCHAR | token::TEXT => write_string(&collation::decode(bytes, info.collation)?, out),
        token::NCHAR | token::NVARCHAR | token::NTEXT | token::XML => write_string(&from_utf16(bytes), out),
        token::VARIANT => variant(bytes, out)?,
        token::BINARY | token::VARBINARY | token::IMAGE | token::UDT => write_base64(bytes, out),
        _ => return None,
    }
    Some(())
}

/// A whole number; one of one byte has no sign.
fn integer(bytes: &[u8]) -> Option<i64> {
    Some(match bytes {
        [byte] => (*byte).into(),
        [a, b] => i16::from_le_bytes([*a, *b]).into(),
        [a, b, c, d] => i32::from_le_bytes([*a, *b, *c, *d]).into(),
        eight => i64::from_le_bytes(eight.try_into().ok()?),
    })
}

/// Ten thousandths; of eight bytes the upper half comes first.
fn money(bytes: &[u8]) -> Option<i64> {
    Some(match bytes {
        [a, b, c, d] => i32::from_le_bytes([*a, *b, *c, *d]).into(),
        [a, b, c, d, low @ ..] => {
            let low = u32::from_le_bytes(low.try_into().ok()?);
            i64::from(i32::from_le_bytes([*a, *b, *c, *d])) << 32 | i64::from(low)
        }
        _ => return None,
    })
}

/// A number with all its digits, those behind the point included.
fn decimal(is_negative: bool, magnitude: u128, scale: u8, out: &mut Vec<u8>) {
    let start = out.len();
    let digits = format!("{magnitude:0width$}", width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let (sign, point) = (if is_negative { "-" } else { "" }, if scale > 0 { "." } else { "" });
    out.extend_from_slice(format!("{sign}{whole}{point}{fraction}").as_bytes());
    quote_long_number(start, out);
}

/// An id as SQL Server shows it: its first three parts travel with the lower byte first.
fn guid(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let id = uuid::Uuid::from_bytes_le(bytes.try_into().ok()?);
    write!(out, "\"{:X}\"", id.as_hyphenated()).ok()
}

/// A value that says its type itself.
fn variant(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut fields = Fields::new(bytes);
    let mut info = TypeInfo { token: fields.u8()?, ..TypeInfo::default() };
    let length = usize::from(fields.u8()?);
    let mut about = Fields::new(fields.take(length)?);
    match info.token {
        token::TIME | token::DATETIME2 | token::DATETIMEOFFSET => info.scale = about.u8()?,
        token::DECIMAL | token::NUMERIC => info.scale = about.array::<2>()?[1],
        token::CHAR | token::VARCHAR | token::NCHAR | token::NVARCHAR => info.collation = about.array()?,
        token::VARIANT => return None,
        _ => {}
    }
    write_value(&info, fields.rest(), out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(info: TypeInfo, bytes: &[u8]) -> String {
        let mut out = Vec::new();
        write_value(&info, bytes, &mut out).expect("a value");
        String::from_utf8(out).expect("text")
    }

    fn of(token: u8, scale: u8) -> TypeInfo {
        TypeInfo { token, scale, ..TypeInfo::default() }
    }

    #[test]
    fn numbers_keep_their_digits() {
        assert_eq!(written(of(token::INT, 0), &[0xFF]), "255");
        assert_eq!(written(of(token::INT, 0), &[0xFF, 0xFF]), "-1");
        assert_eq!(written(of(token::INT8, 0), &i64::MIN.to_le_bytes()), "\"-9223372036854775808\"");
        assert_eq!(written(of(token::DECIMAL, 2), &[1, 5, 0, 0, 0]), "0.05");
        assert_eq!(written(of(token::NUMERIC, 0), &[0, 12, 0, 0, 0]), "-12");
        let mut most = vec![0];
        most.extend_from_slice(&99_999_999_999_999_999_999_999_999_999_999_999_999_u128.to_le_bytes());
        assert_eq!(written(of(token::DECIMAL, 10), &most), "\"-9999999999999999999999999999.9999999999\"");
        let amount = -9_223_372_036_854_775_807_i64;
        let mut bytes = i32::try_from(amount >> 32).expect("fits").to_le_bytes().to_vec();
        bytes.extend_from_slice(&u32::try_from(amount & 0xFFFF_FFFF).expect("fits").to_le_bytes());
        assert_eq!(written(of(token::MONEY, 0), &bytes), "\"-922337203685477.5807\"");
        assert_eq!(written(of(token::MONEY4, 0), &(-5_i32).to_le_bytes()), "-0.0005");
        assert_eq!(written(of(token::FLOAT, 0), &0.1_f32.to_le_bytes()), "0.1");
    }

    #[test]
    fn other_values_have_their_forms() {
        assert_eq!(written(of(token::BIT, 0), &[1]), "true");
        let id = [0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF];
        assert_eq!(written(of(token::GUID, 0), &id), "\"00112233-4455-6677-8899-AABBCCDDEEFF\"");
        assert_eq!(written(of(token::VARBINARY, 0), &[0, 1, 255]), "\"AAH/\"");
        assert_eq!(written(of(token::XML, 0), b"<\0a\0/\0>\0"), "\"<a/>\"");
        assert_eq!(written(of(token::VARIANT, 0), &[token::NUMERIC, 2, 5, 1, 1, 15, 0, 0, 0]), "1.5");
        assert_eq!(written(of(token::VARIANT, 0), &[token::INT4, 0, 7, 0, 0, 0]), "7");
        assert_eq!(written(of(token::VARIANT, 0), &[token::NVARCHAR, 7, 9, 4, 0, 0, 0, 8, 0, b'a', 0]), "\"a\"");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_json_or_no_value(kind in 0_u8..=255, scale in 0_u8..40, bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..40)) {
            let mut out = Vec::new();
            if write_value(&of(kind, scale), &bytes, &mut out).is_some() {
                proptest::prop_assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok());
            }
        }
    }
}
