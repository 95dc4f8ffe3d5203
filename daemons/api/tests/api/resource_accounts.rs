//! Accounts of resources, through api, db-connector and oidc-provider: who may connect them, in which session, and what is told.

use bulkhead_test_kit::{CLIENT_SECRET, OidcServer};
use serde_json::{Value, json};

use crate::kit::{Instance, Person};

const REDIRECT_URI: &str = "https://localhost:8443/oauth/callback";

struct Setting {
    instance: Instance,
    provider: OidcServer,
    admin: Person,
    ada: Person,
}

async fn setting(account: &str) -> Setting {
    let (instance, provider) = (Instance::start().await, OidcServer::start(REDIRECT_URI));
    let admin = instance.admin().await;
    let ada = instance.person(&admin, "ada").await;
    let authentication = json!({
        "type": "oauth2-code", "authorization-url": provider.url("/auth"), "token-url": provider.url("/token"),
        "client-id": "bulkhead", "scope": "openid offline_access", "parameters": { "prompt": "consent" }, "account": account,
    });
    let config = json!({ "kind": "rest", "url": provider.url("/api/me"), "authentication": authentication });
    let body = json!({ "name": "crm", "config": config, "secret": CLIENT_SECRET });
    instance.call(&admin, "POST", "/resources", &body).await.ok(201);
    instance.grant(&admin, "/resources/crm", &ada, "viewer").await;
    Setting { instance, provider, admin, ada }
}

impl Setting {
    async fn state(&self, person: &Person) -> Value {
        self.instance.call(person, "GET", "/resources/crm/account", &Value::Null).await.ok(200)
    }

    /// Says yes at the provider; gives what the browser brings back.
    async fn say_yes(&self, person: &Person) -> Value {
        let begun = self.instance.call(person, "POST", "/resources/crm/account/connect", &json!({})).await.ok(200);
        let back = self.provider.visit(begun["url"].as_str().expect("a URL"));
        let query = back.strip_prefix(REDIRECT_URI).expect("sent back").trim_start_matches('?');
        let value =
            |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)).expect("sent back").to_owned();
        json!({ "state": value("state="), "code": value("code=") })
    }

    async fn complete(&self, person: &Person, back: &Value) -> crate::kit::Answer {
        self.instance.call(person, "POST", "/accounts/complete", back).await
    }

    async fn test(&self, person: &Person) -> crate::kit::Answer {
        let stored = self.instance.call(&self.admin, "GET", "/resources/crm", &Value::Null).await.ok(200);
        let body = json!({ "name": "crm", "config": stored["config"] });
        self.instance.call(person, "POST", "/resources/test", &body).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_account_is_for_who_administers_the_resource() {
    let setting = setting("shared").await;
    let (instance, admin, ada) = (&setting.instance, &setting.admin, &setting.ada);
    let unconnected = setting.state(ada).await;
    assert_eq!((&unconnected["is_connected"], &unconnected["may_connect"]), (&json!(false), &json!(false)));
    assert_eq!(unconnected["redirect_uri"], REDIRECT_URI);
    assert_eq!(setting.test(admin).await.problem(), (422, "account-needed".into()));
    for (method, path) in [("POST", "/resources/crm/account/connect"), ("DELETE", "/resources/crm/account")] {
        let refused = instance.call(ada, method, path, &json!({})).await;
        assert_eq!(refused.problem(), (403, "resource-role-too-low".into()), "{method} {path}");
    }

    let back = setting.say_yes(admin).await;
    // Another person, another session of the same person, and then the right one, once.
    assert_eq!(setting.complete(ada, &back).await.problem(), (403, "resource-role-too-low".into()));
    let body = json!({ "email": "root@example.org", "password": crate::kit::PASSWORD });
    let elsewhere = crate::kit::logged_in(instance.post("/api/v1/login", &body).await);
    assert_eq!(setting.complete(&elsewhere, &back).await.problem(), (410, "attempt-over".into()));
    assert_eq!(setting.complete(admin, &back).await.ok(200), json!({ "resource": "crm" }));
    assert_eq!(setting.complete(admin, &back).await.problem(), (410, "attempt-over".into()));
    let connected = setting.state(ada).await;
    assert_eq!((&connected["is_connected"], &connected["connected_by"]), (&json!(true), &json!("root@example.org")));
    assert_eq!(setting.test(admin).await.ok(200), json!({}));

    instance.call(admin, "DELETE", "/resources/crm/account", &json!({})).await.ok(204);
    assert_eq!(setting.state(ada).await["is_connected"], false);
    assert_eq!(setting.test(admin).await.problem(), (422, "account-needed".into()));
    let actions: Vec<_> = instance.audit().await.into_iter().map(|(_, action)| action).collect();
    for action in ["resource.account.begin", "resource.account.connect", "resource.account.disconnect"] {
        assert!(actions.iter().any(|found| found == action), "{action} is not in {actions:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_person_has_an_account_of_their_own_and_nobody_is_shown_a_token() {
    let setting = setting("own").await;
    let (instance, admin, ada) = (&setting.instance, &setting.admin, &setting.ada);
    let stranger = instance.person(admin, "stranger").await;
    let back = setting.say_yes(ada).await;
    let answer = instance.call(&stranger, "POST", "/resources/crm/account/connect", &json!({})).await;
    assert_eq!(answer.problem(), (404, "not-found".into()));
    assert_eq!(setting.complete(ada, &back).await.ok(200), json!({ "resource": "crm" }));
    assert_eq!(
        (setting.state(ada).await["is_connected"].clone(), setting.state(admin).await["is_connected"].clone()),
        (json!(true), json!(false))
    );
    assert_eq!(setting.test(admin).await.problem(), (422, "account-needed".into()), "it is asked as who asks");

    let owner = instance.own.connect().await;
    let sealed: String = owner.query_one("select sealed_tokens from oauth_accounts", &[]).await.expect("reads").get(0);
    assert!(sealed.starts_with("bh1."));
    let (code, state) = (back["code"].as_str().expect("a code"), back["state"].as_str().expect("a state"));
    for path in ["/audit", "/resources/crm/account", "/resources"] {
        let answer = instance.call(admin, "GET", path, &Value::Null).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(
            answer.status.is_success() && !text.contains("bh1.") && !text.contains(code) && !text.contains(state),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_server_sent_back_is_refused() {
    let setting = setting("shared").await;
    let id = setting.instance.call(&setting.admin, "GET", "/resources/crm", &Value::Null).await.ok(200)["id"].clone();
    let states = ["", "x", "x.y", &format!("{}.guess", id.as_str().expect("an id"))];
    for state in states {
        let answer = setting.complete(&setting.admin, &json!({ "state": state, "code": "x" })).await;
        assert_eq!(answer.problem(), (410, "attempt-over".into()), "{state}");
    }
    let nowhere = format!("{}.x", uuid::Uuid::now_v7());
    let answer = setting.complete(&setting.admin, &json!({ "state": nowhere, "code": "x" })).await;
    assert_eq!(answer.problem(), (404, "not-found".into()));
    setting.instance.with_tables().await;
    let answer = setting.instance.call(&setting.admin, "GET", "/resources/tables/account", &Value::Null).await;
    assert_eq!(answer.problem(), (409, "no-account".into()));
}
