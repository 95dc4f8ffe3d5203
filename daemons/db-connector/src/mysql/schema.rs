//! The tables and columns of a resource, for the editor's completion.

use std::sync::Arc;

use bulkhead_rpc::connector::{Column, Schema, Table};

use super::connect::Connection;
use super::error;
use crate::error::QueryError;
use crate::pool;

type Pool = pool::Pool<Connection>;

/// Reads the schema of what the resource's account can see, 20,000 columns at most; a server with more is browsed by SQL.
pub(super) async fn read(pool: &Arc<Pool>) -> Result<Schema, QueryError> {
    let sql = "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
        ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION LIMIT 20000";
    let mut loan = pool.borrow().await?;
    let rows = match loan.connection.fetch(sql, &[]).await {
        Err(failed) if loan.reused && failed.is_gone() => {
            pool.forget_idle();
            loan = pool.borrow().await?;
            loan.connection.fetch(sql, &[]).await
        }
        fetched => fetched,
    };
    let rows = rows.map_err(|failed| error::of(failed, &pool.target.name, 0, 0))?;
    loan.connection.settle_read(false).await.map_err(|failed| error::of(failed, &pool.target.name, 0, 0))?;
    loan.give_back();
    let mut tables: Vec<Table> = Vec::new();
    for row in rows {
        let [schema, table, name, type_name] = row.try_into().unwrap_or_default();
        if tables.last().is_none_or(|last| last.schema != schema || last.name != table) {
            tables.push(Table { schema, name: table, columns: Vec::new() });
        }
        if let Some(table) = tables.last_mut() {
            table.columns.push(Column { name, type_name });
        }
    }
    Ok(Schema { tables })
}
