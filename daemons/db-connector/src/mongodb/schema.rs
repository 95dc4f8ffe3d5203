//! What collections there are, and the fields of some of their documents: a database of MongoDB has no other schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use bson::{RawBsonRef, RawDocument, doc};
use bulkhead_rpc::connector::{Column, Schema, Table};

use super::find::batch;
use super::json::type_name;
use super::{OWN_BYTES, OWN_MS, Pool, command, left_ms};
use crate::error::QueryError;
use crate::http::Bounds;

/// Collections that are looked at.
const MAX_COLLECTIONS: usize = 200;
/// Documents of each.
const SAMPLE: i32 = 20;
/// Fields of each.
const MAX_FIELDS: usize = 300;
/// The longest name that is told, with those that lead to it, in bytes.
const MAX_NAME_BYTES: usize = 1000;
/// What all that is told may take, in bytes.
const MAX_TOLD_BYTES: usize = 4 * 1024 * 1024;
/// How deep fields are told, with dots between their names.
const MAX_DEPTH: usize = 4;

/// Connects, logs in, and looks whether the database may be read: a server knows no database that is missing.
pub(super) async fn test(pool: &Arc<Pool>) -> Result<(), QueryError> {
    // A connection of its own, whatever the pool has.
    drop(pool.connect().await?);
    let bounds = Bounds::own(OWN_MS, OWN_BYTES);
    let (loan, _) = command(pool, collections(bounds), bounds).await?;
    loan.give_back();
    Ok(())
}

fn collections(bounds: Bounds) -> bson::Document {
    doc! { "listCollections": 1, "nameOnly": true, "authorizedCollections": true, "maxTimeMS": left_ms(bounds) }
}

pub(super) async fn read(pool: &Arc<Pool>) -> Result<Schema, QueryError> {
    let bounds = Bounds::own(OWN_MS, OWN_BYTES);
    let (loan, reply) = command(pool, collections(bounds), bounds).await?;
    loan.give_back();
    let (_, found) = batch(&reply, "firstBatch")?;
    let names = found.iter().filter_map(|one| one.get_str("name").ok()).filter(|name| !name.starts_with("system."));
    let mut names: Vec<&str> = names.take(MAX_COLLECTIONS).collect();
    names.sort_unstable();
    let (mut tables, mut left) = (Vec::new(), MAX_TOLD_BYTES);
    for name in names {
        let sample = doc! { "find": name, "limit": SAMPLE, "batchSize": SAMPLE, "singleBatch": true, "maxTimeMS": left_ms(bounds) };
        let (loan, reply) = command(pool, sample, bounds).await?;
        loan.give_back();
        let mut fields = BTreeMap::new();
        for document in batch(&reply, "firstBatch")?.1 {
            add(&document, "", MAX_DEPTH, &mut fields);
        }
        let told: usize = name.len() + fields.keys().map(String::len).sum::<usize>();
        let Some(after) = left.checked_sub(told) else { break };
        left = after;
        let columns = fields.into_iter().map(|(name, told)| Column { name, type_name: told.to_owned() }).collect();
        tables.push(Table { name: name.to_owned(), columns, ..Table::default() });
    }
    Ok(Schema { tables })
}

fn add(document: &RawDocument, prefix: &str, depth: usize, fields: &mut BTreeMap<String, &'static str>) {
    for (key, value) in document.iter().filter_map(Result::ok) {
        // What is within has longer names still: each would repeat this one.
        if prefix.len() + key.as_str().len() > MAX_NAME_BYTES {
            continue;
        }
        let name = format!("{prefix}{}", key.as_str());
        match value {
            RawBsonRef::Document(inner) if depth > 1 && !inner.is_empty() => {
                add(inner, &format!("{name}."), depth - 1, fields)
            }
            _ if fields.len() >= MAX_FIELDS => return,
            value => {
                let told = fields.entry(name).or_insert("null");
                if *told == "null" {
                    *told = type_name(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_up_to_a_length() {
        let long = "x".repeat(900);
        let document = doc! { &long: { "short": 1, "y".repeat(200): { "z": 1 } }, "w".repeat(2000): 1, "a": null };
        let mut fields = BTreeMap::new();
        let raw = bson::RawDocumentBuf::from_bytes(document.to_vec().expect("a document")).expect("a document");
        add(&raw, "", MAX_DEPTH, &mut fields);
        assert_eq!(fields.into_keys().collect::<Vec<_>>(), ["a".to_owned(), format!("{long}.short")]);
    }
}
