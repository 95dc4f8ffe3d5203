//! A page of the rows of a table.

use std::sync::Arc;

use bulkhead_model::query::QueryMode;
use bulkhead_model::tables::quoted;
use bulkhead_rpc::tables::{
    Cell, CellPlace, MAX_CELL_CHARS, MAX_PAGE_ROWS, RowPage, RowsAsk, TableDefinition, condition, ordered,
};
use tokio_postgres::types::ToSql;

use super::super::parameters::Parameter;
use super::{Pool, USUAL_MS, Work, define};
use crate::error::QueryError;

/// The most that a page holds, in bytes.
const MAX_PAGE_BYTES: usize = 16 * 1024 * 1024;

pub(super) async fn page(pool: &Arc<Pool>, ask: &RowsAsk) -> Result<RowPage, QueryError> {
    let work = Work::begin(pool, QueryMode::Read, USUAL_MS).await?;
    let table = define::one(&work, &ask.table).await?;
    define::require_columns(&table, ask.filters.iter().map(|filter| &filter.column))?;
    define::require_columns(&table, ask.sort.iter().map(|sort| &sort.column))?;
    let name = ask.table.quoted()?;
    let (condition, values) = condition(&ask.filters, |at| format!("${}", at + 1))?;
    let values = values.into_iter().map(|value| Parameter::text(Some(value))).collect::<Result<Vec<_>, _>>()?;
    let order = order(&table, ask)?;
    let limit = ask.limit.min(MAX_PAGE_ROWS);
    let cells = cells(&table)?;
    let sql = format!("SELECT {cells} FROM {name}{condition}{order} LIMIT {limit} OFFSET {}", ask.offset);
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
    let found = work.wait(work.client().query(&sql, &values)).await?;
    let total = match ask.count {
        true => {
            let sql = format!("SELECT count(*) FROM {name}{condition}");
            Some(work.wait(work.client().query_one(&sql, &values)).await?.get(0))
        }
        false => None,
    };
    let (mut rows, mut cut, mut bytes) = (Vec::with_capacity(found.len()), Vec::new(), 0);
    for (at, row) in found.iter().enumerate() {
        let mut cells: Vec<Cell> = row.get(0);
        for (place, cell) in cells.iter_mut().enumerate() {
            let Some(text) = cell else { continue };
            bytes += text.len();
            if let Some((end, _)) = text.char_indices().nth(MAX_CELL_CHARS) {
                text.truncate(end);
                cut.push(CellPlace { row: at, column: place });
            }
        }
        rows.push(cells);
        if bytes > MAX_PAGE_BYTES {
            return Err(QueryError::TooLarge(u32::try_from(MAX_PAGE_BYTES).unwrap_or(u32::MAX)));
        }
    }
    work.undo().await?;
    Ok(RowPage { table, rows, cut, total })
}

/// All cells of a row as one list of texts; of each, one character more than is shown at most.
fn cells(table: &TableDefinition) -> Result<String, QueryError> {
    let cell = |name: &String| Ok(format!("left({}::text, {MAX_CELL_CHARS} + 1)", quoted(name)?));
    let cells = table.columns.iter().map(|column| cell(&column.name)).collect::<Result<Vec<_>, QueryError>>()?;
    Ok(format!("ARRAY[{}]::text[]", cells.join(", ")))
}

/// The order that was asked for, and behind it the key: a page must not depend on chance.
fn order(table: &TableDefinition, ask: &RowsAsk) -> Result<String, QueryError> {
    let mut by = ordered(&ask.sort)?;
    for key in table.key.iter().filter(|key| ask.sort.iter().all(|sort| sort.column != **key)) {
        by.push(quoted(key)?);
    }
    if table.key.is_empty() && !table.is_view {
        by.push("ctid".to_owned());
    }
    Ok(if by.is_empty() { String::new() } else { format!(" ORDER BY {}", by.join(", ")) })
}
