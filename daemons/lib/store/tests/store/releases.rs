//! Drafts and releases.

use bulkhead_model::app::AppDocument;
use bulkhead_store::StoreError;
use bulkhead_store::test_support::{as_role, migrated};

#[tokio::test]
async fn a_save_over_somebody_elses_is_refused() {
    let (test, _) = migrated().await;
    let database = as_role(&test, "bulkhead-api");
    let app = database.create_app("orders", &AppDocument::empty("Orders"), None).await.expect("creates");
    let draft = database.app_draft(app).await.expect("reads");
    let revision = database.save_app_draft(app, draft.revision, &AppDocument::empty("One")).await.expect("saves");
    let stale = database.save_app_draft(app, draft.revision, &AppDocument::empty("Two")).await;
    assert!(matches!(stale, Err(StoreError::Changed { .. })));
    let now = database.app_draft(app).await.expect("reads");
    assert_eq!((now.revision, now.document.title.as_str()), (revision, "One"));
}

#[tokio::test]
async fn a_release_never_changes_and_rollback_is_a_pointer() {
    let (test, _) = migrated().await;
    let database = as_role(&test, "bulkhead-api");
    let app = database.create_app("orders", &AppDocument::empty("One"), None).await.expect("creates");
    assert_eq!(database.app_released_version(app).await.expect("reads"), None);
    assert_eq!(database.release_app(app, 1, None, "").await.expect("releases"), 1);
    let revision = database.save_app_draft(app, 1, &AppDocument::empty("Two")).await.expect("saves");
    assert!(matches!(database.release_app(app, 1, None, "").await, Err(StoreError::Changed { .. })));
    assert_eq!(database.release_app(app, revision, None, "").await.expect("releases"), 2);
    assert_eq!(database.app_release(app, 1).await.expect("reads").title, "One");
    database.restore_app_release(app, 1).await.expect("restores");
    assert_eq!(database.app_released_version(app).await.expect("reads"), Some(1));
    assert!(matches!(database.restore_app_release(app, 3).await, Err(StoreError::NotFound { .. })));
    database.delete_app(app).await.expect("deletes with its releases");
}
