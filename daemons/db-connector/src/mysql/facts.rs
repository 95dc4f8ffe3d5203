//! What a change has to know of its table: which types its columns have, which of its keys are unique, whether it has transactions.

use std::collections::BTreeMap;

use bulkhead_model::change::TableChange;

use super::connect::Connection;
use super::parameters::Parameter;
use super::wire::Failed;
use crate::change::{NO_UNIQUE_INDEX, unknown_column};
use crate::error::QueryError;

/// SQLSTATEs of a table and a column that are not there, and of a key that is none.
pub(super) const NO_TABLE: &str = "42S02";
const NO_COLUMN: &str = "42S22";
const NO_KEY: &str = "42000";

/// What is known of a table. MySQL's names of columns have no case.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Name and type of each column.
    columns: Vec<(String, String)>,
    auto_increment: Option<String>,
    /// The columns of each unique index, the primary key's first.
    keys: BTreeMap<(bool, String), Vec<String>>,
    has_no_transactions: bool,
}

impl Facts {
    /// Reads them; nothing where there is no such table.
    pub(super) async fn read(connection: &mut Connection, change: &TableChange) -> Result<Option<Self>, Failed> {
        // An index of a part of a column tells no rows apart, nor does one of an expression to this side. The conversions give all columns
        // one collation, without which MySQL joins no results.
        let sql = "SELECT 'column', CONVERT(COLUMN_NAME USING utf8mb4), CONVERT(DATA_TYPE USING utf8mb4), CONVERT(EXTRA USING utf8mb4)
                FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ?
            UNION ALL SELECT 'key', CONVERT(INDEX_NAME USING utf8mb4), CONVERT(COALESCE(COLUMN_NAME, '') USING utf8mb4),
                    CONVERT(COALESCE(SUB_PART, '') USING utf8mb4)
                FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0 AND TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ?
            UNION ALL SELECT 'engine', CONVERT(t.ENGINE USING utf8mb4), CONVERT(e.TRANSACTIONS USING utf8mb4), ''
                FROM information_schema.TABLES t JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
                WHERE t.TABLE_SCHEMA = COALESCE(?, DATABASE()) AND t.TABLE_NAME = ?";
        let (schema, table) = change.table();
        let place = || [schema.map_or(Parameter::Null, Parameter::from), Parameter::from(table)];
        let values: Vec<Parameter> = [place(), place(), place()].into_iter().flatten().collect();
        let mut facts = Self::default();
        for row in connection.fetch(sql, &values).await? {
            let [what, name, told, more] = row.try_into().unwrap_or_default();
            match what.as_str() {
                "column" => {
                    if more.to_lowercase().contains("auto_increment") {
                        facts.auto_increment = Some(name.clone());
                    }
                    facts.columns.push((name, told.to_lowercase()));
                }
                "key" => {
                    let column = if more.is_empty() { told } else { String::new() };
                    facts.keys.entry((name != "PRIMARY", name)).or_default().push(column);
                }
                _ => facts.has_no_transactions |= told != "YES",
            }
        }
        Ok((!facts.columns.is_empty()).then_some(facts))
    }

    /// The type of a column.
    pub(super) fn data_type(&self, column: &str) -> &str {
        let found = self.columns.iter().find(|(name, _)| is_same(name, column));
        found.map_or("", |(_, data_type)| data_type)
    }

    /// Whether a column is given the next number when it is given none.
    pub(super) fn is_counted(&self, column: &str) -> bool {
        self.auto_increment.as_deref().is_some_and(|name| is_same(name, column))
    }

    /// The columns of each unique index, the primary key's first.
    pub(super) fn keys(&self) -> impl Iterator<Item = &[String]> {
        self.keys.values().map(Vec::as_slice)
    }

    /// Whether an index is unique that is not of these columns.
    pub(super) fn has_other_keys(&self, columns: &[String]) -> bool {
        self.keys().any(|key| !is_key_of(key, columns))
    }

    /// Refuses a change that could not be what it promises.
    pub(super) fn check(&self, change: &TableChange) -> Result<(), QueryError> {
        let wrong = |sqlstate: &str, message: String| {
            Err(QueryError::Sql { message, sqlstate: sqlstate.to_owned(), position: None })
        };
        let is_unknown = |column: &&&str| !self.columns.iter().any(|(name, _)| is_same(name, column));
        if let Some(column) = change.columns().iter().find(is_unknown) {
            let known = self.columns.iter().map(|(name, _)| name.clone());
            return wrong(NO_COLUMN, unknown_column(change.table().1, column, known));
        }
        if self.has_no_transactions {
            return Err(QueryError::Unsupported(
                "the table's engine has no transactions, so that a change could not be undone; give it ENGINE = InnoDB",
            ));
        }
        let conflict = change.conflict();
        if !conflict.is_empty() && !self.keys().any(|key| is_key_of(key, conflict)) {
            return wrong(NO_KEY, NO_UNIQUE_INDEX.to_owned());
        }
        Ok(())
    }
}

fn is_same(name: &str, other: &str) -> bool {
    name.eq_ignore_ascii_case(other) || name.to_lowercase() == other.to_lowercase()
}

fn is_key_of(key: &[String], columns: &[String]) -> bool {
    key.len() == columns.len() && key.iter().all(|name| columns.iter().any(|column| is_same(name, column)))
}
