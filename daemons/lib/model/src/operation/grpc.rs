//! A call of gRPC.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pages::pointer_fault;
use super::{JsonTemplate, NamedText};
use crate::query::QueryMode;
use crate::{Fault, header};

/// Metadata of a call at most.
const MAX_METADATA: usize = 200;

/// A call of a method that takes one message and answers with one or with a stream of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GrpcCall {
    /// The method with its service: `shop.v1.Orders/GetOrder`.
    pub method: String,
    /// The message, in protobuf's JSON: an object, in which a text that is one binding becomes the value itself.
    #[serde(default, skip_serializing_if = "JsonTemplate::is_null")]
    pub message: JsonTemplate,
    /// Metadata beside the resource's. The value of a name that ends in `-bin` is base64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<NamedText>,
    /// Declares that the method changes nothing. Without it a call is a write.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads: bool,
    /// The part of the answer that is wanted, as a JSON pointer: `/orders`. All of it when empty. Of no use for a stream, each of whose
    /// messages is a row.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub items: String,
}

impl GrpcCall {
    /// Service and method.
    pub fn names(&self) -> Option<(&str, &str)> {
        let (service, method) = self.method.split_once('/')?;
        let is_name = |name: &str| {
            !name.is_empty()
                && name.len() <= 512
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
        };
        (is_name(service) && is_name(method) && !method.contains('.')).then_some((service, method))
    }

    pub(super) fn effect(&self) -> QueryMode {
        if self.reads { QueryMode::Read } else { QueryMode::Write }
    }

    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        let mut fault = |key: &str, message: &str| faults.push(Fault::new(format!("{path}.{key}"), message));
        if self.names().is_none() {
            fault("method", "must be a service and its method, such as shop.v1.Orders/GetOrder, without a binding");
        }
        // A single binding may turn out to be an object, and a message of a well-known type may be a text.
        if self.message.0.is_array() {
            fault("message", "must be an object");
        }
        if self.metadata.len() > MAX_METADATA {
            fault("metadata", "has more than 200 members");
        }
        for (index, named) in self.metadata.iter().enumerate() {
            if let Some(message) = header::metadata_fault(&named.name) {
                fault(&format!("metadata[{index}].name"), message);
            }
        }
        if let Some(message) = pointer_fault(&self.items) {
            fault("items", message);
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
        document["do"] = json!("grpc");
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn a_call_is_a_write_unless_it_says_that_it_reads() {
        let call = |reads: bool| operation(json!({ "method": "a.B/GetC", "reads": reads })).effect();
        assert_eq!((call(false), call(true)), (QueryMode::Write, QueryMode::Read));
    }

    #[test]
    fn what_cannot_be_called_is_refused_by_its_place() {
        let places = |document: Value| {
            let mut faults = Vec::new();
            operation(document).faults("q", &mut faults);
            faults.into_iter().map(|fault| fault.path).collect::<Vec<_>>()
        };
        for method in ["", "a.B", "a.B/", "a.B/C/D", "/C", "a.B/{{ m }}", "a b/C", "a.B/c.D"] {
            assert_eq!(places(json!({ "method": method })), ["q.method"], "{method}");
        }
        let named = |name: &str| json!([{ "name": name, "value": "{{ v }}" }]);
        assert!(places(json!({ "method": "B/C", "metadata": named("x-trace") })).is_empty());
        for name in ["grpc-timeout", ":path", "X-Upper", "te", "content-type", "a{{ b }}"] {
            assert_eq!(places(json!({ "method": "B/C", "metadata": named(name) })), ["q.metadata[0].name"], "{name}");
        }
        assert_eq!(places(json!({ "method": "B/C", "message": [1], "items": "x" })), ["q.message", "q.items"]);
    }
}
