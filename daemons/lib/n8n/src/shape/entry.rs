//! The first shape of a graph: each output leads to one vertex, and the triggers to the first one.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use bulkhead_model::workflow::Port;

use super::{Given, Id, Shape, Skip, Vertex};
use crate::export::OnError;
use crate::flow::Target;
use crate::kinds;
use crate::report::{Level, Report};
use crate::triggers::{Started, Triggers};

/// A way of [`Vertex::Entry`], and when it is taken.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) port: Port,
    pub(crate) when: String,
}

impl Shape {
    /// The shape of a graph, with every fan resolved and every body closed.
    pub(crate) fn of(given: Given<'_>, triggers: &Triggers, report: &mut Report) -> Self {
        let mut shape = Self::default();
        for node in 0..given.export.nodes.len() {
            shape.add(Vertex::Node(node));
        }
        for (node, at) in given.export.nodes.iter().enumerate() {
            if !kinds::is_trigger(at) && !given.flow.passed_by[node] {
                shape.connect(given, node, report);
            }
        }
        shape.enter(given, triggers, report);
        shape.resolve(given, report);
        shape.part_on_error(report);
        shape.catch_errors(given);
        shape.find_paths(given, report);
        shape
    }

    fn connect(&mut self, given: Given<'_>, node: usize, report: &mut Report) {
        let at = &given.export.nodes[node];
        let mut known = 0;
        for (output, way) in kinds::outputs(at, given.facts.is_gate(given.export, node)) {
            known = known.max(output + 1);
            let members = self.members(given.flow.targets(node, output));
            let Some(to) = self.join(members) else { continue };
            match way {
                Some(port) if port.as_str() == Port::EACH && at.kind == "splitInBatches" => {
                    self.bodies[node].insert(port, to);
                }
                way => {
                    self.ways[node].insert(way, to);
                }
            }
        }
        if (known..given.flow.outputs(node)).any(|output| !given.flow.targets(node, output).is_empty()) {
            let message = "It has outputs for which there is no way here: what follows them was left out.";
            report.node(&at.name, None, Level::Missing, message);
        }
    }

    fn members(&mut self, targets: &[Target]) -> Vec<Id> {
        let mut members = Vec::new();
        for target in targets {
            let member = match target {
                Target::Node(node) => *node,
                Target::Fail(message) => self.add(Vertex::Fail(message.clone())),
            };
            if !members.contains(&member) {
                members.push(member);
            }
        }
        members
    }

    /// Lets the triggers lead to the first vertex: their own if it is the same for all, or one that chooses.
    fn enter(&mut self, given: Given<'_>, triggers: &Triggers, report: &mut Report) {
        let mut by_first: BTreeMap<Id, Vec<&Started>> = BTreeMap::new();
        for started in &triggers.started {
            let members = self.members(given.flow.targets(started.node, 0));
            if let Some(first) = self.join(members) {
                by_first.entry(first).or_default().push(started);
            }
        }
        self.start = if triggers.started.is_empty() {
            self.join(triggers.loose.clone())
        } else if by_first.len() <= 1 {
            by_first.keys().next().copied()
        } else {
            Some(self.choose(given, &by_first, report))
        };
        let members = triggers.on_error.map_or_else(Vec::new, |node| self.members(given.flow.targets(node, 0)));
        let first = self.join(members);
        if self.start.is_none() {
            self.start = first;
        } else {
            self.on_error = first;
        }
    }

    fn choose(&mut self, given: Given<'_>, by_first: &BTreeMap<Id, Vec<&Started>>, report: &mut Report) -> Id {
        let entry = self.add(Vertex::Entry(Vec::new()));
        let mut cases = Vec::new();
        for (number, (first, all)) in by_first.iter().enumerate() {
            let conditions: Vec<&str> = all.iter().filter_map(|started| started.when.as_deref()).collect();
            if let Ok(port) = Port::try_from(format!("start-{}", number + 1))
                && !conditions.is_empty()
            {
                self.ways[entry].insert(Some(port.clone()), *first);
                cases.push(Case { port, when: conditions.join(" || ") });
            }
            let Some(by_hand) = all.iter().find(|started| started.when.is_none()) else { continue };
            let otherwise = Some(Port::known(Port::ELSE));
            if let Entry::Vacant(way) = self.ways[entry].entry(otherwise) {
                way.insert(*first);
            } else {
                let message = "Runs start by hand or by another trigger in the same way, and that leads elsewhere: \
                               what follows this trigger was left out. Make it a workflow of its own.";
                report.node(&given.export.nodes[by_hand.node].name, None, Level::Missing, message);
            }
        }
        // If all of them start by hand there is nothing to choose by.
        if cases.is_empty()
            && let Some(first) = self.ways[entry].values().next().copied()
        {
            return first;
        }
        self.vertices[entry] = Vertex::Entry(cases);
        entry
    }

    /// What a failing run goes to is a walk of its own.
    fn part_on_error(&mut self, report: &mut Report) {
        let (Some(start), Some(on_error)) = (self.start, self.on_error) else { return };
        let main: BTreeSet<Id> = self.reach([start], Skip::Nothing);
        if main.contains(&on_error) {
            let message =
                "The error trigger leads to what other triggers lead to as well: a failing run goes nowhere here.";
            report.whole(Level::Missing, message);
            self.on_error = None;
            return;
        }
        let own: Vec<Id> = self.reach([on_error], Skip::Nothing).difference(&main).copied().collect();
        for at in own {
            self.cut(at, &main, "what follows an error trigger does not lead to what other triggers lead to", report);
        }
    }

    /// A node that goes on when it fails, and leads nowhere, must not fail the run.
    fn catch_errors(&mut self, given: Given<'_>) {
        for (node, at) in given.export.nodes.iter().enumerate() {
            let error = Some(Port::known(Port::ERROR));
            let has_block = !given.flow.passed_by[node] && !kinds::is_trigger(at) && at.kind != "stopAndError";
            if has_block && at.on_error == OnError::Regular && !self.ways[node].contains_key(&error) {
                let pass = self.add(Vertex::Pass);
                self.ways[node].insert(error, pass);
            }
        }
    }
}
