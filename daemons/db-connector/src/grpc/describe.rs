//! What the methods of a server are told as: tables for the browser, columns of rows, and a first message to fill in.

use bulkhead_rpc::connector::{Asking, Column, Schema, Table};
use prost_reflect::prost_types::method_options::IdempotencyLevel;
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use serde_json::{Map, Value, json};

/// Methods that are told at most.
const MAX_METHODS: usize = 2000;
/// How deep a first message goes.
const MAX_DEPTH: usize = 4;
/// Fields of a first message at most, those within included.
const MAX_FIELDS: usize = 120;
/// Names of an enumeration that a message offers.
const SHOWN_NAMES: usize = 12;

/// Each method that can be called as a table of its service, with the fields of its message.
pub(super) fn schema(pools: &[DescriptorPool]) -> Schema {
    let mut tables: Vec<Table> = Vec::new();
    for method in
        pools.iter().flat_map(DescriptorPool::services).flat_map(|service| service.methods().collect::<Vec<_>>())
    {
        if method.is_client_streaming() || tables.len() == MAX_METHODS {
            continue;
        }
        tables.push(table(&method));
    }
    tables.sort_by(|one, other| (&one.schema, &one.name).cmp(&(&other.schema, &other.name)));
    tables.dedup_by(|one, other| one.schema == other.schema && one.name == other.name);
    Schema { tables }
}

fn table(method: &MethodDescriptor) -> Table {
    let input = method.input();
    let options = method.method_descriptor_proto().options.clone().unwrap_or_default();
    Table {
        schema: method.parent_service().full_name().to_owned(),
        name: method.name().to_owned(),
        columns: columns(&input),
        asking: Some(Asking {
            message: skeleton(&input, MAX_DEPTH, &mut { MAX_FIELDS }),
            answer: method.output().full_name().to_owned(),
            is_stream: method.is_server_streaming(),
            is_read: options.idempotency_level() == IdempotencyLevel::NoSideEffects,
        }),
        ..Table::default()
    }
}

/// The fields of a message, as the columns of rows that are such messages.
pub(super) fn columns(message: &MessageDescriptor) -> Vec<Column> {
    if is_of_one_value(message) {
        return vec![Column { name: "value".to_owned(), type_name: message.full_name().to_owned() }];
    }
    let column = |field: FieldDescriptor| Column { name: field.json_name().to_owned(), type_name: type_name(&field) };
    message.fields().map(column).collect()
}

fn type_name(field: &FieldDescriptor) -> String {
    if field.is_map()
        && let Kind::Message(entry) = field.kind()
    {
        let (key, value) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
        return format!("map<{}, {}>", kind_name(&key), kind_name(&value));
    }
    let name = kind_name(&field.kind());
    if field.is_list() { format!("repeated {name}") } else { name }
}

fn kind_name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(names) => names.full_name().to_owned(),
        scalar => format!("{scalar:?}").to_ascii_lowercase(),
    }
}

/// Whether the JSON of a message is not an object of its fields.
pub(super) fn is_of_one_value(message: &MessageDescriptor) -> bool {
    well_known(message).is_some_and(|known| !known.is_object())
}

/// What the JSON of a well-known type is like; nothing for any other.
fn well_known(message: &MessageDescriptor) -> Option<Value> {
    Some(match message.full_name().strip_prefix("google.protobuf.")? {
        "Timestamp" => json!("2026-01-31T12:00:00Z"),
        "Duration" => json!("1.5s"),
        "FieldMask" => json!("name,address"),
        "DoubleValue" | "FloatValue" | "Int32Value" | "UInt32Value" => json!(0),
        "Int64Value" | "UInt64Value" => json!("0"),
        "BoolValue" => json!(false),
        "StringValue" | "BytesValue" => json!(""),
        "ListValue" => json!([]),
        "Value" => Value::Null,
        "Struct" | "Empty" => json!({}),
        "Any" => json!({ "@type": "type.googleapis.com/" }),
        _ => return None,
    })
}

/// A first message: each field with the value that it has when nobody says one, one member of each oneof.
fn skeleton(message: &MessageDescriptor, depth: usize, left: &mut usize) -> Value {
    if let Some(known) = well_known(message) {
        return known;
    }
    let mut fields = Map::new();
    for field in message.fields().filter(|_| depth > 0) {
        let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
        let is_other = oneof.is_some_and(|oneof| oneof.fields().next().is_some_and(|first| first != field));
        if is_other || *left == 0 {
            continue;
        }
        *left -= 1;
        fields.insert(field.json_name().to_owned(), sample(&field, depth - 1, left));
    }
    Value::Object(fields)
}

fn sample(field: &FieldDescriptor, depth: usize, left: &mut usize) -> Value {
    if field.is_map()
        && let Kind::Message(entry) = field.kind()
    {
        return json!({ "key": of_kind(&entry.map_entry_value_field().kind(), depth, left) });
    }
    let one = of_kind(&field.kind(), depth, left);
    if field.is_list() { json!([one]) } else { one }
}

fn of_kind(kind: &Kind, depth: usize, left: &mut usize) -> Value {
    match kind {
        Kind::Bool => json!(false),
        Kind::String | Kind::Bytes => json!(""),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint64 | Kind::Fixed64 => json!("0"),
        Kind::Enum(names) => json!(names.default_value().name()),
        Kind::Message(message) => skeleton(message, depth, left),
        _ => json!(0),
    }
}

/// What a value of a type is written as.
pub(super) fn type_words(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "true or false".to_owned(),
        Kind::String => "a text".to_owned(),
        Kind::Bytes => "bytes as base64".to_owned(),
        Kind::Double | Kind::Float => "a number".to_owned(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => "a whole number of 32 bits".to_owned(),
        Kind::Uint32 | Kind::Fixed32 => "a whole number of 32 bits, 0 or more".to_owned(),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => "a whole number of 64 bits, as a number or a text".to_owned(),
        Kind::Uint64 | Kind::Fixed64 => "a whole number of 64 bits, 0 or more, as a number or a text".to_owned(),
        Kind::Enum(names) => {
            let mut words: Vec<_> = names.values().take(SHOWN_NAMES).map(|value| value.name().to_owned()).collect();
            if names.values().len() > SHOWN_NAMES {
                words.push("…".to_owned());
            }
            format!("one of {}", words.join(", "))
        }
        Kind::Message(message) => match well_known(message) {
            Some(Value::String(like)) if !like.is_empty() => format!("a text such as {like}"),
            Some(_) => format!("a {}, as protobuf writes it in JSON", message.full_name()),
            None => format!("an object with the fields of {}", message.full_name()),
        },
    }
}
