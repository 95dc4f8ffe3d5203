//! The greeting, the turn to TLS and the log-in.

use bulkhead_model::resource::{MysqlConfig, TlsMode};

use super::auth::{self, Method};
use super::protocol::{ERR, OK, server_error};
use super::wire::{Failed, Fields, MAX_CONTROL_BYTES, Wire, put_counted};
use crate::error::QueryError;
use crate::route::Routes;
use crate::target::Target;

/// What both sides can: the bits of the protocol that are used here. Neither files of this side nor several statements in one are.
mod can {
    pub(super) const MYSQL: u32 = 1;
    pub(super) const FOUND_ROWS: u32 = 1 << 1;
    pub(super) const LONG_FLAG: u32 = 1 << 2;
    pub(super) const CONNECT_WITH_DB: u32 = 1 << 3;
    pub(super) const PROTOCOL_41: u32 = 1 << 9;
    pub(super) const SSL: u32 = 1 << 11;
    pub(super) const TRANSACTIONS: u32 = 1 << 13;
    pub(super) const SECURE_CONNECTION: u32 = 1 << 15;
    pub(super) const MULTI_RESULTS: u32 = 1 << 17;
    pub(super) const PS_MULTI_RESULTS: u32 = 1 << 18;
    pub(super) const PLUGIN_AUTH: u32 = 1 << 19;
    pub(super) const CONNECT_ATTRS: u32 = 1 << 20;
    pub(super) const LONG_AUTH: u32 = 1 << 21;
    /// MariaDB's own, in a field of their own: types by their names.
    pub(super) const MARIADB_TYPES: u32 = 1 << 3;
}

/// UTF-8 of up to four bytes, as all versions know it.
const UTF8MB4: u8 = 45;
/// The largest packet that this side says it takes.
const MAX_PACKET: u32 = 1 << 30;
/// Packets that a log-in takes at most.
const MAX_ROUNDS: usize = 12;
/// Errors that are about who logs in, or what for: access denied (to a database, for a host, by its method), no such database, password expired.
const LOG_IN_CODES: [u16; 11] = [1044, 1045, 1049, 1130, 1251, 1275, 1524, 1698, 1820, 1862, 3118];

/// A server after its log-in.
pub(super) struct Session {
    pub(super) wire: Wire,
    /// The server's number of this connection.
    pub(super) id: u32,
    pub(super) is_mariadb: bool,
    /// Whether columns tell more of their types.
    pub(super) has_types: bool,
}

/// What the server says first.
struct Greeting {
    id: u32,
    nonce: Vec<u8>,
    capabilities: u32,
    extended: u32,
    method: Vec<u8>,
    is_mariadb: bool,
}

/// Connects and logs in.
pub(super) async fn log_in(config: &MysqlConfig, target: &Target, routes: &Routes) -> Result<Session, QueryError> {
    let server = config.server();
    let stream = routes.connect_plain(target, &server).await?;
    let logged_in = async {
        let said = |failed: Failed| refused(target, config, failed);
        let mut wire = Wire::new(stream);
        let greeting = greeting(&wire.packet(MAX_CONTROL_BYTES).await.map_err(said)?).map_err(said)?;
        let is_encrypted = config.tls != TlsMode::Disabled;
        let answer = Answer { config, greeting: &greeting, is_encrypted };
        if is_encrypted {
            if greeting.capabilities & can::SSL == 0 {
                return Err(target.no_tls(&server, "the server does not offer TLS"));
            }
            wire.send(&answer.head()).await.map_err(said)?;
            let (stream, sequence) = wire.into_stream().map_err(said)?;
            wire = Wire::new(routes.secure(target, &server, stream).await?);
            wire.continue_at(sequence);
        }
        let password = target.required_secret()?;
        answer.prove(&mut wire, target, password).await.map_err(|refusal| match refusal {
            Refusal::Failed(failed) => said(failed),
            Refusal::Query(error) => error,
        })?;
        let (id, is_mariadb) = (greeting.id, greeting.is_mariadb);
        Ok(Session { wire, id, is_mariadb, has_types: answer.extended() != 0 })
    };
    routes.within(target, &server, logged_in).await
}

/// Why there is no connection.
fn refused(target: &Target, config: &MysqlConfig, failed: Failed) -> QueryError {
    let server = config.server();
    match failed {
        Failed::Server(error) if LOG_IN_CODES.contains(&error.code) => target.log_in(error.message),
        Failed::Server(error) => target.unreachable(&server, error.message),
        Failed::Gone(reason) => target.unreachable(&server, reason),
        Failed::TooLarge => target.unreachable(&server, "it does not speak MySQL's protocol"),
    }
}

fn greeting(packet: &[u8]) -> Result<Greeting, Failed> {
    if packet.first() == Some(&ERR) {
        return Err(Failed::Server(server_error(packet)));
    }
    fields_of_greeting(packet).ok_or_else(Failed::no_protocol)
}

fn fields_of_greeting(packet: &[u8]) -> Option<Greeting> {
    let mut fields = Fields(packet);
    if fields.u8()? != 10 {
        return None;
    }
    let version = fields.terminated().to_vec();
    let id = fields.u32()?;
    let mut nonce = fields.take(8)?.to_vec();
    fields.take(1)?;
    let low = fields.u16()?;
    fields.take(3)?;
    let high = fields.u16()?;
    let capabilities = u32::from(low) | u32::from(high) << 16;
    let length = usize::from(fields.u8()?);
    fields.take(6)?;
    // Where MySQL has zeros, MariaDB says what only it can.
    let extended = fields.u32()?;
    let wanted = can::PROTOCOL_41 | can::SECURE_CONNECTION | can::PLUGIN_AUTH | can::CONNECT_WITH_DB;
    if capabilities & wanted != wanted {
        return None;
    }
    nonce.extend_from_slice(fields.take(length.saturating_sub(8).max(13))?);
    let method = fields.terminated().to_vec();
    let is_mariadb = capabilities & can::MYSQL == 0 || version.windows(7).any(|word| word == b"MariaDB");
    let extended = if capabilities & can::MYSQL == 0 { extended } else { 0 };
    Some(Greeting { id, nonce, capabilities, extended, method, is_mariadb })
}

enum Refusal {
    Failed(Failed),
    Query(QueryError),
}

impl From<Failed> for Refusal {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

/// How this side answers the greeting.
struct Answer<'a> {
    config: &'a MysqlConfig,
    greeting: &'a Greeting,
    is_encrypted: bool,
}

impl Answer<'_> {
    fn capabilities(&self) -> u32 {
        let mut wanted = can::FOUND_ROWS
            | can::LONG_FLAG
            | can::CONNECT_WITH_DB
            | can::PROTOCOL_41
            | can::TRANSACTIONS
            | can::SECURE_CONNECTION
            | can::MULTI_RESULTS
            | can::PS_MULTI_RESULTS
            | can::PLUGIN_AUTH
            | can::CONNECT_ATTRS
            | can::LONG_AUTH;
        if self.is_encrypted {
            wanted |= can::SSL;
        }
        // Not said by who uses MariaDB's own bits.
        if self.extended() == 0 {
            wanted |= can::MYSQL;
        }
        wanted & (self.greeting.capabilities | can::MYSQL | can::FOUND_ROWS)
    }

    fn extended(&self) -> u32 {
        self.greeting.extended & can::MARIADB_TYPES
    }

    /// What also asks for TLS, when nothing follows it.
    fn head(&self) -> Vec<u8> {
        let mut head = self.capabilities().to_le_bytes().to_vec();
        head.extend_from_slice(&MAX_PACKET.to_le_bytes());
        head.push(UTF8MB4);
        head.extend_from_slice(&[0; 19]);
        head.extend_from_slice(&self.extended().to_le_bytes());
        head
    }

    /// Sends who logs in, and answers what the server asks about it.
    async fn prove(&self, wire: &mut Wire, target: &Target, password: &[u8]) -> Result<(), Refusal> {
        // A method that is not known here is offered nothing; the server then names the one of the account.
        let mut method = Method::named(&self.greeting.method).filter(|method| *method != Method::Clear);
        let mut nonce = self.greeting.nonce.clone();
        let first = method.unwrap_or(Method::Native);
        let proof = first.answer(password, &nonce, self.is_encrypted).unwrap_or_default();
        let mut packet = self.head();
        packet.extend_from_slice(self.config.user.as_bytes());
        packet.push(0);
        if self.capabilities() & can::LONG_AUTH == 0 {
            packet.push(u8::try_from(proof.len()).unwrap_or_default());
            packet.extend_from_slice(&proof);
        } else {
            put_counted(&proof, &mut packet);
        }
        for text in [self.config.database.as_str(), first.name()] {
            packet.extend_from_slice(text.as_bytes());
            packet.push(0);
        }
        if self.capabilities() & can::CONNECT_ATTRS != 0 {
            let mut attributes = Vec::new();
            put_counted(b"program_name", &mut attributes);
            put_counted(b"bulkhead", &mut attributes);
            put_counted(&attributes, &mut packet);
        }
        wire.send(&packet).await?;
        method = Some(first);
        for _ in 0..MAX_ROUNDS {
            let asked = wire.packet(MAX_CONTROL_BYTES).await?;
            match asked.first() {
                Some(&OK) => return Ok(()),
                Some(&ERR) => return Err(Failed::Server(server_error(&asked)).into()),
                Some(0xFE) => {
                    let mut fields = Fields(&asked[1..]);
                    let name = fields.terminated();
                    nonce = fields.0.to_vec();
                    method = Method::named(name);
                    let proof = method.and_then(|method| method.answer(password, &nonce, self.is_encrypted));
                    let Some(proof) = proof else { return Err(Refusal::Query(not_this_way(target, name))) };
                    wire.send(&proof).await?;
                }
                Some(1) if method == Some(Method::CachingSha2) => {
                    self.show_password(wire, target, &asked[1..], password).await?;
                }
                _ => return Err(Failed::no_protocol().into()),
            }
        }
        Err(Failed::no_protocol().into())
    }

    /// What the newer method asks for when the server has not seen the password since it was started. Without TLS it would be hidden by a
    /// key that the server sends, and nobody knows whose that is.
    async fn show_password(
        &self,
        wire: &mut Wire,
        target: &Target,
        asked: &[u8],
        password: &[u8],
    ) -> Result<(), Refusal> {
        match asked {
            // It knows the password, and says so next.
            [3] => Ok(()),
            [4] if self.is_encrypted => Ok(wire.send(&auth::terminated(password)).await?),
            [4] => Err(Refusal::Query(target.log_in(
                "the server wants to see the password, which goes over TLS alone: turn on TLS for the resource",
            ))),
            _ => Err(Failed::no_protocol().into()),
        }
    }
}

/// A method of logging in that is not known here, or not safe on this connection.
fn not_this_way(target: &Target, name: &[u8]) -> QueryError {
    let name = String::from_utf8_lossy(name);
    target.log_in(format!(
        "its account logs in by {name}, which is not possible here{}",
        if name == Method::Clear.name() { " without TLS" } else { "" }
    ))
}
