//! The edges of a workflow as walks.
//!
//! A run is a walk from the start: each block leads to at most one other by the way it is left. A loop, a parallel or a try block
//! has bodies besides: walks of their own that come back to it. So every block belongs to one [`Scope`], and sees what has run
//! before it there and around it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Block, Edge, Port, WorkflowDocument};
use crate::Name;

/// A walk that a block is part of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope<'a> {
    /// From the start to the end of the run.
    Run,
    /// What a failing run goes to.
    OnError,
    /// The body of a block, from one of its ports.
    Body {
        /// The block.
        owner: &'a Name,
        /// The port.
        port: Port,
    },
}

/// What an expression of a block may refer to, besides what is always there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visible<'a> {
    /// Blocks that may have run, each with its result.
    pub blocks: BTreeSet<&'a Name>,
    /// `item` and `index`, in the body of a loop.
    pub item: bool,
    /// `error`, where a failure leads.
    pub error: bool,
}

/// The walks of a document.
#[derive(Clone, Debug)]
pub struct Graph<'a> {
    document: &'a WorkflowDocument,
    next: BTreeMap<(&'a str, Option<&'a str>), &'a Name>,
    scopes: BTreeMap<&'a Name, Scope<'a>>,
    /// Blocks that an edge leads to out of another walk than theirs.
    strays: BTreeMap<&'a Name, (Scope<'a>, Scope<'a>)>,
}

impl<'a> Graph<'a> {
    /// The graph of `document`, which need not be valid: of two edges out of one port the last counts.
    pub fn of(document: &'a WorkflowDocument) -> Self {
        let key = |edge: &'a Edge| (edge.from.as_str(), edge.port.as_ref().map(Port::as_str));
        let next = document.edges.iter().map(|edge| (key(edge), &edge.to)).collect();
        let mut graph = Self { document, next, scopes: BTreeMap::new(), strays: BTreeMap::new() };
        graph.find_scopes();
        graph
    }

    fn find_scopes(&mut self) {
        let mut pending = vec![(&self.document.start, Scope::Run)];
        pending.extend(self.document.on_error.as_ref().map(|first| (first, Scope::OnError)));
        while let Some((at, scope)) = pending.pop() {
            let Some((at, block)) = self.document.blocks.get_key_value(at) else { continue };
            match self.scopes.get(at) {
                Some(known) if *known == scope => continue,
                Some(known) => {
                    self.strays.entry(at).or_insert_with(|| (known.clone(), scope));
                    continue;
                }
                None => {}
            }
            for port in block.scopes() {
                if let Some(first) = self.next(at, Some(&port)) {
                    pending.push((first, Scope::Body { owner: at, port }));
                }
            }
            for way in block.ways() {
                pending.extend(self.next(at, way.as_ref()).map(|next| (next, scope.clone())));
            }
            self.scopes.insert(at, scope);
        }
    }

    /// The block after `from`, having left it by `port`; the first of a body, if that is the port of one.
    pub fn next(&self, from: &Name, port: Option<&Port>) -> Option<&'a Name> {
        self.next.get(&(from.as_str(), port.map(Port::as_str))).copied()
    }

    /// The walk that a block is part of; none if no walk leads to it.
    pub fn scope(&self, block: &Name) -> Option<&Scope<'a>> {
        self.scopes.get(block)
    }

    /// Blocks that an edge leads to from another walk than the one that they are part of.
    pub fn strays(&self) -> impl Iterator<Item = (&'a Name, &(Scope<'a>, Scope<'a>))> {
        self.strays.iter().map(|(block, scopes)| (*block, scopes))
    }

    /// The blocks whose bodies a block is in, the innermost first.
    pub fn owners(&self, block: &Name) -> Vec<&'a Name> {
        let mut owners = Vec::new();
        let mut at = self.scope(block);
        while let Some(Scope::Body { owner, .. }) = at {
            // A block that leads into its own body would never end here.
            if owners.contains(owner) {
                break;
            }
            owners.push(*owner);
            at = self.scope(owner);
        }
        owners
    }

    /// The loop whose body a block is in, the innermost if there are several.
    pub fn loop_around(&self, block: &Name) -> Option<&'a Name> {
        self.owners(block).into_iter().find(|owner| matches!(self.document.blocks.get(*owner), Some(Block::Loop(_))))
    }

    /// What an expression of `block` may refer to.
    pub fn visible(&self, block: &Name) -> Visible<'a> {
        let mut visible = Visible::default();
        let owners = self.owners(block);
        let mut at = block;
        for owner in owners.iter().copied().map(Some).chain([None]) {
            self.add_upstream(at, &mut visible);
            match (self.scope(at), owner) {
                (Some(Scope::Body { port, .. }), Some(owner)) => {
                    visible.item |= matches!(self.document.blocks.get(owner), Some(Block::Loop(_)));
                    if port.as_str() == Port::CATCH && matches!(self.document.blocks.get(owner), Some(Block::Try(_))) {
                        visible.error = true;
                        let tried = Scope::Body { owner, port: Port::known(Port::TRY) };
                        visible.blocks.extend(self.members(&tried));
                    }
                    at = owner;
                }
                (Some(Scope::OnError), _) => {
                    visible.error = true;
                    visible.blocks.extend(self.members(&Scope::Run));
                }
                _ => {}
            }
        }
        visible
    }

    fn members(&self, scope: &Scope<'a>) -> impl Iterator<Item = &'a Name> {
        self.scopes.iter().filter(move |(_, of)| *of == scope).map(|(block, _)| *block)
    }

    /// Adds what may have run before `block` in its own walk.
    fn add_upstream(&self, block: &Name, visible: &mut Visible<'a>) {
        let mut pending = vec![block];
        let mut seen = BTreeSet::from([block]);
        while let Some(at) = pending.pop() {
            for edge in self.document.edges.iter().filter(|edge| edge.to == *at) {
                let leads_into_body = edge.port.as_ref().is_some_and(|port| self.is_body(&edge.from, port));
                let Some((from, _)) = self.document.blocks.get_key_value(&edge.from) else { continue };
                if leads_into_body {
                    continue;
                }
                visible.error |= edge.port.as_ref().is_some_and(|port| port.as_str() == Port::ERROR);
                if seen.insert(from) {
                    visible.blocks.insert(from);
                    pending.push(from);
                }
            }
        }
    }

    fn is_body(&self, block: &Name, port: &Port) -> bool {
        self.document.blocks.get(block).is_some_and(|block| block.scopes().contains(port))
    }

    /// A block on a cycle, if there is one.
    pub fn on_cycle(&self) -> Option<&'a Name> {
        let mut steps: BTreeMap<&'a Name, Vec<&'a Name>> = BTreeMap::new();
        for edge in &self.document.edges {
            steps.entry(&edge.from).or_default().push(&edge.to);
        }
        steps.keys().copied().find(|block| closure(&steps, block).contains(block))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A loop with a branch in it, a try around a block, and what follows.
    fn document() -> WorkflowDocument {
        let code = json!({ "type": "code", "language": "javascript", "source": "" });
        let block = |kind: &str| json!({ "type": kind });
        serde_json::from_value(json!({
            "format": 1, "title": "Nested", "start": "load", "on-error": "tell",
            "blocks": {
                "load": code, "each": { "type": "loop", "over": "load" }, "attempt": block("try"),
                "risky": code, "rescue": code, "inner": code, "after": code, "tell": code,
            },
            "edges": [
                { "from": "load", "to": "each" }, { "from": "each", "port": "each", "to": "attempt" },
                { "from": "attempt", "port": "try", "to": "risky" }, { "from": "attempt", "port": "catch", "to": "rescue" },
                { "from": "attempt", "to": "inner" }, { "from": "each", "to": "after" },
            ],
        }))
        .expect("a document")
    }

    fn visible(block: &str) -> (Vec<String>, bool, bool) {
        let document = document();
        let Visible { blocks, item, error } = Graph::of(&document).visible(&block.parse().expect("a name"));
        (blocks.into_iter().map(ToString::to_string).collect(), item, error)
    }

    #[test]
    fn a_block_sees_what_ran_before_it_in_its_walk_and_around_it() {
        assert_eq!(visible("risky"), (vec!["load".into()], true, false));
        assert_eq!(visible("rescue"), (vec!["load".into(), "risky".into()], true, true));
        assert_eq!(visible("inner"), (vec!["attempt".into(), "load".into()], true, false));
        assert_eq!(visible("after"), (vec!["each".into(), "load".into()], false, false));
        assert_eq!(visible("tell"), (vec!["after".into(), "each".into(), "load".into()], false, true));
    }

    #[test]
    fn a_block_knows_the_bodies_that_it_is_in() {
        let document = document();
        let graph = Graph::of(&document);
        let name = |text: &str| text.parse::<Name>().expect("a name");
        let owners = |block: &str| graph.owners(&name(block)).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(owners("risky"), ["attempt", "each"]);
        assert_eq!(owners("after"), Vec::<String>::new());
        assert_eq!(graph.loop_around(&name("risky")).map(Name::as_str), Some("each"));
        assert_eq!(graph.loop_around(&name("each")), None);
    }

    #[test]
    fn an_edge_out_of_a_body_is_a_stray() {
        let mut document = document();
        let edge: Edge = serde_json::from_value(json!({ "from": "inner", "to": "after" })).expect("an edge");
        document.edges.push(edge);
        let graph = Graph::of(&document);
        let strays: Vec<_> = graph.strays().map(|(block, _)| block.to_string()).collect();
        assert_eq!(strays, ["after"]);
    }
}
