//! Settings of resources and providers: what was judged by a revision is written over that one alone.

use bulkhead_model::{EnvironmentId, ResourceId};
use bulkhead_store::environments::EnvironmentSettings;
use bulkhead_store::test_support::{as_role, migrated};
use bulkhead_store::{Database, StoreError};
use serde_json::json;
use uuid::Uuid;

fn config<T: serde::de::DeserializeOwned>(host: &str) -> T {
    let config = json!({ "kind": "postgresql", "host": host, "port": 5432, "database": "crm", "user": "crm", "tls": "disabled" });
    serde_json::from_value(config).expect("settings")
}

fn is_changed(written: Result<(), StoreError>) -> bool {
    matches!(written, Err(StoreError::Changed { .. }))
}

#[tokio::test]
async fn a_secret_stays_with_the_settings_that_it_was_judged_by() {
    let (test, _) = migrated().await;
    let api = as_role(&test, "bulkhead-api");
    let id = ResourceId::new();
    api.create_resource(id, "crm", &config("one"), Some("bh1.one"), false).await.expect("adds");
    let read = api.resource(id).await.expect("reads").revision;
    api.update_resource((id, read), &config("two"), Some("bh1.two")).await.expect("changes");
    assert!(is_changed(api.update_resource((id, read), &config("one"), None).await));
    let stored = api.resource(id).await.expect("reads");
    assert_eq!((stored.config, stored.sealed_secret.as_deref()), (config("two"), Some("bh1.two")));
}

#[tokio::test]
async fn a_secret_of_an_environment_does_too() {
    let (test, _) = migrated().await;
    let api = as_role(&test, "bulkhead-api");
    let (id, staging) = (ResourceId::new(), EnvironmentId::new());
    api.create_resource(id, "crm", &config("one"), None, false).await.expect("adds");
    let settings =
        EnvironmentSettings { name: "staging", color: Default::default(), access: Default::default(), groups: &[] };
    assert!(api.create_environment(staging, &settings, 20).await.expect("adds"));
    let revision = async |api: &Database| api.environment_settings(id).await.expect("reads")[0].revision;
    let put = async |read: Option<i64>, host: &str, secret: Option<&str>| {
        api.put_environment_settings((id, staging), read, &config(host), secret).await
    };
    put(None, "one", Some("bh1.one")).await.expect("puts");
    assert!(is_changed(put(None, "two", Some("bh1.two")).await), "there are some by now");
    let read = revision(&api).await;
    put(Some(read), "two", Some("bh1.two")).await.expect("changes");
    assert!(is_changed(put(Some(read), "one", None).await));
    let read = revision(&api).await;
    put(Some(read), "two", None).await.expect("keeps the secret");
    // Removed and made anew, they are others.
    let read = revision(&api).await;
    api.delete_environment_settings(id, staging).await.expect("removes");
    assert!(is_changed(put(Some(read), "one", None).await));
    put(None, "one", None).await.expect("puts");
    assert!(is_changed(put(Some(read), "two", None).await));
}

#[tokio::test]
async fn a_secret_of_a_provider_does_too_and_attempts_make_room() {
    let (test, _) = migrated().await;
    let api = as_role(&test, "bulkhead-api");
    let id = Uuid::now_v7();
    let config = |issuer: &str| {
        serde_json::from_value(json!({ "label": "Corp", "issuer": issuer, "client-id": "bulkhead" })).expect("settings")
    };
    api.create_sign_in_provider(id, "corp", &config("https://one.example"), Some("bh1.one")).await.expect("adds");
    let read = api.sign_in_provider("corp").await.expect("reads").revision;
    let two = config("https://two.example");
    api.update_sign_in_provider((id, read), &two, Some("bh1.two")).await.expect("changes");
    assert!(is_changed(api.update_sign_in_provider((id, read), &config("https://one.example"), None).await));
    assert_eq!(api.sign_in_provider("corp").await.expect("reads").config, two);

    // As many as there may be: the next is let in, and the first of them is out.
    let owner = test.connect().await;
    let fill = format!(
        "insert into sign_in_attempts (state_hash, browser_hash, provider_id, expires_at)
         select decode(lpad(to_hex(n), 64, '0'), 'hex'), '\\x00', '{id}', now() + interval '5 minutes' + n * interval '1 millisecond'
         from generate_series(1, 10000) n"
    );
    owner.batch_execute(&fill).await.expect("filled");
    api.begin_sign_in(&[7; 32], &[8; 32], id, None).await.expect("begins");
    let left = "select count(*), min(encode(state_hash, 'hex')) = lpad('2', 64, '0') from sign_in_attempts";
    let row = owner.query_one(left, &[]).await.expect("counts");
    assert_eq!((row.get::<_, i64>(0), row.get::<_, bool>(1)), (10_000, true));
    assert!(api.end_sign_in(&[7; 32], &[8; 32]).await.expect("ends").is_some());
}
