//! A connection to a SQL Server resource: its calls, their answers piece by piece, its transaction.
//!
//! A read needs no words before it: the session opens a transaction by itself with the first table that it looks at, and it is rolled
//! back behind the read. A write opens its own, and the session begins anew behind it.

use bulkhead_model::resource::SqlServerConfig;
use bytes::Bytes;

use super::handshake;
use super::json::Column;
use super::parameters::Parameter;
use super::tokens::{self, Change, Next, Token};
use super::wire::{Failed, Fields, ServerError, Wire, from_utf16, message, put_utf16};
use crate::error::QueryError;
use crate::pool;
use crate::route::Routes;
use crate::target::Target;

/// What the connector's own questions may be answered with, in bytes: 20,000 columns have long names.
pub(super) const OWN_BYTES: u32 = 32 * 1024 * 1024;
/// The most that a piece of anything but a row has: 1,600 columns have long names.
const MAX_CONTROL_BYTES: usize = 1024 * 1024;
/// The most of a row that is passed by.
const MAX_SKIPPED_BYTES: usize = 64 * 1024 * 1024;
/// What every session is set to: see above; an error undoes all that its transaction did; rows that are changed are counted.
const SET_UP: &str = "SET IMPLICIT_TRANSACTIONS ON; SET XACT_ABORT ON; SET NOCOUNT OFF";
/// The number of sp_executesql.
const EXECUTE_SQL: u16 = 10;
/// Errors that are about who logs in, or what for: no such database, no right to it, no such login, disabled, locked, password expired,
/// an address that Azure does not let in.
const LOG_IN_NUMBERS: [u32; 14] =
    [911, 916, 4060, 4064, 18450, 18451, 18452, 18456, 18461, 18470, 18486, 18487, 18488, 40615];

/// A piece of an answer.
enum Event {
    /// Columns are known: rows of theirs may follow.
    Columns,
    Row(Row),
    End,
}

/// A row as it travelled.
pub(super) struct Row {
    pub(super) bytes: Bytes,
    /// Whether a bit for each column says which are null.
    pub(super) is_packed: bool,
}

/// The beginning of an answer.
pub(super) enum Answered {
    Done,
    /// Rows follow: see [`Connection::row`].
    Rows(Vec<Column>),
}

/// A connection that is logged in.
pub(super) struct Connection {
    wire: Wire,
    columns: Vec<Column>,
    /// Whether the rows that come are those of a second result.
    is_behind_first: bool,
    /// The number of the open transaction, or 0.
    transaction: u64,
    error: Option<ServerError>,
    /// Rows that the last statement changed.
    changed: Option<u64>,
    is_answering: bool,
    is_abandoned: bool,
    is_logged_in: bool,
    is_sent_elsewhere: bool,
}

impl pool::Connection for Connection {
    type Config = SqlServerConfig;

    async fn open(config: &SqlServerConfig, target: &Target, routes: &Routes) -> Result<Self, QueryError> {
        let server = config.server();
        let wire = handshake::begin(config, target, routes).await?;
        let mut connection = Self {
            wire,
            columns: Vec::new(),
            is_behind_first: false,
            transaction: 0,
            error: None,
            changed: None,
            is_answering: true,
            is_abandoned: false,
            is_logged_in: false,
            is_sent_elsewhere: false,
        };
        let ready = async {
            let logged_in = connection.logged_in().await;
            let ready = match logged_in {
                Ok(()) => connection.batch(SET_UP, false).await,
                Err(failed) => Err(failed),
            };
            ready.map_err(|failed| match failed {
                Failed::Server(error) if LOG_IN_NUMBERS.contains(&error.number) => target.log_in(error.message),
                failed => target.unreachable(&server, handshake::words(failed)),
            })
        };
        routes.within(target, &server, ready).await?;
        Ok(connection)
    }

    fn is_closed(&self) -> bool {
        self.is_abandoned || self.is_answering || self.wire.is_broken()
    }
}

impl Connection {
    async fn logged_in(&mut self) -> Result<(), Failed> {
        self.end().await?;
        if self.is_sent_elsewhere {
            let words = "it sends its clients to another address: set Azure's connection policy of the server to Proxy";
            return Err(Failed::Gone(words.to_owned()));
        }
        if self.is_logged_in { Ok(()) } else { Err(Failed::no_protocol()) }
    }

    /// Whether it can still be used, or at least be asked to stop.
    pub(super) fn is_broken(&self) -> bool {
        self.is_abandoned || self.wire.is_broken()
    }

    /// Whether its last answer was read to the end.
    pub(super) fn is_settled(&self) -> bool {
        !self.is_answering
    }

    /// Says that nobody knows what it is doing: it is closed.
    pub(super) fn abandon(&mut self) {
        self.is_abandoned = true;
    }

    /// Rows that the statement changed, if it was one that changes rows.
    pub(super) fn changed(&self) -> Option<u64> {
        self.changed
    }

    /// Opens the transaction of a write.
    pub(super) async fn begin_write(&mut self) -> Result<(), Failed> {
        self.batch("SET IMPLICIT_TRANSACTIONS OFF; BEGIN TRANSACTION", false).await
    }

    /// Commits; also what a procedure has opened and not ended.
    pub(super) async fn commit(&mut self) -> Result<(), Failed> {
        self.batch("WHILE @@TRANCOUNT > 1 COMMIT TRANSACTION; COMMIT TRANSACTION", false).await
    }

    /// Makes a connection that has read ready for the next query.
    pub(super) async fn settle_read(&mut self) -> Result<(), Failed> {
        match self.transaction {
            0 => Ok(()),
            _ => self.batch("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION", false).await,
        }
    }

    /// Rolls back what is not committed, and makes the session one that nobody has used.
    pub(super) async fn reset(&mut self) -> Result<(), Failed> {
        self.settle_read().await?;
        self.batch(SET_UP, true).await
    }

    /// Runs words of this side's own that return no rows.
    async fn batch(&mut self, sql: &str, is_reset: bool) -> Result<(), Failed> {
        let mut payload = self.headers();
        put_utf16(sql, &mut payload);
        self.ask(message::BATCH, &payload, is_reset).await?;
        self.end().await
    }

    /// Runs a statement. The first of its results that has columns is its result.
    pub(super) async fn execute(&mut self, text: &str, values: &[Parameter]) -> Result<Answered, Failed> {
        let mut payload = self.headers();
        payload.extend_from_slice(&[0xFF, 0xFF]);
        payload.extend_from_slice(&EXECUTE_SQL.to_le_bytes());
        payload.extend_from_slice(&[0, 0]);
        Parameter::from(text).put("", &mut payload);
        if !values.is_empty() {
            let named = values.iter().enumerate().map(|(at, value)| format!("@P{} {}", at + 1, value.declared()));
            Parameter::from(named.collect::<Vec<_>>().join(",").as_str()).put("", &mut payload);
        }
        for (at, value) in values.iter().enumerate() {
            value.put(&format!("@P{}", at + 1), &mut payload);
        }
        self.ask(message::CALL, &payload, false).await?;
        loop {
            match self.event(MAX_CONTROL_BYTES).await? {
                Event::Columns if !self.columns.is_empty() => return Ok(Answered::Rows(self.columns.clone())),
                Event::Columns | Event::Row(_) => {}
                Event::End => return Ok(Answered::Done),
            }
        }
    }

    /// The next row, of `most` bytes. Nothing at the end of the rows, behind which further results are passed by.
    pub(super) async fn row(&mut self, most: usize) -> Result<Option<Row>, Failed> {
        loop {
            match self.event(if self.is_behind_first { MAX_SKIPPED_BYTES } else { most }).await? {
                Event::Row(row) if !self.is_behind_first => return Ok(Some(row)),
                Event::Row(_) => {}
                Event::Columns => self.is_behind_first = true,
                Event::End => return Ok(None),
            }
        }
    }

    /// Passes by all that is left of the answer.
    pub(super) async fn end(&mut self) -> Result<(), Failed> {
        while !matches!(self.event(MAX_SKIPPED_BYTES).await?, Event::End) {}
        Ok(())
    }

    /// All rows of a statement of this side's own, whose columns are texts; what is null is empty.
    pub(super) async fn fetch(&mut self, sql: &str, values: &[Parameter]) -> Result<Vec<Vec<String>>, Failed> {
        let Answered::Rows(columns) = self.execute(sql, values).await? else { return Ok(Vec::new()) };
        let (mut rows, mut left) = (Vec::new(), OWN_BYTES as usize);
        while let Some(row) = self.row(MAX_CONTROL_BYTES).await? {
            // Each value takes room, however short it is.
            let bytes = row.bytes.len() + columns.len() * size_of::<String>();
            let Some(after) = left.checked_sub(bytes) else { return Err(self.broken(Failed::TooLarge)) };
            left = after;
            match texts(&row, &columns) {
                Some(row) => rows.push(row),
                None => return Err(self.broken(Failed::no_protocol())),
            }
        }
        Ok(rows)
    }

    /// Tells the server to stop what it is doing, and passes by what it has sent until it says that it did.
    pub(super) async fn stop(&mut self) -> Result<(), Failed> {
        if !self.is_answering {
            return Ok(());
        }
        self.wire.send(message::ATTENTION, &[], false).await?;
        loop {
            if self.wire.unread().is_empty() && self.wire.is_whole() {
                self.wire.expect_another();
            }
            if let Token::Done(done) = self.token(MAX_SKIPPED_BYTES).await?.0
                && done.is_stopped
            {
                self.is_answering = false;
                return Ok(());
            }
        }
    }

    /// What stands before a question: which transaction it belongs to.
    fn headers(&self) -> Vec<u8> {
        let mut headers = vec![22, 0, 0, 0, 18, 0, 0, 0, 2, 0];
        headers.extend_from_slice(&self.transaction.to_le_bytes());
        headers.extend_from_slice(&[1, 0, 0, 0]);
        headers
    }

    async fn ask(&mut self, kind: u8, payload: &[u8], is_reset: bool) -> Result<(), Failed> {
        self.columns.clear();
        (self.is_behind_first, self.error, self.changed) = (false, None, None);
        self.is_answering = true;
        self.wire.send(kind, payload, is_reset).await
    }

    /// The next piece of the answer that matters. An error of the server's is told when its answer has ended.
    async fn event(&mut self, most: usize) -> Result<Event, Failed> {
        loop {
            let (token, bytes) = self.token(most).await?;
            match token {
                Token::Columns(columns) => {
                    self.columns = columns;
                    return Ok(Event::Columns);
                }
                Token::Row { is_packed } => return Ok(Event::Row(Row { bytes: bytes.slice(1..), is_packed })),
                Token::Error(error) => {
                    self.error.get_or_insert(error);
                }
                Token::Done(done) => {
                    self.changed = done.changed.or(self.changed);
                    if done.is_last {
                        self.is_answering = false;
                        return self.error.take().map_or(Ok(Event::End), |error| Err(Failed::Server(error)));
                    }
                }
                Token::LoggedIn => self.is_logged_in = true,
                Token::Environment(_) | Token::Other => {}
            }
        }
    }

    /// The next piece of the answer. May be dropped and called again.
    async fn token(&mut self, most: usize) -> Result<(Token, Bytes), Failed> {
        loop {
            match tokens::next(self.wire.unread(), &self.columns) {
                Next::Wanted(wanted) => self.wire.fill(wanted, most).await?,
                Next::Broken => return Err(self.broken(Failed::no_protocol())),
                Next::UnknownType => return Err(self.broken(Failed::UnknownType)),
                Next::Token(token, length) => {
                    let bytes = self.wire.unread().split_to(length).freeze();
                    match &token {
                        Token::Environment(Change::PacketSize(size)) => self.wire.set_packet_size(*size),
                        Token::Environment(Change::Transaction(number)) => self.transaction = *number,
                        Token::Environment(Change::Elsewhere) => self.is_sent_elsewhere = true,
                        _ => {}
                    }
                    return Ok((token, bytes));
                }
            }
        }
    }

    fn broken(&mut self, failed: Failed) -> Failed {
        self.is_abandoned = true;
        failed
    }
}

fn texts(row: &Row, columns: &[Column]) -> Option<Vec<String>> {
    let mut fields = Fields::new(&row.bytes);
    let nulls = if row.is_packed { fields.take(columns.len().div_ceil(8))? } else { &[] };
    let mut texts = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let is_null = nulls.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1);
        let value = if is_null { None } else { column.info.value(&mut fields)? };
        texts.push(value.map(|bytes| from_utf16(&bytes)).unwrap_or_default());
    }
    Some(texts)
}
