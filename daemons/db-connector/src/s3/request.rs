//! Operations as signed requests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::operation::{
    ListObjects, ObjectForm, Operation, PresignMethod, PresignObject, ReadObject, TextTemplate, Values, WriteObject,
};
use bulkhead_model::resource::{S3Addressing, is_bucket};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Settings;
use super::sign::{Signed, Signer, escaped, hash, query_string};
use crate::error::QueryError;
use crate::target::Target;

/// The longest key that S3 knows, in bytes.
const MAX_KEY_BYTES: usize = 1024;

/// What an operation comes to.
pub(super) enum Asked {
    /// A request, and how its answer reads.
    Request(Box<Request<Full<Bytes>>>, Answers),
    /// What needs no request.
    Known(Value),
}

/// How an answer reads.
#[derive(Clone, Copy)]
pub(super) enum Answers {
    Listing,
    Content(ObjectForm),
    Written,
    Deleted,
    Head,
}

/// A request before it is signed.
#[derive(Default)]
struct Draft {
    method: &'static str,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

/// What an operation asks. `max_rows` is the cap of the query.
pub(super) fn of_operation(
    operation: &Operation,
    values: &Values,
    max_rows: u32,
    settings: &Settings,
    target: &Target,
) -> Result<Asked, QueryError> {
    let at = |bucket: &TextTemplate, key: &TextTemplate| place(settings, bucket, Some(key), values);
    let (draft, answers) = match operation {
        Operation::ListObjects(list) => (listing(list, values, max_rows, settings)?, Answers::Listing),
        Operation::ReadObject(read) => {
            let headers = range(read).map(|range| ("range", range)).into_iter().collect();
            let path = at(&read.bucket, &read.key)?;
            (Draft { method: "GET", path, headers, ..Draft::default() }, Answers::Content(read.form))
        }
        Operation::HeadObject(head) => {
            (Draft { method: "HEAD", path: at(&head.bucket, &head.key)?, ..Draft::default() }, Answers::Head)
        }
        Operation::DeleteObject(delete) => {
            (Draft { method: "DELETE", path: at(&delete.bucket, &delete.key)?, ..Draft::default() }, Answers::Deleted)
        }
        Operation::WriteObject(write) => (writing(write, values, at(&write.bucket, &write.key)?)?, Answers::Written),
        Operation::PresignObject(presign) => {
            let path = at(&presign.bucket, &presign.key)?;
            return presigned(presign, &path, settings, target).map(Asked::Known);
        }
        _ => return Err(QueryError::OtherOperation),
    };
    draft.signed(settings, target).map(|request| Asked::Request(Box::new(request), answers))
}

/// The request that a test of the settings sends: the first object of the fixed bucket, or the buckets.
pub(super) fn of_test(settings: &Settings, target: &Target) -> Result<Request<Full<Bytes>>, QueryError> {
    let nothing = TextTemplate::default();
    let is_fixed = !settings.config.bucket.is_empty();
    let draft = Draft {
        method: "GET",
        path: if is_fixed { place(settings, &nothing, None, &Values::new())? } else { settings.root() },
        query: if is_fixed { vec![("list-type", "2".into()), ("max-keys", "1".into())] } else { Vec::new() },
        ..Draft::default()
    };
    draft.signed(settings, target)
}

impl Draft {
    fn signed(mut self, settings: &Settings, target: &Target) -> Result<Request<Full<Bytes>>, QueryError> {
        let signer = settings.signer(target)?;
        let content_hash = hash(&self.body);
        self.headers.extend([
            ("host", settings.authority.clone()),
            ("x-amz-content-sha256", content_hash.clone()),
            ("x-amz-date", signer.moment.clone()),
        ]);
        self.headers.sort();
        let (method, path) = (self.method, self.path.as_str());
        let signed = Signed { method, path, query: &self.query, headers: &self.headers };
        let authorization = signer.authorization(&signed, &content_hash);
        let query = query_string(&self.query);
        let uri = if query.is_empty() { self.path.clone() } else { format!("{path}?{query}") };
        let mut request = Request::builder().method(method).uri(uri).header("authorization", authorization);
        for (name, value) in &self.headers {
            request = request.header(*name, value.trim());
        }
        request.body(Full::new(self.body)).map_err(|error| QueryError::Invalid(format!("it cannot be sent: {error}")))
    }
}

impl Settings {
    fn signer<'a>(&'a self, target: &'a Target) -> Result<Signer<'a>, QueryError> {
        let secret = target.required_secret()?;
        Ok(Signer::new(&self.config.access_key_id, secret, &self.config.region, OffsetDateTime::now_utc()))
    }

    /// The path that all requests begin with.
    fn root(&self) -> String {
        format!("{}/", self.config.url.parts().map_or("", |parts| parts.path))
    }
}

/// The path of a bucket or an object, escaped.
fn place(
    settings: &Settings,
    bucket: &TextTemplate,
    key: Option<&TextTemplate>,
    values: &Values,
) -> Result<String, QueryError> {
    let bucket = bucket_named(&bucket.fill(values)?, &settings.config.bucket)?;
    let key = key.map(|key| key.fill(values)).transpose()?;
    if let Some(key) = &key {
        check_key(key)?;
    }
    let key = escaped(&key.unwrap_or_default(), "/");
    Ok(match settings.config.addressing {
        S3Addressing::Path if key.is_empty() => format!("{}{bucket}", settings.root()),
        S3Addressing::Path => format!("{}{bucket}/{key}", settings.root()),
        S3Addressing::VirtualHost => format!("{}{key}", settings.root()),
    })
}

fn bucket_named(asked: &str, fixed: &str) -> Result<String, QueryError> {
    let bucket = if asked.is_empty() { fixed } else { asked };
    if bucket.is_empty() {
        return Err(QueryError::Invalid("no bucket is named: name one, or fix one on the resource's page".into()));
    }
    if !fixed.is_empty() && bucket != fixed {
        return Err(QueryError::Invalid(format!("this resource is for bucket `{fixed}` alone: leave the bucket out")));
    }
    if !is_bucket(bucket) {
        return Err(QueryError::Invalid(
            "this is no name of a bucket: it has letters, digits, dots and hyphens".to_owned(),
        ));
    }
    Ok(bucket.to_owned())
}

/// Refuses what names no object: without a key a request would be about the bucket itself, and a way with `..` might lead out of it.
fn check_key(key: &str) -> Result<(), QueryError> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(QueryError::Invalid(format!("an object's key has 1 to {MAX_KEY_BYTES} bytes")));
    }
    if key.split('/').any(|part| part == "." || part == "..") {
        return Err(QueryError::Invalid("an object's key cannot have . or .. between its slashes".to_owned()));
    }
    Ok(())
}

fn listing(list: &ListObjects, values: &Values, max_rows: u32, settings: &Settings) -> Result<Draft, QueryError> {
    let max = u32::from(list.max).min(max_rows).max(1);
    let mut query =
        vec![("list-type", "2".to_owned()), ("encoding-type", "url".to_owned()), ("max-keys", max.to_string())];
    for (name, template) in
        [("prefix", &list.prefix), ("delimiter", &list.delimiter), ("continuation-token", &list.continuation)]
    {
        let value = template.fill(values)?;
        if !value.is_empty() {
            query.push((name, value));
        }
    }
    Ok(Draft { method: "GET", path: place(settings, &list.bucket, None, values)?, query, ..Draft::default() })
}

fn range(read: &ReadObject) -> Option<String> {
    let range = read.range?;
    Some(format!("bytes={}-{}", range.first, range.last.map(|last| last.to_string()).unwrap_or_default()))
}

fn writing(write: &WriteObject, values: &Values, path: String) -> Result<Draft, QueryError> {
    let (body, form) = match (&write.text, &write.base64) {
        (Some(text), _) => (text.fill(values)?.into_bytes(), "text/plain; charset=utf-8"),
        (None, Some(base64)) => {
            let decoded = STANDARD.decode(base64.fill(values)?.trim());
            let fault = |_| QueryError::Invalid("the object's content is no base64 with padding".to_owned());
            (decoded.map_err(fault)?, "application/octet-stream")
        }
        (None, None) => (write.json.fill(values)?.to_string().into_bytes(), "application/json"),
    };
    let content_type = write.content_type.fill(values)?;
    let content_type = if content_type.trim().is_empty() { form.to_owned() } else { content_type };
    let mut headers = vec![("content-type", content_type)];
    if write.if_none_match {
        headers.push(("if-none-match", "*".to_owned()));
    }
    Ok(Draft { method: "PUT", path, headers, body: body.into(), ..Draft::default() })
}

fn presigned(presign: &PresignObject, path: &str, settings: &Settings, target: &Target) -> Result<Value, QueryError> {
    let method = match presign.method {
        PresignMethod::Get => "GET",
        PresignMethod::Put => "PUT",
    };
    let headers = [("host", settings.authority.clone())];
    let query = settings
        .signer(target)?
        .presigned_query(&Signed { method, path, query: &[], headers: &headers }, presign.expires_s);
    let scheme = if settings.config.url.parts().is_some_and(|parts| parts.is_encrypted) { "https" } else { "http" };
    let expires = OffsetDateTime::now_utc() + time::Duration::seconds(presign.expires_s.into());
    let expires = expires.replace_nanosecond(0).unwrap_or(expires).format(&Rfc3339).unwrap_or_default();
    Ok(
        json!({ "url": format!("{scheme}://{}{path}?{query}", settings.authority), "method": method, "expires": expires }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(addressing: &str) -> (String, String) {
        let config = json!({
            "url": "https://s3.example.com:9000/gate", "access-key-id": "a", "addressing": addressing, "bucket": "files"
        });
        let config: bulkhead_model::resource::S3Config = serde_json::from_value(config).expect("a configuration");
        let settings = Settings { authority: config.authority(), host: String::new(), config };
        let target = Target::new("storage".into(), Some(b"secret".to_vec().into()), false);
        let head = serde_json::from_value(json!({ "do": "head-object", "key": "a b/{{ x }}" })).expect("an operation");
        let values = serde_json::from_value(json!({ "x": "?%" })).expect("values");
        match of_operation(&head, &values, 1, &settings, &target).expect("a request") {
            Asked::Request(request, _) => {
                (request.headers()["host"].to_str().expect("text").to_owned(), request.uri().to_string())
            }
            Asked::Known(value) => panic!("{value}"),
        }
    }

    #[test]
    fn a_bucket_is_named_in_the_path_or_in_the_host() {
        assert_eq!(sent("path"), ("s3.example.com:9000".into(), "/gate/files/a%20b/%3F%25".into()));
        assert_eq!(sent("virtual-host"), ("files.s3.example.com:9000".into(), "/gate/a%20b/%3F%25".into()));
    }
}
