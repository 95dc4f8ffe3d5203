//! Each kind of node as a block.
//!
//! A translation comes to a block or to the reason why there is none; then a block that fails with that reason stands in its place.

use bulkhead_model::Name;
use bulkhead_model::workflow::{Block, CodeBlock, Edge, Language, LoopBlock, MAX_SOURCE_BYTES, Port, Retry};
use serde_json::json;

use crate::export::Node;
use crate::expressions::literal;
use crate::plan::Plan;
use crate::report::{Level, quoted};
use crate::shape::Id;
use crate::text::Writer;
use crate::view::{Place, View};

mod choices;
mod code;
mod code_python;
mod control;
mod database;
mod fields;
mod http;
mod lists;
mod sql;

/// Bytes of a code block that are left for what is put around the file's own code.
const MARGIN_BYTES: usize = 16 * 1024;

/// A block, or why there is none.
type Made = Result<Block, String>;

/// What a node becomes.
pub(crate) struct Translation {
    pub(crate) blocks: Vec<(Name, Block)>,
    pub(crate) edges: Vec<Edge>,
    /// How much of it is there, with what there is to say.
    pub(crate) notes: Vec<(Level, String)>,
}

/// A node with what its translation needs.
pub(crate) struct Task<'p> {
    pub(crate) plan: &'p Plan<'p>,
    pub(crate) place: usize,
    pub(crate) node: &'p Node,
}

/// Translates a node.
pub(crate) fn translate(plan: &Plan<'_>, at: Id, name: &Name) -> Translation {
    plan.forget();
    let node = &plan.given.export.nodes[at];
    let task = Task { plan, place: at, node };
    let is_looped = plan.given.facts.is_looped(plan.given.export, at);
    let view = View::of(plan, at, if is_looped { Place::Item } else { Place::Once });
    let mut writer = Writer::new(&view);
    let made = make(&task, &mut writer);
    let mut notes = std::mem::take(&mut writer.problems);
    for (_, meant) in plan.doubts.borrow().iter().filter(|(of, _)| *of == at) {
        let message = format!(
            "It asks `{}` for the item that its own came from, which cannot be told here: it is the first of them.",
            quoted(&plan.given.export.nodes[*meant].name)
        );
        notes.push((Level::Changed, message));
    }
    if view.given.is_none() {
        let message = "What it is given is out of reach here: it comes from a body, or from ways that are too many. \
                       `$json` is null.";
        notes.push((Level::Missing, message.to_owned()));
    }
    let mut block = match made {
        Ok(block) => {
            notes.insert(0, (Level::Translated, format!("It is a block of the kind `{}`.", kind_of(&block))));
            block
        }
        Err(why) => {
            notes.insert(0, (Level::Missing, format!("{why} A block that fails stands in its place.")));
            placeholder(&node.name, &node.kind, &why)
        }
    };
    retried(node, &mut block);
    let decides = matches!(node.kind.as_str(), "if" | "switch") || crate::kinds::runs_per_item(node);
    if decides && plan.given.facts.is_unsure(at) {
        let message = "If what it is given is a list, n8n does this for each item of it, and here it is done once: \
                       put it into the body of a loop then.";
        notes.push((Level::Changed, message.to_owned()));
    }
    if !node.credentials.is_empty() {
        let message = format!(
            "Its credentials are not in the file: {}. Use a resource or `secret('name')`.",
            node.credentials.join(", ")
        );
        notes.push((Level::Missing, message));
    }
    let (Some(inner), true) = (plan.inner_name(at), is_looped) else {
        return Translation { blocks: vec![(name.clone(), block)], edges: Vec::new(), notes };
    };
    let over = view.given.as_ref().map_or("[]", |given| given.all.as_str());
    notes.push((Level::Changed, format!("n8n runs it for each item: it is the body of the loop `{name}`.")));
    Translation {
        blocks: vec![(name.clone(), Block::Loop(looped(over))), (inner.clone(), block)],
        edges: vec![Edge { from: name.clone(), port: Some(Port::known(Port::EACH)), to: inner.clone() }],
        notes,
    }
}

fn make(task: &Task<'_>, writer: &mut Writer<'_>) -> Made {
    match task.node.kind.as_str() {
        "code" if crate::kinds::is_python(task.node) => code_python::of(task, writer),
        "code" | "function" | "functionItem" => code::of(task, writer),
        "set" => fields::of(task, writer),
        "if" => choices::branch(task, writer),
        "switch" => choices::switch(task, writer),
        "filter" => choices::filter(task, writer),
        "httpRequest" => http::of(task, writer),
        "postgres" | "timescaleDb" | "questDb" | "crateDb" | "mySql" | "microsoftSql" => database::of(task, writer),
        "wait" => control::wait(task, writer),
        "respondToWebhook" => control::response(task, writer),
        "stopAndError" => control::stop(task, writer),
        "executeWorkflow" => control::workflow(task, writer),
        "splitInBatches" => control::looped(task, writer),
        "merge" => lists::merge(task, writer),
        "splitOut" | "itemLists" | "aggregate" | "limit" | "sort" | "removeDuplicates" => lists::of(task, writer),
        "" => Err("The node has no type.".to_owned()),
        other => Err(format!("There is nothing like `{}` here.", quoted(other))),
    }
}

/// A block that fails, and says what it stands for.
pub(crate) fn placeholder(name: &str, kind: &str, why: &str) -> Block {
    let message = format!("`{}` ({}) was not translated from n8n: {}", quoted(name), quoted(kind), quoted(why));
    code_block(Language::Javascript, format!("throw new Error({});\n", literal(&message)))
}

/// A block of code with the usual settings.
pub(crate) fn code_block(language: Language, source: String) -> Block {
    Block::Code(CodeBlock { language, source, timeout_ms: 10_000, idempotent: false, retry: None })
}

/// A loop over `over`, one round after the other.
pub(crate) fn looped(over: &str) -> LoopBlock {
    LoopBlock {
        over: over.to_owned(),
        mode: Default::default(),
        at_once: 5,
        delay_ms: 0,
        until: None,
        on_failure: Default::default(),
        collect: true,
        timeout_s: None,
    }
}

/// The file's code, if it is not too long for a block.
fn own_code(code: &str) -> Result<&str, String> {
    if code.len() > MAX_SOURCE_BYTES - MARGIN_BYTES {
        return Err(format!("Its code has {} bytes, which is too much for a block: divide it.", code.len()));
    }
    Ok(code)
}

fn retried(node: &Node, block: &mut Block) {
    let Some(tries) = node.retry else { return };
    let retry = Some(Retry {
        count: tries.count - 1,
        delay_ms: tries.wait_ms,
        factor: 1.0,
        max_delay_ms: tries.wait_ms,
        on: Vec::new(),
    });
    match block {
        Block::Query(block) => block.retry = retry,
        Block::Code(block) => block.retry = retry,
        Block::Http(block) => block.retry = retry,
        _ => {}
    }
}

fn kind_of(block: &Block) -> String {
    let kind = json!(block).get("type").and_then(|kind| kind.as_str().map(str::to_owned));
    kind.unwrap_or_default()
}
