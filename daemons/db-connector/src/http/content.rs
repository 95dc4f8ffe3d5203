//! What an answer of HTTP says, as JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::Reply;
use crate::error::QueryError;
use crate::json::exact_numbers;

/// Characters of a refusal's body that its message shows.
const EXCERPT: usize = 500;

/// The body: JSON as it is, a text as a string, other bytes as `{"base64", "content-type"}`.
pub(crate) fn value(reply: &Reply) -> Result<Value, QueryError> {
    let body = reply.body.as_ref();
    if body.is_empty() {
        return Ok(Value::Null);
    }
    let (essence, charset) = media_type(&reply.headers);
    if is_json(&essence) {
        return json(body).map_err(|reason| {
            let message = format!("the answer, {}, says that it is JSON, and is not: {reason}", reply.status);
            QueryError::Sql { message, sqlstate: reply.status.as_str().to_owned(), position: None }
        });
    }
    let latin = matches!(charset.as_str(), "iso-8859-1" | "latin1");
    let unicode = matches!(charset.as_str(), "" | "utf-8" | "utf8" | "us-ascii");
    if is_text(&essence) && latin {
        return Ok(Value::String(body.iter().copied().map(char::from).collect()));
    }
    match std::str::from_utf8(body) {
        Ok(text) if unicode && is_text(&essence) => Ok(Value::String(text.to_owned())),
        _ => Ok(json!({ "base64": STANDARD.encode(body), "content-type": essence })),
    }
}

/// A JSON document, with its numbers as they were written.
pub(crate) fn json(body: &[u8]) -> Result<Value, String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(&exact_numbers(body)).map_err(|error| error.to_string())
}

/// Status and headers, without the secrets that a server may repeat in them. Cookies are between the server and who asks, which is
/// Bulkhead.
pub(crate) fn meta(reply: &Reply, secrets: &[Zeroizing<String>]) -> Value {
    let mut headers: Map<String, Value> = Map::new();
    for name in reply.headers.keys().filter(|name| **name != header::SET_COOKIE) {
        let values = reply.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let value = redacted(values.collect::<Vec<_>>().join(", "), secrets);
        headers.insert(name.to_string(), Value::String(value));
    }
    json!({ "status": reply.status.as_u16(), "headers": headers })
}

/// A status of 400 or more, as an error with the start of what the server says.
pub(crate) fn refusal(reply: &Reply, secrets: &[Zeroizing<String>]) -> QueryError {
    let said = excerpt(&reply.body, secrets);
    let message = match said.as_str() {
        "" => format!("the server answered {}", reply.status),
        said => format!("the server answered {}: {said}", reply.status),
    };
    QueryError::Sql { message, sqlstate: reply.status.as_str().to_owned(), position: None }
}

/// The start of a body, in one line and without secrets; nothing of one that is no text.
pub(crate) fn excerpt(body: &[u8], secrets: &[Zeroizing<String>]) -> String {
    let start = &body[..body.len().min(4 * EXCERPT)];
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // Cut within a character.
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or(""),
        Err(_) => return String::new(),
    };
    let line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = redacted(line.collect::<Vec<_>>().join(" "), secrets);
    match line.char_indices().nth(EXCERPT) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// A text without what must be in no message: some servers repeat what they were sent.
pub(crate) fn redacted(text: String, secrets: &[Zeroizing<String>]) -> String {
    let secrets = secrets.iter().filter(|secret| !secret.is_empty());
    secrets.fold(text, |text, secret| text.replace(secret.as_str(), "…"))
}

/// The same of all texts in a value, the names in it included.
pub(crate) fn redacted_value(value: Value, secrets: &[Zeroizing<String>]) -> Value {
    match value {
        Value::String(text) => Value::String(redacted(text, secrets)),
        Value::Array(items) => items.into_iter().map(|item| redacted_value(item, secrets)).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (redacted(name, secrets), redacted_value(value, secrets))).collect()
        }
        other => other,
    }
}

/// Media type and character set, in lower case; empty where they are not told.
fn media_type(headers: &HeaderMap) -> (String, String) {
    let told = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let told = told.to_ascii_lowercase();
    let mut parts = told.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_owned();
    let charset = parts.find_map(|part| part.strip_prefix("charset=")).unwrap_or_default().trim_matches('"').to_owned();
    (essence, charset)
}

pub(crate) fn is_json_reply(reply: &Reply) -> bool {
    is_json(&media_type(&reply.headers).0)
}

fn is_json(essence: &str) -> bool {
    matches!(essence, "application/json" | "text/json") || essence.ends_with("+json")
}

fn is_text(essence: &str) -> bool {
    essence.is_empty()
        || essence.starts_with("text/")
        || essence.ends_with("+xml")
        || matches!(
            essence,
            "application/xml"
                | "application/javascript"
                | "application/yaml"
                | "application/x-yaml"
                | "application/jsonl"
                | "application/x-ndjson"
                | "application/x-www-form-urlencoded"
        )
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, StatusCode};

    use super::*;

    fn told(content_type: &'static str, body: &'static [u8]) -> Value {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        value(&Reply { status: StatusCode::OK, headers, body: body.into() }).expect("a value")
    }

    #[test]
    fn a_body_is_read_as_its_type_says() {
        assert_eq!(told("application/problem+json; charset=utf-8", b"{\"a\":1}"), json!({ "a": 1 }));
        assert_eq!(told("text/plain", "é".as_bytes()), json!("é"));
        assert_eq!(told("text/plain; charset=ISO-8859-1", b"\xe9"), json!("é"));
        assert_eq!(told("text/plain", b"\xe9"), json!({ "base64": "6Q==", "content-type": "text/plain" }));
        assert_eq!(told("image/png", b"\x89PNG"), json!({ "base64": "iVBORw==", "content-type": "image/png" }));
        assert_eq!(told("application/json", b""), json!(null));
    }

    #[test]
    fn an_excerpt_is_one_line_and_keeps_no_secret() {
        assert_eq!(excerpt(b"a\r\n  b\tc", &[]), "a b c");
        assert_eq!(excerpt(b"\xff\x00", &[]), "");
        assert_eq!(excerpt("é".repeat(2000).as_bytes(), &[]).chars().count(), EXCERPT + 1);
        let secrets = [Zeroizing::new("s3cret".to_owned())];
        assert_eq!(excerpt(b"no s3cret here", &secrets), "no … here");
    }

    #[test]
    fn headers_that_repeat_the_secret_are_told_without_it() {
        let link = "<https://api.example.com/orders?api_key=s3cret&page=2>; rel=\"next\"";
        let headers = [(header::LINK, link.parse().expect("a header"))].into_iter().collect();
        let reply = Reply { status: StatusCode::OK, headers, body: Default::default() };
        let told = meta(&reply, &[Zeroizing::new("s3cret".to_owned())]);
        assert!(told["headers"]["link"].as_str().expect("text").contains("api_key=…&page=2"), "{told}");
    }
}
