//! Sets of libraries: built once each, by whoever claims them; used while another build is under way.

use bulkhead_model::workflow::{Language, WorkflowDocument};
use bulkhead_model::{LibraryImage, LibraryNames, LibraryPackage, LibrarySet};
use bulkhead_store::library_sets::{BuildStatus, BuiltLibraries};
use bulkhead_store::test_support::{as_role, migrated};
use bulkhead_store::{Database, StoreError};
use bulkhead_test_kit::TestDatabase;
use serde_json::json;

struct Roles {
    test: TestDatabase,
    api: Database,
    jobs: Database,
    backend: Database,
}

async fn roles() -> Roles {
    let (test, _) = migrated().await;
    let role = |name| as_role(&test, name);
    let (api, jobs, backend) = (role("bulkhead-api"), role("bulkhead-jobs-runner"), role("bulkhead-workflows-backend"));
    Roles { api, jobs, backend, test }
}

fn python(lock: &str) -> LibrarySet {
    LibrarySet { language: Language::Python, lock: lock.to_owned(), preload: vec!["numpy".to_owned()] }
}

fn built(digit: char) -> BuiltLibraries {
    let image: LibraryImage = digit.to_string().repeat(64).parse().expect("an image");
    let packages = vec![LibraryPackage { name: "numpy".into(), version: "2.1.0".into() }];
    BuiltLibraries { image, packages, bytes: 1 << 20 }
}

fn science() -> LibraryNames {
    serde_json::from_value(json!({ "python": "science" })).expect("names")
}

#[tokio::test]
async fn a_set_is_claimed_by_one_and_ready_when_it_is_built() {
    let Roles { test: _test, api, jobs, backend } = roles().await;
    let id = api.create_library_set("science", &python("numpy"), None).await.expect("adds");
    let taken = api.create_library_set("science", &python("numpy"), None).await;
    assert!(matches!(taken, Err(StoreError::Exists { .. })));
    let (one, two) = tokio::join!(jobs.claim_library_build(), jobs.claim_library_build());
    let claims: Vec<_> = [one.expect("claims"), two.expect("claims")].into_iter().flatten().collect();
    assert_eq!(claims.len(), 1, "one builds it");
    assert_eq!((claims[0].id, claims[0].generation, &claims[0].set), (id, 1, &python("numpy")));
    assert_eq!(backend.library_images(&science()).await.expect("reads").python, None);

    assert!(jobs.finish_library_build(id, 1, Ok(&built('a')), "did\0it").await.expect("stores"));
    assert!(!jobs.finish_library_build(id, 1, Err("late"), "").await.expect("drops"), "the first result counts");

    let set = api.library_set("science").await.expect("reads");
    assert_eq!(
        (set.listed.status, set.listed.packages.len(), set.listed.bytes),
        (BuildStatus::Ready, 1, Some(1 << 20))
    );
    assert_eq!((set.log.as_str(), set.error), ("did\u{2400}it", None));
    assert_eq!(backend.library_images(&science()).await.expect("reads").python, Some(built('a').image));
    let other_language = serde_json::from_value(json!({ "javascript": "science" })).expect("names");
    assert_eq!(backend.library_images(&other_language).await.expect("reads").javascript, None);
    assert_eq!(jobs.claim_library_build().await.expect("claims"), None);
}

#[tokio::test]
async fn a_result_for_an_older_lock_is_dropped_and_the_old_image_stays_until_another_build_works() {
    let Roles { test: _test, api, jobs, backend } = roles().await;
    let id = api.create_library_set("science", &python("one"), None).await.expect("adds");
    let first = jobs.claim_library_build().await.expect("claims").expect("one");
    assert!(jobs.finish_library_build(id, first.generation, Ok(&built('a')), "").await.expect("stores"));
    api.request_library_build(id).await.expect("asks");
    let second = jobs.claim_library_build().await.expect("claims").expect("one");
    api.replace_library_set(id, "two", &[], None).await.expect("replaces");
    assert!(!jobs.finish_library_build(id, second.generation, Ok(&built('b')), "").await.expect("drops"));

    let third = jobs.claim_library_build().await.expect("claims").expect("one");
    assert_eq!((third.set.lock.as_str(), third.generation), ("two", 3));
    let log = "x".repeat(300 * 1024);
    assert!(jobs.finish_library_build(id, 3, Err("no such version"), &log).await.expect("stores"));

    let set = api.library_set("science").await.expect("reads");
    assert_eq!((set.listed.status, set.error.as_deref()), (BuildStatus::Failed, Some("no such version")));
    assert!(set.log.starts_with("[the beginning is left out]") && set.log.len() < 260 * 1024);
    assert_eq!(backend.library_images(&science()).await.expect("reads").python, Some(built('a').image));
}

#[tokio::test]
async fn a_build_whose_builder_is_gone_is_given_out_again() {
    let Roles { test, api, jobs, .. } = roles().await;
    let id = api.create_library_set("science", &python("numpy"), None).await.expect("adds");
    jobs.claim_library_build().await.expect("claims").expect("one");
    assert_eq!(jobs.claim_library_build().await.expect("claims"), None);
    let later = "UPDATE library_sets SET started_at = now() - interval '16 minutes'";
    test.connect().await.batch_execute(later).await.expect("waits");
    assert_eq!(jobs.claim_library_build().await.expect("claims").map(|build| build.id), Some(id));
}

#[tokio::test]
async fn a_set_that_a_workflow_uses_is_not_deleted() {
    let Roles { test: _test, api, .. } = roles().await;
    let id = api.create_library_set("science", &python("numpy"), None).await.expect("adds");
    let mut document = WorkflowDocument::starter("Report");
    document.libraries = science();
    let workflow = api.create_workflow("report", &document, None).await.expect("creates");
    assert_eq!(api.delete_library_set(id).await.expect("asks"), Err(vec!["report".to_owned()]));
    api.release_workflow(workflow, 1, None).await.expect("releases");
    api.save_workflow_draft(workflow, 1, &WorkflowDocument::starter("Report")).await.expect("saves");
    assert_eq!(api.delete_library_set(id).await.expect("asks"), Err(vec!["report".to_owned()]), "released");
    api.release_workflow(workflow, 2, None).await.expect("releases");
    assert_eq!(api.delete_library_set(id).await.expect("deletes"), Ok(()));
    assert!(matches!(api.delete_library_set(id).await, Err(StoreError::NotFound { .. })));
}
