//! Edits of rows, saved together or not at all.
//!
//! First all rows are locked and looked at: a cell that is no longer what its editor saw is told of and not written over. Only then they
//! are changed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bulkhead_model::query::QueryMode;
use bulkhead_model::tables::quoted;
use bulkhead_rpc::tables::{
    Cell, CellEdit, EditAsk, EditFault, EditFaultKind, EditOutcome, MAX_EDITS, RowEdit, TableDefinition,
};
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use super::super::parameters::Parameter;
use super::{Pool, USUAL_MS, Work, column_of, define, is_about_values, message};
use crate::error::QueryError;

/// Faults that are told at most.
const MAX_FAULTS: usize = 200;

pub(super) async fn save(pool: &Arc<Pool>, ask: &EditAsk) -> Result<EditOutcome, QueryError> {
    if ask.edits.len() > MAX_EDITS {
        return Err(QueryError::Edits(format!("{MAX_EDITS} edits are saved together at most: save more often")));
    }
    let work = Work::begin(pool, QueryMode::Write, USUAL_MS).await?;
    let table = define::one(&work, &ask.table).await?;
    check(&table, &ask.edits)?;
    let mut editor = Editor { work: &work, name: ask.table.quoted()?, table: &table, statements: HashMap::new() };
    let mut faults = Vec::new();
    for (at, edit) in ask.edits.iter().enumerate() {
        if faults.len() < MAX_FAULTS {
            editor.look(at, edit, &mut faults).await?;
        }
    }
    if faults.is_empty() {
        for (at, edit) in ask.edits.iter().enumerate() {
            if faults.len() < MAX_FAULTS {
                faults.extend(editor.apply(at, edit).await?);
            }
        }
    }
    if faults.is_empty() {
        work.commit().await?;
        return Ok(EditOutcome { saved: true, faults });
    }
    work.undo().await?;
    Ok(EditOutcome { saved: false, faults })
}

/// Refuses what can be no edit of the table.
fn check(table: &TableDefinition, edits: &[RowEdit]) -> Result<(), QueryError> {
    if table.is_view {
        return Err(QueryError::Edits(format!("{} is a view: edit the tables that it is made of", table.name)));
    }
    for edit in edits {
        let key = match edit {
            RowEdit::Update { key, cells } => {
                define::require_columns(table, cells.iter().map(|cell| &cell.column))?;
                if cells.is_empty() {
                    return Err(QueryError::Edits("an edit names no cell".to_owned()));
                }
                key
            }
            RowEdit::Delete { key, old } => {
                define::require_columns(table, old.keys())?;
                key
            }
            RowEdit::Insert { values } => {
                define::require_columns(table, values.keys())?;
                continue;
            }
        };
        if table.key.is_empty() {
            return Err(QueryError::Edits(format!(
                "{} has no primary key, so that no row can be told from the others: add one to edit its rows",
                table.name
            )));
        }
        if key.len() != table.key.len() {
            return Err(QueryError::Edits(
                "the key of the table has changed meanwhile: load the rows again".to_owned(),
            ));
        }
    }
    Ok(())
}

struct Editor<'a> {
    work: &'a Work,
    name: String,
    table: &'a TableDefinition,
    /// Prepared once for all edits that write the same columns.
    statements: HashMap<String, Statement>,
}

impl Editor<'_> {
    /// Locks the row of an edit, and tells which of its cells are not what they were.
    async fn look(&mut self, at: usize, edit: &RowEdit, faults: &mut Vec<EditFault>) -> Result<(), QueryError> {
        let (key, old): (_, BTreeMap<&str, &Cell>) = match edit {
            RowEdit::Insert { .. } => return Ok(()),
            RowEdit::Update { key, cells } => {
                (key, cells.iter().map(|cell| (cell.column.as_str(), &cell.old)).collect())
            }
            RowEdit::Delete { key, old } => (key, old.iter().map(|(column, cell)| (column.as_str(), cell)).collect()),
        };
        let cells = old.keys().map(|column| Ok(format!("{}::text", quoted(column)?)));
        let cells = cells.collect::<Result<Vec<_>, QueryError>>()?.join(", ");
        let sql = format!("SELECT ARRAY[{cells}]::text[] FROM {} WHERE {} FOR UPDATE", self.name, self.of_key(1)?);
        let key = key.iter().map(|value| Parameter::text(Some(value.clone()))).collect::<Result<Vec<_>, _>>()?;
        let statement = self.prepared(&sql).await?;
        let found = self.work.wait(self.work.client().query_opt(&statement, &borrowed(&key))).await?;
        let Some(row) = found else {
            let message = "somebody has deleted this row, or given it another key, since you loaded it".to_owned();
            faults.push(EditFault { edit: at, column: None, why: EditFaultKind::Gone, current: None, message });
            return Ok(());
        };
        let now: Vec<Cell> = row.get(0);
        for ((column, old), now) in old.into_iter().zip(now) {
            if *old != now {
                let message = format!("somebody has changed {column} since you loaded it");
                let (column, why) = (Some(column.to_owned()), EditFaultKind::Changed);
                faults.push(EditFault { edit: at, column, why, current: now, message });
            }
        }
        Ok(())
    }

    /// Makes an edit; what is wrong with its values, if anything is.
    async fn apply(&mut self, at: usize, edit: &RowEdit) -> Result<Option<EditFault>, QueryError> {
        let (sql, columns, values) = self.statement_of(edit)?;
        let values = values.into_iter().map(Parameter::text).collect::<Result<Vec<_>, _>>()?;
        let statement = self.prepared(&sql).await?;
        self.work.execute("SAVEPOINT an_edit").await?;
        let made = self.work.wait_or_error(self.work.client().execute(&statement, &borrowed(&values))).await?;
        let error = match made {
            Ok(_) => {
                self.work.execute("RELEASE an_edit").await?;
                return Ok(None);
            }
            Err(error) => error,
        };
        let Some(said) = error.as_db_error().filter(|said| is_about_values(said)) else {
            return Err(self.work.said(&error));
        };
        self.work.execute("ROLLBACK TO an_edit").await?;
        let column = column_of(said, &columns).map(str::to_owned);
        let (why, current) = (EditFaultKind::Refused, None);
        Ok(Some(EditFault { edit: at, column, why, current, message: message(said) }))
    }

    /// An edit as SQL, the columns that it writes, and its values.
    fn statement_of(&self, edit: &RowEdit) -> Result<(String, Vec<String>, Vec<Cell>), QueryError> {
        let name = &self.name;
        Ok(match edit {
            RowEdit::Insert { values } if values.is_empty() => {
                (format!("INSERT INTO {name} DEFAULT VALUES"), Vec::new(), Vec::new())
            }
            RowEdit::Insert { values } => {
                let columns: Vec<String> = values.keys().cloned().collect();
                let places: Vec<String> = (1..=columns.len()).map(|place| format!("${place}")).collect();
                let listed = bulkhead_model::tables::listed(&columns)?;
                let sql = format!("INSERT INTO {name} ({listed}) VALUES ({})", places.join(", "));
                (sql, columns, values.values().cloned().collect())
            }
            RowEdit::Update { key, cells } => {
                let set = |(at, cell): (usize, &CellEdit)| Ok(format!("{} = ${}", quoted(&cell.column)?, at + 1));
                let set = cells.iter().enumerate().map(set).collect::<Result<Vec<_>, QueryError>>()?.join(", ");
                let sql = format!("UPDATE {name} SET {set} WHERE {}", self.of_key(cells.len() + 1)?);
                let values = cells.iter().map(|cell| cell.new.clone()).chain(key.iter().cloned().map(Some));
                (sql, cells.iter().map(|cell| cell.column.clone()).collect(), values.collect())
            }
            RowEdit::Delete { key, .. } => {
                let sql = format!("DELETE FROM {name} WHERE {}", self.of_key(1)?);
                (sql, Vec::new(), key.iter().cloned().map(Some).collect())
            }
        })
    }

    /// The condition that a row has this key, whose values stand from `place` on.
    fn of_key(&self, place: usize) -> Result<String, QueryError> {
        let parts = self.table.key.iter().enumerate();
        let parts = parts.map(|(at, column)| Ok(format!("{} = ${}", quoted(column)?, place + at)));
        Ok(parts.collect::<Result<Vec<_>, QueryError>>()?.join(" AND "))
    }

    async fn prepared(&mut self, sql: &str) -> Result<Statement, QueryError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.work.wait(self.work.client().prepare(sql)).await?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

fn borrowed(values: &[Parameter]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}
