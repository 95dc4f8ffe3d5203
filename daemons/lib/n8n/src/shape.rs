//! The graph as walks: what runs after what, and in which body.
//!
//! n8n's outputs may lead to several nodes, which run one after the other, and a node may be led to from anywhere. A walk leads to one
//! block at a time, and a body does not lead out. So where an output leads to several nodes, a [`Vertex::Fan`], those that lie behind it
//! alone become the bodies of a parallel block, if nothing behind needs more of them than their last results, or a walk from one to
//! the next; what they lead to in common follows. The last fans are resolved first, so that one never has another within.

use std::collections::{BTreeMap, BTreeSet};

use bulkhead_model::workflow::Port;

use crate::export::Export;
use crate::facts::Facts;
use crate::flow::Flow;

mod bodies;
mod entry;
mod fan;

pub(crate) use entry::Case;

/// A vertex by its place.
pub(crate) type Id = usize;
/// A way out; the plain one as none.
pub(crate) type Way = Option<Port>;
/// The bodies around a vertex, the outermost first: each by its owner and port.
pub(crate) type Path = Vec<(Id, Port)>;

/// What becomes a block.
#[derive(Clone, Debug)]
pub(crate) enum Vertex {
    /// A node of the export.
    Node(usize),
    /// Chooses by what started the run.
    Entry(Vec<Case>),
    /// Leads to several; none is left in the end.
    Fan(Vec<Id>),
    /// Runs bodies at the same time.
    Parallel,
    /// Fails, since what n8n does here cannot be said.
    Fail(String),
    /// Does nothing.
    Pass,
}

/// What a shape is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'a> {
    pub(crate) export: &'a Export,
    pub(crate) flow: &'a Flow,
    pub(crate) facts: &'a Facts,
}

/// The graph while it is brought into shape, and then the shape.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    pub(crate) vertices: Vec<Vertex>,
    pub(crate) ways: Vec<BTreeMap<Way, Id>>,
    pub(crate) bodies: Vec<BTreeMap<Port, Id>>,
    /// The first of all runs.
    pub(crate) start: Option<Id>,
    /// The first of what a failing run goes to.
    pub(crate) on_error: Option<Id>,
    /// By vertex: the bodies around it; none if no walk leads to it.
    pub(crate) paths: Vec<Option<Path>>,
    fans: BTreeMap<Vec<Id>, Id>,
}

/// An edge that a search leaves out.
#[derive(Clone, Copy)]
enum Skip {
    Nothing,
    Member(Id, Id),
    Bodies(Id),
}

impl Shape {
    fn add(&mut self, vertex: Vertex) -> Id {
        self.vertices.push(vertex);
        self.ways.push(BTreeMap::new());
        self.bodies.push(BTreeMap::new());
        self.vertices.len() - 1
    }

    /// One vertex for several: the only one, or a fan, the same for the same ones.
    fn join(&mut self, members: Vec<Id>) -> Option<Id> {
        match members.len() {
            0 => None,
            1 => members.first().copied(),
            _ => Some(match self.fans.get(&members) {
                Some(known) => *known,
                None => {
                    let fan = self.add(Vertex::Fan(members.clone()));
                    self.fans.insert(members, fan);
                    fan
                }
            }),
        }
    }

    fn roots(&self) -> impl Iterator<Item = Id> + use<> {
        self.start.into_iter().chain(self.on_error)
    }

    /// All that a vertex leads to, bodies included.
    fn next(&self, at: Id, skip: Skip) -> Vec<Id> {
        let mut next: Vec<Id> = self.ways[at].values().copied().collect();
        if !matches!(skip, Skip::Bodies(owner) if owner == at) {
            next.extend(self.bodies[at].values());
        }
        if let Vertex::Fan(members) = &self.vertices[at] {
            next.extend(
                members.iter().filter(|member| !matches!(skip, Skip::Member(fan, to) if fan == at && to == **member)),
            );
        }
        next
    }

    fn reach(&self, from: impl IntoIterator<Item = Id>, skip: Skip) -> BTreeSet<Id> {
        let mut found = BTreeSet::new();
        let mut pending: Vec<Id> = from.into_iter().collect();
        while let Some(at) = pending.pop() {
            if found.insert(at) {
                pending.extend(self.next(at, skip));
            }
        }
        found
    }

    /// What lies behind `first` and is reached in no other way than by the edge to it; none if `first` itself is.
    fn private(&self, first: Id, edge: Skip) -> Option<BTreeSet<Id>> {
        let elsewhere = self.reach(self.roots(), edge);
        if elsewhere.contains(&first) {
            return None;
        }
        let mut inside = self.reach([first], Skip::Nothing);
        inside.retain(|at| !elsewhere.contains(at));
        Some(inside)
    }

    /// Everything that is reached, each behind all that it leads to.
    fn postorder(&self) -> Vec<Id> {
        let mut seen = BTreeSet::new();
        let mut order = Vec::new();
        for root in self.roots() {
            let mut path = Vec::new();
            if seen.insert(root) {
                path.push((root, self.next(root, Skip::Nothing)));
            }
            while let Some((at, mut pending)) = path.pop() {
                match pending.pop() {
                    None => order.push(at),
                    Some(next) => {
                        path.push((at, pending));
                        if seen.insert(next) {
                            path.push((next, self.next(next, Skip::Nothing)));
                        }
                    }
                }
            }
        }
        order
    }

    /// Lets everything that leads to `old` lead to `new`.
    fn redirect(&mut self, old: Id, new: Id) {
        for ways in &mut self.ways {
            ways.values_mut().filter(|to| **to == old).for_each(|to| *to = new);
        }
        for bodies in &mut self.bodies {
            bodies.values_mut().filter(|to| **to == old).for_each(|to| *to = new);
        }
        for root in [&mut self.start, &mut self.on_error].into_iter().flatten() {
            if *root == old {
                *root = new;
            }
        }
    }

    /// The vertices that some walk leads to, each behind what leads to it.
    pub(crate) fn order(&self) -> Vec<Id> {
        let mut order = self.postorder();
        order.reverse();
        order
    }

    /// Everything that a walk leads to from `from`, without the bodies on its way.
    pub(crate) fn behind(&self, from: Id) -> BTreeSet<Id> {
        let mut found = BTreeSet::new();
        let mut pending: Vec<Id> = self.ways[from].values().copied().collect();
        while let Some(at) = pending.pop() {
            if found.insert(at) {
                pending.extend(self.ways[at].values());
            }
        }
        found
    }

    /// What belongs to the walk from the start, bodies included.
    pub(crate) fn main(&self) -> BTreeSet<Id> {
        self.reach(self.start, Skip::Nothing)
    }
}
