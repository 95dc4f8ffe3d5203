//! MongoDB, at the level of its protocol: a server in the test's process that keeps documents.

mod server;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use bulkhead_model::ResourceId;
use bulkhead_rpc::Problem;
use bulkhead_rpc::connector::{QueryResult, Schema, SchemaRequest};
use http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::conformance::{Read, Subject, conforms, loses_answers};
use crate::kit::Service;
use server::{Manner, MongoServer, PASSWORD, USER};

fn config(server: &MongoServer) -> Value {
    json!({ "kind": "mongodb", "host": "127.0.0.1", "port": server.port, "tls": "disabled", "database": "shop" })
}

fn with_user(server: &MongoServer) -> Value {
    let mut config = config(server);
    config["user"] = json!(USER);
    config
}

async fn ready() -> (Service, MongoServer, ResourceId) {
    let (service, server) = (Service::start().await, MongoServer::start(Manner::default()).await);
    let id = service.add_any(config(&server), None).await;
    (service, server, id)
}

async fn ask(service: &Service, id: ResourceId, mut request: Value, values: Value) -> Result<QueryResult, Problem> {
    request["do"] = json!("mongodb");
    service.run(&service.operation(id, request, values)).await
}

#[tokio::test]
async fn mongodb_conforms() {
    let server = MongoServer::start(Manner { mechanism: Some("SCRAM-SHA-256"), ..Manner::default() }).await;
    let subject = Subject {
        config: with_user(&server),
        secret: Some(PASSWORD),
        read: Read::Operation(json!({ "do": "mongodb", "action": "count", "collection": "orders" })),
        checks_secret: true,
        answers_on_connect: true,
    };
    conforms(&subject).await;
    let write = Read::Operation(
        json!({ "do": "mongodb", "action": "insert", "collection": "orders", "documents": { "a": 1 } }),
    );
    loses_answers(&subject, &write, b"insert").await;
}

#[tokio::test]
async fn users_log_in_by_either_mechanism_and_over_tls() {
    let service = Service::start().await;
    let count = json!({ "action": "count", "collection": "orders" });
    for (offered, asked) in [
        ("SCRAM-SHA-1", "any"),
        ("SCRAM-SHA-256", "any"),
        ("SCRAM-SHA-1", "scram-sha1"),
        ("SCRAM-SHA-256", "scram-sha256"),
    ] {
        let server = MongoServer::start(Manner { mechanism: Some(offered), ..Manner::default() }).await;
        let mut config = with_user(&server);
        config["mechanism"] = json!(asked);
        let id = service.add_any(config.clone(), Some(PASSWORD)).await;
        ask(&service, id, count.clone(), json!({})).await.expect("runs");
        assert_eq!(server.seen("saslStart")[0].get_str("mechanism").ok(), Some(offered));
        let stranger = service
            .add_any(
                {
                    config["user"] = json!("stranger,");
                    config
                },
                Some(PASSWORD),
            )
            .await;
        let problem = ask(&service, stranger, count.clone(), json!({})).await.expect_err("refused");
        assert_eq!(problem.code, "resource-log-in", "{}", problem.detail);
    }
    let (server, authority) =
        MongoServer::start_tls(Manner { mechanism: Some("SCRAM-SHA-256"), ..Manner::default() }).await;
    let mut config = with_user(&server);
    config["tls"] = json!("verify-full");
    config["host"] = json!("localhost");
    let unknown = service.add_any(config.clone(), Some(PASSWORD)).await;
    assert_eq!(ask(&service, unknown, count.clone(), json!({})).await.expect_err("refused").code, "resource-tls");
    config["ca-certificate"] = json!(authority);
    let id = service.add_any(config, Some(PASSWORD)).await;
    ask(&service, id, count, json!({})).await.expect("runs");
}

#[tokio::test]
async fn the_primary_is_found_among_the_members_and_found_again() {
    let service = Service::start().await;
    let secondary = |port: u16| Manner { primary: Some(format!("127.0.0.1:{port}")), ..Manner::default() };
    let (one, two) = (MongoServer::start(secondary(1)).await, MongoServer::start(Manner::default()).await);
    let insert = json!({ "action": "insert", "collection": "orders", "documents": { "a": 1 } });
    let alone = service.add_any(config(&one), None).await;
    let problem = ask(&service, alone, insert.clone(), json!({})).await.expect_err("no primary");
    assert!(
        problem.code == "resource-unreachable" && problem.detail.contains("rs0 is 127.0.0.1:1"),
        "{}",
        problem.detail
    );

    let mut both = config(&one);
    both["members"] = json!([format!("127.0.0.1:{}", two.port)]);
    let id = service.add_any(both.clone(), None).await;
    ask(&service, id, insert.clone(), json!({})).await.expect("runs");
    assert_eq!((one.documents("orders").len(), two.documents("orders").len()), (0, 1));
    // The other becomes the primary: a read goes there by itself, and a change is not made twice.
    two.behave(secondary(2));
    one.behave(Manner::default());
    let lost = ask(&service, id, insert.clone(), json!({})).await.expect_err("no primary any more");
    assert!(lost.code == "outcome-unknown" && lost.detail.contains("not primary"), "{}", lost.detail);
    let count = json!({ "action": "count", "collection": "orders" });
    assert_eq!(ask(&service, id, count.clone(), json!({})).await.expect("runs").data, Some(json!(0)));
    ask(&service, id, insert, json!({})).await.expect("runs");
    assert_eq!((one.documents("orders").len(), two.seen("insert").len()), (1, 2));
    both["replica-set"] = json!("rs1");
    one.behave(secondary(2));
    let other = service.add_any(both, None).await;
    let problem = ask(&service, other, count, json!({})).await.expect_err("another set");
    assert!(problem.detail.contains("replica set rs0, and not to rs1"), "{}", problem.detail);
}

#[tokio::test]
async fn documents_are_rows_in_extended_json_and_come_back_as_they_were() {
    let (service, server, id) = ready().await;
    let oid = ObjectId::parse_str("65f0a1b2c3d4e5f601020304").expect("an id");
    let price: bson::Decimal128 = "1234567890123456789.0100".parse().expect("a number");
    server.put("orders", vec![
        doc! { "_id": oid, "name": "Ann", "price": price, "at": DateTime::from_millis(1_769_860_800_000), "big": i64::MAX, "lines": [{ "sku": "x" }] },
        doc! { "_id": 2, "name": "Bob", "nothing": null, "more": { "a": 1.5 } },
    ]);
    let find = json!({ "action": "find", "collection": "orders", "filter": { "_id": "{{ row._id }}" } });
    let result = ask(&service, id, json!({ "action": "find", "collection": "orders" }), json!({})).await.expect("runs");
    let first = json!(result.rows[0]);
    assert_eq!(
        first,
        json!({
            "_id": { "$oid": "65f0a1b2c3d4e5f601020304" }, "name": "Ann", "price": { "$numberDecimal": "1234567890123456789.0100" },
            "at": { "$date": "2026-01-31T12:00:00Z" }, "big": { "$numberLong": "9223372036854775807" }, "lines": [{ "sku": "x" }],
        })
    );
    let columns: Vec<_> =
        result.columns.iter().map(|column| (column.name.as_str(), column.type_name.as_str())).collect();
    assert_eq!(
        columns,
        [
            ("_id", "objectId"),
            ("name", "string"),
            ("price", "decimal"),
            ("at", "date"),
            ("big", "long"),
            ("lines", "array"),
            ("nothing", "null"),
            ("more", "object")
        ]
    );
    let again = ask(&service, id, find, json!({ "row._id": first["_id"] })).await.expect("runs");
    assert_eq!(json!(again.rows), json!([first]));
    let copy = json!({ "action": "replace", "collection": "orders", "filter": { "_id": "{{ id }}" }, "document": "{{ row }}", "upsert": true });
    let mut row = first.clone();
    row["_id"] = json!(7);
    ask(&service, id, copy, json!({ "id": 7, "row": row })).await.expect("runs");
    let (mut kept, copied) = (server.documents("orders")[0].clone(), server.documents("orders")[2].clone());
    kept.insert("_id", 7);
    for (key, value) in &kept {
        assert_eq!(copied.get(key), Some(value), "{key}");
    }

    let shaped = json!({ "action": "find", "collection": "orders", "projection": { "name": 1 }, "sort": [{ "field": "name", "descending": true }, { "field": "_id" }],
        "limit": "{{ size }}", "skip": "{{ from }}" });
    let result = ask(&service, id, shaped.clone(), json!({ "size": 1, "from": 1 })).await.expect("runs");
    assert_eq!(result.row_count, 1);
    let seen = server.seen("find").pop().expect("a find");
    let order: Vec<_> =
        seen.get_document("sort").expect("an order").iter().map(|(key, order)| format!("{key} {order}")).collect();
    assert_eq!(order, ["name -1", "_id 1"]);
    let bad = ask(&service, id, shaped, json!({ "size": -1, "from": { "$gt": 0 } })).await.expect_err("refused");
    assert_eq!(bad.code, "value-invalid", "{}", bad.detail);
    let distinct = json!({ "action": "distinct", "collection": "orders", "field": "name" });
    assert_eq!(ask(&service, id, distinct, json!({})).await.expect("runs").data, Some(json!(["Ann", "Bob"])));
    let schema: Schema = service
        .client
        .call(
            Method::POST,
            "/v1/schema",
            &SchemaRequest { resource: id, environment: Default::default(), asked_by: None },
        )
        .await
        .expect("told");
    let columns: Vec<_> =
        schema.tables[0].columns.iter().map(|column| format!("{} {}", column.name, column.type_name)).collect();
    assert!(schema.tables[0].name == "orders" && columns.contains(&"more.a double".to_owned()), "{columns:?}");
}

#[tokio::test]
async fn a_value_is_never_an_operator() {
    let (service, server, id) = ready().await;
    server.put("users", vec![doc! { "_id": 1, "name": "ann", "password": "right", "bonus": "$5" }]);
    let log_in = json!({ "action": "find", "collection": "users", "filter": { "name": "{{ name }}", "password": "{{ password }}" } });
    let rows =
        async |password: Value| ask(&service, id, log_in.clone(), json!({ "name": "ann", "password": password })).await;
    assert_eq!(rows(json!("right")).await.expect("runs").row_count, 1);
    assert_eq!(rows(json!("wrong")).await.expect("runs").row_count, 0);
    let before = server.seen("find").len();
    for trick in [
        json!({ "$gt": "" }),
        json!({ "$ne": null }),
        json!([{ "$gt": "" }]),
        json!({ "$regularExpression": { "pattern": ".*" } }),
        json!({ "a": { "$gt": "" } }),
    ] {
        let problem = rows(trick.clone()).await.expect_err("refused");
        assert!(
            problem.code == "value-invalid" && problem.detail.contains("`password`"),
            "{trick}: {}",
            problem.detail
        );
    }
    assert_eq!(server.seen("find").len(), before, "nothing is sent");
    // An object without operators is compared as one.
    assert_eq!(rows(json!({ "password": "right" })).await.expect("runs").row_count, 0);
    let search = json!({ "action": "count", "collection": "users", "filter": { "name": { "$regex": "{{ text }}" } } });
    for (text, count) in [("nn", 1), (".*", 0), ("^a", 0)] {
        assert_eq!(
            ask(&service, id, search.clone(), json!({ "text": text })).await.expect("runs").data,
            Some(json!(count)),
            "{text}"
        );
    }
    // In a pipeline a text with a `$` names a field; a value does not.
    let pipeline = json!([{ "$match": { "bonus": "{{ x }}" } }, { "$project": { "shown": "{{ x }}", "of": "$name" } }]);
    let aggregate = json!({ "action": "aggregate", "collection": "users", "pipeline": pipeline });
    let result = ask(&service, id, aggregate.clone(), json!({ "x": "$5" })).await.expect("runs");
    assert_eq!(json!(result.rows), json!([{ "shown": "$5", "of": "ann" }]));
    assert_eq!(ask(&service, id, aggregate, json!({ "x": "$password" })).await.expect("runs").row_count, 0);
    let update = json!({ "action": "update", "collection": "users", "filter": { "name": "{{ name }}" }, "update": { "$set": { "note": "{{ note }}" } } });
    assert!(ask(&service, id, update, json!({ "name": { "$ne": "" }, "note": "x" })).await.is_err());
    let delete = json!({ "action": "delete", "collection": "users", "filter": { "name": "{{ name }}" }, "many": true });
    assert!(ask(&service, id, delete, json!({ "name": { "$ne": "" } })).await.is_err());
    assert_eq!(server.documents("users").len(), 1);
    assert!(server.seen("update").is_empty() && server.seen("delete").is_empty());
}

#[tokio::test]
async fn changes_are_made_once_and_say_what_they_changed() {
    let (service, server, id) = ready().await;
    let run = async |mut request: Value, values: Value| {
        request["collection"] = json!("orders");
        ask(&service, id, request, values).await
    };
    let many = run(
        json!({ "action": "insert", "documents": "{{ rows }}" }),
        json!({ "rows": [{ "_id": 1, "n": 1 }, { "_id": 2, "n": 1 }, { "n": 1 }] }),
    )
    .await;
    let many = many.expect("runs");
    let data = many.data.expect("data");
    assert_eq!(
        (many.affected, &data["inserted"], data["ids"][2]["$oid"].as_str().map(str::len)),
        (Some(3), &json!(3), Some(24))
    );
    let partly = run(json!({ "action": "insert", "documents": [{ "_id": 8 }, { "_id": 1 }, { "_id": 9 }] }), json!({}))
        .await
        .expect_err("twice");
    assert!(partly.sqlstate.as_deref() == Some("11000") && partly.detail.contains("1 of 3"), "{}", partly.detail);

    let set = |many: bool| json!({ "action": "update", "filter": { "n": "{{ n }}" }, "update": { "$set": { "n": "{{ to }}" }, "$inc": { "times": 1 } }, "many": many });
    let one = run(set(false), json!({ "n": 1, "to": 5 })).await.expect("runs");
    assert_eq!((one.affected, one.data), (Some(1), Some(json!({ "matched": 1, "modified": 1 }))));
    assert_eq!(run(set(true), json!({ "n": 1, "to": 6 })).await.expect("runs").affected, Some(2));
    assert_eq!(run(set(true), json!({ "n": 77, "to": 6 })).await.expect("runs").affected, Some(0));
    let mut guarded = set(true);
    guarded["at-most"] = json!(1);
    let refused = run(guarded.clone(), json!({ "n": 6, "to": 7 })).await.expect_err("too many");
    assert_eq!(refused.code, "too-many-rows", "{}", refused.detail);
    guarded["at-most"] = json!("any");
    assert_eq!(run(guarded, json!({ "n": 6, "to": 7 })).await.expect("runs").affected, Some(2));
    let upsert = json!({ "action": "update", "filter": { "_id": "{{ id }}" }, "update": { "$set": { "n": 0 } }, "upsert": true });
    let added = run(upsert, json!({ "id": "new" })).await.expect("runs");
    assert_eq!(
        (added.affected, added.data),
        (Some(1), Some(json!({ "matched": 0, "modified": 0, "upserted": "new" })))
    );
    let delete = json!({ "action": "delete", "filter": { "n": { "$gte": "{{ n }}" } }, "many": true, "at-most": 5 });
    assert_eq!(run(delete, json!({ "n": 5 })).await.expect("runs").affected, Some(3));
    let out = json!({ "action": "aggregate", "pipeline": [{ "$match": { "n": 0 } }, { "$out": "kept" }] });
    assert_eq!(run(out, json!({})).await.expect("runs").row_count, 0);
    assert_eq!(server.documents("kept").len(), 1);
    let unknown =
        run(json!({ "action": "aggregate", "pipeline": [{ "$nope": 1 }] }), json!({})).await.expect_err("refused");
    assert_eq!((unknown.code.as_str(), unknown.sqlstate.as_deref()), ("query-failed", Some("Location40324")));
}

#[tokio::test]
async fn a_change_of_which_nobody_knows_is_told_and_not_repeated() {
    let (service, server, id) = ready().await;
    let insert = json!({ "do": "mongodb", "action": "insert", "collection": "orders", "documents": { "a": 1 } });
    let mut request = service.operation(id, insert, json!({}));
    request.limits.timeout_ms = 500;
    service.run(&request).await.expect("runs");
    for manner in [
        Manner { hangs_up_on: vec!["insert"], ..Manner::default() },
        Manner { forgets: vec!["insert"], ..Manner::default() },
        Manner {
            answers: HashMap::from([(
                "insert",
                doc! { "ok": 0.0, "code": 11600, "codeName": "InterruptedAtShutdown", "errmsg": "interrupted" },
            )]),
            ..Manner::default()
        },
        Manner {
            answers: HashMap::from([(
                "insert",
                doc! { "ok": 0.0, "code": 50, "codeName": "MaxTimeMSExpired", "errmsg": "over time" },
            )]),
            ..Manner::default()
        },
        Manner {
            answers: HashMap::from([(
                "insert",
                doc! { "ok": 1.0, "n": 1, "writeConcernError": { "code": 64, "errmsg": "waiting for replication timed out" } },
            )]),
            ..Manner::default()
        },
    ] {
        let before = server.seen("insert").len();
        server.behave(manner.clone());
        let problem = service.run(&request).await.expect_err("unknown");
        assert_eq!(problem.code, "outcome-unknown", "{manner:?}: {}", problem.detail);
        assert_eq!(server.seen("insert").len(), before + 1, "{manner:?}");
    }
    // A read is asked again where a connection had died in the pool.
    server.behave(Manner::default());
    let count = json!({ "action": "count", "collection": "orders" });
    ask(&service, id, count.clone(), json!({})).await.expect("runs");
    server.behave(Manner {
        answers: HashMap::from([(
            "count",
            doc! { "ok": 0.0, "code": 50, "codeName": "MaxTimeMSExpired", "errmsg": "x" },
        )]),
        ..Manner::default()
    });
    assert_eq!(ask(&service, id, count, json!({})).await.expect_err("late").code, "query-timeout");
}

#[tokio::test]
async fn documents_are_read_in_batches_within_the_caps_and_no_cursor_is_left() {
    let (service, server, id) = ready().await;
    server.put("events", (0..5000).map(|number| doc! { "_id": number, "text": "x".repeat(200) }).collect());
    let find = json!({ "do": "mongodb", "action": "find", "collection": "events" });
    let all = service.run(&service.operation(id, find.clone(), json!({}))).await.expect("runs");
    assert_eq!((all.row_count, all.truncated, &all.rows[4999]["_id"]), (5000, false, &json!(4999)));
    assert_eq!(server.seen("getMore").len(), 4);
    let mut capped = service.operation(id, find.clone(), json!({}));
    capped.limits.max_rows = 1500;
    let some = service.run(&capped).await.expect("runs");
    assert_eq!((some.row_count, some.truncated), (1500, true));
    let piped =
        json!({ "do": "mongodb", "action": "aggregate", "collection": "events", "pipeline": [{ "$match": {} }] });
    let mut capped = service.operation(id, piped, json!({}));
    capped.limits.max_rows = 1500;
    assert_eq!(service.run(&capped).await.expect("runs").row_count, 1500);
    until_no_cursor(&server).await;
    let mut large = service.operation(id, find.clone(), json!({}));
    large.limits.max_bytes = 100_000;
    let problem = service.run(&large).await;
    assert!(problem.map_or(true, |result| result.error.is_some_and(|error| error.code == "result-too-large")));
    until_no_cursor(&server).await;

    server.put("events", (0..60_000).map(|number| doc! { "_id": number, "text": "x".repeat(200) }).collect());
    let mut request = service.operation(id, find, json!({}));
    request.limits.max_rows = 100_000;
    let answer = service.client.stream(Method::POST, "/v1/query", &request).await.expect("begun");
    let mut body = answer.into_body();
    body.frame().await.expect("a chunk").expect("read");
    assert_eq!(server.cursors(), 1, "it runs");
    drop(body);
    until_no_cursor(&server).await;
    assert!(!server.seen("killCursors").is_empty());
}

async fn until_no_cursor(server: &MongoServer) {
    let end = Instant::now() + Duration::from_secs(10);
    while server.cursors() > 0 {
        assert!(Instant::now() < end, "{} cursors are left", server.cursors());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
