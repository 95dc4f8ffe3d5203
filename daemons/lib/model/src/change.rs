//! A change of a table that is said without SQL, and the one statement that it becomes.
//!
//! Names become quoted identifiers and values bind parameters, here and nowhere else. Which tables, columns and conditions a
//! statement has is told by the document alone: whoever runs it gives values.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::Fault;
use crate::sql::CompiledStatement;

mod guard;
mod validate;

pub use guard::AtMost;

/// The longest name of a table or column that PostgreSQL has, in bytes.
const MAX_IDENTIFIER_BYTES: usize = 63;
/// Columns that one change may name, conditions among them.
pub const MAX_COLUMNS: usize = 200;
/// Rows of one bulk upsert.
pub const MAX_BULK_ROWS: usize = 10_000;

/// A change of the rows of one table. Values are JavaScript expressions, without braces; each becomes a bind parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum TableChange {
    /// Adds a row; the result has it.
    Insert {
        /// The schema of the table; the first one in the search path that has it when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schema: Option<String>,
        /// The table.
        table: String,
        /// The value of each column that is given one.
        values: BTreeMap<String, String>,
    },
    /// Changes the rows for which all conditions hold.
    Update {
        /// The schema of the table.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schema: Option<String>,
        /// The table.
        table: String,
        /// The value of each column that changes.
        values: BTreeMap<String, String>,
        /// Which rows: at least one condition.
        #[serde(rename = "where")]
        conditions: Vec<Condition>,
        /// How many rows may change; more, and none does. 1 when absent.
        #[serde(rename = "at-most", default, skip_serializing_if = "AtMost::is_default")]
        at_most: AtMost,
    },
    /// Removes the rows for which all conditions hold.
    Delete {
        /// The schema of the table.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schema: Option<String>,
        /// The table.
        table: String,
        /// Which rows: at least one condition.
        #[serde(rename = "where")]
        conditions: Vec<Condition>,
        /// How many rows may go; more, and none does. 1 when absent.
        #[serde(rename = "at-most", default, skip_serializing_if = "AtMost::is_default")]
        at_most: AtMost,
    },
    /// Adds a row, or changes the one that is the same in the conflict columns; the result has it.
    Upsert {
        /// The schema of the table.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schema: Option<String>,
        /// The table.
        table: String,
        /// The value of each column.
        values: BTreeMap<String, String>,
        /// The columns of a unique index that tell which row is meant; they are among the values.
        conflict: Vec<String>,
    },
    /// The same for each object of a list, all or none, at most 10,000.
    BulkUpsert {
        /// The schema of the table.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schema: Option<String>,
        /// The table.
        table: String,
        /// A JavaScript expression: a list of objects, each with all columns as keys. Other keys are passed by.
        rows: String,
        /// The columns to write.
        columns: Vec<String>,
        /// The columns of a unique index that tell which row is meant; they are among the columns.
        conflict: Vec<String>,
    },
}

/// A condition on a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Condition {
    /// The column.
    pub column: String,
    /// How it compares.
    #[serde(default)]
    pub operator: Operator,
    /// A JavaScript expression, without braces; a list for `in`, nothing for `is-null`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
}

/// How a column compares with a value. Nothing equals null, as in SQL: that is what `is-null` is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Operator {
    /// `=`
    #[default]
    #[serde(rename = "=")]
    Equal,
    /// `<>`
    #[serde(rename = "<>")]
    Unequal,
    /// `<`
    #[serde(rename = "<")]
    Less,
    /// `<=`
    #[serde(rename = "<=")]
    LessOrEqual,
    /// `>`
    #[serde(rename = ">")]
    Greater,
    /// `>=`
    #[serde(rename = ">=")]
    GreaterOrEqual,
    /// Equal to one of a list.
    #[serde(rename = "in")]
    In,
    /// Null.
    #[serde(rename = "is-null")]
    IsNull,
}

/// Why a change cannot be compiled. A document with one of these is not saved; who executes it does not rely on that.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ChangeError {
    /// A name that PostgreSQL cannot have.
    #[error("{0:?} is no name of a table, schema or column: it has 1 to {MAX_IDENTIFIER_BYTES} bytes and no NUL")]
    Identifier(String),
    /// Without a condition all rows would be meant.
    #[error("which rows are meant is not said: add a condition under `where`")]
    NoCondition,
    /// Nothing to write.
    #[error("no column is given a value: add one")]
    NoValue,
    /// An upsert that cannot tell which row is meant.
    #[error("the conflict columns are missing: name those of a unique index, such as the key")]
    NoConflict,
    /// A conflict column without a value.
    #[error("the conflict column {0:?} is given no value: add it to the columns")]
    ConflictWithoutValue(String),
}

impl TableChange {
    /// Its table, with the schema where one is said.
    pub fn table(&self) -> (Option<&str>, &str) {
        let (Self::Insert { schema, table, .. }
        | Self::Update { schema, table, .. }
        | Self::Delete { schema, table, .. }
        | Self::Upsert { schema, table, .. }
        | Self::BulkUpsert { schema, table, .. }) = self;
        (schema.as_deref(), table)
    }

    /// All columns that it names.
    pub fn columns(&self) -> Vec<&str> {
        let mut columns: Vec<&str> = match self {
            Self::Insert { values, .. } | Self::Update { values, .. } | Self::Upsert { values, .. } => {
                values.keys().map(String::as_str).collect()
            }
            Self::BulkUpsert { columns, .. } => columns.iter().map(String::as_str).collect(),
            Self::Delete { .. } => Vec::new(),
        };
        columns.extend(self.conditions().iter().map(|condition| condition.column.as_str()));
        columns.extend(self.conflict().iter().map(String::as_str));
        columns
    }

    /// Which rows.
    pub fn conditions(&self) -> &[Condition] {
        match self {
            Self::Update { conditions, .. } | Self::Delete { conditions, .. } => conditions,
            Self::Insert { .. } | Self::Upsert { .. } | Self::BulkUpsert { .. } => &[],
        }
    }

    fn conflict(&self) -> &[String] {
        match self {
            Self::Upsert { conflict, .. } | Self::BulkUpsert { conflict, .. } => conflict,
            Self::Insert { .. } | Self::Update { .. } | Self::Delete { .. } => &[],
        }
    }

    /// The expressions that it has, as they are written, repeats included.
    pub fn expressions(&self) -> Vec<&str> {
        let mut found: Vec<&str> = match self {
            Self::Insert { values, .. } | Self::Update { values, .. } | Self::Upsert { values, .. } => {
                values.values().map(String::as_str).collect()
            }
            Self::BulkUpsert { rows, .. } => vec![rows],
            Self::Delete { .. } => Vec::new(),
        };
        let conditions = self.conditions().iter().filter(|condition| condition.operator != Operator::IsNull);
        found.extend(conditions.map(|condition| condition.value.as_str()));
        found
    }

    /// How many rows it may change; any number where that is not limited.
    pub fn at_most(&self) -> Option<u64> {
        match self {
            Self::Update { at_most, .. } | Self::Delete { at_most, .. } => at_most.limit(),
            Self::Insert { .. } | Self::Upsert { .. } | Self::BulkUpsert { .. } => None,
        }
    }

    /// The statement that it is.
    pub fn compile(&self) -> Result<CompiledStatement<'_>, ChangeError> {
        let (schema, name) = self.table();
        let mut table = String::new();
        if let Some(schema) = schema {
            table = format!("{}.", quoted(schema)?);
        }
        table.push_str(&quoted(name)?);
        let mut bound = Bound(Vec::new());
        let text = match self {
            Self::Insert { values, .. } => {
                let (columns, places) = listed(values, &mut bound)?;
                format!("INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING *")
            }
            Self::Upsert { values, conflict, .. } => {
                let (columns, places) = listed(values, &mut bound)?;
                let conflict = on_conflict(values.keys(), conflict)?;
                format!("INSERT INTO {table} ({columns}) VALUES ({places}) {conflict} RETURNING *")
            }
            Self::BulkUpsert { rows, columns, conflict, .. } => {
                let names = joined(columns.iter().map(|column| quoted(column)))?;
                if columns.is_empty() {
                    return Err(ChangeError::NoValue);
                }
                let conflict = on_conflict(columns.iter(), conflict)?;
                // The table's own row type says what each value is to be. By a row of it, since its name may be that of a type besides.
                let row_type = format!("(SELECT a_row FROM {table} AS a_row WHERE false)");
                let rows = format!("jsonb_populate_recordset({row_type}, {})", bound.place(rows));
                format!("INSERT INTO {table} ({names}) SELECT {names} FROM {rows} {conflict}")
            }
            Self::Update { values, conditions, .. } => {
                if values.is_empty() {
                    return Err(ChangeError::NoValue);
                }
                let set =
                    values.iter().map(|(column, value)| Ok(format!("{} = {}", quoted(column)?, bound.place(value))));
                let set = joined(set)?;
                format!("UPDATE {table} SET {set} WHERE {}", all_of(conditions, &mut bound)?)
            }
            Self::Delete { conditions, .. } => {
                format!("DELETE FROM {table} WHERE {}", all_of(conditions, &mut bound)?)
            }
        };
        Ok(CompiledStatement::made(text, bound.0))
    }

    pub(crate) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        validate::faults(self, path, faults);
    }
}

/// The expressions behind the parameters.
struct Bound<'a>(Vec<&'a str>);

impl<'a> Bound<'a> {
    /// The place of one more.
    fn place(&mut self, expression: &'a str) -> String {
        self.0.push(expression.trim());
        format!("${}", self.0.len())
    }
}

/// A name as an identifier: whatever is in it, it is one.
fn quoted(name: &str) -> Result<String, ChangeError> {
    if name.is_empty() || name.len() > MAX_IDENTIFIER_BYTES || name.contains('\0') {
        return Err(ChangeError::Identifier(name.chars().take(MAX_IDENTIFIER_BYTES).collect()));
    }
    Ok(format!("\"{}\"", name.replace('"', "\"\"")))
}

fn joined(parts: impl Iterator<Item = Result<String, ChangeError>>) -> Result<String, ChangeError> {
    Ok(parts.collect::<Result<Vec<_>, _>>()?.join(", "))
}

/// Columns, and the places of their values.
fn listed<'a>(values: &'a BTreeMap<String, String>, bound: &mut Bound<'a>) -> Result<(String, String), ChangeError> {
    if values.is_empty() {
        return Err(ChangeError::NoValue);
    }
    let columns = joined(values.keys().map(|column| quoted(column)))?;
    let places: Vec<String> = values.values().map(|value| bound.place(value)).collect();
    Ok((columns, places.join(", ")))
}

fn all_of<'a>(conditions: &'a [Condition], bound: &mut Bound<'a>) -> Result<String, ChangeError> {
    if conditions.is_empty() {
        return Err(ChangeError::NoCondition);
    }
    let mut text = String::new();
    for Condition { column, operator, value } in conditions {
        let column = quoted(column)?;
        let and = if text.is_empty() { "" } else { " AND " };
        let comparison = match operator {
            Operator::IsNull => "IS NULL".to_owned(),
            Operator::In => format!("= ANY ({})", bound.place(value)),
            Operator::Equal => format!("= {}", bound.place(value)),
            Operator::Unequal => format!("<> {}", bound.place(value)),
            Operator::Less => format!("< {}", bound.place(value)),
            Operator::LessOrEqual => format!("<= {}", bound.place(value)),
            Operator::Greater => format!("> {}", bound.place(value)),
            Operator::GreaterOrEqual => format!(">= {}", bound.place(value)),
        };
        let _ = write!(text, "{and}{column} {comparison}");
    }
    Ok(text)
}

fn on_conflict<'a>(columns: impl Iterator<Item = &'a String>, conflict: &[String]) -> Result<String, ChangeError> {
    if conflict.is_empty() {
        return Err(ChangeError::NoConflict);
    }
    let columns: Vec<&String> = columns.collect();
    if let Some(column) = conflict.iter().find(|column| !columns.contains(column)) {
        return Err(ChangeError::ConflictWithoutValue(column.clone()));
    }
    let named = joined(conflict.iter().map(|column| quoted(column)))?;
    // A row that is there already is written over in any case, so that it is counted and returned.
    let others: Vec<&String> = columns.iter().copied().filter(|column| !conflict.contains(column)).collect();
    let written = if others.is_empty() { columns } else { others };
    let set = joined(written.into_iter().map(|column| {
        let column = quoted(column)?;
        Ok(format!("{column} = EXCLUDED.{column}"))
    }))?;
    Ok(format!("ON CONFLICT ({named}) DO UPDATE SET {set}"))
}

#[cfg(test)]
mod tests;
