//! What is known of a node by its type: its outputs, whether it passes its items on, what its block's result looks like.

use bulkhead_model::workflow::Port;
use serde_json::Value;

use crate::export::{Node, OnError};

/// Cases of a switch at most.
const MAX_CASES: usize = 50;

/// The form of a block's result, and so where n8n's items are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// A list of items.
    List,
    /// Whatever it is: a list is items, anything else one.
    Any,
    /// A query's result, with the items in `rows`.
    Rows,
    /// An http block's result, with the item or items in `body`.
    Answer,
    /// The same, and the item is the whole of it.
    WholeAnswer,
    /// A list of `{json}`.
    Wrapped,
}

impl Form {
    /// The first item of the result `root`.
    pub(crate) fn one(self, root: &str) -> String {
        match self {
            Self::List => format!("{root}[0]"),
            Self::Any => root.to_owned(),
            Self::Rows => format!("{root}.rows[0]"),
            Self::Answer => format!("{root}.body"),
            Self::WholeAnswer => format!("({{ ...{root}, statusCode: {root}.status }})"),
            Self::Wrapped => format!("[{root} ?? []].flat()[0].json"),
        }
    }

    /// All items of the result `root`, as a list.
    pub(crate) fn all(self, root: &str) -> String {
        match self {
            Self::List => root.to_owned(),
            Self::Any => format!("[{root} ?? []].flat()"),
            Self::Rows => format!("{root}.rows"),
            Self::Answer => format!("[{root}.body ?? []].flat()"),
            Self::WholeAnswer => format!("[{}]", self.one(root)),
            Self::Wrapped => format!("[{root} ?? []].flat().map((entry) => entry.json ?? entry)"),
        }
    }

    /// What stands for a result that is not there, since the block failed.
    pub(crate) fn nothing(self) -> &'static str {
        match self {
            Self::List | Self::Wrapped => "[]",
            Self::Rows => "{ rows: [] }",
            Self::Any | Self::Answer | Self::WholeAnswer => "{}",
        }
    }

    /// All items of a list of such results.
    pub(crate) fn all_of_list(self, root: &str) -> String {
        match self {
            Self::List | Self::Any => format!("{root}.flat()"),
            _ => format!("{root}.flatMap((result) => {})", self.all("result")),
        }
    }
}

/// Whether the node starts runs.
pub(crate) fn is_trigger(node: &Node) -> bool {
    let kind = node.kind.as_str();
    let known = ["webhook", "cron", "interval", "start", "emailReadImap", "rssFeedReadTrigger", "localFileTrigger"];
    known.contains(&kind) || kind.ends_with("Trigger")
}

/// Whether the node's items are those that it was given: its block's result is something else, or it has no block.
pub(crate) fn passes_on(node: &Node, is_gate: bool) -> bool {
    match node.kind.as_str() {
        "if" | "switch" | "noOp" | "respondToWebhook" | "stopAndError" => true,
        "wait" => !waits_for_event(node),
        "filter" => is_gate,
        _ => node.disabled,
    }
}

/// Whether a Wait waits for a call, with which it goes on; other Waits go on with what they were given.
pub(crate) fn waits_for_event(node: &Node) -> bool {
    node.kind == "wait" && node.text("resume") == "webhook"
}

/// Whether the node runs for each item by itself, so that it becomes a loop where there may be several.
pub(crate) fn runs_per_item(node: &Node) -> bool {
    match node.kind.as_str() {
        "httpRequest" | "postgres" | "mySql" | "microsoftSql" | "questDb" | "timescaleDb" | "crateDb" => true,
        "executeWorkflow" => node.text("mode") == "each",
        "code" => is_python(node) && node.text("mode") == "runOnceForEachItem",
        _ => false,
    }
}

/// Whether it is a code node in Python.
pub(crate) fn is_python(node: &Node) -> bool {
    node.text("language").starts_with("python")
}

/// The form of what the node's block comes to.
pub(crate) fn form(node: &Node) -> Form {
    match node.kind.as_str() {
        "httpRequest" if node.at("options.response.response.fullResponse") == true => Form::WholeAnswer,
        "httpRequest" => Form::Answer,
        "postgres" | "mySql" | "microsoftSql" | "questDb" | "timescaleDb" | "crateDb" => Form::Rows,
        "code" if is_python(node) => Form::Wrapped,
        "code" | "function" | "functionItem" | "set" | "filter" | "merge" | "splitOut" | "itemLists" | "aggregate"
        | "limit" | "sort" | "removeDuplicates" => Form::List,
        _ => Form::Any,
    }
}

/// The ways out of a node's block: n8n's output, and the way that takes its place. An output may have two.
pub(crate) fn outputs(node: &Node, is_gate: bool) -> Vec<(usize, Option<Port>)> {
    let known = |port: &'static str| Some(Port::known(port));
    let mut ways = match node.kind.as_str() {
        "if" => vec![(0, known(Port::TRUE)), (1, known(Port::FALSE))],
        "filter" if is_gate => vec![(0, known(Port::TRUE))],
        "switch" => switch_outputs(node),
        "splitInBatches" => vec![(loop_output(node), known(Port::EACH)), (1 - loop_output(node), None)],
        "stopAndError" => return Vec::new(),
        _ => vec![(0, None)],
    };
    let count = ways.iter().map(|(output, _)| output + 1).max().unwrap_or(0);
    match node.on_error {
        OnError::Output => ways.push((count, known(Port::ERROR))),
        OnError::Regular if ways.iter().any(|(_, port)| port.is_none()) => ways.push((0, known(Port::ERROR))),
        _ => {}
    }
    ways
}

/// The ways by which the walk goes on from a node's block, with an edge or without.
pub(crate) fn ways_on(node: &Node, is_gate: bool) -> Vec<Option<Port>> {
    let mut ways: Vec<_> = outputs(node, is_gate).into_iter().map(|(_, port)| port).collect();
    let is_error = |port: &Option<Port>| port.as_ref().is_some_and(|port| port.as_str() == Port::ERROR);
    ways.retain(|port| port.as_ref().is_none_or(|port| port.as_str() != Port::EACH));
    ways.retain(|port| !is_error(port) || node.on_error == OnError::Regular);
    match node.kind.as_str() {
        "switch" => ways.push(Some(Port::known(Port::ELSE))),
        "filter" if is_gate => ways.push(Some(Port::known(Port::FALSE))),
        _ => {}
    }
    ways.dedup();
    ways
}

/// Which output of a loop leads into its body: it was the first one before version 3.
pub(crate) fn loop_output(node: &Node) -> usize {
    usize::from(node.version >= 3.0)
}

/// How many items a round of a loop has.
pub(crate) fn batch_size(node: &Node) -> u64 {
    let default = if node.version >= 3.0 { 1 } else { 10 };
    node.param("batchSize").as_u64().unwrap_or(default).max(1)
}

/// The rules of a switch, wherever its version keeps them.
pub(crate) fn switch_rules(node: &Node) -> &[Value] {
    let rules = node.list("rules.values");
    let rules = if rules.is_empty() { node.list("rules.rules") } else { rules };
    &rules[..rules.len().min(MAX_CASES)]
}

/// Whether a switch computes the number of its output.
pub(crate) fn is_computed_switch(node: &Node) -> bool {
    node.text("mode") == "expression"
}

/// The ports of a switch by its outputs, without `else`: one for each output that a rule leads to.
pub(crate) fn switch_ports(node: &Node) -> Vec<(usize, Port)> {
    let mut found: Vec<(usize, Port)> = Vec::new();
    let wanted: Vec<(usize, &str)> = if is_computed_switch(node) {
        let count = node.param("numberOutputs").as_u64().or_else(|| node.param("outputsAmount").as_u64()).unwrap_or(4);
        (0..usize::try_from(count).unwrap_or(MAX_CASES).clamp(1, MAX_CASES)).map(|output| (output, "")).collect()
    } else {
        let rules = switch_rules(node).iter().enumerate();
        rules
            .map(|(number, rule)| (rule_output(rule, number), rule["outputKey"].as_str().unwrap_or_default()))
            .collect()
    };
    for (output, label) in wanted {
        if found.iter().any(|(known, _)| *known == output) {
            continue;
        }
        let port = port_like(label).filter(|port| found.iter().all(|(_, known)| known != port));
        let numbered = || Port::try_from(format!("output-{output}")).ok();
        found.extend(port.or_else(numbered).map(|port| (output, port)));
    }
    found
}

/// The output that a rule leads to: its own number, but where an older version says another.
pub(crate) fn rule_output(rule: &Value, number: usize) -> usize {
    rule["output"]
        .as_u64()
        .and_then(|output| usize::try_from(output).ok())
        .map_or(number, |output| output.min(MAX_CASES))
}

fn switch_outputs(node: &Node) -> Vec<(usize, Option<Port>)> {
    let ports = switch_ports(node);
    let behind = ports.len();
    let mut ways: Vec<_> = ports.into_iter().map(|(output, port)| (output, Some(port))).collect();
    let [newer, older] = [node.at("options.fallbackOutput"), node.param("fallbackOutput")];
    let fallback = if newer.is_null() { older } else { newer };
    let fallback = match fallback {
        Value::String(word) if word == "extra" || word == "last" => Some(behind),
        Value::String(word) => word.parse().ok(),
        Value::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        _ => None,
    };
    ways.extend(fallback.map(|output| (output, Some(Port::known(Port::ELSE)))));
    ways
}

/// A port that reads like a label.
fn port_like(label: &str) -> Option<Port> {
    let text: String = label.trim().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let text = text.trim_matches('-').to_ascii_lowercase();
    Port::try_from(text).ok().filter(|port| ![Port::ERROR, Port::ELSE].contains(&port.as_str()))
}
