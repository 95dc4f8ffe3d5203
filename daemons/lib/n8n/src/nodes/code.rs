//! Code nodes in JavaScript.
//!
//! The file's code stays as it is, in a function of its own. Before it stands what it asks for of n8n's names, and behind it what
//! makes plain items of what it returns.

use bulkhead_model::workflow::Language;

use super::{Made, Task, code_block, own_code};
use crate::expressions::{Items, Pick, literal};
use crate::report::Level;
use crate::text::Writer;
use crate::view::{Place, View};

/// What the sandbox has nothing for.
const UNKNOWN: [(&str, &str); 12] = [
    ("$env", "use `secret('name')` or a variable"),
    ("$secrets", "use `secret('name')`"),
    ("$vars", "use the workflow's variables, `vars`"),
    ("$getWorkflowStaticData", "keep what outlasts a run in a table"),
    ("getWorkflowStaticData", "keep what outlasts a run in a table"),
    ("httpRequest", "use `fetch`"),
    ("httpRequestWithAuthentication", "use `fetch` with `secret('name')`"),
    ("getBinaryDataBuffer", "files are not passed on"),
    ("$binary", "files are not passed on"),
    ("$jmespath", "write it in JavaScript"),
    ("$fromAI", "there are no agents"),
    (".binary", "files are not passed on"),
];

/// A code node in JavaScript, of any version.
pub(super) fn of(task: &Task<'_>, writer: &mut Writer<'_>) -> Made {
    let node = task.node;
    let key = if node.kind == "code" { "jsCode" } else { "functionCode" };
    let code = own_code(node.text(key))?;
    if code.trim().is_empty() {
        return Err("It has no code.".to_owned());
    }
    let view = View::of(task.plan, task.place, Place::Once);
    let is_each = node.kind == "functionItem" || node.text("mode") == "runOnceForEachItem";
    let mut source = String::from("// n8n's names, as the code below asks for them.\n");
    source.push_str(&format!("const items = {}.map((json) => ({{ json }}));\n", view.all()));
    source.push_str(&names(task, code, &view, writer));
    for (word, instead) in UNKNOWN {
        if mentions(code, word) {
            writer.problem(Level::Missing, format!("Its code asks for `{word}`, which is not known here: {instead}."));
        }
    }
    if is_each {
        each(node.kind == "functionItem", code, &mut source);
    } else {
        source.push_str(&at_hand("items[0]", code, ""));
        source.push_str(&format!("const result = await (async () => {{\n{code}\n}})();\n"));
        source.push_str("return [result ?? []].flat().map((entry) => entry?.json ?? entry);\n");
    }
    writer.problem(Level::Changed, "Its code is as it was, within what stands for n8n's names: look at what it uses.");
    Ok(code_block(Language::Javascript, source))
}

/// The code, once for each item.
fn each(is_function_item: bool, code: &str, source: &mut String) {
    source.push_str("const results = [];\nfor (const [$itemIndex, entry] of items.entries()) {\n");
    // The older node has the fields themselves as its item.
    let item = if is_function_item { "entry.json" } else { "entry" };
    source.push_str(&format!("  const item = {item};\n"));
    source.push_str(&at_hand("entry", code, "  "));
    source.push_str(&format!("  const result = await (async () => {{\n{code}\n  }})();\n"));
    source.push_str(
        "  results.push(...[result ?? []].flat().map((found) => found?.json ?? found));\n}\nreturn results;\n",
    );
}

/// Names for the item at hand.
fn at_hand(item: &str, code: &str, indent: &str) -> String {
    let mut source = String::new();
    if mentions(code, "$json") {
        source.push_str(&format!("{indent}const $json = {item}?.json;\n"));
    }
    if mentions(code, "$input") {
        source.push_str(&format!(
            "{indent}const $input = {{ item: {item}, all: () => items, first: () => items[0], last: () => items.at(-1) }};\n"
        ));
    }
    source
}

/// Names that do not depend on the item.
fn names(task: &Task<'_>, code: &str, view: &View<'_>, writer: &mut Writer<'_>) -> String {
    let mut source = String::new();
    let is_named = |name: &str| mentions(code, name);
    if is_named("$execution") {
        source.push_str("const $execution = { id: run.id, mode: trigger.kind };\n");
    }
    if is_named("$workflow") {
        let (title, id) = (literal(view.title()), literal(view.id().unwrap_or_default()));
        source.push_str(&format!("const $workflow = {{ name: {title}, id: {id}, active: true }};\n"));
    }
    if is_named("$runIndex") {
        source.push_str("const $runIndex = 0;\n");
    }
    if is_named("DateTime") || is_named("$now") || is_named("$today") {
        source.push_str("const { DateTime } = require('luxon');\n");
        source.push_str("const $now = DateTime.now();\nconst $today = $now.startOf('day');\n");
    }
    if is_named("$node") || is_named("$items") || code.contains("$(") {
        source.push_str(&nodes(task, view, writer));
    }
    if is_named("$items") {
        source.push_str("const $items = (name) => (name === undefined ? items : $(name).all());\n");
    }
    if is_named("$node") {
        source.push_str(
            "const $node = new Proxy({}, { get: (_, name) => ({ json: $(name).first()?.json, data: $(name).first()?.json }) });\n",
        );
    }
    source
}

/// `$('Node')` for the nodes that the code names.
fn nodes(task: &Task<'_>, view: &View<'_>, writer: &mut Writer<'_>) -> String {
    let mut source = String::from("const n8nNodes = {\n");
    for place in task.plan.given.facts.mentions(task.place) {
        let name = &task.plan.given.export.nodes[*place].name;
        match view.node(name, Pick::All) {
            Ok(all) => source.push_str(&format!("  {}: () => {all},\n", literal(name))),
            Err(why) => writer.problem(Level::Missing, format!("In its code, {why}.")),
        }
    }
    source.push_str("};\nconst $ = (name) => {\n  const all = n8nNodes[name]().map((json) => ({ json }));\n");
    source.push_str("  const at = (number) => all[number];\n");
    source.push_str(
        "  return { all: () => all, first: () => all[0], last: () => all.at(-1), item: all[0], itemMatching: at, pairedItem: at };\n};\n",
    );
    source
}

/// Whether a word of n8n's stands in code; one that begins with a sign may follow anything.
pub(super) fn mentions(code: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let begins_with_sign = word.starts_with(['.', '$']);
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        (begins_with_sign || !before.is_some_and(is_word)) && !after.is_some_and(is_word)
    })
}
