//! Queries of apps, through the real db-connector to a real database.

use serde_json::{Value, json};

use crate::kit::{Instance, Person};

async fn released_app(instance: &Instance) -> Person {
    instance.with_tables().await;
    let admin = instance.admin().await;
    let query = |statement: &str| json!({ "resource": "tables", "statement": statement, "run": "manual" });
    let document = json!({
        "format": 1, "title": "People", "home-page": "home", "pages": { "home": {} },
        "queries": {
            "search": query("select id, name from people where name like '%' || {{ search.value }} || '%' order by id"),
            "me": query("select {{ current_user.email }}::text as email, {{ environment.name }}::text as environment"),
            "broken": query("select nothing from people"),
            "many": { "resource": "tables", "statement": "select * from people", "limits": { "max-rows": 10 } },
            "huge": { "resource": "tables", "statement": "select repeat('x', 1000) from people", "limits": { "max-bytes": 2000 } },
            "slow": query("select pg_sleep(20)"),
            "late": { "resource": "tables", "statement": "select pg_sleep(5)", "limits": { "timeout-ms": 200 } },
            "rename": { "resource": "tables", "statement": "update people set name = {{ form.name }} where id = {{ row.id }}", "mode": "write", "run": "manual" },
            "sneaky": query("update people set name = 'x'"),
        },
    });
    instance
        .call(&admin, "POST", "/apps", &json!({ "slug": "people", "title": "People", "document": document }))
        .await
        .ok(201);
    instance.call(&admin, "POST", "/apps/people/releases", &json!({ "revision": 1 })).await.ok(200);
    admin
}

#[tokio::test]
async fn a_viewer_runs_released_queries_by_name_and_every_run_is_recorded() {
    let instance = Instance::start().await;
    let admin = released_app(&instance).await;
    let ada = instance.person(&admin, "ada").await;
    instance.grant(&admin, "/apps/people", &ada, "viewer").await;
    let released = instance.call(&ada, "GET", "/apps/people/released", &Value::Null).await.ok(200);
    assert_eq!(released["document"]["queries"]["search"]["expressions"], json!(["search.value"]));
    assert_eq!(released["document"]["queries"]["me"]["expressions"], json!([]));
    assert!(!released.to_string().contains("select"), "no statement reaches a viewer");

    let run = json!({ "parameters": { "search.value": "person 4" }, "version": "released" });
    let result = instance.call(&ada, "POST", "/apps/people/queries/search/run", &run).await.ok(200);
    assert_eq!((result["row_count"].clone(), result["end"].clone()), (json!(11), json!(true)));
    assert_eq!(result["rows"][0], json!({ "id": 4, "name": "person 4" }));

    let forged = json!({ "parameters": { "current_user.email": "root@example.org", "environment.name": "staging" } });
    let result = instance.call(&ada, "POST", "/apps/people/queries/me/run", &forged).await.ok(200);
    assert_eq!(result["rows"], json!([{ "email": "ada@example.org", "environment": "production" }]));

    let draft = json!({ "parameters": { "search.value": "x" }, "version": "draft" });
    assert_eq!(
        instance.call(&ada, "POST", "/apps/people/queries/search/run", &draft).await.problem(),
        (403, "role-too-low".into())
    );
    let records = instance.database.audit_records(None, 10).await.expect("reads");
    let record = records.iter().find(|record| record.action == "app.query.run").expect("a record");
    assert_eq!(
        (record.actor.as_str(), record.detail.clone()),
        ("ada@example.org", json!({ "query": "me", "resource": "tables", "version": 1, "environment": "production" }))
    );
    assert_eq!(record.address.as_deref(), Some("127.0.0.1"));
}

#[tokio::test]
async fn a_value_is_never_sql() {
    let instance = Instance::start().await;
    let admin = released_app(&instance).await;
    for value in ["'; drop table people; --", "$$", "\\", "%' or true --", "/*"] {
        let run = json!({ "parameters": { "search.value": value } });
        let result = instance.call(&admin, "POST", "/apps/people/queries/search/run", &run).await.ok(200);
        assert_eq!(result["row_count"], 0, "{value}");
    }
}

#[tokio::test]
async fn a_viewer_gives_a_change_its_values_and_no_more() {
    let instance = Instance::start().await;
    instance.with_tables().await;
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let change = |change: Value| json!({ "resource": "tables", "change": change, "run": "manual" });
    let by_id = |value: &str| json!([{ "column": "id", "operator": "in", "value": value }]);
    let mut document = json!({
        "format": 1, "title": "People", "home-page": "home", "pages": { "home": {} },
        "queries": {
            "rename": change(json!({ "do": "update", "table": "people", "values": { "name": "form.name" }, "where": by_id("rows") })),
            "sign": change(json!({ "do": "upsert", "table": "people", "values": { "id": "1", "name": "current_user.email" }, "conflict": ["id"] })),
            "rest": change(json!({ "do": "bulk-upsert", "table": "people", "rows": "rows", "columns": ["id", "name"], "conflict": ["id"] })),
        },
    });
    let mut wrong = document.clone();
    wrong["queries"]["rename"]["change"]["where"] = json!([]);
    let body = |document: &Value| json!({ "slug": "people", "title": "People", "document": document });
    let refused = instance.call(&admin, "POST", "/apps", &body(&wrong)).await;
    assert_eq!(refused.problem(), (422, "document-invalid".into()));
    assert_eq!(refused.json()["faults"][0]["path"], "queries.rename.change.where");
    instance.call(&admin, "POST", "/apps", &body(&document)).await.ok(201);
    instance.call(&admin, "POST", "/apps/people/releases", &json!({ "revision": 1 })).await.ok(200);
    instance.grant(&admin, "/apps/people", &ada, "viewer").await;

    let released = instance.call(&ada, "GET", "/apps/people/released", &Value::Null).await.ok(200);
    let rename = &released["document"]["queries"]["rename"];
    assert_eq!((&rename["expressions"], &rename["mode"]), (&json!(["form.name", "rows"]), &json!("write")));
    assert!(!released.to_string().contains("change"), "no table or column reaches a viewer");
    let run = async |query: &str, parameters: Value| {
        let body = json!({ "parameters": parameters, "version": "released" });
        instance.call(&ada, "POST", &format!("/apps/people/queries/{query}/run"), &body).await
    };
    let renamed = run("rename", json!({ "form.name": "'; drop table people; --", "rows": [7] })).await.ok(200);
    assert_eq!(renamed["affected"], 1);
    let many = run("rename", json!({ "form.name": "x", "rows": [1, 2, 3] })).await;
    assert_eq!(many.problem(), (422, "too-many-rows".into()));
    assert!(many.json()["detail"].as_str().expect("text").starts_with("3 rows fit"), "{:?}", many.json());
    let signed = run("sign", json!({ "1": 1, "current_user.email": "root@example.org" })).await.ok(200);
    assert_eq!(signed["rows"], json!([{ "id": 1, "name": "ada@example.org" }]));
    let rows = json!({ "rows": [{ "id": 2, "name": "two", "is_admin": true }, { "id": 60, "name": "new" }] });
    assert_eq!(run("rest", rows).await.ok(200)["affected"], 2);
    assert_eq!(run("rename", json!({ "form.name": "x" })).await.problem(), (422, "parameter-missing".into()));

    // As it stands in the builder.
    document["queries"]["rename"]["change"]["table"] = json!("peopel");
    let query = document["queries"]["rename"]["change"].clone();
    let unsaved =
        json!({ "query": { "resource": "tables", "change": query }, "parameters": { "form.name": "x", "rows": [1] } });
    let unknown = instance.call(&admin, "POST", "/apps/people/queries/run", &unsaved).await;
    assert_eq!(unknown.json()["detail"], "there is no table `peopel`: there is `people`");
    // What has no values is not run.
    let is_run = |(_, action): &(String, String)| action == "app.query.run";
    assert_eq!(instance.audit().await.iter().filter(|record| is_run(record)).count(), 5);
}

#[tokio::test]
async fn bad_runs_are_told_apart() {
    let instance = Instance::start().await;
    let admin = released_app(&instance).await;
    let run = async |query: &str, parameters: Value| {
        instance
            .call(&admin, "POST", &format!("/apps/people/queries/{query}/run"), &json!({ "parameters": parameters }))
            .await
    };
    let missing = run("search", json!({})).await;
    assert_eq!(missing.problem(), (422, "parameter-missing".into()));
    assert!(missing.json()["detail"].as_str().expect("text").contains("search.value"));
    assert_eq!(
        run("search", json!({ "search.value": "x", "extra": 1 })).await.problem(),
        (422, "parameter-unknown".into())
    );
    assert_eq!(run("nothing", json!({})).await.problem().0, 404);
    let broken = run("broken", json!({})).await;
    let (status, code) = broken.problem();
    assert_eq!((status, code.as_str()), (422, "query-failed"), "{:?}", broken.json());
    assert_eq!((broken.json()["position"].clone(), broken.json()["sqlstate"].clone()), (json!(8), json!("42703")));
    let cut = run("many", json!({})).await.ok(200);
    assert_eq!((cut["row_count"].clone(), cut["truncated"].clone()), (json!(10), json!(true)));
    let huge = run("huge", json!({})).await;
    assert!(huge.status != 200 || !huge.json()["error"].is_null(), "{:?}", huge.json());
    let late = run("late", json!({})).await;
    assert!(late.status.is_client_error() || late.status.is_server_error(), "{late:?}");
    let sneaky = run("sneaky", json!({})).await;
    assert_eq!(
        sneaky.problem(),
        (422, "statement-unsupported".into()),
        "a reading query cannot write: {:?}",
        sneaky.json()
    );
    let unnamed = json!({ "query": { "resource": "tables", "statement": "select '{{ x }}'" }, "parameters": {} });
    let refused = instance.call(&admin, "POST", "/apps/people/queries/run", &unnamed).await;
    assert_eq!(refused.problem(), (422, "document-invalid".into()));
    run("search", json!({ "search.value": "person" })).await.ok(200);
}

#[tokio::test]
async fn a_write_changes_rows_and_tells_how_many() {
    let instance = Instance::start().await;
    let admin = released_app(&instance).await;
    let run = json!({ "parameters": { "form.name": "Grace", "row.id": 7 } });
    let result = instance.call(&admin, "POST", "/apps/people/queries/rename/run", &run).await.ok(200);
    assert_eq!(result["affected"], 1);
    let client = instance.tables.connect().await;
    let name: String = client.query_one("select name from people where id = 7", &[]).await.expect("reads").get(0);
    assert_eq!(name, "Grace");
}

#[tokio::test]
async fn a_browser_that_goes_away_cancels_its_statement() {
    let instance = Instance::start().await;
    let admin = released_app(&instance).await;
    {
        let run = json!({ "parameters": {} });
        let call = instance.call(&admin, "POST", "/apps/people/queries/slow/run", &run);
        tokio::select! {
            answer = call => panic!("answered {answer:?}"),
            () = instance.until_running("select pg_sleep(20)%", 1) => {}
        }
    }
    instance.until_running("select pg_sleep(20)%", 0).await;
}

#[tokio::test]
async fn without_a_record_nothing_is_done() {
    let instance = Instance::start().await;
    let admin = released_app(&instance).await;
    let owner = instance.own.connect().await;
    owner.batch_execute("revoke insert on audit_log from \"bulkhead-api\"").await.expect("revoked");
    let run = json!({ "parameters": { "form.name": "Grace", "row.id": 7 } });
    let answer = instance.call(&admin, "POST", "/apps/people/queries/rename/run", &run).await;
    assert_eq!(answer.problem(), (503, "audit-unavailable".into()));
    let read = instance
        .call(&admin, "POST", "/apps/people/queries/search/run", &json!({ "parameters": { "search.value": "x" } }))
        .await;
    assert_eq!(read.problem(), (503, "audit-unavailable".into()));
    let client = instance.tables.connect().await;
    let name: String = client.query_one("select name from people where id = 7", &[]).await.expect("reads").get(0);
    assert_eq!(name, "person 7");
}

#[tokio::test]
async fn a_connector_that_is_down_is_named() {
    let instance = Instance::with(json!({ "sockets": { "db-connector": "/nonexistent/db-connector.sock" } })).await;
    let admin = released_app(&instance).await;
    let run = json!({ "parameters": { "search.value": "x" } });
    let answer = instance.call(&admin, "POST", "/apps/people/queries/search/run", &run).await;
    assert_eq!(answer.problem(), (503, "service-unavailable".into()));
    assert!(answer.json()["detail"].as_str().expect("text").contains("systemctl status bulkhead-db-connector"));
    assert!(answer.headers.contains_key("retry-after"));
}
