//! The chain of the audit trail: each way to falsify it shows, at the first place.

use bulkhead_store::audit_chain::{Break, Checked, Seal};
use bulkhead_store::test_support::{as_role, migrated, record};
use bulkhead_store::{Database, StoreError};
use bulkhead_test_kit::TestDatabase;

/// A database with six records, all sealed.
async fn sealed() -> (TestDatabase, Database, Seal) {
    let (test, database) = migrated().await;
    let api = as_role(&test, "bulkhead-api");
    for _ in 0..3 {
        api.append_audit(&[record(), record()]).await.expect("records");
    }
    let leadership = database.claim_leadership().await.expect("asks").expect("claims");
    assert_eq!(database.seal_audit(&leadership, 4).await.expect("seals").expect("some").1, 4);
    let (last, count) = database.seal_audit(&leadership, 4).await.expect("seals").expect("some");
    assert_eq!((last.number, count), (6, 2));
    assert_eq!(database.seal_audit(&leadership, 4).await.expect("seals"), None);
    assert_eq!(api.audit_sealed_up_to().await.expect("reads").expect("sealed").seal, last);
    (test, database, last)
}

async fn check(database: &Database) -> Checked {
    database.check_audit(Seal::NONE, 100).await.expect("checks")
}

#[tokio::test]
async fn a_chain_that_nobody_touched_holds_and_is_checked_in_parts() {
    let (test, database, last) = sealed().await;
    assert_eq!(check(&database).await, Checked::ToTheEnd { last, late: 0 });
    let api = as_role(&test, "bulkhead-api");
    let Checked::UpTo(part) = api.check_audit(Seal::NONE, 4).await.expect("checks") else { panic!("there are more") };
    assert_eq!(part.number, 4);
    assert_eq!(api.check_audit(part, 4).await.expect("checks"), Checked::ToTheEnd { last, late: 0 });
    assert_eq!(api.audit_hash(4).await.expect("reads"), Some(part.hash));
    api.append_audit(&[record()]).await.expect("records");
    let age = "UPDATE audit_log SET at = now() - interval '2 minutes' WHERE seal IS NULL";
    test.connect().await.batch_execute(age).await.expect("ages it");
    assert_eq!(check(&database).await, Checked::ToTheEnd { last, late: 1 });
}

#[tokio::test]
async fn each_change_of_a_record_breaks_the_chain_where_it_stands() {
    let changes = [
        "actor = 'nobody'",
        "action = 'tes', object_kind = 't'",
        "detail = '{}'",
        "at = at + interval '1 microsecond'",
        "user_id = gen_random_uuid()",
        "object_id = gen_random_uuid()",
        "request_id = request_id || ' '",
        "address = ''",
        "hash = sha256('other')",
        "hash = NULL",
    ];
    for change in changes {
        let (test, database, _) = sealed().await;
        let sql = format!("UPDATE audit_log SET {change} WHERE seal = 3");
        test.connect().await.batch_execute(&sql).await.expect("changes");
        let found = check(&database).await;
        assert!(matches!(found, Checked::Broken(Break::Changed { number: 3, .. })), "{change}: {found:?}");
    }
}

#[tokio::test]
async fn a_record_that_was_removed_exchanged_or_put_between_shows() {
    for (change, broken) in [
        ("DELETE FROM audit_log WHERE seal BETWEEN 2 AND 3", Break::Missing { from: 2, to: 3 }),
        ("DELETE FROM audit_log WHERE seal = 1", Break::Missing { from: 1, to: 1 }),
    ] {
        let (test, database, _) = sealed().await;
        test.connect().await.batch_execute(change).await.expect("changes");
        assert_eq!(check(&database).await, Checked::Broken(broken), "{change}");
    }
    for change in [
        "UPDATE audit_log SET seal = 7 - seal + 100 WHERE seal IN (3, 4); UPDATE audit_log SET seal = seal - 100 WHERE seal > 100",
        "DELETE FROM audit_log WHERE seal = 3; UPDATE audit_log SET seal = seal - 1 WHERE seal > 3",
        "UPDATE audit_log SET seal = seal + 101 WHERE seal >= 3; UPDATE audit_log SET seal = seal - 100 WHERE seal > 100;
         INSERT INTO audit_log (actor, action, seal, hash) SELECT actor, action, 3, hash FROM audit_log WHERE seal = 2",
    ] {
        let (test, database, _) = sealed().await;
        test.connect().await.batch_execute(change).await.expect("changes");
        let found = check(&database).await;
        assert!(matches!(found, Checked::Broken(Break::Changed { number: 3, .. })), "{change}: {found:?}");
    }
}

/// The database alone cannot tell that: what was written down elsewhere does.
#[tokio::test]
async fn a_tail_that_was_cut_off_is_missed_by_its_hash() {
    let (test, database, last) = sealed().await;
    test.connect().await.batch_execute("DELETE FROM audit_log WHERE seal > 4").await.expect("cuts");
    assert!(matches!(check(&database).await, Checked::ToTheEnd { last, .. } if last.number == 4));
    assert_eq!(database.audit_hash(last.number).await.expect("reads"), None);
    // New records take the numbers of the old ones, and have other hashes.
    database.append_audit(&[record(), record()]).await.expect("records");
    let leadership = database.claim_leadership().await.expect("asks").expect("claims");
    let (again, _) = database.seal_audit(&leadership, 10).await.expect("seals").expect("some");
    assert_eq!(again.number, last.number);
    assert_ne!(database.audit_hash(last.number).await.expect("reads"), Some(last.hash));
}

#[tokio::test]
async fn a_record_that_commits_late_is_sealed_too() {
    let (test, database) = migrated().await;
    let mut slow = test.connect().await;
    let transaction = slow.transaction().await.expect("begins");
    let sql = "INSERT INTO audit_log (actor, action) VALUES ('slow', 'test')";
    transaction.batch_execute(sql).await.expect("inserts");
    database.append_audit(&[record()]).await.expect("records");
    let leadership = database.claim_leadership().await.expect("asks").expect("claims");
    let (first, _) = database.seal_audit(&leadership, 10).await.expect("seals").expect("some");
    transaction.commit().await.expect("commits");
    let (last, _) = database.seal_audit(&leadership, 10).await.expect("seals").expect("some");
    assert_eq!((first.number, last.number), (1, 2));
    assert_eq!(check(&database).await, Checked::ToTheEnd { last, late: 0 });
}

#[tokio::test]
async fn old_records_go_and_the_chain_begins_after_them() {
    let (test, database, last) = sealed().await;
    let age = "UPDATE audit_log SET at = now() - interval '40 days' WHERE seal <= 4";
    test.connect().await.batch_execute(age).await.expect("ages them");
    assert_eq!(database.delete_old_audit(50, 100).await.expect("looks"), 0);
    let kept = database.audit_hash(4).await.expect("reads");
    assert_eq!(database.delete_old_audit(30, 3).await.expect("deletes"), 3);
    assert_eq!(database.delete_old_audit(30, 3).await.expect("deletes"), 1);
    assert_eq!(database.delete_old_audit(30, 3).await.expect("looks"), 0);
    let begin = database.audit_checkpoint().await.expect("reads");
    assert_eq!((begin.number, Some(begin.hash)), (4, kept));
    assert_eq!(database.check_audit(begin, 10).await.expect("checks"), Checked::ToTheEnd { last, late: 0 });
    // The last one stays, so that the next has something to follow.
    test.connect().await.batch_execute("UPDATE audit_log SET at = now() - interval '40 days'").await.expect("ages");
    database.delete_old_audit(30, 100).await.expect("deletes");
    assert_eq!(database.audit_sealed_up_to().await.expect("reads").expect("one").seal, last);
}

#[tokio::test]
async fn no_daemon_but_the_one_that_seals_can_say_how_a_record_is_sealed() {
    let (test, _database, _) = sealed().await;
    for role in ["bulkhead-api", "bulkhead-workflows-backend"] {
        let mut config = test.config();
        config.user(role);
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("connects");
        tokio::spawn(connection);
        for sql in [
            "INSERT INTO audit_log (actor, action, seal) VALUES ('x', 'x', 7)",
            "UPDATE audit_log SET seal = NULL",
            "DELETE FROM audit_log",
            "INSERT INTO audit_checkpoints (seal, hash) VALUES (7, '')",
        ] {
            let error = client.batch_execute(sql).await.expect_err("refused");
            assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{role}: {sql}");
        }
    }
    let api = as_role(&test, "bulkhead-api");
    assert!(matches!(api.delete_old_audit(0, 1).await, Err(StoreError::Refused { .. })));
}
