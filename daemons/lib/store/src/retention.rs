//! Runs that their workflows do not keep any longer.
//!
//! One that goes on is never deleted, nor one that has started another that goes on, at any remove, nor one whose starter goes on. What
//! goes, goes with its blocks, logs and answers, and with the runs that it has started; the audit trail stays.

use crate::{Database, StoreError};

/// Runs that have ended and stay: one that descends from them goes on, or the one that started them does, and may not have taken their
/// result yet.
const IS_NEEDED: &str = "(EXISTS (WITH RECURSIVE below AS (
            SELECT c.id, c.finished_at FROM runs c WHERE c.parent_run = r.id
            UNION ALL SELECT c.id, c.finished_at FROM runs c JOIN below b ON c.parent_run = b.id)
        SELECT FROM below WHERE finished_at IS NULL)
    OR EXISTS (SELECT FROM runs p JOIN runs c ON c.parent_run = p.id WHERE c.id = r.id AND p.finished_at IS NULL))";
/// What a row takes beside its values: its header, its key, its place in indexes.
const ROW_BYTES: &str = "200";

impl Database {
    /// Deletes runs that are too old, or more than are kept, at most `limit`; gives how many.
    pub async fn delete_old_runs(&self, limit: i64) -> Result<u64, StoreError> {
        let operation = "delete old runs";
        let client = self.client(operation).await?;
        let sql = format!(
            "DELETE FROM runs WHERE id IN (
            SELECT r.id FROM workflow_settings s CROSS JOIN LATERAL (
                SELECT r.id FROM runs r WHERE r.workflow_id = s.workflow_id AND r.finished_at IS NOT NULL
                  AND (r.finished_at < now() - make_interval(days => s.keep_days)
                       OR s.keep_runs IS NOT NULL AND r.id < (SELECT k.id FROM runs k WHERE k.workflow_id = s.workflow_id ORDER BY k.id DESC OFFSET s.keep_runs - 1 LIMIT 1))
                  AND NOT {IS_NEEDED}
                ORDER BY r.id LIMIT $1) r
            WHERE s.keep_days IS NOT NULL OR s.keep_runs IS NOT NULL LIMIT $1)"
        );
        client.execute(&sql, &[&limit]).await.map_err(StoreError::of(operation))
    }

    /// Measures what runs take that have ended, where their workflow limits that, at most `limit`; gives how many. A value counts as it is
    /// stored, that is compressed, and is not read for that.
    pub async fn measure_runs(&self, limit: i64) -> Result<u64, StoreError> {
        let operation = "measure runs";
        let client = self.client(operation).await?;
        let size = |columns: &[&str]| {
            let sizes = columns.iter().map(|column| format!("coalesce(pg_column_size({column}), 0)"));
            sizes.chain([ROW_BYTES.to_owned()]).collect::<Vec<_>>().join(" + ")
        };
        let sum = |table: &str, columns: &[&str]| {
            format!("coalesce((SELECT sum({}) FROM {table} x WHERE x.run_id = r.id), 0)", size(columns))
        };
        let run = size(&["r.trigger", "r.error", "r.response", "r.result_json", "r.result_packed"]);
        let blocks =
            sum("block_runs", &["x.input_json", "x.input_packed", "x.result_json", "x.result_packed", "x.error"]);
        let calls = sum("block_calls", &["x.result_json", "x.result_packed", "x.error"]);
        let logs = sum("block_logs", &["x.text"]);
        let variables = sum("run_variables", &["x.value"]);
        let sql = format!(
            "INSERT INTO run_sizes (run_id, workflow_id, bytes)
            SELECT r.id, r.workflow_id, ({run} + {blocks} + {calls} + {logs} + {variables})::bigint FROM runs r WHERE r.id IN (
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
        let operation = "delete runs that take too much";
        let client = self.client(operation).await?;
        let sql = format!(
            "DELETE FROM runs WHERE id IN (
                SELECT r.id FROM workflow_settings s CROSS JOIN LATERAL (
                    SELECT z.run_id AS id, sum(z.bytes) OVER newest AS total, row_number() OVER newest AS place
                    FROM run_sizes z WHERE z.workflow_id = s.workflow_id WINDOW newest AS (ORDER BY z.run_id DESC)) r
                WHERE s.keep_mb IS NOT NULL AND r.total > s.keep_mb::bigint * 1000000 AND r.place > 1 AND NOT {IS_NEEDED}
                ORDER BY r.id LIMIT $1)"
        );
        client.execute(&sql, &[&limit]).await.map_err(StoreError::of(operation))
    }
}
