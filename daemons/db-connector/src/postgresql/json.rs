//! Rows as JSON, written straight from PostgreSQL's binary format: no value is held in between.
//!
//! | PostgreSQL | JSON |
//! |---|---|
//! | int2, int4, float4, float8, oid | number (NaN and infinities: string) |
//! | int8 | number up to 2^53, where every reader keeps it exactly, else string |
//! | numeric | number up to 15 digits, likewise, else string |
//! | bool | true, false |
//! | json, jsonb | as it is |
//! | date, time, timetz, timestamp | ISO 8601 string; timestamptz in UTC with `Z` |
//! | interval | ISO 8601 duration |
//! | bytea | base64 |
//! | arrays, composite types | arrays, objects |
//! | text, enums, uuid, inet, macaddr, bit | string, as the server shows it |
//!
//! A column of any other type is refused before its statement runs, with the cast that shows it as text.

use bulkhead_rpc::connector::Column;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Kind, Type};

mod nested;
mod number;
mod temporal;
mod text;

use crate::answer::{Columns, key};
use crate::error::QueryError;

/// Appends the JSON form of one value in binary format. `None` when the bytes are not what the type promises.
type Write = fn(&[u8], &mut Vec<u8>) -> Option<()>;

/// How values of one type are written.
#[derive(Clone, Debug)]
enum Encoder {
    Value(Write),
    Array(Box<Encoder>),
    /// `"name":` of each field, and its encoder.
    Composite(Vec<(Vec<u8>, Encoder)>),
}

/// The columns of a result, ready to write rows.
#[derive(Debug, Default)]
pub(super) struct RowWriter {
    pub(super) columns: Columns,
    encoders: Vec<Encoder>,
}

/// The bytes of a value as the server sent them.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl RowWriter {
    /// Chooses an encoder for each column once.
    pub(super) fn new(columns: &[tokio_postgres::Column]) -> Result<Self, QueryError> {
        let mut writer = Self::default();
        for column in columns {
            let type_name = column.type_().name();
            let unsupported =
                || QueryError::ColumnType { column: column.name().to_owned(), type_name: type_name.to_owned() };
            writer.encoders.push(encoder(column.type_()).ok_or_else(unsupported)?);
            writer.columns.add(column.name(), type_name);
        }
        Ok(writer)
    }

    /// Appends one row as an object.
    pub(super) fn write(&self, row: &Row, out: &mut Vec<u8>) -> Result<(), QueryError> {
        out.push(b'{');
        for (index, (key, encoder)) in self.columns.keys().zip(&self.encoders).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            let written = match row.try_get::<_, Option<Raw<'_>>>(index) {
                Ok(None) => {
                    out.extend_from_slice(b"null");
                    Some(())
                }
                Ok(Some(raw)) => encoder.write(raw.0, out),
                Err(_) => None,
            };
            written.ok_or_else(|| {
                let Column { name, type_name } = self.columns.get(index);
                QueryError::Value { column: name.clone(), type_name: type_name.clone() }
            })?;
        }
        out.push(b'}');
        Ok(())
    }
}

impl Encoder {
    fn write(&self, raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Value(write) => write(raw, out),
            Self::Array(element) => nested::array(raw, element, out),
            Self::Composite(fields) => nested::composite(raw, fields, out),
        }
    }
}

fn encoder(ty: &Type) -> Option<Encoder> {
    match ty.kind() {
        Kind::Array(element) => Some(Encoder::Array(Box::new(encoder(element)?))),
        Kind::Domain(inner) => encoder(inner),
        Kind::Enum(_) => Some(Encoder::Value(text::text)),
        Kind::Composite(fields) => {
            let fields = fields.iter().map(|field| Some((key(field.name()), encoder(field.type_())?)));
            fields.collect::<Option<_>>().map(Encoder::Composite)
        }
        _ => value_encoder(ty).map(Encoder::Value),
    }
}

fn value_encoder(ty: &Type) -> Option<Write> {
    Some(match *ty {
        Type::BOOL => boolean,
        Type::INT2 => number::int2,
        Type::INT4 => number::int4,
        Type::INT8 => number::int8,
        Type::OID | Type::REGCLASS | Type::REGTYPE | Type::XID | Type::CID => number::oid,
        Type::FLOAT4 => number::float4,
        Type::FLOAT8 => number::float8,
        Type::NUMERIC => number::numeric,
        Type::JSON => json,
        Type::JSONB => jsonb,
        Type::UUID => text::uuid,
        Type::BYTEA => text::bytea,
        Type::DATE => temporal::date,
        Type::TIME => temporal::time,
        Type::TIMETZ => temporal::timetz,
        Type::TIMESTAMP => temporal::timestamp,
        Type::TIMESTAMPTZ => temporal::timestamptz,
        Type::INTERVAL => temporal::interval,
        Type::INET | Type::CIDR => text::inet,
        Type::MACADDR | Type::MACADDR8 => text::macaddr,
        Type::BIT | Type::VARBIT => text::bits,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::XML | Type::CHAR => text::text,
        // Extension types whose binary form is their text.
        _ if ty.name() == "citext" => text::text,
        Type::VOID => void,
        _ => return None,
    })
}

fn boolean(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(if *raw.first()? == 0 { b"false" } else { b"true" });
    Some(())
}

/// What a function without a result returns.
fn void(_: &[u8], out: &mut Vec<u8>) -> Option<()> {
    null(out)
}

fn null(out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(b"null");
    Some(())
}

fn json(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(raw);
    Some(())
}

/// A version byte, then the text.
fn jsonb(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    json(raw.strip_prefix(&[1])?, out)
}
