//! A message as it travels: where to, what is said about it, and its body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::operation::{AmqpBody, FilledAmqpMessage, MAX_AMQP_TEXT};

use super::frame::Payload;
use crate::error::QueryError;

/// Bytes of headers and properties at most: they travel in one frame.
const MAX_HEADER: usize = 64 * 1024;
/// The class of messages.
const BASIC: u16 = 60;

/// Bits that tell which properties follow, in the order in which they do.
const CONTENT_TYPE: u16 = 1 << 15;
const CONTENT_ENCODING: u16 = 1 << 14;
const HEADERS: u16 = 1 << 13;
const DELIVERY_MODE: u16 = 1 << 12;
const PRIORITY: u16 = 1 << 11;
const CORRELATION_ID: u16 = 1 << 10;
const REPLY_TO: u16 = 1 << 9;
const EXPIRATION: u16 = 1 << 8;
const MESSAGE_ID: u16 = 1 << 7;
const TYPE: u16 = 1 << 5;
const APP_ID: u16 = 1 << 3;

/// A message that is ready to go.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) exchange: String,
    pub(super) routing_key: String,
    /// The content of its header frame.
    pub(super) header: Vec<u8>,
    pub(super) body: Vec<u8>,
}

/// Puts a message together.
pub(super) fn build(message: FilledAmqpMessage) -> Result<Outgoing, QueryError> {
    let field = |field: &str, problem: String| QueryError::Field { field: field.to_owned(), problem };
    let too_long = |name: &str, text: &str| match text.len() {
        length if length > MAX_AMQP_TEXT => {
            Err(field(name, format!("is {length} bytes long; the most is {MAX_AMQP_TEXT}")))
        }
        _ => Ok(()),
    };
    too_long("exchange", &message.exchange)?;
    too_long("routing-key", &message.routing_key)?;
    message.texts.iter().try_for_each(|(name, text)| too_long(&format!("properties.{name}"), text))?;
    let text =
        |wanted: &str| message.texts.iter().find(|(name, _)| *name == wanted).map_or("", |(_, text)| text.as_str());
    if text("expiration").bytes().any(|byte| !byte.is_ascii_digit()) {
        return Err(field("properties.expiration", "must be a number of milliseconds".to_owned()));
    }
    let body = match message.body {
        AmqpBody::Text(text) => text.into_bytes(),
        AmqpBody::Base64(text) => {
            let decoded = STANDARD.decode(text.trim());
            decoded.map_err(|_| field("base64", "must be base64 with its padding".to_owned()))?
        }
    };
    let (mut flags, mut properties) = (0, Payload::default());
    let mut short = |flag: u16, text: &str, properties: &mut Payload| {
        if !text.is_empty() {
            flags |= flag;
            properties.short(text);
        }
    };
    short(CONTENT_TYPE, text("content-type"), &mut properties);
    short(CONTENT_ENCODING, text("content-encoding"), &mut properties);
    if !message.headers.is_empty() {
        let fields = message.headers.iter().map(|(name, value)| (name.as_str(), value));
        properties.table(fields).map_err(|problem| field("headers", problem.to_owned()))?;
    }
    properties.u8(if message.is_persistent { 2 } else { 1 });
    if let Some(priority) = message.priority {
        properties.u8(priority);
    }
    short(CORRELATION_ID, text("correlation-id"), &mut properties);
    short(REPLY_TO, text("reply-to"), &mut properties);
    short(EXPIRATION, text("expiration"), &mut properties);
    short(MESSAGE_ID, text("message-id"), &mut properties);
    short(TYPE, text("type"), &mut properties);
    short(APP_ID, text("app-id"), &mut properties);
    flags |= DELIVERY_MODE;
    flags |= if message.headers.is_empty() { 0 } else { HEADERS };
    flags |= if message.priority.is_some() { PRIORITY } else { 0 };
    if properties.0.len() > MAX_HEADER {
        let problem = format!("make {} bytes with the properties; the most is {MAX_HEADER}", properties.0.len());
        return Err(field("headers", problem));
    }
    let mut header = Payload::default();
    header.u16(BASIC);
    header.u16(0);
    header.u64(body.len() as u64);
    header.u16(flags);
    header.0.extend_from_slice(&properties.0);
    Ok(Outgoing { exchange: message.exchange, routing_key: message.routing_key, header: header.0, body })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn properties_travel_in_their_order() {
        let message = FilledAmqpMessage {
            texts: vec![("content-type", "a".into()), ("app-id", "b".into()), ("type", String::new())],
            headers: vec![("h".into(), json!(null))],
            is_persistent: true,
            priority: Some(9),
            body: AmqpBody::Base64("AAE=".into()),
            ..FilledAmqpMessage::default()
        };
        let outgoing = build(message).expect("built");
        assert_eq!(outgoing.body, [0, 1]);
        let head = b"\0\x3c\0\0\0\0\0\0\0\0\0\x02\xb8\x08".as_slice();
        assert_eq!(outgoing.header, [head, b"\x01a\0\0\0\x03\x01hV\x02\x09\x01b"].concat());
    }

    #[test]
    fn what_does_not_fit_is_refused_by_its_place() {
        let place = |message: FilledAmqpMessage| match build(message) {
            Err(QueryError::Field { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        let long = "x".repeat(256);
        let empty = FilledAmqpMessage::default;
        assert_eq!(place(FilledAmqpMessage { routing_key: long.clone(), ..empty() }), "routing-key");
        assert_eq!(place(FilledAmqpMessage { texts: vec![("type", long.clone())], ..empty() }), "properties.type");
        assert_eq!(
            place(FilledAmqpMessage { texts: vec![("expiration", "1s".into())], ..empty() }),
            "properties.expiration"
        );
        assert_eq!(place(FilledAmqpMessage { body: AmqpBody::Base64("?".into()), ..empty() }), "base64");
        let large = vec![("h".to_owned(), json!("x".repeat(70_000)))];
        assert_eq!(place(FilledAmqpMessage { headers: large, ..empty() }), "headers");
    }
}
