//! Secrets for code: sealed on the way in, never read back, granted by administrators.

use bulkhead_seal::{Place, SealPrivateKey};
use serde_json::{Value, json};

use crate::kit::Instance;

const CANARY: &str = "canary-51be-token";

#[tokio::test]
async fn a_value_is_sealed_for_the_backend_and_appears_nowhere_again() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let body = json!({ "name": "apiToken", "value": CANARY });
    let created = instance.call(&admin, "POST", "/secrets", &body).await;
    assert!(!String::from_utf8_lossy(&created.body).contains(CANARY));
    let created = created.ok(201);
    assert_eq!((created["updated_by"].clone(), created["workflows"].clone()), (json!("Root"), json!([])));
    assert_eq!(instance.call(&admin, "POST", "/secrets", &body).await.problem(), (409, "exists".into()));
    for path in ["/secrets", "/audit"] {
        let answer = instance.call(&admin, "GET", path, &Value::Null).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status.is_success() && !text.contains(CANARY) && !text.contains("bh1."), "{path}");
    }

    instance.call(&admin, "PUT", "/secrets/apiToken", &json!({ "value": "another" })).await.ok(200);
    let owner = instance.own.connect().await;
    let row = owner.query_one("select id::text, sealed from secrets", &[]).await.expect("reads");
    let (id, sealed): (String, String) = (row.get(0), row.get(1));
    let key = std::fs::read_to_string(instance.directory.path().join("seal.key")).expect("the key");
    let key = SealPrivateKey::from_text(&key).expect("a key");
    let place = Place { table: "secrets", row: &id, field: "sealed" };
    assert_eq!(key.open(&place, &sealed).expect("opens").as_slice(), b"another");

    instance.call(&admin, "DELETE", "/secrets/apiToken", &json!({})).await.ok(204);
    assert_eq!(instance.call(&admin, "DELETE", "/secrets/apiToken", &json!({})).await.problem().0, 404);
    let audit = instance.audit().await;
    for action in ["secret.create", "secret.update", "secret.delete"] {
        assert!(audit.contains(&("root@example.org".into(), action.into())), "{action}: {audit:?}");
    }
}

#[tokio::test]
async fn a_secret_is_granted_to_workflows_that_exist() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    for slug in ["one", "two"] {
        instance.call(&admin, "POST", "/workflows", &json!({ "slug": slug, "title": slug })).await.ok(201);
    }
    let body = json!({ "name": "apiToken", "value": "x", "workflows": ["one"] });
    let created = instance.call(&admin, "POST", "/secrets", &body).await.ok(201);
    assert_eq!(created["workflows"], json!([{ "slug": "one", "title": "one" }]));
    let grant = async |workflows: Value| {
        instance.call(&admin, "PUT", "/secrets/apiToken/grants", &json!({ "workflows": workflows })).await
    };
    let granted = grant(json!(["two", "one"])).await.ok(200);
    assert_eq!(granted["workflows"].as_array().map(Vec::len), Some(2));
    let refused = grant(json!(["one", "nowhere"])).await;
    assert_eq!(refused.problem(), (422, "invalid".into()));
    assert_eq!(refused.json()["faults"][0]["path"], "workflows.1");
    assert_eq!(grant(json!([])).await.ok(200)["workflows"], json!([]));
    assert_eq!(
        instance.call(&admin, "PUT", "/secrets/other/grants", &json!({ "workflows": [] })).await.problem().0,
        404
    );
}

#[tokio::test]
async fn secrets_are_for_administrators_alone() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let body = json!({ "name": "apiToken", "value": "x" });
    instance.call(&admin, "POST", "/secrets", &body).await.ok(201);
    for (method, path, body) in [
        ("GET", "/secrets", Value::Null),
        ("POST", "/secrets", body),
        ("PUT", "/secrets/apiToken", json!({ "value": "x" })),
        ("DELETE", "/secrets/apiToken", json!({})),
        ("PUT", "/secrets/apiToken/grants", json!({ "workflows": [] })),
    ] {
        let answer = instance.call(&ada, method, path, &body).await;
        assert_eq!(answer.problem(), (403, "administrators-only".into()), "{method} {path}");
    }
}

#[tokio::test]
async fn a_bad_name_or_value_is_refused_with_its_place() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    for (name, value) in [("a-b", "x"), ("return", "x"), ("a", ""), ("a", &*"x".repeat(64 * 1024 + 1))] {
        let answer = instance.call(&admin, "POST", "/secrets", &json!({ "name": name, "value": value })).await;
        assert_eq!(answer.problem(), (422, "invalid".into()), "{name}");
    }
    let largest = json!({ "name": "a", "value": "x".repeat(64 * 1024) });
    instance.call(&admin, "POST", "/secrets", &largest).await.ok(201);
}

#[tokio::test]
async fn an_installation_without_the_key_says_how_to_get_it() {
    let instance = Instance::with(json!({ "keys": { "workflows-backend": "/nonexistent/key.pub" } })).await;
    let admin = instance.admin().await;
    let answer = instance.call(&admin, "POST", "/secrets", &json!({ "name": "a", "value": CANARY })).await;
    assert_eq!(answer.problem(), (409, "seal-key-missing".into()));
    assert!(answer.json()["detail"].as_str().expect("text").contains("bulkheadctl setup"));
    assert_eq!(instance.call(&admin, "GET", "/secrets", &Value::Null).await.ok(200)["secrets"], json!([]));
}
