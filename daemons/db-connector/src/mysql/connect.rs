//! A connection to a MySQL resource: its commands, its prepared statements, its state between queries.
//!
//! Between queries a connection stands in a transaction that reads, so that a read costs one round trip; a write opens its own, and
//! the session is reset behind it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::resource::MysqlConfig;
use bytes::Bytes;
use futures_util::FutureExt;

use super::handshake::{self, Session};
use super::parameters::{Parameter, put_all};
use super::protocol::{self, ColumnDefinition, Done, First};
use super::wire::{Failed, Fields, MAX_CONTROL_BYTES, Wire};
use crate::error::QueryError;
use crate::pool;
use crate::route::Routes;
use crate::target::Target;

/// Statements that one connection keeps prepared.
const MAX_PREPARED: usize = 100;
/// Columns that a result has at most in MySQL.
const MAX_COLUMNS: u64 = 4096;
/// How long a connection that stops another one's statement may take.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// What every session is set to. Values that do not fit are errors, `||` joins texts as in the standard, moments are in UTC; what the
/// server's own mode refuses of dates and of groups stays refused.
const SET_UP: &str = "SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = CONCAT(\
    'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,PIPES_AS_CONCAT', \
    IF(FIND_IN_SET('ONLY_FULL_GROUP_BY', @@GLOBAL.sql_mode), ',ONLY_FULL_GROUP_BY', ''), \
    IF(FIND_IN_SET('NO_ZERO_DATE', @@GLOBAL.sql_mode), ',NO_ZERO_DATE', ''), \
    IF(FIND_IN_SET('NO_ZERO_IN_DATE', @@GLOBAL.sql_mode), ',NO_ZERO_IN_DATE', ''))";
/// Ends what this side could not stop, somewhat after the longest query that it asks for. Only MariaDB has it for all statements.
const SET_UP_MARIADB: &str = "SET max_statement_time = 150";

/// The commands that are used here.
mod command {
    pub(super) const QUIT: u8 = 1;
    pub(super) const QUERY: u8 = 3;
    pub(super) const PREPARE: u8 = 0x16;
    pub(super) const EXECUTE: u8 = 0x17;
    pub(super) const CLOSE: u8 = 0x19;
    pub(super) const RESET: u8 = 0x1F;
}

/// A statement that a connection keeps prepared.
#[derive(Clone, Copy)]
pub(super) struct Prepared {
    id: u32,
    /// How many parameters the server found.
    pub(super) parameters: usize,
    /// Whether it was prepared for an earlier query.
    pub(super) known: bool,
}

/// The beginning of an answer.
pub(super) enum Answered {
    Done(Done),
    /// Rows follow: see [`Connection::row`].
    Rows(Vec<ColumnDefinition>),
}

/// A connection that is logged in.
pub(super) struct Connection {
    wire: Wire,
    /// The server's number of it.
    pub(super) id: u32,
    is_mariadb: bool,
    has_types: bool,
    prepared: HashMap<String, Prepared>,
    is_broken: bool,
}

impl pool::Connection for Connection {
    type Config = MysqlConfig;

    async fn open(config: &MysqlConfig, target: &Target, routes: &Routes) -> Result<Self, QueryError> {
        let Session { wire, id, is_mariadb, has_types } = handshake::log_in(config, target, routes).await?;
        let mut connection = Self { wire, id, is_mariadb, has_types, prepared: HashMap::new(), is_broken: false };
        let server = config.server();
        let ready = async {
            connection.set_up().await.map_err(|failed| match failed {
                Failed::Server(error) => target.unreachable(&server, error.message),
                Failed::Gone(reason) => target.unreachable(&server, reason),
                Failed::TooLarge => target.unreachable(&server, "it does not speak MySQL's protocol"),
            })
        };
        routes.within(target, &server, ready).await?;
        Ok(connection)
    }

    fn is_closed(&self) -> bool {
        self.is_broken || self.wire.is_broken()
    }
}

impl Drop for Connection {
    /// Says good-bye, where that does not have to wait: a server writes into its log who goes without.
    fn drop(&mut self) {
        if !pool::Connection::is_closed(self) {
            let _ = self.wire.command(&[command::QUIT]).now_or_never();
        }
    }
}

impl Connection {
    async fn set_up(&mut self) -> Result<(), Failed> {
        self.text(SET_UP).await?;
        if self.is_mariadb {
            self.text(SET_UP_MARIADB).await?;
        }
        self.begin_read().await
    }

    /// Opens a transaction that changes nothing and sees nothing yet.
    async fn begin_read(&mut self) -> Result<(), Failed> {
        self.text("START TRANSACTION READ ONLY").await.map(drop)
    }

    /// Opens the transaction of a write.
    pub(super) async fn begin_write(&mut self) -> Result<(), Failed> {
        self.text("START TRANSACTION READ WRITE").await.map(drop)
    }

    /// Makes a connection that has read ready for the next query.
    pub(super) async fn settle_read(&mut self, leaves_traces: bool) -> Result<(), Failed> {
        self.text("ROLLBACK").await?;
        if leaves_traces { self.reset().await } else { self.begin_read().await }
    }

    /// Rolls back what is not committed, and makes the session one that nobody has used.
    pub(super) async fn reset(&mut self) -> Result<(), Failed> {
        self.prepared.clear();
        self.wire.command(&[command::RESET]).await?;
        self.done().await?;
        self.set_up().await
    }

    /// Runs a statement of this side's own that returns no rows.
    pub(super) async fn text(&mut self, sql: &str) -> Result<Done, Failed> {
        let mut packet = vec![command::QUERY];
        packet.extend_from_slice(sql.as_bytes());
        self.wire.command(&packet).await?;
        self.done().await
    }

    /// The prepared form of `text`, from this connection's cache where it can be.
    pub(super) async fn prepare(&mut self, text: &str) -> Result<Prepared, Failed> {
        if let Some(prepared) = self.prepared.get(text) {
            return Ok(Prepared { known: true, ..*prepared });
        }
        if self.prepared.len() >= MAX_PREPARED {
            for (_, prepared) in std::mem::take(&mut self.prepared) {
                self.close(prepared).await?;
            }
        }
        let prepared = self.prepare_once(text).await?;
        self.prepared.insert(text.to_owned(), prepared);
        Ok(prepared)
    }

    /// Prepares a statement that is not kept: see [`Self::close`].
    pub(super) async fn prepare_once(&mut self, text: &str) -> Result<Prepared, Failed> {
        let mut packet = Vec::with_capacity(text.len() + 1);
        packet.push(command::PREPARE);
        packet.extend_from_slice(text.as_bytes());
        self.wire.command(&packet).await?;
        let answer = self.control().await?;
        if answer.first() == Some(&protocol::ERR) {
            return self.checked(Err(protocol::refusal(&answer)));
        }
        let Some((id, columns, parameters)) = prepared(&answer) else { return Err(self.no_protocol()) };
        for descriptions in [parameters, columns] {
            // Each list has an end of its own; one that is empty is left out, and so is its end.
            for _ in 0..u32::from(descriptions) + u32::from(descriptions > 0) {
                self.control().await?;
            }
        }
        Ok(Prepared { id, parameters: parameters.into(), known: false })
    }

    /// Lets go of a prepared statement.
    pub(super) async fn close(&mut self, prepared: Prepared) -> Result<(), Failed> {
        let [a, b, c, d] = prepared.id.to_le_bytes();
        // It has no answer.
        self.wire.command(&[command::CLOSE, a, b, c, d]).await
    }

    /// Forgets a prepared statement that the server does not know any more.
    pub(super) fn forget(&mut self, text: &str) {
        self.prepared.remove(text);
    }

    /// Runs a prepared statement.
    pub(super) async fn execute(&mut self, prepared: Prepared, values: &[Parameter]) -> Result<Answered, Failed> {
        let mut packet = vec![command::EXECUTE];
        packet.extend_from_slice(&prepared.id.to_le_bytes());
        // No cursor; one iteration.
        packet.extend_from_slice(&[0, 1, 0, 0, 0]);
        put_all(values, &mut packet);
        self.wire.command(&packet).await?;
        let answer = self.control().await?;
        match self.checked(protocol::first(&answer))? {
            First::Done(done) => {
                self.skip_results(done).await?;
                Ok(Answered::Done(done))
            }
            First::Columns(count) => self.columns(count).await.map(Answered::Rows),
        }
    }

    async fn columns(&mut self, count: u64) -> Result<Vec<ColumnDefinition>, Failed> {
        if count > MAX_COLUMNS {
            return Err(self.no_protocol());
        }
        let mut columns = Vec::new();
        for _ in 0..count {
            let packet = self.control().await?;
            let column = protocol::column(&packet, self.has_types);
            columns.push(self.checked(column)?);
        }
        match protocol::end(&self.control().await?) {
            Some(_) => Ok(columns),
            None => Err(self.no_protocol()),
        }
    }

    /// The next row, of `most` bytes. Nothing at the end of the rows, behind which further results are passed by.
    pub(super) async fn row(&mut self, most: usize) -> Result<Option<Bytes>, Failed> {
        let packet = self.wire.packet(most).await?;
        if let Some(end) = protocol::end(&packet) {
            self.skip_results(end).await?;
            return Ok(None);
        }
        if packet.first() == Some(&protocol::ERR) {
            return self.checked(Err(protocol::refusal(&packet)));
        }
        Ok(Some(packet))
    }

    /// Passes by what follows the first result, as a procedure has it.
    async fn skip_results(&mut self, mut last: Done) -> Result<(), Failed> {
        while last.has_more() {
            let packet = self.control().await?;
            last = match self.checked(protocol::first(&packet))? {
                First::Done(done) => done,
                First::Columns(count) => {
                    self.columns(count).await?;
                    loop {
                        let packet = self.wire.packet(usize::MAX).await?;
                        if packet.first() == Some(&protocol::ERR) {
                            return self.checked(Err(protocol::refusal(&packet)));
                        }
                        if let Some(end) = protocol::end(&packet) {
                            break end;
                        }
                    }
                }
            };
        }
        Ok(())
    }

    /// All rows of a statement of this side's own, whose columns are texts; what is null is empty.
    pub(super) async fn fetch(&mut self, sql: &str, values: &[Parameter]) -> Result<Vec<Vec<String>>, Failed> {
        let prepared = self.prepare(sql).await?;
        let Answered::Rows(columns) = self.execute(prepared, values).await? else { return Ok(Vec::new()) };
        let mut rows = Vec::new();
        while let Some(packet) = self.row(MAX_CONTROL_BYTES).await? {
            match texts(&packet, columns.len()) {
                Some(row) => rows.push(row),
                None => return Err(self.no_protocol()),
            }
        }
        Ok(rows)
    }

    async fn done(&mut self) -> Result<Done, Failed> {
        let packet = self.control().await?;
        match self.checked(protocol::first(&packet))? {
            First::Done(done) => Ok(done),
            First::Columns(_) => Err(self.no_protocol()),
        }
    }

    async fn control(&mut self) -> Result<Bytes, Failed> {
        self.wire.packet(MAX_CONTROL_BYTES).await
    }

    /// Remembers that the connection serves no more, where that is so.
    fn checked<T>(&mut self, outcome: Result<T, Failed>) -> Result<T, Failed> {
        if let Err(Failed::Gone(_) | Failed::TooLarge) = &outcome {
            self.is_broken = true;
        }
        outcome
    }

    fn no_protocol(&mut self) -> Failed {
        self.is_broken = true;
        Failed::no_protocol()
    }
}

/// The id of a prepared statement, and how many columns and parameters it has.
fn prepared(packet: &[u8]) -> Option<(u32, u16, u16)> {
    let mut fields = Fields(packet.strip_prefix(&[protocol::OK])?);
    Some((fields.u32()?, fields.u16()?, fields.u16()?))
}

fn texts(packet: &[u8], columns: usize) -> Option<Vec<String>> {
    let mut fields = Fields(packet);
    fields.u8()?;
    let nulls = fields.take((columns + 9) / 8)?;
    let mut row = Vec::with_capacity(columns);
    for index in 0..columns {
        let is_null = nulls[(index + 2) / 8] >> ((index + 2) % 8) & 1 == 1;
        let text = if is_null { &[][..] } else { fields.counted()? };
        row.push(String::from_utf8_lossy(text).into_owned());
    }
    Some(row)
}

/// Tells the server to stop what a connection is doing.
pub(super) async fn kill(pool: Arc<pool::Pool<Connection>>, id: u32) {
    let killed = async {
        let mut connection = pool.connect().await.map_err(|error| error.to_string())?;
        let killed = connection.text(&format!("KILL QUERY {id}")).await;
        killed.map_err(|failed| format!("{failed:?}"))
    };
    if let Ok(Err(error)) = tokio::time::timeout(KILL_PATIENCE, killed).await {
        // The statement may have ended by itself.
        tracing::debug!("a cancel did not strike: {error}");
    }
}
