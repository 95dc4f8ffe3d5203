//! Undoing the compression of an answer, within the bytes that it may have.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use http::{HeaderMap, header};

use super::{Bounds, Reply};
use crate::error::QueryError;

/// An answer as it was before it was compressed with gzip, the one compression that requests offer.
pub(super) fn decoded(mut reply: Reply, bounds: Bounds) -> Result<Reply, QueryError> {
    if !is_gzip(&reply.headers) || reply.body.is_empty() {
        return Ok(reply);
    }
    let most = u64::from(bounds.max_bytes);
    let mut body = Vec::new();
    let read = MultiGzDecoder::new(reply.body.as_ref()).take(most + 1).read_to_end(&mut body);
    if read.is_err() {
        let message = format!("the answer, {}, says that it is compressed with gzip, and is not", reply.status);
        return Err(QueryError::Sql { message, sqlstate: reply.status.as_str().to_owned(), position: None });
    }
    if body.len() as u64 > most {
        return Err(bounds.too_large(reply.status));
    }
    reply.headers.remove(header::CONTENT_ENCODING);
    reply.headers.remove(header::CONTENT_LENGTH);
    reply.body = body.into();
    Ok(reply)
}

fn is_gzip(headers: &HeaderMap) -> bool {
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    encoding.is_some_and(|encoding| matches!(encoding.trim().to_ascii_lowercase().as_str(), "gzip" | "x-gzip"))
}
