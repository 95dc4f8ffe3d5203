//! What a block needs from code-executor: its code, or the expressions in it.

use std::collections::BTreeMap;

use bulkhead_model::binding::Template;
use bulkhead_model::workflow::Block;
use bulkhead_rpc::executor::{CodeLimits, Work};
use serde_json::{Value, json};

/// The key under which the one expression of a branch or response is evaluated.
pub(crate) const EXPRESSION: &str = "value";

/// The work of `block` for code-executor.
pub(crate) fn work(block: &Block) -> (Work, CodeLimits) {
    let limits = CodeLimits::default();
    match block {
        Block::Code(block) => {
            let limits = CodeLimits { wall_ms: block.timeout_ms, ..limits };
            (Work::Code { language: block.language, source: block.source.clone() }, limits)
        }
        Block::Branch(block) => (one(&block.condition), limits),
        Block::Response(block) => (one(&block.body), limits),
        // The values of a statement are keyed by the expression's own text, as db-connector wants them.
        Block::Query(block) => (Work::Expressions { expressions: bindings(&block.query.statement) }, limits),
    }
}

/// Whether a query block has anything to evaluate.
pub(crate) fn has_bindings(statement: &str) -> bool {
    !bindings(statement).is_empty()
}

fn bindings(statement: &str) -> BTreeMap<String, String> {
    // A release is validated, so this parses; if it did not, the connector would refuse the statement with the reason.
    let template = Template::parse(statement).ok();
    let expressions = template.iter().flat_map(Template::expressions);
    expressions.map(|expression| (expression.to_owned(), expression.to_owned())).collect()
}

fn one(expression: &str) -> Work {
    Work::Expressions { expressions: BTreeMap::from([(EXPRESSION.to_owned(), expression.to_owned())]) }
}

/// What the run's history shows as a block's input: the trigger, or the result of the block before it.
pub(crate) fn shown_input(previous: Option<(&str, &Value)>, trigger: &Value) -> Value {
    match previous {
        Some((name, value)) => json!({ name: value }),
        None => json!({ "trigger": trigger }),
    }
}
