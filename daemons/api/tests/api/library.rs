//! The query library: one statement for many, released by number, used by permission, and not broken by accident.

use serde_json::{Value, json};

use crate::kit::{Answer, Instance, Person};

/// An instance with the resource `tables` (50 people) and the query `find-person` in the library, released once.
struct World {
    instance: Instance,
    admin: Person,
}

fn find_person(statement: &str, parameters: Value) -> Value {
    json!({ "format": 1, "title": "Find a person", "query": { "resource": "tables", "statement": statement }, "parameters": parameters })
}

impl World {
    async fn start() -> Self {
        let instance = Instance::with(json!({ "audit-parameters": true })).await;
        instance.with_tables().await;
        let admin = instance.admin().await;
        let world = Self { instance, admin };
        let parameters = json!({ "id": { "hidden": true }, "suffix": { "default": "!" } });
        let document = find_person("select name || {{ suffix }} as name from people where id = {{ id }}", parameters);
        world.call("POST", "/queries", &json!({ "slug": "find-person", "document": document })).await.ok(201);
        world.call("POST", "/queries/find-person/releases", &json!({ "revision": 1 })).await.ok(200);
        world
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.instance.call(&self.admin, method, path, body).await
    }

    /// Saves another draft and tries to release it.
    async fn release(&self, revision: i64, document: Value, break_users: bool) -> Answer {
        let draft = json!({ "revision": revision, "document": document });
        self.call("PUT", "/queries/find-person/draft", &draft).await.ok(200);
        let release = json!({ "revision": revision + 1, "break_users": break_users });
        self.call("POST", "/queries/find-person/releases", &release).await
    }

    async fn run(&self, person: &Person) -> Answer {
        let body = json!({ "parameters": { "table1.id": 7 } });
        self.instance.call(person, "POST", "/apps/people/queries/find/run", &body).await
    }
}

fn app(library: Value) -> Value {
    json!({
        "format": 1, "title": "People", "home-page": "home", "pages": { "home": {} },
        "queries": { "find": { "resource": "tables", "library": library } },
    })
}

#[tokio::test]
async fn a_query_of_the_library_is_used_with_arguments() {
    let world = World::start().await;
    let ada = world.instance.person(&world.admin, "ada").await;
    let reference = json!({ "query": "find-person", "arguments": { "id": "table1.id" } });
    let created = json!({ "slug": "people", "title": "People", "document": app(reference) });
    world.call("POST", "/apps", &created).await.ok(201);
    world.call("POST", "/apps/people/releases", &json!({ "revision": 1 })).await.ok(200);
    world.instance.grant(&world.admin, "/apps/people", &ada, "viewer").await;
    let refused = world.run(&ada).await;
    assert_eq!(refused.problem(), (403, "library-query-not-allowed".into()), "the library is shared by itself");
    world.instance.grant(&world.admin, "/queries/find-person", &ada, "viewer").await;
    assert_eq!(world.run(&ada).await.ok(200)["rows"], json!([{ "name": "person 7!" }]));
    let records = world.instance.database.audit_records(None, 20).await.expect("reads");
    let run = records.iter().find(|record| record.action == "app.query.run").expect("a record");
    assert_eq!(run.detail["parameters"], json!({ "table1.id": { "hidden": true } }));
    let usage = world.call("GET", "/queries/find-person/usage", &Value::Null).await.ok(200);
    assert_eq!(usage["uses"], json!([{ "kind": "app", "slug": "people", "title": "People", "is_released": true }]));
    let of_resource = world.call("GET", "/resources/tables/usage", &Value::Null).await.ok(200);
    assert_eq!(of_resource["uses"].as_array().expect("a list").len(), 2, "{of_resource}");
    assert_eq!(world.call("DELETE", "/queries/find-person", &json!({})).await.problem(), (409, "in-use".into()));
    // Ada learns its parameters and not its statement.
    let listed = world.instance.call(&ada, "GET", "/queries", &Value::Null).await.ok(200);
    assert_eq!(listed["queries"][0]["parameters"]["id"]["is_required"], true);
    assert!(!listed.to_string().contains("select"), "{listed}");
    assert_eq!(
        world.instance.call(&ada, "GET", "/queries/find-person", &Value::Null).await.problem(),
        (403, "role-too-low".into())
    );
}

#[tokio::test]
async fn a_reference_that_does_not_fit_is_refused_with_its_place() {
    let world = World::start().await;
    let faults = async |library: Value| {
        let body = json!({ "slug": "people", "title": "People", "document": app(library) });
        let refused = world.call("POST", "/apps", &body).await.ok(422);
        let faults = refused["faults"].as_array().expect("a list").clone();
        faults.iter().map(|fault| fault["path"].as_str().expect("a path").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(faults(json!({ "query": "nothing" })).await, ["queries.find.library.query"]);
    assert_eq!(faults(json!({ "query": "find-person", "version": 9 })).await, ["queries.find.library.query"]);
    assert_eq!(faults(json!({ "query": "find-person" })).await, ["queries.find.library.arguments"]);
    let both = json!({ "query": "find-person", "arguments": { "id": "1", "ib": "2" } });
    assert_eq!(faults(both).await, ["queries.find.library.arguments"]);
}

#[tokio::test]
async fn a_release_that_breaks_users_has_to_be_wanted() {
    let world = World::start().await;
    let pinned = json!({ "query": "find-person", "version": 1, "arguments": { "id": "table1.id" } });
    let following = json!({ "query": "find-person", "arguments": { "id": "table1.id" } });
    for (slug, reference) in [("people", following), ("pinned", pinned)] {
        let body = json!({ "slug": slug, "title": slug, "document": app(reference) });
        world.call("POST", "/apps", &body).await.ok(201);
        world.call("POST", &format!("/apps/{slug}/releases"), &json!({ "revision": 1 })).await.ok(200);
    }
    let renamed = find_person("select name from people where id = {{ number }}", json!({ "number": {} }));
    let refused = world.release(1, renamed.clone(), false).await;
    assert_eq!(refused.problem(), (409, "breaks-users".into()));
    let told = refused.json()["faults"].to_string();
    assert!(told.contains("app people (released): queries.find.library.arguments"), "{told}");
    assert!(!told.contains("pinned"), "a reference to a version stays as it is: {told}");
    assert_eq!(world.run(&world.admin).await.ok(200)["rows"], json!([{ "name": "person 7!" }]));
    // What breaks nothing needs no word, and counts at once for those who follow.
    let more = json!({ "id": {}, "suffix": { "default": "?" } });
    let compatible = find_person("select name || {{ suffix }} as name from people where id = {{ id }}", more);
    world.release(2, compatible, false).await.ok(200);
    assert_eq!(world.run(&world.admin).await.ok(200)["rows"], json!([{ "name": "person 7?" }]));
    world.release(3, renamed, true).await.ok(200);
    assert_eq!(world.run(&world.admin).await.problem(), (409, "library-query-misfit".into()));
    let body = json!({ "parameters": { "table1.id": 7 } });
    let still = world.call("POST", "/apps/pinned/queries/find/run", &body).await.ok(200);
    assert_eq!(still["rows"], json!([{ "name": "person 7!" }]));
}

#[tokio::test]
async fn apps_that_one_may_not_see_are_counted_and_not_told() {
    let world = World::start().await;
    let ada = world.instance.person(&world.admin, "ada").await;
    for object in ["/queries/find-person", "/resources/tables"] {
        world.instance.grant(&world.admin, object, &ada, "admin").await;
    }
    for slug in ["layoffs", "people"] {
        let reference = json!({ "query": "find-person", "arguments": { "id": "table1.id" } });
        let body = json!({ "slug": slug, "title": slug, "document": app(reference) });
        world.call("POST", "/apps", &body).await.ok(201);
    }
    world.instance.grant(&world.admin, "/apps/people", &ada, "viewer").await;
    let renamed = find_person("select name from people where id = {{ number }}", json!({ "number": {} }));
    let draft = json!({ "revision": 1, "document": renamed });
    world.call("PUT", "/queries/find-person/draft", &draft).await.ok(200);
    let release = json!({ "revision": 2 });
    let told = [
        world.instance.call(&ada, "POST", "/queries/find-person/releases", &release).await.ok(409),
        world.instance.call(&ada, "DELETE", "/queries/find-person", &json!({})).await.ok(409),
    ];
    for told in told.map(|told| told.to_string()) {
        assert!(told.contains("People") && told.contains("1 that you may not see"), "{told}");
        assert!(!told.contains("layoffs"), "{told}");
    }
}

#[tokio::test]
async fn a_viewer_learns_no_statement_from_its_plan() {
    let world = World::start().await;
    let ada = world.instance.person(&world.admin, "ada").await;
    world.instance.grant(&world.admin, "/queries/find-person", &ada, "viewer").await;
    let query =
        json!({ "resource": "tables", "library": { "query": "find-person", "arguments": { "id": "table1.id" } } });
    let mut block = query.clone();
    block["type"] = json!("query");
    block["library"]["arguments"]["id"] = json!("trigger.body.id");
    let app = json!({ "slug": "mine", "title": "Mine" });
    world.instance.call(&ada, "POST", "/apps", &app).await.ok(201);
    let workflow = json!({ "format": 1, "title": "Mine", "start": "find", "blocks": { "find": block } });
    let workflow = json!({ "slug": "mine", "title": "Mine", "document": workflow });
    world.instance.call(&ada, "POST", "/workflows", &workflow).await.ok(201);
    let explain = async || {
        let body = json!({ "query": query, "parameters": { "table1.id": 7 } });
        let of_app = world.instance.call(&ada, "POST", "/apps/mine/queries/explain", &body).await;
        let body = json!({ "inputs": { "trigger": { "body": { "id": 7 } } } });
        let of_block = world.instance.call(&ada, "POST", "/workflows/mine/blocks/find/explain", &body).await;
        [of_app, of_block]
    };
    for answer in explain().await {
        assert_eq!(answer.problem(), (403, "library-query-not-allowed".into()));
    }
    world.instance.grant(&world.admin, "/queries/find-person", &ada, "editor").await;
    for answer in explain().await {
        assert_eq!(answer.problem(), (403, "resource-role-too-low".into()));
    }
    world.instance.grant(&world.admin, "/resources/tables", &ada, "editor").await;
    let [of_app, _] = explain().await;
    assert!(of_app.ok(200).to_string().contains("people"));
}

#[tokio::test]
async fn a_query_is_tried_in_the_library_and_in_a_workflow() {
    let world = World::start().await;
    let run = json!({ "parameters": { "id": 3 } });
    let found = world.call("POST", "/queries/find-person/run", &run).await.ok(200);
    assert_eq!(found["rows"], json!([{ "name": "person 3!" }]));
    assert_eq!(
        world.call("POST", "/queries/find-person/run", &json!({})).await.problem(),
        (422, "parameter-missing".into())
    );
    let workflow = |arguments: Value| {
        json!({ "format": 1, "title": "Look", "start": "find", "blocks": {
            "find": { "type": "query", "resource": "tables", "library": { "query": "find-person", "arguments": arguments } },
        } })
    };
    let create = json!({ "slug": "look", "title": "Look", "document": workflow(json!({ "id": "1" })) });
    world.call("POST", "/workflows", &create).await.ok(201);
    let save = json!({ "revision": 1, "document": workflow(json!({})) });
    let refused = world.call("PUT", "/workflows/look/draft", &save).await;
    assert_eq!(refused.json()["faults"][0]["path"], "blocks.find.library.arguments");
    // A workflow runs for nobody, so it has no current_user to give.
    let personal =
        find_person("select {{ current_user.email }}::text as email, {{ id }}::int as id", json!({ "id": {} }));
    let told = world.release(1, personal, false).await;
    assert_eq!(told.problem(), (409, "breaks-users".into()), "{told:?}");
}
