//! A connection that can be disturbed: cut, silent, or deaf in one direction. It needs no rights on the machine's network.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::plan::Disturbance;

/// Carries connections to somewhere else, as long as this value lives.
pub(crate) struct Relay {
    state: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    weather: watch::Sender<Weather>,
    /// Connections are numbered as they come.
    connections: AtomicU64,
}

/// What gets through.
#[derive(Clone, Copy, Default)]
struct Weather {
    is_refusing: bool,
    is_silent: bool,
    /// Connections of smaller numbers get no answers.
    deaf_below: u64,
    /// Connections of smaller numbers are closed.
    closed_below: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Asks,
    Answers,
}

impl Relay {
    /// From a Unix socket of its own to another.
    pub(crate) fn unix(from: &Path, to: PathBuf) -> Self {
        let listener = UnixListener::bind(from).expect("binds");
        Self::accepting(|state| async move {
            while let Ok((near, _)) = listener.accept().await {
                let (state, to) = (Arc::clone(&state), to.clone());
                tokio::spawn(async move { state.carry(near, UnixStream::connect(to)).await });
            }
        })
    }

    /// From a port of its own to another. Gives that too.
    pub(crate) async fn tcp(to: String) -> (Self, u16) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("binds");
        let port = listener.local_addr().expect("an address").port();
        let relay = Self::accepting(|state| async move {
            while let Ok((near, _)) = listener.accept().await {
                let (state, to) = (Arc::clone(&state), to.clone());
                tokio::spawn(async move { state.carry(near, TcpStream::connect(to)).await });
            }
        });
        (relay, port)
    }

    fn accepting<F: Future<Output = ()> + Send + 'static>(accept: impl FnOnce(Arc<Shared>) -> F) -> Self {
        let (weather, _) = watch::channel(Weather::default());
        let state = Arc::new(Shared { weather, connections: AtomicU64::new(0) });
        let accepting = tokio::spawn(accept(Arc::clone(&state)));
        Self { state, accepting }
    }

    /// Disturbs what it carries for so long.
    pub(crate) async fn disturb(&self, disturbance: Disturbance, lasts: Duration) {
        let weather = &self.state.weather;
        let open = self.state.connections.load(Ordering::SeqCst);
        match disturbance {
            Disturbance::Cut => weather.send_modify(|now| (now.is_refusing, now.closed_below) = (true, open)),
            Disturbance::Silent => weather.send_modify(|now| now.is_silent = true),
            Disturbance::OneWay => weather.send_modify(|now| now.deaf_below = open),
        }
        tokio::time::sleep(lasts).await;
        match disturbance {
            Disturbance::Cut => weather.send_modify(|now| now.is_refusing = false),
            Disturbance::Silent => weather.send_modify(|now| now.is_silent = false),
            Disturbance::OneWay => weather.send_modify(|now| now.closed_below = open.max(now.closed_below)),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    /// Carries a connection until one side has closed it, or the weather has.
    async fn carry<N, F>(&self, near: N, far: impl Future<Output = std::io::Result<F>>)
    where
        N: AsyncRead + AsyncWrite,
        F: AsyncRead + AsyncWrite,
    {
        let number = self.connections.fetch_add(1, Ordering::SeqCst);
        let mut weather = self.weather.subscribe();
        let is_refused = weather.borrow().is_refusing;
        if is_refused || weather.wait_for(|now| !now.is_silent).await.is_err() {
            return;
        }
        let Ok(far) = far.await else { return };
        let (near_reader, near_writer) = tokio::io::split(near);
        let (far_reader, far_writer) = tokio::io::split(far);
        tokio::select! {
            () = self.pump(number, Direction::Asks, near_reader, far_writer) => {}
            () = self.pump(number, Direction::Answers, far_reader, near_writer) => {}
            _ = weather.wait_for(|now| number < now.closed_below) => {}
        }
    }

    async fn pump(
        &self,
        number: u64,
        direction: Direction,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) {
        let mut weather = self.weather.subscribe();
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let passes = |now: &Weather| !now.is_silent && (direction == Direction::Asks || number >= now.deaf_below);
            if weather.wait_for(passes).await.is_err() || to.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    }
}
