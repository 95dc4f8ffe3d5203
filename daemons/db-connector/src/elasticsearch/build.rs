//! Requests to Elasticsearch.

use bulkhead_model::operation::{BulkAction, ElasticsearchRequest, JsonTemplate, TextTemplate, Values};
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Map, Value, json};

use crate::error::QueryError;
use crate::http::{Ask, json_body};
use crate::rest::build::path;

/// Documents of one bulk request at most.
const MAX_ROWS: usize = 10_000;

/// What is sent for a request; its target is below the resource's URL.
pub(super) fn ask(request: &ElasticsearchRequest, values: &Values) -> Result<Ask, QueryError> {
    use ElasticsearchRequest as Request;
    match request {
        Request::Search { index, body } => {
            let target = format!("{}/_search", index_path(index, values)?);
            with_json(Method::POST, target, &query(body, values)?)
        }
        Request::Count { index, body } => {
            let target = format!("{}/_count", index_path(index, values)?);
            with_json(Method::POST, target, &query(body, values)?)
        }
        Request::Get { index, id } => {
            let target = format!("{}/_doc{}", index_path(index, values)?, id_path(id, values)?);
            Ok(Ask { method: Method::GET, target, headers: HeaderMap::new(), body: Default::default() })
        }
        Request::Index { index, id, document, wait } => {
            let index = index_path(index, values)?;
            let document = object(document, values)?;
            if id.is_empty() {
                return with_json(Method::POST, format!("{index}/_doc{}", refresh(*wait)), &document);
            }
            let id = id_path(id, values)?;
            with_json(Method::PUT, format!("{index}/_doc{id}{}", refresh(*wait)), &document)
        }
        Request::Update { index, id, document, wait } => {
            let (index, id) = (index_path(index, values)?, id_path(id, values)?);
            let document = json!({ "doc": object(document, values)? });
            with_json(Method::POST, format!("{index}/_update{id}{}", refresh(*wait)), &document)
        }
        Request::Delete { index, id, wait } => {
            let (index, id) = (index_path(index, values)?, id_path(id, values)?);
            let target = format!("{index}/_doc{id}{}", refresh(*wait));
            Ok(Ask { method: Method::DELETE, target, headers: HeaderMap::new(), body: Default::default() })
        }
        Request::Bulk { index, each, rows, id_field, wait } => {
            let target = format!("{}/_bulk{}", index_path(index, values)?, refresh(*wait));
            let body = bulk(*each, &rows.fill(values)?, id_field)?.into();
            let ndjson = HeaderValue::from_static("application/x-ndjson");
            let headers = [(header::CONTENT_TYPE, ndjson)].into_iter().collect();
            Ok(Ask { method: Method::POST, target, headers, body })
        }
    }
}

fn with_json(method: Method, target: String, document: &Value) -> Result<Ask, QueryError> {
    let (headers, body) = json_body(document);
    Ok(Ask { method, target, headers, body })
}

fn refresh(wait: bool) -> &'static str {
    if wait { "?refresh=wait_for" } else { "" }
}

/// `/index`. The server decodes a name before it looks for wildcards in it, so that encoding would not keep a value from
/// meaning more than one index: such a value is refused.
fn index_path(index: &TextTemplate, values: &Values) -> Result<String, QueryError> {
    let name = index.fill(values)?;
    if name.is_empty() || name.starts_with('_') || name.contains('/') {
        return Err(QueryError::Request(
            "its index is none: a name does not begin with _, is not empty and has no slash".to_owned(),
        ));
    }
    let is_plain = |value: &str| {
        value.starts_with(|c: char| c.is_alphanumeric())
            && value.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let strange = std::cell::Cell::new(false);
    index.fill_escaped(values, |value| {
        strange.set(strange.get() || !is_plain(value));
        String::new()
    })?;
    if strange.get() {
        return Err(QueryError::Request(
            "a value in its index is empty or has more than letters, digits, - _ and .: wildcards and lists are written, \
             not bound"
                .to_owned(),
        ));
    }
    path(&TextTemplate(format!("/{}", index.0)), values)
}

fn id_path(id: &TextTemplate, values: &Values) -> Result<String, QueryError> {
    if id.is_empty() {
        return Err(QueryError::Request("it has no id: say which document is meant".to_owned()));
    }
    // An id that was written is encoded like one that is bound.
    let filled = id.fill(values)?;
    let bound: Values = [("id".to_owned(), Value::String(filled))].into_iter().collect();
    path(&TextTemplate::from("/{{ id }}"), &bound)
}

fn query(body: &JsonTemplate, values: &Values) -> Result<Value, QueryError> {
    if body.is_null() { Ok(json!({})) } else { object(body, values) }
}

fn object(document: &JsonTemplate, values: &Values) -> Result<Value, QueryError> {
    let document = document.fill(values)?;
    match document.is_object() {
        true => Ok(document),
        false => Err(QueryError::Request("its document is no object".to_owned())),
    }
}

/// The lines of a bulk request: what is done, then with what.
fn bulk(each: BulkAction, rows: &Value, id_field: &str) -> Result<String, QueryError> {
    let rows = rows.as_array().filter(|rows| !rows.is_empty() && rows.len() <= MAX_ROWS);
    let rows = rows.ok_or_else(|| QueryError::Request(format!("its rows are no list of 1 to {MAX_ROWS} objects")))?;
    let mut lines = String::new();
    for (index, row) in rows.iter().enumerate() {
        let mut row = match row {
            Value::Object(row) => row.clone(),
            _ => return Err(QueryError::Request(format!("row {index} is no object"))),
        };
        let mut head = Map::new();
        if !id_field.is_empty() {
            let id = match row.remove(id_field) {
                Some(Value::String(id)) if !id.is_empty() => Value::String(id),
                Some(Value::Number(id)) => Value::String(id.to_string()),
                _ => {
                    return Err(QueryError::Request(format!(
                        "row {index} has no text or number in `{id_field}`, its id"
                    )));
                }
            };
            head.insert("_id".to_owned(), id);
        }
        lines.push_str(&json!({ each.as_str(): head }).to_string());
        lines.push('\n');
        let document = match each {
            BulkAction::Index | BulkAction::Create => Value::Object(row),
            BulkAction::Update => json!({ "doc": row }),
            BulkAction::Delete => continue,
        };
        lines.push_str(&document.to_string());
        lines.push('\n');
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn target(request: Value, values: Value) -> Result<String, String> {
        let request: ElasticsearchRequest = serde_json::from_value(request).unwrap();
        let values: Values = serde_json::from_value(values).unwrap();
        ask(&request, &values).map(|ask| ask.target).map_err(|error| error.to_string())
    }

    #[test]
    fn a_value_names_one_index_and_one_document() {
        let search = json!({ "action": "search", "index": "logs-{{ day }},audit-*" });
        assert_eq!(target(search.clone(), json!({ "day": "2026.11" })).unwrap(), "/logs-2026.11,audit-*/_search");
        for value in ["*", "a,b", "", "-a", "x/../_all", "a?b", ".security", "<now>"] {
            assert!(target(search.clone(), json!({ "day": value })).is_err(), "{value}");
        }
        let all = json!({ "action": "search", "index": "{{ i }}" });
        assert!(target(all, json!({ "i": "_all" })).is_err());
        let get = json!({ "action": "get", "index": "a", "id": "{{ id }}" });
        assert_eq!(target(get.clone(), json!({ "id": "a/b?c" })).unwrap(), "/a/_doc/a%2Fb%3Fc");
        for id in ["", "..", "../_search"] {
            assert!(target(get.clone(), json!({ "id": id })).is_err(), "{id}");
        }
    }

    #[test]
    fn a_bulk_request_has_two_lines_for_each_row_but_for_deletions() {
        let rows = json!([{ "key": 1, "a": "x\ny" }, { "key": "k", "a": null }]);
        let index = "{\"index\":{\"_id\":\"1\"}}\n{\"a\":\"x\\ny\"}\n{\"index\":{\"_id\":\"k\"}}\n{\"a\":null}\n";
        assert_eq!(bulk(BulkAction::Index, &rows, "key").unwrap(), index);
        let update = bulk(BulkAction::Update, &rows, "key").unwrap();
        assert!(update.contains("{\"doc\":{\"a\":null}}"), "{update}");
        let delete = "{\"delete\":{\"_id\":\"1\"}}\n{\"delete\":{\"_id\":\"k\"}}\n";
        assert_eq!(bulk(BulkAction::Delete, &rows, "key").unwrap(), delete);
        for rows in [json!([]), json!({}), json!([1]), json!([{ "a": 1 }])] {
            assert!(bulk(BulkAction::Index, &rows, "key").is_err(), "{rows}");
        }
    }
}
