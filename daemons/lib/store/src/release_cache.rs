//! Released workflows, read once: a release never changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bulkhead_model::WorkflowId;
use bulkhead_model::workflow::WorkflowDocument;

/// Releases kept at most. When there are more, all are forgotten: that costs a query each, and no bookkeeping.
const MOST: usize = 500;

type Releases = HashMap<(WorkflowId, i32), Arc<WorkflowDocument>>;

/// By workflow and version. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReleaseCache(Arc<Mutex<Releases>>);

impl ReleaseCache {
    pub(crate) fn get(&self, id: WorkflowId, version: i32) -> Option<Arc<WorkflowDocument>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(id, version)).cloned()
    }

    pub(crate) fn keep(&self, id: WorkflowId, version: i32, document: &Arc<WorkflowDocument>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert((id, version), Arc::clone(document));
    }
}
