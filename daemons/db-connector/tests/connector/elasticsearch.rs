//! Elasticsearch, at the level of its protocol: no server of it can be started here, so that one of the test's own gives the
//! answers that the documentation of Elasticsearch 8 and OpenSearch 2 shows.

use bulkhead_model::ResourceId;
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::{QueryResult, Schema, SchemaRequest};
use http::Method;
use serde_json::{Value, json};

use crate::conformance::{Read, Subject, conforms, loses_answers};
use crate::kit::Service;
use crate::web::{Seen, WebServer, json_reply, reply};

fn answer(seen: &Seen) -> Option<crate::web::Reply> {
    let key = seen.header("authorization");
    if key != "ApiKey czNjcmV0" && key != "Basic ZWxhc3RpYzpzM2NyZXQ=" {
        let error = json!({ "type": "security_exception", "reason": format!("unable to authenticate with {key}") });
        return json_reply(401, &json!({ "error": error, "status": 401 }));
    }
    let (status, body) = match (seen.method.as_str(), seen.target.as_str()) {
        ("GET", "/es/") => (200, json!({ "version": { "number": "8.15.0" } })),
        ("POST", "/es/orders,logs-2026/_search") => (200, found()),
        ("POST", "/es/bad/_search") => (400, fault("search_phase_execution_exception", "all shards failed")),
        ("POST", "/es/orders/_count") => (200, json!({ "count": 12, "_shards": {} })),
        ("GET", "/es/orders/_doc/1") => {
            (200, json!({ "_index": "orders", "_id": "1", "found": true, "_source": { "total": 3.5 } }))
        }
        ("GET", "/es/orders/_doc/2") => (404, json!({ "_index": "orders", "_id": "2", "found": false })),
        ("GET", "/es/none/_doc/1") => (404, fault("index_not_found_exception", "no such index [none]")),
        ("PUT", "/es/orders/_doc/a%2Fb") => {
            (201, json!({ "_index": "orders", "_id": "a/b", "_version": 1, "result": "created" }))
        }
        ("POST", "/es/orders/_doc?refresh=wait_for") => {
            (201, json!({ "_index": "orders", "_id": "new", "_version": 1, "result": "created" }))
        }
        ("POST", "/es/orders/_update/1") => {
            (200, json!({ "_index": "orders", "_id": "1", "_version": 2, "result": "noop" }))
        }
        ("DELETE", "/es/orders/_doc/1") => {
            (200, json!({ "_index": "orders", "_id": "1", "_version": 3, "result": "deleted" }))
        }
        ("DELETE", "/es/orders/_doc/2") => (404, json!({ "_index": "orders", "_id": "2", "result": "not_found" })),
        ("POST", "/es/orders/_bulk") => (200, bulk(seen)),
        ("GET", "/es/_mapping") => {
            (200, json!({ "orders": { "mappings": { "properties": { "total": { "type": "float" } } } } }))
        }
        _ => return reply(404, &[], format!("{} {}", seen.method, seen.target)),
    };
    json_reply(status, &body)
}

fn found() -> Value {
    json!({
        "took": 4, "timed_out": false,
        "hits": { "total": { "value": 10_000, "relation": "gte" }, "hits": [
            { "_index": "orders", "_id": "1", "_score": 1.5, "_source": { "total": 3.5, "lines": [{ "sku": "a" }] } },
            { "_index": "logs-2026", "_id": "2", "_score": null, "_source": { "text": "x" }, "sort": [7] },
        ] },
        "aggregations": { "sum": { "value": 3.5 } },
    })
}

fn fault(kind: &str, reason: &str) -> Value {
    let cause = json!({ "type": "parsing_exception", "reason": "unknown query [mach]" });
    let root_cause = if kind.starts_with("search") { json!([cause]) } else { json!([]) };
    json!({ "error": { "type": kind, "reason": reason, "root_cause": root_cause }, "status": 400 })
}

/// Refuses documents whose `total` is no number.
fn bulk(seen: &Seen) -> Value {
    assert_eq!(seen.header("content-type"), "application/x-ndjson");
    let text = seen.text();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let items = lines.chunks(2).map(|pair| {
        let id = &pair[0]["index"]["_id"];
        match pair[1]["total"].is_number() {
            true => {
                json!({ "index": { "_index": "orders", "_id": id, "_version": 1, "result": "created", "status": 201 } })
            }
            false => {
                let error = json!({ "type": "document_parsing_exception", "reason": "failed to parse field [total]" });
                json!({ "index": { "_index": "orders", "_id": id, "status": 400, "error": error } })
            }
        }
    });
    json!({ "took": 1, "errors": false, "items": items.collect::<Vec<_>>() })
}

fn config(server: &WebServer, log_in: &Value) -> Value {
    json!({ "kind": "elasticsearch", "url": server.url("/es"), "log-in": log_in })
}

async fn resource(service: &Service, server: &WebServer, log_in: Value, secret: &str) -> ResourceId {
    service.add_any(config(server, &log_in), Some(secret)).await
}

async fn ask(service: &Service, id: ResourceId, mut request: Value, values: Value) -> Result<QueryResult, Problem> {
    request["do"] = json!("elasticsearch");
    service.run(&service.operation(id, request, values)).await
}

#[tokio::test]
async fn elasticsearch_conforms() {
    let server = WebServer::start(answer).await;
    let subject = Subject {
        config: config(&server, &json!({ "type": "api-key" })),
        secret: Some("czNjcmV0"),
        read: Read::Operation(json!({ "do": "elasticsearch", "action": "count", "index": "orders" })),
        checks_secret: true,
        answers_on_connect: false,
    };
    conforms(&subject).await;
    let write =
        Read::Operation(json!({ "do": "elasticsearch", "action": "index", "index": "orders", "document": { "a": 1 } }));
    loses_answers(&subject, &write, b"_doc").await;
}

#[tokio::test]
async fn hits_are_rows_and_what_is_beside_them_is_told() {
    let (service, server) = (Service::start().await, WebServer::start(answer).await);
    let id = resource(&service, &server, json!({ "type": "basic", "user": "elastic" }), "s3cret").await;
    let body = json!({ "query": { "term": { "sku": "{{ sku }}" } }, "size": "{{ size }}" });
    let search = json!({ "action": "search", "index": "orders,logs-{{ year }}", "body": body });
    let result = ask(&service, id, search, json!({ "sku": "a\"}}", "size": 2, "year": 2026 })).await.expect("runs");
    assert_eq!(server.only().json(), json!({ "query": { "term": { "sku": "a\"}}" } }, "size": 2 }));
    assert_eq!(
        json!(result.rows),
        json!([
            { "_id": "1", "_index": "orders", "_score": 1.5, "total": 3.5, "lines": [{ "sku": "a" }] },
            { "_id": "2", "_index": "logs-2026", "_score": null, "_sort": [7], "text": "x" },
        ])
    );
    let meta = result.meta.expect("meta");
    assert_eq!((&meta["total"], &meta["total-relation"], &meta["took"]), (&json!(10_000), &json!("gte"), &json!(4)));
    assert_eq!(meta["aggregations"]["sum"]["value"], json!(3.5));

    let bad = ask(&service, id, json!({ "action": "search", "index": "bad" }), json!({})).await.expect_err("an error");
    assert_eq!((bad.code.as_str(), bad.sqlstate.as_deref()), ("query-failed", Some("400")));
    assert_eq!(bad.detail, "parsing_exception: unknown query [mach]");
    let count = ask(&service, id, json!({ "action": "count", "index": "orders" }), json!({})).await.expect("runs");
    assert_eq!(count.data, Some(json!(12)));
    let get = |index: &str, id: &str| json!({ "action": "get", "index": index, "id": id });
    let one = ask(&service, id, get("orders", "1"), json!({})).await.expect("runs");
    assert_eq!(one.data, Some(json!({ "_id": "1", "_index": "orders", "total": 3.5 })));
    assert_eq!(ask(&service, id, get("orders", "2"), json!({})).await.expect("runs").data, Some(Value::Null));
    let none = ask(&service, id, get("none", "1"), json!({})).await.expect_err("an error");
    assert!(none.detail.contains("no such index"), "{}", none.detail);

    server.seen();
    let all = json!({ "action": "search", "index": "{{ i }}" });
    for value in ["*", "_all", "a,b", "../x"] {
        let problem = ask(&service, id, all.clone(), json!({ "i": value })).await.expect_err("refused");
        assert_eq!(problem.code, "operation-invalid", "{value}");
    }
    assert!(server.seen().is_empty());
    let schema = SchemaRequest { resource: id, environment: Default::default(), asked_by: None };
    let schema: Schema = service.client.call(Method::POST, "/v1/schema", &schema).await.expect("told");
    assert_eq!((schema.tables[0].name.as_str(), schema.tables[0].columns[0].name.as_str()), ("orders", "total"));
}

#[tokio::test]
async fn documents_are_written_changed_and_removed() {
    let (service, server) = (Service::start().await, WebServer::start(answer).await);
    let id = resource(&service, &server, json!({ "type": "api-key" }), "czNjcmV0").await;
    let run = async |request: Value, values: Value| ask(&service, id, request, values).await.expect("runs");

    let index = json!({ "action": "index", "index": "orders", "id": "{{ id }}", "document": "{{ order }}" });
    let put = run(index, json!({ "id": "a/b", "order": { "total": 1 } })).await;
    assert_eq!((put.affected, put.data.expect("data")["result"].clone()), (Some(1), json!("created")));
    assert_eq!(server.only().json(), json!({ "total": 1 }));
    let new =
        run(json!({ "action": "index", "index": "orders", "document": { "total": 2 }, "wait": true }), json!({})).await;
    assert_eq!(new.data.expect("data")["_id"], "new");
    let update = json!({ "action": "update", "index": "orders", "id": "1", "document": { "total": "{{ t }}" } });
    server.seen();
    assert_eq!(run(update, json!({ "t": 3.5 })).await.affected, Some(0), "nothing was different");
    assert_eq!(server.only().json(), json!({ "doc": { "total": 3.5 } }));
    let delete = |id: &str| json!({ "action": "delete", "index": "orders", "id": id });
    assert_eq!(run(delete("1"), json!({})).await.affected, Some(1));
    assert_eq!(run(delete("2"), json!({})).await.affected, Some(0));

    let bulk = json!({ "action": "bulk", "index": "orders", "each": "index", "rows": "{{ rows }}", "id-field": "key" });
    let written = run(bulk.clone(), json!({ "rows": [{ "key": "x", "total": 1 }, { "key": 2, "total": 2 }] })).await;
    assert_eq!((written.affected, written.row_count, &written.rows[1]["_id"]), (Some(2), 2, &json!("2")));
    let rows = json!({ "rows": [{ "key": "x", "total": 1 }, { "key": "y", "total": "many" }] });
    let partly = ask(&service, id, bulk.clone(), rows).await.expect_err("an error");
    assert!(partly.detail.contains("1 of 2") && partly.detail.contains("[total]"), "{}", partly.detail);
    server.seen();
    let none = ask(&service, id, bulk, json!({ "rows": "x" })).await.expect_err("refused");
    assert_eq!((none.code.as_str(), server.seen().len()), ("operation-invalid", 0));
}
