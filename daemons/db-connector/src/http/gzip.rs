//! Undoing the compression of an answer, within the bytes that it may have.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use http::{HeaderMap, header};

use super::{Bounds, Reply};
use crate::error::QueryError;
use crate::memory;

/// An answer as it was before it was compressed with gzip, the one compression that requests offer. None where there is no room for it.
pub(super) async fn decoded(mut reply: Reply, bounds: Bounds) -> Result<Option<Reply>, QueryError> {
    if !is_gzip(&reply.headers) || reply.body.is_empty() {
        return Ok(Some(reply));
    }
    let most = u64::from(bounds.max_bytes);
    let mut body = Vec::new();
    let mut decoder = MultiGzDecoder::new(reply.body.as_ref());
    let small = memory::FREE as u64 + 1;
    let mut read = decoder.by_ref().take(small.min(most + 1)).read_to_end(&mut body);
    if read.is_ok() && body.len() as u64 == small {
        if memory::room(body.len(), bounds.max_bytes as usize).await.is_err() {
            return Ok(None);
        }
        read = decoder.by_ref().take((most + 1).saturating_sub(small)).read_to_end(&mut body);
    }
    drop(decoder);
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
    Ok(Some(reply))
}

fn is_gzip(headers: &HeaderMap) -> bool {
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    encoding.is_some_and(|encoding| matches!(encoding.trim().to_ascii_lowercase().as_str(), "gzip" | "x-gzip"))
}
