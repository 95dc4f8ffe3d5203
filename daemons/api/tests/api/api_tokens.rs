//! Tokens: shown once, never more than their owner, gone at once.

use serde_json::{Value, json};

use crate::kit::{Instance, Person, with_token};

async fn make(instance: &Instance, person: &Person, name: &str, scope: &str) -> (String, String) {
    let body = json!({ "name": name, "scope": scope });
    let made = instance.call(person, "POST", "/account/tokens", &body).await.ok(201);
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    (text(&made["secret"]), text(&made["token"]["id"]))
}

#[tokio::test]
async fn a_token_acts_as_its_owner_and_is_audited_by_its_name() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let (token, _) = make(&instance, &ada, "nightly export", "all").await;
    assert!(token.starts_with("bh_"), "{token}");
    let app = json!({ "slug": "by-token", "title": "T" });
    // No header of a browser is asked for.
    with_token(&instance, &token, "POST", "/apps", &app).await.ok(201);
    let records = instance.call(&admin, "GET", "/audit", &Value::Null).await.ok(200);
    let made = records["records"].as_array().expect("records").iter().find(|record| record["action"] == "app.create");
    let made = made.expect("it is on record");
    assert_eq!((&made["actor"], &made["detail"]["token"]), (&json!("ada@example.org"), &json!("nightly export")));
    // Its owner's rights at the time of use, never more.
    assert_eq!(with_token(&instance, &token, "GET", "/users", &Value::Null).await.problem().0, 403);
    let path = format!("/users/{}", ada.id);
    instance.call(&admin, "PATCH", &path, &json!({ "is_admin": true })).await.ok(200);
    with_token(&instance, &token, "GET", "/users", &Value::Null).await.ok(200);
    instance.call(&admin, "PATCH", &path, &json!({ "is_admin": false })).await.ok(200);
    assert_eq!(with_token(&instance, &token, "GET", "/users", &Value::Null).await.problem().0, 403);
    instance.call(&admin, "PATCH", &path, &json!({ "disabled": true })).await.ok(200);
    assert_eq!(
        with_token(&instance, &token, "GET", "/apps", &Value::Null).await.problem(),
        (401, "wrong-token".into())
    );
}

#[tokio::test]
async fn a_token_is_kept_as_a_hash_and_listed_without_it() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let (token, id) = make(&instance, &ada, "one", "read").await;
    with_token(&instance, &token, "GET", "/apps", &Value::Null).await.ok(200);
    for (person, path) in [(&ada, "/account/tokens"), (&admin, "/tokens"), (&admin, "/audit")] {
        let answer = instance.call(person, "GET", path, &Value::Null).await;
        assert!(!String::from_utf8_lossy(&answer.body).contains(&token[3..]), "{path}");
        if path != "/audit" {
            let found = answer.ok(200)["tokens"][0].clone();
            assert_eq!((&found["name"], &found["email"]), (&json!("one"), &json!("ada@example.org")));
            assert!(found["last_used_at"].is_string());
        }
    }
    let owner = instance.own.connect().await;
    let sql = "select id_hash = sha256(convert_to($1, 'UTF8')), t::text from api_tokens t";
    let row = owner.query_one(sql, &[&token]).await.expect("reads");
    assert!(row.get::<_, bool>(0) && !row.get::<_, String>(1).contains(&token[3..20]));
    // Another person's is not theirs to revoke; an administrator revokes any.
    let path = format!("/account/tokens/{id}");
    assert_eq!(instance.call(&admin, "DELETE", &path, &json!({})).await.problem().0, 404);
    instance.call(&admin, "DELETE", &format!("/tokens/{id}"), &json!({})).await.ok(204);
    assert_eq!(
        with_token(&instance, &token, "GET", "/apps", &Value::Null).await.problem(),
        (401, "wrong-token".into())
    );
}

#[tokio::test]
async fn a_bearer_counts_alone_and_a_bad_one_is_refused() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let (token, id) = make(&instance, &ada, "one", "all").await;
    let session = async |authorization: &str, cookie: &str| {
        let headers = [("authorization", authorization), ("cookie", cookie)];
        instance.send("GET", "/api/v1/session", &headers, "").await
    };
    let bearer = format!("Bearer {token}");
    assert_eq!(session(&bearer, &admin.cookie).await.ok(200)["user"]["email"], "ada@example.org");
    for bad in ["Bearer x", &format!("{bearer}x"), &bearer.replace("bh_", "bh-")] {
        let answer = session(bad, &admin.cookie).await;
        assert_eq!(answer.problem(), (401, "wrong-token".into()), "{bad}");
    }
    // What asks for a cookie of its own finds none beside a bearer.
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str()), ("cookie", &admin.cookie)];
    let adds = instance.send("POST", "/api/v1/sign-in/begin/x", &headers, r#"{"adds":true}"#).await;
    assert_eq!(adds.problem(), (401, "no-session".into()));
    let text = [("content-type", "text/plain"), ("authorization", bearer.as_str())];
    assert_eq!(instance.send("POST", "/api/v1/apps", &text, "{}").await.problem(), (415, "not-json".into()));
    instance.call(&ada, "DELETE", &format!("/account/tokens/{id}"), &json!({})).await.ok(204);
    assert_eq!(session(&bearer, &admin.cookie).await.problem(), (401, "wrong-token".into()));
}

#[tokio::test]
async fn names_terms_and_numbers_of_tokens_have_limits() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let create = async |body: Value| instance.call(&admin, "POST", "/account/tokens", &body).await;
    for (body, at) in [
        (json!({ "name": " ", "scope": "all" }), "name"),
        (json!({ "name": "x".repeat(81), "scope": "all" }), "name"),
        (json!({ "name": "x", "scope": "all", "days": 0 }), "days"),
        (json!({ "name": "x", "scope": "all", "days": 367 }), "days"),
    ] {
        let refused = create(body).await;
        assert_eq!(refused.problem(), (422, "invalid".into()));
        assert_eq!(refused.json()["faults"][0]["path"], at);
    }
    assert_eq!(create(json!({ "name": "x", "scope": "admin" })).await.problem().0, 422);
    assert_eq!(create(json!({ "name": "x", "scope": "all", "is_admin": true })).await.problem().0, 422);
    for number in 0..50 {
        create(json!({ "name": format!("t{number}"), "scope": "read" })).await.ok(201);
    }
    assert_eq!(create(json!({ "name": "t0", "scope": "read" })).await.problem().0, 409);
    assert_eq!(create(json!({ "name": "more", "scope": "read" })).await.problem(), (409, "too-many-tokens".into()));
}
