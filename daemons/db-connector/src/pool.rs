//! The connections to one resource: bounded, waited for with patience, emptied when idle.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::QueryError;
use crate::route::Routes;
use crate::target::Target;

/// What all pools have in common.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) routes: Routes,
    /// Connections to one resource at most.
    pub(crate) max_connections: usize,
    /// How long a query waits for a connection.
    pub(crate) wait: Duration,
}

/// A connection to a resource of some kind.
pub(crate) trait Connection: Sized + Send + 'static {
    /// The kind's settings.
    type Config: Send + Sync + 'static;

    /// Connects and logs in.
    fn open(
        config: &Self::Config,
        target: &Target,
        routes: &Routes,
    ) -> impl Future<Output = Result<Self, QueryError>> + Send;

    /// Whether it is known to serve no more.
    fn is_closed(&self) -> bool;
}

/// The connections to one resource at one revision.
pub(crate) struct Pool<C: Connection> {
    pub(crate) config: C::Config,
    pub(crate) target: Target,
    idle: Mutex<Vec<Idle<C>>>,
    places: Arc<Semaphore>,
    routes: Routes,
    wait: Duration,
}

struct Idle<C> {
    connection: C,
    since: Instant,
}

/// A connection on loan. Dropped, it is closed; given back, it serves again.
pub(crate) struct Loan<C: Connection> {
    pub(crate) connection: C,
    /// Whether it has served before, so that the server may have closed it unseen.
    pub(crate) reused: bool,
    pool: Arc<Pool<C>>,
    _place: OwnedSemaphorePermit,
}

impl<C: Connection> Pool<C> {
    pub(crate) fn new(config: C::Config, target: Target, shared: &Shared) -> Self {
        Self {
            config,
            target,
            idle: Mutex::default(),
            places: Arc::new(Semaphore::new(shared.max_connections)),
            routes: shared.routes.clone(),
            wait: shared.wait,
        }
    }

    /// A connection, waiting for one to come free if all are in use.
    pub(crate) async fn borrow(self: &Arc<Self>) -> Result<Loan<C>, QueryError> {
        let busy = || QueryError::Busy(self.target.name.clone());
        let place = tokio::time::timeout(self.wait, Arc::clone(&self.places).acquire_owned()).await;
        let place = place.map_err(|_| busy())?.map_err(|_| busy())?;
        loop {
            let idle = self.idle().pop();
            match idle {
                Some(Idle { connection, .. }) if connection.is_closed() => {}
                Some(Idle { connection, .. }) => {
                    return Ok(Loan { connection, reused: true, pool: Arc::clone(self), _place: place });
                }
                None => break,
            }
        }
        let connection = self.connect().await?;
        Ok(Loan { connection, reused: false, pool: Arc::clone(self), _place: place })
    }

    /// A connection of its own, beside the pool's: for a test of the settings, or to stop what another does.
    pub(crate) async fn connect(&self) -> Result<C, QueryError> {
        C::open(&self.config, &self.target, &self.routes).await
    }

    /// Closes all connections that are not on loan: the server is gone or was.
    pub(crate) fn forget_idle(&self) {
        self.idle().clear();
    }

    /// Closes connections that nobody has used since `oldest`. Whether any is left.
    pub(crate) fn close_idle(&self, oldest: Instant) -> bool {
        let mut idle = self.idle();
        idle.retain(|idle| idle.since > oldest && !idle.connection.is_closed());
        !idle.is_empty()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle<C>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Connection> Loan<C> {
    /// The resource's name.
    pub(crate) fn resource(&self) -> &str {
        &self.pool.target.name
    }

    /// Back to the pool, for a connection that is in a clean state.
    pub(crate) fn give_back(self) {
        let Self { connection, pool, _place, .. } = self;
        if !connection.is_closed() {
            pool.idle().push(Idle { connection, since: Instant::now() });
        }
    }
}
