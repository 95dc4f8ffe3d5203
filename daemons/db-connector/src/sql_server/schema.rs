//! The tables and columns of a resource, for the editor's completion.

use std::sync::Arc;

use bulkhead_model::query::QueryMode;
use bulkhead_rpc::connector::{Column, ColumnFacts, Schema};

use super::error;
use super::query::{Busy, Pool};
use crate::error::QueryError;

/// Reads the schema of what the resource's login can see, 20,000 columns at most; a server with more is browsed by SQL.
pub(super) async fn read(pool: &Arc<Pool>) -> Result<Schema, QueryError> {
    let sql = "SELECT TOP (20000) TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, CONVERT(nvarchar(128), DATA_TYPE)
        FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA NOT IN (N'sys', N'INFORMATION_SCHEMA')
        ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION";
    let mut busy = Busy::new(pool.borrow().await?, QueryMode::Read);
    let rows = match busy.connection().fetch(sql, &[]).await {
        Err(failed) if busy.loan().reused && failed.is_gone() => {
            pool.forget_idle();
            busy = Busy::new(pool.borrow().await?, QueryMode::Read);
            busy.connection().fetch(sql, &[]).await
        }
        fetched => fetched,
    };
    let mut found = Schema::default();
    for row in rows.map_err(|failed| error::of(failed, &pool.target.name, 0))? {
        let [schema, table, name, type_name] = row.try_into().unwrap_or_default();
        found.add(ColumnFacts { schema, table, column: Column { name, type_name }, ..ColumnFacts::default() });
    }
    Ok(found)
}
