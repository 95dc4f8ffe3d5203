//! What the expressions of one node may ask for, where they stand.

use bulkhead_model::Name;
use bulkhead_model::workflow::mentions;

use crate::expressions::{Items, Pick};
use crate::kinds;
use crate::plan::Plan;
use crate::source::Source;

/// Where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a block that runs once, for the first item.
    Once,
    /// In a function of JavaScript that is called with each item as `entry` and its number as `at`.
    Each,
    /// In the body of the loop that its node became, or in the `where` of a filter.
    Item,
}

/// The view of a node's expressions.
pub(crate) struct View<'p> {
    plan: &'p Plan<'p>,
    node: usize,
    place: Place,
    /// What the node is given.
    pub(crate) given: Option<Source>,
}

impl<'p> View<'p> {
    /// The view of a node from a place.
    pub(crate) fn of(plan: &'p Plan<'p>, node: usize, place: Place) -> Self {
        Self { plan, node, place, given: plan.input(node, node) }
    }

    /// The same view, of one of several inputs.
    pub(crate) fn at_input(plan: &'p Plan<'p>, node: usize, input: usize) -> Self {
        Self { plan, node, place: Place::Once, given: plan.input_at(node, input, node) }
    }

    /// The number of the item at hand, if there is one at hand.
    fn number(&self) -> Option<&'static str> {
        match self.place {
            Place::Each => Some("at"),
            Place::Item => Some("index"),
            Place::Once => self.plan.loop_around(self.node).filter(|owner| self.is_single(*owner)).map(|_| "index"),
        }
    }

    fn is_single(&self, owner: usize) -> bool {
        kinds::batch_size(&self.plan.given.export.nodes[owner]) == 1
    }

    /// The node that made the list which the number of the item at hand counts.
    fn counted(&self) -> usize {
        match (self.place, self.plan.loop_around(self.node)) {
            (Place::Once, Some(owner)) => self.plan.given.facts.lineage(owner),
            _ => {
                let sources = self.plan.given.flow.sources(self.node);
                sources.first().map_or(self.node, |link| self.plan.given.facts.lineage(link.from))
            }
        }
    }

    /// Whether a node's items are as many as those at hand, in the same order.
    fn is_paired(&self, node: usize, found: &Source) -> bool {
        let facts = self.plan.given.facts;
        let is_list = found.many || (self.place == Place::Each && facts.may_leave_many(node));
        is_list && facts.lineage(node) == self.counted()
    }

    /// The output whose items are meant where a node is named.
    fn output_of(&self, node: usize) -> usize {
        let at = &self.plan.given.export.nodes[node];
        match at.kind.as_str() {
            "splitInBatches" if self.plan.loop_around(self.node) == Some(node) => kinds::loop_output(at),
            "splitInBatches" => 1 - kinds::loop_output(at),
            _ => 0,
        }
    }
}

impl Items for View<'_> {
    fn json(&self) -> String {
        match self.place {
            Place::Each => "entry".to_owned(),
            Place::Item => "item".to_owned(),
            Place::Once => self.given.as_ref().map_or_else(|| "null".to_owned(), |given| given.one.clone()),
        }
    }

    fn all(&self) -> String {
        self.given.as_ref().map_or_else(|| "[]".to_owned(), |given| given.all.clone())
    }

    fn index(&self) -> String {
        self.number().unwrap_or("0").to_owned()
    }

    fn node(&self, name: &str, pick: Pick) -> Result<String, String> {
        let export = self.plan.given.export;
        let Some(node) = export.nodes.iter().position(|node| node.name == name) else {
            return Err(format!("there is no node `{}`", crate::report::quoted(name)));
        };
        let output = self.output_of(node);
        let found = self.plan.items(node, output, self.node);
        // A loop within the loop has an `item` of its own.
        let is_hidden = self.place == Place::Item && found.as_ref().is_some_and(|found| mentions(&found.all, "item"));
        if found.as_ref().is_some_and(|found| pick == Pick::All && !self.plan.may_grow(found.all.len())) {
            return Err("the file asks for more than a document can hold".to_owned());
        }
        let Some(found) = found.filter(|_| !is_hidden) else {
            return Err(format!(
                "`{}` is out of reach here: it does not run before this block, or within a body",
                crate::report::quoted(name)
            ));
        };
        Ok(match pick {
            Pick::Item => match self.number() {
                Some(number) if self.is_paired(node, &found) => format!("{}[{number}]", found.all),
                _ => {
                    if found.many {
                        self.plan.doubts.borrow_mut().insert((self.node, node));
                    }
                    found.one
                }
            },
            Pick::First => found.one,
            Pick::Last if found.many => format!("{}.at(-1)", found.all),
            Pick::Last => found.one,
            Pick::All => found.all,
            Pick::Ran => match self.plan.name(node) {
                Some(block) => format!("(typeof {block} !== 'undefined')"),
                None => "true".to_owned(),
            },
        })
    }

    fn title(&self) -> &str {
        &self.plan.given.export.title
    }

    fn id(&self) -> Option<&str> {
        self.plan.given.export.id.as_deref()
    }

    fn previous(&self) -> Option<String> {
        match self.plan.given.flow.sources(self.node) {
            [only] => Some(self.plan.given.export.nodes[only.from].name.clone()),
            _ => None,
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        let name: Name = name.parse().ok()?;
        let variable = format!("vars.{name}");
        self.plan.variables.borrow_mut().insert(name);
        Some(variable)
    }

    fn may_grow(&self, bytes: usize) -> bool {
        self.plan.may_grow(bytes)
    }
}
