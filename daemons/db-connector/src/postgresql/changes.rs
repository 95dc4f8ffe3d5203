//! Changes of a table that were said without SQL: what their values must be, and what an error means in their words.

use std::sync::Arc;

use bulkhead_model::change::{MAX_BULK_ROWS, TableChange};
use bulkhead_rpc::connector::{QueryRequest, Schema, Table};
use serde_json::Value;

use super::connect::Connection;
use super::{parameters, schema};
use crate::error::QueryError;
use crate::pool;

type Pool = pool::Pool<Connection>;

/// SQLSTATEs of names that are not there, and of an upsert without its index.
const NO_TABLE: [&str; 2] = ["42P01", "3F000"];
const NO_COLUMN: &str = "42703";
const NO_UNIQUE_INDEX: &str = "42P10";
const TWICE_IN_ONE_COMMAND: &str = "21000";
/// Names that a message offers.
const NEAREST: usize = 3;

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

fn check_rows(expression: &str, columns: &[String], value: &Value) -> Result<(), QueryError> {
    let wrong = |problem: String| Err(QueryError::Rows { expression: expression.to_owned(), problem });
    let Value::Array(rows) = value else { return wrong("it must be a list of objects".to_owned()) };
    if rows.len() > MAX_BULK_ROWS {
        return wrong(format!(
            "there are {}, and at most {MAX_BULK_ROWS} are written at once: write them in parts",
            rows.len()
        ));
    }
    for (index, row) in rows.iter().enumerate() {
        let Value::Object(row) = row else { return wrong(format!("row {index} (from 0) is no object")) };
        if let Some(column) = columns.iter().find(|column| !row.contains_key(*column)) {
            return wrong(format!("row {index} (from 0) has no `{column}`: give it a value, or null"));
        }
    }
    Ok(())
}

/// An error with what to do about it: what there is instead of a name that is not there.
pub(super) async fn explained(error: QueryError, change: &TableChange, pool: &Arc<Pool>) -> QueryError {
    let QueryError::Sql { message, sqlstate, position } = error else { return error };
    let told = match sqlstate.as_str() {
        code if NO_TABLE.contains(&code) || code == NO_COLUMN => {
            // Without the schema the database's own words have to do.
            schema::read(pool).await.ok().and_then(|schema| unknown_name(change, &schema))
        }
        NO_UNIQUE_INDEX => {
            Some("the conflict columns are not those of a unique index: name such columns, or add an index".into())
        }
        TWICE_IN_ONE_COMMAND => {
            Some("two of the rows are the same in the conflict columns: write each once".to_owned())
        }
        _ => None,
    };
    QueryError::Sql { message: told.unwrap_or(message), sqlstate, position }
}

/// Which name is not there, and the nearest that are.
fn unknown_name(change: &TableChange, schema: &Schema) -> Option<String> {
    let (in_schema, name) = change.table();
    let is_meant = |table: &&Table| table.name == name && in_schema.is_none_or(|schema| schema == table.schema);
    let Some(table) = schema.tables.iter().find(is_meant) else {
        let shown = in_schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"));
        let known = schema.tables.iter().map(|table| match table.schema.as_str() {
            "public" if in_schema.is_none() => table.name.clone(),
            schema => format!("{schema}.{}", table.name),
        });
        return Some(format!("there is no table `{shown}`{}", nearest(&shown, known)));
    };
    let columns = change.columns();
    let is_unknown = |wanted: &&&str| !table.columns.iter().any(|column| column.name == ***wanted);
    let wanted = columns.iter().find(is_unknown)?;
    let known = table.columns.iter().map(|column| column.name.clone());
    Some(format!("table `{}` has no column `{wanted}`{}", table.name, nearest(wanted, known)))
}

/// `: the nearest are ...`, or what to do where there is none.
fn nearest(wanted: &str, known: impl Iterator<Item = String>) -> String {
    let mut known: Vec<(usize, String)> = known.map(|name| (distance(wanted, &name), name)).collect();
    known.sort();
    known.dedup();
    let names: Vec<String> = known.into_iter().take(NEAREST).map(|(_, name)| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => ": the resource's role sees none".to_owned(),
        [name] => format!(": there is {name}"),
        names => format!(": the nearest are {}", names.join(", ")),
    }
}

/// How many letters have to change, whatever their case.
fn distance(one: &str, other: &str) -> usize {
    let letters = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<_>>();
    let (one, other) = (letters(one), letters(other));
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, wanted) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != wanted);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_come_first() {
        assert_eq!((distance("custmers", "customers"), distance("Name", "name"), distance("", "abc")), (1, 0, 3));
        let known = ["orders", "customers", "costumes", "notes"].map(str::to_owned);
        assert_eq!(nearest("custmers", known.into_iter()), ": the nearest are `customers`, `costumes`, `notes`");
        assert_eq!(nearest("x", std::iter::empty()), ": the resource's role sees none");
    }
}
