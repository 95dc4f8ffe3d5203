//! What a change has to know of its table: which types its columns have, which of its keys are unique, whether it has triggers.

use std::collections::BTreeMap;

use bulkhead_model::change::TableChange;

use super::connect::Connection;
use super::error::{NO_TABLE, sqlstate};
use super::parameters::Parameter;
use super::wire::Failed;
use crate::change::{NO_UNIQUE_INDEX, unknown_column};
use crate::error::QueryError;

/// SQLSTATEs of a column that is not there, and of a key that is none.
const NO_COLUMN: &str = "42S22";
const NO_KEY: &str = "42000";

/// What is known of a table.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Name and type of each column.
    columns: Vec<(String, String)>,
    /// The column that counts by itself.
    pub(super) identity: Option<String>,
    /// The columns of each unique index.
    keys: BTreeMap<String, Vec<String>>,
    /// Whether something runs behind changes of it: it does not tell the rows that were written then.
    pub(super) has_triggers: bool,
}

impl Facts {
    /// Reads them; nothing where there is no such table.
    pub(super) async fn read(connection: &mut Connection, change: &TableChange) -> Result<Option<Self>, Failed> {
        // An index with a condition tells no rows apart. The collations make texts of the catalogue and of this statement comparable.
        let sql = "DECLARE @id int = OBJECT_ID(@P1);
            SELECT N'column' COLLATE DATABASE_DEFAULT, c.name COLLATE DATABASE_DEFAULT,
                    COALESCE(TYPE_NAME(c.system_type_id), TYPE_NAME(c.user_type_id)) COLLATE DATABASE_DEFAULT,
                    CONCAT(c.precision, N',', c.scale) COLLATE DATABASE_DEFAULT,
                    CONVERT(nvarchar(1), c.is_identity) COLLATE DATABASE_DEFAULT
                FROM sys.columns c WHERE c.object_id = @id
            UNION ALL SELECT N'key', CONVERT(nvarchar(20), i.index_id), c.name COLLATE DATABASE_DEFAULT, N'', N''
                FROM sys.indexes i
                JOIN sys.index_columns ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.is_included_column = 0
                JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
                WHERE i.object_id = @id AND i.is_unique = 1 AND i.has_filter = 0 AND i.is_disabled = 0
            UNION ALL SELECT N'trigger', N'', N'', N'', N'' FROM sys.triggers WHERE parent_id = @id AND is_disabled = 0";
        let place = change.table_for_sql_server().unwrap_or_default();
        let mut facts = Self::default();
        for row in connection.fetch(sql, &[Parameter::from(place.as_str())]).await? {
            let [what, name, told, size, counts] = row.try_into().unwrap_or_default();
            match what.as_str() {
                "column" => {
                    if counts == "1" {
                        facts.identity = Some(name.clone());
                    }
                    facts.columns.push((name, declared(&told, &size)));
                }
                "key" => facts.keys.entry(name).or_default().push(told),
                _ => facts.has_triggers = true,
            }
        }
        Ok((!facts.columns.is_empty()).then_some(facts))
    }

    /// The type of a column, as it is declared.
    pub(super) fn data_type(&self, column: &str) -> &str {
        let found = self.columns.iter().find(|(name, _)| is_same(name, column));
        found.map_or("", |(_, data_type)| data_type)
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
        let conflict = change.conflict();
        let is_key = |key: &Vec<String>| {
            key.len() == conflict.len() && key.iter().all(|name| conflict.iter().any(|column| is_same(name, column)))
        };
        if !conflict.is_empty() && !self.keys.values().any(is_key) {
            return wrong(NO_KEY, NO_UNIQUE_INDEX.to_owned());
        }
        Ok(())
    }
}

/// A type with what belongs to it, where a parameter of it would be another one without.
fn declared(name: &str, size: &str) -> String {
    let (precision, scale) = size.split_once(',').unwrap_or_default();
    match name {
        "decimal" | "numeric" => format!("{name}({precision},{scale})"),
        "time" | "datetime2" | "datetimeoffset" => format!("{name}({scale})"),
        name => name.to_owned(),
    }
}

/// That there is no such table.
pub(super) fn no_table() -> QueryError {
    let (message, sqlstate) = ("there is no such table".to_owned(), sqlstate(NO_TABLE).to_owned());
    QueryError::Sql { message, sqlstate, position: None }
}

/// Names have no case in most databases. In one where they have, the database itself says which one is not there.
fn is_same(name: &str, other: &str) -> bool {
    name.to_lowercase() == other.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_declared_as_its_column() {
        assert_eq!(declared("decimal", "10,2"), "decimal(10,2)");
        assert_eq!((declared("datetime2", "27,7"), declared("int", "10,0")), ("datetime2(7)".into(), "int".into()));
    }
}
