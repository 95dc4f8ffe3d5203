//! The tables of the built-in database through api: who may do what, what is recorded, and that nobody reads them without a role of their own.

use serde_json::{Value, json};

use crate::kit::{Instance, Person};

async fn world() -> (Instance, Person, Person) {
    let instance = Instance::start().await;
    instance.with_tables().await;
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    (instance, admin, ada)
}

const BASE: &str = "/resources/tables/tables";

async fn recorded(instance: &Instance, action: &str) -> Vec<Value> {
    let records = instance.database.audit_records(None, 50).await.expect("reads");
    records.into_iter().filter(|record| record.action == action).map(|record| record.detail).collect()
}

#[tokio::test]
async fn everybodys_use_of_released_queries_shows_nobody_the_rows() {
    let (instance, admin, ada) = world().await;
    let rows = json!({ "table": { "name": "people" }, "limit": 1 });
    for (method, path, body) in
        [("GET", "", Value::Null), ("POST", "/rows", rows.clone()), ("POST", "/export?format=csv", rows.clone())]
    {
        let refused = instance.call(&ada, method, &format!("{BASE}{path}"), &body).await;
        assert_eq!(refused.problem(), (403, "resource-role-too-low".into()), "{path}");
    }
    instance.grant(&admin, "/resources/tables", &ada, "viewer").await;
    let list = instance.call(&ada, "GET", BASE, &Value::Null).await.ok(200);
    assert_eq!((&list["tables"][0]["name"], &list["tables"][0]["key"]), (&json!("people"), &json!(["id"])));
    let page = instance.call(&ada, "POST", &format!("{BASE}/rows"), &rows).await.ok(200);
    assert_eq!(page["rows"], json!([["1", "person 1"]]));
    let read = recorded(&instance, "tables.read").await;
    assert_eq!(read, [json!({ "resource": "tables", "table": "people", "offset": 0 })]);
    let sorted = json!({ "table": { "name": "people" }, "filters": [{ "column": "name", "operator": "contains", "value": "5" }, { "column": "id", "operator": "less", "value": "26" }], "sort": [{ "column": "id", "descending": true }] });
    let file = instance.call(&ada, "POST", &format!("{BASE}/export?format=csv"), &sorted).await;
    assert_eq!(String::from_utf8_lossy(&file.body), "id,name\r\n25,person 25\r\n15,person 15\r\n5,person 5\r\n");
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"people.csv\"");
    let edit = json!({ "table": { "name": "people" }, "edits": [] });
    assert_eq!(
        instance.call(&ada, "POST", &format!("{BASE}/edits"), &edit).await.problem(),
        (403, "role-too-low".into())
    );
}

#[tokio::test]
async fn editors_edit_rows_and_admins_change_tables() {
    let (instance, admin, ada) = world().await;
    instance.grant(&admin, "/resources/tables", &ada, "editor").await;
    let cells = |old: &str, new: &str| json!([{ "column": "name", "old": old, "new": new }]);
    let edits = json!([{ "do": "update", "key": ["1"], "cells": cells("person 1", "Ada") }, { "do": "delete", "key": ["2"], "old": { "name": "person 2" } }]);
    let body = json!({ "table": { "name": "people" }, "edits": edits });
    let saved = instance.call(&ada, "POST", &format!("{BASE}/edits"), &body).await.ok(200);
    assert_eq!(saved, json!({ "saved": true, "faults": [] }));
    let again = instance.call(&ada, "POST", &format!("{BASE}/edits"), &body).await.ok(200);
    assert_eq!(
        (&again["saved"], &again["faults"][0]["current"], &again["faults"][1]["why"]),
        (&json!(false), &json!("Ada"), &json!("gone"))
    );
    let told = recorded(&instance, "tables.edit").await;
    assert_eq!((told.len(), &told[0]["failed"], &told[2]["updates"]), (3, &json!("edits-refused"), &json!(1)));

    let change =
        json!({ "do": "add-column", "table": { "name": "people" }, "column": { "name": "note", "kind": "text" } });
    let preview = format!("{BASE}/change/preview");
    assert_eq!(instance.call(&ada, "POST", &preview, &change).await.problem(), (403, "role-too-low".into()));
    instance.grant(&admin, "/resources/tables", &ada, "admin").await;
    let shown = instance.call(&ada, "POST", &preview, &change).await.ok(200);
    let ask = |sql: &Value| json!({ "change": change, "sql": sql, "state": shown["state"] });
    let other = instance.call(&ada, "POST", &format!("{BASE}/change"), &ask(&json!("DROP TABLE people;"))).await;
    assert_eq!(other.problem(), (409, "table-changed".into()));
    instance.call(&ada, "POST", &format!("{BASE}/change"), &ask(&shown["sql"])).await.ok(200);
    let told = recorded(&instance, "tables.change").await;
    assert_eq!(told[0]["sql"], "ALTER TABLE \"public\".\"people\" ADD COLUMN \"note\" text;");
}

#[tokio::test]
async fn an_editor_imports_into_a_table_and_an_admin_makes_one() {
    let (instance, admin, ada) = world().await;
    instance.grant(&admin, "/resources/tables", &ada, "editor").await;
    let begun =
        instance.call(&ada, "POST", &format!("{BASE}/imports"), &json!({ "columns": ["id", "name"] })).await.ok(201);
    let import = format!("{BASE}/imports/{}", begun["import"].as_str().expect("an id"));
    let rows = json!({ "rows": [{ "line": 2, "cells": ["100", "new"] }, { "line": 3, "cells": ["1", "twice"] }] });
    instance.call(&ada, "PUT", &format!("{import}/rows"), &rows).await.ok(200);
    let look = instance.call(&ada, "GET", &import, &Value::Null).await.ok(200);
    assert_eq!((&look["rows"], &look["columns"][0]["kind"]), (&json!(2), &json!("integer")));
    assert_eq!(instance.call(&admin, "GET", &import, &Value::Null).await.problem(), (422, "import-unknown".into()));
    let columns = json!([{ "name": "id", "kind": "integer" }, { "name": "name", "kind": "text" }]);
    let make = json!({ "rows": 2, "table": { "name": "more" }, "create": { "columns": columns, "key": ["id"] }, "columns": ["id", "name"] });
    assert_eq!(instance.call(&ada, "POST", &import, &make).await.problem(), (403, "role-too-low".into()));
    let mut run = json!({ "rows": 2, "table": { "name": "people" }, "columns": ["id", "name"] });
    let told = instance.call(&ada, "POST", &import, &run).await.ok(200);
    assert_eq!(
        (&told["imported"], &told["fitting"], &told["rejected"][0]["line"]),
        (&json!(false), &json!(1), &json!(3))
    );
    run["accept_rejected"] = json!(1);
    let done = instance.call(&ada, "POST", &import, &run).await.ok(200);
    assert_eq!(done["imported"], true);
    let client = instance.tables.connect().await;
    let count: i64 = client.query_one("select count(*) from people", &[]).await.expect("counted").get(0);
    assert_eq!(count, 51);
    assert_eq!(recorded(&instance, "tables.import").await[0]["left_out"], 1);
}

#[tokio::test]
async fn without_a_record_nothing_is_read_or_changed() {
    let (instance, admin, _) = world().await;
    let owner = instance.own.connect().await;
    owner.batch_execute("revoke insert on audit_log from \"bulkhead-api\"").await.expect("revoked");
    let rows = json!({ "table": { "name": "people" } });
    let delete = json!({ "table": { "name": "people" }, "edits": [{ "do": "delete", "key": ["1"], "old": { "name": "person 1" } }] });
    for (path, body) in [("rows", rows), ("edits", delete)] {
        let refused = instance.call(&admin, "POST", &format!("{BASE}/{path}"), &body).await;
        assert_eq!(refused.problem(), (503, "audit-unavailable".into()));
    }
    let client = instance.tables.connect().await;
    let count: i64 = client.query_one("select count(*) from people", &[]).await.expect("counted").get(0);
    assert_eq!(count, 50);
}

/// What `bulkheadctl setup` installs.
async fn install_logins(instance: &Instance) {
    let functions = include_str!("../../../lib/store/setup/table_logins.sql");
    instance.own.connect().await.batch_execute(functions).await.expect("installed");
    let groups = include_str!("../../../lib/store/setup/table_groups.sql");
    instance.tables.connect().await.batch_execute(groups).await.expect("set");
}

async fn connects(
    config: &tokio_postgres::Config,
    login: &str,
) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let mut config = config.clone();
    let (client, connection) = config.user(login).connect(tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[tokio::test]
async fn a_person_gets_a_login_that_lasts_as_long_as_their_role() {
    let (instance, admin, ada) = world().await;
    let path = format!("{BASE}/logins");
    let make = async |person: &Person, may_write: bool| {
        instance.call(person, "POST", &path, &json!({ "may_write": may_write })).await
    };
    assert_eq!(make(&admin, false).await.problem(), (409, "logins-unavailable".into()), "before setup has run");
    install_logins(&instance).await;
    assert_eq!(make(&ada, false).await.problem(), (403, "resource-role-too-low".into()));
    instance.grant(&admin, "/resources/tables", &ada, "viewer").await;
    assert_eq!(make(&ada, true).await.problem(), (403, "role-too-low".into()));
    let made = make(&ada, false).await.ok(201);
    let (login, password) = (made["login"].as_str().expect("a name"), made["password"].as_str().expect("a password"));
    assert!(login.starts_with("tables_ada_") && password.len() > 40, "{made}");
    let client = connects(&instance.tables.config(), login).await.expect("let in");
    client.batch_execute("select * from people").await.expect("reads");
    assert!(client.batch_execute("insert into people values (99, 'x')").await.is_err());
    let observer = instance.own.connect().await;
    let stored: String = observer
        .query_one("select rolpassword from pg_authid where rolname = $1", &[&login])
        .await
        .expect("reads")
        .get(0);
    assert!(stored.starts_with("SCRAM-SHA-256$") && !stored.contains(password));
    let told = recorded(&instance, "tables.login.make").await;
    assert!(told[0]["login"] == login && !json!(told).to_string().contains(password), "{told:?}");
    let own = instance.call(&ada, "GET", &path, &Value::Null).await.ok(200);
    assert_eq!(
        (&own["logins"][0]["is_own"], &own["logins"][0]["sessions"], own.get("unavailable")),
        (&json!(true), &json!(1), None)
    );

    // An editor's may write; another password ends the sessions of the one before.
    instance.grant(&admin, "/resources/tables", &ada, "editor").await;
    make(&ada, true).await.ok(201);
    assert!(client.batch_execute("select 1").await.is_err(), "whoever has the old password is in");
    let client = connects(&instance.tables.config(), login).await.expect("let in");
    client.batch_execute("update people set name = 'Ada' where id = 1").await.expect("changes");
    // With the right goes the login.
    instance.grant(&admin, "/resources/tables", &ada, "viewer").await;
    let seen = instance.call(&admin, "GET", &path, &Value::Null).await.ok(200);
    assert_eq!(seen["logins"], json!([]), "{seen}");
    assert!(
        client.batch_execute("select 1").await.is_err() && connects(&instance.tables.config(), login).await.is_err()
    );
    assert!(recorded(&instance, "tables.login.remove").await[0]["because"].is_string());

    // A person takes away their own, an admin any, and somebody else none.
    make(&ada, false).await.ok(201);
    let eve = instance.person(&admin, "eve").await;
    instance.grant(&admin, "/resources/tables", &eve, "editor").await;
    let of_ada = format!("{path}/{login}");
    assert_eq!(instance.call(&eve, "DELETE", &of_ada, &json!({})).await.problem(), (404, "not-found".into()));
    assert_eq!(instance.call(&eve, "GET", &path, &Value::Null).await.ok(200)["logins"], json!([]));
    instance.call(&ada, "DELETE", &of_ada, &json!({})).await.ok(204);
    make(&ada, false).await.ok(201);
    instance.call(&admin, "DELETE", &of_ada, &json!({})).await.ok(204);
    assert_eq!(instance.call(&admin, "DELETE", &format!("{path}/postgres"), &json!({})).await.problem().0, 404);
    // So does an account that is closed.
    make(&ada, false).await.ok(201);
    instance.call(&admin, "PATCH", &format!("/users/{}", ada.id), &json!({ "disabled": true })).await.ok(200);
    assert_eq!(instance.call(&admin, "GET", &path, &Value::Null).await.ok(200)["logins"], json!([]));
}
