//! Workflows of other products.

use serde_json::json;

use crate::kit::Instance;

#[tokio::test]
async fn an_n8n_export_becomes_a_draft_that_can_be_created() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let export = json!({
        "name": "Greet",
        "nodes": [
            { "name": "Each morning", "type": "n8n-nodes-base.scheduleTrigger", "typeVersion": 1.2, "position": [0, 0],
              "parameters": { "rule": { "interval": [{ "field": "cronExpression", "expression": "0 7 * * 1-5" }] } } },
            { "name": "Greet", "type": "n8n-nodes-base.code", "typeVersion": 2, "position": [200, 0],
              "parameters": { "jsCode": "return [{ json: { hello: 'world' } }];" } },
        ],
        "connections": { "Each morning": { "main": [[{ "node": "Greet", "type": "main", "index": 0 }]] } },
        "settings": { "timezone": "Europe/Vienna" },
    });
    let read = instance.call(&admin, "POST", "/imports/n8n", &json!({ "export": export })).await.ok(200);
    let trigger = read["document"]["triggers"].as_object().expect("triggers").values().next().expect("one").clone();
    assert_eq!((&trigger["cron"], &trigger["timezone"]), (&json!("0 7 * * 1-5"), &json!("Europe/Vienna")));
    let report = read["report"].as_array().expect("a report");
    assert!(report.iter().any(|note| note["node"] == "Greet" && note["block"] == "greet"), "{report:?}");
    assert!(report.iter().all(|note| note["level"] != "missing"), "{report:?}");
    let body = json!({ "slug": "greet", "title": read["name"], "document": read["document"] });
    instance.call(&admin, "POST", "/workflows", &body).await.ok(201);
    for bad in [json!("text"), json!({ "data": [] }), json!([1])] {
        let refused = instance.call(&admin, "POST", "/imports/n8n", &json!({ "export": bad })).await;
        assert_eq!(refused.problem(), (422, "not-imported".into()));
    }
}

#[tokio::test]
async fn a_document_of_openapi_becomes_requests() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": "Shop", "version": "1" },
        "paths": { "/orders/{id}": { "get": {
            "operationId": "showOrder", "summary": "One order",
            "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }],
        } } },
    });
    let read = instance.call(&admin, "POST", "/imports/openapi", &json!({ "document": document })).await.ok(200);
    assert_eq!(read["title"], "Shop");
    let operation = &read["operations"][0];
    assert_eq!((&operation["summary"], &operation["request"]["method"]), (&json!("One order"), &json!("GET")));
    assert!(operation["request"]["path"].as_str().expect("a path").starts_with("/orders/{{"), "{operation}");
    let refused = instance.call(&admin, "POST", "/imports/openapi", &json!({ "document": { "swagger": "2.0" } })).await;
    assert_eq!(refused.problem(), (422, "not-imported".into()));
}
