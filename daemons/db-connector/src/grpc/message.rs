//! Messages from JSON and to JSON, as protobuf maps them: whole numbers of 64 bits are texts, bytes are base64, times are RFC 3339.

use std::io::{self, Write};

use bulkhead_model::query::QueryMode;
use bytes::Bytes;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, SerializeOptions};
use serde_json::{Map, Value};

use super::describe::{is_of_one_value, type_words};
use super::{too_large, wire};
use crate::change::nearest;
use crate::error::QueryError;
use crate::http::Bounds;

/// What has no presence is always told, so that a row has all its columns.
const OPTIONS: SerializeOptions = SerializeOptions::new().skip_default_fields(false);

/// What a message of an answer may take in memory, in bytes: about 100,000 rows of ten fields.
const MOST_BYTES: usize = 160 * 1024 * 1024;

/// A message. An error names the field that does not fit, and never its value.
pub(super) fn of_json(descriptor: &MessageDescriptor, value: Value) -> Result<DynamicMessage, QueryError> {
    let value = if value.is_null() { Value::Object(Map::new()) } else { value };
    DynamicMessage::deserialize(descriptor.clone(), &value).map_err(|_| fault(descriptor, &value, "message"))
}

/// The first thing in `value` that does not fit.
fn fault(descriptor: &MessageDescriptor, value: &Value, path: &str) -> QueryError {
    let at = |path: String, problem: String| QueryError::Field { field: path, problem };
    let name = descriptor.full_name();
    if is_of_one_value(descriptor) {
        return at(path.to_owned(), format!("must be {}", type_words(&Kind::Message(descriptor.clone()))));
    }
    let Value::Object(fields) = value else {
        return at(path.to_owned(), format!("must be an object with the fields of {name}"));
    };
    for (key, inner) in fields {
        let path = format!("{path}.{key}");
        let field = descriptor.get_field_by_json_name(key).or_else(|| descriptor.get_field_by_name(key));
        let Some(field) = field else {
            let known = descriptor.fields().map(|field| field.json_name().to_owned());
            return at(path, format!("is no field of {name}{}", nearest(key, known)));
        };
        let alone = Value::Object(Map::from_iter([(key.clone(), inner.clone())]));
        if DynamicMessage::deserialize(descriptor.clone(), &alone).is_err() {
            return field_fault(&field, inner, path);
        }
    }
    at(path.to_owned(), format!("does not fit {name}: a field is given twice, or two of which only one may be there"))
}

fn field_fault(field: &FieldDescriptor, value: &Value, path: String) -> QueryError {
    let kind = field.kind();
    let at = |path: String, problem: String| QueryError::Field { field: path, problem };
    if field.is_map() {
        let Kind::Message(entry) = kind else { return at(path, "must be an object".to_owned()) };
        let words = type_words(&entry.map_entry_value_field().kind());
        return at(path, format!("must be an object whose values are each {words}"));
    }
    let inner = if let Kind::Message(inner) = &kind { Some(inner) } else { None };
    if field.is_list() {
        let Value::Array(items) = value else {
            return at(path, format!("must be a list, of which each is {}", type_words(&kind)));
        };
        for (index, item) in items.iter().enumerate() {
            if let Some(inner) = inner
                && DynamicMessage::deserialize(inner.clone(), item).is_err()
            {
                return fault(inner, item, &format!("{path}[{index}]"));
            }
        }
        return at(path, format!("must be a list, of which each is {}", type_words(&kind)));
    }
    match inner {
        Some(inner) => fault(inner, value, &path),
        None => at(path, format!("must be {}", type_words(&kind))),
    }
}

/// A message of an answer as a JSON value.
pub(super) fn to_value(descriptor: &MessageDescriptor, message: &Bytes, bounds: Bounds) -> Result<Value, QueryError> {
    let mut json = Vec::new();
    write(descriptor, message, bounds, &mut json)?;
    serde_json::from_slice(&json).map_err(|error| unreadable(&error.to_string(), bounds))
}

/// Appends a message of an answer as JSON.
pub(super) fn write(
    descriptor: &MessageDescriptor,
    message: &Bytes,
    bounds: Bounds,
    out: &mut Vec<u8>,
) -> Result<(), QueryError> {
    if !wire::fits(descriptor, message, &mut { MOST_BYTES }) {
        return Err(too_large(bounds));
    }
    let message = DynamicMessage::decode(descriptor.clone(), message.clone()).map_err(|error| {
        unreadable(&format!("{error}: does the schema belong to another version of the server?"), bounds)
    })?;
    // A few bytes of a message may be many of JSON.
    let mut bounded = Bounded { left: bounds.max_bytes as usize, out };
    let written = message.serialize_with_options(&mut serde_json::Serializer::new(&mut bounded), &OPTIONS);
    written.map_err(|error| if error.is_io() { too_large(bounds) } else { unreadable(&error.to_string(), bounds) })
}

/// An answer that is none of its type, or holds an `Any` of a type that is not known.
fn unreadable(reason: &str, bounds: Bounds) -> QueryError {
    let message = match bounds.mode {
        QueryMode::Read => format!("the answer cannot be read: {reason}"),
        QueryMode::Write => format!("the call was made, and its answer cannot be read: {reason}"),
    };
    QueryError::Sql { message, sqlstate: "DATA_LOSS".to_owned(), position: None }
}

struct Bounded<'a> {
    left: usize,
    out: &'a mut Vec<u8>,
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or_else(|| io::Error::other("it is too large"))?;
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
