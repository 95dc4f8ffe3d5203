//! What starts a run.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{EventDelivery, Schedule};
use crate::{Fault, Name, Slug};

/// What starts a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Trigger {
    /// `POST /hooks/<workflow>/<trigger>` with the trigger's key; the body is `trigger.body`.
    Webhook(Webhook),
    /// The clock.
    Schedule(Schedule),
}

/// A request of another program.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Webhook {
    /// Whether the caller waits for the response block.
    #[serde(default)]
    pub reply: WebhookReply,
    /// How the caller signs, besides having the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// The event that it delivers to runs which wait for it. It starts no run then, and its caller is answered at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventDelivery>,
    /// The environment of its runs; the default one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Slug>,
}

/// When a webhook's caller is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookReply {
    /// When the response block has run (or the run has ended), within 60 seconds.
    #[default]
    Response,
    /// At once, with 202 and the run's id.
    Accepted,
}

/// A signature of the body: HMAC with SHA-256 under a secret that the caller has too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Signature {
    /// The secret, which the workflow must be allowed to use.
    pub secret: Name,
    /// The header with the signature.
    pub header: String,
    /// What stands before the signature in that header: `sha256=`, say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: SignatureEncoding,
    /// Where the caller says when it signed: older requests are refused, and the same request again is the same run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<SignedTime>,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureEncoding {
    /// 64 hexadecimal digits.
    #[default]
    Hex,
    /// Base64.
    Base64,
}

/// When a request was signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SignedTime {
    /// The header with the seconds since 1970.
    pub header: String,
    /// How many seconds this and our clock may be apart: 1 to 3600.
    #[serde(default = "default_within_s")]
    pub within_s: u32,
    /// What is signed, with `{timestamp}` and `{body}` in it: `v0:{timestamp}:{body}`, say.
    #[serde(default = "default_signed")]
    pub signed: String,
}

fn default_within_s() -> u32 {
    300
}

fn default_signed() -> String {
    "{timestamp}.{body}".to_owned()
}

/// The place of the body in what is signed.
const BODY: &str = "{body}";
/// The place of the time.
const TIMESTAMP: &str = "{timestamp}";
/// The longest name of a header, prefix or frame of what is signed, in bytes.
const MAX_TEXT_BYTES: usize = 200;

impl Signature {
    /// The bytes that a caller signs.
    pub fn signed(&self, timestamp: &str, body: &[u8]) -> Vec<u8> {
        let Some(time) = &self.timestamp else { return body.to_vec() };
        // The time is put in first: a body with braces stays as it is.
        let frame = time.signed.replace(TIMESTAMP, timestamp);
        let (before, after) = frame.split_once(BODY).unwrap_or((&frame, ""));
        [before.as_bytes(), body, after.as_bytes()].concat()
    }

    fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        let mut header = |key: &str, name: &str| {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.is_empty() || name.len() > MAX_TEXT_BYTES || !name.chars().all(is_name) {
                faults.push(Fault::new(format!("{path}.{key}"), "must be the name of a header, such as `X-Signature`"));
            }
        };
        header("header", &self.header);
        let Some(time) = &self.timestamp else { return };
        header("timestamp.header", &time.header);
        if !(1..=3600).contains(&time.within_s) {
            faults.push(Fault::new(format!("{path}.timestamp.within-s"), "must be 1 to 3600 seconds"));
        }
        let has_one = |place: &str| time.signed.matches(place).count() == 1;
        if time.signed.len() > MAX_TEXT_BYTES || !has_one(BODY) || !has_one(TIMESTAMP) {
            let message = "must have {timestamp} and {body} in it once each: a time that is not signed proves nothing";
            faults.push(Fault::new(format!("{path}.timestamp.signed"), message));
        }
    }
}

impl Trigger {
    /// The environment that it names.
    pub fn environment(&self) -> Option<&Slug> {
        match self {
            Self::Webhook(webhook) => webhook.environment.as_ref(),
            Self::Schedule(schedule) => schedule.environment.as_ref(),
        }
    }

    pub(super) fn faults(&self, path: &str, faults: &mut Vec<Fault>) {
        match self {
            Self::Webhook(webhook) => {
                if let Some(signature) = &webhook.signature {
                    signature.faults(&format!("{path}.signature"), faults);
                }
                if let Some(event) = &webhook.event {
                    event.faults(&format!("{path}.event"), faults);
                    if webhook.environment.is_some() {
                        let message = "is for webhooks that start runs: an event goes to the runs that wait for it, whatever their environment";
                        faults.push(Fault::new(format!("{path}.environment"), message));
                    }
                }
            }
            Self::Schedule(schedule) => schedule.faults(path, faults),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(timestamp: Option<SignedTime>) -> Signature {
        Signature {
            secret: "partner".parse().expect("a name"),
            header: "X-Signature".into(),
            prefix: String::new(),
            encoding: SignatureEncoding::Hex,
            timestamp,
        }
    }

    fn time(signed: &str) -> SignedTime {
        SignedTime { header: "X-Time".into(), within_s: 300, signed: signed.into() }
    }

    #[test]
    fn what_is_signed_is_the_body_in_its_frame() {
        assert_eq!(signature(None).signed("", b"{body}"), b"{body}");
        let framed = signature(Some(time("v0:{timestamp}:{body}!")));
        assert_eq!(framed.signed("17", b"{\"a\": \"{timestamp}\"}"), b"v0:17:{\"a\": \"{timestamp}\"}!");
    }

    #[test]
    fn a_time_that_is_not_signed_is_a_fault() {
        let faults = |signature: Signature| {
            let mut faults = Vec::new();
            signature.faults("s", &mut faults);
            faults.into_iter().map(|fault| fault.path).collect::<Vec<_>>()
        };
        assert_eq!(faults(signature(Some(time("{timestamp}.{body}")))), Vec::<String>::new());
        assert_eq!(faults(signature(Some(time("{body}")))), ["s.timestamp.signed"]);
        assert_eq!(faults(Signature { header: "x y".into(), ..signature(None) }), ["s.header"]);
    }
}
