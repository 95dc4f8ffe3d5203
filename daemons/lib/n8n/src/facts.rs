//! How many items there are at each node, as far as the file tells.
//!
//! n8n runs a node once for each item. Where there may be several, what becomes of the node has to say so; where there is one, it
//! reads better without. A node that may have several is treated as if it had.

use crate::export::{Export, Node};
use crate::flow::Flow;
use crate::kinds::{self, Form};
use crate::mentions;

/// What is known of each node.
#[derive(Debug)]
pub(crate) struct Facts {
    many_in: Vec<bool>,
    many_out: Vec<bool>,
    unsure_in: Vec<bool>,
    unsure_out: Vec<bool>,
    lineage: Vec<usize>,
    mentions: Vec<Vec<usize>>,
}

impl Facts {
    /// The facts of a graph.
    pub(crate) fn of(export: &Export, flow: &Flow) -> Self {
        let count = export.nodes.len();
        let mut facts = Self {
            many_in: vec![false; count],
            many_out: vec![false; count],
            unsure_in: vec![false; count],
            unsure_out: vec![false; count],
            lineage: (0..count).collect(),
            mentions: export.nodes.iter().map(|node| mentions::of(node, export).collect()).collect(),
        };
        for at in flow.order() {
            let node = &export.nodes[at];
            let sources = flow.sources(at);
            let is_fed_by_many = sources.iter().any(|link| facts.leaves_many(export, link.from, link.output));
            facts.many_in[at] = is_fed_by_many && !node.once;
            facts.unsure_in[at] = !node.once && sources.iter().any(|link| facts.unsure_out[link.from]);
            let is_list = matches!(node.kind.as_str(), "filter" | "merge") && facts.unsure_in[at];
            facts.many_out[at] = many_out(node, facts.many_in[at]) || is_list;
            let is_list_at_times = kinds::form(node) == Form::Answer
                || matches!(node.kind.as_str(), "executeWorkflowTrigger" | "executeWorkflow");
            facts.unsure_out[at] = is_list_at_times || (facts.unsure_in[at] && keeps_items(node));
            // An answer that is a list makes items of its own.
            let is_kept = keeps_items(node) && (kinds::form(node) != Form::Answer || facts.many_in[at]);
            if let Some(first) = sources.first().filter(|_| is_kept) {
                facts.lineage[at] = facts.lineage[first.from];
            }
        }
        facts
    }

    /// Whether a node may be given several items.
    pub(crate) fn many_in(&self, node: usize) -> bool {
        self.many_in[node]
    }

    /// Whether an output of a node may have several items.
    pub(crate) fn leaves_many(&self, export: &Export, node: usize, output: usize) -> bool {
        let at = &export.nodes[node];
        if at.kind == "splitInBatches" && output == kinds::loop_output(at) {
            return kinds::batch_size(at) > 1;
        }
        self.many_out[node]
    }

    /// The node that made the list of which a node's items come, one for each in the same order.
    pub(crate) fn lineage(&self, node: usize) -> usize {
        self.lineage[node]
    }

    /// The nodes that a node's settings name.
    pub(crate) fn mentions(&self, node: usize) -> &[usize] {
        &self.mentions[node]
    }

    /// Whether a filter lets a single item through or ends the walk.
    pub(crate) fn is_gate(&self, export: &Export, node: usize) -> bool {
        export.nodes[node].kind == "filter" && !self.many_in[node] && !self.unsure_in[node]
    }

    /// Whether a node's item may turn out to be a list of them.
    pub(crate) fn may_leave_many(&self, node: usize) -> bool {
        self.many_out[node] || self.unsure_out[node]
    }

    /// Whether what a node is given comes from an answer or a caller that may give a list.
    pub(crate) fn is_unsure(&self, node: usize) -> bool {
        self.unsure_in[node] && !self.many_in[node]
    }

    /// Whether a node becomes a loop with the node's block as its body.
    pub(crate) fn is_looped(&self, export: &Export, node: usize) -> bool {
        self.many_in[node] && kinds::runs_per_item(&export.nodes[node])
    }
}

/// Whether each item that comes out is one that went in.
fn keeps_items(node: &Node) -> bool {
    match node.kind.as_str() {
        "set" | "httpRequest" | "if" | "switch" | "noOp" | "respondToWebhook" | "splitInBatches" | "functionItem" => {
            true
        }
        "wait" => !kinds::waits_for_event(node),
        "code" => node.text("mode") == "runOnceForEachItem",
        _ => node.disabled,
    }
}

fn many_out(node: &Node, many_in: bool) -> bool {
    match node.kind.as_str() {
        _ if node.disabled => many_in,
        "postgres" | "mySql" | "microsoftSql" | "questDb" | "timescaleDb" | "crateDb" => true,
        "splitOut" | "splitInBatches" => true,
        "wait" => many_in && !kinds::waits_for_event(node),
        "itemLists" => matches!(node.text("operation"), "" | "splitOutItems") || (many_in && !makes_one(node)),
        "merge" => many_in || matches!(node.text("mode"), "" | "append"),
        "aggregate" => !node.at("options.groupByFields").as_str().unwrap_or_default().is_empty(),
        "limit" => many_in && node.param("maxItems").as_u64().unwrap_or(1) > 1,
        "code" if node.text("mode") != "runOnceForEachItem" => {
            makes_many(node.text("jsCode")) || makes_many(node.text("pythonCode"))
        }
        "function" => makes_many(node.text("functionCode")),
        "executeWorkflow" => node.text("mode") == "each" && many_in,
        _ => many_in,
    }
}

fn makes_one(node: &Node) -> bool {
    matches!(node.text("operation"), "aggregateItems" | "concatenateItems" | "summarize")
}

/// Whether code may come to several items. What returns one object, and goes over no list, does not.
fn makes_many(code: &str) -> bool {
    let goes_over_lists =
        ["map(", "for ", "for(", "push(", "filter(", "while", "forEach", "append(", ".all()", "items"];
    // Two objects in a list.
    let is_written_out = || code.split_whitespace().collect::<String>().contains("},{");
    !code.is_empty() && (goes_over_lists.iter().any(|word| code.contains(word)) || is_written_out())
}
