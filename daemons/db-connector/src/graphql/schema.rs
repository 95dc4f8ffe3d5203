//! The types of a GraphQL server as tables, for the editor's completion.

use bulkhead_rpc::connector::{Column, Schema, Table};
use serde_json::Value;

/// Asks for types and their fields; seven wrappings are `[[[T!]!]!]!`, more than any server has.
pub(super) const INTROSPECTION: &str = "query { __schema { types { kind name \
    fields(includeDeprecated: true) { name type { ...T } } inputFields { name type { ...T } } } } } \
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name \
    ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";

/// Wrappings of a type at most.
const MAX_WRAPPINGS: usize = 8;

/// Each type that has fields is a table; its schema is the kind of type.
pub(super) fn read(data: &Value) -> Schema {
    let types = data["__schema"]["types"].as_array().map(Vec::as_slice).unwrap_or_default();
    Schema { tables: types.iter().filter_map(table).collect() }
}

fn table(of: &Value) -> Option<Table> {
    let schema = match of["kind"].as_str()? {
        "OBJECT" => "object",
        "INTERFACE" => "interface",
        "INPUT_OBJECT" => "input",
        _ => return None,
    };
    let name = of["name"].as_str().filter(|name| !name.starts_with("__"))?;
    let fields = of["fields"].as_array().or_else(|| of["inputFields"].as_array())?;
    let column = |field: &Value| {
        let name = field["name"].as_str()?.to_owned();
        Some(Column { name, type_name: written(&field["type"], MAX_WRAPPINGS) })
    };
    Some(Table {
        schema: schema.to_owned(),
        name: name.to_owned(),
        columns: fields.iter().filter_map(column).collect(),
        ..Table::default()
    })
}

/// A type as documents write it: `[User!]!`.
fn written(of: &Value, wrappings: usize) -> String {
    let inner = |of: &Value| wrappings.checked_sub(1).map_or_else(String::new, |left| written(&of["ofType"], left));
    match of["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", inner(of)),
        Some("LIST") => format!("[{}]", inner(of)),
        _ => of["name"].as_str().unwrap_or("?").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_tables_and_fields_their_columns() {
        let list =
            json!({ "kind": "NON_NULL", "ofType": { "kind": "LIST", "ofType": { "kind": "OBJECT", "name": "User" } } });
        let text = json!({ "kind": "SCALAR", "name": "String" });
        let data = json!({ "__schema": { "types": [
            { "kind": "OBJECT", "name": "Query", "fields": [{ "name": "users", "type": list }] },
            { "kind": "INPUT_OBJECT", "name": "NewUser", "inputFields": [{ "name": "name", "type": text }] },
            { "kind": "SCALAR", "name": "String" },
            { "kind": "OBJECT", "name": "__Type", "fields": [] },
        ] } });
        let found: Vec<_> = read(&data)
            .tables
            .into_iter()
            .map(|table| (table.schema, table.name, table.columns[0].name.clone(), table.columns[0].type_name.clone()))
            .collect();
        let expected = [("object", "Query", "users", "[User]!"), ("input", "NewUser", "name", "String")];
        assert_eq!(found, expected.map(|(a, b, c, d)| (a.to_owned(), b.to_owned(), c.to_owned(), d.to_owned())));
        assert!(read(&json!(null)).tables.is_empty());
    }
}
