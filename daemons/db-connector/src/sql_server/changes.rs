//! Changes of a table that were said without SQL: the table is looked at and changed, in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::change::{TableChange, Telling};
use bulkhead_model::query::QueryMode;
use bulkhead_model::sql::CompiledStatement;
use bulkhead_rpc::connector::QueryRequest;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::connect::{Answered, Connection};
use super::facts::{Facts, no_table};
use super::parameters::{MAX_PARAMETERS, Parameter, for_column};
use super::query::{Busy, Failure, Pool};
use super::reader::{End, Reader};
use super::wire::Failed;
use super::{error, schema};
use crate::answer::{Answer, Summary};
use crate::change::{check_values, unknown_name, value};
use crate::error::QueryError;
use crate::export::Form;

/// Rows that one statement of a bulk upsert writes.
const ROWS_AT_ONCE: usize = 500;
/// Bytes of values after which a statement of a bulk upsert takes no more rows.
const BYTES_AT_ONCE: usize = 2 * 1024 * 1024;

type Values = BTreeMap<String, Value>;

/// Runs a change.
pub(super) async fn run(
    pool: &Arc<Pool>,
    change: &TableChange,
    request: &QueryRequest,
    started: Instant,
) -> Result<Answer, QueryError> {
    check_values(change, &request.parameters)?;
    let outcome = match attempt(pool, change, request, started).await {
        Err(Failure::Stale) => {
            // The transaction was not opened, so a second try repeats no effect.
            pool.forget_idle();
            attempt(pool, change, request, started).await
        }
        first => first,
    };
    match outcome {
        Ok(answer) => Ok(answer),
        Err(Failure::Stale) => Err(QueryError::Lost(pool.target.name.clone())),
        Err(Failure::Query(error)) => Err(explained(error, change, pool).await),
    }
}

/// What a change did, before it is committed.
struct Made {
    affected: u64,
    /// The row that was written, as JSON, and who goes on writing.
    rows: Vec<u8>,
    reader: Reader,
}

async fn attempt(
    pool: &Arc<Pool>,
    change: &TableChange,
    request: &QueryRequest,
    started: Instant,
) -> Result<Answer, Failure> {
    let limits = request.limits;
    let mut busy = Busy::new(pool.borrow().await?, QueryMode::Write);
    let deadline = Instant::now() + Duration::from_millis(limits.timeout_ms.into());
    let late = |_| QueryError::Timeout(limits.timeout_ms);
    match timeout_at(deadline, busy.connection().begin_write()).await.map_err(late)? {
        Ok(()) => {}
        Err(failed) if failed.is_gone() && busy.loan().reused => return Err(Failure::Stale),
        Err(failed) => return Err(error::of(failed, &pool.target.name, limits.max_bytes).into()),
    }
    // A connection that is lost before the commit leaves nothing behind.
    let made = timeout_at(deadline, make(busy.connection(), change, request)).await.map_err(late)?;
    let mut made = made.map_err(|stopped| match stopped {
        Stopped::Query(error) => error,
        Stopped::Failed(failed) => error::of(failed, &pool.target.name, limits.max_bytes),
    })?;
    busy.commit(limits).await?;
    let summary = Summary { affected: Some(made.affected), ..Summary::since(started) };
    made.rows.extend_from_slice(&made.reader.close(&summary));
    Ok(Answer::Whole(made.rows.into()))
}

/// Why a change was not made.
enum Stopped {
    Query(QueryError),
    Failed(Failed),
}

impl From<QueryError> for Stopped {
    fn from(error: QueryError) -> Self {
        Self::Query(error)
    }
}

impl From<Failed> for Stopped {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

async fn make(connection: &mut Connection, change: &TableChange, request: &QueryRequest) -> Result<Made, Stopped> {
    let Some(facts) = Facts::read(connection, change).await? else { return Err(no_table().into()) };
    facts.check(change)?;
    let job = Job { change, facts: &facts, request };
    match change {
        TableChange::Insert { .. } => job.insert(connection).await,
        TableChange::Upsert { .. } => job.upsert(connection).await,
        TableChange::BulkUpsert { rows, columns, .. } => {
            let affected = job.write_rows(connection, rows.trim(), columns).await?;
            Ok(job.made(affected))
        }
        TableChange::Update { .. } | TableChange::Delete { .. } => {
            let items = |list: &str| request.parameters.get(list).and_then(Value::as_array).map_or(0, Vec::len);
            let compiled = compiled(change.compile_for_sql_server(items, Telling::Count))?;
            let affected = job.count(connection, &compiled).await?;
            match change.at_most().filter(|at_most| affected > *at_most) {
                Some(at_most) => Err(QueryError::TooManyRows { rows: affected, at_most }.into()),
                None => Ok(job.made(affected)),
            }
        }
    }
}

fn compiled<T>(outcome: Result<T, bulkhead_model::change::ChangeError>) -> Result<T, QueryError> {
    outcome.map_err(|error| QueryError::Statement(error.into()))
}

struct Job<'a> {
    change: &'a TableChange,
    facts: &'a Facts,
    request: &'a QueryRequest,
}

impl Job<'_> {
    /// A result without rows.
    fn made(&self, affected: u64) -> Made {
        Made { affected, rows: Vec::new(), reader: Reader::new(Answered::Done, self.request.limits, &Form::Result) }
    }

    async fn insert(&self, connection: &mut Connection) -> Result<Made, Stopped> {
        let telling = match (&self.facts.identity, self.facts.has_triggers) {
            (_, false) => Telling::Rows,
            (Some(column), true) => Telling::Identity(column),
            (None, true) => Telling::Count,
        };
        let statement = compiled(self.change.insert_for_sql_server(telling))?;
        if telling == Telling::Count {
            self.count(connection, &statement).await?;
            return Ok(self.made(1));
        }
        let (_, made) = self.rows(connection, &statement).await?;
        Ok(made)
    }

    async fn upsert(&self, connection: &mut Connection) -> Result<Made, Stopped> {
        let telling = if self.facts.has_triggers { Telling::Count } else { Telling::Rows };
        let update = compiled(self.change.compile_for_sql_server(|_| 0, telling))?;
        let insert = compiled(self.change.insert_for_sql_server(telling))?;
        if telling == Telling::Rows {
            let (is_there, made) = self.rows(connection, &update).await?;
            return if is_there { Ok(made) } else { Ok(self.rows(connection, &insert).await?.1) };
        }
        if self.count(connection, &update).await? == 0 {
            self.count(connection, &insert).await?;
        }
        let back = compiled(self.change.read_back_for_sql_server())?;
        Ok(self.rows(connection, &back).await?.1)
    }

    /// The parameters of a statement, each for its column.
    fn values(&self, statement: &CompiledStatement<'_>) -> Result<Vec<Parameter>, QueryError> {
        if statement.expressions.len() > MAX_PARAMETERS {
            return Err(QueryError::Unsupported("its lists have more than 2,098 values; change the rows in parts"));
        }
        let places = statement.expressions.iter().zip(&statement.columns).enumerate();
        let values = places.map(|(place, (expression, column))| {
            let whole = value(expression, &self.request.parameters)?;
            let found = statement.items.get(&place).and_then(|item| whole.get(item)).unwrap_or(whole);
            for_column(expression, found, self.facts.data_type(column))
        });
        values.collect()
    }

    /// Runs a statement that says how many rows it met.
    async fn count(&self, connection: &mut Connection, statement: &CompiledStatement<'_>) -> Result<u64, Stopped> {
        let rows = connection.fetch(&statement.text, &self.values(statement)?).await?;
        let told = rows.first().and_then(|row| row.first()).and_then(|count| count.parse().ok());
        told.ok_or_else(|| Failed::no_protocol().into())
    }

    /// Runs a statement that tells the row that it wrote. Whether there was one.
    async fn rows(
        &self,
        connection: &mut Connection,
        statement: &CompiledStatement<'_>,
    ) -> Result<(bool, Made), Stopped> {
        let values = self.values(statement)?;
        let answered = connection.execute(&statement.text, &values).await?;
        let mut made = self.made(1);
        made.reader = Reader::new(answered, self.request.limits, &Form::Result);
        loop {
            match made.reader.fill(connection).await {
                None => made.rows.extend_from_slice(&made.reader.take_chunk()),
                Some(End::Whole) => break,
                Some(End::Truncated) => {
                    connection.end().await?;
                    break;
                }
                Some(End::Failed(failed)) => return Err(failed.into()),
                Some(End::Unwritable(error)) => return Err(error.into()),
                Some(End::Late) => return Err(QueryError::Timeout(self.request.limits.timeout_ms).into()),
            }
        }
        Ok((made.reader.count() > 0, made))
    }

    /// Writes the rows of a bulk upsert, as many at once as one statement takes.
    async fn write_rows(
        &self,
        connection: &mut Connection,
        expression: &str,
        columns: &[String],
    ) -> Result<u64, Stopped> {
        let values: &Values = &self.request.parameters;
        let rows = value(expression, values)?.as_array().map(Vec::as_slice).unwrap_or_default();
        let types: Vec<&str> = columns.iter().map(|column| self.facts.data_type(column)).collect();
        let at_once = (MAX_PARAMETERS / columns.len().max(1)).clamp(1, ROWS_AT_ONCE);
        let mut rest = rows;
        while !rest.is_empty() {
            let mut values = Vec::new();
            let (mut taken, mut bytes) = (0, 0);
            for row in rest.iter().take(at_once) {
                if bytes > BYTES_AT_ONCE {
                    break;
                }
                for (column, data_type) in columns.iter().zip(&types) {
                    let parameter = for_column(expression, row.get(column).unwrap_or(&Value::Null), data_type)?;
                    bytes += parameter.size();
                    values.push(parameter);
                }
                taken += 1;
            }
            for text in compiled(self.change.compile_rows_for_sql_server(taken))? {
                if matches!(connection.execute(&text, &values).await?, Answered::Rows(_)) {
                    connection.end().await?;
                }
            }
            rest = &rest[taken..];
        }
        Ok(rows.len() as u64)
    }
}

/// An error with what to do about it: what there is instead of a name that is not there.
async fn explained(error: QueryError, change: &TableChange, pool: &Arc<Pool>) -> QueryError {
    let QueryError::Sql { message, sqlstate, position } = error else { return error };
    let mut told = None;
    if sqlstate == error::sqlstate(error::NO_TABLE) {
        // Without the schema the database's own words have to do.
        if let Ok(schema) = schema::read(pool).await {
            told = unknown_name(change, &schema, "dbo");
        }
    }
    QueryError::Sql { message: told.unwrap_or(message), sqlstate, position }
}
