//! Runs that their workflows do not keep any longer.
//!
//! One that goes on is never deleted, nor one that has started another that goes on, at any remove, nor one whose starter goes on. What
//! goes, goes with its blocks, logs and answers, and with the runs that it has started; the audit trail stays.

use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::{Database, StoreError};

/// Runs that have ended and stay: one that descends from them goes on, or the one that started them does, and may not have taken their
/// result yet.
const IS_NEEDED: &str = "(EXISTS (WITH RECURSIVE below AS (
            SELECT c.id, c.finished_at FROM runs c WHERE c.parent_run = r.id
            UNION ALL SELECT c.id, c.finished_at FROM runs c JOIN below b ON c.parent_run = b.id)
        SELECT FROM below WHERE finished_at IS NULL)
    OR EXISTS (SELECT FROM runs p JOIN runs c ON c.parent_run = p.id WHERE c.id = r.id AND p.finished_at IS NULL))";
/// What one statement deletes: so many rows, or so many bytes of values and a row. Either takes it a second at most.
const ROWS_AT_ONCE: i64 = 5_000;
const BYTES_AT_ONCE: i64 = 32_000_000;
/// What runs have left behind, by its size: tables, and their columns that may be large.
const PARTS: [(&str, &[&str]); 3] = [
    ("block_logs", &["text"]),
    ("block_calls", &["result_json", "result_packed", "error"]),
    ("block_runs", &["input_json", "input_packed", "result_json", "result_packed", "error"]),
];
const RUN: &[&str] = &["trigger", "error", "response", "result_json", "result_packed"];
/// What a row takes beside its values: its header, its key, its place in indexes.
const ROW_BYTES: &str = "200";

impl Database {
    /// Deletes runs that are too old, or more than are kept, at most `limit` and those that they have started; gives how many.
    pub async fn delete_old_runs(&self, limit: i64) -> Result<u64, StoreError> {
        let sql = format!(
            "SELECT r.id FROM workflow_settings s CROSS JOIN LATERAL (
                SELECT r.id FROM runs r WHERE r.workflow_id = s.workflow_id AND r.finished_at IS NOT NULL
                  AND (r.finished_at < now() - make_interval(days => s.keep_days)
                       OR s.keep_runs IS NOT NULL AND r.id < (SELECT k.id FROM runs k WHERE k.workflow_id = s.workflow_id ORDER BY k.id DESC OFFSET s.keep_runs - 1 LIMIT 1))
                  AND NOT {IS_NEEDED}
                ORDER BY r.id LIMIT $1) r
            WHERE s.keep_days IS NOT NULL OR s.keep_runs IS NOT NULL LIMIT $1"
        );
        self.delete_families("delete old runs", &sql, limit).await
    }

    /// Deletes the runs that a statement names, and those that they have started, in statements of a bounded size each: the largest part
    /// first. One that is interrupted goes on where it was, since the run itself goes last.
    async fn delete_families(&self, operation: &'static str, sql: &str, limit: i64) -> Result<u64, StoreError> {
        let client = self.client(operation).await?;
        let sql = format!(
            "WITH RECURSIVE family AS (
                SELECT id FROM ({sql}) oldest UNION SELECT r.id FROM runs r JOIN family f ON r.parent_run = f.id)
            SELECT id FROM family"
        );
        let rows = client.query(&sql, &[&limit]).await.map_err(StoreError::of(operation))?;
        let runs: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
        if runs.is_empty() {
            return Ok(0);
        }
        let parts = PARTS.into_iter().map(|(table, columns)| (table, "run_id", columns));
        let mut deleted = 0;
        for (table, key, columns) in parts.chain([("runs", "id", RUN)]) {
            let sql = format!(
                "DELETE FROM {table} WHERE ctid = ANY (ARRAY(
                    SELECT place FROM (
                        SELECT place, size, sum(size) OVER (ORDER BY place) AS total FROM (
                            SELECT ctid AS place, {} AS size FROM {table} x WHERE {key} = ANY ($1) LIMIT $2) few) summed
                    WHERE total - size < $3))",
                size("x", columns)
            );
            let statement = client.prepare_cached(&sql).await.map_err(StoreError::of(operation))?;
            loop {
                let values: [&(dyn ToSql + Sync); 3] = [&runs, &ROWS_AT_ONCE, &BYTES_AT_ONCE];
                match client.execute(&statement, &values).await.map_err(StoreError::of(operation))? {
                    0 => break,
                    count => deleted = if key == "id" { deleted + count } else { 0 },
                }
            }
        }
        Ok(deleted)
    }

    /// Measures what runs take that have ended, where their workflow limits that, at most `limit`; gives how many. A value counts as it is
    /// stored, that is compressed, and is not read for that.
    pub async fn measure_runs(&self, limit: i64) -> Result<u64, StoreError> {
        let operation = "measure runs";
        let client = self.client(operation).await?;
        let sum = |table: &str, columns: &[&str]| {
            format!("coalesce((SELECT sum({}) FROM {table} x WHERE x.run_id = r.id), 0)", size("x", columns))
        };
        let run = size("r", RUN);
        let parts = PARTS.map(|(table, columns)| sum(table, columns)).join(" + ");
        let variables = sum("run_variables", &["value"]);
        let sql = format!(
            "INSERT INTO run_sizes (run_id, workflow_id, bytes)
            SELECT r.id, r.workflow_id, ({run} + {parts} + {variables})::bigint FROM runs r WHERE r.id IN (
                SELECT r.id FROM workflow_settings s JOIN runs r ON r.workflow_id = s.workflow_id
                WHERE s.keep_mb IS NOT NULL AND r.finished_at IS NOT NULL
                  AND NOT EXISTS (SELECT FROM run_sizes z WHERE z.run_id = r.id) LIMIT $1)
            ON CONFLICT DO NOTHING"
        );
        client.execute(&sql, &[&limit]).await.map_err(StoreError::of(operation))
    }

    /// Deletes the oldest measured runs of workflows that take more than is kept, at most `limit`; gives how many. The newest that has
    /// ended stays, whatever it takes.
    pub async fn delete_large_runs(&self, limit: i64) -> Result<u64, StoreError> {
        let sql = format!(
            "SELECT r.id FROM workflow_settings s CROSS JOIN LATERAL (
                    SELECT z.run_id AS id, sum(z.bytes) OVER newest AS total, row_number() OVER newest AS place
                    FROM run_sizes z WHERE z.workflow_id = s.workflow_id WINDOW newest AS (ORDER BY z.run_id DESC)) r
                WHERE s.keep_mb IS NOT NULL AND r.total > s.keep_mb::bigint * 1000000 AND r.place > 1 AND NOT {IS_NEEDED}
                ORDER BY r.id LIMIT $1"
        );
        self.delete_families("delete runs that take too much", &sql, limit).await
    }
}

/// The expression for what a row of `table` takes, as it is stored: compressed, and not read for that.
fn size(table: &str, columns: &[&str]) -> String {
    let sizes = columns.iter().map(|column| format!("coalesce(pg_column_size({table}.{column}), 0)"));
    sizes.chain([ROW_BYTES.to_owned()]).collect::<Vec<_>>().join(" + ")
}
