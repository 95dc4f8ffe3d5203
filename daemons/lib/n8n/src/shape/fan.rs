//! Where one output leads to several nodes.

use std::collections::BTreeSet;

use bulkhead_model::workflow::Port;

use super::{Given, Id, Shape, Skip, Vertex, Way};
use crate::kinds;
use crate::report::{Level, Report};

/// Bodies that a parallel block may have.
const MAX_BRANCHES: usize = 20;

/// A member of a fan with what lies behind it alone.
type Private = (Id, BTreeSet<Id>);

impl Shape {
    /// Resolves every fan and closes every body, the last ones first.
    pub(super) fn resolve(&mut self, given: Given<'_>, report: &mut Report) {
        let mut closed = BTreeSet::new();
        // Each step takes a fan away and makes at most one, which lies further behind; the bound is for files made to go wrong.
        let mut to_spare = self.vertices.len() + 100;
        loop {
            let is_open = |at: &Id| match &self.vertices[*at] {
                Vertex::Fan(_) => true,
                Vertex::Node(node) => given.export.nodes[*node].kind == "splitInBatches" && !closed.contains(at),
                _ => false,
            };
            let Some(at) = self.postorder().into_iter().find(is_open) else { return };
            match self.vertices[at].clone() {
                Vertex::Fan(members) if to_spare > 0 => {
                    to_spare -= 1;
                    self.resolve_fan(at, &members, given, report);
                }
                Vertex::Fan(members) => self.take_first(at, &members, given, report),
                _ => {
                    closed.insert(at);
                    self.close_body(at, given, report);
                }
            }
        }
    }

    fn resolve_fan(&mut self, fan: Id, members: &[Id], given: Given<'_>, report: &mut Report) {
        let mut private: Vec<Private> = Vec::new();
        for member in members {
            private.extend(self.private(*member, Skip::Member(fan, *member)).map(|inside| (*member, inside)));
        }
        if private.is_empty() {
            return self.take_first(fan, members, given, report);
        }
        let shared = self.shared(members, &private, given);
        if self.may_run_together(&private, &shared, given) {
            self.make_parallel(fan, &private, shared);
            return;
        }
        // What is led to by a member alone, and not by the output itself, n8n runs only where the way there is taken.
        let is_certain = shared.is_empty() || shared.iter().any(|at| members.contains(at));
        let last = self.join(shared);
        let has_loose_end = self.make_sequence(fan, &private, last, given);
        if has_loose_end
            && !is_certain
            && let Some(Vertex::Node(node)) = last.and_then(|last| self.vertices.get(last))
        {
            let message = "n8n runs it only where a way leads to it; here it runs behind all of them in any case.";
            report.node(&given.export.nodes[*node].name, None, Level::Changed, message);
        }
    }

    /// What comes behind all bodies: members that are led to from elsewhere, and what the bodies lead to.
    fn shared(&self, members: &[Id], private: &[Private], given: Given<'_>) -> Vec<Id> {
        let is_private = |at: &Id| private.iter().any(|(_, inside)| inside.contains(at));
        let mut shared: BTreeSet<Id> = members.iter().copied().filter(|member| !is_private(member)).collect();
        for at in private.iter().flat_map(|(_, inside)| inside) {
            shared.extend(self.next(*at, Skip::Nothing).into_iter().filter(|next| !is_private(next)));
        }
        let mut shared: Vec<Id> = shared.into_iter().collect();
        shared.sort_by_key(|at| match self.vertices[*at] {
            Vertex::Node(node) => given.export.nodes[node].position,
            _ => (i64::MAX, i64::MAX),
        });
        shared
    }

    /// Whether the bodies can run at the same time: none needs another one, and what comes behind needs only what they came to.
    fn may_run_together(&self, private: &[Private], shared: &[Id], given: Given<'_>) -> bool {
        if !(2..=MAX_BRANCHES).contains(&private.len()) {
            return false;
        }
        let node_of = |at: &Id| match self.vertices[*at] {
            Vertex::Node(node) => Some(node),
            _ => None,
        };
        let behind = self.reach(shared.iter().copied(), Skip::Nothing);
        for (first, inside) in private {
            let last = self.end_of_chain(*first, inside);
            if !shared.is_empty() && last.is_none() {
                return false;
            }
            let mut within = vec![false; given.export.nodes.len()];
            inside.iter().filter_map(node_of).for_each(|node| within[node] = true);
            let last = last.and_then(|last| node_of(&last));
            let others = private.iter().flat_map(|(_, other)| other).filter(|at| !inside.contains(at));
            for at in others.chain(&behind) {
                let Some(node) = node_of(at) else { continue };
                let linked = given.flow.sources(node).iter().map(|link| link.from);
                let mentioned = given.facts.mentions(node).iter().copied();
                for needed in linked.chain(mentioned).filter(|needed| within[*needed]) {
                    let is_result = Some(needed) == last && behind.contains(at);
                    let is_gate = given.facts.is_gate(given.export, needed);
                    if !is_result || kinds::passes_on(&given.export.nodes[needed], is_gate) {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// The last vertex of a walk without a choice in it.
    fn end_of_chain(&self, first: Id, inside: &BTreeSet<Id>) -> Option<Id> {
        let mut at = first;
        loop {
            if matches!(self.vertices[at], Vertex::Fail(_)) {
                return None;
            }
            let mut ways = self.ways[at].iter();
            match (ways.next(), ways.next()) {
                (None, _) => return Some(at),
                (Some((None, next)), None) if inside.contains(next) => at = *next,
                (Some((None, _)), None) => return Some(at),
                _ => return None,
            }
        }
    }

    fn make_parallel(&mut self, fan: Id, private: &[Private], shared: Vec<Id>) {
        let parallel = self.add(Vertex::Parallel);
        for (number, (first, inside)) in private.iter().enumerate() {
            for at in inside {
                self.ways[*at].retain(|_, to| inside.contains(to));
            }
            if let Ok(port) = Port::try_from(format!("way{}", number + 1)) {
                self.bodies[parallel].insert(port, *first);
            }
        }
        if let Some(next) = self.join(shared) {
            self.ways[parallel].insert(None, next);
        }
        self.redirect(fan, parallel);
    }

    /// One member behind the other, and `last` behind them all; whether an end led nowhere before.
    fn make_sequence(&mut self, fan: Id, private: &[Private], last: Option<Id>, given: Given<'_>) -> bool {
        let mut has_loose_end = false;
        for (number, (first, inside)) in private.iter().enumerate() {
            let next = private.get(number + 1).map(|(first, _)| *first);
            let was_loose = self.lead_on(*first, inside, next.or(last), given);
            has_loose_end |= was_loose && next.is_none();
        }
        if let Some((first, _)) = private.first() {
            self.redirect(fan, *first);
        }
        has_loose_end
    }

    /// Lets each end of the walk from `first` lead to `next`; whether one of the ends led nowhere before.
    fn lead_on(&mut self, first: Id, inside: &BTreeSet<Id>, next: Option<Id>, given: Given<'_>) -> bool {
        let Some(next) = next else { return false };
        let mut loose = false;
        let mut seen = BTreeSet::new();
        let mut pending = vec![first];
        while let Some(at) = pending.pop() {
            if !inside.contains(&at) || !seen.insert(at) {
                continue;
            }
            pending.extend(self.ways[at].values());
            self.ways[at].values_mut().filter(|to| !inside.contains(to)).for_each(|to| *to = next);
            for way in self.ways_on(at, given) {
                loose |= !self.ways[at].contains_key(&way);
                self.ways[at].entry(way).or_insert(next);
            }
        }
        loose
    }

    fn ways_on(&self, at: Id, given: Given<'_>) -> Vec<Way> {
        match &self.vertices[at] {
            Vertex::Node(node) => kinds::ways_on(&given.export.nodes[*node], given.facts.is_gate(given.export, *node)),
            Vertex::Entry(cases) => {
                let ports = cases.iter().map(|case| case.port.clone());
                ports.chain([Port::known(Port::ELSE)]).map(Some).collect()
            }
            Vertex::Parallel | Vertex::Pass => vec![None],
            Vertex::Fan(_) | Vertex::Fail(_) => Vec::new(),
        }
    }

    /// Each member is led to from elsewhere too, so that no order fits all: the first is kept.
    fn take_first(&mut self, fan: Id, members: &[Id], given: Given<'_>, report: &mut Report) {
        let Some((first, others)) = members.split_first() else { return };
        for other in others {
            if let Vertex::Node(node) = self.vertices[*other] {
                let message = "One of the outputs that lead to it leads to other nodes as well, and no walk has both: \
                               this link was left out. Connect it by hand.";
                report.node(&given.export.nodes[node].name, None, Level::Missing, message);
            }
        }
        self.redirect(fan, *first);
    }
}
