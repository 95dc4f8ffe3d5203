//! Changes of a table that were said without SQL, in every dialect: what their rows must be, and the words for names that are not there.

use std::collections::{BTreeMap, HashSet};

use bulkhead_model::change::{MAX_BULK_ROWS, Operator, TableChange};
use bulkhead_rpc::connector::{Schema, Table};
use serde_json::Value;

use crate::error::QueryError;

/// Names that a message offers.
const NEAREST: usize = 3;
/// What an upsert is told that names other columns.
pub(crate) const NO_UNIQUE_INDEX: &str =
    "the conflict columns are not those of a unique index: name such columns, or add an index";
/// What a bulk upsert is told whose rows would write over each other.
pub(crate) const TWICE: &str = "two of the rows are the same in the conflict columns: write each once";

/// The value of an expression. One that is missing is an error, never null.
pub(crate) fn value<'a>(expression: &str, values: &'a BTreeMap<String, Value>) -> Result<&'a Value, QueryError> {
    values.get(expression).ok_or_else(|| QueryError::ParameterMissing(expression.to_owned()))
}

/// Refuses values that can be no change's, before anybody is asked.
pub(crate) fn check_values(change: &TableChange, values: &BTreeMap<String, Value>) -> Result<(), QueryError> {
    for expression in change.expressions() {
        value(expression.trim(), values)?;
    }
    let TableChange::BulkUpsert { rows, columns, conflict, .. } = change else {
        for condition in change.conditions().iter().filter(|condition| condition.operator == Operator::In) {
            let expression = condition.value.trim();
            if !value(expression, values)?.is_array() {
                let (expression, wanted) = (expression.to_owned(), "a list".to_owned());
                return Err(QueryError::ParameterType { expression, found: "no list", wanted });
            }
        }
        return Ok(());
    };
    let rows = value(rows.trim(), values)?;
    check_rows(change.expressions().first().map_or("", |rows| rows.trim()), columns, rows)?;
    // What would be written twice would be counted twice and kept once. Nothing is the same as null.
    let mut seen = HashSet::new();
    for row in rows.as_array().into_iter().flatten() {
        let key: Vec<&Value> = conflict.iter().filter_map(|column| row.get(column)).collect();
        if !key.iter().any(|value| value.is_null())
            && !seen.insert(key.iter().map(ToString::to_string).collect::<Vec<_>>())
        {
            return Err(QueryError::Sql { message: TWICE.to_owned(), sqlstate: "23000".to_owned(), position: None });
        }
    }
    Ok(())
}

/// Refuses rows that are none, too many, or would be written with nulls that nobody wrote.
pub(crate) fn check_rows(expression: &str, columns: &[String], value: &Value) -> Result<(), QueryError> {
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

/// Which name is not there, and the nearest that are. Tables in `home` are told without their schema.
pub(crate) fn unknown_name(change: &TableChange, schema: &Schema, home: &str) -> Option<String> {
    let (in_schema, name) = change.table();
    let is_meant = |table: &&Table| table.name == name && in_schema.is_none_or(|schema| schema == table.schema);
    let Some(table) = schema.tables.iter().find(is_meant) else {
        let shown = in_schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"));
        let known = schema.tables.iter().map(|table| match table.schema.as_str() {
            schema if schema == home && in_schema.is_none() => table.name.clone(),
            schema => format!("{schema}.{}", table.name),
        });
        return Some(format!("there is no table `{shown}`{}", nearest(&shown, known)));
    };
    let columns = change.columns();
    let is_unknown = |wanted: &&&str| !table.columns.iter().any(|column| column.name == ***wanted);
    let wanted = columns.iter().find(is_unknown)?;
    let known = table.columns.iter().map(|column| column.name.clone());
    Some(unknown_column(&table.name, wanted, known))
}

/// That a table has no such column, and the nearest that it has.
pub(crate) fn unknown_column(table: &str, wanted: &str, known: impl Iterator<Item = String>) -> String {
    format!("table `{table}` has no column `{wanted}`{}", nearest(wanted, known))
}

/// `: the nearest are ...`, or what to do where there is none.
pub(crate) fn nearest(wanted: &str, known: impl Iterator<Item = String>) -> String {
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
