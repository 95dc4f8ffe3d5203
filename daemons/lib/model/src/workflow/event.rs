//! Events: what waiting blocks wait for, how they are told apart, and how a webhook delivers one.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use utoipa::ToSchema;

use super::MAX_RUN_SECONDS;
use crate::{Fault, Name};

/// The longest key of an event, in bytes.
pub const MAX_EVENT_KEY_BYTES: usize = 200;
/// The largest body of an event, in bytes of JSON.
pub const MAX_EVENT_BODY_BYTES: usize = 256 * 1024;
/// Steps of a path to a key.
const MAX_PATH_STEPS: usize = 20;
/// The longest path to a key, in bytes.
const MAX_PATH_BYTES: usize = 500;

/// A wait for an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EventWait {
    /// The event's name.
    pub name: Name,
    /// A JavaScript expression, without braces: the key that the event must have, a text, a number or a boolean. An event without a key
    /// when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Seconds after which the wait is over; without it, it lasts until the event comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u32>,
    /// What becomes of the block then.
    #[serde(default)]
    pub at_timeout: TimeoutOutcome,
}

/// What becomes of a block whose event did not come in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimeoutOutcome {
    /// It fails, as `wait-timeout`.
    #[default]
    Fail,
    /// The run goes on; the block's result is null.
    Continue,
}

/// How a webhook delivers an event instead of starting a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EventDelivery {
    /// The event's name.
    pub name: Name,
    /// Where its key stands in the request: `body.order.id`, `query.order` or `headers.x-order`. An event without a key when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
}

/// Why a value is no key of an event.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EventKeyError {
    /// Not a text, number or boolean.
    #[error("a key is a text, a number, true or false, and this is {0}")]
    NotAScalar(&'static str),
    /// Too long or too short.
    #[error("a key has 1 to {MAX_EVENT_KEY_BYTES} bytes, and this one has {0}")]
    Length(usize),
    /// Has the character NUL, which cannot be stored.
    #[error("a key does not have the character NUL in it")]
    Nul,
}

/// The text by which a key is compared: a number and its text are the same key.
pub fn event_key(value: &Value) -> Result<String, EventKeyError> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(truth) => truth.to_string(),
        // 17 and 17.0 are one number in JavaScript.
        Value::Number(number) => match number.as_f64() {
            Some(whole) if number.is_f64() && whole.fract() == 0.0 && whole.abs() < 9e15 => {
                format!("{}", whole as i64)
            }
            _ => number.to_string(),
        },
        Value::Null => return Err(EventKeyError::NotAScalar("null")),
        Value::Array(_) => return Err(EventKeyError::NotAScalar("a list")),
        Value::Object(_) => return Err(EventKeyError::NotAScalar("an object")),
    };
    if text.contains('\0') {
        return Err(EventKeyError::Nul);
    }
    if text.is_empty() || text.len() > MAX_EVENT_KEY_BYTES {
        return Err(EventKeyError::Length(text.len()));
    }
    Ok(text)
}

impl EventWait {
    /// Its faults, but for those of the expression.
    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        if let Some(seconds) = self.timeout_s.filter(|seconds| !(1..=MAX_RUN_SECONDS).contains(seconds)) {
            let message = format!("is {seconds} and must be between 1 and {MAX_RUN_SECONDS}, a year");
            faults.push(Fault::new(format!("{path}.timeout-s"), message));
        }
    }
}

impl EventDelivery {
    /// The value that the path leads to in a request `{body, query, headers}`.
    pub fn key_in<'v>(&self, request: &'v Value) -> Option<&'v Value> {
        self.key.split('.').try_fold(request, |value, step| match value {
            Value::Array(items) => items.get(step.parse::<usize>().ok()?),
            value => value.get(step),
        })
    }

    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        if self.key.is_empty() {
            return;
        }
        let mut steps = self.key.split('.');
        let is_known = steps.next().is_some_and(|first| ["body", "query", "headers"].contains(&first));
        let (mut count, mut is_whole) = (0, true);
        for step in steps {
            count += 1;
            is_whole &= !step.is_empty() && !step.contains(|c: char| c.is_whitespace() || c.is_control());
        }
        if !is_known || !is_whole || !(1..=MAX_PATH_STEPS).contains(&count) || self.key.len() > MAX_PATH_BYTES {
            let message =
                "must be a path into the request, such as `body.order.id`, `query.order` or `headers.x-order`";
            faults.push(Fault::new(format!("{path}.key"), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_compared_as_text_whatever_scalar_it_was() {
        for (value, text) in
            [(json!("17"), "17"), (json!(17), "17"), (json!(17.0), "17"), (json!(1.5), "1.5"), (json!(true), "true")]
        {
            assert_eq!(event_key(&value).as_deref(), Ok(text), "{value}");
        }
        for (value, why) in [(json!(null), "null"), (json!([1]), "a list"), (json!({}), "an object")] {
            assert_eq!(event_key(&value), Err(EventKeyError::NotAScalar(why)));
        }
        assert_eq!(event_key(&json!("")), Err(EventKeyError::Length(0)));
        assert_eq!(event_key(&json!("x".repeat(201))), Err(EventKeyError::Length(201)));
        assert_eq!(event_key(&json!("a\0")), Err(EventKeyError::Nul));
    }

    #[test]
    fn a_path_leads_into_the_request_and_nowhere_else() {
        let delivery = |key: &str| EventDelivery { name: "paid".parse().expect("a name"), key: key.into() };
        let request =
            json!({ "body": { "orders": [{ "id": 7 }] }, "query": { "q": "x" }, "headers": { "x-order": "9" } });
        assert_eq!(delivery("body.orders.0.id").key_in(&request), Some(&json!(7)));
        assert_eq!(delivery("headers.x-order").key_in(&request), Some(&json!("9")));
        assert_eq!(delivery("body.orders.one.id").key_in(&request), None);
        let faults = |key: &str| {
            let mut faults = Vec::new();
            delivery(key).faults("triggers.paid.event", &mut faults);
            faults.len()
        };
        for sound in ["", "body.a", "query.order", "headers.x-order", "body.a.0.b"] {
            assert_eq!(faults(sound), 0, "{sound}");
        }
        for unsound in ["body", "order", "body.", "body..a", "body.a b", "trigger.body.a"] {
            assert_eq!(faults(unsound), 1, "{unsound}");
        }
    }
}
