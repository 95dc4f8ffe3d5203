//! Changes of a table that were said without SQL. Here they are several statements in one transaction: the table is looked at, it is
//! changed, and the row that was added is read, since MySQL returns none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::change::{MAX_MYSQL_PARAMETERS, TableChange};
use bulkhead_model::query::QueryMode;
use bulkhead_rpc::connector::QueryRequest;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::connect::{Answered, Connection};
use super::facts::{Facts, NO_TABLE};
use super::parameters::{Parameter, for_column};
use super::query::{Failure, KillOnDrop, Pool, commit, settle};
use super::reader::{End, Reader};
use super::wire::Failed;
use super::{error, schema};
use crate::answer::{Answer, Summary};
use crate::change::{check_values, unknown_name, value};
use crate::error::QueryError;
use crate::export::Form;

/// Rows that one statement of a bulk upsert writes.
const ROWS_AT_ONCE: usize = 500;
/// Bytes of values after which a statement of a bulk upsert takes no more rows: less than any server's largest packet.
const BYTES_AT_ONCE: usize = 512 * 1024;
/// A number that is out of range: how a statement says that a row is the same by another index.
const OUT_OF_RANGE: u16 = 1690;

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
    /// The row that was added, as JSON, and who goes on writing.
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
    let mut loan = pool.borrow().await?;
    let deadline = Instant::now() + Duration::from_millis(limits.timeout_ms.into());
    let guard = KillOnDrop::of(pool, &loan);
    let late = |_| QueryError::Timeout(limits.timeout_ms);
    match timeout_at(deadline, loan.connection.begin_write()).await.map_err(late)? {
        Ok(_) => {}
        Err(failed) if failed.is_gone() && loan.reused => {
            guard.disarm();
            return Err(Failure::Stale);
        }
        Err(failed) => {
            guard.disarm();
            return Err(error::of(failed, &pool.target.name, limits.timeout_ms, limits.max_bytes).into());
        }
    }
    let made = timeout_at(deadline, make(&mut loan.connection, change, request)).await;
    let mut made = match made.map_err(late)? {
        Ok(made) => made,
        Err(stopped) => {
            guard.disarm();
            let (error, is_clean) = match stopped {
                Stopped::Query(error) => (error, true),
                Stopped::Failed(failed) => {
                    let is_clean = matches!(failed, Failed::Server(_));
                    (error::of(failed, &pool.target.name, limits.timeout_ms, limits.max_bytes), is_clean)
                }
            };
            if is_clean {
                settle(loan, QueryMode::Write, true);
            }
            return Err(error.into());
        }
    };
    let committed = commit(&mut loan, limits).await;
    guard.disarm();
    match committed {
        Err(error @ QueryError::OutcomeUnknown(_)) => return Err(error.into()),
        committed => {
            settle(loan, QueryMode::Write, true);
            committed?;
        }
    }
    let summary = Summary { affected: Some(made.affected), ..Summary::since(started) };
    made.rows.extend_from_slice(&made.reader.close(&summary));
    Ok(Answer::Whole(made.rows.into()))
}

/// Why a change was not made.
enum Stopped {
    /// The connection goes on.
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
    let Some(facts) = Facts::read(connection, change).await? else {
        let (message, sqlstate) = ("there is no such table".to_owned(), NO_TABLE.to_owned());
        return Err(QueryError::Sql { message, sqlstate, position: None }.into());
    };
    facts.check(change)?;
    let job = Job { change, facts: &facts, values: &request.parameters };
    if let TableChange::BulkUpsert { rows, columns, .. } = change {
        let affected = job.write_rows(connection, rows.trim(), columns).await?;
        return Ok(Made { affected, rows: Vec::new(), reader: nothing(request)? });
    }
    let (text, values) = job.statement()?;
    let written = execute(connection, &text, &values).await.map_err(|failed| job.said(failed))?;
    let Answered::Done(done) = written else { return Err(Failed::no_protocol().into()) };
    if let Some(at_most) = change.at_most().filter(|at_most| done.affected > *at_most) {
        return Err(QueryError::TooManyRows { rows: done.affected, at_most }.into());
    }
    let (TableChange::Insert { values: given, .. } | TableChange::Upsert { values: given, .. }) = change else {
        return Ok(Made { affected: done.affected, rows: Vec::new(), reader: nothing(request)? });
    };
    let written: BTreeMap<&String, &Parameter> = given.keys().zip(&values).collect();
    let Some((key, values)) = job.key_of(&written, done.inserted_id) else {
        return Ok(Made { affected: 1, rows: Vec::new(), reader: nothing(request)? });
    };
    let text = change.read_back_for_mysql(&key).map_err(|error| QueryError::Statement(error.into()))?;
    let mut reader = Reader::new(execute(connection, &text, &values).await?, request.limits, &Form::Result)?;
    let mut rows = Vec::new();
    loop {
        match reader.fill(connection).await {
            None => rows.extend_from_slice(&reader.take_chunk()),
            // What a key's comparison calls the same may be more than one row; one of them is enough.
            Some(End::Whole | End::Truncated) => return Ok(Made { affected: 1, rows, reader }),
            Some(End::Failed(failed)) => return Err(failed.into()),
            Some(End::Unwritable(error)) => return Err(error.into()),
            Some(End::Late) => return Err(QueryError::Timeout(request.limits.timeout_ms).into()),
        }
    }
}

/// A result without rows.
fn nothing(request: &QueryRequest) -> Result<Reader, QueryError> {
    Reader::new(Answered::Done(Default::default()), request.limits, &Form::Result)
}

async fn execute(connection: &mut Connection, text: &str, values: &[Parameter]) -> Result<Answered, Failed> {
    let prepared = connection.prepare(text).await?;
    connection.execute(prepared, values).await
}

struct Job<'a> {
    change: &'a TableChange,
    facts: &'a Facts,
    values: &'a Values,
}

impl Job<'_> {
    /// The statement of any change but a bulk upsert, and its parameters, each for its column.
    fn statement(&self) -> Result<(String, Vec<Parameter>), QueryError> {
        let items = |list: &str| self.values.get(list).and_then(Value::as_array).map_or(0, Vec::len);
        let has_other_keys = self.facts.has_other_keys(self.change.conflict());
        let compiled = self.change.compile_for_mysql(items, has_other_keys);
        let compiled = compiled.map_err(|error| QueryError::Statement(error.into()))?;
        if compiled.expressions.len() > MAX_MYSQL_PARAMETERS {
            return Err(QueryError::Unsupported("its lists have more than 65,535 values; change the rows in parts"));
        }
        let places = compiled.expressions.iter().zip(&compiled.columns).enumerate();
        let values = places.map(|(place, (expression, column))| {
            let whole = value(expression, self.values)?;
            let found = compiled.items.get(&place).and_then(|item| whole.get(item)).unwrap_or(whole);
            for_column(expression, found, self.facts.data_type(column))
        });
        let values = values.collect::<Result<_, _>>()?;
        Ok((compiled.text, values))
    }

    /// Writes the rows of a bulk upsert, as many at once as one statement takes.
    async fn write_rows(
        &self,
        connection: &mut Connection,
        expression: &str,
        columns: &[String],
    ) -> Result<u64, Stopped> {
        let rows = value(expression, self.values)?.as_array().map(Vec::as_slice).unwrap_or_default();
        let has_other_keys = self.facts.has_other_keys(self.change.conflict());
        let types: Vec<&str> = columns.iter().map(|column| self.facts.data_type(column)).collect();
        let at_once = (MAX_MYSQL_PARAMETERS / columns.len().max(1)).clamp(1, ROWS_AT_ONCE);
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
            let text = self.change.compile_rows_for_mysql(taken, has_other_keys);
            let text = text.map_err(|error| QueryError::Statement(error.into()))?;
            execute(connection, &text, &values).await.map_err(|failed| self.said(failed))?;
            rest = &rest[taken..];
        }
        Ok(rows.len() as u64)
    }

    /// A key by which the row that was written can be read: the columns of a unique index whose values are known.
    fn key_of(
        &self,
        written: &BTreeMap<&String, &Parameter>,
        inserted_id: u64,
    ) -> Option<(Vec<String>, Vec<Parameter>)> {
        let known = |column: &String| {
            let given = written.iter().find(|(name, _)| name.to_lowercase() == column.to_lowercase());
            let given = given.map(|(_, parameter)| *parameter).filter(|parameter| **parameter != Parameter::Null);
            match given {
                // Where numbers are given, 0 asks for the next one too.
                Some(parameter) if !self.facts.is_counted(column) || *parameter != Parameter::Integer(0) => {
                    Some(parameter.clone())
                }
                _ => (self.facts.is_counted(column) && inserted_id > 0).then_some(Parameter::Unsigned(inserted_id)),
            }
        };
        let conflict = Some(self.change.conflict()).filter(|conflict| !conflict.is_empty());
        conflict.into_iter().chain(self.facts.keys()).find_map(|key| {
            let values = key.iter().map(known).collect::<Option<Vec<_>>>()?;
            (!values.is_empty()).then(|| (key.to_vec(), values))
        })
    }

    /// What the server said, in the words of a change.
    fn said(&self, failed: Failed) -> Stopped {
        match failed {
            Failed::Server(error) if error.code == OUT_OF_RANGE && error.message.contains("exp(1000") => {
                let message =
                    "a row is there already that is the same in another unique index than that of the conflict columns";
                QueryError::Sql { message: message.to_owned(), sqlstate: "23000".to_owned(), position: None }.into()
            }
            failed => failed.into(),
        }
    }
}

/// An error with what to do about it: what there is instead of a name that is not there.
async fn explained(error: QueryError, change: &TableChange, pool: &Arc<Pool>) -> QueryError {
    let QueryError::Sql { message, sqlstate, position } = error else { return error };
    let mut told = None;
    if sqlstate == NO_TABLE {
        // Without the schema the database's own words have to do.
        if let Ok(mut schema) = schema::read(pool).await {
            let home = &pool.config.database;
            schema.tables.retain(|table| change.table().0.is_some() || table.schema == *home);
            told = unknown_name(change, &schema, home);
        }
    }
    QueryError::Sql { message: told.unwrap_or(message), sqlstate, position }
}
