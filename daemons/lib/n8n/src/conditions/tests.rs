//! A table of conditions.

use serde_json::json;

use super::*;
use crate::expressions::fake::Fake;

fn newer(kind: &str, operation: &str, right: Value, options: Value) -> String {
    let condition = json!({ "leftValue": "={{ $json.a }}", "rightValue": right, "operator": { "type": kind, "operation": operation } });
    let conditions = json!({ "options": options, "conditions": [condition], "combinator": "and" });
    of(&conditions, false, &mut Writer::new(&Fake("x")))
}

#[test]
fn each_comparison_has_its_expression() {
    let cases = [
        ("string", "equals", json!("b"), "x.a === \"b\""),
        ("string", "notEquals", json!("={{ $json.b }}"), "x.a !== x.b"),
        ("string", "equals", json!(""), "(x.a ?? '') === ''"),
        ("string", "contains", json!("b"), "String(x.a ?? '').includes(\"b\")"),
        (
            "string",
            "notStartsWith",
            json!("=b{{ $json.c }}"),
            "!String(x.a ?? '').startsWith(String((`b${x.c ?? ''}`) ?? ''))",
        ),
        ("string", "regex", json!("/^a.b$/gi"), "new RegExp(\"^a.b$\", \"i\").test(String(x.a ?? ''))"),
        ("string", "notRegex", json!("^a"), "!new RegExp(\"^a\").test(String(x.a ?? ''))"),
        ("string", "empty", json!(""), "String(x.a ?? '') === ''"),
        ("string", "exists", json!(""), "x.a != null"),
        ("string", "notExists", json!(""), "x.a == null"),
        ("number", "equals", json!(5), "x.a === 5"),
        ("number", "gt", json!("5"), "x.a > 5"),
        ("number", "lte", json!("={{ $json.b }}"), "x.a <= x.b"),
        ("boolean", "true", json!(""), "x.a === true"),
        ("boolean", "equals", json!("false"), "x.a === false"),
        ("dateTime", "after", json!("2026-01-01"), "new Date(x.a).getTime() > new Date(\"2026-01-01\").getTime()"),
        ("array", "contains", json!("b"), "(x.a ?? []).includes(\"b\")"),
        ("array", "lengthGt", json!(3), "(x.a ?? []).length > 3"),
        ("object", "empty", json!(""), "Object.keys(x.a ?? {}).length === 0"),
        ("any", "equals", json!(1), "x.a === 1"),
    ];
    for (kind, operation, right, ours) in cases {
        let strict = json!({ "caseSensitive": true, "typeValidation": "strict" });
        assert_eq!(newer(kind, operation, right, strict), ours, "{kind} {operation}");
    }
}

#[test]
fn case_and_types_may_be_ignored() {
    let folded = newer("string", "equals", json!("B"), json!({ "caseSensitive": false }));
    assert_eq!(folded, "String(x.a ?? '').toLowerCase() === \"b\"");
    let loose = newer("number", "gt", json!(1), json!({ "typeValidation": "loose" }));
    assert_eq!(loose, "Number(x.a) > 1");
}

#[test]
fn older_conditions_are_lists_by_type() {
    let conditions = json!({
        "string": [{ "value1": "={{ $json.a }}", "value2": "b" }],
        "number": [{ "value1": "={{ $json.n }}", "operation": "largerEqual", "value2": 3 }],
        "boolean": [{ "value1": "={{ $json.ok }}", "value2": true }],
    });
    let mut writer = Writer::new(&Fake("x"));
    assert_eq!(of_lists(&conditions, false, &mut writer), "(x.ok === true) && (x.n >= 3) && (x.a === \"b\")");
    assert_eq!(of_lists(&conditions, true, &mut writer), "(x.ok === true) || (x.n >= 3) || (x.a === \"b\")");
    assert_eq!(of_lists(&json!({}), false, &mut writer), "true");
}

#[test]
fn an_unknown_comparison_never_holds_and_is_named() {
    let mut writer = Writer::new(&Fake("x"));
    let conditions =
        json!({ "conditions": [{ "leftValue": 1, "operator": { "type": "number", "operation": "prime" } }] });
    assert_eq!(of(&conditions, false, &mut writer), "false");
    assert!(writer.problems[0].1.contains("prime"));
}
