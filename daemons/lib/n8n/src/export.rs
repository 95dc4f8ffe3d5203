//! An n8n export as it is in the file: nodes and the links between them.
//!
//! The file is untrusted and n8n's versions differ, so nothing in it is required but the list of nodes. What does not read as it
//! should is left out with a note.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::ImportError;
use crate::report::{Level, Report, quoted};

/// The largest file, in bytes.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Nodes that one file may have; the model's limit of blocks is the same.
pub const MAX_NODES: usize = 500;
/// Links between nodes that one file may have.
pub const MAX_LINKS: usize = 2_000;
/// Outputs of one node that are looked at.
const MAX_OUTPUTS: usize = 60;
/// The package of n8n's own nodes.
const BASE: &str = "n8n-nodes-base.";

/// A workflow of n8n.
#[derive(Debug, Default)]
pub(crate) struct Export {
    pub(crate) title: String,
    pub(crate) id: Option<String>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) links: Vec<Link>,
    pub(crate) settings: Map<String, Value>,
}

/// A node of n8n.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    pub(crate) name: String,
    /// Its type, without the package's name if it is one of n8n's own.
    pub(crate) kind: String,
    pub(crate) version: f64,
    pub(crate) params: Map<String, Value>,
    pub(crate) disabled: bool,
    /// Whether it looks at its first item alone.
    pub(crate) once: bool,
    pub(crate) on_error: OnError,
    pub(crate) retry: Option<Tries>,
    pub(crate) credentials: Vec<String>,
    /// Where it stands: n8n goes on to what stands highest first.
    pub(crate) position: (i64, i64),
}

/// What a node does when it fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnError {
    #[default]
    Stop,
    /// It goes on by its first output.
    Regular,
    /// It goes on by an output of its own, behind the others.
    Output,
}

/// How often a node is tried, the first time included, and how long it waits between.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tries {
    pub(crate) count: u32,
    pub(crate) wait_ms: u32,
}

/// `output` of node `from` leads to `input` of node `to`; nodes by their place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link {
    pub(crate) from: usize,
    pub(crate) output: usize,
    pub(crate) to: usize,
    pub(crate) input: usize,
}

impl Node {
    /// A setting; null if it is not there.
    pub(crate) fn param(&self, key: &str) -> &Value {
        self.params.get(key).unwrap_or(&Value::Null)
    }

    /// A setting that is a text, or empty.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.param(key).as_str().unwrap_or_default()
    }

    /// A setting by its path, such as `options.batching`.
    pub(crate) fn at(&self, path: &str) -> &Value {
        let mut parts = path.split('.');
        let first = self.param(parts.next().unwrap_or_default());
        parts.fold(first, |value, key| &value[key])
    }

    /// The entries of a list by its path; none if there is no list.
    pub(crate) fn list(&self, path: &str) -> &[Value] {
        self.at(path).as_array().map_or(&[], Vec::as_slice)
    }
}

impl Export {
    /// Reads a file.
    pub(crate) fn read(text: &[u8], report: &mut Report) -> Result<Self, ImportError> {
        if text.len() > MAX_BYTES {
            return Err(ImportError::TooLarge { bytes: text.len() });
        }
        let value: Value = serde_json::from_slice(text).map_err(ImportError::from_json)?;
        let workflow = workflow_in(&value)?;
        let Some(listed) = workflow.get("nodes").and_then(Value::as_array) else { return Err(ImportError::NoNodes) };
        if listed.len() > MAX_NODES {
            return Err(ImportError::TooManyNodes { nodes: listed.len() });
        }
        let text_of =
            |key: &str| workflow.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let mut export = Self {
            title: text_of("name").unwrap_or("Imported from n8n").chars().take(120).collect(),
            id: text_of("id").map(quoted),
            settings: workflow.get("settings").and_then(Value::as_object).cloned().unwrap_or_default(),
            ..Self::default()
        };
        let first_named = export.read_nodes(listed, report);
        export.read_links(workflow.get("connections"), &first_named, report)?;
        Ok(export)
    }

    fn read_nodes(&mut self, listed: &[Value], report: &mut Report) -> BTreeMap<String, usize> {
        let mut by_name = BTreeMap::new();
        for (number, value) in listed.iter().enumerate() {
            let Some(fields) = value.as_object() else {
                report.whole(Level::Missing, format!("Entry {} of the nodes is no node: it was left out.", number + 1));
                continue;
            };
            let mut node = node(fields, number);
            if by_name.contains_key(&node.name) {
                let unique = format!("{} ({})", node.name, number + 1);
                let message =
                    format!("Another node has the name too: links lead to the first one. It is `{unique}` here.");
                report.node(&node.name, None, Level::Changed, message);
                node.name = unique;
            }
            by_name.entry(node.name.clone()).or_insert(self.nodes.len());
            self.nodes.push(node);
        }
        by_name
    }

    fn read_links(
        &mut self,
        connections: Option<&Value>,
        by_name: &BTreeMap<String, usize>,
        report: &mut Report,
    ) -> Result<(), ImportError> {
        let mut seen = std::collections::BTreeSet::new();
        for (name, kinds) in connections.and_then(Value::as_object).into_iter().flatten() {
            let Some(from) = by_name.get(name).copied() else {
                report.node(
                    name,
                    None,
                    Level::Missing,
                    "Links lead from it, and there is no such node: they were left out.",
                );
                continue;
            };
            self.sub_node(from, kinds, report);
            let outputs = kinds.get("main").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            for (output, targets) in outputs.iter().enumerate().take(MAX_OUTPUTS) {
                for target in targets.as_array().into_iter().flatten() {
                    let to_name = target.get("node").and_then(Value::as_str).unwrap_or_default();
                    let Some(to) = by_name.get(to_name).copied() else {
                        let message = format!("A link leads to `{}`, and there is no such node.", quoted(to_name));
                        report.node(name, None, Level::Missing, message);
                        continue;
                    };
                    let input = target.get("index").and_then(Value::as_u64).unwrap_or(0);
                    let link = Link { from, output, to, input: usize::try_from(input).unwrap_or(0).min(MAX_OUTPUTS) };
                    if seen.insert(link) {
                        self.links.push(link);
                    }
                    if self.links.len() > MAX_LINKS {
                        return Err(ImportError::TooManyLinks);
                    }
                }
            }
        }
        Ok(())
    }

    /// Models, memories and tools hang on an agent by links of other kinds.
    fn sub_node(&self, from: usize, kinds: &Value, report: &mut Report) {
        let Some(kind) = kinds.as_object().and_then(|kinds| kinds.keys().find(|kind| *kind != "main")) else { return };
        let message = format!("It belongs to another node by `{}`, for which there is nothing here.", quoted(kind));
        report.node(&self.nodes[from].name, None, Level::Missing, message);
    }
}

/// The workflow in what was exported: itself, the only one of a list, or within a template.
fn workflow_in(value: &Value) -> Result<&Map<String, Value>, ImportError> {
    let value = match value {
        Value::Array(listed) if listed.len() > 1 => return Err(ImportError::Several { workflows: listed.len() }),
        Value::Array(listed) => listed.first().unwrap_or(&Value::Null),
        other => other,
    };
    let inner = value.get("workflow").filter(|inner| value.get("nodes").is_none() && inner.is_object());
    inner.unwrap_or(value).as_object().ok_or(ImportError::NoNodes)
}

fn node(fields: &Map<String, Value>, number: usize) -> Node {
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    let flag = |key: &str| fields.get(key).and_then(Value::as_bool).unwrap_or(false);
    let small = |key: &str, default: u32| {
        fields.get(key).and_then(Value::as_f64).map_or(default, |number| number.clamp(0.0, f64::from(u32::MAX)) as u32)
    };
    let name = text("name").map(str::trim).filter(|name| !name.is_empty());
    let kind = text("type").unwrap_or_default();
    let credentials = fields.get("credentials").and_then(Value::as_object).into_iter().flatten();
    let coordinate = |at: usize| {
        let value = fields.get("position").and_then(|position| position.get(at)).and_then(Value::as_f64);
        value.unwrap_or(0.0).clamp(-1e9, 1e9) as i64
    };
    Node {
        name: name.map_or_else(|| format!("Node {}", number + 1), str::to_owned),
        kind: kind.strip_prefix(BASE).unwrap_or(kind).to_owned(),
        version: fields.get("typeVersion").and_then(Value::as_f64).unwrap_or(1.0),
        params: fields.get("parameters").and_then(Value::as_object).cloned().unwrap_or_default(),
        disabled: flag("disabled"),
        once: flag("executeOnce"),
        on_error: match text("onError") {
            Some("continueRegularOutput") => OnError::Regular,
            Some("continueErrorOutput") => OnError::Output,
            None if flag("continueOnFail") => OnError::Regular,
            _ => OnError::Stop,
        },
        retry: flag("retryOnFail").then(|| Tries {
            count: small("maxTries", 3).clamp(2, 101),
            wait_ms: small("waitBetweenTries", 1000).min(24 * 3600 * 1000),
        }),
        credentials: credentials
            .map(|(kind, credential)| {
                let name = credential.get("name").and_then(Value::as_str).unwrap_or("without a name");
                format!("{} ({})", quoted(name), quoted(kind))
            })
            .collect(),
        position: (coordinate(1), coordinate(0)),
    }
}
