//! The tables and columns of a resource, for the editor's completion.

use std::sync::Arc;

use bulkhead_rpc::connector::{Column, Schema, Table};

use super::connect::Connection;
use crate::error::QueryError;
use crate::pool;

type Pool = pool::Pool<Connection>;

/// Tables told at most; a database with more is browsed by SQL.
const MAX_COLUMNS: i64 = 20_000;

/// Reads the schema of what the resource's role can see.
pub(super) async fn read(pool: &Arc<Pool>) -> Result<Schema, QueryError> {
    let loan = pool.borrow().await?;
    let sql = "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
          AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
          AND has_table_privilege(c.oid, 'SELECT')
        ORDER BY 1, 2, a.attnum LIMIT $1";
    let lost = |_| QueryError::Lost(pool.target.name.clone());
    let rows = loan.connection.client.query(sql, &[&MAX_COLUMNS]).await.map_err(lost)?;
    loan.give_back();
    let mut tables: Vec<Table> = Vec::new();
    for row in &rows {
        let (schema, name): (&str, &str) = (row.get(0), row.get(1));
        if tables.last().is_none_or(|table| table.schema != schema || table.name != name) {
            tables.push(Table { schema: schema.to_owned(), name: name.to_owned(), columns: Vec::new() });
        }
        if let Some(table) = tables.last_mut() {
            table.columns.push(Column { name: row.get(2), type_name: row.get(3) });
        }
    }
    Ok(Schema { tables })
}
