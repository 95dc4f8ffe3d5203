//! Folders, favourites, who edits, usage.

use bulkhead_model::app::AppDocument;
use bulkhead_model::{AppId, FolderId, UserId};
use bulkhead_store::Database;
use bulkhead_store::access::ObjectKind;
use bulkhead_store::app_life::UsageCount;
use bulkhead_store::test_support::{as_role, migrated};
use uuid::Uuid;

async fn person(database: &Database, name: &str) -> UserId {
    database.create_user(&format!("{name}@example.org"), name, false).await.expect("creates")
}

async fn app(database: &Database, by: UserId) -> AppId {
    database.create_app("orders", &AppDocument::empty("Orders"), Some(by)).await.expect("creates")
}

#[tokio::test]
async fn folders_and_tags_are_everybodys_and_favourites_ones_own() {
    let (test, _) = migrated().await;
    let database = as_role(&test, "bulkhead-api");
    let (ada, bob) = (person(&database, "ada").await, person(&database, "bob").await);
    let app = app(&database, ada).await;
    let (sales, orders) = (FolderId::new(), FolderId::new());
    database.create_folder(sales, (None, "Sales"), Some(ada)).await.expect("asks").expect("makes");
    database.create_folder(orders, (Some(sales), "Orders"), Some(ada)).await.expect("asks").expect("makes");
    database.move_object(ObjectKind::App, app.0, Some(orders)).await.expect("moves");
    database.label_app(app, &["daily".to_owned()]).await.expect("labels");
    database.mark_app(app, ada, true).await.expect("marks");
    database.mark_app(app, ada, true).await.expect("marks twice");
    let of = async |user, is_admin| {
        let apps = database.apps(user, is_admin).await.expect("lists");
        apps.into_iter().map(|app| (app.listed.folder, app.tags, app.is_favourite)).collect::<Vec<_>>()
    };
    let labels = ("Sales/Orders".to_owned(), vec!["daily".to_owned()]);
    assert_eq!(of(ada, false).await, [(labels.0.clone(), labels.1.clone(), true)]);
    assert_eq!(of(bob, true).await, [(labels.0, labels.1, false)]);
    assert_eq!(of(bob, false).await, []);
}

#[tokio::test]
async fn one_window_edits_until_it_leaves_is_taken_over_or_has_gone() {
    let (test, _) = migrated().await;
    let database = as_role(&test, "bulkhead-api");
    let (ada, bob) = (person(&database, "ada").await, person(&database, "bob").await);
    let app = app(&database, ada).await;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    let hold = async |user, tab, takes_over| database.hold_app(app, user, tab, takes_over).await.expect("holds");
    let held = hold(ada, first, false).await;
    assert_eq!((held.user, held.name.as_str(), held.tab), (ada, "ada", first));
    assert_eq!(hold(bob, second, false).await, held, "the second one is told who it is");
    assert_eq!(hold(ada, first, false).await, held, "a heartbeat keeps the beginning");
    assert_eq!(hold(bob, second, true).await.user, bob);
    assert_eq!(hold(ada, first, false).await.tab, second, "who was taken over from learns it");
    // Nobody leaves for another one.
    database.leave_app(app, ada, second).await.expect("leaves");
    assert_eq!(hold(ada, first, false).await.tab, second);
    let client = test.connect().await;
    client.execute("UPDATE app_editors SET seen_at = now() - interval '61 seconds'", &[]).await.expect("ages");
    assert_eq!(hold(ada, first, false).await.user, ada);
    database.leave_app(app, ada, first).await.expect("leaves");
    assert_eq!(hold(bob, second, false).await.user, bob);
}

#[tokio::test]
async fn usage_adds_up_by_day_and_passes_by_what_is_gone() {
    let (test, _) = migrated().await;
    let database = as_role(&test, "bulkhead-api");
    let ada = person(&database, "ada").await;
    let app = app(&database, ada).await;
    let count = |opens, query_runs| UsageCount { opens, query_runs };
    database.count_app_usage(&[(app, count(2, 7)), (AppId::new(), count(1, 1))]).await.expect("counts");
    database.count_app_usage(&[(app, count(1, 0))]).await.expect("counts");
    let usage = database.app_usage(app).await.expect("reads");
    assert_eq!(usage.iter().map(|day| (day.opens, day.query_runs)).collect::<Vec<_>>(), [(3, 7)]);
    database.delete_app(app).await.expect("deletes with all that belongs to it");
}

#[tokio::test]
async fn a_release_says_what_it_changes() {
    let (test, _) = migrated().await;
    let database = as_role(&test, "bulkhead-api");
    let ada = person(&database, "ada").await;
    let app = app(&database, ada).await;
    database.release_app(app, 1, Some(ada), "First cut").await.expect("releases");
    let releases = database.app_releases(app).await.expect("lists");
    assert_eq!((releases[0].notes.as_str(), releases[0].released_by.as_deref()), ("First cut", Some("ada")));
}
