//! Signatures of webhooks. The secret is opened in workflows-backend, which says yes or no: api never has it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::WorkflowId;
use bulkhead_model::workflow::{Signature, SignatureEncoding};
use bulkhead_rpc::backend::{SignatureAnswer, SignatureRequest};
use http::{HeaderMap, Method};
use time::OffsetDateTime;

use crate::http_error::ApiError;
use crate::state::SharedApi;

/// What a caller says of its signature.
#[derive(Debug)]
pub(crate) struct Signed<'a> {
    how: &'a Signature,
    signature: Vec<u8>,
    timestamp: String,
}

impl<'a> Signed<'a> {
    /// Reads the headers; refuses what is not there or too old.
    pub(crate) fn of(how: &'a Signature, headers: &HeaderMap) -> Result<Self, ApiError> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let text = header(&how.header).and_then(|text| text.trim().strip_prefix(&how.prefix));
        let signature = match how.encoding {
            SignatureEncoding::Hex => text.and_then(|text| hex::decode(text).ok()),
            SignatureEncoding::Base64 => text.and_then(|text| STANDARD.decode(text).ok()),
        };
        let signature = signature.ok_or(ApiError::WrongSignature)?;
        let Some(time) = &how.timestamp else { return Ok(Self { how, signature, timestamp: String::new() }) };
        let timestamp = header(&time.header).unwrap_or_default().trim().to_owned();
        let seconds: i64 = timestamp.parse().map_err(|_| ApiError::WrongSignature)?;
        let apart = OffsetDateTime::now_utc().unix_timestamp().abs_diff(seconds);
        if apart > time.within_s.into() {
            return Err(ApiError::SignatureTooOld { within_s: time.within_s });
        }
        Ok(Self { how, signature, timestamp })
    }

    /// Refuses what was signed by nobody with the secret.
    pub(crate) async fn check(&self, api: &SharedApi, workflow: WorkflowId, body: &[u8]) -> Result<(), ApiError> {
        let request = SignatureRequest {
            workflow,
            secret: self.how.secret.clone(),
            signed: STANDARD.encode(self.how.signed(&self.timestamp, body)),
            signature: STANDARD.encode(&self.signature),
        };
        let answer: SignatureAnswer = api.backend.call(Method::POST, "/v1/signatures", &request).await?;
        if answer.is_right { Ok(()) } else { Err(ApiError::WrongSignature) }
    }

    /// What two sendings of one request have in common; none where nothing says when it was signed, and two may be meant.
    pub(crate) fn once(&self) -> Option<String> {
        self.how.timestamp.as_ref().map(|_| hex::encode(&self.signature))
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value)));
        pairs.map(|(name, value)| (name, value.expect("a value"))).collect()
    }

    #[test]
    fn what_is_missing_malformed_or_old_is_refused() {
        let how: Signature = serde_json::from_value(json!({
            "secret": "partner", "header": "X-Signature", "prefix": "v0=", "timestamp": { "header": "X-Time", "within-s": 60 },
        }))
        .expect("a signature");
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let of = |signature: &str, seconds: i64| {
            let headers = headers(&[("x-signature", signature), ("x-time", &seconds.to_string())]);
            Signed::of(&how, &headers).map(|signed| signed.once())
        };
        assert_eq!(of("v0=00ff", now).expect("fine"), Some("00ff".to_owned()));
        for (signature, seconds) in [("00ff", now), ("v0=zz", now), ("", now)] {
            assert!(matches!(of(signature, seconds), Err(ApiError::WrongSignature)), "{signature}");
        }
        for seconds in [now - 90, now + 90] {
            assert!(matches!(of("v0=00ff", seconds), Err(ApiError::SignatureTooOld { within_s: 60 })));
        }
    }
}
