//! A connection to the primary of MongoDB: greeting, log-in, and one command at a time.

use std::sync::atomic::{AtomicUsize, Ordering};

use bson::spec::BinarySubtype;
use bson::{Binary, Document, RawBsonRef, RawDocument, RawDocumentBuf, doc};
use bulkhead_model::resource::{MongodbConfig, MongodbMechanism, Server};
use thiserror::Error;
use uuid::Uuid;

use super::message::{self, MAX_MESSAGE};
use super::scram::{Mechanism, Scram};
use crate::error::QueryError;
use crate::pool;
use crate::route::Routes;
use crate::target::Target;
use crate::wire::{Wire, WireError};

/// The protocol's version of MongoDB 4.4, the oldest that is spoken to.
const OLDEST: i32 = 9;

/// The members of a replica set, and which was the primary when it was looked for last.
pub(super) struct Members {
    pub(super) config: MongodbConfig,
    primary: AtomicUsize,
}

impl Members {
    pub(super) fn of(config: MongodbConfig) -> Self {
        Self { config, primary: AtomicUsize::new(0) }
    }
}

/// A connection that is logged in, to a server that takes writes.
pub(super) struct Session {
    wire: Wire,
    last_id: i32,
    is_closed: bool,
}

/// Why a command has no result.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// What the server said.
    #[error("{0}")]
    Refused(Refusal),
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("a document that cannot be sent: {0}")]
    Form(#[from] bson::error::Error),
}

/// An error of a server.
#[derive(Clone, Debug, Error)]
#[error("{message}")]
pub(super) struct Refusal {
    pub(super) code: i32,
    pub(super) name: String,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn of(reply: &RawDocument) -> Self {
        let code = number(reply, "code").unwrap_or_default() as i32;
        let name = reply.get_str("codeName").map_or_else(|_| code.to_string(), str::to_owned);
        let message = reply.get_str("errmsg").unwrap_or("it says no reason").to_owned();
        Self { code, name, message }
    }
}

/// A number of whatever type.
pub(super) fn number(document: &RawDocument, key: &str) -> Option<i64> {
    match document.get(key).ok()?? {
        RawBsonRef::Int32(number) => Some(number.into()),
        RawBsonRef::Int64(number) => Some(number),
        RawBsonRef::Double(number) => Some(number as i64),
        RawBsonRef::Boolean(truth) => Some(truth.into()),
        _ => None,
    }
}

/// What a member is.
enum Role {
    Primary,
    /// Something else, in words.
    Other(String),
}

impl pool::Connection for Session {
    type Config = Members;

    async fn open(members: &Members, target: &Target, routes: &Routes) -> Result<Self, QueryError> {
        let servers = members.config.servers();
        let last = members.primary.load(Ordering::Relaxed).min(servers.len() - 1);
        let order = std::iter::once(last).chain((0..servers.len()).filter(|index| *index != last));
        let (mut first_error, mut others) = (None, Vec::new());
        for index in order {
            let server = &servers[index];
            match Self::greeted(&members.config, server, target, routes).await {
                Ok((mut session, Role::Primary, mechanisms)) => {
                    members.primary.store(index, Ordering::Relaxed);
                    let logged_in = session.log_in(&members.config, &mechanisms, target, server);
                    routes.within(target, server, logged_in).await?;
                    return Ok(session);
                }
                Ok((_, Role::Other(words), _)) => others.push(format!("{}:{} is {words}", server.host, server.port)),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        match first_error {
            Some(error) if others.is_empty() => Err(error),
            _ => Err(target.unreachable(
                &servers[0],
                format!("no primary answers: {}. List the members of its replica set", others.join(", ")),
            )),
        }
    }

    fn is_closed(&self) -> bool {
        self.is_closed
    }
}

impl Session {
    /// Connects to a member and asks what it is.
    async fn greeted(
        config: &MongodbConfig,
        server: &Server<'_>,
        target: &Target,
        routes: &Routes,
    ) -> Result<(Self, Role, Vec<String>), QueryError> {
        let stream = routes.connect(target, server).await?;
        let mut session = Self { wire: Wire::new(stream, MAX_MESSAGE), last_id: 0, is_closed: false };
        let greeted = async {
            let mut hello = doc! {
                "hello": 1, "helloOk": true,
                "client": { "application": { "name": "bulkhead" }, "driver": { "name": "bulkhead", "version": env!("CARGO_PKG_VERSION") }, "os": { "type": "Linux" } },
                "$db": "admin",
            };
            if !config.user.is_empty() {
                hello.insert("saslSupportedMechs", format!("{}.{}", config.auth_database, config.user));
            }
            session.command(&hello).await.map_err(|error| target.unreachable(server, error.to_string()))
        };
        let reply = routes.within(target, server, greeted).await?;
        if number(&reply, "maxWireVersion").is_some_and(|version| version < OLDEST.into()) {
            return Err(target.unreachable(server, "it is older than MongoDB 4.4, the oldest that is spoken to"));
        }
        let set = reply.get_str("setName").unwrap_or_default();
        if !config.replica_set.is_empty() && set != config.replica_set {
            let told = if set.is_empty() { "no replica set".to_owned() } else { format!("replica set {set}") };
            return Err(target.unreachable(server, format!("it belongs to {told}, and not to {}", config.replica_set)));
        }
        let role = if number(&reply, "isWritablePrimary") == Some(1) {
            Role::Primary
        } else if set.is_empty() {
            Role::Other("in no replica set yet".to_owned())
        } else {
            let primary =
                reply.get_str("primary").map_or_else(|_| "has none now".to_owned(), |name| format!("is {name}"));
            Role::Other(format!("no primary; that of {set} {primary}"))
        };
        let mut mechanisms = Vec::new();
        if let Ok(told) = reply.get_array("saslSupportedMechs") {
            mechanisms.extend(told.into_iter().filter_map(|one| one.ok()?.as_str().map(str::to_owned)));
        }
        Ok((session, role, mechanisms))
    }

    async fn log_in(
        &mut self,
        config: &MongodbConfig,
        mechanisms: &[String],
        target: &Target,
        server: &Server<'_>,
    ) -> Result<(), QueryError> {
        if config.user.is_empty() {
            return Ok(());
        }
        target.required_secret()?;
        let password = target.secret_text()?.unwrap_or_default();
        let has = |mechanism: Mechanism| mechanisms.iter().any(|name| name == mechanism.name());
        let mechanism = match config.mechanism {
            MongodbMechanism::ScramSha1 => Mechanism::Sha1,
            MongodbMechanism::ScramSha256 => Mechanism::Sha256,
            MongodbMechanism::Any if has(Mechanism::Sha1) && !has(Mechanism::Sha256) => Mechanism::Sha1,
            MongodbMechanism::Any => Mechanism::Sha256,
        };
        let failed = |error: Failure| match error {
            Failure::Refused(refusal) => target.log_in(format!("{} ({})", refusal.message, refusal.name)),
            other => target.unreachable(server, other.to_string()),
        };
        let odd = |reason: &str| target.log_in(format!("{reason}: is it the server that was meant?"));
        let nonce = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let scram = Scram::new(mechanism, &config.user, password, &nonce).map_err(|reason| target.log_in(reason))?;
        let payload = |text: String| Binary { subtype: BinarySubtype::Generic, bytes: text.into_bytes() };
        let start = doc! {
            "saslStart": 1, "mechanism": mechanism.name(), "payload": payload(scram.message()),
            "options": { "skipEmptyExchange": true }, "$db": &config.auth_database,
        };
        let reply = self.command(&start).await.map_err(failed)?;
        let id = number(&reply, "conversationId").unwrap_or(1) as i32;
        let said = said(&reply).ok_or_else(|| odd("its message of SCRAM is none"))?;
        let proven = tokio::task::spawn_blocking(move || scram.prove(&said)).await;
        let proven = proven.map_err(|_| odd("the log-in was stopped"))?.map_err(odd)?;
        let next = |text: String| {
            doc! { "saslContinue": 1, "conversationId": id, "payload": payload(text), "$db": &config.auth_database }
        };
        let mut reply = self.command(&next(proven.message.clone())).await.map_err(failed)?;
        if !said_is(&reply, |text| proven.is_mutual(text)) {
            return Err(odd("it does not know the password itself"));
        }
        if number(&reply, "done") != Some(1) {
            reply = self.command(&next(String::new())).await.map_err(failed)?;
        }
        if number(&reply, "done") == Some(1) { Ok(()) } else { Err(odd("it does not end the log-in")) }
    }

    /// Whether it is still there, after a rest.
    pub(super) async fn still_lives(&mut self) -> bool {
        self.wire.still_lives().await && self.wire.unread().is_empty()
    }

    /// Asks, and gives the reply. What was left before its reply came cannot be used any more.
    pub(super) async fn command(&mut self, command: &Document) -> Result<RawDocumentBuf, Failure> {
        self.last_id = self.last_id % i32::MAX + 1;
        let id = self.last_id;
        let sent = message::command(id, command)?;
        // Until the reply is read; a caller who leaves before leaves it so.
        self.is_closed = true;
        self.wire.send(&sent).await?;
        let reply = self.wire.receive(|unread| message::reply(unread, id)).await?;
        self.is_closed = false;
        match number(&reply, "ok") {
            Some(1) => Ok(reply),
            _ => Err(Failure::Refused(Refusal::of(&reply))),
        }
    }
}

/// The text of a step of SCRAM.
fn said(reply: &RawDocument) -> Option<String> {
    String::from_utf8(reply.get_binary("payload").ok()?.bytes.to_vec()).ok()
}

fn said_is(reply: &RawDocument, is_so: impl FnOnce(&str) -> bool) -> bool {
    said(reply).is_some_and(|text| is_so(&text))
}
