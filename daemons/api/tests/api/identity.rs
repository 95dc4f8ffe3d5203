//! Log-in, sessions, one-time links.

use bulkhead_rpc::RpcError;
use http::Method;
use serde_json::{Value, json};

use crate::kit::{Instance, PASSWORD, logged_in, token_of};

#[tokio::test]
async fn the_first_link_makes_one_administrator_and_works_once() {
    let instance = Instance::start().await;
    let token = instance.admin_token().await;
    let info = instance.post("/api/v1/one-time-links/inspect", &json!({ "token": token })).await.ok(200);
    assert_eq!(info, json!({ "purpose": "first-admin" }));
    let claim = |name: &str| json!({ "token": token, "password": PASSWORD, "email": format!("{name}@example.org"), "name": name });
    let (one, other) = (claim("one"), claim("two"));
    let path = "/api/v1/one-time-links/redeem";
    let (one, other) = tokio::join!(instance.post(path, &one), instance.post(path, &other));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410], "exactly one wins");
    assert_eq!(instance.database.users().await.expect("reads").len(), 1);
    let again = instance.post("/api/v1/one-time-links/inspect", &json!({ "token": token })).await;
    assert_eq!(again.problem(), (410, "link-spent".into()));
    let refused =
        instance.as_root(Method::POST, "/system/admin-link", &json!({})).await.expect_err("an administrator exists");
    assert!(matches!(refused, RpcError::Problem(problem) if problem.code == "admin-exists"));
}

#[tokio::test]
async fn a_refused_password_leaves_the_link_usable() {
    let instance = Instance::start().await;
    let token = instance.admin_token().await;
    let redeem = async |password: &str, email: &str| {
        let body = json!({ "token": token, "password": password, "email": email, "name": "Root" });
        instance.post("/api/v1/one-time-links/redeem", &body).await
    };
    assert_eq!(redeem("short", "root@example.org").await.problem(), (422, "password-refused".into()));
    assert_eq!(redeem("password1234", "root@example.org").await.problem(), (422, "password-refused".into()));
    assert_eq!(redeem(PASSWORD, "no address").await.problem(), (422, "invalid".into()));
    logged_in(redeem(PASSWORD, "root@example.org").await);
}

#[tokio::test]
async fn a_session_opens_by_password_and_ends_at_logout() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let login = json!({ "email": "ROOT@example.org ", "password": PASSWORD });
    let person = logged_in(instance.post("/api/v1/login", &login).await);
    assert_ne!(person.cookie, admin.cookie);
    let session = instance.call(&person, "GET", "/session", &Value::Null).await.ok(200);
    assert_eq!(session["user"]["email"], "root@example.org");
    instance.call(&person, "POST", "/logout", &json!({})).await.ok(204);
    assert_eq!(instance.call(&person, "GET", "/session", &Value::Null).await.problem().0, 401);
    instance.call(&admin, "GET", "/session", &Value::Null).await.ok(200);
    let audit = instance.audit().await;
    for action in ["user.login", "user.logout", "user.link.redeem"] {
        assert!(audit.contains(&("root@example.org".into(), action.into())), "{action}: {audit:?}");
    }
}

#[tokio::test]
async fn wrong_passwords_and_unknown_accounts_look_alike_and_are_limited() {
    let instance = Instance::with(json!({ "limits": { "login-failures-per-minute": 3 } })).await;
    instance.admin().await;
    let login = async |email: &str, password: &str| {
        instance.post("/api/v1/login", &json!({ "email": email, "password": password })).await
    };
    let wrong = login("root@example.org", "wrong password here").await;
    let unknown = login("nobody@example.org", "wrong password here").await;
    assert_eq!(
        (wrong.problem(), wrong.json()["detail"].clone()),
        (unknown.problem(), unknown.json()["detail"].clone())
    );
    assert_eq!(wrong.problem(), (401, "wrong-login".into()));
    for _ in 0..2 {
        assert_eq!(login("root@example.org", "wrong password here").await.status, 401);
    }
    let limited = login("root@example.org", PASSWORD).await;
    assert_eq!(limited.problem(), (429, "too-many-attempts".into()));
    let seconds: u64 = limited.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=61).contains(&seconds));
    assert!(instance.audit().await.contains(&("root@example.org".into(), "user.login.refused".into())));
}

#[tokio::test]
async fn disabling_a_person_ends_their_sessions_at_once() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    instance.call(&ada, "GET", "/session", &Value::Null).await.ok(200);
    let path = format!("/users/{}", ada.id);
    instance.call(&admin, "PATCH", &path, &json!({ "disabled": true })).await.ok(200);
    assert_eq!(instance.call(&ada, "GET", "/session", &Value::Null).await.problem().0, 401);
    let login = json!({ "email": "ada@example.org", "password": PASSWORD });
    assert_eq!(instance.post("/api/v1/login", &login).await.problem().0, 401);
    let own = format!("/users/{}", admin.id);
    assert_eq!(
        instance.call(&admin, "PATCH", &own, &json!({ "is_admin": false })).await.problem(),
        (409, "own-account".into())
    );
}

#[tokio::test]
async fn nobody_raises_their_own_rights() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let own = format!("/users/{}", ada.id);
    assert_eq!(instance.call(&ada, "PATCH", &own, &json!({ "is_admin": true })).await.problem().0, 403);
    let user = json!({ "email": "x@example.org", "name": "x", "is_admin": true });
    assert_eq!(instance.call(&ada, "POST", "/users", &user).await.problem().0, 403);
    let session = instance.call(&ada, "GET", "/session", &Value::Null).await.ok(200);
    assert_eq!(session["user"]["is_admin"], false);
}

#[tokio::test]
async fn root_recovers_an_administrator_by_a_link_that_ends_old_sessions() {
    let instance = Instance::start().await;
    let admin = instance.admin().await;
    let body = json!({ "email": "Root@Example.org" });
    let answer = instance.as_root(Method::POST, "/system/recover-admin", &body).await.expect("a link");
    let link = answer["link"].as_str().expect("a link");
    assert!(link.starts_with("https://localhost:8443/setup?token="), "{link}");
    let info = instance.post("/api/v1/one-time-links/inspect", &json!({ "token": token_of(&answer) })).await.ok(200);
    assert_eq!(info, json!({ "purpose": "recover-admin", "email": "root@example.org" }));
    let redeem = json!({ "token": token_of(&answer), "password": "another long password" });
    let recovered = logged_in(instance.post("/api/v1/one-time-links/redeem", &redeem).await);
    assert_eq!(recovered.id, admin.id);
    assert_eq!(
        instance.call(&admin, "GET", "/session", &Value::Null).await.problem().0,
        401,
        "the old session is over"
    );
    let unknown = instance.as_root(Method::POST, "/system/recover-admin", &json!({ "email": "x@y" })).await;
    assert!(matches!(unknown, Err(RpcError::Problem(problem)) if problem.status == 404));
}
