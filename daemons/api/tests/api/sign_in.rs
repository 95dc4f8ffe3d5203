//! Logging in with a provider, through api, db-connector and oidc-provider: who gets in, in which browser, and who never does.

use bulkhead_test_kit::{CLIENT_SECRET, OidcServer};
use serde_json::{Value, json};

use crate::kit::{Answer, Instance, PASSWORD, Person};

const REDIRECT_URI: &str = "https://localhost:8443/sign-in/callback";

struct Setting {
    instance: Instance,
    provider: OidcServer,
    admin: Person,
}

/// A browser: its cookies.
struct Browser(String);

async fn setting(more: Value) -> Setting {
    let (instance, provider) = (Instance::start().await, OidcServer::start(REDIRECT_URI));
    let admin = instance.admin().await;
    let setting = Setting { instance, provider, admin };
    let body = json!({ "name": "example", "config": setting.config("bulkhead", more), "secret": CLIENT_SECRET });
    setting.instance.call(&setting.admin, "POST", "/sign-in/providers", &body).await.ok(201);
    setting
}

impl Setting {
    fn config(&self, client: &str, more: Value) -> Value {
        let mut config = json!({ "label": "Example", "issuer": self.provider.url(""), "client-id": client, "scope": "email profile groups" });
        for (key, value) in more.as_object().expect("an object") {
            config[key] = value.clone();
        }
        config
    }

    async fn post(&self, cookies: &str, path: &str, body: &Value) -> Answer {
        let headers = [
            ("content-type", "application/json"),
            ("cookie", cookies),
            ("x-bulkhead-csrf", "1"),
            ("sec-fetch-site", "same-origin"),
        ];
        self.instance.send("POST", &format!("/api/v1{path}"), &headers, body.to_string()).await
    }

    /// Goes to the provider and comes back, with what it sent.
    async fn go(&self, session: Option<&Person>, name: &str) -> (Browser, Value) {
        let cookies = session.map_or_else(|| "a=b".to_owned(), |person| person.cookie.clone());
        let begun = self.post(&cookies, &format!("/sign-in/begin/{name}"), &json!({ "adds": session.is_some() })).await;
        let cookie = begun.headers["set-cookie"].to_str().expect("text").to_owned();
        assert!(cookie.contains("; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
        let cookie = cookie.split(';').next().expect("a pair").to_owned();
        let back = self.provider.visit(begun.ok(200)["url"].as_str().expect("a URL"));
        let query = back.strip_prefix(REDIRECT_URI).expect("sent back").trim_start_matches('?');
        let value =
            |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)).expect("sent back").to_owned();
        let iss = value("iss=").replace("%3A", ":").replace("%2F", "/");
        let browser = Browser(session.map_or_else(|| cookie.clone(), |person| format!("{}; {cookie}", person.cookie)));
        (browser, json!({ "state": value("state="), "code": value("code="), "iss": iss }))
    }

    async fn complete(&self, browser: &Browser, back: &Value) -> Answer {
        self.post(&browser.0, "/sign-in/complete", back).await
    }

    async fn log_in(&self, name: &str) -> Answer {
        let (browser, back) = self.go(None, name).await;
        self.complete(&browser, &back).await
    }

    fn is(&self, claims: Value) {
        self.provider.set(&json!({ "person": "ada", "people": { "ada": claims } }).to_string());
    }
}

/// The person whose session was opened, among the cookies that were set.
fn session_of(answer: Answer) -> Person {
    let cookies = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text").to_owned());
    let cookie = cookies
        .filter_map(|line| line.split(';').next().map(str::to_owned))
        .find(|pair| pair.starts_with("__Host-bulkhead="));
    let session = answer.ok(200);
    Person { id: session["user"]["id"].as_str().expect("an id").to_owned(), cookie: cookie.expect("a session") }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_a_domain_join_with_their_first_log_in_and_are_known_by_their_subject() {
    let setting =
        setting(json!({ "domains": ["example.org"], "groups-claim": "groups", "groups": { "finance": "payers" } }))
            .await;
    let group = json!({ "name": "payers" });
    setting.instance.call(&setting.admin, "POST", "/groups", &group).await.ok(201);
    let ways = setting.instance.send("GET", "/api/v1/sign-in", &[], "").await.ok(200);
    assert_eq!(ways, json!({ "providers": [{ "name": "example", "label": "Example" }], "passwords": true }));
    setting
        .is(json!({ "email": "ada@example.org", "email_verified": true, "name": "Ada", "groups": ["finance", "x"] }));
    let ada = session_of(setting.log_in("example").await);
    let session = setting.instance.call(&ada, "GET", "/session", &Value::Null).await.ok(200);
    assert_eq!((&session["user"]["email"], &session["user"]["is_admin"]), (&json!("ada@example.org"), &json!(false)));
    let members =
        setting.instance.call(&setting.admin, "GET", "/groups/payers", &Value::Null).await.ok(200)["members"].clone();
    assert_eq!(members[0]["email"], "ada@example.org");

    // Another address and other groups: still the same person.
    setting.is(json!({ "email": "ada@example.net", "email_verified": true, "groups": [] }));
    assert_eq!(session_of(setting.log_in("example").await).id, ada.id);
    let members =
        setting.instance.call(&setting.admin, "GET", "/groups/payers", &Value::Null).await.ok(200)["members"].clone();
    assert_eq!(members, json!([]));

    setting
        .instance
        .call(&setting.admin, "PATCH", &format!("/users/{}", ada.id), &json!({ "disabled": true }))
        .await
        .ok(200);
    assert_eq!(setting.log_in("example").await.problem(), (403, "sign-in-refused".into()));
    let actions = setting.instance.audit().await;
    for action in ["sign-in.provider.create", "user.login", "user.login.refused"] {
        assert!(actions.iter().any(|(_, found)| found == action), "{action} is not in {actions:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_alone_opens_nobody_s_account() {
    let setting = setting(json!({ "domains": ["example.org"] })).await;
    let ada = setting.instance.person(&setting.admin, "ada").await;
    setting.is(json!({ "email": "Ada@example.org", "email_verified": true }));
    assert_eq!(setting.log_in("example").await.problem(), (409, "address-taken".into()));
    for claims in [
        json!({ "email": "eve@example.org", "email_verified": false }),
        json!({ "email": "eve@example.org" }),
        json!({ "name": "Eve" }),
        json!({ "email": "eve@evil.example", "email_verified": true }),
    ] {
        setting.is(claims.clone());
        assert_eq!(setting.log_in("example").await.problem(), (403, "sign-in-refused".into()), "{claims}");
    }

    // Who is logged in adds the account, and from then on logs in with it.
    setting.is(json!({ "email": "ada@example.org", "email_verified": true }));
    let (browser, back) = setting.go(Some(&ada), "example").await;
    setting.complete(&browser, &back).await.ok(200);
    assert_eq!(session_of(setting.log_in("example").await).id, ada.id);
    let own = setting.instance.call(&ada, "GET", "/account/sign-ins", &Value::Null).await.ok(200)["accounts"].clone();
    assert_eq!((&own[0]["email"], own.as_array().map(Vec::len)), (&json!("ada@example.org"), Some(1)));
    let (browser, back) = setting.go(Some(&setting.admin), "example").await;
    assert_eq!(setting.complete(&browser, &back).await.problem(), (409, "account-taken".into()));
    let named = json!({ "issuer": own[0]["issuer"], "subject": own[0]["subject"] });
    setting.instance.call(&ada, "POST", "/account/sign-ins/remove", &named).await.ok(204);
    assert_eq!(setting.log_in("example").await.problem(), (409, "address-taken".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_counts_once_and_in_its_own_browser() {
    let setting = setting(json!({ "domains": ["example.org"] })).await;
    let (browser, back) = setting.go(None, "example").await;
    let (other, other_back) = setting.go(None, "example").await;
    let over = (410, "attempt-over".to_owned());
    assert_eq!(setting.complete(&other, &back).await.problem(), over, "another browser");
    assert_eq!(setting.complete(&Browser("a=b".to_owned()), &back).await.problem(), over, "no browser");
    let mut foreign = back.clone();
    foreign["iss"] = json!("https://login.evil.example");
    assert_eq!(
        setting.complete(&browser, &foreign).await.problem(),
        (502, "provider-refused".into()),
        "another issuer"
    );
    assert_eq!(setting.complete(&browser, &back).await.problem(), over, "it was used up");
    // A code that was given to one browser, in another one that began by itself.
    let mut stolen = other_back;
    stolen["code"] = back["code"].clone();
    assert_eq!(setting.complete(&other, &stolen).await.problem().0, 502);
    session_of(setting.log_in("example").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_algorithm_that_is_accepted_works_and_no_other_and_new_keys_are_found() {
    let mut setting = setting(json!({ "domains": ["example.org"] })).await;
    for (client, works) in [("es256", true), ("eddsa", true), ("hs256", false)] {
        let body = json!({ "name": client, "config": setting.config(client, json!({ "domains": ["example.org"] })), "secret": CLIENT_SECRET });
        setting.instance.call(&setting.admin, "POST", "/sign-in/providers", &body).await.ok(201);
        let answer = setting.log_in(client).await;
        if works {
            session_of(answer);
        } else {
            assert_eq!(answer.problem(), (502, "provider-refused".into()), "{client}");
        }
    }
    session_of(setting.log_in("example").await);
    let asked = setting.provider.count("keys");
    session_of(setting.log_in("example").await);
    assert_eq!(setting.provider.count("keys"), asked, "kept keys are used");
    setting.provider.server.kill();
    setting.provider.server.run();
    // The keys are of the last minute, and yet the name of the new one is not among them.
    let answer = setting.log_in("example").await;
    assert!(matches!(answer.status.as_u16(), 200 | 502), "{answer:?}");
    assert!(setting.provider.count("keys") <= 1, "they are not asked for without end");
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_can_be_for_administrators_alone() {
    let setting = setting(json!({})).await;
    let ada = setting.instance.person(&setting.admin, "ada").await;
    let switch = json!({ "for_all": false });
    assert_eq!(
        setting.instance.call(&ada, "PUT", "/sign-in/passwords", &switch).await.problem(),
        (403, "administrators-only".into())
    );
    setting.instance.call(&setting.admin, "PUT", "/sign-in/passwords", &switch).await.ok(204);
    let with_password = async |email: &str, password: &str| {
        setting.instance.post("/api/v1/login", &json!({ "email": email, "password": password })).await
    };
    assert_eq!(with_password("ada@example.org", PASSWORD).await.problem(), (403, "passwords-off".into()));
    assert_eq!(with_password("ada@example.org", "something else").await.problem(), (401, "wrong-login".into()));
    with_password("root@example.org", PASSWORD).await.ok(200);
    let user = json!({ "email": "bob@example.org", "name": "Bob" });
    let created = setting.instance.call(&setting.admin, "POST", "/users", &user).await.ok(201);
    let body = json!({ "token": crate::kit::token_of(&created), "password": PASSWORD });
    let redeemed = setting.instance.post("/api/v1/one-time-links/redeem", &body).await;
    assert_eq!(redeemed.problem(), (403, "passwords-off".into()));
    setting.instance.call(&setting.admin, "PUT", "/sign-in/passwords", &json!({ "for_all": true })).await.ok(204);
    with_password("ada@example.org", PASSWORD).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_a_provider_is_sealed_and_follows_no_new_issuer() {
    let setting = setting(json!({})).await;
    let owner = setting.instance.own.connect().await;
    let sealed: String =
        owner.query_one("select sealed_secret from sign_in_providers", &[]).await.expect("reads").get(0);
    assert!(sealed.starts_with("bh1.") && !sealed.contains(CLIENT_SECRET));
    let settings = setting.instance.call(&setting.admin, "GET", "/sign-in/settings", &Value::Null).await;
    assert!(!String::from_utf8_lossy(&settings.body).contains("bh1."));
    let mut config = setting.config("bulkhead", json!({}));
    config["issuer"] = json!("https://login.evil.example");
    let moved =
        setting.instance.call(&setting.admin, "PUT", "/sign-in/providers/example", &json!({ "config": config })).await;
    assert_eq!(moved.problem(), (422, "secret-needed".into()));
    // A document of another issuer than the one that was entered.
    let mut config = setting.config("bulkhead", json!({}));
    config["issuer"] = json!(setting.provider.url("/"));
    let body = json!({ "config": config, "secret": CLIENT_SECRET });
    setting.instance.call(&setting.admin, "PUT", "/sign-in/providers/example", &body).await.ok(200);
    let begun = setting.post("a=b", "/sign-in/begin/example", &json!({})).await;
    assert_eq!(begun.problem(), (502, "provider-refused".into()));
    setting.instance.call(&setting.admin, "DELETE", "/sign-in/providers/example", &json!({})).await.ok(204);
    assert_eq!(setting.post("a=b", "/sign-in/begin/example", &json!({})).await.problem(), (404, "not-found".into()));
}
