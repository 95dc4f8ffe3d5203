//! An HTTP answer as blocks see it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_rpc::fetch::FetchAnswer;
use serde_json::{Map, Value, json};

/// `{status, url, headers, body}`: the body as JSON where it says that it is, as text where it is that, else as base64 with
/// `encoding: "base64"`.
pub(crate) fn readable(answer: FetchAnswer) -> Value {
    let mut headers = Map::new();
    for (name, value) in answer.headers {
        let name = name.to_ascii_lowercase();
        // What is there several times is one list, as HTTP has it.
        match headers.get_mut(&name) {
            Some(Value::String(before)) => *before = format!("{before}, {value}"),
            _ => drop(headers.insert(name, value.into())),
        }
    }
    let is_json = headers.get("content-type").and_then(Value::as_str).is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind == "application/json" || kind.ends_with("+json")
    });
    let text = STANDARD.decode(&answer.body).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let body = match text {
        Some(text) if is_json => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        Some(text) => Value::String(text),
        None => {
            return json!({
                "status": answer.status, "url": answer.url, "headers": headers, "body": answer.body, "encoding": "base64",
            });
        }
    };
    json!({ "status": answer.status, "url": answer.url, "headers": headers, "body": body })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body_of(kind: &str, bytes: &[u8]) -> Value {
        let answer = FetchAnswer {
            status: 200,
            url: "https://example.test".into(),
            redirected: false,
            headers: vec![("Content-Type".into(), kind.into())],
            body: STANDARD.encode(bytes),
        };
        readable(answer)
    }

    #[test]
    fn a_body_is_what_it_says_that_it_is() {
        assert_eq!(body_of("application/json; charset=utf-8", b"{\"a\":1}")["body"], json!({ "a": 1 }));
        assert_eq!(body_of("application/problem+json", b"[1]")["body"], json!([1]));
        assert_eq!(body_of("application/json", b"{broken")["body"], json!("{broken"));
        assert_eq!(body_of("text/plain", b"{\"a\":1}")["body"], json!("{\"a\":1}"));
        let binary = body_of("image/png", &[0xff, 0xfe]);
        assert_eq!((&binary["body"], &binary["encoding"]), (&json!("//4="), &json!("base64")));
    }
}
