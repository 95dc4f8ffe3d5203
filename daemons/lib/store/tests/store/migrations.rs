//! Migrations apply once, whoever tries and however often.

use bulkhead_store::test_support::{ROLES, empty, migrated};
use bulkhead_store::{MigrationError, SCHEMA_VERSION, migrate};

/// The numbers of the files, in order.
fn versions() -> Vec<i32> {
    let files = std::fs::read_dir("migrations").expect("the folder").map(|file| file.expect("a file").file_name());
    let number = |name: String| name.strip_prefix('V')?.split_once("__")?.0.parse().ok();
    let mut versions: Vec<i32> = files.filter_map(|name| number(name.into_string().expect("text"))).collect();
    versions.sort_unstable();
    assert_eq!(versions.last(), Some(&SCHEMA_VERSION));
    versions
}

#[tokio::test]
async fn migrating_twice_changes_nothing() {
    let (_test, database) = empty().await;
    assert_eq!(database.schema_version().await.expect("reads"), 0);
    assert_eq!(migrate(&database).await.expect("migrates"), versions());
    assert_eq!(migrate(&database).await.expect("migrates"), [] as [i32; 0]);
    assert_eq!(database.schema_version().await.expect("reads"), SCHEMA_VERSION);
}

#[tokio::test]
async fn of_two_migrators_at_once_one_does_the_work() {
    let (_test, database) = empty().await;
    let (one, two) = tokio::join!(migrate(&database), migrate(&database));
    let mut applied = [one.expect("migrates"), two.expect("migrates")].concat();
    applied.sort_unstable();
    assert_eq!(applied, versions());
}

#[tokio::test]
async fn a_changed_or_newer_schema_is_refused() {
    let (test, database) = migrated().await;
    let client = test.connect().await;
    client.batch_execute("UPDATE schema_migrations SET checksum = 'other'").await.expect("updates");
    assert!(matches!(migrate(&database).await, Err(MigrationError::Checksum { version: 1, .. })));
    client
        .batch_execute("INSERT INTO schema_migrations (version, name, checksum) VALUES (999, 'x', 'x')")
        .await
        .expect("inserts");
    assert!(matches!(migrate(&database).await, Err(MigrationError::Newer { found: 999 })));
}

/// Which role may do what on which table: the golden is what an auditor reads.
#[tokio::test]
async fn the_grants_are_the_ones_on_record() {
    let (test, _database) = migrated().await;
    let client = test.connect().await;
    let rows = client
        .query(
            "SELECT grantee, table_name, string_agg(DISTINCT privilege_type, ', ' ORDER BY privilege_type)
             FROM information_schema.column_privileges WHERE table_schema = 'public' AND grantee = ANY($1)
             GROUP BY 1, 2
             UNION ALL
             SELECT grantee, table_name, 'DELETE' FROM information_schema.table_privileges
             WHERE table_schema = 'public' AND grantee = ANY($1) AND privilege_type = 'DELETE' ORDER BY 1, 2, 3",
            &[&ROLES.as_slice()],
        )
        .await
        .expect("reads");
    let line = |row: &tokio_postgres::Row| {
        format!("{} {} {}\n", row.get::<_, &str>(0), row.get::<_, &str>(1), row.get::<_, &str>(2))
    };
    let found: String = rows.iter().map(line).collect();
    // Tests run in the folder of their crate.
    let golden = "tests/grants.golden.txt";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(golden, &found).expect("written");
    }
    let expected = std::fs::read_to_string(golden).expect("the golden file");
    assert_eq!(found, expected, "the grants changed: check them, then UPDATE_GOLDEN=1");
}
