//! The tables of the built-in database, as people see and change them in the studio.
//!
//! Each ask is one transaction of its own. Names are quoted here and values bound, in text form: what is read is what PostgreSQL writes,
//! in ISO dates and UTC, and what is written is what it reads, so that nothing is rounded or cut on the way.

mod change;
mod define;
mod edit;
mod import;
mod insert;
mod rows;

use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::query::QueryMode;
use bulkhead_rpc::tables::{Ask, TableList};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::error::{DbError, SqlState};

use super::connect::Connection;
use super::session;
use crate::error::QueryError;
use crate::pool;

type Pool = pool::Pool<Connection>;
type Loan = pool::Loan<Connection>;

/// How long looking at tables and editing their rows may take.
const USUAL_MS: u32 = 30_000;
/// How long a change of a table may take: each of its rows may be written anew.
const CHANGE_MS: u32 = 300_000;
/// How long importing a file may take.
const IMPORT_MS: u32 = 600_000;
/// How long a table is waited for that somebody else uses: whoever waits for one holds up all who come later.
const LOCK_MS: u32 = 5_000;
/// How much longer than a statement the answer may take.
const GRACE: Duration = Duration::from_secs(5);
/// How long a commit may take.
const COMMIT_PATIENCE: Duration = Duration::from_secs(30);

/// Does what is asked.
pub(super) async fn answer(pool: &Arc<Pool>, ask: Ask) -> Result<Value, QueryError> {
    match ask {
        Ask::List => {
            let work = Work::begin(pool, QueryMode::Read, USUAL_MS).await?;
            let tables = define::all(&work).await?;
            work.undo().await?;
            told(TableList { tables })
        }
        Ask::Rows(ask) => told(rows::page(pool, &ask).await?),
        Ask::Edit(ask) => told(edit::save(pool, &ask).await?),
        Ask::Preview { change } => told(change::preview(pool, &change).await?),
        Ask::Change(ask) => change::run(pool, &ask).await.map(|()| json!({})),
        Ask::BeginImport { owner, columns } => told(import::begin(pool, &owner, &columns).await?),
        Ask::ImportRows { import, piece } => import::add(pool, &import, &piece).await.map(|()| json!({})),
        Ask::LookAtImport { import } => told(import::look(pool, &import).await?),
        Ask::Import { import, run } => told(insert::run(pool, &import, &run).await?),
        Ask::DropImport { import } => import::forget(pool, &import).await.map(|()| json!({})),
    }
}

fn told(answer: impl Serialize) -> Result<Value, QueryError> {
    serde_json::to_value(answer).map_err(|error| QueryError::Table(error.to_string()))
}

/// A transaction on a borrowed connection. Dropped before its end, it closes the connection, and so undoes what it did.
struct Work {
    loan: Loan,
    mode: QueryMode,
    timeout_ms: u32,
}

impl Work {
    async fn begin(pool: &Arc<Pool>, mode: QueryMode, timeout_ms: u32) -> Result<Self, QueryError> {
        let open = format!(
            "{}; SET LOCAL lock_timeout = {LOCK_MS}; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; \
             SET LOCAL IntervalStyle = 'postgres'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; \
             SET CONSTRAINTS ALL IMMEDIATE",
            session::begin(mode, timeout_ms)
        );
        for attempt in 0.. {
            let loan = pool.borrow().await?;
            match loan.connection.client.batch_execute(&open).await {
                Ok(()) => return Ok(Self { loan, mode, timeout_ms }),
                // It died in the pool; nothing was done with it yet.
                Err(error) if attempt == 0 && loan.reused && error.is_closed() => pool.forget_idle(),
                Err(error) => return Err(Self { loan, mode, timeout_ms }.said(&error)),
            }
        }
        Err(QueryError::Lost(pool.target.name.clone()))
    }

    fn client(&self) -> &Client {
        &self.loan.connection.client
    }

    /// Awaits what the server does, as long as it may take.
    async fn wait<T>(&self, doing: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, QueryError> {
        self.wait_or_error(doing).await?.map_err(|error| self.said(&error))
    }

    /// The same, where the caller wants to see what the server says.
    async fn wait_or_error<T>(
        &self,
        doing: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<Result<T, tokio_postgres::Error>, QueryError> {
        let patience = Duration::from_millis(self.timeout_ms.into()) + GRACE;
        timeout(patience, doing).await.map_err(|_| QueryError::Timeout(self.timeout_ms))
    }

    async fn execute(&self, text: &str) -> Result<(), QueryError> {
        self.wait(self.client().batch_execute(text)).await
    }

    /// Makes it durable.
    async fn commit(self) -> Result<(), QueryError> {
        match timeout(COMMIT_PATIENCE, self.client().batch_execute(session::COMMIT)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.as_db_error().is_some_and(|said| !said.code().code().starts_with("57P")) => {
                return Err(self.said(&error));
            }
            Ok(Err(_)) | Err(_) => return Err(QueryError::OutcomeUnknown(self.loan.resource().to_owned())),
        }
        self.give_back(&session::clean_after_write()).await;
        Ok(())
    }

    /// Undoes it, or ends what only read.
    async fn undo(self) -> Result<(), QueryError> {
        let end = match self.mode {
            QueryMode::Read => session::END_READ.to_owned(),
            QueryMode::Write => format!("{}; {}", session::UNDO, session::clean_after_write()),
        };
        self.give_back(&end).await;
        Ok(())
    }

    /// A connection that cannot be cleaned is closed.
    async fn give_back(self, clean: &str) {
        if matches!(timeout(GRACE, self.client().batch_execute(clean)).await, Ok(Ok(()))) {
            self.loan.give_back();
        }
    }

    /// What the server said, as an error.
    fn said(&self, error: &tokio_postgres::Error) -> QueryError {
        let Some(said) = error.as_db_error() else { return QueryError::Lost(self.loan.resource().to_owned()) };
        if *said.code() == SqlState::QUERY_CANCELED {
            return QueryError::Timeout(self.timeout_ms);
        }
        if *said.code() == SqlState::LOCK_NOT_AVAILABLE {
            return QueryError::TableBusy;
        }
        QueryError::Sql { message: message(said), sqlstate: said.code().code().to_owned(), position: None }
    }
}

/// What the server said, with its detail and hint.
fn message(said: &DbError) -> String {
    let more = [said.detail(), said.hint()].into_iter().flatten();
    more.fold(said.message().to_owned(), |message, more| format!("{message}. {more}"))
}

/// The column that an error is about: by its name, or by the place of the parameter that does not fit.
fn column_of<'a>(said: &'a DbError, columns: &'a [String]) -> Option<&'a str> {
    let by_place = || {
        let place = super::error::parameter_number(said.where_()?)?.checked_sub(1)?;
        columns.get(place % columns.len().max(1)).map(String::as_str)
    };
    said.column().or_else(by_place)
}

/// Whether what the server said is about values: another row may well be taken.
fn is_about_values(said: &DbError) -> bool {
    ["22", "23", "P0", "44"].iter().any(|class| said.code().code().starts_with(class))
}
