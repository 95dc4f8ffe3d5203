//! Settings of single nodes.

use bulkhead_n8n::{Import, Level};
use serde_json::{Value, json};

use crate::workflow::{Workflow, has_note, json_of};

/// The import of one node behind code that returns `{a: 1}`.
fn one(kind: &str, version: f64, params: Value) -> Import {
    Workflow::by_hand()
        .code("Load")
        .versioned("Node", kind, version, params, json!({}))
        .link("Start", "Load")
        .link("Load", "Node")
        .import()
}

fn block(kind: &str, version: f64, params: Value) -> Value {
    json_of(&one(kind, version, params).document, "nodeNode")
}

#[test]
fn statements_bind_their_values() {
    let query = |params: Value| block("postgres", 2.4, params);
    let found = query(
        json!({ "operation": "executeQuery", "query": "=update t set a = '{{ $json.a }}', b = 'x{{ $json.b }}y' where c = $2 and d = '$1'",
        "options": { "queryReplacement": "={{ $json.c }},{{ $json.d }}" } }),
    );
    assert_eq!(
        found["statement"],
        "update t set a = {{ load[0]?.a }}, b = 'x' || {{ load[0]?.b }} || 'y' where c = {{ load[0]?.d }} and d = '$1'"
    );
    assert_eq!(found["mode"], "write");
    let found = query(json!({ "operation": "insert", "schema": { "value": "shop" }, "table": { "value": "orders" },
        "columns": { "mappingMode": "defineBelow", "value": { "id": "={{ $json.id }}", "na\"me": "x" } } }));
    assert_eq!(
        found["statement"],
        "insert into \"shop\".\"orders\" (\"id\", \"na\"\"me\")\nvalues ({{ load[0]?.id }}, {{ \"x\" }})\nreturning *\n"
    );
    let found = query(json!({ "operation": "upsert", "table": { "value": "orders" },
        "columns": { "mappingMode": "defineBelow", "matchingColumns": ["id"], "value": { "id": 1, "n": 2 } } }));
    assert!(
        found["statement"]
            .to_string()
            .contains("on conflict (\\\"id\\\") do update set \\\"n\\\" = excluded.\\\"n\\\"")
    );
    let found =
        block("postgres", 1.0, json!({ "operation": "update", "table": "orders", "updateKey": "id", "columns": "n" }));
    assert_eq!(
        found["statement"],
        "update \"orders\"\nset \"n\" = {{ load[0]?.[\"n\"] }}\nwhere \"id\" = {{ load[0]?.[\"id\"] }}\nreturning *\n"
    );
    let found = query(json!({ "operation": "select", "table": { "value": "orders" }, "limit": 3,
        "where": { "values": [{ "column": "a", "condition": ">", "value": "={{ $json.a }}" }] } }));
    assert_eq!(found["statement"], "select *\nfrom \"orders\"\nwhere \"a\" > {{ load[0]?.a }}\nlimit 3\n");
    assert_eq!(found["mode"], "read");
}

#[test]
fn a_statement_that_cannot_be_bound_gives_way() {
    let found =
        one("postgres", 2.4, json!({ "operation": "executeQuery", "query": "=select * from \"{{ $json.table }}\"" }));
    assert!(has_note(&found.report, "Node", Level::Missing, "cannot be bound"));
}

#[test]
fn fields_are_set_by_every_version() {
    for (version, params) in [
        (1.0, json!({ "keepOnlySet": true, "values": { "number": [{ "name": "n", "value": 1 }] } })),
        (
            3.0,
            json!({ "include": "none", "fields": { "values": [{ "name": "n", "type": "numberValue", "numberValue": "1" }] } }),
        ),
        (3.4, json!({ "assignments": { "assignments": [{ "name": "n", "type": "number", "value": 1 }] } })),
    ] {
        let source =
            "return load.map((entry, at) => {\n  const fields = {};\n  fields[\"n\"] = 1;\n  return fields;\n});\n";
        assert_eq!(block("set", version, params)["source"], source, "{version}");
    }
    let kept = block(
        "set",
        3.4,
        json!({ "includeOtherFields": true, "mode": "raw", "jsonOutput": "={ \"a\": {{ $json.a }} }" }),
    );
    assert_eq!(
        kept["source"],
        "return load.map((entry, at) => {\n  return { ...structuredClone(entry), ...({ \"a\": entry.a }) };\n});\n"
    );
}

#[test]
fn requests_of_every_version() {
    let old = block(
        "httpRequest",
        1.0,
        json!({ "requestMethod": "POST", "url": "a.example", "jsonParameters": true,
        "bodyParametersJson": "={ \"a\": {{ $json.a }} }", "queryParametersUi": { "parameter": [{ "name": "q", "value": "a&b" }] } }),
    );
    assert_eq!(old["url"], "https://a.example?q=a%26b");
    assert_eq!(old["body"], "({ \"a\": load[0]?.a })");
    let form = block(
        "httpRequest",
        4.2,
        json!({ "method": "POST", "url": "https://a.example", "sendBody": true, "contentType": "form-urlencoded",
        "bodyParameters": { "parameters": [{ "name": "a", "value": "={{ $json.a }}" }] } }),
    );
    assert_eq!(form["body"], "[encodeURIComponent(\"a\") + '=' + encodeURIComponent(load[0]?.a)].join('&')");
    assert_eq!(form["headers"]["Content-Type"], "application/x-www-form-urlencoded");
    let login = one(
        "httpRequest",
        4.2,
        json!({ "url": "", "authentication": "genericCredentialType", "options": { "pagination": {} } }),
    );
    for (level, word) in
        [(Level::Missing, "no address"), (Level::Missing, "logs in"), (Level::Changed, "page after page")]
    {
        assert!(has_note(&login.report, "Node", level, word), "{word}");
    }
}

#[test]
fn choices_of_every_version() {
    let old = block(
        "switch",
        1.0,
        json!({ "dataType": "string", "value1": "={{ $json.a }}", "fallbackOutput": 3,
        "rules": { "rules": [{ "value2": "x" }, { "value2": "y", "output": 1 }, { "value2": "z", "output": 1 }] } }),
    );
    assert_eq!(
        old["cases"],
        json!([{ "port": "output-0", "when": "load[0]?.a === \"x\"" },
        { "port": "output-1", "when": "(load[0]?.a === \"y\") || (load[0]?.a === \"z\")" }])
    );
    let computed =
        block("switch", 3.0, json!({ "mode": "expression", "numberOutputs": 2, "output": "={{ $json.a }}" }));
    assert_eq!(computed["cases"][1], json!({ "port": "output-1", "when": "Number(load[0]?.a) === 1" }));
    let gate =
        block("filter", 1.0, json!({ "conditions": { "boolean": [{ "value1": "={{ $json.a }}", "value2": true }] } }));
    assert_eq!(gate, json!({ "type": "branch", "condition": "load[0]?.a === true" }));
}

#[test]
fn waits_ends_and_other_workflows() {
    assert_eq!(block("wait", 1.1, json!({ "amount": 2, "unit": "minutes" }))["for"], json!({ "seconds": "120" }));
    assert_eq!(
        block("wait", 1.1, json!({ "resume": "specificTime", "dateTime": "={{ $json.at }}" }))["for"],
        json!({ "until": "load[0]?.at" })
    );
    let event = json!({ "resume": "webhook", "limitWaitTime": true, "resumeAmount": 2, "resumeUnit": "days" });
    let waits = one("wait", 1.1, event.clone());
    assert!(has_note(&waits.report, "Node", Level::Changed, "send the event"));
    let expected = json!({ "key": "run.id", "timeout-s": 172_800, "at-timeout": "continue" });
    let mut found = block("wait", 1.1, event)["for"]["event"].clone();
    assert!(found.as_object_mut().expect("an event").remove("name").is_some());
    assert_eq!(found, expected);
    assert!(has_note(&one("wait", 1.1, json!({ "resume": "form" })).report, "Node", Level::Missing, "approval"));
    assert_eq!(
        block("stopAndError", 1.0, json!({ "errorMessage": "=No {{ $json.a }}" }))["message"],
        "No {{ load[0]?.a }}"
    );
    let run = block(
        "executeWorkflow",
        1.2,
        json!({ "workflowId": { "value": "q1" }, "workflowInputs": { "value": { "a": "={{ $json.a }}" } } }),
    );
    assert_eq!(run, json!({ "type": "workflow", "workflow": "q1", "input": "({ \"a\": load[0]?.a })", "wait": true }));
}

#[test]
fn lists_are_made_of_lists() {
    assert_eq!(
        block("splitOut", 1.0, json!({ "fieldToSplitOut": "a.b" }))["source"],
        "return load.flatMap((entry) =>\n  Object.values(entry[\"a\"]?.[\"b\"] ?? []).map((value) => (typeof value === 'object' && value !== null ? value : { \"b\": value })),\n);\n"
    );
    assert_eq!(block("limit", 1.0, json!({ "maxItems": 5 }))["source"], "return load.slice(0, 5);\n");
    assert_eq!(
        block("aggregate", 1.0, json!({ "fieldsToAggregate": { "fieldToAggregate": [{ "fieldToAggregate": "a" }] } }))
            ["source"],
        "return [{\n  \"a\": load.map((entry) => entry[\"a\"]).filter((value) => value != null),\n}];\n"
    );
    assert!(has_note(
        &one("removeDuplicates", 2.0, json!({ "operation": "removeItemsSeenInPreviousExecutions" })).report,
        "Node",
        Level::Missing,
        "table"
    ));
}

#[test]
fn code_is_given_what_it_asks_for() {
    let found =
        one("code", 2.0, json!({ "jsCode": "return $('Load').all().filter(i => i.json.a > $env.MIN && $now);" }));
    let source = json_of(&found.document, "nodeNode")["source"].to_string();
    for part in ["const { DateTime } = require('luxon')", "\\\"Load\\\": () => load", "const items = load.map"] {
        assert!(source.contains(part), "{part}: {source}");
    }
    assert!(!source.contains("const $execution"));
    assert!(has_note(&found.report, "Node", Level::Missing, "`$env`"));
}
