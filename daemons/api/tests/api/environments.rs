//! Environments: each has its own database and secret, is used by permission, and never answers for another.

use bulkhead_test_kit::TestDatabase;
use http::Method;
use serde_json::{Value, json};

use crate::kit::{Instance, Person};

/// An instance with the environment `staging`, and a resource `crm` with a database for production and another for staging.
struct World {
    instance: Instance,
    admin: Person,
    staging: TestDatabase,
}

impl World {
    async fn start() -> Self {
        Self::with(json!({})).await
    }

    async fn with(config: Value) -> Self {
        let instance = Instance::with(config).await;
        let admin = instance.admin().await;
        let staging = TestDatabase::create().await;
        for (database, place) in [(&instance.tables, "production"), (&staging, "staging")] {
            let sql = format!("create table place (name text); insert into place values ('{place}')");
            database.connect().await.batch_execute(&sql).await.expect("filled");
        }
        let world = Self { instance, admin, staging };
        let resource =
            json!({ "name": "crm", "config": world.instance.tables_config(), "secret": "unused under trust" });
        world.call("POST", "/resources", &resource).await.ok(201);
        world.call("POST", "/environments", &json!({ "name": "staging" })).await.ok(201);
        world
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> crate::kit::Answer {
        self.instance.call(&self.admin, method, path, body).await
    }

    fn staging_config(&self) -> Value {
        let mut config = self.instance.tables_config();
        config["database"] = json!(self.staging.name());
        config
    }

    async fn configure_staging(&self) {
        let settings = json!({ "config": self.staging_config(), "secret": "another" });
        self.call("PUT", "/resources/crm/environments/staging", &settings).await.ok(204);
    }

    /// An app with this query, released; `person` may use it and its resource.
    async fn app(&self, query: Value, person: &Person) {
        let document = json!({
            "format": 1, "title": "Places", "home-page": "home", "pages": { "home": {} }, "queries": { "place": query },
        });
        let created =
            self.call("POST", "/apps", &json!({ "slug": "places", "title": "Places", "document": document })).await;
        created.ok(201);
        self.call("POST", "/apps/places/releases", &json!({ "revision": 1 })).await.ok(200);
        self.instance.grant(&self.admin, "/apps/places", person, "viewer").await;
        self.instance.grant(&self.admin, "/resources/crm", person, "viewer").await;
    }

    async fn run(&self, person: &Person, environment: Option<&str>) -> Result<String, (u16, String)> {
        let body = json!({ "environment": environment });
        let answer = self.instance.call(person, "POST", "/apps/places/queries/place/run", &body).await;
        match answer.status.as_u16() {
            200 => Ok(answer.json()["rows"][0]["name"].as_str().expect("a name").to_owned()),
            _ => Err(answer.problem()),
        }
    }
}

fn place(environment: &str) -> Result<String, (u16, String)> {
    Ok(environment.to_owned())
}

#[tokio::test]
async fn each_environment_has_its_own_database_and_kept_results() {
    let world = World::start().await;
    let ada = world.instance.person(&world.admin, "ada").await;
    world.app(json!({ "resource": "crm", "statement": "select name from place", "cache-seconds": 60 }), &ada).await;
    assert_eq!(world.run(&world.admin, None).await, place("production"));
    let nothing = world.run(&world.admin, Some("staging")).await;
    assert_eq!(nothing, Err((422, "environment-not-configured".into())), "nothing is taken from production");
    world.configure_staging().await;
    for _ in 0..2 {
        assert_eq!(world.run(&world.admin, Some("staging")).await, place("staging"));
        assert_eq!(world.run(&world.admin, Some("production")).await, place("production"));
    }
    world.staging.connect().await.batch_execute("update place set name = 'changed'").await.expect("changed");
    assert_eq!(world.run(&world.admin, Some("staging")).await, place("staging"), "it is kept");
    // Made anew, the settings find neither the connections nor the results of the old ones.
    world.call("DELETE", "/resources/crm/environments/staging", &json!({})).await.ok(204);
    assert_eq!(world.run(&world.admin, Some("staging")).await, Err((422, "environment-not-configured".into())));
    world.configure_staging().await;
    assert_eq!(world.run(&world.admin, Some("staging")).await, place("changed"));
    let records = world.instance.database.audit_records(None, 50).await.expect("reads");
    let runs = records.iter().filter(|record| record.action == "app.query.run");
    let places: Vec<&str> = runs.filter_map(|record| record.detail["environment"].as_str()).take(2).collect();
    assert_eq!(places, ["staging", "staging"]);
}

#[tokio::test]
async fn a_secret_opens_in_its_environment_alone() {
    let world = World::start().await;
    world.configure_staging().await;
    let ada = world.instance.person(&world.admin, "ada").await;
    world.app(json!({ "resource": "crm", "statement": "select name from place" }), &ada).await;
    let owner = world.instance.own.connect().await;
    let moved = "update resources set revision = revision + 1, sealed_secret = (select sealed_secret from resource_environments)";
    owner.batch_execute(moved).await.expect("moved");
    assert_eq!(world.run(&world.admin, None).await, Err((422, "resource-secret".into())));
    assert_eq!(world.run(&world.admin, Some("staging")).await, place("staging"));
    // To another environment of the same resource, neither.
    world.call("POST", "/environments", &json!({ "name": "training" })).await.ok(201);
    let moved = "insert into resource_environments (resource_id, environment_id, config, sealed_secret)
        select s.resource_id, e.id, s.config, s.sealed_secret from resource_environments s, environments e where e.name = 'training'";
    owner.batch_execute(moved).await.expect("moved");
    assert_eq!(world.run(&world.admin, Some("training")).await, Err((422, "resource-secret".into())));
}

#[tokio::test]
async fn who_may_use_an_environment_is_said_for_each() {
    let world = World::start().await;
    world.configure_staging().await;
    let ada = world.instance.person(&world.admin, "ada").await;
    world.app(json!({ "resource": "crm", "statement": "select name from place" }), &ada).await;
    let refused = Err((403, "environment-not-allowed".to_owned()));
    let names = async |person: &Person| {
        let released = world.instance.call(person, "GET", "/apps/places/released", &Value::Null).await.ok(200);
        let environments = released["environments"].as_array().expect("a list").clone();
        environments.iter().map(|found| found["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((world.run(&ada, None).await, names(&ada).await), (place("production"), vec!["production".to_owned()]));
    assert_eq!(world.run(&ada, Some("staging")).await, refused);
    assert_eq!(world.run(&ada, Some("nowhere")).await, refused);
    // Who builds it may.
    world.instance.grant(&world.admin, "/apps/places", &ada, "editor").await;
    assert_eq!((world.run(&ada, Some("staging")).await, names(&ada).await.len()), (place("staging"), 2));
    world.instance.grant(&world.admin, "/apps/places", &ada, "viewer").await;
    // Or a group.
    world.call("POST", "/groups", &json!({ "name": "testers" })).await.ok(201);
    let unknown = json!({ "name": "staging", "access": "groups", "groups": ["nobody"] });
    assert_eq!(world.call("PUT", "/environments/staging", &unknown).await.problem().0, 422);
    let testers = json!({ "name": "staging", "access": "groups", "groups": ["testers"] });
    world.call("PUT", "/environments/staging", &testers).await.ok(200);
    assert_eq!(world.run(&ada, Some("staging")).await, refused);
    world.call("PUT", &format!("/groups/testers/members/{}", ada.id), &json!({})).await.ok(204);
    assert_eq!(world.run(&ada, Some("staging")).await, place("staging"));
    world.call("DELETE", &format!("/groups/testers/members/{}", ada.id), &json!({})).await.ok(204);
    assert_eq!(world.run(&ada, Some("staging")).await, refused);
    // Or everybody.
    world.call("PUT", "/environments/staging", &json!({ "name": "staging", "access": "everyone" })).await.ok(200);
    assert_eq!(world.run(&ada, Some("staging")).await, place("staging"));
    assert_eq!(
        world.instance.call(&ada, "POST", "/environments", &json!({ "name": "mine" })).await.problem(),
        (403, "administrators-only".into())
    );
}

#[tokio::test]
async fn to_refer_to_the_library_is_not_to_build() {
    let world = World::start().await;
    world.configure_staging().await;
    let (ada, instance) = (world.instance.person(&world.admin, "ada").await, &world.instance);
    let document =
        json!({ "format": 1, "title": "Place", "query": { "resource": "crm", "statement": "select name from place" } });
    world.call("POST", "/queries", &json!({ "slug": "place", "document": document })).await.ok(201);
    world.call("POST", "/queries/place/releases", &json!({ "revision": 1 })).await.ok(200);
    for object in ["/resources/crm", "/queries/place"] {
        instance.grant(&world.admin, object, &ada, "viewer").await;
    }
    // Anybody may make an app and a workflow, and is an administrator there.
    let query = json!({ "resource": "crm", "library": { "query": "place" } });
    let app = json!({ "format": 1, "title": "Mine", "home-page": "home", "pages": { "home": {} }, "queries": { "place": query } });
    let create = json!({ "slug": "mine", "title": "Mine", "document": app });
    instance.call(&ada, "POST", "/apps", &create).await.ok(201);
    instance.call(&ada, "POST", "/apps/mine/releases", &json!({ "revision": 1 })).await.ok(200);
    let mut block = query.clone();
    block["type"] = json!("query");
    let look = json!({ "format": 1, "title": "Look", "start": "look", "blocks": { "look": block } });
    let outer = json!({ "format": 1, "title": "Outer", "start": "call", "blocks": { "call": { "type": "workflow", "workflow": "look" } } });
    for (slug, document) in [("look", &look), ("outer", &outer)] {
        let create = json!({ "slug": slug, "title": slug, "document": document });
        instance.call(&ada, "POST", "/workflows", &create).await.ok(201);
        instance.call(&ada, "POST", &format!("/workflows/{slug}/releases"), &json!({ "revision": 1 })).await.ok(200);
    }
    let mut scheduled = look.clone();
    scheduled["triggers"] = json!({ "nightly": { "type": "schedule", "cron": "0 3 * * *", "environment": "staging" } });
    let code = json!({
        "format": 1, "title": "Code", "start": "code", "queries": { "place": query },
        "blocks": { "code": { "type": "code", "language": "javascript", "source": "return await query('place')" } },
    });
    let create = json!({ "slug": "code", "title": "Code", "document": code });
    instance.call(&ada, "POST", "/workflows", &create).await.ok(201);
    let asked = [
        ("/apps/mine/queries/place/run", json!({})),
        ("/apps/mine/queries/place/run", json!({ "version": "draft" })),
        ("/apps/mine/queries/run", json!({ "query": query })),
        ("/workflows/look/blocks/look/run", json!({})),
        ("/workflows/code/blocks/code/run", json!({})),
        ("/workflows/look/runs", json!({})),
        ("/workflows/outer/runs", json!({})),
    ];
    for (path, body) in &asked {
        let mut there = body.clone();
        there["environment"] = json!("staging");
        let refused = instance.call(&ada, "POST", path, &there).await;
        assert_eq!(refused.problem(), (403, "environment-not-allowed".into()), "{path} {body}");
        if !path.contains("/code/") {
            let usual = instance.call(&ada, "POST", path, body).await;
            assert!(usual.status.is_success(), "{path} {body}: {usual:?}");
        }
    }
    let save = json!({ "revision": 1, "document": scheduled });
    let refused = instance.call(&ada, "PUT", "/workflows/look/draft", &save).await;
    assert_eq!(refused.json()["faults"][0]["path"], "triggers.nightly.environment");
    // Who may write against the resource, or edit the query, builds.
    for object in ["/resources/crm", "/queries/place"] {
        instance.grant(&world.admin, object, &ada, "editor").await;
        for (path, body) in asked.iter().filter(|(path, _)| !path.contains("/code/")) {
            let mut there = body.clone();
            there["environment"] = json!("staging");
            let done = instance.call(&ada, "POST", path, &there).await;
            assert!(done.status.is_success(), "{object} {path} {body}: {done:?}");
        }
        instance.grant(&world.admin, object, &ada, "viewer").await;
    }
}

#[tokio::test]
async fn a_schema_is_read_where_one_may_use_the_environment() {
    let world = World::start().await;
    world.configure_staging().await;
    let ada = world.instance.person(&world.admin, "ada").await;
    world.instance.grant(&world.admin, "/resources/crm", &ada, "editor").await;
    let read =
        async || world.instance.call(&ada, "GET", "/resources/crm/schema?environment=staging", &Value::Null).await;
    assert_eq!(read().await.ok(200)["tables"][0]["name"], "place");
    world.call("POST", "/groups", &json!({ "name": "testers" })).await.ok(201);
    let testers = json!({ "name": "staging", "access": "groups", "groups": ["testers"] });
    world.call("PUT", "/environments/staging", &testers).await.ok(200);
    assert_eq!(read().await.problem(), (403, "environment-not-allowed".into()));
    world.instance.call(&ada, "GET", "/resources/crm/schema", &Value::Null).await.ok(200);
}

#[tokio::test]
async fn a_run_is_repeated_in_its_own_environment_or_not_at_all() {
    let world = World::start().await;
    world.configure_staging().await;
    let document = json!({ "format": 1, "title": "Look", "start": "look", "blocks": { "look": { "type": "response", "body": "1" } } });
    world.call("POST", "/workflows", &json!({ "slug": "look", "title": "Look", "document": document })).await.ok(201);
    world.call("POST", "/workflows/look/releases", &json!({ "revision": 1 })).await.ok(200);
    let started = world.call("POST", "/workflows/look/runs", &json!({ "environment": "staging" })).await.ok(202);
    let rerun = format!("/runs/{}/rerun", started["run"].as_str().expect("an id"));
    world.call("POST", &rerun, &json!({})).await.ok(202);
    let owner = world.instance.own.connect().await;
    owner.batch_execute("update environments set removed_at = now() where name = 'staging'").await.expect("removed");
    world.call("POST", "/environments", &json!({ "name": "staging" })).await.ok(201);
    assert_eq!(world.call("POST", &rerun, &json!({})).await.problem(), (409, "environment-removed".into()));
}

#[tokio::test]
async fn an_environment_in_use_keeps_its_name_and_stays() {
    let world = World::start().await;
    world.configure_staging().await;
    let remove = async |name: &str| world.call("DELETE", &format!("/environments/{name}"), &json!({})).await;
    assert_eq!(remove("production").await.problem(), (409, "default-environment".into()));
    assert_eq!(remove("staging").await.problem(), (409, "in-use".into()));
    // What is bound to it goes by its id, so a resource does not mind another name.
    world.call("PUT", "/environments/staging", &json!({ "name": "trial" })).await.ok(200);
    let seen = world.call("GET", "/resources/crm", &Value::Null).await.ok(200);
    assert_eq!(seen["environments"], json!(["trial"]));
    let mut document = json!({
        "format": 1, "title": "Nightly", "start": "done",
        "triggers": { "nightly": { "type": "schedule", "cron": "0 3 * * *", "environment": "nowhere" } },
        "blocks": { "done": { "type": "response", "body": "environment.name" } },
    });
    let workflow = |document: &Value| json!({ "slug": "nightly", "title": "Nightly", "document": document });
    let refused = world.call("POST", "/workflows", &workflow(&document)).await;
    assert_eq!(refused.json()["faults"][0]["path"], "triggers.nightly.environment");
    document["triggers"]["nightly"]["environment"] = json!("trial");
    world.call("POST", "/workflows", &workflow(&document)).await.ok(201);
    let renamed = world.call("PUT", "/environments/trial", &json!({ "name": "staging" })).await;
    assert_eq!(renamed.problem(), (409, "in-use".into()));
    world.call("DELETE", "/workflows/nightly", &json!({})).await.ok(204);
    world.call("DELETE", "/resources/crm/environments/trial", &json!({})).await.ok(204);
    remove("trial").await.ok(204);
    assert_eq!(remove("trial").await.problem().0, 404);
    world.call("POST", "/environments", &json!({ "name": "trial" })).await.ok(201);
}

#[tokio::test]
async fn settings_of_an_environment_are_tried_and_are_of_the_same_kind() {
    let world = World::start().await;
    let test = json!({ "name": "crm", "environment": "staging", "config": world.staging_config() });
    let without = world.call("POST", "/resources/test", &test).await;
    assert_eq!(without.problem(), (422, "secret-needed".into()), "the secret of production stays there");
    let mut with = test.clone();
    with["secret"] = json!("another");
    world.call("POST", "/resources/test", &with).await.ok(200);
    let other_kind =
        json!({ "config": { "kind": "redis", "host": "127.0.0.1", "port": 6379, "tls": "disabled" }, "secret": "x" });
    let refused = world.call("PUT", "/resources/crm/environments/staging", &other_kind).await;
    assert_eq!(refused.problem(), (422, "document-invalid".into()));
    world.configure_staging().await;
    world.call("POST", "/resources/test", &test).await.ok(200);
    let mut elsewhere = test.clone();
    elsewhere["config"]["host"] = json!("collector.evil.example");
    assert_eq!(world.call("POST", "/resources/test", &elsewhere).await.problem(), (422, "secret-needed".into()));
    let listed = world.call("GET", "/resources/crm/environments", &Value::Null).await.ok(200);
    assert_eq!(listed["environments"][0]["config"]["database"], world.staging.name());
    assert!(!listed.to_string().contains("bh1."), "{listed}");
    let schema = world.call("GET", "/resources/crm/schema?environment=staging", &Value::Null).await.ok(200);
    assert_eq!(schema["tables"][0]["name"], "place");
}

#[tokio::test]
async fn a_run_carries_its_environment() {
    let world = World::start().await;
    world.configure_staging().await;
    let document = json!({
        "format": 1, "title": "Look", "start": "look",
        "blocks": { "look": { "type": "query", "resource": "crm", "statement": "select name, {{ environment.name }}::text as told from place" } },
    });
    world.call("POST", "/workflows", &json!({ "slug": "look", "title": "Look", "document": document })).await.ok(201);
    // A block in the editor, and its plan.
    let body = json!({ "environment": "staging" });
    let found = world.call("POST", "/workflows/look/blocks/look/run", &body).await.ok(200);
    assert_eq!(found["rows"], json!([{ "name": "staging", "told": "staging" }]));
    world.call("POST", "/workflows/look/blocks/look/explain", &body).await.ok(200);
    world.call("POST", "/workflows/look/releases", &json!({ "revision": 1 })).await.ok(200);
    let ada = world.instance.person(&world.admin, "ada").await;
    world.instance.grant(&world.admin, "/workflows/look", &ada, "editor").await;
    let started = world.instance.call(&ada, "POST", "/workflows/look/runs", &body).await.ok(202);
    let run = started["run"].as_str().expect("an id").to_owned();
    let shown = world.call("GET", &format!("/runs/{run}"), &Value::Null).await.ok(200);
    assert_eq!(shown["run"]["environment"], json!({ "name": "staging", "color": "amber", "is_default": false }));
    // While it has not ended, its environment stays.
    world.call("DELETE", "/resources/crm/environments/staging", &json!({})).await.ok(204);
    let removed = world.call("DELETE", "/environments/staging", &json!({})).await;
    assert!(removed.json()["detail"].as_str().expect("text").contains("1 runs"), "{removed:?}");
    let plain = world.instance.as_root(Method::POST, "/workflows/look/runs", &json!({})).await.expect("started");
    let run = plain["run"].as_str().expect("an id").to_owned();
    let shown = world.call("GET", &format!("/runs/{run}"), &Value::Null).await.ok(200);
    assert_eq!(shown["run"]["environment"]["name"], "production");
}

#[tokio::test]
async fn a_query_may_be_for_groups_and_keep_values_from_the_audit_trail() {
    let world = World::with(json!({ "audit-parameters": true })).await;
    let ada = world.instance.person(&world.admin, "ada").await;
    world.call("POST", "/groups", &json!({ "name": "cashiers" })).await.ok(201);
    let query = json!({
        "resource": "crm", "statement": "select name from place where {{ pin.value }}::text <> {{ desk.value }}::text",
        "allowed-groups": ["cashiers"], "hidden-parameters": ["pin.value"],
    });
    world.app(query, &ada).await;
    let run = async || {
        let body = json!({ "parameters": { "pin.value": "canary-1234", "desk.value": "7" } });
        world.instance.call(&ada, "POST", "/apps/places/queries/place/run", &body).await
    };
    let is_allowed = async || {
        let released = world.instance.call(&ada, "GET", "/apps/places/released", &Value::Null).await.ok(200);
        released["document"]["queries"]["place"]["is-allowed"].clone()
    };
    assert_eq!((run().await.problem(), is_allowed().await), ((403, "query-not-allowed".into()), json!(false)));
    world.call("PUT", &format!("/groups/cashiers/members/{}", ada.id), &json!({})).await.ok(204);
    assert_eq!((run().await.ok(200)["row_count"].clone(), is_allowed().await), (json!(1), json!(true)));
    let records = world.instance.database.audit_records(None, 50).await.expect("reads");
    let told: Vec<&Value> = records.iter().map(|record| &record.detail).collect();
    assert!(!json!(told).to_string().contains("canary-1234"));
    let expected = json!({ "desk.value": "7", "pin.value": { "hidden": true } });
    assert!(told.iter().any(|detail| detail["parameters"] == expected), "{told:?}");
    // Of a query that was not saved, nothing says which values are hidden.
    let unsaved = json!({ "query": { "resource": "crm", "statement": "select {{ pin.value }}::text" }, "parameters": { "pin.value": "canary-1234" } });
    world.call("POST", "/apps/places/queries/run", &unsaved).await.ok(200);
    let records = world.instance.database.audit_records(None, 1).await.expect("reads");
    assert_eq!(records[0].detail["parameters"], json!({ "pin.value": { "hidden": true } }));
    let misspelt = json!({ "format": 1, "title": "Places", "home-page": "home", "pages": { "home": {} }, "queries": { "place": {
        "resource": "crm", "statement": "select {{ pin.value }}", "hidden-parameters": ["pni.value"], "allowed-groups": ["none"],
    } } });
    let refused = world.call("PUT", "/apps/places/draft", &json!({ "revision": 1, "document": misspelt })).await;
    assert_eq!(refused.json()["faults"][0]["path"], "queries.place.hidden-parameters.0");
}
