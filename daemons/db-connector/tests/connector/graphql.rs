//! GraphQL: documents arrive with their variables, and answers become data, rows or an error.

use bulkhead_model::ResourceId;
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::{QueryResult, Schema, SchemaRequest};
use http::Method;
use serde_json::{Value, json};

use crate::conformance::{CANARY, Read, Subject, conforms, loses_answers};
use crate::kit::Service;
use crate::web::{Seen, WebServer, json_reply, redirect, reply};

/// A server that knows a few questions.
fn answer(seen: &Seen) -> Option<crate::web::Reply> {
    if seen.target == "/moved" {
        return redirect(308, "/api/");
    }
    if seen.target != "/api/" {
        return reply(404, &[], "no such page");
    }
    if seen.header("authorization") != "Bearer s3cret" {
        let error = json!({ "message": format!("who is {}?", seen.header("authorization")) });
        return json_reply(401, &json!({ "errors": [error] }));
    }
    let asked = seen.json();
    let document = asked["query"].as_str().unwrap_or_default();
    let list = json!({ "kind": "LIST", "ofType": { "kind": "OBJECT", "name": "User" } });
    let body = if document.contains("__typename") {
        json!({ "data": { "__typename": "Query" } })
    } else if document.contains("__schema") {
        json!({ "data": { "__schema": { "types": [{ "kind": "OBJECT", "name": "Query", "fields": [{ "name": "users", "type": list }] }] } } })
    } else if document.contains("broken") {
        let error =
            |message: &str| json!({ "message": message, "path": ["broken", 0], "extensions": { "code": "BROKEN" } });
        return json_reply(400, &json!({ "errors": [error("it is broken"), error("twice")] }));
    } else if document.contains("echoes") {
        let said = json!({ "message": format!("sent by {}", seen.header("authorization")) });
        json!({ "data": { "echoes": 1 }, "errors": [said], "extensions": { "debug": [seen.header("authorization")] } })
    } else if document.contains("partly") {
        json!({ "data": { "partly": null }, "errors": [{ "message": "not all of it" }] })
    } else {
        json!({ "data": { "users": { "nodes": [{ "id": 9_007_199_254_740_993_u64 }, { "id": 2 }] }, "asked": asked } })
    };
    reply(200, &[("content-type", "application/graphql-response+json")], body.to_string())
}

async fn resource(service: &Service, server: &WebServer, path: &str, secret: &str) -> ResourceId {
    let config = json!({ "kind": "graphql", "url": server.url(path), "authentication": { "type": "bearer" } });
    service.add_any(config, Some(secret)).await
}

async fn ask(service: &Service, id: ResourceId, mut request: Value, values: Value) -> Result<QueryResult, Problem> {
    request["do"] = json!("graphql");
    service.run(&service.operation(id, request, values)).await
}

#[tokio::test]
async fn graphql_conforms() {
    let server = WebServer::start(answer).await;
    let subject = Subject {
        config: json!({ "kind": "graphql", "url": server.url("/api/"), "authentication": { "type": "bearer" } }),
        secret: Some("s3cret"),
        read: Read::Operation(json!({ "do": "graphql", "document": "{ __typename }" })),
        checks_secret: false,
        answers_on_connect: false,
    };
    conforms(&subject).await;
    let write = Read::Operation(json!({ "do": "graphql", "document": "mutation Add { add }" }));
    loses_answers(&subject, &write, b"mutation").await;
}

#[tokio::test]
async fn values_are_variables_and_never_part_of_the_document() {
    let (service, server) = (Service::start().await, WebServer::start(answer).await);
    let id = resource(&service, &server, "/api/", "s3cret").await;
    let document = "query Users($id: ID!) { users(id: $id) { nodes { id } } } mutation Add { add }";
    let request = json!({ "document": document, "variables": { "id": "{{ id }}" }, "operation-name": "Users" });
    let result = ask(&service, id, request, json!({ "id": "\") { secrets }" })).await.expect("runs");
    let asked = server.only();
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/api/"), "the slash at its end is kept");
    let expected = json!({ "query": document, "variables": { "id": "\") { secrets }" }, "operationName": "Users" });
    assert_eq!(asked.json(), expected);
    assert_eq!(result.data.expect("data")["asked"], expected);

    let rows =
        ask(&service, id, json!({ "document": "{ users { nodes { id } } }", "items": "/users/nodes" }), json!({}));
    assert_eq!(json!(rows.await.expect("runs").rows), json!([{ "id": "9007199254740993" }, { "id": 2 }]));
    server.seen();
    for (document, variables) in [
        ("subscription { users { id } }", json!(null)),
        ("query A { a } query B { b }", json!(null)),
        ("{ users {", json!(null)),
        ("{ users { id } }", json!("{{ list }}")),
    ] {
        let request = json!({ "document": document, "variables": variables });
        let problem = ask(&service, id, request, json!({ "list": [1] })).await.expect_err("refused");
        assert_eq!(problem.code, "operation-invalid", "{document}: {}", problem.detail);
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn errors_are_an_error_where_there_is_no_data_and_else_told_beside_it() {
    let (service, server) = (Service::start().await, WebServer::start(answer).await);
    let id = resource(&service, &server, "/api/", "s3cret").await;
    let broken = ask(&service, id, json!({ "document": "{ broken }" }), json!({})).await.expect_err("an error");
    assert_eq!((broken.code.as_str(), broken.sqlstate.as_deref()), ("query-failed", Some("BROKEN")));
    assert_eq!(broken.detail, "it is broken (at broken.0); twice (at broken.0)");
    let partly = ask(&service, id, json!({ "document": "{ partly }" }), json!({})).await.expect("data");
    assert_eq!(partly.data, Some(json!({ "partly": null })));
    assert_eq!(partly.meta.expect("meta")["errors"], json!([{ "message": "not all of it" }]));

    let stranger = resource(&service, &server, "/api/", CANARY).await;
    let refused = ask(&service, stranger, json!({ "document": "{ a }" }), json!({})).await.expect_err("refused");
    assert_eq!(refused.sqlstate.as_deref(), Some("401"));
    assert!(refused.detail.contains("who is") && !refused.detail.contains(CANARY), "{}", refused.detail);
    let page = resource(&service, &server, "/other", "s3cret").await;
    let missing = ask(&service, page, json!({ "document": "{ a }" }), json!({})).await.expect_err("refused");
    assert!(
        missing.sqlstate.as_deref() == Some("404") && missing.detail.contains("no such page"),
        "{}",
        missing.detail
    );
    let moved = resource(&service, &server, "/moved", "s3cret").await;
    ask(&service, moved, json!({ "document": "{ a }" }), json!({})).await.expect("followed");
}

#[tokio::test]
async fn types_are_offered_as_tables() {
    let (service, server) = (Service::start().await, WebServer::start(answer).await);
    let resource = resource(&service, &server, "/api/", "s3cret").await;
    let schema: Schema = service
        .client
        .call(Method::POST, "/v1/schema", &SchemaRequest { resource, environment: Default::default(), asked_by: None })
        .await
        .expect("told");
    let table = &schema.tables[0];
    assert_eq!((table.schema.as_str(), table.name.as_str()), ("object", "Query"));
    assert_eq!((table.columns[0].name.as_str(), table.columns[0].type_name.as_str()), ("users", "[User]"));
}

#[tokio::test]
async fn what_a_server_repeats_of_the_secret_is_not_shown_beside_the_data() {
    let (service, server) = (Service::start().await, WebServer::start(answer).await);
    let id = resource(&service, &server, "/api/", "s3cret").await;
    let result = ask(&service, id, json!({ "document": "{ echoes }" }), json!({})).await.expect("answered");
    let meta = result.meta.expect("told");
    assert_eq!(meta["errors"][0]["message"], "sent by Bearer …", "{meta}");
    assert_eq!(meta["extensions"]["debug"][0], "Bearer …", "{meta}");
}
