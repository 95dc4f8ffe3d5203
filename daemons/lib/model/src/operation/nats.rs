//! A message to publish on NATS, with or without an answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{FillError, JsonTemplate, TextTemplate, Values};
use crate::Fault;

/// Headers of a message at most.
const MAX_HEADERS: usize = 50;

/// A message. Whether somebody takes it is not known, unless it asks for an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NatsMessage {
    /// The subject: `orders.{{ region }}.new`. A value in it is one token, unless the text is a single binding: then its value is the
    /// subject.
    pub subject: TextTemplate,
    /// Headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, TextTemplate>,
    /// What it says, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextTemplate>,
    /// What it says, as JSON. Without this and a text it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<JsonTemplate>,
}

/// A message with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilledNatsMessage {
    /// The subject. A value that is no token has become a control character in it, which no subject holds.
    pub subject: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// What it says.
    pub payload: String,
}

impl NatsMessage {
    /// The message with its values.
    pub fn fill(&self, values: &Values) -> Result<FilledNatsMessage, FillError> {
        let is_token = |value: &str| !value.is_empty() && value.chars().all(is_in_token);
        let token = |value: &str| if is_token(value) { value.to_owned() } else { "\0".to_owned() };
        let headers = self.headers.iter().map(|(name, value)| Ok((name.clone(), value.fill(values)?)));
        Ok(FilledNatsMessage {
            subject: self.subject.fill_parts(values, token)?,
            headers: headers.collect::<Result<_, FillError>>()?,
            payload: match (&self.json, &self.text) {
                (Some(json), _) => json.fill(values)?.to_string(),
                (None, Some(text)) => text.fill(values)?,
                (None, None) => String::new(),
            },
        })
    }

    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        if self.subject.is_empty() {
            faults.push(Fault::new(format!("{path}.subject"), "must name a subject, such as orders.new"));
        }
        if self.text.is_some() && self.json.is_some() {
            faults.push(Fault::new(format!("{path}.text"), "stands beside a json: keep one of them"));
        }
        if self.headers.len() > MAX_HEADERS {
            faults.push(Fault::new(format!("{path}.headers"), format!("has more than {MAX_HEADERS} of them")));
        }
        for name in self.headers.keys().filter(|name| !is_header_name(name)) {
            let message = "must be the name of a header: letters, digits and signs without spaces and colons";
            faults.push(Fault::new(format!("{path}.headers.{name}"), message));
        }
    }
}

impl FilledNatsMessage {
    /// The header that cannot be sent, if there is one: by its name, or by a line break in its value.
    pub fn bad_header(&self) -> Option<&str> {
        let is_bad = |(name, value): &&(String, String)| !is_header_name(name) || value.chars().any(char::is_control);
        self.headers.iter().find(is_bad).map(|(name, _)| name.as_str())
    }

    /// Whether the subject is one that can be published to: tokens with dots between them, and no wildcard.
    pub fn has_subject(&self) -> bool {
        self.subject.split('.').all(|token| !token.is_empty() && token.chars().all(is_in_token))
    }
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic() && c != ':')
}

fn is_in_token(character: char) -> bool {
    !character.is_whitespace() && !character.is_control() && !matches!(character, '.' | '*' | '>')
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn message(document: Value) -> NatsMessage {
        serde_json::from_value(document).unwrap()
    }

    fn has_subject(subject: &str, value: &str) -> bool {
        let values = serde_json::from_value(json!({ "x": value })).unwrap();
        message(json!({ "subject": subject })).fill(&values).unwrap().has_subject()
    }

    #[test]
    fn a_value_in_a_subject_is_one_token() {
        assert!(has_subject("orders.{{ x }}.new", "eu-1"));
        for hostile in ["a.b", "*", ">", "", "a b", "a\r\nPUB b 0", "\t", "a\u{a0}b"] {
            assert!(!has_subject("orders.{{ x }}.new", hostile), "{hostile:?}");
        }
        assert!(has_subject("{{ x }}", "orders.eu.new"));
        for hostile in ["a..b", ".a", "a.*", ">", "", "a b", "a\r\nPUB b 0"] {
            assert!(!has_subject("{{ x }}", hostile), "{hostile:?}");
        }
        assert!(has_subject("$JS.API.INFO", "") && !has_subject("a.", "") && !has_subject("a.>", ""));
    }

    #[test]
    fn a_payload_is_text_or_json() {
        let values = serde_json::from_value(json!({ "x": [1, "a"] })).unwrap();
        let payload = |document: Value| message(document).fill(&values).unwrap().payload;
        assert_eq!(payload(json!({ "subject": "a", "json": { "b": "{{ x }}" } })), "{\"b\":[1,\"a\"]}");
        assert_eq!(payload(json!({ "subject": "a" })), "");
        let text = message(json!({ "subject": "a", "text": "{{ x }}" })).fill(&values);
        assert_eq!(text, Err(FillError::NoText("x".into())));
    }

    #[test]
    fn a_header_has_a_name() {
        let mut faults = Vec::new();
        let both =
            json!({ "subject": "", "text": "", "json": 1, "headers": { "A-b": "", "a b": "", "a:": "", "": "" } });
        message(both).faults("m", &mut faults);
        let places: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(places, ["m.subject", "m.text", "m.headers.", "m.headers.a b", "m.headers.a:"]);
    }
}
