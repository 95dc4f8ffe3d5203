//! What must hold before a workflow is saved.

use std::collections::BTreeSet;

use super::{Block, Graph, MAX_BLOCKS, MAX_SOURCE_BYTES, Port, WorkflowDocument};
use crate::binding::{Template, leading_identifier};
use crate::{Fault, Name};

/// Names that an expression may start with besides a block's.
const GLOBALS: &[&str] = &[
    "Array",
    "BigInt",
    "Boolean",
    "Date",
    "Infinity",
    "Intl",
    "JSON",
    "Map",
    "Math",
    "NaN",
    "Number",
    "Object",
    "RegExp",
    "Set",
    "String",
    "await",
    "current_user",
    "decodeURIComponent",
    "encodeURIComponent",
    "environment",
    "false",
    "isFinite",
    "isNaN",
    "new",
    "null",
    "parseFloat",
    "parseInt",
    "structuredClone",
    "trigger",
    "true",
    "typeof",
    "undefined",
    "void",
];

pub(super) fn faults(document: &WorkflowDocument) -> Vec<Fault> {
    let mut faults = Vec::new();
    if document.format != 1 {
        faults.push(Fault::new("format", "must be 1; a newer Bulkhead wrote this document"));
    }
    if document.title.trim().is_empty() || document.title.chars().count() > 120 {
        faults.push(Fault::new("title", "must have 1 to 120 characters"));
    }
    if document.blocks.len() > MAX_BLOCKS {
        faults.push(Fault::new("blocks", format!("{} blocks; the most is {MAX_BLOCKS}", document.blocks.len())));
        return faults;
    }
    if !document.blocks.contains_key(&document.start) {
        faults.push(Fault::new("start", format!("there is no block `{}`", document.start)));
    }
    for (name, query) in &document.queries {
        let path = format!("queries.{name}");
        faults.extend(query.validate(&path));
        if document.blocks.contains_key(name) {
            faults.push(Fault::new(path, "a block has this name already"));
        }
    }
    edges(document, &mut faults);
    let graph = Graph::of(document);
    if let Some(block) = graph.on_cycle() {
        faults.push(Fault::new("edges", format!("block `{block}` leads back to itself: remove an edge of the cycle")));
    }
    let reachable = graph.reachable();
    for (name, block) in &document.blocks {
        let path = format!("blocks.{name}");
        if !reachable.contains(name) {
            faults.push(Fault::new(&path, "no edge leads here from the start: connect or delete it"));
        }
        block_faults(block, &path, &graph.upstream(name), &mut faults);
    }
    faults
}

fn edges(document: &WorkflowDocument, faults: &mut Vec<Fault>) {
    let mut seen = BTreeSet::new();
    for (index, edge) in document.edges.iter().enumerate() {
        let path = format!("edges.{index}");
        for end in [&edge.from, &edge.to] {
            if !document.blocks.contains_key(end) {
                faults.push(Fault::new(&path, format!("there is no block `{end}`")));
            }
        }
        match (document.blocks.get(&edge.from), edge.port) {
            (Some(Block::Branch(_)), None) => {
                faults.push(Fault::new(
                    &path,
                    format!("an edge out of branch `{}` needs a port, true or false", edge.from),
                ));
            }
            (Some(Block::Query(_) | Block::Code(_) | Block::Response(_)), Some(Port::True | Port::False)) => {
                faults.push(Fault::new(&path, format!("block `{}` is no branch: remove the port", edge.from)));
            }
            _ => {}
        }
        if !seen.insert((&edge.from, edge.port)) {
            faults.push(Fault::new(&path, format!("block `{}` already leads somewhere by this way", edge.from)));
        }
    }
}

fn block_faults(block: &Block, path: &str, upstream: &BTreeSet<&Name>, faults: &mut Vec<Fault>) {
    match block {
        Block::Query(block) => {
            faults.extend(block.query.validate(path));
            if let Ok(template) = Template::parse(&block.query.statement) {
                for expression in template.expressions() {
                    reference(expression, &format!("{path}.statement"), upstream, faults);
                }
            }
        }
        Block::Code(block) => {
            if block.source.len() > MAX_SOURCE_BYTES {
                faults.push(Fault::new(format!("{path}.source"), format!("is longer than {MAX_SOURCE_BYTES} bytes")));
            }
            if block.timeout_ms == 0 || block.timeout_ms > 300_000 {
                faults.push(Fault::new(format!("{path}.timeout-ms"), "must be between 1 and 300000"));
            }
        }
        Block::Branch(block) => expression(&block.condition, &format!("{path}.condition"), upstream, faults),
        Block::Response(block) => {
            expression(&block.body, &format!("{path}.body"), upstream, faults);
            if !(200..=599).contains(&block.status) {
                faults.push(Fault::new(format!("{path}.status"), "must be between 200 and 599"));
            }
        }
    }
}

fn expression(source: &str, path: &str, upstream: &BTreeSet<&Name>, faults: &mut Vec<Fault>) {
    if source.trim().is_empty() {
        faults.push(Fault::new(path, "is empty: write a JavaScript expression"));
    } else if source.len() > MAX_SOURCE_BYTES {
        faults.push(Fault::new(path, format!("is longer than {MAX_SOURCE_BYTES} bytes")));
    } else {
        reference(source.trim(), path, upstream, faults);
    }
}

/// A name that an expression starts with must be bound when it runs.
fn reference(source: &str, path: &str, upstream: &BTreeSet<&Name>, faults: &mut Vec<Fault>) {
    let Some(identifier) = leading_identifier(source) else { return };
    if !GLOBALS.contains(&identifier) && !upstream.iter().any(|name| name.as_str() == identifier) {
        faults
            .push(Fault::new(path, format!("`{identifier}` is not a block that runs before this one, nor `trigger`")));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults_of(change: impl FnOnce(&mut serde_json::Value)) -> Vec<String> {
        let mut document = json!({
            "format": 1, "title": "Revenue", "start": "load",
            "triggers": {"incoming": {"type": "webhook"}},
            "blocks": {
                "load": {"type": "query", "resource": "tables", "statement": "select {{ trigger.body.month }}"},
                "large": {"type": "branch", "condition": "load.rows.length > 1"},
                "answer": {"type": "response", "body": "load.rows"},
            },
            "edges": [{"from": "load", "to": "large"}, {"from": "large", "port": "true", "to": "answer"}],
        });
        change(&mut document);
        let document: WorkflowDocument = serde_json::from_value(document).expect("parses");
        document.validate().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_sound_workflow_has_no_faults() {
        assert_eq!(faults_of(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn a_cycle_is_refused() {
        let faults = faults_of(|d| {
            let edges = d["edges"].as_array_mut().expect("edges");
            edges.push(json!({"from": "answer", "to": "load"}));
        });
        assert_eq!(faults[0], "edges: block `answer` leads back to itself: remove an edge of the cycle");
    }

    #[test]
    fn a_reference_to_an_unknown_or_later_block_is_refused() {
        let unknown = faults_of(|d| d["blocks"]["answer"]["body"] = json!("nosuch.rows"));
        assert_eq!(unknown, ["blocks.answer.body: `nosuch` is not a block that runs before this one, nor `trigger`"]);
        let later = faults_of(|d| d["blocks"]["load"]["statement"] = json!("select {{ large.x }}"));
        assert_eq!(later.len(), 1);
    }

    #[test]
    fn edges_must_fit_their_blocks() {
        assert_eq!(faults_of(|d| d["edges"][0]["to"] = json!("gone"))[0], "edges.0: there is no block `gone`");
        assert!(faults_of(|d| d["edges"][0]["port"] = json!("true"))[0].contains("is no branch"));
        assert!(faults_of(|d| d["edges"][1] = json!({"from": "large", "to": "answer"}))[0].contains("needs a port"));
    }

    #[test]
    fn an_unconnected_block_is_named() {
        let faults = faults_of(|d| d["blocks"]["lost"] = json!({"type": "code", "language": "python", "source": ""}));
        assert_eq!(faults, ["blocks.lost: no edge leads here from the start: connect or delete it"]);
    }
}
