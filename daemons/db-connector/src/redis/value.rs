//! Answers of Redis as JSON.
//!
//! | Redis | JSON |
//! |---|---|
//! | text, simple text | string |
//! | bytes that are no text | `{"base64": "..."}` |
//! | whole number | number up to 2^53, else string |
//! | double | number (NaN and infinities: string) |
//! | array, set | list |
//! | map | object by its keys' text |
//! | nil | null |

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use redis::Value as Answer;
use serde_json::{Map, Value, json};

use crate::error::QueryError;
use crate::json::{write_float, write_integer};

/// How deep an answer may nest.
const MAX_DEPTH: usize = 64;

/// An answer as JSON. An error inside one, as scripts give them, is an error.
pub(super) fn json(answer: Answer) -> Result<Value, QueryError> {
    within(answer, MAX_DEPTH)
}

fn within(answer: Answer, depth: usize) -> Result<Value, QueryError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(QueryError::Unsupported("its answer nests too deep"));
    };
    Ok(match answer {
        Answer::Nil => Value::Null,
        Answer::Int(number) => written(|out| write_integer(number.into(), out)),
        Answer::Double(number) => written(|out| write_float(number, out)),
        Answer::Boolean(truth) => Value::Bool(truth),
        Answer::Okay => json!("OK"),
        Answer::SimpleString(text) | Answer::VerbatimString { text, .. } => Value::String(text),
        Answer::BulkString(bytes) | Answer::BigNumber(bytes) => text(bytes),
        Answer::Array(items) | Answer::Set(items) | Answer::Push { data: items, .. } => {
            Value::Array(items.into_iter().map(|item| within(item, depth)).collect::<Result<_, _>>()?)
        }
        Answer::Map(fields) => {
            let mut object = Map::new();
            for (key, value) in fields {
                let key = match within(key, depth)? {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                object.insert(key, within(value, depth)?);
            }
            Value::Object(object)
        }
        Answer::Attribute { data, .. } => within(*data, depth)?,
        Answer::ServerError(error) => {
            let message = format!("{} {}", error.code(), error.details().unwrap_or_default());
            return Err(QueryError::Sql { message, sqlstate: error.code().to_owned(), position: None });
        }
        _ => return Err(QueryError::Unsupported("its answer is of a type that is not known here")),
    })
}

fn text(bytes: Vec<u8>) -> Value {
    String::from_utf8(bytes)
        .map(Value::String)
        .unwrap_or_else(|error| json!({ "base64": STANDARD.encode(error.as_bytes()) }))
}

/// What a writer of JSON numbers wrote.
fn written(write: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut out = Vec::new();
    write(&mut out);
    serde_json::from_slice(&out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json_of(answer: Answer) -> Value {
        json(answer).expect("an answer")
    }

    #[test]
    fn answers_keep_their_values() {
        assert_eq!(json_of(Answer::BulkString(b"abc".to_vec())), json!("abc"));
        assert_eq!(json_of(Answer::BulkString(vec![0xff, 0])), json!({ "base64": "/wA=" }));
        assert_eq!(json_of(Answer::Int(i64::MAX)), json!("9223372036854775807"));
        assert_eq!(json_of(Answer::Array(vec![Answer::Nil, Answer::Int(1)])), json!([null, 1]));
        let map = vec![(Answer::SimpleString("a".into()), Answer::Double(1.5))];
        assert_eq!(json_of(Answer::Map(map)), json!({ "a": 1.5 }));
    }

    #[test]
    fn an_answer_that_nests_without_end_is_refused() {
        let deep = (0..100).fold(Answer::Nil, |inner, _| Answer::Array(vec![inner]));
        assert!(json(deep).is_err());
    }
}
