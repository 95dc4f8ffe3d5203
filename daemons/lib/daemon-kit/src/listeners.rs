//! The sockets that systemd hands over, by the name that their unit gives them (`FileDescriptorName=`).

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use thiserror::Error;

/// A listening socket.
#[derive(Debug)]
pub enum Listener {
    /// On this machine, with known peers.
    Unix(UnixListener),
    /// On the network.
    Tcp(TcpListener),
}

/// Why a socket is not there.
#[derive(Debug, Error)]
pub enum ListenerError {
    /// Not started by socket activation at all.
    #[error(
        "{daemon} takes its sockets from systemd and was started without any: run `systemctl start {daemon}.socket` \
         (on an installed machine) or `cargo xtask dev` (in a checkout)"
    )]
    StartedByHand {
        /// The daemon's name.
        daemon: &'static str,
    },
    /// Its unit does not pass this one.
    #[error("no socket named `{name}` was passed: its .socket unit needs FileDescriptorName={name}")]
    Missing {
        /// The name.
        name: String,
    },
    /// What was passed is no listening stream socket.
    #[error("the socket named `{name}` is not a listening stream socket")]
    Unusable {
        /// The name.
        name: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// The sockets passed to this process.
#[derive(Debug, Default)]
pub struct Listeners {
    by_name: BTreeMap<String, Listener>,
}

impl Listeners {
    /// Takes over what `LISTEN_FDS` and `LISTEN_FDNAMES` announce.
    pub(crate) fn from_systemd(daemon: &'static str) -> Result<Self, ListenerError> {
        #[allow(
            clippy::disallowed_methods,
            reason = "one of systemd's own variables, read before listenfd clears them"
        )]
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut passed = listenfd::ListenFd::from_env();
        if passed.len() == 0 {
            return Err(ListenerError::StartedByHand { daemon });
        }
        let names: Vec<&str> = names.split(':').collect();
        let mut by_name = BTreeMap::new();
        for index in 0..passed.len() {
            let name = names.get(index).copied().unwrap_or("unknown").to_owned();
            let unusable = |source| ListenerError::Unusable { name: name.clone(), source };
            // listenfd hands a descriptor back when it is of another kind, so both may be tried in turn.
            let listener = match passed.take_unix_listener(index) {
                Ok(listener) => listener.map(Listener::Unix),
                Err(_) => passed.take_tcp_listener(index).map_err(unusable)?.map(Listener::Tcp),
            };
            if let Some(listener) = listener {
                by_name.insert(name, listener);
            }
        }
        Ok(Self { by_name })
    }

    /// The socket of that name; each can be taken once.
    pub fn take(&mut self, name: &str) -> Result<Listener, ListenerError> {
        self.take_optional(name).ok_or_else(|| ListenerError::Missing { name: name.to_owned() })
    }

    /// The socket of that name, for one that an administrator may leave out.
    pub fn take_optional(&mut self, name: &str) -> Option<Listener> {
        self.by_name.remove(name)
    }
}

/// Sockets that the caller bound, by name: for running a daemon inside a test.
impl FromIterator<(String, Listener)> for Listeners {
    fn from_iter<I: IntoIterator<Item = (String, Listener)>>(sockets: I) -> Self {
        Self { by_name: sockets.into_iter().collect() }
    }
}
