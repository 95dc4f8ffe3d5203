//! What each node's items are called where a block asks for them.
//!
//! A node's items are in the result of its block, in a form that the kind of the block gives it; a node that only passes items on has
//! those of the node before it. A block sees what has run before it in its walk and around it. Of a body that has ended it sees the
//! last result, by the block that has the body.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use bulkhead_model::Name;
use bulkhead_model::workflow::Port;

use crate::export::OnError;
use crate::kinds::{self, Form};
use crate::names::Names;
use crate::shape::{Given, Id, Shape, Vertex};
use crate::source::{Source, joined, ran};
use crate::triggers::{self, Triggers};

/// The longest expression for a node's items: where many ways meet it could be of any length.
const MAX_SOURCE: usize = 2_000;
/// Bytes that expressions for the items of nodes take together.
const MAX_GROWTH: usize = 4 * 1024 * 1024;
/// How many nodes that only pass items on are followed back.
const MAX_DEPTH: usize = 60;

/// How a block's result is reached.
enum Access {
    /// By this expression.
    Result(String),
    /// As those of the rounds of a loop, by this expression.
    Rounds(String),
}

/// The names of all blocks and what they hold.
pub(crate) struct Plan<'a> {
    pub(crate) given: Given<'a>,
    pub(crate) shape: &'a Shape,
    pub(crate) triggers: &'a Triggers,
    names: BTreeMap<Id, Name>,
    inner_names: BTreeMap<Id, Name>,
    main: BTreeSet<Id>,
    ranks: Vec<usize>,
    behind: RefCell<BTreeMap<Id, BTreeSet<Id>>>,
    known: RefCell<BTreeMap<(usize, usize, Id), Option<Source>>>,
    depth: Cell<usize>,
    grown: Cell<usize>,
    /// Nodes of which an expression means an item that cannot be told, by the node that has it.
    pub(crate) doubts: RefCell<BTreeSet<(usize, usize)>>,
    /// n8n's variables that expressions asked for.
    pub(crate) variables: RefCell<BTreeSet<Name>>,
}

impl<'a> Plan<'a> {
    /// A plan for a shape.
    pub(crate) fn of(given: Given<'a>, shape: &'a Shape, triggers: &'a Triggers) -> Self {
        let mut taken = Names::default();
        let mut order = shape.order();
        // Nodes first, so that what is added gives way to them, and in the file's order, so that the first of a name keeps it.
        order.sort_by_key(|at| match shape.vertices[*at] {
            Vertex::Node(node) => node,
            _ => usize::MAX,
        });
        let mut names = BTreeMap::new();
        let mut inner_names = BTreeMap::new();
        for at in order {
            let wanted = match &shape.vertices[at] {
                Vertex::Node(node) => given.export.nodes[*node].name.as_str(),
                Vertex::Entry(_) => "startedBy",
                Vertex::Parallel => "together",
                Vertex::Fail(_) => "notTranslated",
                Vertex::Pass | Vertex::Fan(_) => "nothing",
            };
            let name = taken.fresh(wanted);
            if let Vertex::Node(node) = shape.vertices[at]
                && given.facts.is_looped(given.export, node)
            {
                inner_names.insert(at, name);
                names.insert(at, taken.fresh(&format!("each {wanted}")));
                continue;
            }
            names.insert(at, name);
        }
        let main = shape.main();
        let mut ranks = vec![0; given.export.nodes.len()];
        given.flow.order().into_iter().enumerate().for_each(|(rank, node)| ranks[node] = rank);
        Self {
            given,
            shape,
            triggers,
            names,
            inner_names,
            main,
            ranks,
            behind: RefCell::default(),
            known: RefCell::default(),
            depth: Cell::default(),
            grown: Cell::default(),
            doubts: RefCell::default(),
            variables: RefCell::default(),
        }
    }

    /// Whether the document may grow by so many bytes more.
    pub(crate) fn may_grow(&self, bytes: usize) -> bool {
        self.grown.set(self.grown.get().saturating_add(bytes));
        self.grown.get() <= MAX_GROWTH
    }

    /// Forgets the items that were looked up: those of one block take little room, and those of all may take much.
    pub(crate) fn forget(&self) {
        self.known.borrow_mut().clear();
    }

    /// The name of a vertex's block.
    pub(crate) fn name(&self, at: Id) -> Option<&Name> {
        self.names.get(&at)
    }

    /// The name of the block in the body of a looped node.
    pub(crate) fn inner_name(&self, at: Id) -> Option<&Name> {
        self.inner_names.get(&at)
    }

    /// The loop node whose round a vertex is part of, if that is the innermost loop around it.
    pub(crate) fn loop_around(&self, at: Id) -> Option<usize> {
        let path = self.shape.paths[at].as_ref()?;
        path.iter().rev().find_map(|(owner, _)| match self.shape.vertices[*owner] {
            Vertex::Node(node) => Some(node),
            _ => None,
        })
    }

    /// What a node is given, as its block sees it; none if that is out of reach.
    pub(crate) fn input(&self, node: usize, viewer: Id) -> Option<Source> {
        self.inputs(node, viewer, |_| true)
    }

    /// What one of a node's inputs is given.
    pub(crate) fn input_at(&self, node: usize, input: usize, viewer: Id) -> Option<Source> {
        self.inputs(node, viewer, |of| of == input)
    }

    fn inputs(&self, node: usize, viewer: Id, is_meant: impl Fn(usize) -> bool) -> Option<Source> {
        let links = self.given.flow.sources(node).iter().filter(|link| is_meant(link.input));
        let mut found: Vec<Source> = Vec::new();
        let mut is_first = true;
        for link in links {
            is_first = false;
            let source = self.items(link.from, link.output, viewer);
            found.extend(source.filter(|source| !found.contains(source)));
        }
        if is_first {
            let one = "trigger.body".to_owned();
            return Some(Source { all: Form::Any.all(&one), one, ..Source::default() });
        }
        let source = match found.len() {
            0 | 1 => found.pop()?,
            _ => joined(found, |one, other| self.is_behind(one, other)),
        };
        (source.one.len() + source.all.len() <= MAX_SOURCE).then_some(source)
    }

    /// The items of an output of a node, as the block of `viewer` sees them.
    pub(crate) fn items(&self, node: usize, output: usize, viewer: Id) -> Option<Source> {
        let key = (node, output, viewer);
        if let Some(known) = self.known.borrow().get(&key) {
            return known.clone();
        }
        // Nodes that are passed by may lead to one another in a circle, and be many.
        self.known.borrow_mut().insert(key, None);
        if self.depth.get() >= MAX_DEPTH {
            return None;
        }
        self.depth.set(self.depth.get() + 1);
        let source = self.find(node, output, viewer);
        self.depth.set(self.depth.get() - 1);
        self.known.borrow_mut().insert(key, source.clone());
        source
    }

    fn find(&self, node: usize, output: usize, viewer: Id) -> Option<Source> {
        let at = &self.given.export.nodes[node];
        if kinds::is_trigger(at) {
            return Some(self.of_trigger(node));
        }
        let count = kinds::outputs(at, false).iter().map(|(output, _)| output + 1).max().unwrap_or(0);
        if at.on_error == OnError::Output && count > 0 && output + 1 == count {
            let given = self.input(node, viewer)?;
            let one = format!("({{ ...{}, error: error.message }})", given.one);
            return Some(Source {
                all: format!("[{one}]"),
                one,
                many: false,
                ran: Some(ran("error")),
                // A block that failed is null, and not undefined: the error comes first.
                rank: 2 * self.rank(node) + 1,
                ..Source::default()
            });
        }
        if at.kind == "splitInBatches" {
            return self.of_loop(node, output, viewer);
        }
        if kinds::passes_on(at, self.given.facts.is_gate(self.given.export, node)) {
            return self.input(node, viewer);
        }
        let many = self.given.facts.leaves_many(self.given.export, node, output);
        self.result(node, kinds::form(at), many, viewer)
    }

    fn of_trigger(&self, node: usize) -> Source {
        let at = &self.given.export.nodes[node];
        let one = triggers::item(at).to_owned();
        let all = if at.kind == "webhook" { format!("[{one}]") } else { Form::Any.all(&one) };
        let started = self.triggers.started.iter().find(|started| started.node == node);
        let ran = started.and_then(|started| started.when.clone());
        Source { one, all, ran, ..Source::default() }
    }

    fn of_loop(&self, node: usize, output: usize, viewer: Id) -> Option<Source> {
        let at = &self.given.export.nodes[node];
        if output == kinds::loop_output(at) {
            // In a loop within the loop, `item` is that of the inner one.
            if self.loop_around(viewer) != Some(node) {
                return None;
            }
            return Some(if kinds::batch_size(at) == 1 {
                Source { one: "item".into(), all: "[item]".into(), ..Source::default() }
            } else {
                Source { one: "item[0]".into(), all: "item".into(), many: true, ..Source::default() }
            });
        }
        let Access::Result(root) = self.access(node, viewer)? else { return None };
        let ends = self.ends_of_body(node);
        let forms: BTreeSet<_> = ends.iter().map(|end| self.form_of_end(*end)).collect();
        let all = match forms.first() {
            Some(Some((form, true))) if forms.len() == 1 => form.all_of_list(&format!("{root}.flat()")),
            Some(Some((form, false))) if forms.len() == 1 => form.all_of_list(&root),
            // What comes back to the loop is what it gave out.
            Some(None) if forms.len() == 1 => return self.input(node, viewer),
            _ => Form::Any.all_of_list(&root),
        };
        let rank = 2 * self.rank(node);
        Some(Source { one: format!("{all}[0]"), all, many: true, ran: Some(ran(&root)), rank, from: Some(node) })
    }

    /// Whether a loop hands on the items that it was given, since its body ends with what only passes items on.
    pub(crate) fn hands_back(&self, node: usize) -> bool {
        let ends = self.ends_of_body(node);
        !ends.is_empty() && ends.iter().all(|end| self.form_of_end(*end).is_none())
    }

    /// The vertices with which the body of a loop may end.
    fn ends_of_body(&self, node: usize) -> Vec<Id> {
        let path = self.shape.paths[node].clone().unwrap_or_default();
        let body: Vec<_> = path.into_iter().chain([(node, Port::known(Port::EACH))]).collect();
        let is_end =
            |at: &Id| self.shape.paths[*at].as_ref() == Some(&body) && self.shape.ways[*at].values().next().is_none();
        (0..self.shape.vertices.len()).filter(is_end).collect()
    }

    /// The form of the result of a vertex that ends a body, and whether it is a list of them; none if its items are those that
    /// went in.
    fn form_of_end(&self, at: Id) -> Option<(Form, bool)> {
        let Vertex::Node(node) = self.shape.vertices[at] else { return Some((Form::Any, false)) };
        let of = &self.given.export.nodes[node];
        if kinds::passes_on(of, self.given.facts.is_gate(self.given.export, node)) {
            return None;
        }
        Some((kinds::form(of), self.given.facts.is_looped(self.given.export, node)))
    }

    fn result(&self, node: usize, form: Form, many: bool, viewer: Id) -> Option<Source> {
        let is_looped = self.given.facts.is_looped(self.given.export, node);
        let (root, is_rounds) = match self.access(node, viewer)? {
            Access::Result(root) => (root, false),
            Access::Rounds(root) => (root, true),
        };
        let condition = self.names.get(&node).filter(|name| name.as_str() == root).map(|_| ran(&root));
        let (rank, from) = (2 * self.rank(node), Some(node));
        if is_rounds || is_looped {
            let root = if is_rounds && is_looped { format!("{root}.flat()") } else { root };
            let all = form.all_of_list(&root);
            return Some(Source { one: form.one(&format!("{root}[0]")), all, many: true, ran: condition, rank, from });
        }
        let root = match self.given.export.nodes[node].on_error {
            OnError::Regular => format!("({root} ?? {})", form.nothing()),
            _ => root,
        };
        Some(Source { one: form.one(&root), all: form.all(&root), many, ran: condition, rank, from })
    }

    /// How a block reaches the result of a node's.
    fn access(&self, node: usize, viewer: Id) -> Option<Access> {
        let name = self.names.get(&node)?;
        let path = self.shape.paths[node].as_ref()?;
        let of_viewer = self.shape.paths[viewer].as_ref()?;
        let common = path.iter().zip(of_viewer).take_while(|(one, other)| one == other).count();
        let anchor = of_viewer.get(common).map_or(viewer, |(owner, _)| *owner);
        if common == path.len() {
            return self.is_before(node, anchor, common).then(|| Access::Result(name.to_string()));
        }
        // It is in a body that the block is not in: its result is that of the body if it is the last one there.
        let (owner, port) = path.get(common)?;
        let is_last = common + 1 == path.len() && self.shape.ways[node].is_empty();
        if !is_last || !self.is_before(*owner, anchor, common) {
            return None;
        }
        let owner_name = self.names.get(owner)?;
        match self.shape.vertices[*owner] {
            Vertex::Parallel => Some(Access::Result(format!("{owner_name}.{port}"))),
            _ => Some(Access::Rounds(owner_name.to_string())),
        }
    }

    /// Whether a vertex has run before another one of its walk.
    fn is_before(&self, at: Id, anchor: Id, depth: usize) -> bool {
        // What a failing run goes to knows the walk from the start.
        if depth == 0 && self.main.contains(&at) && !self.main.contains(&anchor) {
            return true;
        }
        self.is_behind(at, anchor)
    }

    /// Whether a walk leads from one vertex to another.
    fn is_behind(&self, one: Id, other: Id) -> bool {
        let mut behind = self.behind.borrow_mut();
        behind.entry(one).or_insert_with(|| self.shape.behind(one)).contains(&other)
    }

    /// The place of a node in an order in which each comes behind what leads to it.
    fn rank(&self, node: usize) -> usize {
        self.ranks.get(node).copied().unwrap_or_default()
    }
}
