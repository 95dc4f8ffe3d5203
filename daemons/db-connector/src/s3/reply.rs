//! Answers of S3: objects as rows, contents as data, errors with what to do.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::operation::ObjectForm;
use bulkhead_model::query::QueryLimits;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

use super::request::Answers;
use super::xml;
use crate::answer::{Answer, Columns, RowsWriter, Summary, of_value};
use crate::error::QueryError;

use crate::http::Reply;
use crate::json::{exact_numbers, write_integer, write_string};
use crate::target::Target;

/// What S3 says when the key or the signature is not right.
const LOG_IN: &[&str] = &[
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidSecurity",
    "InvalidToken",
    "SignatureDoesNotMatch",
];

/// An answer as a result.
pub(super) fn read(
    reply: &Reply,
    answers: Answers,
    mut summary: Summary,
    limits: QueryLimits,
    target: &Target,
) -> Result<Answer, QueryError> {
    if matches!(answers, Answers::Head) && reply.status == StatusCode::NOT_FOUND {
        return of_value(Value::Null, summary, limits);
    }
    if !reply.status.is_success() {
        return Err(refused(reply, target));
    }
    let value = match answers {
        Answers::Listing => return listing(&reply.body, summary, limits),
        Answers::Content(form) => {
            summary.meta = Some(about(&reply.headers));
            // Rows are what a query asks for; the content of an object is one thing, be it a list.
            summary.data = Some(content(&reply.body, form)?);
            return whole(&RowsWriter::new(&Columns::default(), limits).close(&summary), limits);
        }
        Answers::Written => {
            json!({ "etag": tag(&reply.headers), "version": header(&reply.headers, "x-amz-version-id") })
        }
        Answers::Deleted => json!({ "version": header(&reply.headers, "x-amz-version-id") }),
        Answers::Head => about(&reply.headers),
    };
    of_value(value, summary, limits)
}

/// What the answer to a test says of the settings.
pub(super) fn judge(reply: &Reply, target: &Target) -> Result<(), QueryError> {
    if reply.status.is_success() {
        return xml::parse(&reply.body).map(drop).ok_or_else(|| other_server(reply.status));
    }
    match refused(reply, target) {
        // The key is right; what it may do is for its owner to say.
        QueryError::Sql { sqlstate, .. } if sqlstate == "AccessDenied" => Ok(()),
        error => Err(error),
    }
}

/// Why S3 did not do it.
fn refused(reply: &Reply, target: &Target) -> QueryError {
    let error = xml::parse(&reply.body).filter(|root| root.name == "Error").unwrap_or_default();
    let code = match (error.text_of("Code"), reply.status) {
        (Some(code), _) => code,
        // The answer to HEAD has no body.
        (None, StatusCode::FORBIDDEN) if reply.body.is_empty() => "AccessDenied",
        (None, StatusCode::PRECONDITION_FAILED) => "PreconditionFailed",
        (None, StatusCode::MOVED_PERMANENTLY | StatusCode::TEMPORARY_REDIRECT) => "PermanentRedirect",
        (None, status) => return other_server(status),
    };
    let mut message = format!("{code}: {}", error.text_of("Message").unwrap_or(reply.status.as_str()));
    let region = error.text_of("Region").or_else(|| header(&reply.headers, "x-amz-bucket-region"));
    if let Some(region) = region.filter(|region| !region.is_empty()) {
        message =
            format!("{message}. The bucket is in region {region}: set it on the resource's page, with its endpoint");
    }
    if code == "PreconditionFailed" {
        message = "PreconditionFailed: an object of this key is there already, and nothing was written".to_owned();
    }
    if LOG_IN.contains(&code) {
        return target.log_in(message);
    }
    QueryError::Sql { message, sqlstate: code.to_owned(), position: None }
}

fn other_server(status: StatusCode) -> QueryError {
    QueryError::Sql {
        message: format!("the server answered with status {status}, and not as S3 does: check the resource's URL"),
        sqlstate: status.as_str().to_owned(),
        position: None,
    }
}

fn listing(body: &[u8], mut summary: Summary, limits: QueryLimits) -> Result<Answer, QueryError> {
    let root = xml::parse(body).ok_or_else(|| other_server(StatusCode::OK))?;
    let is_escaped = root.text_of("EncodingType") == Some("url");
    let key = |text: &str| if is_escaped { unescaped(text) } else { text.to_owned() };
    let mut columns = Columns::default();
    for (name, type_name) in [
        ("key", "string"),
        ("size", "number"),
        ("modified", "timestamp"),
        ("etag", "string"),
        ("storage_class", "string"),
    ] {
        columns.add(name, type_name);
    }
    let mut writer = RowsWriter::new(&columns, limits);
    for object in root.all("Contents").take(limits.max_rows as usize) {
        writer.row(|out| {
            for (index, name) in columns.keys().enumerate() {
                out.push(if index == 0 { b'{' } else { b',' });
                out.extend_from_slice(name);
                match index {
                    0 => write_string(&key(object.text_of("Key").unwrap_or_default()), out),
                    1 => write_integer(object.text_of("Size").and_then(|size| size.parse().ok()).unwrap_or(0), out),
                    2 => write_text(object.text_of("LastModified"), out),
                    3 => write_text(object.text_of("ETag").map(|tag| tag.trim_matches('"')), out),
                    _ => write_text(object.text_of("StorageClass"), out),
                }
            }
            out.push(b'}');
            Ok(())
        })?;
    }
    let prefixes: Vec<String> = root.all("CommonPrefixes").filter_map(|one| one.text_of("Prefix")).map(key).collect();
    summary.truncated = root.text_of("IsTruncated") == Some("true");
    summary.meta = Some(json!({ "prefixes": prefixes, "continuation": root.text_of("NextContinuationToken") }));
    whole(&writer.close(&summary), limits)
}

fn whole(body: &bytes::Bytes, limits: QueryLimits) -> Result<Answer, QueryError> {
    if body.len() > limits.max_bytes as usize {
        return Err(QueryError::TooLarge(limits.max_bytes));
    }
    Ok(Answer::Whole(body.clone()))
}

fn write_text(text: Option<&str>, out: &mut Vec<u8>) {
    match text {
        Some(text) => write_string(text, out),
        None => out.extend_from_slice(b"null"),
    }
}

/// What `encoding-type=url` has done to a key.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let decoded = after.get(..2).filter(|_| first == b'%').and_then(|digits| hex::decode(digits).ok());
        match decoded {
            Some(decoded) => {
                bytes.extend(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(if first == b'+' { b' ' } else { first });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn content(body: &[u8], form: ObjectForm) -> Result<Value, QueryError> {
    let text = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).map(str::to_owned);
        text.map_err(|_| QueryError::Invalid("the object is no UTF-8 text: read it as base64".to_owned()))
    };
    match form {
        ObjectForm::Text => text(body).map(Value::String),
        ObjectForm::Base64 => Ok(Value::String(STANDARD.encode(body))),
        ObjectForm::Json => serde_json::from_slice(&exact_numbers(body)).map_err(|error| {
            QueryError::Invalid(format!("the object is no JSON ({error}): read it as text or base64"))
        }),
    }
}

/// What an answer's headers say of an object.
fn about(headers: &HeaderMap) -> Value {
    let size = header(headers, "content-length").and_then(|size| size.parse::<u64>().ok());
    let modified = header(headers, "last-modified");
    let iso = modified.and_then(|text| OffsetDateTime::parse(text, &Rfc2822).ok());
    let own = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix("x-amz-meta-")?;
        Some((name.to_owned(), Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned())))
    });
    json!({
        "size": size,
        "content-type": header(headers, "content-type"),
        "etag": tag(headers),
        "modified": iso.and_then(|at| at.format(&Rfc3339).ok()).or_else(|| modified.map(str::to_owned)),
        "range": header(headers, "content-range"),
        "version": header(headers, "x-amz-version-id"),
        "metadata": own.collect::<Map<_, _>>(),
    })
}

fn tag(headers: &HeaderMap) -> Option<&str> {
    header(headers, "etag").map(|tag| tag.trim_matches('"'))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written() {
        assert_eq!(unescaped("a+b%2Bc/%C3%A9%0A%2"), "a b+c/é\n%2");
    }

    #[test]
    fn content_that_is_not_what_it_is_read_as_says_so() {
        assert_eq!(content(b"\xff\x00", ObjectForm::Base64).expect("bytes"), json!("/wA="));
        assert_eq!(content(b"[1]", ObjectForm::Json).expect("JSON"), json!([1]));
        assert!(content(b"\xff", ObjectForm::Text).expect_err("refused").to_string().contains("base64"));
        assert!(content(b"{", ObjectForm::Json).expect_err("refused").to_string().contains("no JSON"));
    }
}
