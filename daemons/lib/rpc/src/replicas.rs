//! Several replicas of a service on other machines: which one a connection goes to, and which ones are left alone for a while.
//!
//! Only connecting is tried elsewhere when it fails. A request that was sent is its sender's matter: it may have had its effect.

use std::io::{Error, ErrorKind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bulkhead_mtls::{Identity, Role, explain, keep_alive};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::address::Replica;

/// How long a machine of one's own network may take to accept a connection, and then to agree on its encryption.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a replica that could not be reached is left alone: at first, and at most.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The replicas of one service, shared by all clones of its client.
#[derive(Debug)]
pub(crate) struct Replicas {
    role: Role,
    identity: Arc<Identity>,
    all: Vec<State>,
    turn: AtomicUsize,
}

#[derive(Debug)]
struct State {
    replica: Replica,
    /// Connections that are open now.
    open: Arc<AtomicUsize>,
    down: Mutex<Option<Down>>,
}

/// A replica that could not be reached.
#[derive(Clone, Copy, Debug)]
struct Down {
    pause: Duration,
    until: Instant,
    is_asked: bool,
}

/// One of a replica's open connections. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl State {
    fn down(&self) -> std::sync::MutexGuard<'_, Option<Down>> {
        self.down.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_down(&self) -> bool {
        self.down().is_some()
    }

    /// Takes note of a failure, and says whether it is news.
    fn failed(&self) -> bool {
        let mut down = self.down();
        let pause = down.map_or(PAUSE_MIN, |down| (down.pause * 2).min(PAUSE_MAX));
        let is_news = down.is_none();
        *down = Some(Down { pause, until: Instant::now() + pause, is_asked: false });
        is_news
    }

    /// Whether it has been left alone for long enough; true for one that asks, until it has its answer.
    fn is_due(&self) -> bool {
        let mut down = self.down();
        match down.as_mut() {
            Some(down) if !down.is_asked && Instant::now() >= down.until => {
                down.is_asked = true;
                true
            }
            _ => false,
        }
    }

    fn place(&self) -> Place {
        self.open.fetch_add(1, Ordering::Relaxed);
        Place(Arc::clone(&self.open))
    }
}

impl Replicas {
    pub(crate) fn new(role: Role, replicas: &[Replica], identity: Arc<Identity>) -> Arc<Self> {
        let state =
            |replica: &Replica| State { replica: replica.clone(), open: Arc::default(), down: Mutex::default() };
        Arc::new(Self { role, identity, all: replicas.iter().map(state).collect(), turn: AtomicUsize::new(0) })
    }

    /// A connection to the replica that has the fewest, of those that were reached the last time; if none of them is, to any.
    pub(crate) async fn connect(self: &Arc<Self>) -> Result<(TlsStream<TcpStream>, Place), Error> {
        self.ask_those_that_were_down();
        let mut last = None;
        for index in self.order() {
            let state = &self.all[index];
            // Counted from here on, so that connections that begin together are spread.
            let place = state.place();
            match self.reach(state).await {
                Ok(stream) => return Ok((stream, place)),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::new(ErrorKind::NotFound, "no replica is configured")))
    }

    /// Replicas in the order in which they are tried.
    fn order(&self) -> Vec<usize> {
        if self.role == Role::WorkflowsBackend {
            // It knows which calls it is making: whoever asks about one has to ask the same process. The others are for when it is gone.
            let mut order: Vec<usize> = (0..self.all.len()).collect();
            order.sort_by_key(|index| self.all[*index].is_down());
            return order;
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.all.len();
        let mut order: Vec<usize> = (0..count).map(|index| (turn.wrapping_add(index)) % count).collect();
        // Stable: where they are equal, it is the next one's turn.
        order.sort_by_key(|index| (self.all[*index].is_down(), self.all[*index].open.load(Ordering::Relaxed)));
        order
    }

    /// Tries those again that have been left alone for long enough, beside the requests: none of them waits for a machine that is gone.
    fn ask_those_that_were_down(self: &Arc<Self>) {
        for (index, state) in self.all.iter().enumerate() {
            if state.is_due() {
                let replicas = Arc::clone(self);
                tokio::spawn(async move {
                    // What it finds is noted with the replica.
                    let _ = replicas.reach(&replicas.all[index]).await;
                });
            }
        }
    }

    /// One attempt, and a note of how it went.
    async fn reach(&self, state: &State) -> Result<TlsStream<TcpStream>, Error> {
        let (role, replica) = (self.role, &state.replica);
        match self.attempt(replica).await {
            Ok(stream) => {
                if state.down().take().is_some() {
                    tracing::info!("{role} at {replica} is there again");
                }
                Ok(stream)
            }
            Err(error) => {
                if state.failed() {
                    let reason = explain(&error).unwrap_or_else(|| error.to_string());
                    tracing::warn!("{role} at {replica} cannot be reached: {reason}");
                }
                Err(error)
            }
        }
    }

    async fn attempt(&self, replica: &Replica) -> Result<TlsStream<TcpStream>, Error> {
        let slow = |what: &str| Error::new(ErrorKind::TimedOut, format!("{replica} did not {what} in time"));
        let connected = TcpStream::connect((replica.host.as_str(), replica.port));
        let stream =
            tokio::time::timeout(CONNECT_TIMEOUT, connected).await.map_err(|_| slow("accept a connection"))??;
        keep_alive(&stream);
        let config = self.identity.client(self.role).map_err(Error::other)?;
        let name = ServerName::try_from(replica.host.clone()).map_err(Error::other)?;
        let agreed = TlsConnector::from(config).connect(name, stream);
        tokio::time::timeout(HANDSHAKE_TIMEOUT, agreed).await.map_err(|_| slow("end the handshake"))?
    }
}
