//! The SSH sessions of each host: lent to one tunnel at a time, kept for the next.
//!
//! A session is never shared by two tunnels: russh hands all channels of a session through one loop, so a client that reads slowly
//! would stall every other tunnel of its session (docs/adr/0010). One that leads through jump hosts has its own on each of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bulkhead_model::SshHostId;
use bulkhead_model::ssh::MAX_SSH_HOSTS_IN_A_ROW;
use bulkhead_seal::{Place, SealPrivateKey};
use bulkhead_store::ssh_hosts::SshHop;
use russh::ChannelStream;
use russh::client::Msg;
use tokio::sync::Semaphore;

use crate::credential::Credential;
use crate::error::TunnelError;
use crate::metrics::Metrics;
use crate::session::{Session, Way};
use crate::{Config, target};

/// Log-ins to one host at a time: sshd drops unauthenticated connections at random beyond ten (`MaxStartups`).
const MAX_LOG_INS: usize = 4;
/// Sessions of one host that wait for a tunnel.
const MAX_IDLE: usize = 4;

/// The sessions of all hosts.
pub(crate) struct Sessions {
    by_host: Mutex<HashMap<SshHostId, Arc<HostSessions>>>,
    key: Arc<SealPrivateKey>,
    config: Config,
    way: Way,
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
    pub(crate) fn new(key: SealPrivateKey, config: &Config, metrics: Metrics) -> Self {
        let way = Way { network: config.network.clone(), keepalive_interval: config.keepalive_interval };
        Self { by_host: Mutex::default(), key: Arc::new(key), config: config.clone(), way, metrics }
    }

    /// A channel to `host:port` by way of SSH hosts, with the session that carries it.
    pub(crate) async fn open(
        &self,
        way: &[SshHop],
        (host, port): (&str, u16),
    ) -> Result<(ChannelStream<Msg>, Loan), TunnelError> {
        target::check(host, port)?;
        let home = self.home(way.last().ok_or(TunnelError::UnknownHost)?.id);
        // A kept session may have died a moment ago without our knowing: then the next one is tried.
        while let Some(session) = home.take(way) {
            let loan = Loan { session, home: Arc::clone(&home) };
            if let Some(channel) = loan.session.open(host, port).await? {
                return Ok((channel, loan));
            }
        }
        let session = self.log_in(way).await?.ok_or(TunnelError::UnknownHost)?;
        let loan = Loan { session, home };
        match loan.session.open(host, port).await? {
            Some(channel) => Ok((channel, loan)),
            None => Err(loan.session.lost()),
        }
    }

    /// Logs in to one host after the other, each through the one before it. `None` when there is none.
    pub(crate) async fn log_in(&self, way: &[SshHop]) -> Result<Option<Session>, TunnelError> {
        if way.len() > MAX_SSH_HOSTS_IN_A_ROW {
            return Err(TunnelError::RowTooLong);
        }
        let mut reached = None;
        for hop in way {
            reached = Some(self.log_in_to(hop, reached).await?);
        }
        Ok(reached)
    }

    async fn log_in_to(&self, hop: &SshHop, via: Option<Session>) -> Result<Session, TunnelError> {
        let home = self.home(hop.id);
        // The semaphore is never closed; a failure would only mean one log-in more at a time.
        let _place = home.log_ins.acquire().await;
        let (host, started) = (&hop.config.host, Instant::now());
        let logged_in = async {
            let credential = self.credential(hop).await?;
            Session::log_in(hop.clone(), &credential, via, &self.way).await
        };
        let logged_in = logged_in.await;
        match &logged_in {
            Ok(_) => {
                self.metrics.logged_in(started.elapsed());
                tracing::info!("logged in to SSH host {host}");
            }
            Err(error) => {
                self.metrics.log_in_failed(&error.problem().code);
                tracing::warn!("no SSH session: {error}");
            }
        }
        logged_in
    }

    async fn credential(&self, hop: &SshHop) -> Result<Credential, TunnelError> {
        let (key, hop) = (Arc::clone(&self.key), hop.clone());
        let host = hop.config.host.clone();
        // Deriving a key from a passphrase takes a processor for tenths of a second.
        let opened = tokio::task::spawn_blocking(move || {
            let row = hop.id.to_string();
            let place = Place { table: "ssh_hosts", row: &row, field: "sealed_secret" };
            let secret = key.open(&place, &hop.sealed_secret);
            let secret = secret.map_err(|source| TunnelError::Secret { host: hop.config.host.clone(), source })?;
            Credential::from_secret(&hop.config.host, &secret)
        });
        // The task can only fail by a panic, which is logged.
        opened.await.unwrap_or(Err(TunnelError::PrivateKey { host, reason: "it cannot be read" }))
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
        let mut kept = 0;
        let mut by_host = self.by_host.lock().unwrap_or_else(PoisonError::into_inner);
        by_host.retain(|_, home| {
            let mut idle = home.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|(since, _)| *since > oldest);
            kept += idle.len();
            let used = !idle.is_empty();
            drop(idle);
            used || Arc::strong_count(home) > 1
        });
        drop(by_host);
        self.metrics.kept(kept);
    }
}

impl HostSessions {
    /// A waiting session that lives and was made with this way; all others are closed.
    fn take(&self, way: &[SshHop]) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, session)| session.serves(way));
        idle.pop().map(|(_, session)| session)
    }
}

impl Loan {
    /// Back to its host, to serve the next tunnel.
    pub(crate) fn give_back(self) {
        let mut idle = self.home.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push((Instant::now(), self.session));
        }
    }
}
