//! What an app or an editor may ask of a query besides its rows: a result that was kept, a plan, patience. And what is told of it: nothing.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::{Instance, Person};

/// A value that must stand in no record.
const CANARY: &str = "canary-51c0";

/// A released app with these queries.
async fn app(instance: &Instance, queries: Value) -> Person {
    instance.with_tables().await;
    let admin = instance.admin().await;
    let document =
        json!({ "format": 1, "title": "People", "home-page": "home", "pages": { "home": {} }, "queries": queries });
    let app = json!({ "slug": "people", "title": "People", "document": document });
    instance.call(&admin, "POST", "/apps", &app).await.ok(201);
    instance.call(&admin, "POST", "/apps/people/releases", &json!({ "revision": 1 })).await.ok(200);
    admin
}

#[tokio::test]
async fn a_result_is_kept_for_those_who_ask_the_same() {
    let instance = Instance::start().await;
    let kept = |statement: &str| json!({ "resource": "tables", "statement": statement, "cache-seconds": 60 });
    let queries = json!({
        "when": kept("select clock_timestamp()::text as at, {{ n }}::int as n"),
        "mine": kept("select {{ current_user.email }}::text as who"),
    });
    let admin = app(&instance, queries.clone()).await;
    let ada = instance.person(&admin, "ada").await;
    instance.grant(&admin, "/apps/people", &ada, "viewer").await;
    let run = async |person: &Person, query: &str, parameters: Value| {
        let body = json!({ "parameters": parameters });
        instance.call(person, "POST", &format!("/apps/people/queries/{query}/run"), &body).await.ok(200)
    };
    let first = run(&admin, "when", json!({ "n": 1 })).await;
    let second = run(&ada, "when", json!({ "n": 1 })).await;
    assert_eq!((&first["cached"], &second["cached"], &first["rows"]), (&Value::Null, &json!(true), &second["rows"]));
    assert!(second["age_ms"].is_u64() && second["end"] == true, "{second}");
    assert_eq!(run(&ada, "when", json!({ "n": 2 })).await["cached"], Value::Null);
    // One who binds who asks is never given another's.
    run(&admin, "mine", json!({})).await;
    let mine = run(&ada, "mine", json!({ "current_user.email": "root@example.org" })).await;
    assert_eq!((&mine["rows"], &mine["cached"]), (&json!([{ "who": "ada@example.org" }]), &Value::Null));
    assert_eq!(run(&ada, "mine", json!({})).await["cached"], true);
    // In the editor it is read each time.
    let unsaved = json!({ "query": queries["when"], "parameters": { "n": 1 } });
    let fresh = instance.call(&admin, "POST", "/apps/people/queries/run", &unsaved).await.ok(200);
    assert!(fresh["cached"].is_null() && fresh["rows"] != first["rows"], "{fresh}");
    // Each was recorded, kept or not.
    assert_eq!(instance.audit().await.iter().filter(|(_, action)| action == "app.query.run").count(), 7);
    let wrong = json!({ "query": { "resource": "tables", "statement": "delete from people", "mode": "write", "cache-seconds": 1 } });
    let refused = instance.call(&admin, "POST", "/apps/people/queries/run", &wrong).await;
    assert_eq!(refused.json()["faults"][0]["path"], "query.cache-seconds");
}

#[tokio::test]
async fn an_editor_asks_how_a_query_would_be_run() {
    let instance = Instance::start().await;
    let admin = app(&instance, json!({})).await;
    let query = json!({ "resource": "tables", "statement": "select name from people where id = {{ id }}" });
    let explain =
        async |person: &Person, body: Value| instance.call(person, "POST", "/apps/people/queries/explain", &body).await;
    let asked = json!({ "query": query, "parameters": { "id": 7 } });
    let plan = explain(&admin, asked.clone()).await.ok(200);
    assert_eq!((&plan["analyzed"], &plan["steps"][0]["depth"]), (&json!(false), &json!(0)));
    assert!(plan["steps"][0]["title"].as_str().expect("text").ends_with("on people"), "{plan}");
    let measured = explain(&admin, json!({ "query": query, "parameters": { "id": 7 }, "analyze": true })).await.ok(200);
    assert_eq!(measured["steps"][0]["actual_rows"], 1.0);
    let write = json!({ "resource": "tables", "statement": "delete from people", "mode": "write" });
    let refused = explain(&admin, json!({ "query": write, "analyze": true })).await;
    assert_eq!(refused.problem(), (422, "statement-unsupported".into()));
    explain(&admin, json!({ "query": write })).await.ok(200);
    assert_eq!(explain(&admin, json!({ "query": query })).await.problem(), (422, "parameter-missing".into()));

    // Whoever may run it there may ask, and nobody else.
    let ada = instance.person(&admin, "ada").await;
    instance.grant(&admin, "/apps/people", &ada, "editor").await;
    assert_eq!(explain(&ada, asked.clone()).await.problem().0, 403);
    instance.grant(&admin, "/resources/tables", &ada, "editor").await;
    explain(&ada, asked.clone()).await.ok(200);
    instance.grant(&admin, "/apps/people", &ada, "viewer").await;
    assert_eq!(explain(&ada, asked).await.problem(), (403, "role-too-low".into()));
    assert!(instance.audit().await.iter().any(|(_, action)| action == "app.query.explain"));

    let redis =
        json!({ "name": "keys", "config": { "kind": "redis", "host": "192.0.2.1", "port": 6379, "tls": "disabled" } });
    instance.call(&admin, "POST", "/resources", &redis).await.ok(201);
    let command = json!({ "query": { "resource": "keys", "operation": { "do": "command", "command": ["GET", "a"] } } });
    assert_eq!(explain(&admin, command).await.problem(), (422, "explain-unsupported".into()));

    let workflow = json!({ "slug": "report", "title": "Report", "document": {
        "format": 1, "title": "Report", "start": "load", "blocks": { "load": { "type": "query", "resource": "tables", "statement": "select * from people" } }, "edges": [],
    }});
    instance.call(&admin, "POST", "/workflows", &workflow).await.ok(201);
    let block = instance
        .call(&admin, "POST", "/workflows/report/blocks/load/explain", &json!({ "analyze": true }))
        .await
        .ok(200);
    assert_eq!((&block["analyzed"], &block["steps"][0]["title"]), (&json!(true), &json!("Seq Scan on people")));
    let none = instance.call(&admin, "POST", "/workflows/report/blocks/none/explain", &json!({})).await;
    assert_eq!(none.problem().0, 404);
}

#[tokio::test]
async fn no_value_of_a_parameter_is_recorded() {
    let instance = Instance::start().await;
    let query = |statement: &str, mode: &str| json!({ "resource": "tables", "statement": statement, "mode": mode, "run": "manual" });
    let queries = json!({
        "search": query("select id from people where name = {{ name }}", "read"),
        "rename": query("update people set name = {{ name }} where id = {{ id }}", "write"),
        "add": { "resource": "tables", "run": "manual", "change": { "do": "insert", "table": "people", "values": { "id": "id", "name": "name" } } },
        "broken": query("select 1 / (length({{ name }}) - length({{ name }}))", "read"),
    });
    let admin = app(&instance, queries.clone()).await;
    let (id, name) = (json!(4711), json!(CANARY));
    for (query, parameters, status) in [
        ("search", json!({ "name": name }), 200),
        ("rename", json!({ "id": id, "name": name }), 200),
        ("add", json!({ "id": id, "name": name }), 200),
        ("broken", json!({ "name": name }), 422),
        ("rename", json!({ "id": name, "name": name }), 422),
        ("search", json!({ "name": name, CANARY: name }), 422),
        ("search", json!({}), 422),
    ] {
        let body = json!({ "parameters": parameters });
        let answer = instance.call(&admin, "POST", &format!("/apps/people/queries/{query}/run"), &body).await;
        assert_eq!(answer.status, status, "{query}: {answer:?}");
    }
    let unsaved = json!({ "query": { "resource": "tables", "statement": format!("select '{CANARY}', {{{{ name }}}}::text") }, "parameters": { "name": name } });
    for path in ["run", "explain"] {
        instance.call(&admin, "POST", &format!("/apps/people/queries/{path}"), &unsaved).await.ok(200);
    }
    let records = instance.database.audit_records(None, 100).await.expect("reads");
    let runs = records.iter().filter(|record| record.action.starts_with("app.query.")).count();
    assert_eq!(runs, 7);
    for record in records {
        let told = format!("{record:?}");
        assert!(!told.contains(CANARY) && !told.contains("4711"), "{told}");
    }
}

#[tokio::test]
async fn a_resource_without_a_free_connection_asks_for_patience() {
    let instance = Instance::start().await;
    let slow = json!({ "resource": "tables", "statement": "select pg_sleep(7), {{ n }}::int as n", "run": "manual" });
    let admin = app(&instance, json!({ "slow": slow })).await;
    let run = async |number: usize| {
        let body = json!({ "parameters": { "n": number } });
        instance.call(&admin, "POST", "/apps/people/queries/slow/run", &body).await
    };
    // As many as there are connections run; the others are told after a while.
    let answers = join_all((0..20).map(run)).await;
    let busy: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
    assert_eq!((busy.len(), answers.iter().filter(|answer| answer.status == 200).count()), (4, 16));
    for answer in busy {
        assert_eq!(answer.problem(), (503, "resource-busy".into()));
        assert!(answer.headers.contains_key("retry-after"));
    }
}

#[tokio::test]
async fn a_list_of_statements_is_one_write() {
    let instance = Instance::start().await;
    let both = [
        "update people set name = {{ name }} where id = 1",
        "update people set name = {{ name }} where id = {{ id }} returning id",
    ];
    let admin = app(&instance, json!({ "both": { "resource": "tables", "statements": both, "run": "manual" } })).await;
    let released = instance.call(&admin, "GET", "/apps/people/released", &Value::Null).await.ok(200);
    let query = &released["document"]["queries"]["both"];
    assert_eq!((&query["expressions"], &query["mode"]), (&json!(["id", "name"]), &json!("write")));
    assert!(!released.to_string().contains("update people"), "no statement reaches a viewer");
    let run = async |parameters: Value| {
        instance.call(&admin, "POST", "/apps/people/queries/both/run", &json!({ "parameters": parameters })).await
    };
    assert_eq!(run(json!({ "name": "x", "id": 2 })).await.ok(200)["rows"], json!([{ "id": 2 }]));
    assert_eq!(run(json!({ "name": "y", "id": "two" })).await.problem(), (422, "parameter-type".into()));
    let client = instance.tables.connect().await;
    let count: i64 = client.query_one("select count(*) from people where name = 'x'", &[]).await.expect("reads").get(0);
    assert_eq!(count, 2);
    assert_eq!(instance.audit().await.iter().filter(|(_, action)| action == "app.query.run").count(), 2);
}
