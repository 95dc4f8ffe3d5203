//! A request with its values, each encoded for where it stands.

use std::cell::Cell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::binding::Template;
use bulkhead_model::header::{is_value, name_fault};
use bulkhead_model::operation::{FillError, HttpRequest, NamedText, RequestBody, TextTemplate, Values};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;

use crate::error::QueryError;
use crate::http::{Ask, Site, VALUE, json_body};

/// What is encoded in a path as it was written: what cannot stand there. `%` can, so that it may be written encoded.
const WRITTEN: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'?').add(b'`').add(b'{').add(b'}');

const OCTETS: &str = "application/octet-stream";

/// What is sent for a request.
pub(super) fn ask(request: &HttpRequest, values: &Values, site: &Site) -> Result<Ask, QueryError> {
    let base = site.url().parts().map_or("", |parts| parts.path);
    let mut target = format!("{base}{}", path(&request.path, values)?);
    if target.is_empty() {
        target.push('/');
    }
    for (name, value) in pairs(&request.query, values)? {
        push_parameter(&mut target, name, &value);
    }
    let (content_type, body) = body(&request.body, values)?;
    let mut headers = HeaderMap::new();
    if let Some(content_type) = content_type {
        headers.insert(header::CONTENT_TYPE, header_value("Content-Type", &content_type)?);
    }
    let mut given = HeaderMap::new();
    for (name, value) in pairs(&request.headers, values)? {
        if let Some(fault) = name_fault(name) {
            return Err(QueryError::Request(format!("header `{name}` {fault}")));
        }
        if site.own_header().is_some_and(|own| own.eq_ignore_ascii_case(name)) {
            let message = format!("header `{name}` is set by the resource, which shows there who asks: remove it");
            return Err(QueryError::Request(message));
        }
        let header = HeaderName::from_bytes(name.as_bytes());
        let header = header.map_err(|_| QueryError::Request(format!("header `{name}` is none")))?;
        given.append(header, header_value(name, &value)?);
    }
    for name in given.keys() {
        headers.remove(name);
    }
    headers.extend(given);
    let method = Method::from_bytes(request.method.as_str().as_bytes());
    let method = method.map_err(|_| QueryError::Request("its method is none".to_owned()))?;
    Ok(Ask { method, target, headers, body })
}

/// Appends a query parameter.
pub(super) fn push_parameter(target: &mut String, name: &str, value: &str) {
    target.push(if target.contains('?') { '&' } else { '?' });
    target.extend(utf8_percent_encode(name, VALUE));
    target.push('=');
    target.extend(utf8_percent_encode(value, VALUE));
}

/// A path whose values are segments, or parts of one. Dots between slashes are refused even where they are encoded: some servers
/// decode a path before they look where it leads.
pub(crate) fn path(written: &TextTemplate, values: &Values) -> Result<String, QueryError> {
    let (count, bad) = (Cell::new(0), Cell::new(None));
    let filled = written.fill_escaped(values, |value| {
        let changes_path = value.is_empty() || value.split(['/', '\\']).any(is_dots);
        if changes_path && bad.get().is_none() {
            bad.set(Some(count.get()));
        }
        count.set(count.get() + 1);
        utf8_percent_encode(value, VALUE).to_string()
    })?;
    let expression = |index: usize| {
        let template = Template::parse(&written.0).ok();
        template.and_then(|template| template.expressions().nth(index).map(str::to_owned)).unwrap_or_default()
    };
    if let Some(index) = bad.get() {
        return Err(FillError::InPath(expression(index)).into());
    }
    // Dots that were written beside a value.
    if filled.split('/').any(|segment| is_dots(&segment.replace("%2e", ".").replace("%2E", "."))) {
        return Err(match count.get() {
            0 => QueryError::Request("its path has `.` or `..` between slashes: write where it leads".to_owned()),
            _ => FillError::InPath(expression(0)).into(),
        });
    }
    Ok(utf8_percent_encode(&filled, WRITTEN).to_string())
}

fn is_dots(segment: &str) -> bool {
    matches!(segment, "." | "..")
}

/// Names with their values: none for null, several for a list.
pub(crate) fn pairs<'a>(named: &'a [NamedText], values: &Values) -> Result<Vec<(&'a str, String)>, QueryError> {
    let mut pairs = Vec::new();
    for NamedText { name, value } in named {
        let items = match value.fill_value(values)? {
            Value::Array(items) => items,
            single => vec![single],
        };
        for item in items {
            let text = match item {
                Value::Null => continue,
                Value::String(text) => text,
                Value::Bool(_) | Value::Number(_) => item.to_string(),
                Value::Array(_) | Value::Object(_) => return Err(FillError::NoText(value.0.clone()).into()),
            };
            pairs.push((name.as_str(), text));
        }
    }
    Ok(pairs)
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, QueryError> {
    let refused = || {
        let message =
            format!("the value of header `{name}` has line breaks, control characters or more than 8192 bytes");
        QueryError::Request(message)
    };
    if is_value(value) { HeaderValue::from_bytes(value.as_bytes()).map_err(|_| refused()) } else { Err(refused()) }
}

/// The type of a body, and the body.
fn body(body: &RequestBody, values: &Values) -> Result<(Option<String>, Bytes), QueryError> {
    let or = |written: &str, default: &str| Some(if written.is_empty() { default } else { written }.to_owned());
    Ok(match body {
        RequestBody::None => (None, Bytes::new()),
        RequestBody::Json { json } => {
            let (_, body) = json_body(&json.fill(values)?);
            (or("", "application/json"), body)
        }
        RequestBody::Form { fields } => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(pairs(fields, values)?);
            (or("", "application/x-www-form-urlencoded"), form.finish().into())
        }
        RequestBody::Text { text, content_type } => {
            (or(content_type, "text/plain; charset=utf-8"), text.fill(values)?.into())
        }
        RequestBody::Bytes { base64, content_type } => (or(content_type, OCTETS), decoded(base64, values)?.into()),
        RequestBody::File { field, file_name, base64, content_type, fields } => {
            let boundary = format!("bulkhead-{}", uuid::Uuid::new_v4().simple());
            let content_type = or(content_type, OCTETS).unwrap_or_default();
            let file = File { field, name: file_name.fill(values)?, content_type, bytes: decoded(base64, values)? };
            let body = multipart(&boundary, fields, values, &file)?;
            (Some(format!("multipart/form-data; boundary={boundary}")), body.into())
        }
    })
}

fn decoded(base64: &TextTemplate, values: &Values) -> Result<Vec<u8>, QueryError> {
    let text: String = base64.fill(values)?.split_ascii_whitespace().collect();
    STANDARD.decode(text).map_err(|_| QueryError::Request("its file is no base64: encode its bytes".to_owned()))
}

struct File<'a> {
    field: &'a str,
    name: String,
    content_type: String,
    bytes: Vec<u8>,
}

/// A form of several parts (RFC 7578), its names written as browsers write them.
fn multipart(boundary: &str, fields: &[NamedText], values: &Values, file: &File<'_>) -> Result<Vec<u8>, QueryError> {
    let quoted = |name: &str| name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let mut body = Vec::with_capacity(file.bytes.len() + 1024);
    for (name, value) in pairs(fields, values)? {
        let name = quoted(name);
        let part = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let (field, name) = (quoted(file.field), quoted(&file.name));
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: {}\r\n\r\n",
        file.content_type
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(&file.bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Ok(body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn filled(written: &str, value: Value) -> Result<String, String> {
        let values: Values = [("id".to_owned(), value)].into_iter().collect();
        path(&written.into(), &values).map_err(|error| error.to_string())
    }

    #[test]
    fn a_value_stays_within_its_segment() {
        assert_eq!(filled("/a b/{{ id }}/c", json!("x/y?z#1%2e é")).unwrap(), "/a%20b/x%2Fy%3Fz%231%252e%20%C3%A9/c");
        assert_eq!(filled("/v{{ id }}.json", json!(1)).unwrap(), "/v1.json");
        assert_eq!(filled("/%7Ewritten", json!(1)).unwrap(), "/%7Ewritten");
        for value in
            [json!(""), json!(null), json!("."), json!(".."), json!("../../admin"), json!("a\\..\\b"), json!("a/..")]
        {
            assert!(filled("/users/{{ id }}/x", value.clone()).unwrap_err().contains("`id`"), "{value}");
        }
        for written in ["/a/.{{ id }}", "/a/%2e{{ id }}/b"] {
            assert!(filled(written, json!(".")).is_err(), "{written}");
        }
        assert!(filled("/a/../b", json!("")).is_err());
    }

    #[test]
    fn names_repeat_for_a_list_and_are_left_out_for_null() {
        let named: Vec<NamedText> = serde_json::from_value(json!([
            { "name": "tag", "value": "{{ tags }}" },
            { "name": "no", "value": "{{ no }}" },
            { "name": "a b", "value": "&{{ n }}" },
        ]))
        .unwrap();
        let values: Values = serde_json::from_value(json!({ "tags": ["x&y", 2], "no": null, "n": true })).unwrap();
        let mut target = "/x".to_owned();
        for (name, value) in pairs(&named, &values).unwrap() {
            push_parameter(&mut target, name, &value);
        }
        assert_eq!(target, "/x?tag=x%26y&tag=2&a%20b=%26true");
        let object: Values = serde_json::from_value(json!({ "tags": { "a": 1 } })).unwrap();
        assert!(pairs(&named[..1], &object).is_err());
    }
}
