//! Accounts, sessions, one-time links, roles.

use bulkhead_model::app::AppDocument;
use bulkhead_model::{Role, UserId};
use bulkhead_store::access::ObjectKind;
use bulkhead_store::identity::{LinkPurpose, Redemption};
use bulkhead_store::test_support::{as_role, migrated};
use bulkhead_store::{Database, StoreError};

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

#[tokio::test]
async fn a_session_ends_with_log_out_and_with_its_account() {
    let (test, _) = migrated().await;
    let database = as_role(&test, "bulkhead-api");
    let ada = user(&database, "ada@example.test").await;
    for id in [b"a", b"b"] {
        database.create_session(id, ada).await.expect("opens");
    }
    assert_eq!(database.session_user(b"a").await.expect("reads").expect("lives").id, ada);
    database.end_session(b"a").await.expect("ends");
    assert!(database.session_user(b"a").await.expect("reads").is_none());
    database.update_user(ada, None, None, Some(true)).await.expect("disables");
    assert!(database.session_user(b"b").await.expect("reads").is_none());
    database.update_user(ada, None, None, Some(false)).await.expect("enables");
    assert!(database.session_user(b"b").await.expect("reads").is_none(), "an old session must not come back to life");
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
