//! Source Control under the roles of its daemons: api asks and compares, jobs-runner works.

use bulkhead_model::app::AppDocument;
use bulkhead_model::source_control::SourceControlConfig;
use bulkhead_store::StoreError;
use bulkhead_store::source_documents::{Synchronised, UpstreamDocument, Written};
use bulkhead_store::test_support::{as_role, migrated};
use bulkhead_tree::{Document, Key, digest};
use serde_json::json;
use uuid::Uuid;

fn config(url: &str, branch: &str) -> SourceControlConfig {
    SourceControlConfig { url: url.to_owned(), branch: branch.to_owned(), host_key: None }
}

fn key(text: &str) -> Key {
    Key::try_from(text.to_owned()).expect("a key")
}

#[tokio::test]
async fn api_asks_and_compares_and_cannot_read_the_secret() {
    let (test, owner) = migrated().await;
    let api = as_role(&test, "bulkhead-api");
    let id = Uuid::now_v7();
    api.connect_source_control(id, &config("https://git.example/a", "main"), Some("sealed")).await.expect("connected");
    assert_eq!(api.source_control().await.expect("read").expect("one").id, id);
    let refused = api.sealed_source_control().await.expect_err("refused");
    assert!(matches!(refused, StoreError::Refused { .. }), "{refused}");
    let app = api.create_app("refunds", &AppDocument::empty("Refunds"), None).await.expect("an app");
    assert!(api.local_documents().await.expect("read").contains_key(&key("apps/refunds")));
    assert!(api.upstream_documents().await.expect("read").is_empty());
    api.protect_app(app, true).await.expect("protected");
    assert!(api.app_marks(app).await.expect("read").is_protected);

    let asked = api.request_source_control_job("fetch", &json!({}), None).await.expect("asked");
    let claimed = owner.claim_source_control_job().await.expect("claimed").expect("a job");
    assert_eq!((claimed.id, claimed.by), (asked, None));
    owner.finish_source_control_job(asked, Err(("log-in", "refused", &json!({ "said": "no" })))).await.expect("stored");
    let job = api.source_control_job(asked).await.expect("read");
    assert_eq!((job.status.as_str(), job.error), ("failed", Some(("log-in".to_owned(), "refused".to_owned()))));
    assert_eq!(api.source_control_jobs(10).await.expect("read").len(), 1);
    api.disconnect_source_control().await.expect("disconnected");
    assert_eq!(api.source_control().await.expect("read"), None);
}

#[tokio::test]
async fn another_branch_or_repository_forgets_what_was_known() {
    let (_test, database) = migrated().await;
    let id = Uuid::now_v7();
    database.connect_source_control(id, &config("https://git.example/a", "main"), Some("x")).await.expect("connected");
    let there = UpstreamDocument { base: None, upstream: Some("1".into()), files: None, fault: Some("x".into()) };
    let fetched = [(key("apps/a"), there)].into();
    assert!(database.store_fetched(id, Some("abc"), &fetched).await.expect("stored"));
    assert!(!database.store_fetched(Uuid::now_v7(), Some("abc"), &fetched).await.expect("looks"), "of another one");
    database.connect_source_control(id, &config("https://git.example:443/a", "main"), None).await.expect("the same");
    assert_eq!(database.upstream_documents().await.expect("read").len(), 1);
    database.connect_source_control(id, &config("https://git.example/a", "next"), None).await.expect("another branch");
    assert!(database.upstream_documents().await.expect("read").is_empty());
    assert_eq!(database.source_control().await.expect("read").expect("one").head, None);
}

#[tokio::test]
async fn a_pull_is_applied_whole_or_not_at_all() {
    let (_test, database) = migrated().await;
    let app = database.create_app("a", &AppDocument::empty("A"), None).await.expect("an app");
    let write = |name: &str, replaces| {
        let document = Document::App(AppDocument::empty("New"));
        Written { key: key(&format!("apps/{name}")), replaces, document }
    };
    let stale = Synchronised { write: vec![write("b", None), write("a", Some((app.0, 7)))], ..Default::default() };
    assert!(database.synchronise(None, &stale).await.expect_err("refused").to_string().contains("changed meanwhile"));
    assert_eq!(database.local_documents().await.expect("read").len(), 1);

    let base = digest(&Document::App(AppDocument::empty("New")).files());
    let bases = [(key("apps/b"), Some(base.clone()))].into();
    let whole =
        Synchronised { write: vec![write("b", None), write("a", Some((app.0, 1)))], bases, records: Vec::new() };
    database.synchronise(None, &whole).await.expect("applied");
    let local = database.local_documents().await.expect("read");
    assert_eq!((local.len(), local[&key("apps/a")].revision), (2, 2));
    assert_eq!(database.upstream_documents().await.expect("read")[&key("apps/b")].base, Some(base));
}
