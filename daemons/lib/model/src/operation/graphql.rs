//! A query or mutation of GraphQL.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::JsonTemplate;
use super::graphql_document::{OperationType, operations};
use super::pages::pointer_fault;
use crate::Fault;
use crate::query::QueryMode;

/// A document and its variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GraphqlRequest {
    /// The document. It has no bindings: values go into variables.
    pub document: String,
    /// The values of its variables: an object.
    #[serde(default, skip_serializing_if = "JsonTemplate::is_null")]
    pub variables: JsonTemplate,
    /// Which of its operations runs, where there are several.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub operation_name: String,
    /// The part of the answer's data that is wanted, as a JSON pointer: `/users/nodes`. All of it when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub items: String,
}

impl GraphqlRequest {
    /// What kind of operation runs, or why none can.
    pub fn operation_type(&self) -> Result<OperationType, String> {
        let operations = operations(&self.document)?;
        let wanted = self.operation_name.as_str();
        let chosen = match operations.as_slice() {
            [] => return Err("has no query and no mutation: write one".to_owned()),
            [only] if wanted.is_empty() => only,
            _ if wanted.is_empty() => return Err("has several operations: say which by operation-name".to_owned()),
            all => {
                let named = all.iter().find(|operation| operation.name == Some(wanted));
                named.ok_or_else(|| format!("has no operation of the name `{wanted}`: write one, or choose another"))?
            }
        };
        if chosen.kind == OperationType::Subscription {
            return Err("is a subscription, whose answers never end: write a query".to_owned());
        }
        Ok(chosen.kind)
    }

    pub(super) fn effect(&self) -> QueryMode {
        match self.operation_type() {
            Ok(OperationType::Query) => QueryMode::Read,
            _ => QueryMode::Write,
        }
    }

    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        let document = format!("{path}.document");
        if self.document.contains("{{") {
            faults.push(Fault::new(document, "holds a binding: declare a variable, and bind its value in `variables`"));
        } else if let Err(message) = self.operation_type() {
            faults.push(Fault::new(document, message));
        }
        // A single binding may turn out to be an object.
        if !(self.variables.is_null() || self.variables.0.is_object() || self.variables.0.is_string()) {
            faults.push(Fault::new(format!("{path}.variables"), "must be an object: a value by each variable's name"));
        }
        if self.operation_name.len() > 256 || self.operation_name.contains("{{") {
            faults.push(Fault::new(format!("{path}.operation-name"), "must be a name, without a binding"));
        }
        if let Some(message) = pointer_fault(&self.items) {
            faults.push(Fault::new(format!("{path}.items"), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn request(document: &str, operation_name: &str) -> GraphqlRequest {
        let (document, operation_name) = (document.to_owned(), operation_name.to_owned());
        GraphqlRequest { document, variables: JsonTemplate(Value::Null), operation_name, items: String::new() }
    }

    #[test]
    fn only_what_is_surely_a_query_is_a_read() {
        assert_eq!(request("{ users { id } }", "").effect(), QueryMode::Read);
        assert_eq!(request("query A { a } mutation B { b }", "A").effect(), QueryMode::Read);
        for (document, name) in [
            ("mutation { a }", ""),
            ("query A { a } mutation B { b }", "B"),
            ("query A { a } mutation B { b }", ""),
            ("query A { a }", "C"),
            ("# query\nmutation { a }", ""),
            ("subscription { a }", ""),
            ("query { a", ""),
            ("", ""),
        ] {
            assert_eq!(request(document, name).effect(), QueryMode::Write, "{document}");
        }
    }

    #[test]
    fn what_cannot_run_says_why() {
        let fault = |document: &str| {
            let mut faults = Vec::new();
            request(document, "").faults("q", &mut faults);
            faults.into_iter().map(|fault| fault.to_string()).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(fault("query Q($id: ID!) { user(id: $id) { name } }"), "");
        assert!(fault("{ user(id: {{ id }}) { name } }").contains("variable"));
        assert!(fault("subscription { a }").contains("subscription"));
        assert!(fault("query { a").contains("never closed"));
    }
}
