//! What must hold before a change is saved.

use super::{AtMost, ChangeError, Condition, MAX_COLUMNS, Names, Operator, TableChange};
use crate::Fault;
use crate::sql::Dialect;

/// A name that one dialect can have, all can.
const NAMES: Names = Names(Dialect::Postgresql);

/// The longest expression, in bytes.
const MAX_EXPRESSION_BYTES: usize = 64 * 1024;

pub(super) fn faults(change: &TableChange, path: &str, faults: &mut Vec<Fault>) {
    let mut fault = |key: &str, message: String| faults.push(Fault::new(format!("{path}.{key}"), message));
    let (schema, table) = change.table();
    let names = schema.map(|schema| ("schema".to_owned(), schema)).into_iter().chain([("table".to_owned(), table)]);
    for (key, name) in names {
        if let Err(error) = NAMES.quoted(name) {
            let message = if name.is_empty() { format!("is empty: name a {key}") } else { error.to_string() };
            fault(&key, message);
        }
    }
    let columns = change.columns();
    if columns.len() > MAX_COLUMNS {
        return fault("table", format!("{} columns are named; the most is {MAX_COLUMNS}", columns.len()));
    }
    match change {
        TableChange::Insert { values, .. }
        | TableChange::Update { values, .. }
        | TableChange::Upsert { values, .. } => {
            if values.is_empty() {
                fault("values", ChangeError::NoValue.to_string());
            }
            for (column, value) in values {
                let key = format!("values.{column}");
                name(column, &key, &mut fault);
                expression(value, &key, &mut fault);
            }
        }
        TableChange::BulkUpsert { rows, columns, .. } => {
            if columns.is_empty() {
                fault("columns", ChangeError::NoValue.to_string());
            }
            list(columns, "columns", &mut fault);
            expression(rows, "rows", &mut fault);
        }
        TableChange::Delete { .. } => {}
    }
    if let TableChange::Update { conditions, at_most, .. } | TableChange::Delete { conditions, at_most, .. } = change {
        if conditions.is_empty() {
            fault("where", ChangeError::NoCondition.to_string());
        }
        for (index, condition) in conditions.iter().enumerate() {
            condition_faults(condition, &format!("where.{index}"), &mut fault);
        }
        if *at_most == AtMost::Rows(0) {
            fault("at-most", "must be at least 1, or `any`".to_owned());
        }
    }
    if let TableChange::Upsert { conflict, .. } | TableChange::BulkUpsert { conflict, .. } = change {
        if conflict.is_empty() {
            fault("conflict", ChangeError::NoConflict.to_string());
        }
        list(conflict, "conflict", &mut fault);
        let given: Vec<&str> = columns[..columns.len() - conflict.len()].to_vec();
        for column in conflict.iter().filter(|column| !given.contains(&column.as_str())) {
            fault("conflict", ChangeError::ConflictWithoutValue(column.clone()).to_string());
        }
    }
}

fn condition_faults(condition: &Condition, key: &str, fault: &mut impl FnMut(&str, String)) {
    name(&condition.column, &format!("{key}.column"), fault);
    let is_given = !condition.value.trim().is_empty();
    match condition.operator {
        Operator::IsNull if is_given => {
            fault(&format!("{key}.value"), "`is-null` compares with nothing: remove it".to_owned())
        }
        Operator::IsNull => {}
        _ => expression(&condition.value, &format!("{key}.value"), fault),
    }
}

fn list(columns: &[String], key: &str, fault: &mut impl FnMut(&str, String)) {
    for (index, column) in columns.iter().enumerate() {
        name(column, &format!("{key}.{index}"), fault);
        if columns[..index].contains(column) {
            fault(&format!("{key}.{index}"), format!("`{column}` is there twice"));
        }
    }
}

fn name(column: &str, key: &str, fault: &mut impl FnMut(&str, String)) {
    if let Err(error) = NAMES.quoted(column) {
        fault(key, if column.is_empty() { "is empty: name a column".to_owned() } else { error.to_string() });
    }
}

fn expression(source: &str, key: &str, fault: &mut impl FnMut(&str, String)) {
    if source.trim().is_empty() {
        fault(key, "is empty: write a JavaScript expression, such as null".to_owned());
    } else if source.len() > MAX_EXPRESSION_BYTES {
        fault(key, format!("is longer than {MAX_EXPRESSION_BYTES} bytes"));
    } else if source.trim().starts_with("{{") {
        fault(key, "is an expression altogether: write it without {{ }}".to_owned());
    }
}
