//! The tables and columns of a file, for the editor's completion.

use bulkhead_rpc::connector::{Column, Schema, Table};
use rusqlite::Connection;

/// Columns told at most.
const COLUMNS: &str = "SELECT t.name, c.name, c.type FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c \
     WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.name, c.cid LIMIT 20000";

/// Reads the schema.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<Schema> {
    let mut statement = connection.prepare(COLUMNS)?;
    let mut rows = statement.query(())?;
    let mut tables: Vec<Table> = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        if tables.last().is_none_or(|table| table.name != name) {
            tables.push(Table { schema: "main".to_owned(), name, columns: Vec::new() });
        }
        if let Some(table) = tables.last_mut() {
            table.columns.push(Column { name: row.get(1)?, type_name: row.get(2)? });
        }
    }
    Ok(Schema { tables })
}
