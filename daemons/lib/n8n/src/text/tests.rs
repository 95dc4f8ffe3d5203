//! A table of settings.

use serde_json::json;

use super::*;
use crate::expressions::fake::Fake;

#[test]
fn settings_are_texts_expressions_and_bodies() {
    let mut writer = Writer::new(&Fake("x"));
    let texts = [
        ("plain", "plain"),
        ("with {{ no }} expression", "with {{ '{{' }} no }} expression"),
        ("=https://a.example/{{ $json.id }}?q={{ $json.q }}", "https://a.example/{{ x.id }}?q={{ x.q }}"),
        ("={{ $json.url }}", "{{ x.url }}"),
        ("={{ 'a' + '}}' }}", "{{ 'a' + '}}' }}"),
    ];
    for (n8n, ours) in texts {
        assert_eq!(writer.template(&json!(n8n)), ours, "{n8n}");
    }
    let expressions = [
        (json!("plain"), "\"plain\""),
        (json!("=plain"), "\"plain\""),
        (json!("={{ $json.a }}"), "x.a"),
        (json!("=Dear {{ $json.a }}, `it` costs $5"), "`Dear ${x.a ?? ''}, \\`it\\` costs \\$5`"),
        (json!({ "a": ["={{ $json.a }}", 1, null] }), "({ \"a\": [x.a, 1, null] })"),
    ];
    for (n8n, ours) in expressions {
        assert_eq!(writer.expression(&n8n), ours, "{n8n}");
    }
    let bodies = [
        ("{ \"a\": 1 }", "({ \"a\": 1 })"),
        (
            "={ \"a\": {{ $json.a }}, \"b\": \"{{ $json.b }} $ \\\"c\\\"\", \"d\": \"$x\" }",
            "({ \"a\": x.a, \"b\": `${x.b ?? ''} \\$ \\\"c\\\"`, \"d\": \"$x\" })",
        ),
        ("={{ JSON.stringify($json) }}", "x"),
        ("={ \"list\": {{ JSON.stringify($json.list) }} }", "({ \"list\": x.list })"),
        ("={ \"sum\": {{ $json.a + 1 }} }", "({ \"sum\": (x.a + 1) })"),
        ("={{ { a: $json.a } }}", "({ a: x.a })"),
        ("not JSON", "\"not JSON\""),
    ];
    for (n8n, ours) in bodies {
        assert_eq!(writer.json(&json!(n8n)), ours, "{n8n}");
    }
    assert_eq!(writer.problems, []);
    assert_eq!(writer.json(&json!("={ a: {{ $json.a }} }")), "JSON.parse(`{ a: ${x.a ?? ''} }`)");
}
