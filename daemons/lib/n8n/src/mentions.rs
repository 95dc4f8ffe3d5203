//! Which nodes the settings of a node name.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::export::{Export, Node};

/// What a node is named behind, in expressions and in code.
const BEFORE: [&str; 5] = ["$(", "$node[", "$items(", "_(", "_node["];

/// The nodes that `node` names, by their places in the export.
pub(crate) fn of<'e>(node: &Node, export: &'e Export) -> impl Iterator<Item = usize> + use<'e> {
    let mut named = BTreeSet::new();
    for value in node.params.values() {
        collect(value, &mut named);
    }
    export.nodes.iter().enumerate().filter(move |(_, node)| named.contains(&node.name)).map(|(place, _)| place)
}

fn collect(value: &Value, named: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => in_text(text, named),
        Value::Array(values) => values.iter().for_each(|value| collect(value, named)),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, named)),
        _ => {}
    }
}

/// The names that a text has.
fn in_text(text: &str, named: &mut BTreeSet<String>) {
    for before in BEFORE {
        for (at, _) in text.match_indices(before) {
            let rest = text[at + before.len()..].trim_start();
            let Some(quote) = rest.chars().next().filter(|c| "'\"`".contains(*c)) else { continue };
            // A quote in a name is rare, and then the name is not found: what is asked here is a matter of caution.
            named.extend(rest[1..].split(quote).next().map(|name| name.replace('\\', "")));
        }
    }
    for (at, before) in text.match_indices("$node.") {
        let rest = &text[at + before.len()..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        named.insert(rest[..end].to_owned());
    }
}
