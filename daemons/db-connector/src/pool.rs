//! The connections to one resource: bounded, waited for with patience, emptied when idle.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bulkhead_daemon_kit::NetworkPolicy;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::accounts::Accounts;
use crate::error::QueryError;
use crate::metrics::Counted;
use crate::route::Routes;
use crate::target::Target;

/// Queries that wait for a connection to one resource at most. More are refused at once: they would only wait to be refused.
const MAX_WAITING: usize = 1000;

/// What all pools have in common.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) routes: Routes,
    /// Connections to one resource at most.
    pub(crate) max_connections: usize,
    /// How long a query waits for a connection.
    pub(crate) wait: Duration,
    /// Below which SQLite's files may lie.
    pub(crate) sqlite_directories: Arc<[PathBuf]>,
    /// The accounts that resources ask as.
    pub(crate) accounts: Option<Arc<Accounts>>,
    /// The policies of kinds that have networks of their own.
    pub(crate) kind_networks: Arc<BTreeMap<String, NetworkPolicy>>,
    /// Threads that wait for SQLite's files, of all resources together.
    pub(crate) sqlite_threads: Arc<Semaphore>,
}

impl Shared {
    /// The same for resources of a kind: they, and what gives them tokens, may be in its networks alone.
    pub(crate) fn of_kind(&self, kind: &str) -> Cow<'_, Self> {
        let Some(policy) = self.kind_networks.get(kind) else { return Cow::Borrowed(self) };
        let routes = Routes { policy: policy.clone(), ..self.routes.clone() };
        Cow::Owned(Self { routes, ..self.clone() })
    }
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
    line: Semaphore,
    routes: Routes,
    wait: Duration,
}

struct Idle<C> {
    connection: C,
    since: Instant,
    _counted: Counted,
}

/// A connection on loan. Dropped, it is closed; given back, it serves again.
pub(crate) struct Loan<C: Connection> {
    pub(crate) connection: C,
    /// Whether it has served before, so that the server may have closed it unseen.
    pub(crate) reused: bool,
    pool: Arc<Pool<C>>,
    _counted: Counted,
    _place: OwnedSemaphorePermit,
}

impl<C: Connection> Pool<C> {
    pub(crate) fn new(config: C::Config, target: Target, shared: &Shared) -> Self {
        Self {
            config,
            target,
            idle: Mutex::default(),
            places: Arc::new(Semaphore::new(shared.max_connections)),
            line: Semaphore::new(MAX_WAITING),
            routes: shared.routes.clone(),
            wait: shared.wait,
        }
    }

    /// A connection, waiting for one to come free if all are in use.
    pub(crate) async fn borrow(self: &Arc<Self>) -> Result<Loan<C>, QueryError> {
        let place = self.place().await?;
        loop {
            let idle = self.idle().pop();
            match idle {
                Some(Idle { connection, .. }) if connection.is_closed() => {}
                Some(Idle { connection, .. }) => return Ok(self.loan(connection, true, place)),
                None => break,
            }
        }
        let counted = Counted::new(&self.target.metrics.in_use);
        let connection = self.connect().await?;
        drop(counted);
        Ok(self.loan(connection, false, place))
    }

    /// Leave to use one connection.
    async fn place(&self) -> Result<OwnedSemaphorePermit, QueryError> {
        let busy = || QueryError::Busy(self.target.name.clone());
        let metrics = &self.target.metrics;
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            metrics.waited_since(tokio::time::Instant::now());
            return Ok(place);
        }
        let _in_line = self.line.try_acquire().map_err(|_| busy())?;
        let _counted = Counted::new(&metrics.waiting);
        let began = tokio::time::Instant::now();
        let place = tokio::time::timeout(self.wait, Arc::clone(&self.places).acquire_owned()).await;
        metrics.waited_since(began);
        place.map_err(|_| busy())?.map_err(|_| busy())
    }

    fn loan(self: &Arc<Self>, connection: C, reused: bool, place: OwnedSemaphorePermit) -> Loan<C> {
        let counted = Counted::new(&self.target.metrics.in_use);
        Loan { connection, reused, pool: Arc::clone(self), _counted: counted, _place: place }
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
            let counted = Counted::new(&pool.target.metrics.idle);
            pool.idle().push(Idle { connection, since: Instant::now(), _counted: counted });
        }
    }
}
