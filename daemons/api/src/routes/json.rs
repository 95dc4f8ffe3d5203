//! JSON bodies in, with refusals in our own words.

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::auth::cross_site::is_json;
use crate::http_error::ApiError;
use crate::state::SharedApi;

/// A JSON body: of a request, refused unless it reads as `T`; of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<SharedApi> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &SharedApi) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::NotJson);
        }
        let bytes = read(request, api.config.body_limit_bytes).await?;
        parse(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The whole body, refused as soon as it is known to be too large.
pub(crate) async fn read(request: Request, limit_bytes: usize) -> Result<Bytes, ApiError> {
    let announced =
        request.headers().get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > limit_bytes as u64) {
        return Err(ApiError::BodyTooLarge { limit_bytes });
    }
    let collected = Limited::new(request.into_body(), limit_bytes).collect().await;
    collected.map(|body| body.to_bytes()).map_err(|error| {
        if error.is::<LengthLimitError>() {
            ApiError::BodyTooLarge { limit_bytes }
        } else {
            ApiError::Malformed("the body broke off: send it again".into())
        }
    })
}

/// `T` from JSON text. PostgreSQL cannot store the character NUL, so it is refused here, where its place can be told.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let malformed = |error: serde_json::Error| match error.classify() {
        serde_json::error::Category::Data => ApiError::invalid(error.to_string(), Vec::new()),
        _ => ApiError::Malformed(format!("the body is not JSON: {error}")),
    };
    // Only a text that spells NUL as an escape can hold one.
    if bytes.windows(6).any(|window| window == b"\\u0000") {
        let value: Value = serde_json::from_slice(bytes).map_err(malformed)?;
        if holds_nul(&value) {
            return Err(ApiError::Malformed(
                "the body holds the character NUL (\\u0000), which cannot be stored: remove it".into(),
            ));
        }
    }
    serde_json::from_slice(bytes).map_err(malformed)
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(map) => map.iter().any(|(key, item)| key.contains('\0') || holds_nul(item)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_no_json_or_cannot_be_stored_says_why() {
        let detail = |text: &str| parse::<Value>(text.as_bytes()).expect_err(text).to_string();
        assert!(detail("{\"a\": ").contains("line 1 column 6"));
        assert!(detail("{\"a\": [\"\\u0000\"]}").contains("NUL"));
        assert!(detail("{\"\\u0000\": 1}").contains("NUL"));
        assert!(detail(&"[".repeat(10_000)).contains("recursion"));
        assert_eq!(parse::<Value>(br#""\\u0000""#).expect("an escaped backslash is none"), "\\u0000");
    }
}
