//! The tables and columns of a resource, for the editor's completion.

use std::sync::Arc;

use bulkhead_model::query::QueryMode;
use bulkhead_rpc::connector::{Column, ColumnFacts, Schema};

use super::connect::OWN_BYTES;
use super::error;
use super::query::{Busy, Pool};
use crate::error::QueryError;

/// Reads the schema of what the resource's login can see, 20,000 columns at most; a server with more is browsed by SQL.
pub(super) async fn read(pool: &Arc<Pool>) -> Result<Schema, QueryError> {
    let sql = "SELECT TOP (20000) c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME, CONVERT(nvarchar(128), c.DATA_TYPE),
            CASE WHEN EXISTS (SELECT 1 FROM INFORMATION_SCHEMA.TABLE_CONSTRAINTS t
                JOIN INFORMATION_SCHEMA.KEY_COLUMN_USAGE k
                    ON k.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND k.CONSTRAINT_NAME = t.CONSTRAINT_NAME
                WHERE t.CONSTRAINT_TYPE = N'PRIMARY KEY' AND k.TABLE_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME
                    AND k.COLUMN_NAME = c.COLUMN_NAME) THEN N'y' ELSE N'' END,
            CASE WHEN c.IS_NULLABLE = 'NO' AND c.COLUMN_DEFAULT IS NULL AND f.is_filled = 0 THEN N'y' ELSE N'' END,
            CASE WHEN c.COLUMN_DEFAULT IS NOT NULL THEN N'y' ELSE N'' END,
            CASE WHEN f.is_filled = 1 THEN N'y' ELSE N'' END
        FROM INFORMATION_SCHEMA.COLUMNS c
        CROSS APPLY (SELECT OBJECT_ID(QUOTENAME(c.TABLE_SCHEMA) + N'.' + QUOTENAME(c.TABLE_NAME)) AS id) o
        CROSS APPLY (SELECT CASE WHEN c.DATA_TYPE = N'timestamp' OR COLUMNPROPERTY(o.id, c.COLUMN_NAME, 'IsIdentity') = 1
            OR COLUMNPROPERTY(o.id, c.COLUMN_NAME, 'IsComputed') = 1 THEN 1 ELSE 0 END AS is_filled) f
        WHERE c.TABLE_SCHEMA NOT IN (N'sys', N'INFORMATION_SCHEMA')
        ORDER BY c.TABLE_SCHEMA, c.TABLE_NAME, c.ORDINAL_POSITION";
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
    for row in rows.map_err(|failed| error::of(failed, &pool.target.name, OWN_BYTES))? {
        let [schema, table, name, type_name, key, required, defaulted, filled] = row.try_into().unwrap_or_default();
        let column = Column { name, type_name };
        let [is_key, is_required, is_defaulted, is_filled] =
            [key, required, defaulted, filled].map(|word| !word.is_empty());
        found.add(ColumnFacts { schema, table, column, is_key, is_required, is_defaulted, is_filled });
    }
    Ok(found)
}
