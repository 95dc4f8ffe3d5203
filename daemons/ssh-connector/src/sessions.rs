//! The SSH sessions of each host: lent to one tunnel at a time, kept for the next.
//!
//! A session is never shared by two tunnels: russh hands all channels of a session through one loop, so a client that reads slowly
//! would stall every other tunnel of its session (docs/adr/0010).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bulkhead_model::SshHostId;
use bulkhead_store::resources::SshHost;
use russh::ChannelStream;
use russh::client::Msg;
use tokio::sync::Semaphore;

use crate::error::TunnelError;
use crate::metrics::Metrics;
use crate::session::{Credential, Session};
use crate::{Config, target};

/// Log-ins to one host at a time: sshd drops unauthenticated connections at random beyond ten (`MaxStartups`).
const MAX_LOG_INS: usize = 4;
/// Sessions of one host that wait for a tunnel.
const MAX_IDLE: usize = 4;

/// The sessions of all hosts.
pub(crate) struct Sessions {
    by_host: Mutex<HashMap<SshHostId, Arc<HostSessions>>>,
    config: Config,
    metrics: Metrics,
}

/// The sessions of one host.
struct HostSessions {
    idle: Mutex<Vec<(Instant, Session)>>,
    log_ins: Semaphore,
}

/// A session on loan. Dropped, it is closed; given back, it serves the next tunnel.
pub(crate) struct Loan {
    session: Session,
    home: Arc<HostSessions>,
}

impl Sessions {
    pub(crate) fn new(config: &Config, metrics: Metrics) -> Self {
        Self { by_host: Mutex::default(), config: config.clone(), metrics }
    }

    /// A channel to `host:port` by way of an SSH host, with the session that carries it. `credential` is asked for when a
    /// log-in is needed.
    pub(crate) async fn open(
        &self,
        id: SshHostId,
        settings: SshHost,
        credential: impl FnOnce() -> Result<Credential, TunnelError>,
        (host, port): (&str, u16),
    ) -> Result<(ChannelStream<Msg>, Loan), TunnelError> {
        target::check(host, port)?;
        let home = self.home(id);
        // A kept session may have died a moment ago without our knowing: then the next one is tried.
        while let Some(session) = home.take(&settings) {
            let loan = Loan { session, home: Arc::clone(&home) };
            if let Some(channel) = loan.channel(host, port).await? {
                return Ok((channel, loan));
            }
        }
        let session = self.log_in(&home, settings, &credential()?).await?;
        let loan = Loan { session, home };
        match loan.channel(host, port).await? {
            Some(channel) => Ok((channel, loan)),
            None => Err(loan.session.lost()),
        }
    }

    async fn log_in(
        &self,
        home: &HostSessions,
        settings: SshHost,
        credential: &Credential,
    ) -> Result<Session, TunnelError> {
        // The semaphore is never closed; a failure would only mean one log-in more at a time.
        let _place = home.log_ins.acquire().await;
        let host = settings.host.clone();
        let logged_in =
            Session::log_in(settings, credential, &self.config.network, self.config.keepalive_interval).await;
        match &logged_in {
            Ok(_) => {
                self.metrics.logged_in();
                tracing::info!("logged in to SSH host {host}");
            }
            Err(error) => tracing::warn!("no SSH session: {error}"),
        }
        logged_in
    }

    fn home(&self, id: SshHostId) -> Arc<HostSessions> {
        let mut by_host = self.by_host.lock().unwrap_or_else(PoisonError::into_inner);
        let home = by_host
            .entry(id)
            .or_insert_with(|| Arc::new(HostSessions { idle: Mutex::default(), log_ins: Semaphore::new(MAX_LOG_INS) }));
        Arc::clone(home)
    }

    /// Closes sessions that waited too long, and forgets hosts that nothing is left of.
    pub(crate) fn close_idle(&self) {
        let Some(oldest) = Instant::now().checked_sub(self.config.idle_timeout) else { return };
        let mut by_host = self.by_host.lock().unwrap_or_else(PoisonError::into_inner);
        by_host.retain(|_, home| {
            let mut idle = home.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|(since, _)| *since > oldest);
            let used = !idle.is_empty();
            drop(idle);
            used || Arc::strong_count(home) > 1
        });
    }
}

impl HostSessions {
    /// A waiting session that lives and has these settings; all others are closed.
    fn take(&self, settings: &SshHost) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, session)| session.serves(settings));
        idle.pop().map(|(_, session)| session)
    }
}

impl Loan {
    async fn channel(&self, host: &str, port: u16) -> Result<Option<ChannelStream<Msg>>, TunnelError> {
        self.session.open(host, port).await
    }

    /// Back to its host, to serve the next tunnel.
    pub(crate) fn give_back(self) {
        let mut idle = self.home.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push((Instant::now(), self.session));
        }
    }
}
