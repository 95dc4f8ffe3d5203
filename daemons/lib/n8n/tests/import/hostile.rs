//! Files made to go wrong: each is refused with what to do, or becomes a document.

use bulkhead_n8n::{ImportError, Level, MAX_BYTES, MAX_LINKS, MAX_NODES, import};
use serde_json::{Value, json};

use crate::workflow::{Workflow, has_note};

fn refused(text: &[u8]) -> ImportError {
    import(text).expect_err("it is refused")
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let large = vec![b' '; 10 * 1024 * 1024];
    assert!(matches!(refused(&large), ImportError::TooLarge { bytes } if bytes > MAX_BYTES));
    let nodes: Vec<Value> = (0..=MAX_NODES).map(|number| json!({ "name": number.to_string(), "type": "x" })).collect();
    let many = json!({ "nodes": nodes }).to_string();
    assert!(matches!(refused(many.as_bytes()), ImportError::TooManyNodes { nodes: 501 }));
}

#[test]
fn what_is_no_workflow_is_refused() {
    assert!(matches!(refused(b""), ImportError::Json(_)));
    assert!(matches!(refused(b"\xff\xfe{}"), ImportError::Json(_)));
    for text in ["{}", "[]", "null", "1", "{\"nodes\": {}}", "[[]]"] {
        assert!(matches!(refused(text.as_bytes()), ImportError::NoNodes), "{text}");
    }
    assert!(matches!(refused(b"[{\"nodes\": []}, {\"nodes\": []}]"), ImportError::Several { workflows: 2 }));
}

#[test]
fn deep_values_are_refused() {
    let deep = format!("{{\"nodes\": {}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(matches!(refused(deep.as_bytes()), ImportError::TooDeep));
}

#[test]
fn a_list_of_one_and_a_template_are_read() {
    let inner = json!({ "name": "In", "nodes": [], "connections": {} });
    for text in [json!([inner]), json!({ "workflow": inner })] {
        assert_eq!(import(text.to_string().as_bytes()).expect("an import").name, "In");
    }
}

#[test]
fn nodes_without_anything_are_placed() {
    let text = json!({ "nodes": [
        {}, null, 3, { "name": "A" }, { "name": "A", "type": 7, "parameters": [], "position": "no", "disabled": "no" },
        { "type": "n8n-nodes-base.code" }, { "name": " ", "type": "n8n-nodes-base.if", "parameters": { "conditions": 3 } },
        { "name": "A\u{0}\u{202e}", "type": "n8n-nodes-base.switch", "parameters": { "rules": [1, {}], "mode": "expression", "numberOutputs": 1e9 } },
    ], "connections": { "A": { "main": [[null, { "node": "gone" }, { "node": "A", "index": -1 }], 4, null] }, "gone": 3, "Node 1": [] } });
    let found = import(text.to_string().as_bytes()).expect("an import");
    assert_eq!(found.document.validate(), []);
    assert!(has_note(&found.report, "A", Level::Changed, "Another node has the name too"));
    assert!(has_note(&found.report, "A", Level::Missing, "leads to `gone`"));
}

#[test]
fn cycles_of_every_kind_end() {
    let mut all = Workflow::by_hand();
    let kinds =
        ["code", "noOp", "splitInBatches", "if", "merge", "respondToWebhook", "webhook", "errorTrigger", "wait"];
    for kind in kinds {
        all = all.node(kind, kind, json!({}));
    }
    for from in kinds.iter().chain(&["Start"]) {
        for (input, to) in kinds.iter().enumerate() {
            all = all.link_by(from, input % 3, to, input % 2);
        }
    }
    all.import();
}

#[test]
fn many_links_are_refused_or_done_in_time() {
    let mut dense = Workflow::by_hand();
    for number in 0..62 {
        dense = dense.code(&format!("n{number}"));
    }
    for from in 0..62 {
        for to in from + 1..62 {
            dense = dense.link(&format!("n{from}"), &format!("n{to}"));
        }
    }
    dense.link("Start", "n0").import();
    let names: Vec<String> = (0..46).map(|number| format!("n{number}")).collect();
    let nodes: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
    let all: Vec<Value> = names.iter().map(|name| json!({ "node": name })).collect();
    assert!(names.len() * names.len() > MAX_LINKS);
    let mut text = json!({ "nodes": nodes, "connections": {} });
    for name in &names {
        text["connections"][name.as_str()] = json!({ "main": [all] });
    }
    assert!(matches!(refused(text.to_string().as_bytes()), ImportError::TooManyLinks));
}

#[test]
fn long_chains_of_every_kind_are_followed_without_end() {
    for kind in ["if", "code", "wait", "splitInBatches", "noOp"] {
        let mut chain = Workflow::by_hand();
        for number in 0..480 {
            chain = chain.node(&format!("n{number}"), kind, json!({ "jsCode": "return $json;" }));
            let before = if number == 0 { "Start".to_owned() } else { format!("n{}", number - 1) };
            chain =
                chain.link_by(&before, usize::from(kind == "splitInBatches" && number > 0), &format!("n{number}"), 0);
        }
        let found = import(&chain.text()).expect("an import");
        assert_eq!(found.document.validate(), [], "{kind}");
    }
}

#[test]
fn a_short_name_for_a_long_expression_does_not_make_a_document_without_end() {
    let mut meeting =
        Workflow::by_hand().node("Switch", "switch", json!({ "rules": { "values": vec![json!({}); 20] } }));
    meeting = meeting.link("Start", "Switch");
    let value = "={{ [".to_owned() + &"$json,".repeat(200_000) + "] }}";
    meeting =
        meeting.node("Set", "set", json!({ "assignments": { "assignments": [{ "name": "x", "value": value }] } }));
    for number in 0..20 {
        let name = format!("n{number}");
        meeting = meeting.code(&name).link_by("Switch", number, &name, 0).link(&name, "Set");
    }
    let found = import(&meeting.text()).expect("an import");
    assert!(serde_json::to_vec(&found.document).expect("JSON").len() < 2 * MAX_BYTES);
}

#[test]
fn code_that_is_too_long_gives_way() {
    let found =
        Workflow::by_hand().node("A", "code", json!({ "jsCode": "x".repeat(300_000) })).link("Start", "A").import();
    assert!(has_note(&found.report, "A", Level::Missing, "300000 bytes"));
}

#[test]
fn texts_that_would_break_out_of_their_place_stay_in_it() {
    let name = "x\"); process.exit(); (\"`${1}\\";
    let found = Workflow::by_hand().node(name, "unknown", json!({})).link("Start", name).import();
    let source =
        serde_json::to_value(found.document.blocks.values().next().expect("a block")).expect("JSON")["source"].clone();
    let source = source.as_str().expect("code");
    assert!(source.starts_with("throw new Error(\"`x\\\"); process.exit(); (\\\"`${1}\\\\` (unknown)"), "{source}");
}

#[test]
fn nodes_that_all_ask_for_all_others_take_little_room() {
    let names: Vec<String> = (0..240).map(|number| format!("n{number}")).collect();
    let code: String = names.iter().map(|name| format!("$('{name}')")).collect();
    let mut dense = Workflow::by_hand().node("Switch", "switch", json!({ "rules": { "values": vec![json!({}); 20] } }));
    dense = dense.link("Start", "Switch");
    for number in 0..20 {
        let way = format!("way {number} {}", "x".repeat(30));
        dense = dense.code(&way).link_by("Switch", number, &way, 0).link(&way, "n0");
    }
    for (number, name) in names.iter().enumerate() {
        dense = match number % 2 {
            0 => dense.node(name, "wait", json!({})),
            _ => dense.node(name, "code", json!({ "jsCode": code })),
        };
        if let Some(before) = number.checked_sub(1) {
            dense = dense.link(&names[before], name);
        }
    }
    let found = dense.import();
    assert!(serde_json::to_vec(&found.document).expect("JSON").len() < 4 * MAX_BYTES);
}
