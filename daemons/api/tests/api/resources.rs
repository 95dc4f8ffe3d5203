//! Resources: sealed on the way in, never read back, bound to their destination.

use serde_json::{Value, json};

use crate::kit::Instance;

const CANARY: &str = "canary-9f2d-password";

#[tokio::test]
async fn a_secret_is_sealed_and_appears_nowhere_again() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let body = json!({ "name": "crm", "config": instance.tables_config(), "secret": CANARY });
    let created = instance.call(&admin, "POST", "/resources", &body).await;
    assert!(!String::from_utf8_lossy(&created.body).contains(CANARY));
    assert_eq!(created.ok(201)["has_secret"], true);
    for path in ["/resources", "/resources/crm", "/audit"] {
        let answer = instance.call(&admin, "GET", path, &Value::Null).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status.is_success() && !text.contains(CANARY) && !text.contains("bh1."), "{path}");
    }
    let owner = instance.own.connect().await;
    let sealed: String = owner.query_one("select sealed_secret from resources", &[]).await.expect("reads").get(0);
    assert!(sealed.starts_with("bh1.") && !sealed.contains(CANARY));
    let schema = instance.call(&admin, "GET", "/resources/crm/schema", &Value::Null).await.ok(200);
    assert_eq!(schema["tables"], json!([]));
}

#[tokio::test]
async fn a_secret_follows_no_new_destination() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let config = instance.tables_config();
    let body = json!({ "name": "crm", "config": config, "secret": CANARY });
    instance.call(&admin, "POST", "/resources", &body).await.ok(201);
    let mut elsewhere = config.clone();
    elsewhere["host"] = json!("collector.evil.example");
    let update = json!({ "config": elsewhere });
    assert_eq!(instance.call(&admin, "PUT", "/resources/crm", &update).await.problem(), (422, "secret-needed".into()));
    let mut another_word = config.clone();
    another_word["ca-certificate"] = json!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let update = json!({ "config": another_word });
    assert_eq!(instance.call(&admin, "PUT", "/resources/crm", &update).await.problem(), (422, "secret-needed".into()));
    let test = json!({ "name": "crm", "config": elsewhere });
    assert_eq!(instance.call(&admin, "POST", "/resources/test", &test).await.problem(), (422, "secret-needed".into()));
    let mut renamed = config;
    renamed["user"] = json!("another");
    instance.call(&admin, "PUT", "/resources/crm", &json!({ "config": renamed })).await.ok(200);
    instance.call(&admin, "DELETE", "/resources/crm", &json!({})).await.ok(204);
}

#[tokio::test]
async fn the_key_of_a_client_certificate_is_sealed_with_the_secret() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let mut config = instance.tables_config();
    config["tls"] = json!("verify-full");
    config["client-certificate"] = json!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let key = format!("-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n");
    let body =
        |secret: Value, key: Value| json!({ "name": "crm", "config": config, "secret": secret, "client_key": key });
    for (secret, key) in [(json!("x"), Value::Null), (Value::Null, Value::Null)] {
        let refused = instance.call(&admin, "POST", "/resources", &body(secret, key)).await;
        assert_eq!(refused.problem(), (422, "secret-needed".into()));
    }
    let created = instance.call(&admin, "POST", "/resources", &body(Value::Null, json!(key))).await.ok(201);
    assert_eq!(created["has_secret"], true);
    for path in ["/resources/crm", "/audit"] {
        let answer = instance.call(&admin, "GET", path, &Value::Null).await;
        assert!(!String::from_utf8_lossy(&answer.body).contains(CANARY), "{path}");
    }
    let secret_alone = json!({ "config": config, "secret": "x" });
    let refused = instance.call(&admin, "PUT", "/resources/crm", &secret_alone).await;
    assert_eq!(refused.problem(), (422, "secret-needed".into()));
    let same = json!({ "config": config });
    instance.call(&admin, "PUT", "/resources/crm", &same).await.ok(200);
    let wrong = instance.call(&admin, "POST", "/resources/test", &json!({ "name": "crm", "config": config })).await;
    assert_eq!(wrong.problem(), (502, "resource-client-certificate".into()), "{}", wrong.json());
    assert!(!wrong.json().to_string().contains(CANARY));
    let mut shown = config.clone();
    shown["client-certificate"] = json!(key);
    let refused = instance.call(&admin, "PUT", "/resources/crm", &json!({ "config": shown })).await;
    assert_eq!(refused.problem(), (422, "document-invalid".into()));
    let mut none = config;
    none.as_object_mut().expect("an object").remove("client-certificate");
    let needless = json!({ "config": none, "client_key": key });
    assert_eq!(
        instance.call(&admin, "PUT", "/resources/crm", &needless).await.problem(),
        (422, "secret-needed".into())
    );
}

#[tokio::test]
async fn settings_are_tried_before_they_are_saved() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let works = json!({ "config": instance.tables_config(), "secret": "x" });
    assert_eq!(instance.call(&admin, "POST", "/resources/test", &works).await.ok(200), json!({}));
    let mut config = instance.tables_config();
    config["database"] = json!("no_such_database");
    let fails = instance.call(&admin, "POST", "/resources/test", &json!({ "config": config, "secret": "x" })).await;
    assert!(fails.problem().0 >= 400, "{fails:?}");
    assert!(fails.json()["detail"].as_str().expect("text").contains("no_such_database"), "{}", fails.json());
    config["host"] = json!("/run/postgresql");
    let socket = instance.call(&admin, "POST", "/resources/test", &json!({ "config": config, "secret": "x" })).await;
    assert_eq!(socket.problem(), (422, "document-invalid".into()));
}

#[tokio::test]
async fn the_built_in_resource_is_for_all_viewers_and_changes_by_setup_alone() {
    let instance = Instance::start().await;
    instance.with_tables().await;
    let again = json!({ "name": "tables", "config": instance.tables_config(), "secret": "rotated" });
    instance.as_root(http::Method::PUT, "/system/built-in-resource", &again).await.expect("setup may run twice");
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let seen = instance.call(&ada, "GET", "/resources", &Value::Null).await.ok(200);
    assert_eq!(seen["resources"][0]["name"], "tables");
    assert_eq!(seen["resources"][0]["role"], "viewer");
    assert_eq!(seen["resources"][0].get("config"), None, "a viewer does not see where it is");
    let update = json!({ "config": instance.tables_config(), "secret": "x" });
    assert_eq!(instance.call(&admin, "PUT", "/resources/tables", &update).await.problem(), (409, "built-in".into()));
    assert_eq!(
        instance.call(&admin, "DELETE", "/resources/tables", &json!({})).await.problem(),
        (409, "built-in".into())
    );
    assert_eq!(instance.call(&ada, "GET", "/resources/tables/schema", &Value::Null).await.problem().0, 403);
    assert_eq!(instance.call(&ada, "POST", "/resources", &json!({})).await.problem().0, 403);
}

#[tokio::test]
async fn a_missing_key_of_the_connector_stores_nothing() {
    let instance = Instance::with(json!({ "keys": { "db-connector": "/nonexistent/key.pub" } })).await;
    let admin = instance.admin().await;
    let body = json!({ "name": "crm", "config": instance.tables_config(), "secret": CANARY });
    let answer = instance.call(&admin, "POST", "/resources", &body).await;
    assert_eq!(answer.problem(), (500, "internal".into()));
    assert!(
        instance.call(&admin, "GET", "/resources", &Value::Null).await.ok(200)["resources"]
            .as_array()
            .expect("a list")
            .is_empty()
    );
}

#[tokio::test]
async fn what_uses_a_resource_is_told_to_who_may_see_it() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let body = json!({ "name": "crm", "config": instance.tables_config(), "secret": CANARY });
    instance.call(&admin, "POST", "/resources", &body).await.ok(201);
    let none = instance.call(&admin, "GET", "/resources/crm/usage", &Value::Null).await.ok(200);
    assert_eq!(none, json!({ "uses": [], "hidden": 0 }));
    let mut app = instance.call(&admin, "POST", "/apps", &json!({ "slug": "orders", "title": "Orders" })).await.ok(201);
    app["draft"]["queries"] = json!({ "load": { "resource": "crm", "statement": "select 1" } });
    let save = json!({ "revision": 1, "document": app["draft"] });
    instance.call(&admin, "PUT", "/apps/orders/draft", &save).await.ok(200);
    // A name in a text is no use of a resource.
    let flow = json!({ "slug": "other", "title": "crm" });
    instance.call(&admin, "POST", "/workflows", &flow).await.ok(201);
    let used = instance.call(&admin, "GET", "/resources/crm/usage", &Value::Null).await.ok(200);
    let orders = json!({ "kind": "app", "slug": "orders", "title": "Orders", "is_released": false });
    assert_eq!(used, json!({ "uses": [orders], "hidden": 0 }));
    // An editor of the resource who has no role on the app learns that there is one, and no more.
    let ada = instance.person(&admin, "ada").await;
    instance.grant(&admin, "/resources/crm", &ada, "editor").await;
    let seen = instance.call(&ada, "GET", "/resources/crm/usage", &Value::Null).await.ok(200);
    assert_eq!(seen, json!({ "uses": [], "hidden": 1 }));
}

#[tokio::test]
async fn a_resource_that_needs_no_secret_is_tried_without_one() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let config = json!({ "kind": "redis", "host": "no-such-host.invalid", "tls": "disabled" });
    let tried = instance.call(&admin, "POST", "/resources/test", &json!({ "config": config })).await;
    assert_eq!(tried.problem(), (502, "resource-unreachable".into()));
    let needs = json!({ "config": instance.tables_config() });
    assert_eq!(instance.call(&admin, "POST", "/resources/test", &needs).await.problem(), (422, "secret-needed".into()));
}
