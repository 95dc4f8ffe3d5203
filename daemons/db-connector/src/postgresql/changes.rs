//! Changes of a table that were said without SQL: what their values must be, and what an error means in their words.

use std::sync::Arc;

use bulkhead_model::change::TableChange;
use bulkhead_rpc::connector::QueryRequest;
use serde_json::Value;

use super::connect::Connection;
use super::{parameters, schema};
use crate::change::{NO_UNIQUE_INDEX, TWICE, check_rows, unknown_name};
use crate::error::QueryError;
use crate::pool;

type Pool = pool::Pool<Connection>;

/// SQLSTATEs of names that are not there, and of an upsert without its index.
const NO_TABLE: [&str; 2] = ["42P01", "3F000"];
const NO_COLUMN: &str = "42703";
const NO_INDEX: &str = "42P10";
const TWICE_IN_ONE_COMMAND: &str = "21000";
/// The schema of tables whose schema nobody says.
const HOME: &str = "public";

/// Makes the rows of a bulk upsert what PostgreSQL reads: objects of the columns that are written and no others, bytes in its own form.
/// Rows that would be written with nulls or not at all are refused: it fills in null for what an object does not have.
pub(super) async fn prepare_rows(pool: &Arc<Pool>, request: &mut QueryRequest) -> Result<(), QueryError> {
    let Some(change @ TableChange::BulkUpsert { rows: expression, columns, .. }) = &request.change else {
        return Ok(());
    };
    let expression = expression.trim();
    // One that is missing is told of with all other parameters.
    let Some(value) = request.parameters.get_mut(expression) else { return Ok(()) };
    check_rows(expression, columns, value)?;
    let of_bytes = columns_of_bytes(pool, change).await?;
    for row in value.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        row.retain(|key, _| columns.contains(key));
        for column in &of_bytes {
            if let Some(Value::String(text)) = row.get_mut(column) {
                *text = parameters::bytes(expression, text)?;
            }
        }
    }
    Ok(())
}

/// The columns of a change that hold bytes.
async fn columns_of_bytes(pool: &Arc<Pool>, change: &TableChange) -> Result<Vec<String>, QueryError> {
    let (schema, name) = change.table();
    let sql = "SELECT attname FROM pg_attribute WHERE atttypid = 'bytea'::regtype AND attname = ANY($3) AND attrelid = to_regclass(
            coalesce(quote_ident($1::text) || '.', '') || quote_ident($2::text))";
    let loan = pool.borrow().await?;
    let lost = |_| QueryError::Lost(pool.target.name.clone());
    let rows = loan.connection.client.query(sql, &[&schema, &name, &change.columns()]).await.map_err(lost)?;
    loan.give_back();
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// An error with what to do about it: what there is instead of a name that is not there.
pub(super) async fn explained(error: QueryError, change: &TableChange, pool: &Arc<Pool>) -> QueryError {
    let QueryError::Sql { message, sqlstate, position } = error else { return error };
    let told = match sqlstate.as_str() {
        code if NO_TABLE.contains(&code) || code == NO_COLUMN => {
            // Without the schema the database's own words have to do.
            schema::read(pool).await.ok().and_then(|schema| unknown_name(change, &schema, HOME))
        }
        NO_INDEX => Some(NO_UNIQUE_INDEX.to_owned()),
        TWICE_IN_ONE_COMMAND => Some(TWICE.to_owned()),
        _ => None,
    };
    QueryError::Sql { message: told.unwrap_or(message), sqlstate, position }
}
