//! The JavaScript expressions of a block.

use std::collections::BTreeMap;

use super::{Block, WaitFor};
use crate::binding::Template;

/// The key of an expression that is the block's own and not part of a text: no JavaScript expression reads like it.
pub const OWN_EXPRESSION: &str = "=";

impl Block {
    /// Its expressions by their keys: those in a text by their own text, as db-connector wants them; the cases of a switch by
    /// their number, values by their variable. Code has none.
    pub fn expressions(&self) -> BTreeMap<String, String> {
        match self {
            Self::Code(_) | Self::Parallel(_) | Self::Try(_) => BTreeMap::new(),
            Self::Query(block) => {
                // Of one that does not parse, whoever runs it says why.
                let expressions = block.query.expressions().unwrap_or_default().into_iter();
                expressions.map(|expression| (expression.clone(), expression)).collect()
            }
            Self::Http(block) => {
                let texts = [block.url.as_str()].into_iter().chain(block.headers.values().map(String::as_str));
                with(of_texts(texts), &block.body)
            }
            Self::Branch(block) => own(&block.condition),
            Self::Switch(block) => {
                let cases = block.cases.iter().enumerate();
                cases.map(|(number, case)| (number.to_string(), case.when.clone())).collect()
            }
            Self::Loop(block) => own(&block.over),
            Self::Filter(block) => {
                own(&format!("(\n{}\n).filter((item, index) => (\n{}\n))", block.over.trim(), block.keep.trim()))
            }
            Self::Set(block) => block.values.iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
            Self::Wait(block) => match &block.wait_for {
                WaitFor::Seconds(source) | WaitFor::Until(source) => own(source),
                WaitFor::Event(event) => with(BTreeMap::new(), &event.key),
            },
            Self::Approval(block) => of_texts([block.title.as_str(), block.description.as_str()]),
            Self::Workflow(block) => with(BTreeMap::new(), &block.input),
            Self::Response(block) => with(of_texts(block.headers.values().map(String::as_str)), &block.body),
            Self::Stop(block) => of_texts([block.message.as_str()]),
        }
    }
}

fn own(source: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(OWN_EXPRESSION.to_owned(), source.to_owned())])
}

/// With the block's own expression, unless that is empty.
fn with(mut found: BTreeMap<String, String>, source: &str) -> BTreeMap<String, String> {
    if !source.trim().is_empty() {
        found.extend(own(source));
    }
    found
}

fn of_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, String> {
    // A release is validated, so each parses; of one that does not, whoever takes the text says why.
    let templates: Vec<_> = texts.into_iter().filter_map(|text| Template::parse(text).ok()).collect();
    let expressions = templates.iter().flat_map(Template::expressions);
    expressions.map(|expression| (expression.to_owned(), expression.to_owned())).collect()
}
