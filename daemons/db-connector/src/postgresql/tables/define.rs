//! What tables there are, and what each is.

use bulkhead_model::tables::{STAGING, TableName};
use bulkhead_rpc::tables::TableDefinition;
use sha2::{Digest, Sha256};

use super::Work;
use crate::error::QueryError;

/// As JSON, so that one question tells all.
const DEFINITIONS: &str = "SELECT json_build_object(
    'schema', n.nspname, 'name', c.relname, 'is_view', c.relkind IN ('v', 'm'),
    'rows', CASE WHEN c.relkind IN ('r', 'm') AND c.reltuples >= 0 THEN c.reltuples::bigint END,
    'columns', (SELECT coalesce(json_agg(json_build_object(
            'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'is_required', a.attnotnull,
            'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
            'is_computed', a.attidentity = 'a' OR a.attgenerated <> '',
            'is_numbered', a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false)
        ) ORDER BY a.attnum), '[]')
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    'key', coalesce((SELECT json_agg(a.attname ORDER BY array_position(k.conkey, a.attnum)) FROM pg_constraint k
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
        WHERE k.conrelid = c.oid AND k.contype = 'p'), '[]'),
    'uniques', coalesce((SELECT json_agg(json_build_object('name', k.conname, 'columns',
            (SELECT json_agg(a.attname ORDER BY array_position(k.conkey, a.attnum)) FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey))) ORDER BY k.conname)
        FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'u'), '[]'),
    'foreign_keys', coalesce((SELECT json_agg(json_build_object('name', k.conname, 'schema', m.nspname, 'table', o.relname,
            'columns', (SELECT json_agg(a.attname ORDER BY array_position(k.conkey, a.attnum)) FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey)),
            'to_columns', (SELECT json_agg(a.attname ORDER BY array_position(k.confkey, a.attnum)) FROM pg_attribute a
                WHERE a.attrelid = o.oid AND a.attnum = ANY (k.confkey))) ORDER BY k.conname)
        FROM pg_constraint k JOIN pg_class o ON o.oid = k.confrelid JOIN pg_namespace m ON m.oid = o.relnamespace
        WHERE k.conrelid = c.oid AND k.contype = 'f'), '[]')
    )::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', $1) AND n.nspname NOT LIKE 'pg\\_%'
      AND ($2::text IS NULL OR n.nspname = $2) AND ($3::text IS NULL OR c.relname = $3)
      AND has_table_privilege(c.oid, 'SELECT')
    ORDER BY n.nspname <> 'public', n.nspname, c.relname LIMIT 2000";

/// All tables.
pub(super) async fn all(work: &Work) -> Result<Vec<TableDefinition>, QueryError> {
    read(work, None).await
}

/// A table.
pub(super) async fn one(work: &Work, table: &TableName) -> Result<TableDefinition, QueryError> {
    find(work, table).await?.ok_or_else(|| QueryError::NoTable(table.to_string()))
}

/// A table, if it is there.
pub(super) async fn find(work: &Work, table: &TableName) -> Result<Option<TableDefinition>, QueryError> {
    Ok(read(work, Some(table)).await?.into_iter().next())
}

async fn read(work: &Work, table: Option<&TableName>) -> Result<Vec<TableDefinition>, QueryError> {
    let (schema, name) = (table.map(|table| &table.schema), table.map(|table| &table.name));
    let rows = work.wait(work.client().query(DEFINITIONS, &[&STAGING, &schema, &name])).await?;
    let read = |row: &tokio_postgres::Row| serde_json::from_str(row.get(0));
    rows.iter().map(|row| read(row).map_err(|error| QueryError::Table(error.to_string()))).collect()
}

/// A mark that changes with the table, not with its rows.
pub(super) fn state(definition: Option<&TableDefinition>) -> String {
    let plain = definition.map(|definition| TableDefinition { rows: None, ..definition.clone() });
    hex::encode(Sha256::digest(serde_json::to_vec(&plain).unwrap_or_default()))
}

/// Refuses columns that the table does not have.
pub(super) fn require_columns<'a>(
    definition: &TableDefinition,
    columns: impl IntoIterator<Item = &'a String>,
) -> Result<(), QueryError> {
    let missing = columns.into_iter().find(|name| definition.columns.iter().all(|column| column.name != **name));
    match missing {
        None => Ok(()),
        Some(column) => Err(QueryError::NoColumn { table: definition.name.clone(), column: column.clone() }),
    }
}
