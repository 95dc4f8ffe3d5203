//! The tables and columns of a file, for the editor's completion.

use bulkhead_rpc::connector::{Column, ColumnFacts, Schema};
use rusqlite::Connection;

/// Columns told at most. A key of one integer column is the row's own number, which the file gives.
const COLUMNS: &str = "WITH columns AS (
        SELECT t.name AS in_table, c.*, c.pk = 1 AND upper(c.type) = 'INTEGER'
            AND (SELECT count(*) FROM pragma_table_info(t.name) AS k WHERE k.pk > 0) = 1 AS is_number
        FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
        WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\')
     SELECT in_table, name, type, pk > 0, \"notnull\" = 1 AND dflt_value IS NULL AND NOT is_number,
        dflt_value IS NOT NULL, is_number
     FROM columns ORDER BY in_table, cid LIMIT 20000";

/// Reads the schema.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<Schema> {
    let mut statement = connection.prepare(COLUMNS)?;
    let mut rows = statement.query(())?;
    let mut schema = Schema::default();
    while let Some(row) = rows.next()? {
        schema.add(ColumnFacts {
            schema: "main".to_owned(),
            table: row.get(0)?,
            column: Column { name: row.get(1)?, type_name: row.get(2)? },
            is_key: row.get(3)?,
            is_required: row.get(4)?,
            is_defaulted: row.get(5)?,
            is_filled: row.get(6)?,
        });
    }
    Ok(schema)
}
