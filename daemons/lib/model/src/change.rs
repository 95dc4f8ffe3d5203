//! A change of a table that is said without SQL, and the statement that it becomes.
//!
//! Names become quoted identifiers and values bind parameters, here and nowhere else. Which tables, columns and conditions a
//! statement has is told by the document alone: whoever runs it gives values.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::Fault;
use crate::sql::{CompiledStatement, Dialect};

mod guard;
mod mysql;
mod sql_server;
mod validate;

pub use guard::AtMost;
pub use mysql::MAX_PARAMETERS as MAX_MYSQL_PARAMETERS;
pub use sql_server::Telling;

/// The longest name of a table or column, in bytes: PostgreSQL's, one less than MySQL's.
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
    /// A name that no database has.
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

    /// The columns that tell which row is meant.
    pub fn conflict(&self) -> &[String] {
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

    /// Its table as an identifier.
    fn quoted_table(&self, names: Names) -> Result<String, ChangeError> {
        let (schema, name) = self.table();
        let schema = schema.map(|schema| names.quoted(schema)).transpose()?;
        let name = names.quoted(name)?;
        Ok(schema.map_or_else(|| name.clone(), |schema| format!("{schema}.{name}")))
    }

    /// The one statement that it is in PostgreSQL.
    pub fn compile(&self) -> Result<CompiledStatement<'_>, ChangeError> {
        let names = Names(Dialect::Postgresql);
        let table = self.quoted_table(names)?;
        let mut bound = Bound::of(Dialect::Postgresql);
        let text = match self {
            Self::Insert { values, .. } => {
                let (columns, places) = bound.listed(values)?;
                format!("INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING *")
            }
            Self::Upsert { values, conflict, .. } => {
                let (columns, places) = bound.listed(values)?;
                let conflict = on_conflict(values.keys(), conflict)?;
                format!("INSERT INTO {table} ({columns}) VALUES ({places}) {conflict} RETURNING *")
            }
            Self::BulkUpsert { rows, columns, conflict, .. } => {
                let names = names.listed(columns)?;
                let conflict = on_conflict(columns.iter(), conflict)?;
                // The table's own row type says what each value is to be. By a row of it, since its name may be that of a type besides.
                let row_type = format!("(SELECT a_row FROM {table} AS a_row WHERE false)");
                let rows = format!("jsonb_populate_recordset({row_type}, {})", bound.place("", rows));
                format!("INSERT INTO {table} ({names}) SELECT {names} FROM {rows} {conflict}")
            }
            Self::Update { values, conditions, .. } => {
                let set = bound.assigned(values)?;
                format!("UPDATE {table} SET {set} WHERE {}", bound.all_of(conditions, array)?)
            }
            Self::Delete { conditions, .. } => {
                format!("DELETE FROM {table} WHERE {}", bound.all_of(conditions, array)?)
            }
        };
        Ok(bound.statement(text))
    }

    pub(crate) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        validate::faults(self, path, faults);
    }
}

/// A list as one parameter.
fn array<'a>(bound: &mut Bound<'a>, column: &'a str, expression: &'a str) -> String {
    format!("= ANY ({})", bound.place(column, expression))
}

/// Names as a dialect writes them.
#[derive(Clone, Copy)]
struct Names(Dialect);

impl Names {
    /// A name as an identifier: whatever is in it, it is one.
    fn quoted(self, name: &str) -> Result<String, ChangeError> {
        if name.is_empty() || name.len() > MAX_IDENTIFIER_BYTES || name.contains('\0') {
            return Err(ChangeError::Identifier(name.chars().take(MAX_IDENTIFIER_BYTES).collect()));
        }
        Ok(self.0.quoted(name))
    }

    /// Some names, one at least.
    fn listed<'a>(self, names: impl IntoIterator<Item = &'a String>) -> Result<String, ChangeError> {
        let names: Vec<String> = names.into_iter().map(|name| self.quoted(name)).collect::<Result<_, _>>()?;
        if names.is_empty() { Err(ChangeError::NoValue) } else { Ok(names.join(", ")) }
    }
}

/// The parameters of a statement under way.
struct Bound<'a> {
    names: Names,
    expressions: Vec<&'a str>,
    columns: Vec<&'a str>,
    items: BTreeMap<usize, usize>,
}

impl<'a> Bound<'a> {
    fn of(dialect: Dialect) -> Self {
        Self { names: Names(dialect), expressions: Vec::new(), columns: Vec::new(), items: BTreeMap::new() }
    }

    /// The place of one more, for a column.
    fn place(&mut self, column: &'a str, expression: &'a str) -> String {
        self.columns.push(column);
        self.expressions.push(expression.trim());
        self.names.0.placeholder(self.expressions.len())
    }

    /// The place of one item of a list.
    fn item(&mut self, column: &'a str, expression: &'a str, index: usize) -> String {
        self.items.insert(self.expressions.len(), index);
        self.place(column, expression)
    }

    /// One of a list, whose items are a parameter each; nothing is one of an empty one.
    fn any_of(&mut self, column: &'a str, expression: &'a str, items: usize) -> String {
        if items == 0 {
            return "IN (NULL)".to_owned();
        }
        let places: Vec<String> = (0..items).map(|index| self.item(column, expression, index)).collect();
        format!("IN ({})", places.join(", "))
    }

    /// Columns, and the places of their values.
    fn listed(&mut self, values: &'a BTreeMap<String, String>) -> Result<(String, String), ChangeError> {
        let columns = self.names.listed(values.keys())?;
        let places: Vec<String> = values.iter().map(|(column, value)| self.place(column, value)).collect();
        Ok((columns, places.join(", ")))
    }

    /// `column = place` of each.
    fn assigned(&mut self, values: &'a BTreeMap<String, String>) -> Result<String, ChangeError> {
        if values.is_empty() {
            return Err(ChangeError::NoValue);
        }
        let set = values
            .iter()
            .map(|(column, value)| Ok(format!("{} = {}", self.names.quoted(column)?, self.place(column, value))));
        Ok(set.collect::<Result<Vec<_>, _>>()?.join(", "))
    }

    /// All conditions; `in_list` writes what stands behind a column that is to be in a list.
    fn all_of(
        &mut self,
        conditions: &'a [Condition],
        mut in_list: impl FnMut(&mut Self, &'a str, &'a str) -> String,
    ) -> Result<String, ChangeError> {
        if conditions.is_empty() {
            return Err(ChangeError::NoCondition);
        }
        let mut text = String::new();
        for Condition { column, operator, value } in conditions {
            let name = self.names.quoted(column)?;
            let and = if text.is_empty() { "" } else { " AND " };
            let comparison = match operator {
                Operator::IsNull => "IS NULL".to_owned(),
                Operator::In => in_list(self, column, value),
                Operator::Equal => format!("= {}", self.place(column, value)),
                Operator::Unequal => format!("<> {}", self.place(column, value)),
                Operator::Less => format!("< {}", self.place(column, value)),
                Operator::LessOrEqual => format!("<= {}", self.place(column, value)),
                Operator::Greater => format!("> {}", self.place(column, value)),
                Operator::GreaterOrEqual => format!(">= {}", self.place(column, value)),
            };
            let _ = write!(text, "{and}{name} {comparison}");
        }
        Ok(text)
    }

    fn statement(self, text: String) -> CompiledStatement<'a> {
        let mut statement = CompiledStatement::made(text, self.expressions);
        statement.columns = self.columns;
        statement.items = self.items;
        statement
    }
}

/// The columns that an upsert writes over where the row is there already. It is written over in any case, so that it is counted.
fn written_over<'a>(
    columns: impl Iterator<Item = &'a String>,
    conflict: &[String],
) -> Result<Vec<&'a String>, ChangeError> {
    if conflict.is_empty() {
        return Err(ChangeError::NoConflict);
    }
    let columns: Vec<&String> = columns.collect();
    if let Some(column) = conflict.iter().find(|column| !columns.contains(column)) {
        return Err(ChangeError::ConflictWithoutValue(column.clone()));
    }
    let others: Vec<&String> = columns.iter().copied().filter(|column| !conflict.contains(column)).collect();
    Ok(if others.is_empty() { columns } else { others })
}

fn on_conflict<'a>(columns: impl Iterator<Item = &'a String>, conflict: &[String]) -> Result<String, ChangeError> {
    let names = Names(Dialect::Postgresql);
    let written = written_over(columns, conflict)?;
    let set = written.into_iter().map(|column| {
        let column = names.quoted(column)?;
        Ok(format!("{column} = EXCLUDED.{column}"))
    });
    let set = set.collect::<Result<Vec<_>, _>>()?.join(", ");
    Ok(format!("ON CONFLICT ({}) DO UPDATE SET {set}", names.listed(conflict)?))
}

#[cfg(test)]
mod tests;
