//! Writes the audit trail: concurrent records share one commit, and each caller waits until its own is durable.

use std::sync::Arc;

use bulkhead_store::audit::AuditRecord;
use bulkhead_store::{Database, StoreError};
use tokio::sync::{mpsc, oneshot};

use crate::http_error::ApiError;

/// Records that wait for the writer; more make their requests wait.
const QUEUE: usize = 1024;
/// Records in one commit at most.
const BATCH: usize = 256;

type Outcome = Result<(), Arc<StoreError>>;

/// A handle to the writer. It ends with its last handle.
#[derive(Clone, Debug)]
pub(crate) struct AuditWriter {
    queue: mpsc::Sender<(AuditRecord, oneshot::Sender<Outcome>)>,
}

impl AuditWriter {
    /// Starts the writer.
    pub(crate) fn start(database: Database) -> Self {
        let (queue, mut waiting) = mpsc::channel::<(AuditRecord, oneshot::Sender<Outcome>)>(QUEUE);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            // While one commit is on its way, the next batch gathers.
            while waiting.recv_many(&mut batch, BATCH).await > 0 {
                let (records, replies): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
                let outcome = database.append_audit(&records).await.map_err(Arc::new);
                for reply in replies {
                    // A request that was dropped meanwhile no longer listens.
                    let _ = reply.send(outcome.clone());
                }
            }
        });
        Self { queue }
    }

    /// Returns when the record is durable. An error means: refuse the action.
    pub(crate) async fn write(&self, record: AuditRecord) -> Result<(), ApiError> {
        let (reply, outcome) = oneshot::channel();
        let gone = || ApiError::internal::<String>("writing the audit trail")("the writer has ended".into());
        self.queue.send((record, reply)).await.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?.map_err(ApiError::Audit)
    }

    /// Records a refusal. It stands whether or not it can be recorded.
    pub(crate) async fn denied(&self, record: AuditRecord) {
        if let Err(error) = self.write(record).await {
            tracing::warn!("a refusal was not recorded: {error}");
        }
    }

    /// Records what is about to be done, does it, and records when it failed after all.
    pub(crate) async fn around<T>(
        &self,
        record: AuditRecord,
        action: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        let mut failed = record.clone();
        self.write(record).await?;
        let outcome = action.await;
        if let Err(error) = &outcome {
            if let Some(detail) = failed.detail.as_object_mut() {
                detail.insert("failed".to_owned(), error.problem().code.into());
            }
            self.denied(failed).await;
        }
        outcome
    }
}
