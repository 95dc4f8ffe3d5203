//! Metadata of calls and answers. A value never breaks its header: it is one line of ASCII, or base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::header::{is_metadata, metadata_fault};
use bulkhead_model::operation::{NamedText, Values};
use bulkhead_model::resource::GrpcAuthentication;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::Pool;
use crate::error::QueryError;
use crate::http::content::redacted;
use crate::rest::build::pairs;
use crate::target::Target;

/// The metadata of a call: the resource's, the call's own, and who asks.
pub(super) fn of(pool: &Pool, own: &[NamedText], values: &Values) -> Result<HeaderMap, QueryError> {
    let mut metadata = HeaderMap::new();
    for (name, value) in &pool.config.metadata {
        metadata.append(header(name)?, header_value(name, value)?);
    }
    for (name, value) in pairs(own, values)? {
        if let Some(fault) = metadata_fault(name) {
            return Err(refused(name, fault));
        }
        if pool.config.authentication.metadata() == Some(name) {
            return Err(refused(name, "is set by the resource, which shows there who asks: remove it"));
        }
        metadata.append(header(name)?, header_value(name, &value)?);
    }
    metadata.extend(credentials(pool)?.map(|(name, value)| (Some(name), value)));
    Ok(metadata)
}

/// Who asks. For a call of the connector's own, that is all.
pub(super) fn credentials(pool: &Pool) -> Result<Option<(HeaderName, HeaderValue)>, QueryError> {
    let Some(name) = pool.config.authentication.metadata() else { return Ok(None) };
    pool.target.required_secret()?;
    let secret = pool.target.secret_text()?.unwrap_or_default();
    let text = Zeroizing::new(match pool.config.authentication {
        GrpcAuthentication::Bearer => format!("Bearer {secret}"),
        _ => secret.to_owned(),
    });
    let value = is_metadata(&text).then(|| HeaderValue::from_str(&text).ok()).flatten();
    let mut value = value
        .ok_or_else(|| pool.target.log_in("the secret has characters that no metadata can hold: enter it again"))?;
    value.set_sensitive(true);
    Ok(Some((header(name)?, value)))
}

fn header(name: &str) -> Result<HeaderName, QueryError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused(name, "is no name"))
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, QueryError> {
    if name.ends_with("-bin") && STANDARD.decode(value).is_err() {
        return Err(refused(name, "holds bytes, which are written as base64"));
    }
    let value = is_metadata(value).then(|| HeaderValue::from_str(value).ok()).flatten();
    value.ok_or_else(|| {
        refused(name, "must be one line of 8192 characters of ASCII at most; other texts go into a name that ends in -bin, as base64")
    })
}

fn refused(name: &str, problem: &str) -> QueryError {
    QueryError::Field { field: format!("metadata.{name}"), problem: problem.to_owned() }
}

/// What a server tells beside its messages: what it sent before them, and after.
pub(super) fn told(headers: &HeaderMap, trailers: &HeaderMap, target: &Target) -> Result<Value, QueryError> {
    let secrets: Vec<_> = target.secret_text()?.map(|secret| Zeroizing::new(secret.to_owned())).into_iter().collect();
    let shown = |map: &HeaderMap| {
        let mut shown: Map<String, Value> = Map::new();
        for name in map.keys().map(HeaderName::as_str) {
            if name.starts_with("grpc-") || name == "content-type" {
                continue;
            }
            let text = |value: &HeaderValue| redacted(String::from_utf8_lossy(value.as_bytes()).into_owned(), &secrets);
            let mut values: Vec<Value> = map.get_all(name).iter().map(|value| text(value).into()).collect();
            let value = if values.len() == 1 { values.remove(0) } else { values.into() };
            shown.insert(name.to_owned(), value);
        }
        shown
    };
    Ok(json!({ "headers": shown(headers), "trailers": shown(trailers) }))
}
