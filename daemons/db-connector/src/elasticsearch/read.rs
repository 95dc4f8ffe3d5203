//! Answers of Elasticsearch as rows.

use bulkhead_model::operation::ElasticsearchRequest;
use bulkhead_rpc::connector::{Column, Schema, Table};
use serde_json::{Map, Value, json};

use crate::answer::Summary;
use crate::error::QueryError;
use crate::http::{Answered, content};

/// How deep a mapping's objects are told.
const MAX_DEPTH: usize = 8;

/// What a hit has beside its source, and what it is called in a row.
const BESIDE_SOURCE: [(&str, &str); 3] = [("sort", "_sort"), ("highlight", "_highlight"), ("fields", "_fields")];

/// The result of a request.
pub(super) fn result(
    request: &ElasticsearchRequest,
    mut told: Value,
    answered: &Answered,
) -> Result<(Value, Summary), QueryError> {
    use ElasticsearchRequest as Request;
    let meta = |told: Value| Summary { meta: Some(told), ..Summary::default() };
    match request {
        Request::Get { .. } if told["found"] == json!(false) => return Ok((Value::Null, Summary::default())),
        Request::Delete { .. } if told["result"] == json!("not_found") => {
            return Ok((written(&told), Summary { affected: Some(0), ..Summary::default() }));
        }
        _ => refuse_errors(&told, answered)?,
    }
    Ok(match request {
        Request::Search { .. } => {
            let hits = told["hits"]["hits"].take();
            let total = told["hits"]["total"].take();
            let Value::Array(hits) = hits else { return Err(other(answered)) };
            let mut beside = json!({ "total": total.get("value").unwrap_or(&total), "took": told["took"] });
            if let Some(relation) = total.get("relation") {
                beside["total-relation"] = relation.clone();
            }
            for key in ["aggregations", "suggest", "timed_out"] {
                if let Some(value) = told.get_mut(key) {
                    beside[key] = value.take();
                }
            }
            (Value::Array(hits.into_iter().map(row).collect()), meta(beside))
        }
        Request::Count { .. } => (told["count"].take(), Summary::default()),
        Request::Get { .. } => (row(told), Summary::default()),
        Request::Index { .. } | Request::Update { .. } | Request::Delete { .. } => {
            let affected = if told["result"] == json!("noop") { 0 } else { 1 };
            (written(&told), Summary { affected: Some(affected), ..Summary::default() })
        }
        Request::Bulk { .. } => {
            let Value::Array(items) = told["items"].take() else { return Err(other(answered)) };
            refuse_items(&items)?;
            let affected = Some(items.len() as u64);
            let items = items.iter().filter_map(|item| item.as_object()?.values().next()).map(written).collect();
            (Value::Array(items), Summary { affected, ..meta(json!({ "took": told["took"] })) })
        }
    })
}

/// Refuses an answer that is an error, in the server's words.
pub(super) fn refuse_errors(told: &Value, answered: &Answered) -> Result<(), QueryError> {
    let status = answered.reply.status;
    if status.as_u16() < 400 {
        return Ok(());
    }
    match told.get("error") {
        Some(error) => {
            let message = content::redacted(said(error), &answered.secrets);
            Err(QueryError::Sql { message, sqlstate: status.as_str().to_owned(), position: None })
        }
        None => Err(content::refusal(&answered.reply, &answered.secrets)),
    }
}

/// Refuses a bulk of which documents were refused. The others are written: there is no transaction.
fn refuse_items(items: &[Value]) -> Result<(), QueryError> {
    let outcomes = items.iter().filter_map(|item| item.as_object()?.values().next());
    let refused: Vec<(usize, &Value)> = outcomes
        .enumerate()
        .filter(|(_, outcome)| outcome["status"].as_u64().is_some_and(|status| status >= 400))
        .collect();
    let Some((first, outcome)) = refused.first() else { return Ok(()) };
    let why = match outcome.get("error") {
        Some(error) => said(error),
        None => outcome["result"].as_str().unwrap_or("no reason was told").to_owned(),
    };
    let message = format!(
        "{} of {} documents were refused, and the others are written: row {first} (from 0), {why}",
        refused.len(),
        items.len()
    );
    Err(QueryError::Sql { message, sqlstate: outcome["status"].to_string(), position: None })
}

/// An error's type and reason; of a search, those of its innermost cause, which names the fault.
fn said(error: &Value) -> String {
    if let Some(text) = error.as_str() {
        return text.to_owned();
    }
    let root = error["root_cause"].get(0).unwrap_or(error);
    let (kind, reason) =
        (root["type"].as_str().unwrap_or("error"), root["reason"].as_str().unwrap_or("no reason was told"));
    format!("{kind}: {reason}")
}

fn other(answered: &Answered) -> QueryError {
    let message = "the answer is none of Elasticsearch: look at the URL".to_owned();
    QueryError::Sql { message, sqlstate: answered.reply.status.as_str().to_owned(), position: None }
}

/// A hit as a row: what it is, then its source's fields.
fn row(mut hit: Value) -> Value {
    let mut row = Map::new();
    for key in ["_id", "_index", "_score"] {
        if let Some(value) = hit.get_mut(key) {
            row.insert(key.to_owned(), value.take());
        }
    }
    for (key, name) in BESIDE_SOURCE {
        if let Some(value) = hit.get_mut(key) {
            row.insert(name.to_owned(), value.take());
        }
    }
    if let Some(Value::Object(source)) = hit.get_mut("_source").map(Value::take) {
        for (key, value) in source {
            row.entry(key).or_insert(value);
        }
    }
    Value::Object(row)
}

/// What is told of a document that was written.
fn written(outcome: &Value) -> Value {
    let told = ["_id", "_index", "_version", "result"].into_iter();
    Value::Object(told.filter_map(|key| Some((key.to_owned(), outcome.get(key)?.clone()))).collect())
}

/// Each index as a table, its fields with dots between.
pub(super) fn schema(mappings: &Value) -> Schema {
    let table = |(name, index): (&String, &Value)| {
        let mut columns = Vec::new();
        fields(&index["mappings"], "", MAX_DEPTH, &mut columns);
        Table { name: name.clone(), columns, ..Table::default() }
    };
    // What begins with a dot is the cluster's own.
    let indices = mappings.as_object().into_iter().flatten().filter(|(name, _)| !name.starts_with('.'));
    Schema { tables: indices.map(table).collect() }
}

fn fields(of: &Value, prefix: &str, depth: usize, columns: &mut Vec<Column>) {
    for (name, field) in of["properties"].as_object().into_iter().flatten().filter(|_| depth > 0) {
        let name = format!("{prefix}{name}");
        match field.get("properties") {
            Some(_) => fields(field, &format!("{name}."), depth - 1, columns),
            None => {
                let type_name = field["type"].as_str().unwrap_or("object").to_owned();
                columns.push(Column { name, type_name });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_is_a_row_and_its_own_names_are_kept() {
        let hit =
            json!({ "_index": "a", "_id": "1", "_score": 0.5, "_source": { "x": 1, "_id": "forged" }, "sort": [3] });
        assert_eq!(row(hit), json!({ "_id": "1", "_index": "a", "_score": 0.5, "_sort": [3], "x": 1 }));
    }

    #[test]
    fn a_mapping_is_told_as_columns() {
        let mappings = json!({ ".own": {}, "orders": { "mappings": { "properties": {
            "id": { "type": "long" }, "customer": { "properties": { "name": { "type": "text" } } } } } } });
        let tables = schema(&mappings).tables;
        let columns: Vec<_> =
            tables[0].columns.iter().map(|column| (column.name.as_str(), column.type_name.as_str())).collect();
        assert_eq!((tables.len(), columns), (1, vec![("customer.name", "text"), ("id", "long")]));
    }

    #[test]
    fn a_bulk_with_refusals_says_how_much_is_written() {
        let items = [
            json!({ "index": { "_id": "1", "status": 201 } }),
            json!({ "index": { "_id": "2", "status": 400, "error": { "type": "mapper", "reason": "no number" } } }),
        ];
        let message = refuse_items(&items).expect_err("refused").to_string();
        assert!(message.contains("1 of 2") && message.contains("row 1") && message.contains("no number"), "{message}");
    }
}
