//! Accounts, sessions, one-time links, roles.

use bulkhead_model::app::AppDocument;
use bulkhead_model::{Role, UserId};
use bulkhead_store::access::ObjectKind;
use bulkhead_store::api_tokens::{NewApiToken, TokenScope};
use bulkhead_store::identity::{LinkPurpose, Redemption};
use bulkhead_store::session_access::Credential;
use bulkhead_store::sessions::{Device, LogInNeeds};
use bulkhead_store::test_support::{as_role, migrated};
use bulkhead_store::{Database, StoreError};
use uuid::Uuid;

fn redemption(token: &'static [u8]) -> Redemption<'static> {
    Redemption { token_hash: token, password_hash: "hash", account: Some(("ada@example.test", "Ada")) }
}

async fn user(database: &Database, email: &str) -> UserId {
    database.create_user(email, "Somebody", false).await.expect("creates")
}

#[tokio::test]
async fn of_two_first_administrators_at_once_exactly_one_is_made() {
    let (test, _) = migrated().await;
    let database = as_role(&test, "bulkhead-api");
    // Two links can be alive when each was made for another account: here the same purpose, inserted by hand.
    database.create_link(b"one", LinkPurpose::FirstAdmin, None).await.expect("makes");
    let sql = "INSERT INTO one_time_links (token_hash, purpose, expires_at) VALUES ('two', 'first-admin', now() + interval '1 day')";
    test.connect().await.batch_execute(sql).await.expect("inserts");
    let (one, two, again) = (redemption(b"one"), redemption(b"two"), redemption(b"one"));
    let outcomes = tokio::join!(database.redeem_link(&one), database.redeem_link(&two), database.redeem_link(&again));
    let made = [outcomes.0.is_ok(), outcomes.1.is_ok(), outcomes.2.is_ok()].into_iter().filter(|ok| *ok).count();
    assert_eq!(made, 1, "{outcomes:?}");
    assert!(database.has_admin().await.expect("reads"));
}

/// Whose session a cookie of this hash opens.
async fn opens(database: &Database, hash: [u8; 32]) -> Option<UserId> {
    database.identified(Credential::Session(hash)).await.expect("reads").map(|found| found.user.id)
}

#[tokio::test]
async fn a_session_ends_with_log_out_and_with_its_account() {
    let (test, _) = migrated().await;
    let database = as_role(&test, "bulkhead-api");
    let ada = user(&database, "ada@example.test").await;
    let (a, b) = ([1; 32], [2; 32]);
    for id in [a, b] {
        database.create_session(&id, ada, Device::default()).await.expect("opens");
    }
    assert_eq!(opens(&database, a).await, Some(ada));
    database.end_session(&a).await.expect("ends");
    assert_eq!(opens(&database, a).await, None);
    database.update_user(ada, None, None, Some(true)).await.expect("disables");
    assert_eq!(opens(&database, b).await, None);
    database.update_user(ada, None, None, Some(false)).await.expect("enables");
    assert_eq!(opens(&database, b).await, None, "an old session must not come back to life");
}

#[tokio::test]
async fn a_person_ends_their_own_sessions_and_nobody_elses() {
    let (test, _) = migrated().await;
    let database = as_role(&test, "bulkhead-api");
    let (ada, bob) = (user(&database, "ada@example.test").await, user(&database, "bob@example.test").await);
    let device = Device { user_agent: Some("Firefox"), address: Some("192.0.2.7") };
    for (hash, owner) in [([1; 32], ada), ([2; 32], ada), ([3; 32], ada), ([4; 32], bob)] {
        database.create_session(&hash, owner, device).await.expect("opens");
    }
    let sessions = database.sessions(ada, Some(&[1; 32])).await.expect("lists");
    assert_eq!(sessions.len(), 3);
    assert_eq!(sessions.iter().filter(|session| session.is_current).count(), 1);
    assert_eq!(sessions[0].user_agent.as_deref(), Some("Firefox"));
    let of_bob = database.sessions(bob, None).await.expect("lists")[0].id;
    assert!(matches!(database.end_session_of(ada, of_bob).await, Err(StoreError::NotFound { .. })));
    let other = sessions.iter().find(|session| !session.is_current).expect("another").id;
    database.end_session_of(ada, other).await.expect("ends");
    assert_eq!(database.end_sessions(ada, Some(&[1; 32])).await.expect("ends"), 1);
    assert_eq!(opens(&database, [1; 32]).await, Some(ada));
    assert_eq!(database.end_sessions(ada, None).await.expect("ends"), 1);
    assert_eq!((opens(&database, [1; 32]).await, opens(&database, [4; 32]).await), (None, Some(bob)));
}

#[tokio::test]
async fn a_log_in_that_is_not_done_opens_nothing_and_counts_once() {
    let (test, _) = migrated().await;
    let database = as_role(&test, "bulkhead-api");
    let ada = user(&database, "ada@example.test").await;
    let hash = [7; 32];
    database.begin_log_in(&hash, ada, LogInNeeds::Code).await.expect("begins");
    assert_eq!(opens(&database, hash).await, None);
    assert!(database.identified(Credential::Token(hash)).await.expect("reads").is_none());
    let (user, needs) = database.pending_log_in(&hash).await.expect("reads").expect("pends");
    assert_eq!((user.id, needs), (ada, LogInNeeds::Code));
    let (one, two) = tokio::join!(database.end_log_in(&hash), database.end_log_in(&hash));
    assert!(one.expect("ends") ^ two.expect("ends"));
    database.begin_log_in(&hash, ada, LogInNeeds::Code).await.expect("begins");
    database.update_user(ada, None, None, Some(true)).await.expect("disables");
    assert!(database.pending_log_in(&hash).await.expect("reads").is_none());
}

#[tokio::test]
async fn a_step_and_a_recovery_code_count_once_also_for_two_at_once() {
    let (test, _) = migrated().await;
    let database = as_role(&test, "bulkhead-api");
    let ada = user(&database, "ada@example.test").await;
    let id = Uuid::now_v7();
    database.begin_second_factor(id, ada, "sealed").await.expect("begins");
    assert_eq!(database.second_factor(ada).await.expect("reads"), None);
    assert_eq!(database.begun_second_factor(ada).await.expect("reads"), Some(id));
    database.confirm_second_factor(ada, id, 100, &[vec![1; 32], vec![2; 32]]).await.expect("confirms");
    assert_eq!(database.second_factor(ada).await.expect("reads").expect("one").recovery_codes, 2);
    assert!(!database.use_second_factor(id, 100).await.expect("asks"), "the code that confirmed it was used");
    let (one, two) = tokio::join!(database.use_second_factor(id, 101), database.use_second_factor(id, 101));
    assert!(one.expect("asks") ^ two.expect("asks"));
    assert!(!database.use_second_factor(id, 99).await.expect("asks"));
    let code = [1; 32];
    let (one, two) = tokio::join!(database.use_recovery_code(ada, &code), database.use_recovery_code(ada, &code));
    assert!(one.expect("asks") ^ two.expect("asks"));
    // One that was begun in its place changes nothing until it is confirmed.
    let next = Uuid::now_v7();
    database.begin_second_factor(next, ada, "sealed").await.expect("begins");
    assert_eq!(database.second_factor(ada).await.expect("reads").expect("the old one").id, id);
    database.confirm_second_factor(ada, next, 5, &[vec![3; 32]]).await.expect("confirms");
    assert_eq!(database.second_factor(ada).await.expect("reads").expect("the new one").id, next);
    assert!(database.remove_second_factor(ada).await.expect("removes"));
    assert!(!database.use_recovery_code(ada, &[3; 32]).await.expect("asks"));
    let backend = as_role(&test, "bulkhead-workflows-backend");
    assert!(matches!(backend.sealed_second_factor(next).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(database.sealed_second_factor(next).await, Err(StoreError::Refused { .. })), "api cannot read it");
}

#[tokio::test]
async fn a_token_ends_with_its_time_its_owner_and_when_it_is_revoked() {
    let (test, _) = migrated().await;
    let database = as_role(&test, "bulkhead-api");
    let ada = user(&database, "ada@example.test").await;
    let new = |hash: &'static [u8; 32], name| NewApiToken {
        id: Uuid::now_v7(),
        hash,
        user: ada,
        name,
        scope: TokenScope::Read,
        days: 1,
    };
    let known = async |hash: [u8; 32]| database.identified(Credential::Token(hash)).await.expect("reads");
    assert!(database.create_api_token(&new(&[1; 32], "one")).await.expect("makes"));
    assert!(matches!(database.create_api_token(&new(&[2; 32], "one")).await, Err(StoreError::Exists { .. })));
    let found = known([1; 32]).await.expect("lives");
    let token = found.token.expect("a token");
    assert_eq!((found.user.id, token.name.as_str(), token.scope), (ada, "one", TokenScope::Read));
    assert!(database.api_token(Some(ada), token.id).await.expect("reads").last_used_at.is_some());
    assert_eq!(opens(&database, [1; 32]).await, None, "a token is no session");
    database.update_user(ada, None, None, Some(true)).await.expect("disables");
    assert!(known([1; 32]).await.is_none());
    database.update_user(ada, None, None, Some(false)).await.expect("enables");
    test.connect().await.batch_execute("UPDATE api_tokens SET expires_at = now()").await.expect("expires");
    assert!(known([1; 32]).await.is_none());
    assert!(database.create_api_token(&new(&[2; 32], "one")).await.expect("one that expired makes room"));
    let again = database.api_tokens(Some(ada)).await.expect("lists").remove(0).id;
    assert!(matches!(database.api_token(Some(UserId::new()), again).await, Err(StoreError::NotFound { .. })));
    database.revoke_api_token(again).await.expect("revokes");
    assert!(known([2; 32]).await.is_none());
}

#[tokio::test]
async fn an_address_is_one_account_whatever_its_case() {
    let (test, _) = migrated().await;
    let database = as_role(&test, "bulkhead-api");
    user(&database, "ada@example.test").await;
    let again = database.create_user("ADA@example.test", "Ada", false).await;
    assert!(matches!(again, Err(StoreError::Exists { .. })));
    assert!(database.user_for_login("Ada@Example.test").await.expect("reads").is_some());
}

#[tokio::test]
async fn nobody_sees_an_app_without_a_role_on_it() {
    let (test, _) = migrated().await;
    let database = as_role(&test, "bulkhead-api");
    let (ada, bob) = (user(&database, "ada@example.test").await, user(&database, "bob@example.test").await);
    let app = database.create_app("orders", &AppDocument::empty("Orders"), Some(ada)).await.expect("creates");
    let role = async |user, is_admin| {
        database.access(ObjectKind::App, "orders", user, is_admin).await.expect("reads").map(|access| access.role)
    };
    assert_eq!(role(ada, false).await, Some(Role::Admin));
    assert_eq!(role(bob, false).await, None);
    assert_eq!(role(bob, true).await, Some(Role::Admin));
    database.set_grant(ObjectKind::App, app.0, bob, Role::Viewer).await.expect("grants");
    assert_eq!(role(bob, false).await, Some(Role::Viewer));
    assert_eq!(database.apps(bob, false).await.expect("lists").len(), 1);
    database.remove_grant(ObjectKind::App, app.0, bob).await.expect("removes");
    assert!(database.apps(bob, false).await.expect("lists").is_empty());
}
