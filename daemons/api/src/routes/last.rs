//! The last parameter of a path, as text: the one that names what lies below a guarded object.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;

use crate::http_error::ApiError;
use crate::state::SharedApi;

/// The last parameter, decoded but not yet parsed.
#[derive(Debug)]
pub(crate) struct Last(pub(crate) String);

impl FromRequestParts<SharedApi> for Last {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &SharedApi) -> Result<Self, ApiError> {
        let parameters = RawPathParams::from_request_parts(parts, api).await.map_err(|_| ApiError::NotFound)?;
        let last = parameters.iter().last().map(|(_, value)| value.to_owned());
        last.map(Self).ok_or(ApiError::NotFound)
    }
}
