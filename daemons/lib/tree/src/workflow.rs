//! A workflow's files, and those of a query of the library:
//!
//! ```text
//! workflow.yaml            triggers, blocks, edges, retry and timeout
//! blocks/transform.py      the source of a block, or its statement
//! queries/listOrders.sql   and listOrders.query.yaml
//! functions/total.js       the source of a function, or its statement; the rest stands in workflow.yaml
//! ```
//!
//! A query of the library has `query.yaml` and `query.sql`.

use std::collections::BTreeMap;

use bulkhead_model::library_query::LibraryQuery;
use bulkhead_model::workflow::WorkflowDocument;
use serde_json::{Map, Value};

use crate::parts::{Reader, Writer, put_map, spare, take_map};
use crate::{Files, ReadError};

pub(crate) fn write(workflow: &WorkflowDocument) -> Files {
    let mut writer = Writer::default();
    for (name, query) in &workflow.queries {
        let mut map = spare(query);
        writer.statements(&format!("queries/{name}"), &mut map);
        writer.yaml(&format!("queries/{name}.query.yaml"), map);
    }
    let mut blocks = Map::new();
    for (name, block) in &workflow.blocks {
        let mut map = spare(block);
        write_source(&format!("blocks/{name}"), &mut map, &mut writer);
        blocks.insert(name.to_string(), Value::Object(map));
    }
    let mut functions = Map::new();
    for (name, function) in &workflow.functions {
        let mut map = spare(function);
        write_source(&format!("functions/{name}"), &mut map, &mut writer);
        functions.insert(name.to_string(), Value::Object(map));
    }
    let triggers = workflow.triggers.iter().map(|(name, trigger)| (name.to_string(), Value::Object(spare(trigger))));
    let rest = WorkflowDocument {
        blocks: BTreeMap::new(),
        queries: BTreeMap::new(),
        functions: BTreeMap::new(),
        triggers: BTreeMap::new(),
        ..workflow.clone()
    };
    let mut map = spare(&rest);
    map.remove("blocks");
    put_map(&mut map, "triggers", triggers.collect());
    put_map(&mut map, "blocks", blocks);
    put_map(&mut map, "functions", functions);
    writer.yaml("workflow.yaml", map);
    writer.files
}

/// Code goes to a file with the ending of its language, statements to `.sql`.
fn write_source(stem: &str, map: &mut Map<String, Value>, writer: &mut Writer) {
    match map.get("type").and_then(Value::as_str) {
        Some("code") => {
            let ending = ending(map);
            writer.text(&format!("{stem}.{ending}"), map, "source");
        }
        Some("query") => writer.statements(stem, map),
        _ => {}
    }
}

fn ending(map: &Map<String, Value>) -> &'static str {
    if map.get("language").and_then(Value::as_str) == Some("python") { "py" } else { "js" }
}

pub(crate) fn read(files: &Files) -> Result<WorkflowDocument, ReadError> {
    let reader = Reader::new(files);
    let mut map = reader.yaml("workflow.yaml")?;
    for (member, folder) in [("blocks", "blocks"), ("functions", "functions")] {
        let mut parts = take_map(&mut map, member);
        for (name, part) in &mut parts {
            if let Value::Object(part) = part {
                read_source(&reader, &format!("{folder}/{name}"), part)?;
            }
        }
        map.insert(member.to_owned(), Value::Object(parts));
    }
    let mut queries = take_map(&mut map, "queries");
    for name in reader.names("queries", ".query.yaml")? {
        let mut query = reader.yaml(&format!("queries/{name}.query.yaml"))?;
        reader.statements(&format!("queries/{name}"), &mut query)?;
        queries.insert(name.to_string(), Value::Object(query));
    }
    put_map(&mut map, "queries", queries);
    reader.finish("workflow.yaml", map)
}

fn read_source(reader: &Reader<'_>, stem: &str, map: &mut Map<String, Value>) -> Result<(), ReadError> {
    match map.get("type").and_then(Value::as_str) {
        Some("code") => {
            let ending = ending(map);
            reader.text(&format!("{stem}.{ending}"), map, "source").map(drop)
        }
        Some("query") => reader.statements(stem, map),
        _ => Ok(()),
    }
}

pub(crate) fn write_query(query: &LibraryQuery) -> Files {
    let mut writer = Writer::default();
    let mut map = spare(query);
    let mut asked = take_map(&mut map, "query");
    writer.statements("query", &mut asked);
    map.insert("query".to_owned(), Value::Object(asked));
    writer.yaml("query.yaml", map);
    writer.files
}

pub(crate) fn read_query(files: &Files) -> Result<LibraryQuery, ReadError> {
    let reader = Reader::new(files);
    let mut map = reader.yaml("query.yaml")?;
    let mut asked = take_map(&mut map, "query");
    reader.statements("query", &mut asked)?;
    map.insert("query".to_owned(), Value::Object(asked));
    reader.finish("query.yaml", map)
}
