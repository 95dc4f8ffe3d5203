//! The links of an export as a graph without cycles, with what has no block taken out of it.
//!
//! Notes on the canvas are left out, nodes that are switched off or do nothing are passed by. A link that leads back into a loop node
//! is the end of its body. Any other link that leads back is cut: what stands in its place fails, and says so.

use std::collections::BTreeSet;

use crate::export::{Export, Link};
use crate::kinds;
use crate::report::{Level, Report};

/// What an output leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// A node, by its place in the export.
    Node(usize),
    /// What cannot be said in a graph without cycles: why.
    Fail(String),
}

/// The graph.
#[derive(Debug)]
pub(crate) struct Flow {
    /// By node and output, in the order in which n8n takes them.
    targets: Vec<Vec<Vec<Target>>>,
    /// By node: what leads to it.
    sources: Vec<Vec<Link>>,
    /// Nodes that have no block though they are part of the graph.
    pub(crate) passed_by: Vec<bool>,
}

impl Flow {
    /// The graph of an export.
    pub(crate) fn of(export: &Export, report: &mut Report) -> Self {
        let passed_by: Vec<bool> =
            export.nodes.iter().map(|node| is_passed_by(node) && !kinds::is_trigger(node)).collect();
        say_what_is_left_out(export, report);
        let mut links: Vec<Link> = Vec::new();
        for link in &export.links {
            let is_sticky = |node: usize| export.nodes[node].kind == "stickyNote";
            if !is_sticky(link.from) && !is_sticky(link.to) {
                links.push(*link);
            }
        }
        let mut flow = Self { targets: vec![Vec::new(); export.nodes.len()], sources: Vec::new(), passed_by };
        flow.set_links(export, &links);
        flow.drop_returns(export);
        flow.cut_cycles(export, report);
        flow.find_sources(&links);
        flow
    }

    /// What an output leads to.
    pub(crate) fn targets(&self, node: usize, output: usize) -> &[Target] {
        self.targets[node].get(output).map_or(&[], Vec::as_slice)
    }

    /// The highest output that leads anywhere, and one.
    pub(crate) fn outputs(&self, node: usize) -> usize {
        self.targets[node].len()
    }

    /// What leads to a node, nodes that are passed by included.
    pub(crate) fn sources(&self, node: usize) -> &[Link] {
        &self.sources[node]
    }

    /// A node's targets on all outputs.
    pub(crate) fn next(&self, node: usize) -> impl Iterator<Item = usize> {
        self.targets[node].iter().flatten().filter_map(|target| match target {
            Target::Node(node) => Some(*node),
            Target::Fail(_) => None,
        })
    }

    /// Adds a link that the file does not have.
    pub(crate) fn add(&mut self, link: Link) {
        let outputs = &mut self.targets[link.from];
        if outputs.len() <= link.output {
            outputs.resize(link.output + 1, Vec::new());
        }
        outputs[link.output].push(Target::Node(link.to));
        self.sources[link.to].push(link);
    }

    fn set_links(&mut self, export: &Export, links: &[Link]) {
        let mut plain: Vec<Vec<Vec<usize>>> = vec![Vec::new(); export.nodes.len()];
        for link in links {
            let outputs = &mut plain[link.from];
            if outputs.len() <= link.output {
                outputs.resize(link.output + 1, Vec::new());
            }
            outputs[link.output].push(link.to);
        }
        for (node, outputs) in plain.iter().enumerate() {
            for (output, to) in outputs.iter().enumerate() {
                let mut reached = BTreeSet::new();
                let mut seen = BTreeSet::new();
                let mut pending = to.clone();
                while let Some(at) = pending.pop() {
                    if !seen.insert(at) {
                        continue;
                    }
                    if self.passed_by[at] {
                        pending.extend(plain[at].first().into_iter().flatten());
                    } else if !kinds::is_trigger(&export.nodes[at]) {
                        reached.insert((export.nodes[at].position, at));
                    }
                }
                if !reached.is_empty() {
                    let of_node = &mut self.targets[node];
                    if of_node.len() <= output {
                        of_node.resize(output + 1, Vec::new());
                    }
                    of_node[output] = reached.into_iter().map(|(_, at)| Target::Node(at)).collect();
                }
            }
        }
    }

    /// Takes out what leads back from the body of a loop to its node.
    fn drop_returns(&mut self, export: &Export) {
        for (node, at) in export.nodes.iter().enumerate().filter(|(_, node)| node.kind == "splitInBatches") {
            let mut body = BTreeSet::from([node]);
            let mut pending: Vec<usize> = Vec::new();
            for target in self.targets(node, kinds::loop_output(at)) {
                pending.extend(match target {
                    Target::Node(first) => Some(*first),
                    Target::Fail(_) => None,
                });
            }
            while let Some(at) = pending.pop() {
                if body.insert(at) {
                    pending.extend(self.next(at));
                }
            }
            for inner in body {
                for output in &mut self.targets[inner] {
                    output.retain(|target| *target != Target::Node(node));
                }
            }
        }
    }

    /// Cuts each link that closes a cycle.
    fn cut_cycles(&mut self, export: &Export, report: &mut Report) {
        /// How far the search has come with a node.
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = vec![Mark::New; export.nodes.len()];
        // Starting at the triggers, a cycle is cut where it closes and not where it begins.
        let mut order: Vec<usize> = (0..export.nodes.len()).collect();
        order.sort_by_key(|node| !kinds::is_trigger(&export.nodes[*node]));
        for first in order {
            let mut path = vec![(first, 0_usize, 0_usize)];
            if marks[first] != Mark::New {
                continue;
            }
            marks[first] = Mark::Open;
            while let Some((node, output, place)) = path.pop() {
                let Some(targets) = self.targets[node].get(output) else {
                    marks[node] = Mark::Done;
                    continue;
                };
                let Some(target) = targets.get(place) else {
                    path.push((node, output + 1, 0));
                    continue;
                };
                path.push((node, output, place + 1));
                let Target::Node(next) = *target else { continue };
                match marks[next] {
                    Mark::Done => {}
                    Mark::New => {
                        marks[next] = Mark::Open;
                        path.push((next, 0, 0));
                    }
                    Mark::Open => {
                        let (from, to) = (&export.nodes[node].name, &export.nodes[next].name);
                        let message = format!(
                            "n8n went back to `{to}` here, and a walk has no way back: use a loop block with `until`"
                        );
                        report.node(
                            from,
                            None,
                            Level::Missing,
                            format!("{message}. A block that fails stands in its place."),
                        );
                        self.targets[node][output][place] = Target::Fail(message);
                    }
                }
            }
        }
    }

    /// What leads to each node by the file's links, without those that were taken out.
    fn find_sources(&mut self, links: &[Link]) {
        let mut sources = vec![Vec::new(); self.targets.len()];
        for link in links {
            let is_kept = self.passed_by[link.from]
                || self.passed_by[link.to]
                || self.targets(link.from, link.output).contains(&Target::Node(link.to));
            if is_kept && link.from != link.to {
                sources[link.to].push(*link);
            }
        }
        self.sources = sources;
    }

    /// The nodes in an order in which each comes behind what leads to it.
    pub(crate) fn order(&self) -> Vec<usize> {
        let count = self.targets.len();
        let mut open = vec![0_usize; count];
        let mut next: Vec<Vec<usize>> = vec![Vec::new(); count];
        for link in self.sources.iter().flatten() {
            open[link.to] += 1;
            next[link.from].push(link.to);
        }
        let mut ready: Vec<usize> = (0..count).rev().filter(|node| open[*node] == 0).collect();
        let mut order = Vec::new();
        while let Some(node) = ready.pop() {
            order.push(node);
            for to in &next[node] {
                open[*to] -= 1;
                if open[*to] == 0 {
                    ready.push(*to);
                }
            }
        }
        // A cycle of nodes that are all passed by leads nowhere, and its place in the order does not matter.
        let known: BTreeSet<usize> = order.iter().copied().collect();
        order.extend((0..count).filter(|node| !known.contains(node)));
        order
    }
}

fn is_passed_by(node: &crate::export::Node) -> bool {
    node.disabled || node.kind == "noOp"
}

fn say_what_is_left_out(export: &Export, report: &mut Report) {
    for node in &export.nodes {
        if node.kind == "stickyNote" {
            report.node(&node.name, None, Level::Changed, "A note on the canvas: it was left out.");
        } else if node.disabled {
            report.node(
                &node.name,
                None,
                Level::Changed,
                "It is switched off in n8n: it was left out, and its items are passed on.",
            );
        } else if node.kind == "noOp" {
            report.node(&node.name, None, Level::Translated, "It does nothing: it was left out.");
        }
    }
}
