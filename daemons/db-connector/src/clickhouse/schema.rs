//! The tables and columns of a server, for the editor's completion; and whether it can be spoken to.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_model::query::{QueryLimits, QueryMode};
use bulkhead_rpc::connector::{Column, ColumnFacts, Schema};
use tokio::time::Instant;

use super::{Pool, error, request};
use crate::error::QueryError;
use crate::http::{Bounds, exchange};

/// What an answer may take.
const MAX_BYTES: u32 = 16 * 1024 * 1024;

/// Columns told at most; a server with more is browsed by SQL.
const COLUMNS: &str = "SELECT database, table, name, type FROM system.columns \
     WHERE database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema') ORDER BY database, table, position LIMIT 20000";

/// Reads the schema of what the resource's user can see.
pub(super) async fn read(pool: &Arc<Pool>) -> Result<Schema, QueryError> {
    let mut found = Schema::default();
    for row in rows(pool, COLUMNS).await? {
        let [schema, table, name, type_name]: [String; 4] =
            serde_json::from_str(&row).map_err(|_| error::other_server(http::StatusCode::OK))?;
        // Its primary keys sort rows, and do not tell them apart.
        found.add(ColumnFacts { schema, table, column: Column { name, type_name }, ..ColumnFacts::default() });
    }
    Ok(found)
}

/// Logs in and asks for nothing.
pub(super) async fn test(pool: &Arc<Pool>) -> Result<(), QueryError> {
    match rows(pool, "SELECT 1").await?.as_slice() {
        [row] if row == "[1]" => Ok(()),
        _ => Err(error::other_server(http::StatusCode::OK)),
    }
}

/// The rows of a statement of our own, each a JSON list.
async fn rows(pool: &Arc<Pool>, text: &str) -> Result<Vec<String>, QueryError> {
    let timeout_ms = QueryLimits::default().timeout_ms;
    let deadline = Instant::now() + Duration::from_millis(timeout_ms.into());
    let bounds = Bounds { deadline, timeout_ms, max_bytes: MAX_BYTES, mode: QueryMode::Read };
    let reply = exchange(pool, request::own(&pool.config, &pool.target, text)?, bounds).await?;
    if !reply.status.is_success() {
        let said = error::refusal(&reply.headers, &reply.body);
        return Err(said.map_or_else(|| error::other_server(reply.status), |said| said.into_diagnosis(&pool.target)));
    }
    let body = String::from_utf8_lossy(&reply.body);
    // Names and types come before the rows.
    Ok(body.lines().skip(2).map(str::to_owned).collect())
}
