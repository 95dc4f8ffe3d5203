//! Accounts of resources: attempts end once and where they began, tokens are renewed by one of many, and api reads none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bulkhead_model::resource::ResourceConfig;
use bulkhead_model::{ResourceId, UserId};
use bulkhead_store::oauth::{NewOauthAccount, OauthAttempt, Renewal, SealedTokens};
use bulkhead_store::sessions::Device;
use bulkhead_store::test_support::{as_role, migrated};
use bulkhead_store::{Database, StoreError};
use bulkhead_test_kit::TestDatabase;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

struct Setting {
    test: TestDatabase,
    api: Database,
    connector: Database,
    resource: ResourceId,
    ada: UserId,
    bob: UserId,
}

async fn setting() -> Setting {
    let (test, _) = migrated().await;
    let (api, connector) = (as_role(&test, "bulkhead-api"), as_role(&test, "bulkhead-db-connector"));
    let resource = ResourceId::new();
    let config = serde_json::json!({ "kind": "rest", "url": "https://api.example.com" });
    let config: ResourceConfig = serde_json::from_value(config).expect("settings");
    api.create_resource(resource, "crm", &config, None, false).await.expect("saved");
    let ada = api.create_user("ada@example.org", "Ada", false).await.expect("added");
    let bob = api.create_user("bob@example.org", "Bob", false).await.expect("added");
    for (session, user) in [(b"ada", ada), (b"bob", bob)] {
        api.create_session(session, user, Device::default()).await.expect("opened");
    }
    Setting { test, api, connector, resource, ada, bob }
}

fn tokens(sealed: &str) -> SealedTokens {
    SealedTokens { sealed: sealed.to_owned(), good_until: OffsetDateTime::now_utc() + Duration::hours(1) }
}

impl Setting {
    async fn begin(&self, state: &[u8], user: Option<UserId>) {
        let attempt = OauthAttempt {
            state_hash: state,
            resource: self.resource,
            user,
            session_hash: b"ada",
            settings_hash: b"settings",
            sealed_verifier: "bh1.verifier",
        };
        self.connector.begin_oauth(&attempt).await.expect("begun");
    }

    async fn connect(&self, user: Option<UserId>) -> Uuid {
        let id = Uuid::now_v7();
        let new = NewOauthAccount {
            id,
            resource: self.resource,
            user,
            connected_by: self.ada,
            settings_hash: b"settings",
            tokens: tokens("bh1.one"),
        };
        self.connector.connect_oauth_account(&new).await.expect("stored");
        id
    }
}

#[tokio::test]
async fn an_attempt_ends_once_in_its_session_and_within_ten_minutes() {
    let setting = setting().await;
    let end = async |state: &[u8], session: &[u8], person| {
        setting.connector.end_oauth(state, session, person).await.expect("asked")
    };
    setting.begin(b"one", Some(setting.ada)).await;
    assert_eq!(end(b"one", b"bob", setting.bob).await, None, "another session");
    assert_eq!(end(b"one", b"ada", setting.bob).await, None, "another person");
    assert_eq!(end(b"other", b"ada", setting.ada).await, None, "another state");
    let ended = end(b"one", b"ada", setting.ada).await.expect("ends");
    assert_eq!((ended.resource, ended.user), (setting.resource, Some(setting.ada)));
    assert_eq!(end(b"one", b"ada", setting.ada).await, None, "twice");

    setting.begin(b"two", None).await;
    setting.begin(b"three", None).await;
    assert_eq!(end(b"two", b"ada", setting.ada).await, None, "another one took its place");
    let client = setting.test.connect().await;
    client.batch_execute("UPDATE oauth_attempts SET expires_at = now() - interval '1 second'").await.expect("aged");
    assert_eq!(end(b"three", b"ada", setting.ada).await, None, "too old");

    setting.begin(b"four", None).await;
    setting.api.end_session(b"ada").await.expect("ended");
    assert_eq!(end(b"four", b"ada", setting.ada).await, None, "its session is over");
}

#[tokio::test]
async fn of_many_who_renew_at_once_one_asks_and_all_get_what_it_was_given() {
    let setting = setting().await;
    let id = setting.connect(None).await;
    // As two replicas have them.
    let (one, two) = (as_role(&setting.test, "bulkhead-db-connector"), as_role(&setting.test, "bulkhead-db-connector"));
    let asked = Arc::new(AtomicU32::new(0));
    let renewals = (0..8).map(|number| {
        let (database, asked) = (if number % 2 == 0 { one.clone() } else { two.clone() }, Arc::clone(&asked));
        tokio::spawn(async move {
            let renew = |_| async move {
                asked.fetch_add(1, Ordering::SeqCst);
                Ok::<_, ()>(Renewal::Given(tokens("bh1.two")))
            };
            database.renew_oauth_account(id, 1, renew).await.expect("asked").expect("renewed")
        })
    });
    for renewal in renewals.collect::<Vec<_>>() {
        let account = renewal.await.expect("ends");
        assert_eq!((account.version, account.sealed_tokens.as_str()), (2, "bh1.two"));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_renewal_that_fails_changes_nothing_and_one_that_is_refused_is_the_last() {
    let setting = setting().await;
    let id = setting.connect(Some(setting.ada)).await;
    let failed = setting.connector.renew_oauth_account(id, 1, |_| async { Err("down") }).await.expect("asked");
    assert_eq!(failed, Err("down"));
    let refused = setting.connector.renew_oauth_account(id, 1, |_| async { Ok::<_, ()>(Renewal::Refused) }).await;
    assert!(refused.expect("asked").expect("told").is_refused);
    let again = setting.connector.renew_oauth_account(id, 2, |_| async { Err("asked again") }).await.expect("asked");
    assert!(again.expect("not asked").is_refused);
    let state =
        setting.api.oauth_account_state(setting.resource, Some(setting.ada)).await.expect("reads").expect("there");
    assert_eq!((state.is_refused, state.connected_by.as_deref()), (true, Some("ada@example.org")));

    setting.connect(Some(setting.ada)).await;
    let state =
        setting.api.oauth_account_state(setting.resource, Some(setting.ada)).await.expect("reads").expect("there");
    assert!(!state.is_refused, "a new one took its place");
}

#[tokio::test]
async fn accounts_are_apart_go_with_their_owner_and_api_reads_no_token() {
    let setting = setting().await;
    let (resource, ada, bob) = (setting.resource, setting.ada, setting.bob);
    let shared = setting.connect(None).await;
    let own = setting.connect(Some(ada)).await;
    let id = async |user| setting.connector.oauth_account(resource, user).await.expect("reads").map(|found| found.id);
    assert_eq!((id(None).await, id(Some(ada)).await, id(Some(bob)).await), (Some(shared), Some(own), None));
    assert!(matches!(setting.api.oauth_account(resource, None).await, Err(StoreError::Refused { .. })));
    assert!(setting.connector.disconnect_oauth_account(resource, None).await.expect("asked"));
    assert!(!setting.connector.disconnect_oauth_account(resource, None).await.expect("asked"));
    setting.api.delete_resource(resource).await.expect("deleted");
    assert_eq!(id(Some(ada)).await, None);
}
