//! Changes: each is one command, which is sent once.

use std::sync::Arc;

use bson::oid::ObjectId;
use bson::{Bson, Document, RawArray, RawBsonRef, RawDocument, doc};
use bulkhead_model::change::{AtMost, MAX_BULK_ROWS};
use bulkhead_model::operation::{MANY, MongodbRequest, Values};
use bulkhead_model::query::QueryMode;
use bulkhead_rpc::connector::QueryRequest;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::fill::{Place, document, filled};
use super::json::write_value;
use super::session::number;
use super::{Pool, command, left_ms};
use crate::answer::{Answer, Summary, of_value};
use crate::error::QueryError;
use crate::http::Bounds;

/// Ids of added documents that are told.
const SHOWN_IDS: usize = 10_000;

/// Makes a change, and tells what became of it.
pub(super) async fn change(
    pool: &Arc<Pool>,
    asked: &MongodbRequest,
    request: &QueryRequest,
    bounds: Bounds,
    started: Instant,
) -> Result<Answer, QueryError> {
    let values = &request.parameters;
    let (mut sent, ids) = match asked {
        MongodbRequest::Insert { collection, documents } => {
            let documents = to_add(&filled(&documents.0, values, Place::Document)?)?;
            let ids = documents.iter().filter_map(|document| document.get("_id").cloned()).collect();
            (doc! { "insert": collection, "documents": documents, "ordered": true }, ids)
        }
        _ => (one_statement(pool, asked, values, bounds).await?, Vec::new()),
    };
    // What it stops for its time may be half made, which is told so.
    sent.insert("maxTimeMS", left_ms(bounds));
    let (loan, reply) = command(pool, sent, bounds).await?;
    loan.give_back();
    check(pool, &reply, ids.len())?;
    let told = told(asked, &reply, ids)?;
    let summary = Summary { affected: Some(told.affected), ..Summary::since(started) };
    of_value(Value::Object(told.data), summary, request.limits).map_err(|error| match error {
        QueryError::TooLarge(most) => QueryError::left_unread("the answer", most, ""),
        other => other,
    })
}

/// The command of an update, a replacement or a deletion. One of many documents is refused where too many fit.
async fn one_statement(
    pool: &Arc<Pool>,
    asked: &MongodbRequest,
    values: &Values,
    bounds: Bounds,
) -> Result<Document, QueryError> {
    let query = |filter: &Value| {
        let query = document(filter, values, Place::Query)?;
        if query.is_empty() {
            return Err(QueryError::Invalid("a change needs a condition: a filter that is empty fits all".to_owned()));
        }
        Ok(query)
    };
    match asked {
        MongodbRequest::Update { collection, filter, update, many, upsert, at_most } => {
            let query = query(&filter.0)?;
            let place = if update.0.is_array() { Place::Expression } else { Place::Document };
            let change = filled(&update.0, values, place)?;
            guard(pool, collection, &query, *many, *at_most, bounds).await?;
            let statement = doc! { "q": query, "u": change, "multi": *many, "upsert": *upsert };
            Ok(doc! { "update": collection, "updates": [statement], "ordered": true })
        }
        MongodbRequest::Replace { collection, filter, document: with, upsert } => {
            let query = query(&filter.0)?;
            let with = document(&with.0, values, Place::Document)?;
            if with.keys().any(|key| key.starts_with('$')) {
                return Err(QueryError::Invalid(
                    "a document to put in the place of another has no operators".to_owned(),
                ));
            }
            let statement = doc! { "q": query, "u": with, "multi": false, "upsert": *upsert };
            Ok(doc! { "update": collection, "updates": [statement], "ordered": true })
        }
        MongodbRequest::Delete { collection, filter, many, at_most } => {
            let query = query(&filter.0)?;
            guard(pool, collection, &query, *many, *at_most, bounds).await?;
            let statement = doc! { "q": query, "limit": i32::from(!*many) };
            Ok(doc! { "delete": collection, "deletes": [statement], "ordered": true })
        }
        _ => Err(QueryError::OtherOperation),
    }
}

/// Counts what a change of many would reach, and refuses it where that is more than it may be.
async fn guard(
    pool: &Arc<Pool>,
    collection: &str,
    query: &Document,
    many: bool,
    at_most: Option<AtMost>,
    bounds: Bounds,
) -> Result<(), QueryError> {
    let at_most = at_most.map_or(Some(MANY), AtMost::limit);
    let (true, Some(at_most)) = (many, at_most) else { return Ok(()) };
    let limit = i64::try_from(at_most).unwrap_or(i64::MAX).saturating_add(1);
    let count = doc! { "count": collection, "query": query.clone(), "limit": limit, "maxTimeMS": left_ms(bounds) };
    let (loan, reply) = command(pool, count, Bounds { mode: QueryMode::Read, ..bounds }).await?;
    loan.give_back();
    let rows = number(&reply, "n").and_then(|rows| u64::try_from(rows).ok()).unwrap_or(u64::MAX);
    if rows > at_most { Err(QueryError::TooManyRows { rows, at_most }) } else { Ok(()) }
}

/// Documents to add, each with an `_id`.
fn to_add(written: &Bson) -> Result<Vec<Document>, QueryError> {
    let wrong = |problem: String| QueryError::Field { field: "documents".to_owned(), problem };
    let items = match written {
        Bson::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    if items.is_empty() || items.len() > MAX_BULK_ROWS {
        return Err(wrong(format!("must be 1 to {MAX_BULK_ROWS} documents, and there are {}", items.len())));
    }
    let document = |(index, item): (usize, &Bson)| match item {
        Bson::Document(fields) => {
            let mut document = Document::new();
            document.insert("_id", fields.get("_id").cloned().unwrap_or_else(|| ObjectId::new().into()));
            document.extend(fields.clone().into_iter().filter(|(key, _)| key != "_id"));
            Ok(document)
        }
        _ => Err(wrong(format!("must be objects, and number {index} (from 0) is none"))),
    };
    items.iter().enumerate().map(document).collect()
}

/// Refuses what was made in part, or is not certain to last.
fn check(pool: &Pool, reply: &RawDocument, documents: usize) -> Result<(), QueryError> {
    if let Ok(errors) = reply.get_array("writeErrors")
        && let Some(Ok(RawBsonRef::Document(first))) = errors.into_iter().next()
    {
        let code = number(first, "code").unwrap_or_default();
        let said = first.get_str("errmsg").unwrap_or("it says no reason");
        let written = number(reply, "n").unwrap_or_default();
        let message = match documents {
            0 | 1 => said.to_owned(),
            all => format!("{written} of {all} documents were added, and those after them were not: {said}"),
        };
        return Err(QueryError::Sql { message, sqlstate: code.to_string(), position: None });
    }
    if let Ok(error) = reply.get_document("writeConcernError") {
        let said = error.get_str("errmsg").unwrap_or("it says no reason");
        let message = format!("the change was made, but its replica set has not confirmed it: {said}");
        return Err(QueryError::Undecided { resource: pool.target.name.clone(), message });
    }
    Ok(())
}

struct Told {
    affected: u64,
    data: Map<String, Value>,
}

fn told(asked: &MongodbRequest, reply: &RawDocument, ids: Vec<Bson>) -> Result<Told, QueryError> {
    let count = |name: &str| number(reply, name).and_then(|count| u64::try_from(count).ok()).unwrap_or_default();
    let n = count("n");
    let (affected, data) = match asked {
        MongodbRequest::Insert { .. } => {
            let ids: Vec<Value> = ids.iter().take(SHOWN_IDS).map(shown).collect::<Result<_, _>>()?;
            (n, json!({ "inserted": n, "ids": ids }))
        }
        MongodbRequest::Delete { .. } => (n, json!({ "deleted": n })),
        _ => {
            let upserted = upserted(reply.get_array("upserted").ok())?;
            let added = u64::from(upserted.is_some());
            let matched = n.saturating_sub(added);
            let mut data = json!({ "matched": matched, "modified": count("nModified") });
            if let Some(id) = upserted {
                data["upserted"] = id;
            }
            (count("nModified") + added, data)
        }
    };
    Ok(Told { affected, data: if let Value::Object(data) = data { data } else { Map::new() } })
}

/// The id of a document that an upsert has added.
fn upserted(told: Option<&RawArray>) -> Result<Option<Value>, QueryError> {
    let first = told.and_then(|told| told.into_iter().next());
    let Some(Ok(RawBsonRef::Document(first))) = first else { return Ok(None) };
    let Ok(Some(id)) = first.get("_id") else { return Ok(None) };
    value_of(id).map(Some)
}

fn shown(id: &Bson) -> Result<Value, QueryError> {
    let document = bson::RawDocumentBuf::from_bytes(doc! { "id": id.clone() }.to_vec().unwrap_or_default());
    match document.ok().as_ref().and_then(|document| document.get("id").ok().flatten()) {
        Some(id) => value_of(id),
        None => Ok(Value::Null),
    }
}

fn value_of(value: RawBsonRef<'_>) -> Result<Value, QueryError> {
    let mut json = Vec::new();
    write_value(value, &mut json)?;
    Ok(serde_json::from_slice(&json).unwrap_or_default())
}
