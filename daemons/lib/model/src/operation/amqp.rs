//! A message to publish on a broker that speaks AMQP 0-9-1.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{FillError, JsonTemplate, TextTemplate, Values};
use crate::Fault;

/// Headers of a message at most.
const MAX_HEADERS: usize = 50;
/// The longest text of a property, a name or a key, in bytes.
pub const MAX_AMQP_TEXT: usize = 255;

/// A message. It counts as published when the broker has routed it to a queue and taken charge of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AmqpMessage {
    /// The exchange; the one that leads to the queue that is named by the routing key, when empty.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub exchange: TextTemplate,
    /// The routing key.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub routing_key: TextTemplate,
    /// Headers: texts, numbers, truths, and lists and objects of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, JsonTemplate>,
    /// What is said about it.
    #[serde(default)]
    pub properties: AmqpProperties,
    /// What it says, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextTemplate>,
    /// What it says, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<JsonTemplate>,
    /// What it says, as bytes in base64. Without this, a text and a JSON it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<TextTemplate>,
}

/// What is said about a message. An empty text is not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AmqpProperties {
    /// Media type; `application/json` for a `json` when empty.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub content_type: TextTemplate,
    /// How the body is encoded, such as `gzip`.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub content_encoding: TextTemplate,
    /// Whether the broker may forget it when it is started anew. It keeps it otherwise, in a queue that is durable.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transient: bool,
    /// Priority, 0 to 255.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Which question it answers, or which answer it wants.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub correlation_id: TextTemplate,
    /// Where answers go.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub reply_to: TextTemplate,
    /// Milliseconds until it is dropped where nobody takes it.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub expiration: TextTemplate,
    /// Its id.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub message_id: TextTemplate,
    /// Its type.
    #[serde(default, rename = "type", skip_serializing_if = "TextTemplate::is_empty")]
    pub message_type: TextTemplate,
    /// Which application made it.
    #[serde(default, skip_serializing_if = "TextTemplate::is_empty")]
    pub app_id: TextTemplate,
}

/// A message with its values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FilledAmqpMessage {
    /// The exchange.
    pub exchange: String,
    /// The routing key.
    pub routing_key: String,
    /// Headers in order.
    pub headers: Vec<(String, Value)>,
    /// The properties that are texts, by their names; those that are empty are not sent.
    pub texts: Vec<(&'static str, String)>,
    /// Whether the broker keeps it.
    pub is_persistent: bool,
    /// Priority.
    pub priority: Option<u8>,
    /// What it says.
    pub body: AmqpBody,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AmqpBody {
    /// A text, or JSON as text.
    Text(String),
    /// Bytes as base64.
    Base64(String),
}

impl Default for AmqpBody {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl AmqpMessage {
    /// The message with its values.
    pub fn fill(&self, values: &Values) -> Result<FilledAmqpMessage, FillError> {
        let about = &self.properties;
        let mut texts = Vec::new();
        for (name, text) in about.texts() {
            texts.push((name, text.fill(values)?));
        }
        if let (Some(_), Some((_, content_type))) = (&self.json, texts.first_mut())
            && content_type.is_empty()
        {
            "application/json".clone_into(content_type);
        }
        let headers = self.headers.iter().map(|(name, value)| Ok((name.clone(), value.fill(values)?)));
        Ok(FilledAmqpMessage {
            exchange: self.exchange.fill(values)?,
            routing_key: self.routing_key.fill(values)?,
            headers: headers.collect::<Result<_, FillError>>()?,
            texts,
            is_persistent: !about.transient,
            priority: about.priority,
            body: match (&self.json, &self.text, &self.base64) {
                (Some(json), _, _) => AmqpBody::Text(json.fill(values)?.to_string()),
                (None, Some(text), _) => AmqpBody::Text(text.fill(values)?),
                (None, None, Some(bytes)) => AmqpBody::Base64(bytes.fill(values)?),
                (None, None, None) => AmqpBody::default(),
            },
        })
    }

    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        if self.exchange.is_empty() && self.routing_key.is_empty() {
            let message = "is empty and so is exchange: name an exchange, or a queue by its routing key";
            faults.push(Fault::new(format!("{path}.routing-key"), message));
        }
        if [self.text.is_some(), self.json.is_some(), self.base64.is_some()].into_iter().filter(|is| *is).count() > 1 {
            faults.push(Fault::new(format!("{path}.text"), "stands beside json or base64: keep one of them"));
        }
        if self.headers.len() > MAX_HEADERS {
            faults.push(Fault::new(format!("{path}.headers"), format!("has more than {MAX_HEADERS} of them")));
        }
        for name in self.headers.keys().filter(|name| name.is_empty() || name.len() > MAX_AMQP_TEXT) {
            let message = format!("must have 1 to {MAX_AMQP_TEXT} characters");
            faults.push(Fault::new(format!("{path}.headers.{name}"), message));
        }
    }
}

impl AmqpProperties {
    /// The properties that are texts, in the order in which they travel.
    fn texts(&self) -> [(&'static str, &TextTemplate); 8] {
        [
            ("content-type", &self.content_type),
            ("content-encoding", &self.content_encoding),
            ("correlation-id", &self.correlation_id),
            ("reply-to", &self.reply_to),
            ("expiration", &self.expiration),
            ("message-id", &self.message_id),
            ("type", &self.message_type),
            ("app-id", &self.app_id),
        ]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(document: Value) -> AmqpMessage {
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn a_message_takes_its_values() {
        let document = json!({
            "exchange": "orders", "routing-key": "new.{{ region }}", "headers": { "n": "{{ number }}", "fixed": true },
            "properties": { "message-id": "{{ number }}", "priority": 3 }, "json": { "number": "{{ number }}" },
        });
        let values = serde_json::from_value(json!({ "region": "eu", "number": 7 })).unwrap();
        let filled = message(document).fill(&values).unwrap();
        assert_eq!((filled.exchange.as_str(), filled.routing_key.as_str()), ("orders", "new.eu"));
        assert_eq!(filled.headers, [("fixed".to_owned(), json!(true)), ("n".to_owned(), json!(7))]);
        let texts: Vec<_> = filled.texts.iter().filter(|(_, text)| !text.is_empty()).collect();
        assert_eq!(texts, [&("content-type", "application/json".to_owned()), &("message-id", "7".to_owned())]);
        assert_eq!((filled.body, filled.is_persistent), (AmqpBody::Text("{\"number\":7}".into()), true));
    }

    #[test]
    fn a_message_to_nowhere_or_of_two_bodies_is_a_fault() {
        let mut faults = Vec::new();
        message(json!({ "text": "", "base64": "", "headers": { "": 1 } })).faults("m", &mut faults);
        let places: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(places, ["m.routing-key", "m.text", "m.headers."]);
    }
}
