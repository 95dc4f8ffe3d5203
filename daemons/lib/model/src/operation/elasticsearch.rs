//! A request to Elasticsearch or OpenSearch.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{JsonTemplate, TextTemplate};
use crate::Fault;
use crate::query::QueryMode;

/// What is asked of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ElasticsearchRequest {
    /// Finds documents.
    Search {
        /// An index, or several: `logs-*,orders`.
        index: TextTemplate,
        /// The request: `query`, `size`, `sort`, `aggs` and so on.
        #[serde(default, skip_serializing_if = "JsonTemplate::is_null")]
        body: JsonTemplate,
    },
    /// Counts documents.
    Count {
        /// An index, or several.
        index: TextTemplate,
        /// The request: `query`.
        #[serde(default, skip_serializing_if = "JsonTemplate::is_null")]
        body: JsonTemplate,
    },
    /// Reads one document.
    Get {
        /// The index.
        index: TextTemplate,
        /// The document's id.
        id: TextTemplate,
    },
    /// Writes a document, in the place of the one that has its id.
    Index {
        /// The index.
        index: TextTemplate,
        /// The document's id; the server gives it one when empty.
        #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
        id: TextTemplate,
        /// The document: an object.
        document: JsonTemplate,
        /// Whether to wait until searches find it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        wait: bool,
    },
    /// Changes fields of a document.
    Update {
        /// The index.
        index: TextTemplate,
        /// The document's id.
        id: TextTemplate,
        /// The fields: an object.
        document: JsonTemplate,
        /// Whether to wait until searches find it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        wait: bool,
    },
    /// Removes a document.
    Delete {
        /// The index.
        index: TextTemplate,
        /// The document's id.
        id: TextTemplate,
        /// Whether to wait until searches no longer find it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        wait: bool,
    },
    /// Writes, changes or removes a document for each object of a list.
    Bulk {
        /// The index.
        index: TextTemplate,
        /// What is done with each.
        each: BulkAction,
        /// A list of objects: `{{ rows }}`.
        rows: JsonTemplate,
        /// The member of each object that is its document's id, and no part of the document. Without it the server gives ids.
        #[serde(default, rename = "id-field", skip_serializing_if = "String::is_empty")]
        id_field: String,
        /// Whether to wait until searches find them.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        wait: bool,
    },
}

/// What is done with each document of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BulkAction {
    /// Written, in the place of the one that has its id.
    Index,
    /// Written, if none has its id.
    Create,
    /// Changed in the fields that are given.
    Update,
    /// Removed.
    Delete,
}

impl BulkAction {
    /// As the protocol writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl ElasticsearchRequest {
    pub(super) fn effect(&self) -> QueryMode {
        match self {
            Self::Search { .. } | Self::Count { .. } | Self::Get { .. } => QueryMode::Read,
            Self::Index { .. } | Self::Update { .. } | Self::Delete { .. } | Self::Bulk { .. } => QueryMode::Write,
        }
    }

    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        let mut fault = |key: &str, message: &str| faults.push(Fault::new(format!("{path}.{key}"), message));
        let (index, several) = match self {
            Self::Search { index, .. } | Self::Count { index, .. } => (index, true),
            Self::Get { index, .. }
            | Self::Index { index, .. }
            | Self::Update { index, .. }
            | Self::Delete { index, .. }
            | Self::Bulk { index, .. } => (index, false),
        };
        if index.is_empty() || (!several && !index.0.contains("{{") && index.0.contains(['*', ','])) {
            fault("index", if several { "must name an index" } else { "must name one index" });
        }
        match self {
            Self::Get { id, .. } | Self::Update { id, .. } | Self::Delete { id, .. } if id.is_empty() => {
                fault("id", "must be the document's id");
            }
            Self::Bulk { each: BulkAction::Update | BulkAction::Delete, id_field, .. } if id_field.is_empty() => {
                fault("id-field", "must name the member that holds the id");
            }
            Self::Bulk { id_field, .. } if id_field.contains("{{") => fault("id-field", "must be a name, no binding"),
            _ => {}
        }
        let document = match self {
            Self::Search { body, .. } | Self::Count { body, .. } if !body.is_null() => Some(("body", body)),
            Self::Index { document, .. } | Self::Update { document, .. } => Some(("document", document)),
            _ => None,
        };
        // A single binding may turn out to be an object.
        if let Some((key, JsonTemplate(value))) = document
            && !(value.is_object() || value.is_string())
        {
            fault(key, "must be an object");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;
    use crate::operation::Operation;

    fn operation(mut document: Value) -> Operation {
        document["do"] = json!("elasticsearch");
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn only_searches_counts_and_gets_are_reads() {
        let body = json!({ "query": { "match_all": {} } });
        assert_eq!(operation(json!({ "action": "search", "index": "a", "body": body })).effect(), QueryMode::Read);
        assert_eq!(operation(json!({ "action": "get", "index": "a", "id": "{{ id }}" })).effect(), QueryMode::Read);
        let bulk = json!({ "action": "bulk", "index": "a", "each": "index", "rows": "{{ rows }}" });
        assert_eq!(operation(bulk).effect(), QueryMode::Write);
    }

    #[test]
    fn what_names_no_document_is_refused() {
        let places = |document: Value| {
            let mut faults = Vec::new();
            operation(document).faults("q", &mut faults);
            faults.into_iter().map(|fault| fault.path).collect::<Vec<_>>()
        };
        assert_eq!(places(json!({ "action": "get", "index": "a*", "id": "" })), ["q.index", "q.id"]);
        assert_eq!(places(json!({ "action": "delete", "index": "a", "id": "" })), ["q.id"]);
        let bulk = json!({ "action": "bulk", "index": "a", "each": "delete", "rows": "{{ rows }}" });
        assert_eq!(places(bulk), ["q.id-field"]);
        assert_eq!(places(json!({ "action": "index", "index": "a", "document": [1] })), ["q.document"]);
        assert!(places(json!({ "action": "search", "index": "logs-*,b" })).is_empty());
    }
}
