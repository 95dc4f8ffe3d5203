//! The rows of a file become rows of a table, in one transaction: all that fit, if as many were left out as somebody has seen and accepted,
//! and none otherwise.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bulkhead_model::query::QueryMode;
use bulkhead_model::tables::sheet::{is_text_type, kind_of, refusal};
use bulkhead_model::tables::{SchemaChange, TableName, listed, quoted};
use bulkhead_rpc::tables::{
    Cell, ImportName, ImportOutcome, ImportRow, ImportRun, MAX_REJECTED, RejectedRow, TableDefinition,
};
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use super::super::parameters::Parameter;
use super::{IMPORT_MS, Pool, Work, column_of, define, import, is_about_values, message};
use crate::error::QueryError;

/// Values of one statement: PostgreSQL counts them in 16 bits.
const MAX_VALUES: usize = 60_000;
/// Rows of one statement.
const MAX_ROWS: usize = 500;

pub(super) async fn run(pool: &Arc<Pool>, import: &ImportName, run: &ImportRun) -> Result<ImportOutcome, QueryError> {
    let work = Work::begin(pool, QueryMode::Write, IMPORT_MS).await?;
    let names = import::columns(&work, import).await?;
    let count = import::count(&work, import.id).await?;
    if count != run.rows {
        let words = format!("{count} of {} rows have arrived: send the file again", run.rows);
        return Err(QueryError::Import(words));
    }
    let table = table(&work, run).await?;
    let mut writer = Writer::new(&work, &table, run, &names)?;
    let (mut outcome, mut line) = (ImportOutcome::default(), i64::MIN);
    loop {
        let batch = import::rows_behind(&work, import.id, line, import::BATCH).await?;
        let Some(last) = batch.last() else { break };
        line = last.line;
        for part in batch.chunks(writer.rows_at_once()) {
            outcome.fitting += writer.write(part, &mut outcome.rejected).await?;
            if outcome.rejected.len() > MAX_REJECTED {
                outcome.rejected.truncate(MAX_REJECTED);
                outcome.too_many = true;
                work.undo().await?;
                return Ok(outcome);
            }
        }
    }
    outcome.rejected.sort_by_key(|row| row.line);
    if run.accept_rejected != Some(outcome.rejected.len() as u64) {
        work.undo().await?;
        return Ok(outcome);
    }
    writer.go_on_numbering().await?;
    import::drop_rows(&work, import.id).await?;
    work.commit().await?;
    outcome.imported = true;
    Ok(outcome)
}

/// The table that the rows go to, made where it is to be.
async fn table(work: &Work, run: &ImportRun) -> Result<TableDefinition, QueryError> {
    let found = define::find(work, &run.table).await?;
    match (&run.create, found) {
        (None, None) => Err(QueryError::NoTable(run.table.to_string())),
        (None, Some(found)) if found.is_view => {
            Err(QueryError::Import(format!("{} is a view, which takes no rows", run.table)))
        }
        (None, Some(found)) => Ok(found),
        (Some(_), Some(_)) => {
            Err(QueryError::Import(format!("there is a table {} already: choose another name", run.table)))
        }
        (Some(create), None) => {
            let (columns, key) = (create.columns.clone(), create.key.clone());
            let change = SchemaChange::CreateTable { table: run.table.clone(), columns, key };
            work.execute(&change.sql()?).await?;
            define::one(work, &run.table).await
        }
    }
}

/// A column of the table that a column of the file goes to.
struct Target {
    column: String,
    type_name: String,
    /// The place in the file's rows.
    from: usize,
}

struct Writer<'a> {
    work: &'a Work,
    table: &'a TableDefinition,
    name: TableName,
    insert: String,
    targets: Vec<Target>,
    /// The columns of the targets.
    columns: Vec<String>,
    /// Columns of the file.
    width: usize,
    /// By how many rows each takes.
    statements: HashMap<usize, Statement>,
}

impl<'a> Writer<'a> {
    fn new(work: &'a Work, table: &'a TableDefinition, run: &ImportRun, names: &[String]) -> Result<Self, QueryError> {
        if run.columns.len() != names.len() {
            return Err(QueryError::Import(format!(
                "the file has {} columns: say for each where it goes",
                names.len()
            )));
        }
        let named = run.columns.iter().enumerate().filter_map(|(from, column)| Some((from, column.clone()?)));
        let mut targets: Vec<Target> = Vec::new();
        for (from, column) in named {
            let Some(found) = table.columns.iter().find(|found| found.name == column) else {
                return Err(QueryError::NoColumn { table: table.name.clone(), column });
            };
            if targets.iter().any(|target| target.column == column) {
                return Err(QueryError::Import(format!("two columns of the file go to {column}: choose one")));
            }
            targets.push(Target { column, type_name: found.type_name.clone(), from });
        }
        let columns: Vec<String> = targets.iter().map(|target| target.column.clone()).collect();
        let insert = format!("INSERT INTO {} ({}) VALUES ", run.table.quoted()?, listed(&columns)?);
        let (name, width) = (run.table.clone(), names.len());
        Ok(Self { work, table, name, insert, targets, columns, width, statements: HashMap::new() })
    }

    fn rows_at_once(&self) -> usize {
        (MAX_VALUES / self.targets.len().max(1)).clamp(1, MAX_ROWS)
    }

    /// Writes rows; how many fit. The others are told with the reason.
    async fn write(&mut self, rows: &[ImportRow], rejected: &mut Vec<RejectedRow>) -> Result<u64, QueryError> {
        let mut ready = Vec::with_capacity(rows.len());
        for row in rows {
            match self.values(row) {
                Ok(values) => ready.push((row, values)),
                Err((column, reason)) => rejected.push(refused(row, column, reason)),
            }
        }
        // What is refused together is tried in halves, until the rows that are at fault stand alone.
        let (mut parts, mut written) = (VecDeque::from([(0, ready.len())]), 0);
        while let Some((from, to)) = parts.pop_front() {
            if from == to || rejected.len() > MAX_REJECTED {
                continue;
            }
            match self.insert(&ready[from..to]).await? {
                None => written += (to - from) as u64,
                Some((column, reason)) if to - from == 1 => rejected.push(refused(ready[from].0, column, reason)),
                Some(_) => {
                    let middle = from + (to - from) / 2;
                    parts.push_front((middle, to));
                    parts.push_front((from, middle));
                }
            }
        }
        Ok(written)
    }

    /// The values of a row for the table's columns, or why there are none.
    fn values(&self, row: &ImportRow) -> Result<Vec<Cell>, (Option<String>, String)> {
        if row.cells.len() != self.width {
            return Err((None, format!("{} values for {} columns", row.cells.len(), self.width)));
        }
        let value = |target: &Target| {
            let cell = row.cells[target.from].as_deref();
            if is_text_type(&target.type_name) {
                return Ok(cell.map(str::to_owned));
            }
            // Where no text can be, an empty one is nothing.
            let Some(text) = cell.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
            match kind_of(&target.type_name).and_then(|kind| refusal(kind, text)) {
                Some(reason) => Err((Some(target.column.clone()), reason)),
                None => Ok(Some(text.to_owned())),
            }
        };
        self.targets.iter().map(value).collect()
    }

    /// Inserts rows together; why not, where a value does not fit.
    async fn insert(
        &mut self,
        rows: &[(&ImportRow, Vec<Cell>)],
    ) -> Result<Option<(Option<String>, String)>, QueryError> {
        let statement = self.prepared(rows.len()).await?;
        let mut values = Vec::with_capacity(rows.len() * self.columns.len());
        for (_, cells) in rows {
            for (cell, column) in cells.iter().zip(&self.columns) {
                match Parameter::text(cell.clone()) {
                    Ok(value) => values.push(value),
                    Err(error) => return Ok(Some((Some(column.clone()), error.to_string()))),
                }
            }
        }
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.work.execute("SAVEPOINT some_rows").await?;
        let error = match self.work.wait_or_error(self.work.client().execute(&statement, &values)).await? {
            Ok(_) => {
                self.work.execute("RELEASE some_rows").await?;
                return Ok(None);
            }
            Err(error) => error,
        };
        let Some(said) = error.as_db_error().filter(|said| is_about_values(said)) else {
            return Err(self.work.said(&error));
        };
        self.work.execute("ROLLBACK TO some_rows").await?;
        Ok(Some((column_of(said, &self.columns).map(str::to_owned), message(said))))
    }

    async fn prepared(&mut self, rows: usize) -> Result<Statement, QueryError> {
        if let Some(statement) = self.statements.get(&rows) {
            return Ok(statement.clone());
        }
        let width = self.columns.len();
        let row = |at: usize| {
            let places: Vec<String> = (1..=width).map(|place| format!("${}", at * width + place)).collect();
            format!("({})", places.join(", "))
        };
        let sql = self.insert.clone() + &(0..rows).map(row).collect::<Vec<_>>().join(", ");
        let statement = self.work.wait(self.work.client().prepare(&sql)).await?;
        self.statements.insert(rows, statement.clone());
        Ok(statement)
    }

    /// Where the file has the numbers that the database gives otherwise, it goes on behind the highest of them.
    async fn go_on_numbering(&self) -> Result<(), QueryError> {
        let numbered =
            |name: &String| self.table.columns.iter().any(|column| column.name == *name && column.is_numbered);
        for column in self.columns.iter().filter(|name| numbered(name)) {
            let (table, quoted) = (self.name.quoted()?, quoted(column)?);
            let sql = format!(
                "SELECT setval(s.name::regclass, greatest(s.highest, nextval(s.name::regclass))) FROM \
                 (SELECT pg_get_serial_sequence($1, $2) AS name, max({quoted}) AS highest FROM {table}) s WHERE s.highest IS NOT NULL AND s.name IS NOT NULL"
            );
            self.work.wait(self.work.client().query(&sql, &[&table, column])).await?;
        }
        Ok(())
    }
}

fn refused(row: &ImportRow, column: Option<String>, reason: String) -> RejectedRow {
    RejectedRow { line: row.line, column, reason, cells: row.cells.clone() }
}
