//! Code nodes in Python.
//!
//! The code stays at the top level of the block, as Python's blocks are told by their indentation. What it returns is kept as it is:
//! a list of `{json}`, from which later blocks take what is in `json`.

use bulkhead_model::workflow::Language;

use super::code::mentions;
use super::{Made, Task, code_block, own_code};
use crate::expressions::{Items, Pick, literal};
use crate::report::Level;
use crate::text::Writer;
use crate::view::{Place, View};

/// Dictionaries whose keys can be asked for with a dot, as n8n's can.
const WRAP: &str = "\
class _Fields(dict):
    __getattr__ = dict.get

def _wrap(value):
    if isinstance(value, dict):
        return _Fields({key: _wrap(entry) for key, entry in value.items()})
    return [_wrap(entry) for entry in value] if isinstance(value, list) else value

def _listed(entries):
    return [_wrap({\"json\": entry}) for entry in entries]

class _Input:
    def __init__(self, entries):
        self._entries = entries
        self.item = entries[0] if entries else None
    def all(self):
        return self._entries
    def first(self):
        return self._entries[0]
    def last(self):
        return self._entries[-1]
";

/// A code node in Python.
pub(super) fn of(task: &Task<'_>, writer: &mut Writer<'_>) -> Made {
    let node = task.node;
    let code = own_code(node.text("pythonCode"))?;
    if code.trim().is_empty() {
        return Err("It has no code.".to_owned());
    }
    let is_each = node.text("mode") == "runOnceForEachItem";
    let is_looped = task.plan.given.facts.is_looped(task.plan.given.export, task.place);
    let view = View::of(task.plan, task.place, Place::Once);
    let given = match (is_each && is_looped, &view.given) {
        (true, _) => "[item]".to_owned(),
        (false, Some(given)) => in_python(&given.all).ok_or(
            "What its Python code is given is made of several results: put a code block in JavaScript before it.",
        )?,
        (false, None) => "[]".to_owned(),
    };
    let mut source =
        format!("# n8n's names, as the code below asks for them.\n{WRAP}\n_items = _listed({given})\nitems = _items\n");
    source.push_str("_input = _Input(_items)\n_item = _input.item\n_json = _item.json if _item else None\n");
    if mentions(code, "_") && !task.plan.given.facts.mentions(task.place).is_empty() {
        source.push_str(&nodes(task, &view, writer));
    }
    source.push_str(&format!("\n{code}\n"));
    for (word, instead) in [
        ("_env", "use `secret('name')` or a variable"),
        ("_vars", "use the workflow's variables, `vars`"),
        ("_getWorkflowStaticData", "keep what outlasts a run in a table"),
        ("_now", "use `datetime`"),
        ("_today", "use `datetime`"),
        ("_binary", "files are not passed on"),
    ] {
        if mentions(code, word) {
            writer.problem(Level::Missing, format!("Its code asks for `{word}`, which is not known here: {instead}."));
        }
    }
    writer.problem(Level::Changed, "Its code is as it was, behind what stands for n8n's names: look at what it uses.");
    Ok(code_block(Language::Python, source))
}

/// `_('Node')` for the nodes that the code names.
fn nodes(task: &Task<'_>, view: &View<'_>, writer: &mut Writer<'_>) -> String {
    let mut source = String::from("_nodes = {\n");
    for place in task.plan.given.facts.mentions(task.place) {
        let name = &task.plan.given.export.nodes[*place].name;
        let found = view.node(name, Pick::All);
        match found.as_deref().map(in_python) {
            Ok(Some(all)) => source.push_str(&format!("    {}: lambda: {all},\n", literal(name))),
            Ok(None) => writer.problem(Level::Missing, format!("In its code, `{name}` is made of several results.")),
            Err(why) => writer.problem(Level::Missing, format!("In its code, {why}.")),
        }
    }
    source.push_str(
        "}\n_ = lambda name: _Input(_listed(_nodes[name]()))\n_node = {name: _(name).item for name in _nodes}\n",
    );
    source
}

/// A list of items, given as a JavaScript expression, in Python; none unless it is one of the usual forms.
fn in_python(js: &str) -> Option<String> {
    let path = |js: &str| {
        let mut parts = js.split('.');
        let name = parts
            .next()
            .filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))?;
        let mut out = name.to_owned();
        for part in parts {
            if part.is_empty() || !part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return None;
            }
            out.push_str(&format!("[{}]", literal(part)));
        }
        Some(out)
    };
    if let Some(list) = js.strip_suffix(".map((entry) => entry.json ?? entry)") {
        return Some(format!("[entry.get(\"json\", entry) for entry in {}]", in_python(list)?));
    }
    if let Some(only) = js.strip_prefix('[').and_then(|rest| rest.strip_suffix(" ?? []].flat()")) {
        let only = path(only)?;
        return Some(format!("({only} if isinstance({only}, list) else [] if {only} is None else [{only}])"));
    }
    if let Some(only) = js.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Some(format!("[{}]", path(only)?));
    }
    path(js)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_lists_have_a_form_in_python() {
        let cases = [
            ("load", Some("load")),
            ("load.rows", Some("load[\"rows\"]")),
            ("[trigger]", Some("[trigger]")),
            ("together.way1", Some("together[\"way1\"]")),
            ("calc.map((entry) => entry.json ?? entry)", Some("[entry.get(\"json\", entry) for entry in calc]")),
            ("[ask.body ?? []].flat()", {
                Some(
                    "(ask[\"body\"] if isinstance(ask[\"body\"], list) else [] if ask[\"body\"] is None else [ask[\"body\"]])",
                )
            }),
            ("each.flatMap((result) => result.rows)", None),
            ("[...a, ...b]", None),
        ];
        for (js, python) in cases {
            assert_eq!(in_python(js).as_deref(), python, "{js}");
        }
    }
}
