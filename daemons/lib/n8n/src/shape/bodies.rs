//! Bodies: that they lead nowhere else, and which vertex is in which.

use std::collections::BTreeSet;

use bulkhead_model::workflow::{MAX_NESTING, Port};

use super::{Given, Id, Path, Shape, Skip, Vertex};
use crate::report::{Level, Report};

impl Shape {
    /// Closes the body of the loop `owner`: what leads out of it is cut.
    pub(super) fn close_body(&mut self, owner: Id, given: Given<'_>, report: &mut Report) {
        let Vertex::Node(node) = self.vertices[owner] else { return };
        let name = &given.export.nodes[node].name;
        let each = Port::known(Port::EACH);
        let Some(first) = self.bodies[owner].get(&each).copied() else {
            report.node(
                name,
                None,
                Level::Changed,
                "Its loop runs nothing in n8n: its body is a block that does nothing.",
            );
            let pass = self.add(Vertex::Pass);
            self.bodies[owner].insert(each, pass);
            return;
        };
        let Some(inside) = self.private(first, Skip::Bodies(owner)) else {
            let message = "What it runs is led to from outside of the loop too: a block that fails is its body.";
            report.node(name, None, Level::Missing, message);
            let why = "what the loop runs is led to from outside of it too, which a body cannot be";
            let fail = self.add(Vertex::Fail(why.to_owned()));
            self.bodies[owner].insert(each, fail);
            return;
        };
        let reached = self.reach(inside.iter().copied(), Skip::Nothing);
        let outside: BTreeSet<Id> = reached.difference(&inside).copied().collect();
        for at in inside {
            self.cut(at, &outside, "a block in the body of a loop does not lead out of it", report);
        }
    }

    /// Lets a block that fails stand where `at` leads to one of `forbidden`.
    pub(super) fn cut(&mut self, at: Id, forbidden: &BTreeSet<Id>, why: &str, report: &mut Report) {
        let ways: Vec<_> =
            self.ways[at].iter().filter(|(_, to)| forbidden.contains(to)).map(|(way, _)| way.clone()).collect();
        let ports: Vec<_> =
            self.bodies[at].iter().filter(|(_, to)| forbidden.contains(to)).map(|(port, _)| port.clone()).collect();
        if ways.is_empty() && ports.is_empty() {
            return;
        }
        report.whole(Level::Missing, format!("A link was cut: {why}. A block that fails stands in its place."));
        let fail = self.add(Vertex::Fail(why.to_owned()));
        for way in ways {
            self.ways[at].insert(way, fail);
        }
        for port in ports {
            self.bodies[at].insert(port, fail);
        }
    }

    /// Finds the bodies around each vertex. What would be nested too deeply fails.
    pub(super) fn find_paths(&mut self, given: Given<'_>, report: &mut Report) {
        self.paths = vec![None; self.vertices.len()];
        let mut pending: Vec<(Id, Path)> = self.roots().map(|root| (root, Path::new())).collect();
        while let Some((at, path)) = pending.pop() {
            if self.paths[at].is_some() {
                continue;
            }
            if path.len() >= MAX_NESTING && !self.bodies[at].is_empty() {
                self.refuse_nesting(at, given, report);
            }
            for (port, first) in &self.bodies[at] {
                let mut inner = path.clone();
                inner.push((at, port.clone()));
                pending.push((*first, inner));
            }
            pending.extend(self.ways[at].values().map(|next| (*next, path.clone())));
            self.paths[at] = Some(path);
        }
    }

    fn refuse_nesting(&mut self, at: Id, given: Given<'_>, report: &mut Report) {
        let message = format!("bodies nest at most {MAX_NESTING} deep: move the inner ones to a workflow of their own");
        if let Vertex::Node(node) = self.vertices[at] {
            let name = &given.export.nodes[node].name;
            report.node(name, None, Level::Missing, format!("It was left out: {message}."));
        }
        self.vertices[at] = Vertex::Fail(message);
        self.bodies[at].clear();
        self.ways[at].clear();
    }
}
