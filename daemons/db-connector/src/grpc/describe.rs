//! What the methods of a server are told as: tables for the browser, columns of rows, and a first message to fill in.

use bulkhead_rpc::connector::{Asking, Column, Schema, Table};
use prost_reflect::prost_types::method_options::IdempotencyLevel;
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use serde_json::{Map, Value, json};

/// Methods that are told at most.
const MAX_METHODS: usize = 2000;
/// Fields that are told of a message at most, as columns; a message has them all the same.
const MAX_COLUMNS: usize = 2000;
/// Fields that are told in all, as columns.
const MAX_COLUMNS_IN_ALL: usize = 20_000;
/// What all that is told may take, in bytes: a server chooses its names.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// How deep a first message goes.
const MAX_DEPTH: usize = 4;
/// Fields of a first message at most, those within included.
const MAX_FIELDS: usize = 120;
/// Names of an enumeration that a message offers.
const SHOWN_NAMES: usize = 12;

/// Each method that can be called as a table of its service, with the fields of its message.
pub(super) fn schema(known: &DescriptorPool) -> Schema {
    let mut tables: Vec<Table> = Vec::new();
    let (mut left_columns, mut left_bytes) = (MAX_COLUMNS_IN_ALL, MAX_BYTES);
    for service in known.services() {
        for method in service.methods().filter(|method| !method.is_client_streaming()) {
            if tables.len() == MAX_METHODS {
                break;
            }
            let Some(table) = table(&method, &mut left_columns, &mut left_bytes) else { break };
            tables.push(table);
        }
    }
    tables.sort_by(|one, other| (&one.schema, &one.name).cmp(&(&other.schema, &other.name)));
    Schema { tables }
}

/// A method; nothing where there is no room for it.
fn table(method: &MethodDescriptor, left_columns: &mut usize, left_bytes: &mut usize) -> Option<Table> {
    let input = method.input();
    let options = method.method_descriptor_proto().options.clone().unwrap_or_default();
    let (service, output) = (method.parent_service(), method.output());
    let names = [service.full_name(), method.name(), output.full_name()];
    *left_bytes = left_bytes.checked_sub(names.iter().map(|name| name.len()).sum())?;
    let mut columns = columns(&input, left_bytes);
    columns.truncate(*left_columns);
    *left_columns -= columns.len();
    Some(Table {
        schema: service.full_name().to_owned(),
        name: method.name().to_owned(),
        columns,
        asking: Some(Asking {
            message: skeleton(&input, MAX_DEPTH, &mut { MAX_FIELDS }, left_bytes),
            answer: output.full_name().to_owned(),
            is_stream: method.is_server_streaming(),
            is_read: options.idempotency_level() == IdempotencyLevel::NoSideEffects,
        }),
        ..Table::default()
    })
}

/// The fields of a message, as the columns of rows that are such messages: those whose names there is room for.
pub(super) fn columns(message: &MessageDescriptor, left_bytes: &mut usize) -> Vec<Column> {
    if is_of_one_value(message) {
        return vec![Column { name: "value".to_owned(), type_name: message.full_name().to_owned() }];
    }
    let column = |field: FieldDescriptor| {
        let column = Column { name: field.json_name().to_owned(), type_name: type_name(&field) };
        *left_bytes = left_bytes.checked_sub(column.name.len() + column.type_name.len())?;
        Some(column)
    };
    message.fields().take(MAX_COLUMNS).map_while(column).collect()
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
fn skeleton(message: &MessageDescriptor, depth: usize, left: &mut usize, left_bytes: &mut usize) -> Value {
    if let Some(known) = well_known(message) {
        return known;
    }
    let mut fields = Map::new();
    for field in message.fields().filter(|_| depth > 0) {
        let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
        let is_other = oneof.is_some_and(|oneof| oneof.fields().next().is_some_and(|first| first != field));
        if is_other {
            continue;
        }
        let after = left_bytes.checked_sub(field.json_name().len());
        let (Some(after), 1..) = (after, *left) else { break };
        (*left, *left_bytes) = (*left - 1, after);
        fields.insert(field.json_name().to_owned(), sample(&field, depth - 1, left, left_bytes));
    }
    Value::Object(fields)
}

fn sample(field: &FieldDescriptor, depth: usize, left: &mut usize, left_bytes: &mut usize) -> Value {
    if field.is_map()
        && let Kind::Message(entry) = field.kind()
    {
        return json!({ "key": of_kind(&entry.map_entry_value_field().kind(), depth, left, left_bytes) });
    }
    let one = of_kind(&field.kind(), depth, left, left_bytes);
    if field.is_list() { json!([one]) } else { one }
}

fn of_kind(kind: &Kind, depth: usize, left: &mut usize, left_bytes: &mut usize) -> Value {
    match kind {
        Kind::Bool => json!(false),
        Kind::String | Kind::Bytes => json!(""),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint64 | Kind::Fixed64 => json!("0"),
        Kind::Enum(names) => {
            let name = names.default_value();
            match left_bytes.checked_sub(name.name().len()) {
                Some(after) => {
                    *left_bytes = after;
                    json!(name.name())
                }
                None => json!(name.number()),
            }
        }
        Kind::Message(message) => skeleton(message, depth, left, left_bytes),
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

#[cfg(test)]
mod tests {
    use prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
    use prost_reflect::prost_types::{
        DescriptorProto, FieldDescriptorProto, FileDescriptorProto, MethodDescriptorProto, ServiceDescriptorProto,
    };

    use super::*;

    /// A server of one service: its methods are asked by the same message.
    fn server(methods: usize, fields: usize, name_length: usize) -> Schema {
        let field = |number: usize| {
            let name = format!("f{number}{}", "x".repeat(name_length));
            let number = i32::try_from(number + 1).ok();
            let mut field = FieldDescriptorProto { name: Some(name), number, ..FieldDescriptorProto::default() };
            field.set_type(Type::Bool);
            field.set_label(Label::Optional);
            field
        };
        let message = DescriptorProto {
            name: Some("Ask".to_owned()),
            field: (0..fields).map(field).collect(),
            ..DescriptorProto::default()
        };
        let method = |number: usize| MethodDescriptorProto {
            name: Some(format!("M{number}")),
            input_type: Some(".Ask".to_owned()),
            output_type: Some(".Ask".to_owned()),
            ..MethodDescriptorProto::default()
        };
        let service = ServiceDescriptorProto {
            name: Some("S".to_owned()),
            method: (0..methods).map(method).collect(),
            ..ServiceDescriptorProto::default()
        };
        let file = FileDescriptorProto {
            name: Some("s.proto".to_owned()),
            message_type: vec![message],
            service: vec![service],
            ..FileDescriptorProto::default()
        };
        let mut known = DescriptorPool::new();
        known.add_file_descriptor_proto(file).expect("sound");
        schema(&known)
    }

    #[test]
    fn what_is_told_has_an_end() {
        let told = server(100, 3000, 0);
        assert_eq!((told.tables.len(), told.tables[0].columns.len()), (100, MAX_COLUMNS));
        assert_eq!(told.tables.iter().map(|table| table.columns.len()).sum::<usize>(), MAX_COLUMNS_IN_ALL);
        let long = serde_json::to_vec(&server(100, 10, 100_000)).expect("JSON");
        assert!(long.len() < 2 * MAX_BYTES, "{}", long.len());
    }
}
