//! A request to MongoDB.
//!
//! Operators, names of fields and stages are what is written; a binding stands for a value and nothing else. What may be written where
//! is checked here, and db-connector makes the values.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::JsonTemplate;
use crate::Fault;
use crate::binding::{Part, Template};
use crate::change::AtMost;
use crate::query::QueryMode;

/// Documents that a change of many reaches at most, where nothing else is said.
pub const MANY: u64 = 1000;

/// Operators that run code of the server's language.
const CODE: &[&str] = &["$where", "$function", "$accumulator", "$code"];
/// Operators whose operand is itself made of operators and names.
const OF_CONDITIONS: &[&str] =
    &["$and", "$or", "$nor", "$not", "$expr", "$elemMatch", "$jsonSchema", "$text", "$match"];

/// What is asked of a database of MongoDB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub enum MongodbRequest {
    /// Finds documents.
    Find {
        /// The collection.
        collection: String,
        /// What a document must be like: an object. All when empty.
        #[serde(default, skip_serializing_if = "JsonTemplate::is_null")]
        filter: JsonTemplate,
        /// Which fields are given: an object.
        #[serde(default, skip_serializing_if = "JsonTemplate::is_null")]
        projection: JsonTemplate,
        /// In which order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        sort: Vec<MongodbSort>,
        /// How many at most: a number.
        #[serde(default, skip_serializing_if = "JsonTemplate::is_null")]
        limit: JsonTemplate,
        /// How many are passed by before: a number.
        #[serde(default, skip_serializing_if = "JsonTemplate::is_null")]
        skip: JsonTemplate,
    },
    /// Counts documents.
    Count {
        /// The collection.
        collection: String,
        /// What a document must be like.
        #[serde(default, skip_serializing_if = "JsonTemplate::is_null")]
        filter: JsonTemplate,
    },
    /// The different values of a field.
    Distinct {
        /// The collection.
        collection: String,
        /// The field.
        field: String,
        /// What a document must be like.
        #[serde(default, skip_serializing_if = "JsonTemplate::is_null")]
        filter: JsonTemplate,
    },
    /// Runs a pipeline. One that holds `$out` or `$merge` is a write.
    Aggregate {
        /// The collection.
        collection: String,
        /// Its stages: a list of objects.
        pipeline: JsonTemplate,
    },
    /// Adds documents.
    Insert {
        /// The collection.
        collection: String,
        /// A document, or a list of them: `{{ rows }}`. One without `_id` is given one.
        documents: JsonTemplate,
    },
    /// Changes documents.
    Update {
        /// The collection.
        collection: String,
        /// What a document must be like: at least one condition.
        filter: JsonTemplate,
        /// Operators such as `$set`, or a list of stages.
        update: JsonTemplate,
        /// Whether all that fit are changed. Otherwise it is the first.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        many: bool,
        /// Whether a document is added where none fits.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        upsert: bool,
        /// With `many`: how many may fit; more, and none is changed. 1,000 when absent. They are counted just before.
        #[serde(rename = "at-most", default, skip_serializing_if = "Option::is_none")]
        at_most: Option<AtMost>,
    },
    /// Puts a document in the place of the first that fits.
    Replace {
        /// The collection.
        collection: String,
        /// What a document must be like: at least one condition.
        filter: JsonTemplate,
        /// The document.
        document: JsonTemplate,
        /// Whether it is added where none fits.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        upsert: bool,
    },
    /// Removes documents.
    Delete {
        /// The collection.
        collection: String,
        /// What a document must be like: at least one condition.
        filter: JsonTemplate,
        /// Whether all that fit are removed. Otherwise it is the first.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        many: bool,
        /// With `many`: how many may fit; more, and none is removed. 1,000 when absent. They are counted just before.
        #[serde(rename = "at-most", default, skip_serializing_if = "Option::is_none")]
        at_most: Option<AtMost>,
    },
}

/// A field that documents are sorted by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MongodbSort {
    /// The field.
    pub field: String,
    /// Whether the largest comes first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub descending: bool,
}

impl MongodbRequest {
    /// The collection.
    pub fn collection(&self) -> &str {
        match self {
            Self::Find { collection, .. }
            | Self::Count { collection, .. }
            | Self::Distinct { collection, .. }
            | Self::Aggregate { collection, .. }
            | Self::Insert { collection, .. }
            | Self::Update { collection, .. }
            | Self::Replace { collection, .. }
            | Self::Delete { collection, .. } => collection,
        }
    }

    pub(super) fn effect(&self) -> QueryMode {
        match self {
            Self::Find { .. } | Self::Count { .. } | Self::Distinct { .. } => QueryMode::Read,
            // No value can add a stage or an operator.
            Self::Aggregate { pipeline, .. } if !has_key(&pipeline.0, &["$out", "$merge"]) => QueryMode::Read,
            _ => QueryMode::Write,
        }
    }

    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        let mut checks = Checks { path, faults };
        let collection = self.collection();
        let is_name = !collection.is_empty() && collection.len() <= 255 && !collection.contains(['$', '\0']);
        if !is_name || collection.contains("{{") {
            checks.fault("collection", "must be the name of a collection, without a binding");
        }
        match self {
            Self::Find { filter, projection, sort, limit, skip, .. } => {
                checks.filter(filter, false);
                checks.object("projection", projection);
                for (index, sort) in sort.iter().enumerate().filter(|(_, sort)| !is_field(&sort.field)) {
                    checks.fault(&format!("sort[{index}].field"), &no_field(&sort.field));
                }
                for (key, number) in [("limit", limit), ("skip", skip)] {
                    if !(number.is_null() || number.0.is_u64() || is_binding(&number.0)) {
                        checks.fault(key, "must be a whole number, or one binding");
                    }
                }
            }
            Self::Count { filter, .. } => checks.filter(filter, false),
            Self::Distinct { filter, field, .. } => {
                checks.filter(filter, false);
                if !is_field(field) {
                    checks.fault("field", &no_field(field));
                }
            }
            Self::Aggregate { pipeline, .. } => checks.pipeline("pipeline", pipeline),
            Self::Insert { documents, .. } => checks.document("documents", &documents.0, true),
            Self::Update { filter, update, many, upsert, at_most, .. } => {
                checks.filter(filter, true);
                checks.update(update);
                checks.guard(*many, *at_most);
                if *many && *upsert {
                    checks.fault("upsert", "is for a change of one document");
                }
            }
            Self::Replace { filter, document, .. } => {
                checks.filter(filter, true);
                checks.document("document", &document.0, false);
            }
            Self::Delete { filter, many, at_most, .. } => {
                checks.filter(filter, true);
                checks.guard(*many, *at_most);
            }
        }
    }
}

struct Checks<'a> {
    path: &'a str,
    faults: &'a mut Vec<Fault>,
}

impl Checks<'_> {
    fn fault(&mut self, key: &str, message: &str) {
        self.faults.push(Fault::new(format!("{}.{key}", self.path), message));
    }

    fn filter(&mut self, JsonTemplate(filter): &JsonTemplate, is_required: bool) {
        match filter {
            Value::Null if !is_required => {}
            Value::Object(fields) if fields.is_empty() && is_required => {
                self.fault("filter", "must have a condition: a change of all documents is not made here");
            }
            Value::Object(_) => self.inside("filter", filter),
            _ => {
                self.fault("filter", "must be an object: its conditions are written, and their values may be bindings")
            }
        }
    }

    fn object(&mut self, key: &str, JsonTemplate(value): &JsonTemplate) {
        match value {
            Value::Null => {}
            Value::Object(_) => self.inside(key, value),
            _ => self.fault(key, "must be an object"),
        }
    }

    fn pipeline(&mut self, key: &str, JsonTemplate(pipeline): &JsonTemplate) {
        let is_stage = |stage: &Value| only_key(stage).is_some_and(|key| key.starts_with('$'));
        match pipeline {
            Value::Array(stages) if stages.iter().all(is_stage) => self.inside(key, pipeline),
            _ => self.fault(key, "must be a list of stages, each an object with one operator such as $match"),
        }
        if has_key(pipeline, &["$changeStream"]) {
            self.fault(key, "waits for changes without end ($changeStream), which a query does not");
        }
    }

    fn update(&mut self, update: &JsonTemplate) {
        match &update.0 {
            Value::Array(_) => self.pipeline("update", update),
            Value::Object(operators)
                if !operators.is_empty()
                    && operators.iter().all(|(key, fields)| key.starts_with('$') && fields.is_object()) =>
            {
                self.inside("update", &update.0);
            }
            _ => self.fault(
                "update",
                "must be operators with the fields that they change, such as {\"$set\": {\"name\": \"{{ name }}\"}}",
            ),
        }
    }

    fn document(&mut self, key: &str, document: &Value, may_be_list: bool) {
        match document {
            Value::Object(_) => self.inside(key, document),
            Value::Array(items) if may_be_list && items.iter().all(|item| item.is_object() || is_binding(item)) => {
                self.inside(key, document);
            }
            binding if is_binding(binding) => {}
            _ => self.fault(
                key,
                if may_be_list {
                    "must be an object, a list of objects, or one binding"
                } else {
                    "must be an object, or one binding"
                },
            ),
        }
    }

    fn guard(&mut self, many: bool, at_most: Option<AtMost>) {
        if !many && at_most.is_some() {
            self.fault("at-most", "is for a change of many documents");
        }
    }

    /// What holds wherever operators may stand.
    fn inside(&mut self, place: &str, value: &Value) {
        match value {
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| self.inside(&format!("{place}[{index}]"), item));
            }
            Value::Object(fields) => fields.iter().for_each(|(key, inner)| self.member(place, key, inner)),
            _ => {}
        }
    }

    fn member(&mut self, place: &str, key: &str, inner: &Value) {
        let place = format!("{place}.{key}");
        if key.contains("{{") {
            self.fault(&place, "is a name: a binding stands for a value");
        } else if CODE.contains(&key) && has_binding(inner) {
            self.fault(&place, "is code of the server: no value may stand in it");
        } else if collection_of(key, inner).is_some_and(has_binding) {
            self.fault(&place, "names a collection, which is written: a binding stands for a value");
        } else if OF_CONDITIONS.contains(&key) && !is_of_conditions(inner) {
            self.fault(&place, "is made of conditions, which are written: bindings stand for the values in them");
        } else if matches!(key, "$sort" | "sortBy") && inner.as_object().is_some_and(|fields| fields.len() > 1) {
            self.fault(
                &place,
                "has several fields, whose order counts: write a list, such as [{\"a\": 1}, {\"b\": -1}]",
            );
        } else {
            self.inside(&place, inner);
        }
    }
}

/// Where a stage names another collection that it reads or writes.
fn collection_of<'a>(stage: &str, inner: &'a Value) -> Option<&'a Value> {
    match (stage, inner) {
        ("$lookup" | "$graphLookup", _) => inner.get("from"),
        ("$unionWith", Value::Object(parts)) => parts.get("coll"),
        ("$merge", Value::Object(parts)) => parts.get("into"),
        ("$unionWith" | "$merge" | "$out", _) => Some(inner),
        _ => None,
    }
}

/// An object, or a list of objects.
fn is_of_conditions(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(items) => items.iter().all(|item| !is_binding(item)),
        Value::String(text) => !text.contains("{{"),
        _ => true,
    }
}

fn is_binding(value: &Value) -> bool {
    let Value::String(text) = value else {
        return false;
    };
    Template::parse(text).is_ok_and(|template| matches!(*template.parts.as_slice(), [Part::Expression(_)]))
}

fn has_binding(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("{{"),
        Value::Array(items) => items.iter().any(has_binding),
        Value::Object(fields) => fields.values().any(has_binding),
        _ => false,
    }
}

fn has_key(value: &Value, keys: &[&str]) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| has_key(item, keys)),
        Value::Object(fields) => fields.iter().any(|(key, inner)| keys.contains(&key.as_str()) || has_key(inner, keys)),
        _ => false,
    }
}

/// The key of an object that has one.
fn only_key(value: &Value) -> Option<&str> {
    let mut keys = value.as_object().map(Map::keys)?;
    keys.next().filter(|_| keys.next().is_none()).map(String::as_str)
}

fn is_field(name: &str) -> bool {
    !name.is_empty() && name.len() <= 1024 && !name.starts_with('$') && !name.contains('\0') && !name.contains("{{")
}

fn no_field(name: &str) -> String {
    if name.contains("{{") {
        "is a name: a binding stands for a value".to_owned()
    } else {
        "must be the name of a field".to_owned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::operation::Operation;

    fn operation(mut document: Value) -> Operation {
        document["do"] = json!("mongodb");
        document["collection"] = json!("orders");
        serde_json::from_value(document).unwrap()
    }

    fn places(document: Value) -> Vec<String> {
        let mut faults = Vec::new();
        operation(document).faults("q", &mut faults);
        faults.into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn a_pipeline_that_writes_is_a_write_wherever_it_says_so() {
        let effect = |pipeline: Value| operation(json!({ "action": "aggregate", "pipeline": pipeline })).effect();
        assert_eq!(effect(json!([{ "$match": { "a": "{{ a }}" } }])), QueryMode::Read);
        assert_eq!(effect(json!([{ "$match": {} }, { "$out": "x" }])), QueryMode::Write);
        assert_eq!(effect(json!([{ "$facet": { "a": [{ "$merge": { "into": "x" } }] } }])), QueryMode::Write);
        assert_eq!(operation(json!({ "action": "delete", "filter": { "a": 1 } })).effect(), QueryMode::Write);
        assert_eq!(operation(json!({ "action": "count" })).effect(), QueryMode::Read);
    }

    #[test]
    fn a_binding_is_a_value_and_no_condition() {
        let find = |filter: Value| places(json!({ "action": "find", "filter": filter }));
        for sound in [
            json!({ "a": "{{ a }}", "b": { "$in": "{{ list }}" }, "c": { "$gt": "{{ c }}" } }),
            json!({ "$or": [{ "a": "{{ a }}" }, { "b": { "$not": { "$regex": "^{{ b }}" } } }] }),
            json!({ "$expr": { "$gt": ["$a", "{{ a }}"] }, "_id": { "$oid": "{{ id }}" } }),
            json!({ "$where": "this.a > 1" }),
        ] {
            assert!(find(sound.clone()).is_empty(), "{sound}");
        }
        assert_eq!(find(json!("{{ filter }}")), ["q.filter"]);
        assert_eq!(find(json!({ "{{ field }}": 1 })), ["q.filter.{{ field }}"]);
        assert_eq!(find(json!({ "$or": "{{ any }}" })), ["q.filter.$or"]);
        assert_eq!(find(json!({ "$and": [{ "a": 1 }, "{{ more }}"] })), ["q.filter.$and"]);
        assert_eq!(find(json!({ "a": { "$not": "{{ a }}" } })), ["q.filter.a.$not"]);
        assert_eq!(find(json!({ "$where": "this.a == {{ a }}" })), ["q.filter.$where"]);
        let stage = |stage: Value| places(json!({ "action": "aggregate", "pipeline": [stage] }));
        assert_eq!(stage(json!("{{ stage }}")), ["q.pipeline"]);
        assert_eq!(stage(json!({ "$match": "{{ filter }}" })), ["q.pipeline[0].$match"]);
        assert_eq!(stage(json!({ "$sort": { "a": 1, "b": 1 } })), ["q.pipeline[0].$sort"]);
        assert!(stage(json!({ "$sort": [{ "a": 1 }, { "b": 1 }] })).is_empty());
        assert_eq!(stage(json!({ "$changeStream": {} })), ["q.pipeline"]);
        for stage_of_another in [
            json!({ "$lookup": { "from": "{{ c }}", "as": "a", "pipeline": [] } }),
            json!({ "$graphLookup": { "from": "{{ c }}", "as": "a" } }),
            json!({ "$unionWith": "{{ c }}" }),
            json!({ "$unionWith": { "coll": "x{{ c }}" } }),
            json!({ "$out": { "db": "{{ d }}", "coll": "c" } }),
            json!({ "$merge": "{{ c }}" }),
            json!({ "$merge": { "into": { "db": "d", "coll": "{{ c }}" } } }),
        ] {
            let key = only_key(&stage_of_another).unwrap().to_owned();
            assert_eq!(stage(stage_of_another), [format!("q.pipeline[0].{key}")]);
        }
        let within = json!([{ "$match": { "a": "{{ a }}" } }]);
        assert!(stage(json!({ "$lookup": { "from": "c", "as": "a", "pipeline": within } })).is_empty());
        let function = json!({ "$project": { "a": { "$function": { "body": "{{ b }}" } } } });
        assert_eq!(stage(function), ["q.pipeline[0].$project.a.$function"]);
    }

    #[test]
    fn a_change_needs_a_condition_and_says_what_it_changes() {
        let update =
            |filter: Value, update: Value| places(json!({ "action": "update", "filter": filter, "update": update }));
        assert!(update(json!({ "_id": "{{ id }}" }), json!({ "$set": { "a": "{{ a }}" } })).is_empty());
        assert_eq!(update(json!({}), json!({ "$set": { "a": 1 } })), ["q.filter"]);
        for bad in [json!({ "a": 1 }), json!("{{ change }}"), json!({ "$set": "{{ change }}" }), json!({})] {
            assert_eq!(update(json!({ "a": 1 }), bad.clone()), ["q.update"], "{bad}");
        }
        assert_eq!(places(json!({ "action": "delete", "filter": {} })), ["q.filter"]);
        assert_eq!(places(json!({ "action": "delete", "filter": { "a": 1 }, "at-most": 5 })), ["q.at-most"]);
        assert!(places(json!({ "action": "insert", "documents": "{{ rows }}" })).is_empty());
        assert_eq!(places(json!({ "action": "insert", "documents": [1] })), ["q.documents"]);
        assert_eq!(
            places(json!({ "action": "find", "limit": "many", "sort": [{ "field": "$a" }] })),
            ["q.sort[0].field", "q.limit"]
        );
    }
}
