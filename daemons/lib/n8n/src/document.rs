//! The shape as a document, and what is done about faults that are left in it.
//!
//! A document with faults is not saved at all, so a block that has one gives way to a block that fails and says why.

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_model::workflow::{
    Block, Edge, Graph, Language, MAX_RUN_SECONDS, ParallelBlock, SwitchBlock, SwitchCase, WorkflowDocument,
};
use bulkhead_model::{LibraryNames, Name};
use serde_json::Value;

use crate::kinds;
use crate::nodes::{self, code_block, placeholder};
use crate::plan::Plan;
use crate::report::{Level, Report};
use crate::shape::{Id, Vertex};

/// How often faults are looked for and mended.
const MAX_ROUNDS: usize = 20;

/// The document of a plan.
pub(crate) fn of(plan: &Plan<'_>, report: &mut Report) -> WorkflowDocument {
    let mut document = empty(&plan.given.export.title);
    let mut notes = BTreeMap::new();
    for at in plan.shape.order() {
        let Some(name) = plan.name(at) else { continue };
        match block(plan, at) {
            Some(block) => {
                document.blocks.insert(name.clone(), block);
            }
            None => {
                let translation = nodes::translate(plan, at, name);
                document.blocks.extend(translation.blocks);
                document.edges.extend(translation.edges);
                notes.insert(at, translation.notes);
            }
        }
        edges(plan, at, name, &mut document.edges);
    }
    say(plan, notes, report);
    let first = |root: Option<Id>| root.and_then(|root| plan.name(root)).cloned();
    if let Some(start) = first(plan.shape.start) {
        document.start = start;
    }
    document.on_error = first(plan.shape.on_error);
    document.triggers = plan.triggers.declared.clone();
    document.variables = plan.variables.borrow().iter().map(|name| (name.clone(), Value::Null)).collect();
    settings(plan, &mut document, report);
    mend(&mut document, plan, report);
    document
}

fn empty(title: &str) -> WorkflowDocument {
    let mut document = WorkflowDocument::starter(title);
    document.blocks.clear();
    document.libraries = LibraryNames::default();
    document
}

/// The block of what is no node.
fn block(plan: &Plan<'_>, at: Id) -> Option<Block> {
    Some(match &plan.shape.vertices[at] {
        Vertex::Node(_) => return None,
        Vertex::Entry(cases) => {
            let cases = cases.iter().map(|case| SwitchCase { port: case.port.clone(), when: case.when.clone() });
            Block::Switch(SwitchBlock { cases: cases.collect() })
        }
        Vertex::Parallel => {
            Block::Parallel(ParallelBlock { branches: plan.shape.bodies[at].keys().cloned().collect() })
        }
        Vertex::Fail(why) => placeholder("a link", "link", why),
        Vertex::Pass | Vertex::Fan(_) => code_block(Language::Javascript, "return null;\n".to_owned()),
    })
}

fn edges(plan: &Plan<'_>, at: Id, name: &Name, edges: &mut Vec<Edge>) {
    let bodies = plan.shape.bodies[at].iter().map(|(port, to)| (Some(port.clone()), to));
    let ways = plan.shape.ways[at].iter().map(|(way, to)| (way.clone(), to));
    for (port, to) in bodies.chain(ways) {
        edges.extend(plan.name(*to).map(|to| Edge { from: name.clone(), port, to: to.clone() }));
    }
}

/// Reports on the nodes in the file's order.
fn say(plan: &Plan<'_>, mut notes: BTreeMap<Id, Vec<(Level, String)>>, report: &mut Report) {
    for (place, node) in plan.given.export.nodes.iter().enumerate() {
        if let Some(notes) = notes.remove(&place) {
            for (level, message) in notes {
                report.node(&node.name, plan.name(place), level, message);
            }
            continue;
        }
        let is_meant = !kinds::is_trigger(node) && !plan.given.flow.passed_by[place] && node.kind != "stickyNote";
        if is_meant {
            let message = "No walk leads to it from a trigger: it was left out.";
            report.node(&node.name, None, Level::Missing, message);
        }
    }
}

fn settings(plan: &Plan<'_>, document: &mut WorkflowDocument, report: &mut Report) {
    let settings = &plan.given.export.settings;
    if let Some(seconds) = settings.get("executionTimeout").and_then(Value::as_f64).filter(|seconds| *seconds >= 1.0) {
        document.timeout_s = Some(seconds.min(f64::from(MAX_RUN_SECONDS)) as u32);
    }
    if settings.get("errorWorkflow").is_some_and(|workflow| !workflow.is_null() && workflow != "") {
        let message =
            "In n8n another workflow hears when this one fails: say with `on-error` what a failing run goes to.";
        report.whole(Level::Missing, message);
    }
    if let Some(zone) = settings.get("timezone").and_then(Value::as_str).filter(|zone| *zone != "DEFAULT") {
        let message = format!(
            "Dates that its code makes are in the zone `{}` in n8n; here they are in UTC.",
            crate::report::quoted(zone)
        );
        report.whole(Level::Changed, message);
    }
}

/// Takes faults out of the document as long as there are some, and names what is left.
fn mend(document: &mut WorkflowDocument, plan: &Plan<'_>, report: &mut Report) {
    let mut replaced = BTreeSet::new();
    for _ in 0..MAX_ROUNDS {
        ensure_start(document, report);
        let faults = document.validate();
        if faults.is_empty() {
            return;
        }
        if take_apart(document, plan, report) {
            continue;
        }
        let mut bad_edges = BTreeSet::new();
        for fault in &faults {
            let mut path = fault.path.split('.');
            match (path.next(), path.next()) {
                (Some("edges"), Some(number)) => bad_edges.extend(number.parse::<usize>().ok()),
                (Some("blocks"), Some(name)) => {
                    let Some((name, block)) = document.blocks.iter_mut().find(|(known, _)| known.as_str() == name)
                    else {
                        continue;
                    };
                    if replaced.insert(name.clone()) {
                        let (node, kind) = named(plan, name);
                        let message =
                            format!("Its block would have a fault, `{fault}`: a block that fails stands in its place.");
                        report.node(&node, Some(name), Level::Missing, message);
                        *block = placeholder(&node, &kind, &fault.to_string());
                    }
                }
                _ => {}
            }
        }
        let mut number = 0;
        document.edges.retain(|_| {
            number += 1;
            !bad_edges.contains(&(number - 1))
        });
    }
    for fault in document.validate() {
        report.whole(Level::Missing, format!("A fault is left in the document, which has to be mended: `{fault}`."));
    }
}

/// The node that a block was, and its type.
fn named(plan: &Plan<'_>, name: &Name) -> (String, String) {
    let nodes = plan.given.export.nodes.iter().enumerate();
    let is_of = |place: usize| plan.name(place) == Some(name) || plan.inner_name(place) == Some(name);
    let node = nodes.into_iter().find(|(place, _)| is_of(*place)).map(|(_, node)| node);
    node.map_or_else(|| (name.to_string(), "added".to_owned()), |node| (node.name.clone(), node.kind.clone()))
}

/// Takes out what does not hang together: cycles, blocks that no walk leads to, edges between bodies. Whether there was some.
fn take_apart(document: &mut WorkflowDocument, plan: &Plan<'_>, report: &mut Report) -> bool {
    let graph = Graph::of(document);
    let on_cycle = graph.on_cycle().cloned();
    let lost: BTreeSet<Name> = document.blocks.keys().filter(|name| graph.scope(name).is_none()).cloned().collect();
    let strays: BTreeSet<Name> = graph.strays().map(|(name, _)| name.clone()).collect();
    if on_cycle.is_none() && lost.is_empty() && strays.is_empty() {
        return false;
    }
    for name in &lost {
        let (node, _) = named(plan, name);
        report.node(&node, None, Level::Missing, "No walk leads to it from a trigger: it was left out.");
    }
    document.blocks.retain(|name, _| !lost.contains(name));
    document.edges.retain(|edge| !lost.contains(&edge.from) && !lost.contains(&edge.to));
    for stray in strays {
        if let Some(last) = document.edges.iter().rposition(|edge| edge.to == stray) {
            let edge = document.edges.remove(last);
            let (node, _) = named(plan, &edge.from);
            let message = format!("Its link to `{}` leads from one body into another: it was left out.", edge.to);
            report.node(&node, Some(&edge.from), Level::Missing, message);
        }
    }
    if let Some(name) = on_cycle {
        document.edges.retain(|edge| edge.from != name);
    }
    true
}

/// A workflow begins with something.
fn ensure_start(document: &mut WorkflowDocument, report: &mut Report) {
    if document.blocks.contains_key(&document.start) {
        return;
    }
    report.whole(Level::Changed, "No block is left to begin with: the workflow is one that does nothing.");
    let starter = WorkflowDocument::starter(&document.title);
    document.start = starter.start;
    document.edges.clear();
    document.on_error = None;
    document.blocks =
        BTreeMap::from([(document.start.clone(), code_block(Language::Javascript, "return null;\n".to_owned()))]);
}
