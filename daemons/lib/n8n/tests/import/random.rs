//! Random files: never a panic, and what comes of them reads as a document.

use bulkhead_model::workflow::WorkflowDocument;
use bulkhead_n8n::import;
use proptest::prelude::*;
use serde_json::{Value, json};

const KINDS: [&str; 27] = [
    "manualTrigger",
    "webhook",
    "scheduleTrigger",
    "errorTrigger",
    "executeWorkflowTrigger",
    "code",
    "function",
    "functionItem",
    "set",
    "if",
    "switch",
    "filter",
    "merge",
    "wait",
    "httpRequest",
    "postgres",
    "respondToWebhook",
    "executeWorkflow",
    "noOp",
    "stopAndError",
    "splitInBatches",
    "splitOut",
    "aggregate",
    "limit",
    "sort",
    "slack",
    "stickyNote",
];
const TEXTS: [&str; 16] = [
    "",
    "x",
    "={{ $json.a }}",
    "={{ $('n1').item.json.b }}",
    "={{ $('n2').all() }} and {{ $node[\"n3\"].json }}",
    "={{",
    "={{ }}",
    "=}} {{ '",
    "={{ $json[ }}",
    "return items;",
    "={ \"a\": \"{{ $json.a }}\" }",
    "select {{ $json.a }} '",
    "={{ $env.X ?? `${$json.a}` }}",
    "é{{ü}}",
    "insert",
    "executeQuery",
];
const KEYS: [&str; 24] = [
    "jsCode",
    "functionCode",
    "pythonCode",
    "language",
    "mode",
    "conditions",
    "rules",
    "assignments",
    "values",
    "url",
    "method",
    "jsonBody",
    "sendBody",
    "operation",
    "query",
    "table",
    "columns",
    "respondWith",
    "responseBody",
    "responseMode",
    "amount",
    "batchSize",
    "path",
    "output",
];

const INNER: [&str; 11] = [
    "conditions",
    "values",
    "name",
    "value",
    "leftValue",
    "rightValue",
    "operator",
    "type",
    "operation",
    "column",
    "rules",
];

fn setting() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        prop::sample::select(&TEXTS[..]).prop_map(|text| json!(text)),
        any::<i32>().prop_map(|number| json!(number)),
        any::<bool>().prop_map(|flag| json!(flag)),
        Just(Value::Null),
        ".{0,12}".prop_map(|text| json!(text)),
    ];
    leaf.prop_recursive(4, 24, 4, move |element| {
        prop_oneof![
            prop::collection::vec(element.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(prop::sample::select(&INNER[..]), element, 0..4).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

prop_compose! {
    fn node(number: usize)(
        kind in prop::sample::select(&KINDS[..]),
        version in prop::sample::select(&[1.0, 1.1, 2.0, 3.0, 3.4, 4.2][..]),
        params in prop::collection::btree_map(prop::sample::select(&KEYS[..]), setting(), 0..6),
        on_error in prop::sample::select(&["stopWorkflow", "continueErrorOutput", "continueRegularOutput"][..]),
        disabled in prop::bool::weighted(0.1),
        y in -200..200_i32,
    ) -> Value {
        json!({ "name": format!("n{number}"), "type": format!("n8n-nodes-base.{kind}"), "typeVersion": version, "parameters": params,
            "onError": on_error, "disabled": disabled, "position": [0, y] })
    }
}

fn workflow() -> impl Strategy<Value = Value> {
    (1..14_usize).prop_flat_map(|count| {
        let nodes: Vec<_> = (0..count).map(node).collect();
        let links = prop::collection::vec((0..count, 0..3_usize, 0..count, 0..2_usize), 0..count * 3);
        (nodes, links).prop_map(|(nodes, links)| {
            let mut connections = json!({});
            for (from, output, to, input) in links {
                let outputs = &mut connections[format!("n{from}")]["main"];
                if outputs.is_null() {
                    *outputs = json!([[], [], []]);
                }
                if let Some(targets) = outputs[output].as_array_mut() {
                    targets.push(json!({ "node": format!("n{to}"), "type": "main", "index": input }));
                }
            }
            json!({ "name": "Random", "nodes": nodes, "connections": connections })
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_random_workflow_becomes_a_document_without_faults(workflow in workflow()) {
        let found = import(workflow.to_string().as_bytes()).expect("an import");
        let text = serde_json::to_string(&found.document).expect("JSON");
        let read: WorkflowDocument = serde_json::from_str(&text).expect("a document");
        prop_assert_eq!(&read, &found.document);
        prop_assert_eq!(found.document.validate(), []);
    }

    #[test]
    fn random_bytes_are_refused_or_read(text in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = import(&text);
    }

    #[test]
    fn random_expressions_do_no_harm(text in "[=${}()\\[\\]'\"`.?/\\\\ a$jsonode\\n0é]{0,60}") {
        let workflow = json!({ "nodes": [
            { "name": "s", "type": "n8n-nodes-base.manualTrigger" },
            { "name": "n", "type": "n8n-nodes-base.set", "typeVersion": 3.4, "parameters": { "assignments": { "assignments": [
                { "name": "a", "value": format!("={{{{ $json{text} }}}}") }, { "name": text, "value": format!("={text}") },
            ] } } },
            { "name": "h", "type": "n8n-nodes-base.httpRequest", "typeVersion": 4.2, "parameters": {
                "url": format!("=https://a/{text}"), "sendBody": true, "specifyBody": "json", "jsonBody": format!("={{ \"a\": {text} }}") } },
            { "name": "q", "type": "n8n-nodes-base.postgres", "typeVersion": 2.4, "parameters": {
                "operation": "executeQuery", "query": format!("=select '{text}'"), "options": { "queryReplacement": format!("={text}") } } },
        ], "connections": {
            "s": { "main": [[{ "node": "n" }]] }, "n": { "main": [[{ "node": "h" }]] }, "h": { "main": [[{ "node": "q" }]] },
        } });
        let found = import(workflow.to_string().as_bytes()).expect("an import");
        prop_assert_eq!(found.document.validate(), []);
    }
}
