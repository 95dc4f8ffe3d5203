//! Rows of a file on their way into a table: they wait in a schema of their own until all are there.
//!
//! What waits is kept in a table without a log, which is empty after a crash: an import counts its rows, so that a part of a file is never
//! taken for the whole. What nobody imported within a day is dropped when the next import begins.

use std::sync::Arc;

use bulkhead_model::query::QueryMode;
use bulkhead_model::tables::STAGING;
use bulkhead_model::tables::sheet::Guess;
use bulkhead_rpc::tables::{
    Cell, ImportBegun, ImportColumn, ImportLook, ImportName, ImportPiece, ImportRow, MAX_IMPORT_ROWS, MAX_PIECE_ROWS,
};
use uuid::Uuid;

use super::{IMPORT_MS, Pool, USUAL_MS, Work};
use crate::error::QueryError;

/// Columns of a file.
const MAX_COLUMNS: usize = 200;
/// Imports that wait at the same time.
const MAX_IMPORTS: i64 = 50;
/// Rows that are read at a time.
pub(super) const BATCH: i64 = 2000;
/// Rows that are shown of a file.
const SAMPLE: usize = 50;

/// The table in which the rows of an import wait.
pub(super) fn waiting(id: Uuid) -> String {
    format!("{STAGING}.i_{}", id.simple())
}

pub(super) async fn begin(pool: &Arc<Pool>, owner: &str, columns: &[String]) -> Result<ImportBegun, QueryError> {
    if columns.is_empty() || columns.len() > MAX_COLUMNS {
        return Err(QueryError::Import(format!(
            "a file has 1 to {MAX_COLUMNS} columns, and this has {}",
            columns.len()
        )));
    }
    let work = Work::begin(pool, QueryMode::Write, USUAL_MS).await?;
    // One at a time makes the schema, and drops what is old.
    work.execute(&format!(
        "SELECT pg_advisory_xact_lock(hashtext('{STAGING}')); CREATE SCHEMA IF NOT EXISTS {STAGING}; \
         CREATE TABLE IF NOT EXISTS {STAGING}.imports (id uuid PRIMARY KEY, owner text NOT NULL, columns text[] NOT NULL, \
         begun_at timestamptz NOT NULL DEFAULT now())"
    ))
    .await?;
    let old = format!("DELETE FROM {STAGING}.imports WHERE begun_at < now() - interval '1 day' RETURNING id");
    for row in work.wait(work.client().query(&old, &[])).await? {
        work.execute(&format!("DROP TABLE IF EXISTS {}", waiting(row.get(0)))).await?;
    }
    let count = format!("SELECT count(*) FROM {STAGING}.imports");
    if work.wait(work.client().query_one(&count, &[])).await?.get::<_, i64>(0) >= MAX_IMPORTS {
        return Err(QueryError::Import(format!("{MAX_IMPORTS} imports wait already: finish or leave some of them")));
    }
    let id = Uuid::now_v7();
    let add = format!("INSERT INTO {STAGING}.imports (id, owner, columns) VALUES ($1, $2, $3)");
    work.wait(work.client().execute(&add, &[&id, &owner, &columns])).await?;
    let table = waiting(id);
    work.execute(&format!("CREATE UNLOGGED TABLE {table} (line bigint PRIMARY KEY, cells text NOT NULL)")).await?;
    work.commit().await?;
    Ok(ImportBegun { import: id })
}

/// The columns of an import, which is nobody else's. Whoever is here with it has it alone until the end of the transaction.
pub(super) async fn columns(work: &Work, import: &ImportName) -> Result<Vec<String>, QueryError> {
    let exists = "SELECT to_regclass($1) IS NOT NULL";
    let imports = format!("{STAGING}.imports");
    if !work.wait(work.client().query_one(exists, &[&imports])).await?.get::<_, bool>(0) {
        return Err(QueryError::NoImport);
    }
    let lock = if work.mode == QueryMode::Write { " FOR UPDATE" } else { "" };
    let sql = format!("SELECT columns FROM {imports} WHERE id = $1 AND owner = $2{lock}");
    let row = work.wait(work.client().query_opt(&sql, &[&import.id, &import.owner])).await?;
    row.map(|row| row.get(0)).ok_or(QueryError::NoImport)
}

pub(super) async fn add(pool: &Arc<Pool>, import: &ImportName, piece: &ImportPiece) -> Result<(), QueryError> {
    if piece.rows.len() > MAX_PIECE_ROWS {
        return Err(QueryError::Import(format!("a piece has {MAX_PIECE_ROWS} rows at most")));
    }
    let work = Work::begin(pool, QueryMode::Write, USUAL_MS).await?;
    columns(&work, import).await?;
    let lines: Vec<i64> = piece.rows.iter().map(|row| row.line).collect();
    let cells: Vec<String> = piece.rows.iter().map(|row| serde_json::json!(row.cells).to_string()).collect();
    // A piece whose answer was lost is sent again.
    let sql = format!(
        "INSERT INTO {} (line, cells) SELECT * FROM unnest($1::bigint[], $2::text[]) AS piece (line, cells) \
         ON CONFLICT (line) DO NOTHING",
        waiting(import.id)
    );
    work.wait(work.client().execute(&sql, &[&lines, &cells])).await?;
    work.commit().await
}

/// The rows behind a line, so many at most.
pub(super) async fn rows_behind(work: &Work, id: Uuid, line: i64, most: i64) -> Result<Vec<ImportRow>, QueryError> {
    let sql = format!("SELECT line, cells FROM {} WHERE line > $1 ORDER BY line LIMIT $2", waiting(id));
    let rows = work.wait(work.client().query(&sql, &[&line, &most])).await?;
    let read = |row: &tokio_postgres::Row| {
        let cells: Vec<Cell> =
            serde_json::from_str(row.get(1)).map_err(|error| QueryError::Import(error.to_string()))?;
        Ok(ImportRow { line: row.get(0), cells })
    };
    rows.iter().map(read).collect()
}

/// How many rows wait.
pub(super) async fn count(work: &Work, id: Uuid) -> Result<u64, QueryError> {
    let sql = format!("SELECT count(*) FROM {}", waiting(id));
    let count: i64 = work.wait(work.client().query_one(&sql, &[])).await?.get(0);
    Ok(count.unsigned_abs())
}

pub(super) async fn look(pool: &Arc<Pool>, import: &ImportName) -> Result<ImportLook, QueryError> {
    let work = Work::begin(pool, QueryMode::Read, IMPORT_MS).await?;
    let names = columns(&work, import).await?;
    let (mut guesses, mut sample, mut rows, mut line) = (vec![Guess::default(); names.len()], Vec::new(), 0, i64::MIN);
    loop {
        let batch = rows_behind(&work, import.id, line, BATCH).await?;
        let Some(last) = batch.last() else { break };
        line = last.line;
        rows += batch.len() as u64;
        // A row with other columns than the file says nothing of them.
        for row in batch.iter().filter(|row| row.cells.len() == names.len()) {
            guesses.iter_mut().zip(&row.cells).for_each(|(guess, cell)| guess.see(cell.as_deref()));
        }
        let room = SAMPLE - sample.len();
        sample.extend(batch.into_iter().take(room));
    }
    if rows > MAX_IMPORT_ROWS {
        return Err(QueryError::Import(format!(
            "the file has {rows} rows, and the most is {MAX_IMPORT_ROWS}: split it, or load it with psql"
        )));
    }
    work.undo().await?;
    let columns = names.into_iter().zip(guesses);
    let columns = columns.map(|(name, guess)| ImportColumn { name, kind: guess.kind(), empty: guess.empty });
    Ok(ImportLook { rows, columns: columns.collect(), sample })
}

pub(super) async fn forget(pool: &Arc<Pool>, import: &ImportName) -> Result<(), QueryError> {
    let work = Work::begin(pool, QueryMode::Write, USUAL_MS).await?;
    columns(&work, import).await?;
    drop_rows(&work, import.id).await?;
    work.commit().await
}

/// Forgets the rows of an import, with the transaction.
pub(super) async fn drop_rows(work: &Work, id: Uuid) -> Result<(), QueryError> {
    let sql = format!("DELETE FROM {STAGING}.imports WHERE id = $1");
    work.wait(work.client().execute(&sql, &[&id])).await?;
    work.execute(&format!("DROP TABLE {}", waiting(id))).await
}
