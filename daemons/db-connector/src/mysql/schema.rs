//! The tables and columns of a resource, for the editor's completion.

use std::sync::Arc;

use bulkhead_rpc::connector::{Column, ColumnFacts, Schema};

use super::connect::Connection;
use super::error;
use crate::error::QueryError;
use crate::pool;

type Pool = pool::Pool<Connection>;

/// Reads the schema of what the resource's account can see, 20,000 columns at most; a server with more is browsed by SQL.
pub(super) async fn read(pool: &Arc<Pool>) -> Result<Schema, QueryError> {
    let sql = "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE,
            IF(COLUMN_KEY = 'PRI', 'y', ''),
            IF(IS_NULLABLE = 'NO' AND COLUMN_DEFAULT IS NULL AND EXTRA NOT LIKE '%auto_increment%' AND coalesce(GENERATION_EXPRESSION, '') = '', 'y', ''),
            IF(COLUMN_DEFAULT IS NOT NULL AND COLUMN_DEFAULT <> 'NULL', 'y', ''),
            IF(EXTRA LIKE '%auto_increment%' OR coalesce(GENERATION_EXPRESSION, '') <> '', 'y', '')
        FROM information_schema.COLUMNS
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
    let mut schema = Schema::default();
    for row in rows {
        let [in_schema, table, name, type_name, key, required, defaulted, filled] = row.try_into().unwrap_or_default();
        let column = Column { name, type_name };
        let [is_key, is_required, is_defaulted, is_filled] =
            [key, required, defaulted, filled].map(|word| !word.is_empty());
        schema.add(ColumnFacts { schema: in_schema, table, column, is_key, is_required, is_defaulted, is_filled });
    }
    Ok(schema)
}
