//! Accounts by OAuth 2 with a person's consent, against oidc-provider: connected, used, renewed by one of many, refused, forgotten.

use bulkhead_model::{ResourceId, UserId};
use bulkhead_rpc::accounts::{
    BEGIN, BeginAnswer, BeginRequest, COMPLETE, CompleteRequest, DISCONNECT, DisconnectAnswer, DisconnectRequest,
};
use bulkhead_rpc::connector::{QueryRequest, QueryResult};
use bulkhead_rpc::{Problem, RpcError};
use bulkhead_store::sessions::Device;
use bulkhead_test_kit::{CLIENT_SECRET, OidcServer};
use http::Method;
use serde_json::{Value, json};
use url::Url;

use crate::conformance::CANARY;
use crate::kit::{Service, run};
use crate::web::{WebServer, json_reply, redirect};

const REDIRECT_URI: &str = "https://bulkhead.example/oauth/callback";

struct Setting {
    service: Service,
    provider: OidcServer,
    ada: UserId,
    bob: UserId,
}

async fn setting() -> Setting {
    let (service, provider) = (Service::start().await, OidcServer::start(REDIRECT_URI));
    let ada = service.store.create_user("ada@example.org", "Ada", false).await.expect("added");
    let bob = service.store.create_user("bob@example.org", "Bob", false).await.expect("added");
    for user in [ada, bob] {
        service.store.create_session(&session(user), user, Device::default()).await.expect("opened");
    }
    provider.set(r#"{ "people": { "ada": {}, "bob": {}, "team": {} } }"#);
    Setting { service, provider, ada, bob }
}

fn session(user: UserId) -> Vec<u8> {
    user.0.as_bytes().to_vec()
}

impl Setting {
    fn config(&self, client: &str, more: &Value) -> Value {
        let mut authentication = json!({
            "type": "oauth2-code", "authorization-url": self.provider.url("/auth"), "token-url": self.provider.url("/token"),
            "client-id": client, "scope": "openid offline_access", "parameters": { "prompt": "consent" },
        });
        for (key, value) in more.as_object().expect("an object") {
            authentication[key] = value.clone();
        }
        json!({ "kind": "rest", "url": self.provider.url("/api"), "authentication": authentication })
    }

    async fn resource(&self, more: Value) -> ResourceId {
        self.service.add_any(self.config("bulkhead", &more), Some(CLIENT_SECRET)).await
    }

    async fn begin(&self, resource: ResourceId, person: UserId) -> Result<String, Problem> {
        let session = hex::encode(session(person));
        let request = BeginRequest { resource, person, session, redirect_uri: REDIRECT_URI.to_owned() };
        let begun: Result<BeginAnswer, _> = self.service.client.call(Method::POST, BEGIN, &request).await;
        begun.map(|answer| answer.url).map_err(problem)
    }

    /// Says yes as `who`, and gives what the provider sends back.
    async fn say_yes(&self, resource: ResourceId, person: UserId, who: &str) -> CompleteRequest {
        self.provider.set(&json!({ "person": who }).to_string());
        let back = self.provider.visit(&self.begin(resource, person).await.expect("begun"));
        let back = Url::parse(&back).expect("a URL");
        let value = |name: &str| back.query_pairs().find(|(key, _)| key == name).expect("sent back").1.into_owned();
        CompleteRequest {
            state: value("state"),
            code: value("code"),
            person,
            session: hex::encode(session(person)),
            redirect_uri: REDIRECT_URI.to_owned(),
        }
    }

    async fn complete(&self, request: &CompleteRequest) -> Result<(), Problem> {
        let done: Result<Value, _> = self.service.client.call(Method::POST, COMPLETE, request).await;
        done.map(|_| ()).map_err(problem)
    }

    async fn connect(&self, resource: ResourceId, person: UserId, who: &str) {
        let back = self.say_yes(resource, person, who).await;
        self.complete(&back).await.expect("connected");
    }

    async fn ask(&self, resource: ResourceId, person: Option<UserId>) -> Result<QueryResult, Problem> {
        let request = self.service.operation(resource, json!({ "do": "request", "path": "/me" }), json!({}));
        self.service.run(&QueryRequest { asked_by: person, ..request }).await
    }

    /// Who the API behind the tokens says that asks, and with which token.
    async fn who(&self, resource: ResourceId, person: Option<UserId>) -> (String, String) {
        let data = self.ask(resource, person).await.expect("runs").data.expect("data");
        let text = |key: &str| data[key].as_str().expect("text").to_owned();
        (text("who"), text("token"))
    }

    async fn code(&self, resource: ResourceId, person: Option<UserId>) -> String {
        self.ask(resource, person).await.expect_err("refused").code
    }
}

fn problem(error: RpcError) -> Problem {
    match error {
        RpcError::Problem(problem) => *problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_account_serves_everybody_and_is_gone_when_it_is_disconnected() {
    let setting = setting().await;
    let resource = setting.resource(json!({})).await;
    let needed = setting.ask(resource, Some(setting.bob)).await.expect_err("not connected");
    assert_eq!((needed.status, needed.code.as_str(), needed.resource.is_some()), (422, "account-needed", true));
    setting.connect(resource, setting.ada, "team").await;
    let (who, token) = setting.who(resource, Some(setting.bob)).await;
    assert_eq!(who, "team");
    assert_eq!(setting.who(resource, None).await, (who, token), "workflows too, and with the same token");
    assert_eq!(setting.provider.count("refresh_token"), 0);

    let request = DisconnectRequest { resource, user: None };
    let gone = async || -> DisconnectAnswer {
        setting.service.client.call(Method::POST, DISCONNECT, &request).await.expect("told")
    };
    assert!(gone().await.existed && !gone().await.existed);
    assert_eq!(setting.code(resource, Some(setting.ada)).await, "account-needed", "the very next request");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_person_asks_as_themselves_and_workflows_as_nobody() {
    let setting = setting().await;
    let resource = setting.resource(json!({ "account": "own" })).await;
    setting.connect(resource, setting.ada, "ada").await;
    assert_eq!(setting.code(resource, Some(setting.bob)).await, "account-needed");
    setting.connect(resource, setting.bob, "bob").await;
    for (person, name) in [(setting.ada, "ada"), (setting.bob, "bob"), (setting.ada, "ada")] {
        assert_eq!(setting.who(resource, Some(person)).await.0, name);
    }
    assert_eq!(setting.code(resource, None).await, "account-unusable");

    // Nor are results of one person given to another.
    let mut request = setting.service.operation(resource, json!({ "do": "request", "path": "/me" }), json!({}));
    request.cache_seconds = 60;
    for (person, name, is_cached) in
        [(setting.ada, "ada", false), (setting.bob, "bob", false), (setting.ada, "ada", true)]
    {
        let request = QueryRequest { asked_by: Some(person), ..request.clone() };
        let result = setting.service.run(&request).await.expect("runs");
        assert_eq!((result.data.expect("data")["who"].as_str(), result.cached), (Some(name), is_cached));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_used_once_however_many_ask_in_however_many_replicas() {
    let setting = setting().await;
    let resource = setting.resource(json!({})).await;
    setting.connect(resource, setting.ada, "team").await;
    let (_, first) = setting.who(resource, None).await;
    let replica = setting.service.replica();
    setting.service.end_tokens().await;
    // Long enough for all of them to come.
    setting.provider.set(r#"{ "delay": 500 }"#);
    let request = setting.service.operation(resource, json!({ "do": "request", "path": "/me" }), json!({}));
    let here = (0..8).map(|_| setting.service.run(&request));
    let there = (0..8).map(|_| run(&replica, &request));
    let (here, there) = tokio::join!(futures_util::future::join_all(here), futures_util::future::join_all(there));
    let token = |result: Result<QueryResult, Problem>| {
        result.expect("runs").data.expect("data")["token"].as_str().expect("text").to_owned()
    };
    let mut tokens: Vec<_> = here.into_iter().chain(there).map(token).collect();
    tokens.dedup();
    assert!(tokens.len() == 1 && tokens[0] != first, "{tokens:?}, {first}");
    assert_eq!(setting.provider.count("refresh_token"), 1);
    // The provider takes the second use of a refresh token for a theft, and ends the account.
    assert_eq!(setting.who(resource, None).await.0, "team");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_owner_took_back_has_to_be_connected_again() {
    let setting = setting().await;
    let resource = setting.resource(json!({})).await;
    setting.connect(resource, setting.ada, "team").await;
    setting.provider.revoke();
    setting.service.end_tokens().await;
    let problem = setting.ask(resource, None).await.expect_err("refused");
    assert_eq!(problem.code, "account-needed");
    assert!(problem.detail.contains("no longer lets the account in"), "{}", problem.detail);
    let asked = setting.provider.count("api");
    assert_eq!(setting.code(resource, None).await, "account-needed");
    assert_eq!(setting.provider.count("api"), asked, "and is not tried again");
    setting.connect(resource, setting.ada, "team").await;
    assert_eq!(setting.who(resource, None).await.0, "team");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_a_successor_ends() {
    let setting = setting().await;
    setting.provider.set(r#"{ "givesRefreshTokens": false }"#);
    let resource = setting.resource(json!({})).await;
    setting.connect(resource, setting.ada, "team").await;
    setting.service.end_tokens().await;
    let problem = setting.ask(resource, None).await.expect_err("ended");
    assert!(problem.code == "account-needed" && problem.detail.contains("none to renew it with"), "{}", problem.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_show_their_secret_as_the_settings_say_or_have_none() {
    let setting = setting().await;
    let in_form = setting.config("in-form", &json!({ "secret-in-form": true }));
    for (config, secret) in [(in_form, Some(CLIENT_SECRET)), (setting.config("public", &json!({})), None)] {
        let resource = setting.service.add_any(config, secret).await;
        setting.connect(resource, setting.ada, "team").await;
        assert_eq!(setting.who(resource, None).await.0, "team");
    }
    let wrong = setting.service.add_any(setting.config("bulkhead", &json!({})), Some(CANARY)).await;
    let back = setting.say_yes(wrong, setting.ada, "team").await;
    let problem = setting.complete(&back).await.expect_err("refused");
    assert!(problem.code == "resource-log-in" && problem.detail.contains("invalid_client"), "{}", problem.detail);
    assert!(!problem.detail.contains(CANARY) && !problem.detail.contains(&back.code), "{}", problem.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_counts_once_for_who_was_sent_and_for_the_settings_then() {
    let setting = setting().await;
    let resource = setting.resource(json!({})).await;
    let back = setting.say_yes(resource, setting.ada, "team").await;
    let others = [
        CompleteRequest { person: setting.bob, session: hex::encode(session(setting.bob)), ..back.clone() },
        CompleteRequest { state: format!("{}x", back.state), ..back.clone() },
        CompleteRequest { code: String::new(), ..back.clone() },
        CompleteRequest { session: "no digits".to_owned(), ..back.clone() },
    ];
    for other in others {
        assert_eq!(setting.complete(&other).await.expect_err("refused").code, "attempt-over");
    }
    setting.complete(&back).await.expect("connected");
    assert_eq!(setting.complete(&back).await.expect_err("twice").code, "attempt-over");

    // A code that was given to somebody else's attempt does not fit the verifier of this one.
    let (mine, theirs) = (setting.resource(json!({})).await, setting.resource(json!({})).await);
    let theirs = setting.say_yes(theirs, setting.bob, "bob").await;
    let mine = CompleteRequest { code: theirs.code, ..setting.say_yes(mine, setting.ada, "ada").await };
    let problem = setting.complete(&mine).await.expect_err("refused");
    assert!(problem.detail.contains("invalid_grant"), "{}", problem.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_result_ends_with_its_account() {
    let setting = setting().await;
    let resource = setting.resource(json!({})).await;
    let request = setting.service.operation(resource, json!({ "do": "request", "path": "/me" }), json!({}));
    let request = QueryRequest { cache_seconds: 600, ..request };
    let who = async || {
        let result = setting.service.run(&request).await.expect("runs");
        (result.data.expect("data")["who"].as_str().expect("text").to_owned(), result.cached)
    };
    setting.connect(resource, setting.ada, "team").await;
    assert_eq!((who().await, who().await), (("team".to_owned(), false), ("team".to_owned(), true)));
    setting.connect(resource, setting.ada, "bob").await;
    assert_eq!((who().await, who().await), (("bob".to_owned(), false), ("bob".to_owned(), true)));
    let gone = DisconnectRequest { resource, user: None };
    let _: DisconnectAnswer = setting.service.client.call(Method::POST, DISCONNECT, &gone).await.expect("disconnected");
    assert_eq!(setting.service.run(&request).await.expect_err("refused").code, "account-needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_do_not_follow_a_resource_to_another_server() {
    let setting = setting().await;
    let resource = setting.resource(json!({})).await;
    setting.connect(resource, setting.ada, "team").await;
    let elsewhere = WebServer::start(|_| json_reply(200, &json!({ "who": "thief" }))).await;
    let mut config = setting.config("bulkhead", &json!({}));
    config["url"] = json!(elsewhere.url("/"));
    let moved = serde_json::from_value(config).expect("settings");
    let sealed = setting.service.sealed(resource, CLIENT_SECRET);
    setting.service.store.update_resource((resource, 1), &moved, Some(&sealed)).await.expect("moved");
    let problem = setting.ask(resource, None).await.expect_err("refused");
    assert!(problem.code == "account-needed" && problem.detail.contains("settings have changed"), "{}", problem.detail);
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_url_that_redirects_is_told_without_what_it_adds() {
    let setting = setting().await;
    let server = WebServer::start(|_| redirect(302, "https://other.example/token?code=canary-7f3a#canary-7f3a")).await;
    let token_url = json!({ "token-url": server.url("/token") });
    let resource = setting.resource(token_url).await;
    let back = setting.say_yes(resource, setting.ada, "team").await;
    let problem = setting.complete(&back).await.expect_err("refused");
    assert!(problem.detail.contains("https://other.example/token,"), "{}", problem.detail);
    assert!(!problem.detail.contains(CANARY), "{}", problem.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_to_say_yes_is_asked_with_pkce_and_a_state_that_names_the_resource_alone() {
    let setting = setting().await;
    let resource = setting.resource(json!({ "parameters": { "access_type": "offline&x" } })).await;
    let url = Url::parse(&setting.begin(resource, setting.ada).await.expect("begun")).expect("a URL");
    let value = |name: &str| {
        let values: Vec<_> =
            url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect();
        assert_eq!(values.len(), 1, "{name}: {values:?}");
        values.into_iter().next().expect("one")
    };
    assert_eq!((value("code_challenge_method"), value("code_challenge").len()), ("S256".to_owned(), 43));
    assert_eq!((value("redirect_uri"), value("access_type")), (REDIRECT_URI.to_owned(), "offline&x".to_owned()));
    assert!(value("state").starts_with(&format!("{resource}.")) && value("state").len() == 36 + 1 + 43);
    let plain = setting.service.add_any(json!({ "kind": "rest", "url": setting.provider.url("/api") }), None).await;
    assert_eq!(setting.begin(plain, setting.ada).await.expect_err("refused").code, "operation-invalid");
}
