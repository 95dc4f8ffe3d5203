//! The tables and columns of a resource, for the editor's completion.

use std::sync::Arc;

use bulkhead_rpc::connector::{Column, ColumnFacts, Schema};

use super::connect::Connection;
use crate::error::QueryError;
use crate::pool;

type Pool = pool::Pool<Connection>;

/// Tables told at most; a database with more is browsed by SQL.
const MAX_COLUMNS: i64 = 20_000;

/// Reads the schema of what the resource's role can see.
pub(super) async fn read(pool: &Arc<Pool>) -> Result<Schema, QueryError> {
    let loan = pool.borrow().await?;
    let sql = "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
            coalesce(a.attnum = ANY (k.indkey), false),
            a.attnotnull AND NOT a.atthasdef AND a.attidentity = '',
            a.atthasdef AND NOT f.fills, f.fills
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
        LEFT JOIN pg_index k ON k.indrelid = c.oid AND k.indisprimary
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        CROSS JOIN LATERAL (SELECT a.attidentity <> '' OR a.attgenerated <> ''
            OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false) AS fills) f
        WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
          AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'bulkhead_import') AND n.nspname NOT LIKE 'pg\\_toast%'
          AND has_table_privilege(c.oid, 'SELECT')
        ORDER BY 1, 2, a.attnum LIMIT $1";
    let lost = |_| QueryError::Lost(pool.target.name.clone());
    let rows = loan.connection.client.query(sql, &[&MAX_COLUMNS]).await.map_err(lost)?;
    loan.give_back();
    let mut schema = Schema::default();
    for row in &rows {
        schema.add(ColumnFacts {
            schema: row.get(0),
            table: row.get(1),
            column: Column { name: row.get(2), type_name: row.get(3) },
            is_key: row.get(4),
            is_required: row.get(5),
            is_defaulted: row.get(6),
            is_filled: row.get(7),
        });
    }
    Ok(schema)
}
