//! Apps and workflows: drafts, releases, roles.

use serde_json::{Value, json};

use crate::kit::Instance;

#[tokio::test]
async fn a_draft_is_saved_by_revision_and_released_as_a_version() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let created = instance.call(&admin, "POST", "/apps", &json!({ "slug": "crm", "title": "CRM" })).await.ok(201);
    assert_eq!((created["role"].clone(), created["draft_revision"].clone()), (json!("admin"), json!(1)));
    let taken = instance.call(&admin, "POST", "/apps", &json!({ "slug": "crm", "title": "CRM" })).await;
    assert_eq!(taken.problem(), (409, "exists".into()));
    assert_eq!(
        instance.call(&admin, "GET", "/apps/crm/released", &Value::Null).await.problem(),
        (409, "not-released".into())
    );

    let mut document = created["draft"].clone();
    document["title"] = json!("Customers");
    let save = json!({ "revision": 1, "document": document });
    assert_eq!(instance.call(&admin, "PUT", "/apps/crm/draft", &save).await.ok(200), json!({ "revision": 2 }));
    assert_eq!(instance.call(&admin, "PUT", "/apps/crm/draft", &save).await.problem(), (409, "draft-changed".into()));

    let release = |revision: i64| json!({ "revision": revision });
    assert_eq!(instance.call(&admin, "POST", "/apps/crm/releases", &release(1)).await.problem().0, 409);
    assert_eq!(instance.call(&admin, "POST", "/apps/crm/releases", &release(2)).await.ok(200), json!({ "version": 1 }));
    assert_eq!(instance.call(&admin, "POST", "/apps/crm/releases", &release(2)).await.ok(200), json!({ "version": 2 }));
    instance.call(&admin, "POST", "/apps/crm/releases/1/restore", &json!({})).await.ok(200);
    assert_eq!(instance.call(&admin, "POST", "/apps/crm/releases/9/restore", &json!({})).await.problem().0, 404);
    let list = instance.call(&admin, "GET", "/apps/crm/releases", &Value::Null).await.ok(200);
    assert_eq!((list["released_version"].clone(), list["releases"][0]["version"].clone()), (json!(1), json!(2)));
    let released = instance.call(&admin, "GET", "/apps/crm/released", &Value::Null).await.ok(200);
    assert_eq!((released["version"].clone(), released["document"]["title"].clone()), (json!(1), json!("Customers")));

    instance.call(&admin, "DELETE", "/apps/crm", &json!({})).await.ok(204);
    assert_eq!(instance.call(&admin, "GET", "/apps/crm", &Value::Null).await.problem().0, 404);
}

#[tokio::test]
async fn each_role_opens_what_it_should_and_no_more() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let app = instance.call(&admin, "POST", "/apps", &json!({ "slug": "crm", "title": "CRM" })).await.ok(201);
    instance.call(&admin, "POST", "/apps/crm/releases", &json!({ "revision": 1 })).await.ok(200);
    let save = json!({ "revision": 1, "document": app["draft"] });
    let grants = "/apps/crm/grants";
    // Status as viewer, as editor, as admin.
    let table = [
        ("GET", "/apps/crm/released", Value::Null, [200, 200, 200]),
        ("GET", "/apps/crm", Value::Null, [403, 200, 200]),
        ("GET", "/apps/crm/releases", Value::Null, [403, 200, 200]),
        ("PUT", "/apps/crm/draft", save, [403, 200, 409]),
        ("POST", "/apps/crm/releases", json!({ "revision": 2 }), [403, 200, 200]),
        ("GET", grants, Value::Null, [403, 403, 200]),
    ];
    for (column, role) in ["viewer", "editor", "admin"].into_iter().enumerate() {
        instance.grant(&admin, "/apps/crm", &ada, role).await;
        for (method, path, body, expected) in &table {
            let answer = instance.call(&ada, method, path, body).await;
            assert_eq!(answer.status, expected[column], "{role}: {method} {path}: {answer:?}");
        }
    }
    let list = instance.call(&ada, "GET", grants, &Value::Null).await.ok(200);
    assert_eq!(
        list["grants"],
        json!([
            { "user": ada.id, "email": "ada@example.org", "name": "ada", "disabled": false, "role": "admin" },
            { "user": admin.id, "email": "root@example.org", "name": "Root", "disabled": false, "role": "admin" },
        ])
    );
    instance.call(&admin, "DELETE", &format!("{grants}/{}", ada.id), &json!({})).await.ok(204);
    assert_eq!(instance.call(&ada, "GET", "/apps/crm/released", &Value::Null).await.problem().0, 404);
}

#[tokio::test]
async fn a_component_of_a_later_version_is_saved_and_released_untouched() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let page = json!({
        "components": {
            "box": { "type": "container", "properties": { "title": "Box" } },
            "later": { "type": "hologram", "properties": { "depth": 3, "of": ["{{ box.title }}"] } },
        },
        "layout": {
            "box": { "column": 0, "row": 0, "width": 12, "height": 6 },
            "later": { "column": 0, "row": 0, "width": 24, "height": 2, "parent": "box" },
        },
    });
    let document = json!({ "format": 1, "title": "Later", "home-page": "home", "pages": { "home": page } });
    let body = json!({ "slug": "later", "title": "Later", "document": document });
    let created = instance.call(&admin, "POST", "/apps", &body).await.ok(201);
    let save = json!({ "revision": 1, "document": created["draft"] });
    instance.call(&admin, "PUT", "/apps/later/draft", &save).await.ok(200);
    let app = instance.call(&admin, "GET", "/apps/later", &Value::Null).await.ok(200);
    assert_eq!(app["draft"]["pages"]["home"], page);
    instance.call(&admin, "POST", "/apps/later/releases", &json!({ "revision": 2 })).await.ok(200);
    let released = instance.call(&admin, "GET", "/apps/later/released", &Value::Null).await.ok(200);
    assert_eq!(released["document"]["pages"]["home"], page);
}

#[tokio::test]
async fn a_document_with_faults_is_refused_with_their_places() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let code = |source: &str| json!({ "type": "code", "language": "javascript", "source": source });
    let cycle = json!({
        "format": 1, "title": "Loop", "start": "a", "blocks": { "a": code("return 1"), "b": code("return 2") },
        "edges": [{ "from": "a", "to": "b" }, { "from": "b", "to": "a" }],
    });
    let body = json!({ "slug": "loop", "title": "Loop", "document": cycle });
    let answer = instance.call(&admin, "POST", "/workflows", &body).await;
    assert_eq!(answer.problem(), (422, "document-invalid".into()));
    assert!(answer.json()["faults"].to_string().contains("leads back to itself"), "{:?}", answer.json());
    let unknown = json!({
        "format": 1, "title": "Unknown", "start": "a", "edges": [],
        "blocks": { "a": { "type": "response", "body": "missing.rows" } },
    });
    let body = json!({ "slug": "unknown", "title": "Unknown", "document": unknown });
    let answer = instance.call(&admin, "POST", "/workflows", &body).await;
    assert_eq!(answer.json()["faults"][0]["path"], "blocks.a.body");
    assert!(
        instance.call(&admin, "GET", "/workflows", &Value::Null).await.ok(200)["workflows"]
            .as_array()
            .expect("a list")
            .is_empty()
    );
}

#[tokio::test]
async fn a_release_needs_the_right_to_edit_the_workflows_that_it_runs() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    instance.call(&admin, "POST", "/workflows", &json!({ "slug": "salaries", "title": "Salaries" })).await.ok(201);
    let document = json!({
        "format": 1, "title": "Peek", "start": "peek",
        "blocks": { "peek": { "type": "workflow", "workflow": "salaries" } },
    });
    let body = json!({ "slug": "peek", "title": "Peek", "document": document });
    instance.call(&ada, "POST", "/workflows", &body).await.ok(201);
    let release = json!({ "revision": 1 });
    let refused = instance.call(&ada, "POST", "/workflows/peek/releases", &release).await;
    assert_eq!(refused.problem(), (403, "workflow-role-too-low".into()));
    instance.grant(&admin, "/workflows/salaries", &ada, "editor").await;
    instance.call(&ada, "POST", "/workflows/peek/releases", &release).await.ok(200);
}

#[tokio::test]
async fn a_release_needs_the_right_to_edit_its_resources() {
    let instance = Instance::start().await;
    instance.with_tables().await;
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let document = json!({
        "format": 1, "title": "Peek", "home-page": "home", "pages": { "home": {} },
        "queries": { "all": { "resource": "tables", "statement": "select * from people" } },
    });
    instance
        .call(&ada, "POST", "/apps", &json!({ "slug": "peek", "title": "Peek", "document": document }))
        .await
        .ok(201);
    let release = json!({ "revision": 1 });
    let refused = instance.call(&ada, "POST", "/apps/peek/releases", &release).await;
    assert_eq!(refused.problem(), (403, "resource-role-too-low".into()));
    // A viewer of the resource may not write statements against it either.
    let run = json!({ "version": "draft", "parameters": {} });
    assert_eq!(instance.call(&ada, "POST", "/apps/peek/queries/all/run", &run).await.problem().0, 403);
    let unsaved = json!({ "query": { "resource": "tables", "statement": "select 1" }, "parameters": {} });
    assert_eq!(instance.call(&ada, "POST", "/apps/peek/queries/run", &unsaved).await.problem().0, 403);
    instance.grant(&admin, "/resources/tables", &ada, "editor").await;
    instance.call(&ada, "POST", "/apps/peek/releases", &release).await.ok(200);
    instance.call(&ada, "POST", "/apps/peek/queries/run", &unsaved).await.ok(200);
}

#[tokio::test]
async fn a_module_is_built_with_by_its_viewers_and_opened_by_nobody() {
    let instance = Instance::start().await;
    instance.with_tables().await;
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let document = |module: bool| {
        let mut document = json!({
            "format": 1, "title": "Card", "home-page": "home", "pages": { "home": {} },
            "queries": { "load": { "resource": "tables", "statement": "select 1", "run": "manual" } },
        });
        if module {
            document["module"] = json!({ "inputs": { "customer": { "type": "object" } } });
        }
        document
    };
    let new = json!({ "slug": "card", "title": "Card", "document": document(true) });
    instance.call(&admin, "POST", "/apps", &new).await.ok(201);
    instance.call(&admin, "POST", "/apps", &json!({ "slug": "crm", "title": "CRM" })).await.ok(201);
    instance.grant(&admin, "/apps/card", &ada, "viewer").await;
    assert_eq!(
        instance.call(&ada, "GET", "/apps/card/module", &Value::Null).await.problem(),
        (409, "not-released".into())
    );
    for app in ["card", "crm"] {
        let path = format!("/apps/{app}/releases");
        instance.call(&admin, "POST", &path, &json!({ "revision": 1 })).await.ok(200);
    }

    let module = instance.call(&ada, "GET", "/apps/card/module", &Value::Null).await.ok(200);
    assert_eq!(module["version"], json!(1));
    assert_eq!(module["document"]["queries"]["load"]["statement"], json!("select 1"));
    assert_eq!(
        instance.call(&ada, "GET", "/apps/card/released", &Value::Null).await.problem(),
        (409, "is-a-module".into())
    );
    // What it asks is asked as a part of an app alone.
    let ran = instance.call(&admin, "POST", "/apps/card/queries/load/run", &json!({})).await;
    assert_eq!(ran.status, 404, "{ran:?}");
    assert_eq!(
        instance.call(&admin, "GET", "/apps/crm/module", &Value::Null).await.problem(),
        (409, "not-a-module".into())
    );
    let bob = instance.person(&admin, "bob").await;
    assert_eq!(instance.call(&bob, "GET", "/apps/card/module", &Value::Null).await.status, 404);

    let list = instance.call(&admin, "GET", "/apps", &Value::Null).await.ok(200);
    let kinds: Vec<Value> = list["apps"].as_array().expect("apps").iter().map(|app| app["is_module"].clone()).collect();
    assert_eq!(kinds, [json!(true), json!(false)]);

    // An app stays an app.
    let save = json!({ "revision": 1, "document": document(false) });
    let refused = instance.call(&admin, "PUT", "/apps/card/draft", &save).await;
    assert_eq!(refused.problem(), (422, "document-invalid".into()));
    // No module stands in itself, by whatever way.
    let mut circle = document(true);
    circle["pages"]["home"] = json!({
        "components": { "other": { "type": "module" }, "other__card": { "type": "module" } },
        "layout": {
            "other": { "column": 0, "row": 0, "width": 4, "height": 2 },
            "other__card": { "column": 0, "row": 0, "width": 4, "height": 2, "parent": "other" },
        },
    });
    circle["modules"] =
        json!({ "other": { "module": "other", "version": 1 }, "other__card": { "module": "card", "version": 1 } });
    let refused = instance.call(&admin, "PUT", "/apps/card/draft", &json!({ "revision": 1, "document": circle })).await;
    assert!(refused.json()["detail"].to_string().contains("card › other › card"), "{refused:?}");
}
