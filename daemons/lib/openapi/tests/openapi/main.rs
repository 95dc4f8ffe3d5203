//! Documents become requests that the model finds no fault with, and what is broken in one operation stays there.

#![allow(clippy::unwrap_used)]

use bulkhead_model::operation::{HttpMethod, Operation, RequestBody};
use bulkhead_model::query::ResourceQuery;
use bulkhead_openapi::{Import, ImportError, ImportedOperation, MAX_OPERATIONS, import};
use serde_json::{Value, json};

fn document(paths: Value, components: Value) -> String {
    json!({
        "openapi": "3.1.0", "info": { "title": "Pets", "version": "1" }, "servers": [{ "url": "https://pets.example.com/v1" }],
        "paths": paths, "components": components,
    })
    .to_string()
}

/// The operations, each of which is a sound query.
fn operations(text: &str) -> Import {
    let import = import(text).expect("a document");
    for ImportedOperation { name, request, .. } in &import.operations {
        let query = json!({ "resource": "pets", "operation": Operation::Request(Box::new(request.clone())) });
        let query: ResourceQuery = serde_json::from_value(query).unwrap();
        assert_eq!(query.validate("query"), [], "{name}");
    }
    import
}

#[test]
fn an_operation_becomes_a_request_with_a_binding_for_each_value() {
    let pet = json!({ "allOf": [
        { "type": "object", "properties": { "id": { "type": "integer", "readOnly": true }, "name": { "type": "string" } } },
        { "properties": { "owner": { "$ref": "#/components/schemas/Owner" }, "tags": { "type": "array", "items": {} }, "kind": { "const": "dog" } } },
    ] });
    let owner = json!({ "type": ["object", "null"], "properties": { "name": { "type": "string" }, "vip": { "default": false } } });
    let text = document(
        json!({ "/pets/{pet-id}": {
            "parameters": [{ "$ref": "#/components/parameters/PetId" }, { "name": "q", "in": "query", "schema": { "type": "string" } }],
            "get": { "operationId": "getPet", "summary": "Reads a pet", "parameters": [
                { "name": "q", "in": "query", "schema": { "default": 5 } },
                { "name": "X-Trace", "in": "header" }, { "name": "Authorization", "in": "header" },
            ] },
            "put": { "summary": "Changes a pet\nand more", "requestBody": { "$ref": "#/components/requestBodies/Pet" } },
        } }),
        json!({
            "parameters": { "PetId": { "name": "pet-id", "in": "path", "required": true } },
            "requestBodies": { "Pet": { "content": { "text/plain": {}, "application/json": { "schema": { "$ref": "#/components/schemas/Pet" } } } } },
            "schemas": { "Pet": pet, "Owner": owner },
        }),
    );
    let Import { title, servers, operations, problems } = operations(&text);
    assert_eq!((title.as_str(), servers, problems), ("Pets", vec!["https://pets.example.com/v1".to_owned()], vec![]));
    let [get, put] = operations.as_slice() else { panic!("{operations:?}") };
    assert_eq!((get.name.as_str(), get.summary.as_str(), &get.problems), ("getPet", "Reads a pet", &vec![]));
    let expected = json!({ "method": "GET", "path": "/pets/{{ petId }}", "query": [{ "name": "q", "value": "5" }],
        "headers": [{ "name": "X-Trace", "value": "{{ XTrace }}" }] });
    assert_eq!(json!(get.request), expected);
    assert_eq!((put.name.as_str(), put.summary.as_str()), ("PUT /pets/{pet-id}", "Changes a pet"));
    let expected = json!({ "name": "{{ name }}", "owner": { "name": "{{ name2 }}", "vip": false }, "tags": "{{ tags }}", "kind": "dog" });
    let RequestBody::Json { json: body } = &put.request.body else { panic!("{:?}", put.request.body) };
    assert_eq!(body.0, expected);
    assert_eq!(put.request.query[0].value.0, "{{ q }}");
}

#[test]
fn a_broken_reference_is_the_trouble_of_its_operation_alone() {
    let body = |reference: &str| json!({ "requestBody": { "content": { "application/json": { "schema": { "$ref": reference } } } } });
    let text = document(
        json!({
            "/dangling": { "post": body("#/components/schemas/Nowhere") },
            "/outside": { "post": body("other.json#/Pet") },
            "/round": { "post": body("#/components/schemas/A") },
            "/tree": { "post": body("#/components/schemas/Tree") },
            "/parameter": { "get": { "parameters": [{ "$ref": "#/components/parameters/None" }] } },
            "/item": { "$ref": "#/paths/~1none" },
            "/fine": { "get": {} },
        }),
        json!({ "schemas": {
            "A": { "$ref": "#/components/schemas/B" }, "B": { "$ref": "#/components/schemas/A" },
            "Tree": { "properties": { "name": {}, "left": { "$ref": "#/components/schemas/Tree" } } },
        } }),
    );
    let import = operations(&text);
    let problem = |path: &str| {
        let operation = import.operations.iter().find(|operation| operation.request.path.0 == path).expect(path);
        operation.problems.join("\n")
    };
    assert!(problem("/dangling").contains("#/components/schemas/Nowhere is not in the document"));
    assert!(problem("/outside").contains("other.json#/Pet is outside"));
    assert!(problem("/round").contains("circle"));
    assert!(problem("/tree").contains("#/components/schemas/Tree holds itself"));
    assert!(problem("/parameter").contains("#/components/parameters/None"));
    assert_eq!(problem("/fine"), "");
    assert!(
        import.problems.len() == 1 && import.problems[0].starts_with("/item: #/paths/~1none"),
        "{:?}",
        import.problems
    );
    let tree = import.operations.iter().find(|operation| operation.request.path.0 == "/tree").expect("a tree");
    let RequestBody::Json { json: body } = &tree.request.body else { panic!("a body") };
    assert_eq!(body.0, json!({ "name": "{{ name }}", "left": "{{ left }}" }));
}

#[test]
fn forms_files_texts_and_bytes_are_sent_as_such() {
    let body = |kind: &str, schema: Value| json!({ "requestBody": { "content": { kind: { "schema": schema } } } });
    let form = json!({ "properties": { "a": {}, "b": { "default": "x" } } });
    let upload = json!({ "properties": { "file": { "type": "string", "format": "binary" }, "note": {}, "more": { "contentMediaType": "image/png" } } });
    let text = document(
        json!({ "/x": {
            "post": body("application/x-www-form-urlencoded", form),
            "put": body("multipart/form-data", upload),
            "patch": body("text/csv", json!({})),
            "delete": body("application/*", json!({})),
            "get": body("application/json", json!({})),
        } }),
        json!({}),
    );
    let import = operations(&text);
    let of =
        |method: HttpMethod| import.operations.iter().find(|operation| operation.request.method == method).unwrap();
    let fields = json!([{ "name": "a", "value": "{{ a }}" }, { "name": "b", "value": "x" }]);
    assert_eq!(json!(of(HttpMethod::Post).request.body), json!({ "as": "form", "fields": fields }));
    let file = json!({ "as": "file", "field": "file", "file-name": "{{ fileName }}", "base64": "{{ file }}",
        "fields": [{ "name": "note", "value": "{{ note }}" }] });
    assert_eq!(json!(of(HttpMethod::Put).request.body), file);
    assert!(of(HttpMethod::Put).problems[0].contains("`more`"));
    assert_eq!(
        json!(of(HttpMethod::Patch).request.body),
        json!({ "as": "text", "text": "{{ text }}", "content-type": "text/csv" })
    );
    assert_eq!(json!(of(HttpMethod::Delete).request.body), json!({ "as": "bytes", "base64": "{{ base64 }}" }));
    assert_eq!(of(HttpMethod::Get).problems, ["GET sends no body"]);
}

#[test]
fn what_is_no_document_says_why() {
    let version = |text: Value| import(&text.to_string()).expect_err("refused").to_string();
    assert!(version(json!({ "swagger": "2.0" })).contains("Swagger 2.0"));
    assert!(version(json!({ "openapi": "4.0.0" })).contains("OpenAPI 4.0.0"));
    assert!(version(json!([])).contains("no member `openapi`"));
    assert!(matches!(import("openapi: 3.0.0"), Err(ImportError::Json(_))));
    assert!(matches!(import(&"[".repeat(100_000)), Err(ImportError::Json(_))));
    assert!(matches!(import(&" ".repeat(bulkhead_openapi::MAX_BYTES + 1)), Err(ImportError::TooLarge(_))));
}

#[test]
fn a_hostile_document_stays_small_and_sound() {
    // Each schema holds the next one twice: told whole, it would have 2^40 members.
    let mut schemas = serde_json::Map::new();
    for index in 0..40 {
        let next = json!({ "$ref": format!("#/components/schemas/S{}", index + 1) });
        schemas.insert(format!("S{index}"), json!({ "properties": { "a": next, "b": next }, "allOf": [next, next] }));
    }
    let schema = json!({ "$ref": "#/components/schemas/S0" });
    let text = document(
        json!({
            "/bomb": { "post": { "requestBody": { "content": { "application/json": { "schema": schema } } } } },
            "no-slash/{a}{b}/{": { "get": { "operationId": "same", "parameters": "none" } },
            "/{{x}}?y={z}#f": { "get": { "operationId": "same", "parameters": [
                { "name": "a\r\nb", "in": "query" }, { "name": "{{ evil }}", "in": "query" }, { "name": "Host", "in": "header" },
                { "name": "ok", "in": "query", "schema": { "default": "{{ evil }}" } }, 7,
            ] } },
        }),
        json!({ "schemas": schemas }),
    );
    let import = operations(&text);
    assert!(serde_json::to_string(&import.operations[0].request).unwrap().len() < 20_000);
    let names: Vec<_> = import.operations.iter().map(|operation| operation.name.as_str()).collect();
    assert!(names.contains(&"same") && names.contains(&"same2"), "{names:?}");
    for operation in &import.operations {
        assert!(!json!(operation.request).to_string().contains("evil"), "{operation:?}");
    }
    let many: serde_json::Map<_, _> =
        (0..=MAX_OPERATIONS).map(|index| (format!("/{index}"), json!({ "get": {} }))).collect();
    let import = operations(&document(Value::Object(many), json!({})));
    assert_eq!((import.operations.len(), import.problems.len()), (MAX_OPERATIONS, 1));
}

proptest::proptest! {
    #[test]
    fn any_path_and_names_become_a_sound_request(path in "[/{}?#a-z .é]{0,20}", name in ".{0,12}", place in "path|query|header|cookie") {
        let text = document(
            json!({ path: { "put": { "parameters": [{ "name": name, "in": place }], "requestBody": { "content": { "a/json": {}, "application/json": { "schema":
                { "properties": { name: {} } } } } } } } }),
            json!({}),
        );
        operations(&text);
    }
}
