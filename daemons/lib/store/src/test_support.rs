//! A migrated database for tests, on the cluster that `cargo xtask test` provides.

use bulkhead_test_kit::TestDatabase;

use crate::Database;
use crate::audit::AuditRecord;

/// The roles that migrations grant to.
pub const ROLES: [&str; 8] = [
    "bulkhead-api",
    "bulkhead-db-connector",
    "bulkhead-ssh-connector",
    "bulkhead-jobs-runner",
    "bulkhead-workflows-worker",
    "bulkhead-workflows-backend",
    "bulkhead-code-executor",
    "bulkhead-tables",
];

/// A fresh database with the newest schema, and a pool to it as the cluster's superuser.
pub async fn migrated() -> (TestDatabase, Database) {
    let (test, database) = empty().await;
    crate::migrate(&database).await.expect("migrates");
    (test, database)
}

/// A fresh database without a schema, in a cluster that has the roles.
pub async fn empty() -> (TestDatabase, Database) {
    let test = TestDatabase::create().await;
    let client = test.connect().await;
    for role in ROLES {
        // Tests start at once: the loser of a race finds the role there.
        let create = format!(
            "DO $$ BEGIN CREATE ROLE \"{role}\" LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        );
        client.batch_execute(&create).await.expect("the role exists");
    }
    let database = Database::with_config(test.config(), 8);
    (test, database)
}

/// A pool to the same database under a daemon's role, to see that its grants suffice.
pub fn as_role(test: &TestDatabase, role: &str) -> Database {
    let mut config = test.config();
    config.user(role);
    Database::with_config(config, 8)
}

/// A record for actions of no interest.
pub fn record() -> AuditRecord {
    AuditRecord {
        user: None,
        actor: "test".into(),
        action: "test",
        object: None,
        detail: serde_json::Value::Null,
        request_id: String::new(),
        address: None,
    }
}
