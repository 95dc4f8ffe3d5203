//! The edges of a workflow as a walkable graph.

use std::collections::{BTreeMap, BTreeSet};

use super::{Edge, Port, WorkflowDocument};
use crate::Name;

/// Where each block leads. A block has at most one successor per way out, so a run is a walk, not a wave.
#[derive(Clone, Debug)]
pub struct Graph<'a> {
    start: &'a Name,
    next: BTreeMap<(&'a Name, Option<Port>), &'a Name>,
    successors: BTreeMap<&'a Name, Vec<&'a Name>>,
    predecessors: BTreeMap<&'a Name, Vec<&'a Name>>,
}

impl<'a> Graph<'a> {
    /// The graph of `document`, which need not be valid: of two edges out of one port the last counts.
    pub fn of(document: &'a WorkflowDocument) -> Self {
        let next: BTreeMap<_, _> = document.edges.iter().map(|Edge { from, port, to }| ((from, *port), to)).collect();
        let mut successors: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut predecessors: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ((from, _), to) in &next {
            successors.entry(*from).or_default().push(*to);
            predecessors.entry(*to).or_default().push(*from);
        }
        Self { start: &document.start, next, successors, predecessors }
    }

    /// The block after `from`, having left it by `port` (nothing unless it is a branch).
    pub fn next(&self, from: &Name, port: Option<Port>) -> Option<&'a Name> {
        self.next.get(&(from, port)).copied()
    }

    /// Every block that can run before `block` does.
    pub fn upstream(&self, block: &Name) -> BTreeSet<&'a Name> {
        closure(&self.predecessors, block)
    }

    /// Every block that a run can reach, the start included.
    pub fn reachable(&self) -> BTreeSet<&'a Name> {
        let mut found = closure(&self.successors, self.start);
        found.insert(self.start);
        found
    }

    /// A block on a cycle, if there is one.
    pub fn on_cycle(&self) -> Option<&'a Name> {
        self.successors.keys().copied().find(|block| closure(&self.successors, block).contains(block))
    }
}

/// Everything that `from` leads to by one step or more.
fn closure<'a>(steps: &BTreeMap<&'a Name, Vec<&'a Name>>, from: &Name) -> BTreeSet<&'a Name> {
    let mut found = BTreeSet::new();
    let mut pending: Vec<&'a Name> = steps.get(from).cloned().unwrap_or_default();
    while let Some(at) = pending.pop() {
        if found.insert(at) {
            pending.extend(steps.get(at).into_iter().flatten().copied());
        }
    }
    found
}
