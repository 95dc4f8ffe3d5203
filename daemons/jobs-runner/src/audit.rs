//! Seals the audit trail every few seconds, and tells the log how far: what stands there is a witness outside the database.

use std::time::{Duration, Instant};

use bulkhead_store::audit::AuditRecord;
use bulkhead_store::audit_chain::Seal;
use bulkhead_store::jobs::Leadership;
use bulkhead_store::{Database, StoreError};
use serde_json::json;

const EVERY: Duration = Duration::from_secs(2);
/// Records in one statement.
const AT_ONCE: i64 = 2_000;
/// Between two lines of the log.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Between two looks for records that are too old.
const DELETE_EVERY: Duration = Duration::from_secs(3600);
const DELETED_AT_ONCE: i64 = 20_000;

/// The seals of the audit trail.
#[derive(Clone, Debug)]
pub(crate) struct AuditSeals {
    database: Database,
    keep_days: Option<i32>,
}

impl AuditSeals {
    /// Deletes records that are older than so many days, or none.
    pub(crate) fn new(database: Database, keep_days: Option<i32>) -> Self {
        Self { database, keep_days }
    }

    /// Works for ever.
    pub(crate) async fn run(&self, leadership: &Leadership) {
        let (mut untold, mut told) = (None::<Seal>, None::<Instant>);
        let mut deleted = None::<Instant>;
        loop {
            match self.database.seal_audit(leadership, AT_ONCE).await {
                Ok(Some((seal, sealed))) => {
                    untold = Some(seal);
                    if sealed == AT_ONCE.unsigned_abs() {
                        continue;
                    }
                }
                Ok(None) => {}
                Err(error) => tracing::warn!("the audit trail was not sealed: {error}"),
            }
            if let Some(seal) = untold.filter(|_| told.is_none_or(|told| told.elapsed() >= TELL_EVERY)) {
                tell(seal);
                (untold, told) = (None, Some(Instant::now()));
            }
            if let Some(days) = self.keep_days.filter(|_| deleted.is_none_or(|at| at.elapsed() >= DELETE_EVERY)) {
                deleted = Some(Instant::now());
                if let Err(error) = self.delete(days).await {
                    tracing::warn!("old audit records were not deleted: {error}");
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn delete(&self, days: i32) -> Result<(), StoreError> {
        loop {
            let deleted = self.database.delete_old_audit(days, DELETED_AT_ONCE).await?;
            if deleted == 0 {
                return Ok(());
            }
            let record = AuditRecord {
                user: None,
                actor: "system".to_owned(),
                action: "audit.delete",
                object: None,
                detail: json!({ "records": deleted, "older_than_days": days }),
                request_id: String::new(),
                address: None,
            };
            self.database.append_audit(&[record]).await?;
        }
    }
}

/// `bulkheadctl audit verify` reads these lines: number and hash stand at their end.
fn tell(seal: Seal) {
    tracing::info!("the audit trail is sealed up to {} {}", seal.number, hex::encode(seal.hash));
}

#[cfg(test)]
mod tests {
    use bulkhead_store::audit_chain::Checked;
    use bulkhead_store::test_support::{migrated, record};

    use super::*;

    #[tokio::test]
    async fn what_was_recorded_is_sealed_within_seconds_and_old_records_go() {
        let (test, database) = migrated().await;
        database.append_audit(&[record(), record(), record()]).await.expect("records");
        let sql = "UPDATE audit_log SET at = now() - interval '40 days' WHERE id = 1";
        test.connect().await.batch_execute(sql).await.expect("ages one");
        let leadership = database.claim_leadership().await.expect("asks").expect("claims");
        let seals = AuditSeals::new(database.clone(), Some(30));
        let working = tokio::spawn(async move { seals.run(&leadership).await });
        let patience = Instant::now() + Duration::from_secs(20);
        let sealed = loop {
            let sealed = database.audit_sealed_up_to().await.expect("reads");
            match sealed {
                Some(sealed) if sealed.seal.number == 4 => break sealed,
                _ => assert!(Instant::now() < patience, "{sealed:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        working.abort();
        let records = database.audit_records(None, 10).await.expect("reads");
        assert_eq!(records.iter().map(|record| record.id).collect::<Vec<_>>(), [4, 3, 2]);
        assert_eq!(records[0].action, "audit.delete");
        let begin = database.audit_checkpoint().await.expect("reads");
        assert_eq!(begin.number, 1);
        let checked = database.check_audit(begin, 100).await.expect("checks");
        assert_eq!(checked, Checked::ToTheEnd { last: sealed.seal, late: 0 });
    }
}
