//! Exports put together in a few words, and what became of them.

use bulkhead_model::workflow::{Block, WorkflowDocument};
use bulkhead_n8n::{Import, Level, Note};
use serde_json::{Map, Value, json};

/// An export under way.
#[derive(Default)]
pub(crate) struct Workflow {
    nodes: Vec<Value>,
    connections: Map<String, Value>,
}

impl Workflow {
    /// Begins with a manual trigger, `Start`.
    pub(crate) fn by_hand() -> Self {
        Self::default().node("Start", "manualTrigger", json!({}))
    }

    pub(crate) fn node(self, name: &str, kind: &str, params: Value) -> Self {
        self.versioned(name, kind, 3.0, params, json!({}))
    }

    /// A node with more than its settings.
    pub(crate) fn versioned(mut self, name: &str, kind: &str, version: f64, params: Value, more: Value) -> Self {
        let y = self.nodes.len() * 10;
        let mut node = json!({ "name": name, "type": format!("n8n-nodes-base.{kind}"), "typeVersion": version,
            "position": [0, y], "parameters": params });
        for (key, value) in more.as_object().into_iter().flatten() {
            node[key] = value.clone();
        }
        self.nodes.push(node);
        self
    }

    /// A code node that returns one item.
    pub(crate) fn code(self, name: &str) -> Self {
        self.node(name, "code", json!({ "jsCode": "return { json: { a: 1 } };" }))
    }

    /// `from` leads to `to` by its first output.
    pub(crate) fn link(self, from: &str, to: &str) -> Self {
        self.link_by(from, 0, to, 0)
    }

    pub(crate) fn link_by(mut self, from: &str, output: usize, to: &str, input: usize) -> Self {
        let node = self.connections.entry(from).or_insert_with(|| json!({ "main": [] }));
        let outputs = node["main"].as_array_mut().expect("outputs");
        while outputs.len() <= output {
            outputs.push(json!([]));
        }
        outputs[output].as_array_mut().expect("targets").push(json!({ "node": to, "type": "main", "index": input }));
        self
    }

    pub(crate) fn text(&self) -> Vec<u8> {
        json!({ "name": "Test", "nodes": self.nodes, "connections": self.connections }).to_string().into_bytes()
    }

    /// The import; its document has no faults.
    pub(crate) fn import(&self) -> Import {
        let import = bulkhead_n8n::import(&self.text()).expect("an import");
        assert_eq!(import.document.validate(), []);
        import
    }
}

/// The walk from a block, each block once, as `a -> b, a.port -> c`.
pub(crate) fn walk(document: &WorkflowDocument) -> String {
    let mut edges: Vec<String> = document
        .edges
        .iter()
        .map(|edge| {
            let port = edge.port.as_ref().map(|port| format!(".{port}")).unwrap_or_default();
            format!("{}{port} -> {}", edge.from, edge.to)
        })
        .collect();
    edges.sort();
    edges.join(", ")
}

/// A block of a document.
pub(crate) fn block<'d>(document: &'d WorkflowDocument, name: &str) -> &'d Block {
    document.blocks.get(name).unwrap_or_else(|| panic!("no block `{name}` in {:?}", document.blocks.keys()))
}

/// A block as JSON.
pub(crate) fn json_of(document: &WorkflowDocument, name: &str) -> Value {
    serde_json::to_value(block(document, name)).expect("JSON")
}

/// Whether a note on a node has a level and a word.
pub(crate) fn has_note(report: &[Note], node: &str, level: Level, word: &str) -> bool {
    report.iter().any(|note| note.node.as_deref() == Some(node) && note.level == level && note.message.contains(word))
}
