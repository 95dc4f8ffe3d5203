//! Folders, roles by groups and by folders, owners that stay, and labels of the api of the version before.

use bulkhead_model::app::AppDocument;
use bulkhead_model::{AppId, FolderId, Role, UserId};
use bulkhead_store::access::ObjectKind;
use bulkhead_store::folders::{FolderRefusal, MAX_PATH};
use bulkhead_store::sharing::Way;
use bulkhead_store::test_support::{as_role, migrated};
use bulkhead_store::{Database, StoreError};
use bulkhead_test_kit::TestDatabase;
use uuid::Uuid;

use ObjectKind::{App, Folder};

struct World {
    test: TestDatabase,
    database: Database,
    ada: UserId,
    bob: UserId,
    app: AppId,
    sales: FolderId,
    orders: FolderId,
    crew: Uuid,
}

/// Ada owns an app in `Sales/Orders`; bob belongs to the group `crew`.
async fn world() -> World {
    let (test, _) = migrated().await;
    let database = as_role(&test, "bulkhead-api");
    let ada = database.create_user("ada@example.org", "Ada", false).await.expect("creates");
    let bob = database.create_user("bob@example.org", "Bob", false).await.expect("creates");
    let app = database.create_app("orders", &AppDocument::empty("Orders"), Some(ada)).await.expect("creates");
    let (sales, orders, crew) = (FolderId::new(), FolderId::new(), Uuid::now_v7());
    database.create_folder(sales, (None, "Sales"), Some(ada)).await.expect("asks").expect("makes");
    database.create_folder(orders, (Some(sales), "Orders"), None).await.expect("asks").expect("makes");
    database.move_object(App, app.0, Some(orders)).await.expect("moves");
    assert!(database.create_group(crew, "crew", "", 10).await.expect("makes"));
    database.add_group_member(crew, bob).await.expect("adds");
    World { test, database, ada, bob, app, sales, orders, crew }
}

impl World {
    async fn role(&self, user: UserId) -> Option<Role> {
        let found = self.database.access(App, "orders", user, false).await.expect("reads");
        let listed = self.database.apps(user, false).await.expect("lists");
        let role = found.map(|access| access.role);
        assert_eq!(listed.first().map(|app| app.listed.role), role, "a list says the same");
        role
    }

    /// What the label and the folder of the app are.
    async fn place(&self) -> (String, Option<String>) {
        let sql = "SELECT a.folder, f.path FROM apps a LEFT JOIN folders f ON f.id = a.folder_id";
        let row = self.test.connect().await.query_one(sql, &[]).await.expect("reads");
        (row.get(0), row.get(1))
    }
}

#[tokio::test]
async fn the_highest_role_counts_be_it_ones_own_a_groups_or_a_folders() {
    let world = world().await;
    let World { database, app, sales, orders, crew, bob, .. } = &world;
    assert_eq!(world.role(*bob).await, None);
    database.set_group_grant(App, app.0, "crew", Role::Viewer).await.expect("grants");
    assert_eq!(world.role(*bob).await, Some(Role::Viewer));
    database.set_grant(Folder, orders.0, *bob, Role::Editor).await.expect("grants");
    assert_eq!(world.role(*bob).await, Some(Role::Editor));
    database.set_group_grant(Folder, sales.0, "crew", Role::Admin).await.expect("grants");
    assert_eq!(world.role(*bob).await, Some(Role::Admin), "of the folder around the folder");
    let inside = database.access(Folder, &orders.to_string(), *bob, false).await.expect("reads").expect("seen");
    assert_eq!(inside.role, Role::Admin, "the folder in it too");

    let (holders, total) = database.holders(App, app.0, 10).await.expect("lists");
    assert_eq!(total, 2);
    let way = Way { group: Some("crew".into()), folder: Some("Sales".into()) };
    assert_eq!((holders[1].user, holders[1].role, holders[1].by.as_slice()), (*bob, Role::Admin, [way].as_slice()));
    assert_eq!(holders[0].by, [Way { group: None, folder: None }, Way { group: None, folder: Some("Sales".into()) }]);
    let of: Vec<_> = database.group_grants(App, app.0).await.expect("lists");
    let of: Vec<_> = of.iter().map(|grant| (grant.role, grant.folder.as_deref(), grant.members)).collect();
    assert_eq!(of, [(Role::Viewer, None, 1), (Role::Admin, Some("Sales"), 1)]);

    database.remove_group_member(*crew, *bob).await.expect("removes");
    assert_eq!(world.role(*bob).await, Some(Role::Editor), "without the group");
    database.move_object(App, app.0, None).await.expect("moves");
    assert_eq!(world.role(*bob).await, None, "out of the folder");
}

#[tokio::test]
async fn what_has_an_owner_keeps_one() {
    let world = world().await;
    let World { database, app, sales, orders, crew, ada, bob, .. } = &world;
    // Ada owns it herself and by the folder around.
    database.remove_grant(App, app.0, *ada).await.expect("the folder's role is left");
    let last = |outcome: Result<(), StoreError>| assert!(matches!(outcome, Err(StoreError::LastOwner { .. })));
    last(database.move_object(App, app.0, None).await);
    last(database.remove_grant(Folder, sales.0, *ada).await);
    last(database.set_grant(Folder, sales.0, *ada, Role::Editor).await);
    assert_eq!(world.place().await.1.as_deref(), Some("Sales/Orders"));
    // A group counts when somebody belongs to it.
    database.set_group_grant(Folder, sales.0, "crew", Role::Admin).await.expect("grants");
    database.remove_grant(Folder, sales.0, *ada).await.expect("bob owns it by his group");
    last(database.remove_group_grant(Folder, sales.0, "crew").await);
    database.remove_group_member(*crew, *bob).await.expect("removes");
    database.set_grant(Folder, orders.0, *bob, Role::Admin).await.expect("grants");
    // What had none may go on without.
    database.remove_group_grant(Folder, sales.0, "crew").await.expect("nobody owned it by that");
    let missing = database.remove_group_grant(Folder, sales.0, "crew").await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn folders_are_renamed_with_all_in_them_and_deleted_when_empty() {
    let world = world().await;
    let World { database, app, sales, orders, ada, .. } = &world;
    let made = database.create_folder(FolderId::new(), (None, "Sales"), None).await;
    assert!(matches!(made, Err(StoreError::Exists { .. })));
    assert_eq!(database.rename_folder(*sales, "Market").await.expect("asks").expect("renames"), "Market");
    assert_eq!(database.folder_path(*orders).await.expect("reads"), "Market/Orders");
    assert_eq!(world.place().await, ("Market/Orders".into(), Some("Market/Orders".into())));
    let long = "x".repeat(MAX_PATH - 6);
    assert_eq!(database.rename_folder(*sales, &long).await.expect("asks"), Err(FolderRefusal::TooLong));
    let mut deepest = *orders;
    for name in ["a", "b", "c"] {
        let id = FolderId::new();
        database.create_folder(id, (Some(deepest), name), None).await.expect("asks").expect("makes");
        deepest = id;
    }
    let refused = database.create_folder(FolderId::new(), (Some(deepest), "d"), None).await.expect("asks");
    assert_eq!(refused, Err(FolderRefusal::TooDeep));
    let seen = database.folders(*ada, false).await.expect("lists");
    assert_eq!((seen.len(), seen[1].path.as_str(), seen[1].apps, seen[1].role), (5, "Market/Orders", 1, Role::Admin));

    assert!(!database.delete_folder(*sales).await.expect("asks"), "folders are in it");
    assert_eq!(database.grants(Folder, sales.0).await.expect("lists").len(), 1, "and its roles stay");
    assert!(database.delete_folder(deepest).await.expect("deletes"));
    database.move_object(App, app.0, Some(deepest)).await.expect_err("it is gone");
}

#[tokio::test]
async fn a_label_of_the_version_before_moves_an_app_where_that_changes_no_right() {
    let world = world().await;
    let label = async |folder: &str| {
        let sql = "UPDATE apps SET folder = $1, tags = '{}'";
        world.database_client().await.execute(sql, &[&folder]).await.expect("labels");
    };
    label("Elsewhere").await;
    assert_eq!(world.place().await, ("Elsewhere".into(), Some("Sales/Orders".into())), "ada owns Sales");
    world.database.move_object(App, world.app.0, None).await.expect("moves");
    label("Market/Orders").await;
    assert_eq!(world.place().await, ("Market/Orders".into(), Some("Market/Orders".into())));
    label("Sales/Orders").await;
    assert_eq!(world.place().await.1.as_deref(), Some("Market/Orders"), "roles would come with it");
    label("").await;
    assert_eq!(world.place().await, (String::new(), None));
}

impl World {
    /// A connection as the api has it.
    async fn database_client(&self) -> tokio_postgres::Client {
        let mut config = self.test.config();
        config.user("bulkhead-api");
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("connects");
        tokio::spawn(connection);
        client
    }
}
