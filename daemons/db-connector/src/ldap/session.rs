//! A connection to a directory: encryption, binding, and a search in pages.

use bulkhead_model::query::QueryLimits;
use bulkhead_model::resource::{LdapConfig, TlsMode};
use zeroize::Zeroizing;

use super::ber;
use super::message::{self, Answer, Entry, Outcome, Search};
use crate::error::QueryError;
use crate::pool;
use crate::route::Routes;
use crate::target::Target;
use crate::wire::{Wire, WireError};

/// The most bytes that a message may have.
const MAX_MESSAGE: usize = QueryLimits::MAX.max_bytes as usize;
/// What a bind or an extended request is answered with at most.
const MAX_OUTCOME: usize = 64 * 1024;
/// Entries in a page: Active Directory gives 1000 at most.
const PAGE: u32 = 500;

/// A connection that is bound.
pub(super) struct Session {
    wire: Wire,
    last_id: u32,
}

/// Why a search gave nothing.
pub(super) enum Failure {
    /// The connection failed.
    Wire(WireError),
    /// The server refused it.
    Refused(Outcome),
    /// Whoever takes the entries refused one.
    Taken(QueryError),
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl pool::Connection for Session {
    type Config = LdapConfig;

    async fn open(config: &LdapConfig, target: &Target, routes: &Routes) -> Result<Self, QueryError> {
        let server = config.server();
        let broken = |error: WireError| target.unreachable(&server, error.to_string());
        let starttls = config.starttls && server.tls == TlsMode::VerifyFull;
        let stream = match starttls {
            true => routes.connect_plain(target, &server).await?,
            false => routes.connect(target, &server).await?,
        };
        let mut session = Self { wire: Wire::new(stream, MAX_MESSAGE), last_id: 0 };
        if starttls {
            let agreed = async { session.ask(message::start_tls).await.map_err(broken) };
            let agreed = routes.within(target, &server, agreed).await?;
            if agreed.code != 0 {
                return Err(target.no_tls(&server, format!("it refused StartTLS: {}", agreed.shown())));
            }
            let stream = session.wire.into_stream().map_err(|error| target.no_tls(&server, error.to_string()))?;
            let wire = Wire::new(routes.secure(target, &server, stream).await?, MAX_MESSAGE);
            session = Self { wire, last_id: session.last_id };
        }
        // Without a name the bind is anonymous; it also tells whether this is a directory at all. A name without a password would be
        // anonymous too, and look like a log-in.
        let password = match config.bind_dn.is_empty() {
            true => &[][..],
            false => target.required_secret()?,
        };
        if !config.bind_dn.is_empty() && password.is_empty() {
            return Err(QueryError::NoSecret { resource: target.name.clone() });
        }
        let bound = async {
            let request = |id| Zeroizing::new(message::bind(id, &config.bind_dn, password));
            let outcome = session.ask(request).await.map_err(broken)?;
            if outcome.code == 0 { Ok(()) } else { Err(target.log_in(outcome.shown())) }
        };
        routes.within(target, &server, bound).await?;
        Ok(session)
    }

    fn is_closed(&self) -> bool {
        false
    }
}

impl Session {
    /// Asks for something that is answered by an outcome alone.
    async fn ask<R: AsRef<[u8]>>(&mut self, request: impl FnOnce(u32) -> R) -> Result<Outcome, WireError> {
        let id = self.next_id();
        self.wire.send(request(id).as_ref()).await?;
        match self.answer(id, MAX_OUTCOME).await? {
            Answer::Outcome(outcome, _) => Ok(outcome),
            _ => Err(WireError::Broken("it answered what was not asked")),
        }
    }

    /// Searches, and hands each entry to `take`, which tells whether it wants more; the rest of the page is passed by then. Whether the
    /// server has more entries than it gave.
    pub(super) async fn search(
        &mut self,
        search: &Search,
        most_bytes: usize,
        mut take: impl FnMut(Entry) -> Result<bool, QueryError>,
    ) -> Result<bool, Failure> {
        let page = search.size_limit.min(PAGE);
        let (mut cookie, mut wants_more) = (Vec::new(), true);
        loop {
            let id = self.next_id();
            self.wire.send(&message::search(id, search, page, &cookie)).await?;
            let outcome = loop {
                match self.answer(id, most_bytes).await? {
                    Answer::Entry(entry) if wants_more => wants_more = take(entry).map_err(Failure::Taken)?,
                    Answer::Entry(_) | Answer::Elsewhere | Answer::Disconnects => {}
                    Answer::Outcome(outcome, next) => {
                        cookie = next;
                        break outcome;
                    }
                }
            };
            match outcome.code {
                0 if cookie.is_empty() || !wants_more => return Ok(!wants_more),
                0 => {}
                // Its own limit, which may be less than ours.
                4 => return Ok(true),
                _ => return Err(Failure::Refused(outcome)),
            }
        }
    }

    async fn answer(&mut self, id: u32, most: usize) -> Result<Answer, WireError> {
        let content = self.wire.receive(|unread| ber::message(unread, most)).await?;
        match message::answer(&content, id)? {
            Answer::Disconnects => Err(WireError::Closed),
            answer => Ok(answer),
        }
    }

    fn next_id(&mut self) -> u32 {
        self.last_id = self.last_id % 0x7fff_fffe + 1;
        self.last_id
    }
}
