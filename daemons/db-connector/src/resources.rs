//! The resources that are in use, each once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bulkhead_model::resource::ResourceConfig;
use bulkhead_model::{EnvironmentId, ResourceId, UserId};

use crate::kind::{self, Kind};
use crate::pool::Shared;
use crate::target::Target;

/// A resource in an environment, and who asks it where each person has an account of their own there: their connections stay apart.
pub(crate) type Asked = (ResourceId, EnvironmentId, Option<UserId>);

/// A resource in use, at its revision.
type InUse = (i64, Arc<dyn Kind>);

/// The resources that are in use. One that nobody has used for a while is forgotten, with its secret.
pub(crate) struct Resources {
    by_id: Mutex<HashMap<Asked, InUse>>,
    shared: Shared,
    idle_timeout: Duration,
}

impl Resources {
    pub(crate) fn new(shared: Shared, idle_timeout: Duration) -> Self {
        Self { by_id: Mutex::default(), shared, idle_timeout }
    }

    /// The resource at `revision`, if it is in use.
    pub(crate) fn get(&self, id: Asked, revision: i64) -> Option<Arc<dyn Kind>> {
        let known = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&id).filter(|(known, _)| *known == revision).map(|(_, resource)| Arc::clone(resource))
    }

    /// Takes a resource at `revision` into use; one of an older revision is dropped with its idle connections.
    pub(crate) fn insert(&self, id: Asked, revision: i64, config: ResourceConfig, target: Target) -> Arc<dyn Kind> {
        let mut known = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else who read the same row, or a newer one, was faster: one resource has one pool.
        if let Some((_, resource)) = known.get(&id).filter(|(known, _)| *known >= revision) {
            return Arc::clone(resource);
        }
        let resource = self.unlisted(config, target);
        known.insert(id, (revision, Arc::clone(&resource)));
        resource
    }

    /// A resource that is used once, for a test of settings that are not saved.
    pub(crate) fn unlisted(&self, config: ResourceConfig, target: Target) -> Arc<dyn Kind> {
        kind::open(config, target, &self.shared)
    }

    /// Closes connections that nobody has used for the configured time, and forgets resources that have none left.
    pub(crate) fn close_idle(&self) {
        let Some(oldest) = Instant::now().checked_sub(self.idle_timeout) else { return };
        let mut known = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody else can get hold of one here: `get` needs the lock of the map.
        known.retain(|_, (_, resource)| resource.close_idle(oldest) || Arc::strong_count(resource) > 1);
    }
}
