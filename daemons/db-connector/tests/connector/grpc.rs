//! gRPC: a real server of Google's own library, with reflection and without.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::ResourceId;
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::{QueryRequest, QueryResult, Schema, SchemaRequest, TestRequest};
use bulkhead_test_kit::{TestServer, provided};
use http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::cluster::write_certificates;
use crate::conformance::{Read, Subject, conforms};
use crate::kit::Service;

/// A server, and the PEM of the authority that signed its certificate for `localhost`.
fn server(options: &[&str]) -> (TestServer, String) {
    let mut authority = String::new();
    let server = TestServer::start(&provided("BULKHEAD_TEST_GRPC"), |port, directory| {
        authority = write_certificates(directory);
        let words = ["-c", include_str!("grpc_server.py"), &port.to_string(), &directory.display().to_string()];
        [&words, options].concat().into_iter().map(str::to_owned).collect()
    });
    (server, authority)
}

/// What has happened there.
fn seen(server: &TestServer) -> Vec<Value> {
    let text = std::fs::read_to_string(server.directory().join("seen.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn config(server: &TestServer) -> Value {
    json!({ "kind": "grpc", "host": "127.0.0.1", "port": server.port(), "tls": "disabled" })
}

async fn call(service: &Service, id: ResourceId, mut call: Value, values: Value) -> Result<QueryResult, Problem> {
    call["do"] = json!("grpc");
    service.run(&service.operation(id, call, values)).await
}

/// A resource of a server that tells its methods.
async fn ready() -> (Service, TestServer, ResourceId) {
    let (service, (server, _)) = (Service::start().await, server(&["v1"]));
    let id = service.add_any(config(&server), None).await;
    (service, server, id)
}

#[tokio::test]
async fn grpc_conforms() {
    let (server, _) = server(&["v1", "token"]);
    let mut config = config(&server);
    config["authentication"] = json!({ "type": "bearer" });
    let read = json!({ "do": "grpc", "method": "shop.v1.Shop/List", "message": { "count": 1 }, "reads": true });
    conforms(&Subject {
        config,
        secret: Some("s3cret"),
        read: Read::Operation(read),
        checks_secret: true,
        answers_on_connect: true,
    })
    .await;
}

#[tokio::test]
async fn every_type_comes_back_as_it_went() {
    let (service, server, id) = ready().await;
    let order = json!({
        "orderId": "9007199254740993", "serial": "18446744073709551615", "total": 0.1, "small": "Infinity", "label": "AP8=",
        "level": "HIGH", "card": "a\"}}", "lines": [{ "sku": "x", "pieces": 2 }], "tags": { "ü": "-1" }, "note": "said",
        "placed": "2026-11-30T08:15:30.123Z", "took": "1.500s", "free": { "a": [1.5, null, { "b": true }] },
        "more": { "@type": "type.googleapis.com/shop.v1.Line", "sku": "any", "pieces": 1 }, "counts": [1, 4294967295u32], "rank": 0,
    });
    let echo = json!({ "method": "shop.v1.Shop/Echo", "message": "{{ order }}", "reads": true });
    let result = call(&service, id, echo.clone(), json!({ "order": order })).await.expect("runs");
    assert_eq!(result.data, Some(order));
    let meta = result.meta.expect("meta");
    assert_eq!(meta["headers"]["x-first"], json!(["a", "b"]));
    assert_eq!((&meta["headers"]["x-raw-bin"], &meta["trailers"]["x-last"]), (&json!("AP8"), &json!("z")));

    // Numbers and names as people write them, and what is not said is there where it has no presence.
    let plain = json!({ "message": { "order_id": "{{ id }}", "cash": "{{ cash }}", "level": 1 }, "method": "shop.v1.Shop/Echo" });
    let result = call(&service, id, plain, json!({ "id": 7, "cash": true })).await.expect("runs");
    assert_eq!(
        result.data,
        Some(
            json!({ "orderId": "7", "serial": "0", "total": 0.0, "small": 0.0, "label": "", "level": "LOW", "cash": true,
            "lines": [], "tags": {}, "counts": [] })
        )
    );

    for (message, field, words) in [
        (json!({ "orderid": 1 }), "message.orderid", "the nearest are `orderId`"),
        (json!({ "orderId": "secret" }), "message.orderId", "a whole number of 64 bits"),
        (json!({ "orderId": { "$gt": "" } }), "message.orderId", "a whole number of 64 bits"),
        (json!({ "label": "!!" }), "message.label", "bytes as base64"),
        (json!({ "level": "secret" }), "message.level", "one of LEVEL_UNSPECIFIED, LOW, HIGH"),
        (json!({ "lines": [{}, { "pieces": "secret" }] }), "message.lines[1].pieces", "a whole number of 32 bits"),
        (json!({ "lines": {} }), "message.lines", "must be a list"),
        (json!({ "tags": { "secret": "x" } }), "message.tags", "whose values are each a whole number"),
        (json!({ "placed": "secret" }), "message.placed", "a text such as 2026"),
        (json!({ "first": 7 }), "message.first", "an object with the fields of shop.v1.Line"),
        (json!({ "card": "a", "cash": true }), "message", "only one may be there"),
        (json!("secret"), "message", "an object"),
    ] {
        let problem = call(&service, id, echo.clone(), json!({ "order": message })).await.expect_err("refused");
        assert_eq!(problem.code, "value-invalid", "{message}: {}", problem.detail);
        assert!(
            problem.detail.starts_with(&format!("`{field}` ")) && problem.detail.contains(words),
            "{}",
            problem.detail
        );
        assert!(!problem.detail.contains("secret"), "{}", problem.detail);
    }
    drop(server);
}

#[tokio::test]
async fn a_message_that_takes_much_memory_is_refused_before_it_is_decoded() {
    let (service, _server, id) = ready().await;
    // Two bytes each on the wire, a few more as JSON.
    let echo = async |lines: usize| {
        let order = json!({ "lines": vec![json!({}); lines] });
        let echo = json!({ "method": "shop.v1.Shop/Echo", "message": "{{ order }}", "reads": true, "items": "/lines" });
        call(&service, id, echo, json!({ "order": order })).await
    };
    assert!(echo(100_000).await.expect("runs").truncated);
    assert_eq!(echo(300_000).await.expect_err("refused").code, "result-too-large");
}

#[tokio::test]
async fn the_part_that_is_wanted_is_rows() {
    let (service, _server, id) = ready().await;
    let list = json!({ "method": "shop.v1.Shop/List", "message": { "count": 3 }, "reads": true, "items": "/orders" });
    let result = call(&service, id, list.clone(), json!({})).await.expect("runs");
    assert_eq!((result.row_count, &result.rows[2]["orderId"]), (3, &json!("3")));
    let mut nothing = list.clone();
    nothing["items"] = json!("/none");
    assert!(call(&service, id, nothing, json!({})).await.expect_err("refused").detail.contains("nothing at /none"));
    let mut large = service.operation(id, json!({ "do": "grpc", "method": "shop.v1.Shop/List", "message": { "count": 90, "bytes": 2000 }, "reads": true }), json!({}));
    large.limits.max_bytes = 65_536;
    assert_eq!(service.run(&large).await.expect_err("refused").code, "result-too-large");
    // Small on the wire and large as JSON.
    large.operation = service
        .operation(
            id,
            json!({ "do": "grpc", "method": "shop.v1.Shop/List", "message": { "count": 9000 }, "reads": true }),
            json!({}),
        )
        .operation;
    assert_eq!(service.run(&large).await.expect_err("refused").code, "result-too-large");
}

#[tokio::test]
async fn metadata_and_the_deadline_arrive_and_no_value_breaks_a_header() {
    let (service, server, _) = ready().await;
    let mut config = config(&server);
    config["metadata"] = json!({ "x-tenant": "shop" });
    config["authentication"] = json!({ "type": "metadata", "name": "x-key" });
    let id = service.add_any(config, Some("s3cret")).await;
    let tell = |metadata: Value| json!({ "method": "shop.v1.Shop/Tell", "metadata": metadata, "reads": true });
    let named = json!([{ "name": "x-user", "value": "{{ user }}" }, { "name": "x-raw-bin", "value": "{{ raw }}" }, { "name": "x-none", "value": "{{ none }}" }]);
    let values = json!({ "user": "ann", "raw": "AP8=", "none": null });
    let told = call(&service, id, tell(named.clone()), values).await.expect("runs").data.expect("data");
    let metadata = &told["metadata"];
    assert_eq!(
        (&metadata["x-user"], &metadata["x-raw-bin"], &metadata["x-none"]),
        (&json!("ann"), &json!("00ff"), &Value::Null)
    );
    assert_eq!((&metadata["x-tenant"], &metadata["x-key"]), (&json!("shop"), &json!("s3cret")));
    let left: u64 = told["leftMs"].as_str().expect("text").parse().expect("a number");
    assert!((8_000..=10_000).contains(&left), "{left}");
    for (user, raw) in [("a\r\nx-key: forged", "AP8="), ("a\0", "AP8="), ("ü", "AP8="), ("ann", "no base64")] {
        let values = json!({ "user": user, "raw": raw, "none": null });
        let problem = call(&service, id, tell(named.clone()), values).await.expect_err("refused");
        assert_eq!(problem.code, "value-invalid", "{}", problem.detail);
        assert!(problem.detail.starts_with("`metadata.x-"), "{}", problem.detail);
    }
    let forged = call(&service, id, tell(json!([{ "name": "x-key", "value": "mine" }])), json!({})).await;
    assert!(forged.expect_err("refused").detail.contains("set by the resource"));
}

#[tokio::test]
async fn a_status_is_told_in_words() {
    let (service, server, id) = ready().await;
    let fail = |code: u32, text: &str, reads: bool| json!({ "method": "shop.v1.Shop/Fail", "message": { "code": code, "text": text }, "reads": reads });
    let told = async |code: u32, text: &str, reads: bool| {
        let problem = call(&service, id, fail(code, text, reads), json!({})).await.expect_err("refused");
        (problem.code, problem.sqlstate.unwrap_or_default(), problem.detail)
    };
    let (code, state, detail) = told(3, "details", false).await;
    assert_eq!((code.as_str(), state.as_str()), ("query-failed", "INVALID_ARGUMENT"));
    assert!(detail.contains("as asked: details\nünd so (name: is empty)"), "{detail}");
    assert_eq!(told(5, "x", false).await.1, "NOT_FOUND");
    assert_eq!(told(16, "x", false).await.0, "resource-log-in");
    assert_eq!(
        (told(4, "x", true).await.0, told(14, "x", true).await.0),
        ("query-timeout".into(), "query-failed".into())
    );
    // After a write, these leave open what was done.
    for unknown in [1, 4, 14] {
        let (code, _, detail) = told(unknown, "x", false).await;
        assert!(code == "outcome-unknown" && detail.contains("as asked"), "{unknown}: {code} {detail}");
    }
    assert_eq!(seen(&server).iter().filter(|one| one["failed"] == 14).count(), 2, "nothing is asked again");

    for (method, words) in [
        ("shop.v1.Shop/Ecko", "`Echo`"),
        ("shop.v1.Store/Echo", "`shop.v1.Shop`"),
        ("shop.v1.Shop/Upload", "takes a stream"),
    ] {
        let problem = call(&service, id, json!({ "method": method }), json!({})).await.expect_err("refused");
        assert!(problem.code == "value-invalid" && problem.detail.contains(words), "{}", problem.detail);
    }
}

#[tokio::test]
async fn a_stream_is_rows_within_its_caps() {
    let (service, server, id) = ready().await;
    let watch = |message: Value, reads: bool| json!({ "do": "grpc", "method": "shop.v1.Shop/Watch", "message": message, "reads": reads });
    let result = service
        .run(&service.operation(id, watch(json!({ "count": 2000, "bytes": 100, "text": "all" }), true), json!({})))
        .await
        .expect("runs");
    assert_eq!((result.row_count, result.truncated, &result.rows[1999]["orderId"]), (2000, false, &json!("2000")));
    assert_eq!((result.columns[0].name.as_str(), result.columns[0].type_name.as_str()), ("orderId", "int64"));

    let mut capped =
        service.operation(id, watch(json!({ "count": 1000, "wait_ms": 1, "text": "capped" }), true), json!({}));
    capped.limits.max_rows = 10;
    let result = service.run(&capped).await.expect("runs");
    assert_eq!((result.row_count, result.truncated), (10, true));
    until(&server, |seen| seen.iter().any(|one| one["ended"] == "capped")).await;
    // What may change something is heard to its end.
    let mut whole = service.operation(id, watch(json!({ "count": 30, "text": "whole" }), false), json!({}));
    whole.limits.max_rows = 10;
    let result = service.run(&whole).await.expect("runs");
    assert_eq!((result.row_count, result.truncated, result.meta.is_some()), (10, true, true));

    let late = service.operation(id, watch(json!({ "count": 3, "code": 1, "text": "late" }), true), json!({}));
    let problem = service.run(&late).await.expect_err("fails");
    assert_eq!(problem.sqlstate.as_deref(), Some("DATA_LOSS"), "{}", problem.detail);
    let slow = service.operation(id, watch(json!({ "count": 3, "wait_ms": 5000, "text": "slow" }), true), json!({}));
    let slow = QueryRequest { limits: bulkhead_model::query::QueryLimits { timeout_ms: 300, ..slow.limits }, ..slow };
    assert_eq!(service.run(&slow).await.expect_err("late").code, "query-timeout");

    let times = json!({ "method": "shop.v1.Shop/Times", "message": { "count": 2 }, "reads": true });
    let result = call(&service, id, times.clone(), json!({})).await.expect("runs");
    assert_eq!(json!(result.rows), json!([{ "value": "1970-01-01T00:00:00Z" }, { "value": "1970-01-01T00:00:01Z" }]));
    let mut pointed = times;
    pointed["items"] = json!("/x");
    assert_eq!(call(&service, id, pointed, json!({})).await.expect_err("refused").code, "value-invalid");
}

/// Waits until what the server has seen is so.
async fn until(server: &TestServer, is_so: impl Fn(&[Value]) -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !is_so(&seen(server)) {
        assert!(Instant::now() < end, "{:?} {}", seen(server), server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_stream_whose_reader_goes_ends_on_the_server() {
    let (service, server, id) = ready().await;
    let watch = json!({ "do": "grpc", "method": "shop.v1.Shop/Watch", "message": { "count": 100_000, "bytes": 4000, "wait_ms": 1, "text": "left" }, "reads": true });
    let request = service.operation(id, watch, json!({}));
    let answer = service.client.stream(Method::POST, "/v1/query", &request).await.expect("begun");
    let mut body = answer.into_body();
    body.frame().await.expect("a chunk").expect("read");
    assert!(seen(&server).is_empty(), "it runs");
    drop(body);
    until(&server, |seen| seen.iter().any(|one| one["ended"] == "left")).await;
}

#[tokio::test]
async fn a_change_whose_answer_did_not_come_is_not_made_again() {
    let (service, mut server, id) = ready().await;
    let create = |card: &str| json!({ "method": "shop.v1.Shop/Create", "message": { "orderId": "1", "card": card } });
    call(&service, id, create("quick"), json!({})).await.expect("runs");
    let mut slow = service.operation(
        id,
        {
            let mut slow = create("slow");
            slow["do"] = json!("grpc");
            slow
        },
        json!({}),
    );
    slow.limits.timeout_ms = 500;
    assert_eq!(service.run(&slow).await.expect_err("late").code, "outcome-unknown");
    assert_eq!(seen(&server).len(), 2);
    call(&service, id, create("quick"), json!({})).await.expect("runs");
    // Stopped and started between two calls: the pooled connection is dead, which is noticed before the change is on its way.
    server.kill();
    server.run();
    call(&service, id, create("quick"), json!({})).await.expect("runs");
    assert_eq!(seen(&server).len(), 4);
    server.kill();
    let down = call(&service, id, create("quick"), json!({})).await.expect_err("down");
    assert_eq!(down.code, "resource-unreachable", "{}", down.detail);
}

#[tokio::test]
async fn methods_are_known_by_either_reflection_or_by_a_file() {
    let service = Service::start().await;
    let (alpha, _) = server(&["v1alpha"]);
    let schema = async |id: ResourceId| -> Schema {
        service
            .client
            .call(
                Method::POST,
                "/v1/schema",
                &SchemaRequest { resource: id, environment: Default::default(), asked_by: None },
            )
            .await
            .expect("told")
    };
    let by_alpha = schema(service.add_any(config(&alpha), None).await).await;
    let (silent, _) = server(&[]);
    let set = STANDARD.encode(std::fs::read(silent.directory().join("set.pb")).expect("written"));
    let mut by_file = config(&silent);
    by_file["schema"] = json!({ "from": "descriptors", "set": set });
    let id = service.add_any(by_file.clone(), None).await;
    let told = schema(id).await;
    assert_eq!(json!(by_alpha), json!(told));
    let names: Vec<_> = told.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["Create", "Echo", "Fail", "List", "Tell", "Times", "Watch"], "none that takes a stream");
    let echo = &told.tables[1];
    let asking = echo.asking.as_ref().expect("a method");
    assert_eq!(
        (echo.schema.as_str(), asking.answer.as_str(), asking.is_read, asking.is_stream),
        ("shop.v1.Shop", "shop.v1.Order", true, false)
    );
    assert_eq!(asking.message["lines"], json!([{ "sku": "", "pieces": 0 }]));
    assert_eq!((&asking.message["card"], &asking.message["cash"]), (&json!(""), &Value::Null), "one of the two");
    let again = json!({ "method": "shop.v1.Shop/Echo", "message": asking.message, "reads": true });
    // A first message is one that can be sent, but for the type that an Any has.
    let mut sent = again.clone();
    sent["message"].as_object_mut().expect("an object").remove("more");
    call(&service, id, sent, json!({})).await.expect("runs");

    let unknown = service.add_any(config(&silent), None).await;
    let problem = call(&service, unknown, again, json!({})).await.expect_err("no reflection");
    assert!(problem.detail.contains("set of descriptors"), "{}", problem.detail);
    by_file["schema"]["set"] = json!("AAAA");
    let broken = service.add_any(by_file, None).await;
    let problem = call(&service, broken, json!({ "method": "a.B/C" }), json!({})).await.expect_err("no set");
    assert!(problem.code == "operation-invalid" && problem.detail.contains("--include_imports"), "{}", problem.detail);
}

#[tokio::test]
async fn tls_is_verified_and_a_test_says_what_is_wrong() {
    let (service, (server, authority)) = (Service::start().await, server(&["v1", "tls", "token"]));
    let mut config = config(&server);
    config["host"] = json!("localhost");
    config["tls"] = json!("verify-full");
    config["ca-certificate"] = json!(authority);
    config["authentication"] = json!({ "type": "bearer" });
    let id = service.add_any(config.clone(), Some("s3cret")).await;
    let list = json!({ "method": "shop.v1.Shop/List", "message": { "count": 1 }, "reads": true });
    call(&service, id, list, json!({})).await.expect("runs");
    let test = async |config: Value, secret: &str| -> Result<Value, Problem> {
        let id = ResourceId::new();
        let config = serde_json::from_value(config).expect("a configuration");
        let request = TestRequest {
            config,
            secret: Some(service.sealed(id, secret)),
            resource: id,
            environment: Default::default(),
            asked_by: None,
        };
        match service.client.call(Method::POST, "/v1/test", &request).await {
            Ok(value) => Ok(value),
            Err(bulkhead_rpc::RpcError::Problem(problem)) => Err(*problem),
            Err(other) => panic!("{other:?}"),
        }
    };
    test(config.clone(), "s3cret").await.expect("works");
    assert_eq!(test(config.clone(), "other").await.expect_err("refused").code, "resource-log-in");
    config["tls"] = json!("disabled");
    let plain = test(config.clone(), "s3cret").await.expect_err("refused");
    assert!(plain.code == "resource-unreachable" && plain.detail.contains("without TLS"), "{}", plain.detail);
    config["tls"] = json!("verify-full");
    config["ca-certificate"] = Value::Null;
    assert_eq!(test(config, "s3cret").await.expect_err("refused").code, "resource-tls");
}
