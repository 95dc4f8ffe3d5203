//! IF, Switch and Filter.

use bulkhead_model::workflow::{Block, BranchBlock, FilterBlock, Language, SwitchBlock, SwitchCase};
use serde_json::Value;

use super::{Made, Task, code_block};
use crate::conditions;
use crate::export::Node;
use crate::kinds;
use crate::report::Level;
use crate::text::Writer;
use crate::view::{Place, View};

/// What is said where n8n decides for each of several items.
const BY_FIRST: &str = "n8n decides for each item by itself; here the first one decides for all. Put it into the body of a loop \
                        if they may differ.";

/// An IF.
pub(super) fn branch(task: &Task<'_>, writer: &mut Writer<'_>) -> Made {
    decides_by_first(task, writer);
    Ok(Block::Branch(BranchBlock { condition: condition(task.node, writer) }))
}

fn decides_by_first(task: &Task<'_>, writer: &mut Writer<'_>) {
    if task.plan.given.facts.many_in(task.place) {
        writer.problem(Level::Changed, BY_FIRST);
    }
}

/// The conditions of an IF or a filter of any version.
fn condition(node: &Node, writer: &mut Writer<'_>) -> String {
    let conditions = node.param("conditions");
    if conditions.get("conditions").is_some() {
        let is_loose = node.param("looseTypeValidation") == true || node.at("options.looseTypeValidation") == true;
        return conditions::of(conditions, is_loose, writer);
    }
    let combined = [node.text("combineOperation"), node.text("combineConditions")];
    let is_any = combined.iter().any(|word| word.eq_ignore_ascii_case("any") || word.eq_ignore_ascii_case("or"));
    conditions::of_lists(conditions, is_any, writer)
}

/// A Filter: a gate for one item, a filter for several.
pub(super) fn filter(task: &Task<'_>, writer: &mut Writer<'_>) -> Made {
    if task.plan.given.facts.is_gate(task.plan.given.export, task.place) {
        return Ok(Block::Branch(BranchBlock { condition: condition(task.node, writer) }));
    }
    // In the body of a loop `item` is that of the loop, and of the filter in a filter block.
    let is_in_loop = task.plan.loop_around(task.place).is_some();
    let view = View::of(task.plan, task.place, if is_in_loop { Place::Each } else { Place::Item });
    let mut inner = Writer::new(&view);
    let keep = condition(task.node, &mut inner);
    writer.problems.append(&mut inner.problems);
    let over = view.given.map_or_else(|| "[]".to_owned(), |given| given.all);
    Ok(if is_in_loop {
        code_block(Language::Javascript, format!("return {over}.filter((entry, at) => {keep});\n"))
    } else {
        Block::Filter(FilterBlock { over, keep })
    })
}

/// A Switch.
pub(super) fn switch(task: &Task<'_>, writer: &mut Writer<'_>) -> Made {
    let node = task.node;
    decides_by_first(task, writer);
    if node.at("options.allMatchingOutputs") == true {
        writer.problem(Level::Changed, "n8n goes all ways whose rules hold; here it goes the first of them.");
    }
    let ports = kinds::switch_ports(node);
    let mut cases: Vec<SwitchCase> = Vec::new();
    if kinds::is_computed_switch(node) {
        let output = writer.expression(node.param("output"));
        cases.extend(
            ports.into_iter().map(|(number, port)| SwitchCase { port, when: format!("Number({output}) === {number}") }),
        );
    } else {
        let rules = kinds::switch_rules(node).iter().enumerate();
        let holds: Vec<(usize, String)> =
            rules.map(|(number, of)| (kinds::rule_output(of, number), rule(node, of, writer))).collect();
        for (output, port) in ports {
            let of_output: Vec<&str> =
                holds.iter().filter(|(of, _)| *of == output).map(|(_, when)| when.as_str()).collect();
            let when = match of_output.as_slice() {
                [only] => (*only).to_owned(),
                several => several.iter().map(|when| format!("({when})")).collect::<Vec<_>>().join(" || "),
            };
            cases.push(SwitchCase { port, when });
        }
    }
    if cases.is_empty() {
        return Err("The switch has no rules.".to_owned());
    }
    Ok(Block::Switch(SwitchBlock { cases }))
}

/// A rule: conditions of its own, or a comparison with the value that all share.
fn rule(node: &Node, rule: &Value, writer: &mut Writer<'_>) -> String {
    if rule.get("conditions").is_some() {
        let is_loose = node.at("options.looseTypeValidation") == true || node.param("looseTypeValidation") == true;
        return conditions::of(&rule["conditions"], is_loose, writer);
    }
    let kind = node.param("dataType").as_str().unwrap_or("number");
    let default = if kind == "number" { "smaller" } else { "equal" };
    let operation = rule["operation"].as_str().unwrap_or(default);
    conditions::of_rule(kind, operation, node.param("value1"), &rule["value2"], writer)
}
