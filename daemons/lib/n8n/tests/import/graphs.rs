//! What graphs become: walks, bodies, and blocks that fail where neither can say it.

use bulkhead_model::workflow::Block;
use bulkhead_n8n::Level;
use serde_json::json;

use crate::workflow::{Workflow, block, has_note, json_of, walk};

#[test]
fn a_fan_out_that_ends_runs_at_the_same_time() {
    let import =
        Workflow::by_hand().code("A").code("B").code("C").link("Start", "A").link("A", "B").link("A", "C").import();
    assert_eq!(import.document.start.as_str(), "a");
    assert_eq!(walk(&import.document), "a -> together, together.way1 -> b, together.way2 -> c");
}

#[test]
fn what_a_fan_out_leads_to_in_common_follows_it() {
    let import = Workflow::by_hand()
        .code("A")
        .code("B")
        .code("C")
        .node("M", "merge", json!({}))
        .link("Start", "A")
        .link("A", "B")
        .link("A", "C")
        .link("B", "M")
        .link_by("C", 0, "M", 1)
        .import();
    assert_eq!(walk(&import.document), "a -> together, together -> m, together.way1 -> b, together.way2 -> c");
    assert_eq!(json_of(&import.document, "m")["source"], "return [...together.way1, ...together.way2];\n");
}

#[test]
fn a_fan_out_whose_inside_is_asked_for_later_becomes_a_sequence() {
    let import = Workflow::by_hand().code("A").code("B").code("B2").code("C")
        .node("M", "set", json!({ "values": {}, "assignments": { "assignments": [{ "name": "x", "value": "={{ $('B').item.json.a }}" }] } }))
        .link("Start", "A").link("A", "B").link("B", "B2").link("A", "C").link("B2", "M").link("C", "M").import();
    assert_eq!(walk(&import.document), "a -> b, b -> b2, b2 -> c, c -> m");
    let source = json_of(&import.document, "m")["source"].to_string();
    assert!(source.contains("b[0]?.a"), "{source}");
}

#[test]
fn a_branch_in_a_fan_out_goes_on_by_all_its_ends() {
    let import = Workflow::by_hand()
        .node("If", "if", json!({}))
        .code("B")
        .code("C")
        .code("D")
        .link("Start", "If")
        .link("Start", "C")
        .link("If", "B")
        .link("B", "D")
        .link("C", "D")
        .import();
    assert_eq!(walk(&import.document), "b -> c, c -> d, ifNode.false -> c, ifNode.true -> b");
}

#[test]
fn ways_of_a_branch_may_meet_again() {
    let import = Workflow::by_hand()
        .node("If", "if", json!({}))
        .code("A")
        .code("B")
        .node("After", "set", json!({ "assignments": { "assignments": [{ "name": "x", "value": "={{ $json.a }}" }] } }))
        .link("Start", "If")
        .link_by("If", 0, "A", 0)
        .link_by("If", 1, "B", 0)
        .link("A", "After")
        .link("B", "After")
        .import();
    assert_eq!(walk(&import.document), "a -> after, b -> after, ifNode.false -> b, ifNode.true -> a");
    let source = json_of(&import.document, "after")["source"].to_string();
    assert!(source.contains("...(typeof a !== 'undefined' ? a : [])"), "{source}");
}

#[test]
fn one_fan_out_for_two_outputs_is_one_walk() {
    let import = Workflow::by_hand()
        .node("If", "if", json!({}))
        .code("A")
        .code("B")
        .link("Start", "If")
        .link_by("If", 0, "A", 0)
        .link_by("If", 0, "B", 0)
        .link_by("If", 1, "A", 0)
        .link_by("If", 1, "B", 0)
        .import();
    assert_eq!(
        walk(&import.document),
        "ifNode.false -> together, ifNode.true -> together, together.way1 -> a, together.way2 -> b"
    );
}

#[test]
fn fans_that_no_walk_can_have_both_of_say_so() {
    let import = Workflow::by_hand()
        .node("Switch", "switch", json!({ "rules": { "values": [{}, {}, {}] } }))
        .code("A")
        .code("B")
        .link("Start", "Switch")
        .link_by("Switch", 0, "A", 0)
        .link_by("Switch", 0, "B", 0)
        .link_by("Switch", 1, "A", 0)
        .link_by("Switch", 2, "B", 0)
        .import();
    assert!(has_note(&import.report, "B", Level::Missing, "no walk has both"));
}

#[test]
fn a_loop_has_its_body_and_what_follows() {
    let import = Workflow::by_hand()
        .code("Load")
        .versioned("Each", "splitInBatches", 3.0, json!({}), json!({}))
        .code("A")
        .code("B")
        .code("End")
        .link("Start", "Load")
        .link("Load", "Each")
        .link_by("Each", 1, "A", 0)
        .link("A", "B")
        .link("B", "Each")
        .link("Each", "End")
        .import();
    assert_eq!(walk(&import.document), "a -> b, each -> end, each.each -> a, load -> each");
    assert_eq!(json_of(&import.document, "each")["over"], "load");
}

#[test]
fn an_older_loop_has_its_body_first_and_batches_of_ten() {
    let import = Workflow::by_hand()
        .versioned("Each", "splitInBatches", 1.0, json!({}), json!({}))
        .code("A")
        .code("End")
        .link("Start", "Each")
        .link("Each", "A")
        .link("A", "Each")
        .link_by("Each", 1, "End", 0)
        .import();
    assert_eq!(walk(&import.document), "each -> end, each.each -> a");
    assert!(json_of(&import.document, "each")["over"].to_string().contains("all.length / 10"));
}

#[test]
fn loops_nest() {
    let import = Workflow::by_hand()
        .versioned("Outer", "splitInBatches", 3.0, json!({}), json!({}))
        .versioned("Inner", "splitInBatches", 3.0, json!({}), json!({}))
        .code("A")
        .code("B")
        .link("Start", "Outer")
        .link_by("Outer", 1, "A", 0)
        .link("A", "Inner")
        .link_by("Inner", 1, "B", 0)
        .link("B", "Inner")
        .link_by("Inner", 0, "Outer", 0)
        .import();
    assert_eq!(walk(&import.document), "a -> inner, inner.each -> b, outer.each -> a");
}

#[test]
fn a_loop_without_a_body_does_nothing() {
    let import = Workflow::by_hand()
        .versioned("Each", "splitInBatches", 3.0, json!({}), json!({}))
        .link("Start", "Each")
        .import();
    assert_eq!(walk(&import.document), "each.each -> nothing");
}

#[test]
fn a_body_that_leads_out_fails_there() {
    let import = Workflow::by_hand()
        .versioned("Each", "splitInBatches", 3.0, json!({}), json!({}))
        .code("A")
        .code("End")
        .link("Start", "Each")
        .link_by("Each", 1, "A", 0)
        .link("Each", "End")
        .link("A", "End")
        .import();
    assert_eq!(walk(&import.document), "a -> notTranslated, each -> end, each.each -> a");
    assert!(json_of(&import.document, "notTranslated")["source"].to_string().contains("throw new Error"));
}

#[test]
fn a_way_back_without_a_loop_node_fails_there() {
    let import = Workflow::by_hand()
        .code("Ask")
        .node("Done?", "if", json!({}))
        .code("End")
        .link("Start", "Ask")
        .link("Ask", "Done?")
        .link("Done?", "End")
        .link_by("Done?", 1, "Ask", 0)
        .import();
    assert_eq!(walk(&import.document), "ask -> done, done.false -> notTranslated, done.true -> end");
    assert!(has_note(&import.report, "Done?", Level::Missing, "went back to `Ask`"));
}

#[test]
fn nodes_that_are_switched_off_or_do_nothing_are_passed_by() {
    let import = Workflow::by_hand()
        .versioned("Off", "code", 2.0, json!({}), json!({ "disabled": true }))
        .node("No", "noOp", json!({}))
        .node(
            "A",
            "set",
            json!({ "assignments": { "assignments": [{ "name": "x", "value": "={{ $('No').item.json.y }}" }] } }),
        )
        .link("Start", "Off")
        .link("Off", "No")
        .link("No", "A")
        .import();
    assert_eq!(import.document.blocks.len(), 1);
    let source = json_of(&import.document, "a")["source"].to_string();
    assert!(source.contains("trigger.body.y"), "{source}");
    assert!(has_note(&import.report, "Off", Level::Changed, "switched off"));
}

#[test]
fn triggers_that_lead_elsewhere_are_told_apart() {
    let import = Workflow::by_hand()
        .node("Hook", "webhook", json!({ "path": "in", "httpMethod": "GET" }))
        .node("Called", "executeWorkflowTrigger", json!({}))
        .code("A")
        .code("B")
        .code("C")
        .link("Start", "A")
        .link("Hook", "B")
        .link("Called", "C")
        .import();
    assert_eq!(import.document.start.as_str(), "startedBy");
    let cases = json_of(&import.document, "startedBy");
    assert_eq!(cases["cases"][0]["when"], "trigger.name === 'inNode'");
    assert_eq!(cases["cases"][1]["when"], "trigger.kind === 'workflow'");
    assert!(walk(&import.document).contains("startedBy.else -> a"));
    assert!(has_note(&import.report, "Hook", Level::Changed, "Other methods than POST"));
}

#[test]
fn an_error_way_and_going_on_are_edges() {
    let import = Workflow::by_hand()
        .versioned(
            "Ask",
            "httpRequest",
            4.0,
            json!({ "url": "https://a.example" }),
            json!({ "onError": "continueErrorOutput" }),
        )
        .versioned("Try", "httpRequest", 4.0, json!({ "url": "https://a.example" }), json!({ "continueOnFail": true }))
        .versioned(
            "Last",
            "httpRequest",
            4.0,
            json!({ "url": "https://a.example" }),
            json!({ "onError": "continueRegularOutput" }),
        )
        .code("Failed")
        .link("Start", "Ask")
        .link("Ask", "Try")
        .link_by("Ask", 1, "Failed", 0)
        .link("Try", "Last")
        .import();
    assert_eq!(
        walk(&import.document),
        "ask -> tryNode, ask.error -> failed, last.error -> nothing, tryNode -> last, tryNode.error -> last"
    );
}

#[test]
fn a_webhook_is_answered_with_what_comes_last() {
    let import = Workflow::default()
        .node("Hook", "webhook", json!({ "path": "in", "responseMode": "lastNode" }))
        .node("If", "if", json!({}))
        .code("A")
        .link("Hook", "If")
        .link("If", "A")
        .import();
    assert_eq!(walk(&import.document), "a -> respond, ifNode.false -> respond, ifNode.true -> a");
    assert_eq!(json_of(&import.document, "respond")["body"], "(typeof a !== 'undefined' ? a[0] : trigger)");
}

#[test]
fn without_a_trigger_it_begins_with_what_nothing_leads_to() {
    let import = Workflow::default().code("A").code("B").link("A", "B").import();
    assert_eq!(import.document.start.as_str(), "a");
    let empty = Workflow::default().import();
    assert_eq!(empty.document.blocks.len(), 1);
}

#[test]
fn what_runs_for_each_item_becomes_a_loop_behind_several() {
    let import = Workflow::by_hand()
        .node("Rows", "postgres", json!({ "operation": "executeQuery", "query": "select 1 as a" }))
        .node("Ask", "httpRequest", json!({ "url": "=https://a.example/{{ $json.a }}" }))
        .node(
            "After",
            "set",
            json!({ "assignments": { "assignments": [{ "name": "x", "value": "={{ $('Rows').item.json.a }}" }] } }),
        )
        .link("Start", "Rows")
        .link("Rows", "Ask")
        .link("Ask", "After")
        .import();
    assert_eq!(walk(&import.document), "eachAsk -> after, eachAsk.each -> ask, rows -> eachAsk");
    assert!(matches!(block(&import.document, "eachAsk"), Block::Loop(block) if block.over == "rows.rows"));
    let source = json_of(&import.document, "after")["source"].to_string();
    assert!(source.contains("eachAsk.flatMap((result) => [result.body ?? []].flat()).map((entry, at)"), "{source}");
    assert!(source.contains("rows.rows[at]?.a"), "{source}");
}
