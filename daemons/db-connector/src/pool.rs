//! One pool for each resource and revision: bounded, waited for with patience, emptied when idle.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bulkhead_model::ResourceId;
use bulkhead_rpc::RpcClient;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Config;
use crate::connect::{Connection, Target};
use crate::error::QueryError;
use crate::route::Routes;

/// All pools.
pub(crate) struct Pools {
    by_resource: Mutex<HashMap<ResourceId, (i64, Arc<Pool>)>>,
    routes: Routes,
    config: Config,
}

/// The connections to one resource at one revision.
pub(crate) struct Pool {
    pub(crate) target: Target,
    idle: Mutex<Vec<Connection>>,
    places: Arc<Semaphore>,
    routes: Routes,
    wait: Duration,
}

/// A connection on loan. Dropped, it is closed; given back, it serves again.
pub(crate) struct Loan {
    pub(crate) connection: Connection,
    pool: Arc<Pool>,
    _place: OwnedSemaphorePermit,
}

impl Pools {
    pub(crate) fn new(config: &Config) -> Self {
        let routes = Routes {
            policy: config.network.clone(),
            built_in_policy: config.network.clone().and_loopback(),
            ssh_connector: RpcClient::new("bulkhead-ssh-connector", &config.ssh_connector_socket),
            timeout: config.connect_timeout,
        };
        Self { by_resource: Mutex::default(), routes, config: config.clone() }
    }

    /// The pool of a resource at `revision`, if there is one.
    pub(crate) fn get(&self, id: ResourceId, revision: i64) -> Option<Arc<Pool>> {
        let pools = self.by_resource.lock().unwrap_or_else(PoisonError::into_inner);
        pools.get(&id).filter(|(known, _)| *known == revision).map(|(_, pool)| Arc::clone(pool))
    }

    /// Makes the pool of a resource at `revision`; one of an older revision is dropped with its idle connections.
    pub(crate) fn insert(&self, id: ResourceId, revision: i64, target: Target) -> Arc<Pool> {
        let mut pools = self.by_resource.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else who read the same row, or a newer one, was faster: one resource has one pool.
        if let Some((_, pool)) = pools.get(&id).filter(|(known, _)| *known >= revision) {
            return Arc::clone(pool);
        }
        let pool = Arc::new(self.unlisted(target));
        pools.insert(id, (revision, Arc::clone(&pool)));
        pool
    }

    /// A pool that is used once, for a test of settings that are not saved.
    pub(crate) fn unlisted(&self, target: Target) -> Pool {
        Pool {
            target,
            idle: Mutex::default(),
            places: Arc::new(Semaphore::new(self.config.max_connections)),
            routes: self.routes.clone(),
            wait: self.config.connection_wait,
        }
    }

    /// Closes connections that nobody has used for the configured time, and forgets pools that have none left, with their
    /// passwords.
    pub(crate) fn close_idle(&self) {
        let Some(oldest) = Instant::now().checked_sub(self.config.idle_timeout) else { return };
        let mut pools = self.by_resource.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|_, (_, pool)| {
            let mut idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|connection| connection.idle_since > oldest && !connection.client.is_closed());
            // Nobody else can get hold of it here: `get` needs the lock of the map.
            !idle.is_empty() || Arc::strong_count(pool) > 1
        });
    }
}

impl Pool {
    /// A connection, waiting for one to come free if all are in use.
    pub(crate) async fn borrow(self: &Arc<Self>) -> Result<Loan, QueryError> {
        let busy = || QueryError::Busy(self.target.name.clone());
        let place = tokio::time::timeout(self.wait, Arc::clone(&self.places).acquire_owned()).await;
        let place = place.map_err(|_| busy())?.map_err(|_| busy())?;
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match idle {
                Some(connection) if connection.client.is_closed() => {}
                Some(connection) => return Ok(Loan { connection, pool: Arc::clone(self), _place: place }),
                None => break,
            }
        }
        let connection = Connection::open(&self.target, &self.routes).await?;
        Ok(Loan { connection, pool: Arc::clone(self), _place: place })
    }

    /// Closes all connections that are not on loan: the server is gone or was.
    pub(crate) fn forget_idle(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Loan {
    /// The resource's name.
    pub(crate) fn resource(&self) -> &str {
        &self.pool.target.name
    }

    /// Back to the pool, for a connection that is in a clean state.
    pub(crate) fn give_back(self) {
        let Self { mut connection, pool, _place } = self;
        if !connection.client.is_closed() {
            connection.idle_since = Instant::now();
            connection.reused = true;
            pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
