//! All rows of a query as a file, through the real db-connector to a real database.

use std::time::{Duration, Instant};

use bulkhead_rpc::Problem;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::kit::{Instance, Person};

/// Rows that take a while, and tell how the statement goes.
const MANY: &str = "select g as id, repeat('x', 1000) as x from generate_series(1, 100000) g";

async fn released_app(instance: &Instance) -> Person {
    instance.with_tables().await;
    let admin = instance.admin().await;
    let query = |statement: &str| json!({ "resource": "tables", "statement": statement, "run": "manual" });
    let change = json!({ "do": "insert", "table": "people", "values": { "id": "1", "name": "1" } });
    let document = json!({
        "format": 1, "title": "People", "home-page": "home", "pages": { "home": {} },
        "queries": {
            "people": { "resource": "tables", "statement": "select id, name, {{ current_user.email }}::text as who from people where id <= {{ most.value }} order by id", "limits": { "max-rows": 2 } },
            "many": query(MANY),
            "fails": query("select g as id, 1 / (90000 - g) as x from generate_series(1, 100000) g"),
            "rename": { "resource": "tables", "statement": "update people set name = 'x'", "mode": "write", "run": "manual" },
            "sneaky": query("delete from people returning id"),
            "add": { "resource": "tables", "change": change, "run": "manual" },
            "closed": { "resource": "tables", "statement": "select 1", "allowed-groups": ["finance"] },
        },
    });
    instance.call(&admin, "POST", "/groups", &json!({ "name": "finance" })).await.ok(201);
    instance
        .call(&admin, "POST", "/apps", &json!({ "slug": "people", "title": "People", "document": document }))
        .await
        .ok(201);
    instance.call(&admin, "POST", "/apps/people/releases", &json!({ "revision": 1 })).await.ok(200);
    admin
}

/// The newest record of this action, once it is there.
async fn recorded(instance: &Instance, action: &str) -> Value {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let records = instance.database.audit_records(None, 20).await.expect("reads");
        if let Some(record) = records.into_iter().find(|record| record.action == action) {
            return json!({ "actor": record.actor, "detail": record.detail });
        }
        assert!(Instant::now() < end, "no record of {action}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_viewer_exports_what_they_may_run_and_both_ends_are_recorded() {
    let instance = Instance::start().await;
    let admin = released_app(&instance).await;
    let ada = instance.person(&admin, "ada").await;
    instance.grant(&admin, "/apps/people", &ada, "viewer").await;
    let released = instance.call(&ada, "GET", "/apps/people/released", &Value::Null).await.ok(200);
    let can = |query: &str| released["document"]["queries"][query]["is-exportable"].clone();
    assert_eq!((can("people"), can("rename"), can("add")), (json!(true), json!(false), json!(false)));

    let body = json!({ "parameters": { "most.value": 3, "current_user.email": "root@example.org" } });
    let answer = instance.call(&ada, "POST", "/apps/people/queries/people/export?format=csv", &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"people.csv\"");
    let who = "ada@example.org";
    let wanted = format!("id,name,who\r\n1,person 1,{who}\r\n2,person 2,{who}\r\n3,person 3,{who}\r\n");
    assert_eq!(String::from_utf8_lossy(&answer.body), wanted, "more rows than the query's own limit");
    let detail =
        json!({ "query": "people", "resource": "tables", "version": 1, "environment": "production", "format": "csv" });
    assert_eq!(recorded(&instance, "app.query.export").await, json!({ "actor": who, "detail": detail }));
    let mut ended = detail;
    for (key, value) in [("outcome", json!("whole")), ("rows", json!(3)), ("bytes", json!(wanted.len()))] {
        ended[key] = value;
    }
    assert_eq!(recorded(&instance, "app.query.exported").await, json!({ "actor": who, "detail": ended }));
    let json = instance.call(&ada, "POST", "/apps/people/queries/people/export?format=json", &body).await.ok(200);
    assert_eq!(json.as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn whoever_may_not_run_it_exports_nothing() {
    let instance = Instance::start().await;
    let admin = released_app(&instance).await;
    let (ada, eve) = (instance.person(&admin, "ada").await, instance.person(&admin, "eve").await);
    instance.grant(&admin, "/apps/people", &ada, "viewer").await;
    let export = async |person: &Person, path: &str, body: Value| {
        instance.call(person, "POST", &format!("{path}?format=csv"), &body).await.problem()
    };
    let values = json!({ "parameters": { "most.value": 3 } });
    assert_eq!(export(&eve, "/apps/people/queries/people/export", values.clone()).await, (404, "not-found".into()));
    assert_eq!(export(&ada, "/apps/people/queries/nothing/export", json!({})).await.0, 404);
    assert_eq!(export(&ada, "/apps/people/queries/closed/export", json!({})).await, (403, "query-not-allowed".into()));
    let draft = json!({ "parameters": { "most.value": 3 }, "version": "draft" });
    assert_eq!(export(&ada, "/apps/people/queries/people/export", draft).await, (403, "role-too-low".into()));
    let elsewhere = json!({ "parameters": { "most.value": 3 }, "environment": "staging" });
    assert_eq!(
        export(&ada, "/apps/people/queries/people/export", elsewhere).await,
        (403, "environment-not-allowed".into())
    );
    assert_eq!(export(&ada, "/apps/people/queries/people/export", json!({})).await, (422, "parameter-missing".into()));
    let unsaved = json!({ "query": { "resource": "tables", "statement": "select * from people" } });
    assert_eq!(export(&ada, "/apps/people/queries/export", unsaved).await, (403, "role-too-low".into()));
    for (query, code) in [("rename", "export-writes"), ("add", "export-writes"), ("sneaky", "statement-unsupported")] {
        let parameters = if query == "add" { json!({ "parameters": { "1": 1 } }) } else { json!({}) };
        let refused = export(&admin, &format!("/apps/people/queries/{query}/export"), parameters).await;
        assert_eq!(refused, (422, code.into()), "{query}");
    }
    let malformed = instance.call(&admin, "POST", "/apps/people/queries/people/export?format=xml", &values).await;
    assert_eq!(malformed.problem(), (400, "malformed".into()));
    let client = instance.tables.connect().await;
    let rows: i64 = client.query_one("select count(*) from people where name <> 'x'", &[]).await.expect("reads").get(0);
    assert_eq!(rows, 50);
}

/// A part of a file is never taken for the whole.
#[tokio::test]
async fn an_export_that_fails_says_so_and_breaks_the_connection() {
    let instance = Instance::start().await;
    let admin = released_app(&instance).await;
    for format in ["csv", "ndjson", "json"] {
        let path = format!("/apps/people/queries/fails/export?format={format}");
        let mut body = instance.begin(&admin, &path, &json!({})).await.into_body();
        let (mut file, mut broke) = (Vec::new(), false);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => file.extend_from_slice(&frame.into_data().expect("data")),
                Err(_) => broke = true,
            }
        }
        assert!(broke, "the body of {format} came to its end");
        let file = String::from_utf8(file).expect("text");
        assert!(serde_json::from_str::<Value>(&file).is_err(), "{format} reads as whole");
        let last: Value = serde_json::from_str(file.trim_end().lines().last().expect("a line")).expect("JSON");
        let problem: Problem = serde_json::from_value(last["error"].clone()).expect("a problem");
        assert_eq!((problem.code.as_str(), problem.sqlstate.as_deref()), ("query-failed", Some("22012")));
        let detail = recorded(&instance, "app.query.exported").await["detail"].clone();
        assert_eq!((&detail["outcome"], &detail["rows"]), (&json!("query-failed"), &json!(89_999)), "{format}");
    }
}

#[tokio::test]
async fn a_browser_that_goes_away_stops_the_export_and_that_is_recorded() {
    let instance = Instance::start().await;
    let admin = released_app(&instance).await;
    let mut body = instance.begin(&admin, "/apps/people/queries/many/export?format=csv", &json!({})).await.into_body();
    let read = body.frame().await.expect("a frame").expect("read").into_data().expect("data").len();
    drop(body);
    let ended = recorded(&instance, "app.query.exported").await;
    assert_eq!((&ended["detail"]["outcome"], &ended["detail"]["rows"]), (&json!("left"), &Value::Null));
    assert!(ended["detail"]["bytes"].as_u64().is_some_and(|bytes| bytes >= read as u64), "{ended}");
    instance.until_running("select g as id, repeat%", 0).await;
}

#[tokio::test]
async fn without_a_record_nothing_is_exported() {
    let instance = Instance::start().await;
    let admin = released_app(&instance).await;
    let owner = instance.own.connect().await;
    owner.batch_execute("revoke insert on audit_log from \"bulkhead-api\"").await.expect("revoked");
    let body = json!({ "parameters": { "most.value": 3 } });
    let answer = instance.call(&admin, "POST", "/apps/people/queries/people/export?format=csv", &body).await;
    assert_eq!(answer.problem(), (503, "audit-unavailable".into()));
}

#[tokio::test]
async fn editors_export_what_they_write() {
    let instance = Instance::start().await;
    let admin = released_app(&instance).await;
    let unsaved = json!({ "query": { "resource": "tables", "statement": "select id from people where id > {{ x }} order by id" }, "parameters": { "x": 48 } });
    let answer = instance.call(&admin, "POST", "/apps/people/queries/export?format=ndjson", &unsaved).await;
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"{\"id\":49}\n{\"id\":50}\n"[..]));
    let document = json!({
        "format": 1, "title": "People", "parameters": { "least": { "default": 50 } },
        "query": { "resource": "tables", "statement": "select id, name from people where id >= {{ least }}" },
    });
    instance.call(&admin, "POST", "/queries", &json!({ "slug": "some-people", "document": document })).await.ok(201);
    let answer =
        instance.call(&admin, "POST", "/queries/some-people/export?format=csv-for-spreadsheets", &json!({})).await;
    assert_eq!(String::from_utf8_lossy(&answer.body), "\u{feff}id,name\r\n50,person 50\r\n");
    assert_eq!(recorded(&instance, "query.exported").await["detail"]["rows"], 1);
}
