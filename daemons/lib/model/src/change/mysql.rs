//! What a change is in MySQL and MariaDB: statements of one transaction, since a list cannot be one parameter there, an upsert does not
//! say by which index, and a row that was written is read afterwards.

use super::{Bound, ChangeError, Names, TableChange, written_over};
use crate::sql::{CompiledStatement, Dialect};

/// Parameters that a statement may have there.
pub const MAX_PARAMETERS: usize = 65_535;

const NAMES: Names = Names(Dialect::Mysql);

impl TableChange {
    /// The statement of MySQL; for a bulk upsert, [`Self::compile_rows_for_mysql`]. `items` tells how many values a list has, by its
    /// expression. `has_other_keys` says whether another index than that of the conflict columns is unique.
    pub fn compile_for_mysql(
        &self,
        items: impl Fn(&str) -> usize,
        has_other_keys: bool,
    ) -> Result<CompiledStatement<'_>, ChangeError> {
        let table = self.quoted_table(NAMES)?;
        let mut bound = Bound::of(Dialect::Mysql);
        let text = match self {
            Self::Insert { values, .. } => {
                let (columns, places) = bound.listed(values)?;
                format!("INSERT INTO {table} ({columns}) VALUES ({places})")
            }
            Self::Upsert { values, conflict, .. } => {
                let (columns, places) = bound.listed(values)?;
                let written = written_over(values.keys(), conflict)?;
                let on_conflict = on_conflict(&table, &written, conflict, has_other_keys)?;
                format!("INSERT INTO {table} ({columns}) VALUES ({places}) {on_conflict}")
            }
            Self::BulkUpsert { .. } => self.compile_rows_for_mysql(1, has_other_keys)?,
            Self::Update { values, conditions, .. } => {
                let set = bound.assigned(values)?;
                let conditions =
                    bound.all_of(conditions, |bound, column, list| bound.any_of(column, list, items(list.trim())))?;
                format!("UPDATE {table} SET {set} WHERE {conditions}")
            }
            Self::Delete { conditions, .. } => {
                let conditions =
                    bound.all_of(conditions, |bound, column, list| bound.any_of(column, list, items(list.trim())))?;
                format!("DELETE FROM {table} WHERE {conditions}")
            }
        };
        Ok(bound.statement(text))
    }

    /// The statement of a bulk upsert that writes `rows` rows: their values are its parameters, row by row, column by column.
    pub fn compile_rows_for_mysql(&self, rows: usize, has_other_keys: bool) -> Result<String, ChangeError> {
        let Self::BulkUpsert { columns, conflict, .. } = self else { return Err(ChangeError::NoValue) };
        let table = self.quoted_table(NAMES)?;
        let names = NAMES.listed(columns)?;
        let row = format!("({})", vec!["?"; columns.len()].join(", "));
        let places = vec![row; rows].join(", ");
        let written = written_over(columns.iter(), conflict)?;
        let on_conflict = on_conflict(&table, &written, conflict, has_other_keys)?;
        Ok(format!("INSERT INTO {table} ({names}) VALUES {places} {on_conflict}"))
    }

    /// The statement that reads a row by the columns of a key.
    pub fn read_back_for_mysql(&self, key: &[String]) -> Result<String, ChangeError> {
        let table = self.quoted_table(NAMES)?;
        let conditions = key.iter().map(|column| Ok(format!("{} = ?", NAMES.quoted(column)?)));
        let conditions = conditions.collect::<Result<Vec<_>, _>>()?.join(" AND ");
        if conditions.is_empty() {
            return Err(ChangeError::NoConflict);
        }
        Ok(format!("SELECT * FROM {table} WHERE {conditions}"))
    }
}

/// What happens to a row that is there already. MySQL takes a row for the same by any of the table's unique indexes. Where there are
/// others than the one that is meant, the first assignment is an overflow unless it is the same by that one: the statement fails.
fn on_conflict(
    table: &str,
    written: &[&String],
    conflict: &[String],
    has_other_keys: bool,
) -> Result<String, ChangeError> {
    let mut set = Vec::new();
    if let (true, Some(first)) = (has_other_keys, conflict.first()) {
        let same = conflict.iter().map(|column| {
            let column = NAMES.quoted(column)?;
            Ok(format!("{table}.{column} <=> VALUES({column})"))
        });
        let same = same.collect::<Result<Vec<_>, _>>()?.join(" AND ");
        let first = NAMES.quoted(first)?;
        set.push(format!(
            "{first} = IF({same}, {table}.{first}, CAST(EXP(1000 + IFNULL(LENGTH({table}.{first}), 0)) AS CHAR))"
        ));
    }
    for column in written {
        let column = NAMES.quoted(column)?;
        set.push(format!("{column} = VALUES({column})"));
    }
    Ok(format!("ON DUPLICATE KEY UPDATE {}", set.join(", ")))
}
