//! The lines of the NATS protocol, as a client reads and writes them.

use bytes::{Buf, Bytes, BytesMut};
use serde::Deserialize;

use crate::wire::WireError;

/// The longest line of a server, in bytes: it may name all servers of its cluster.
const MAX_LINE: usize = 64 * 1024;

/// What a server says.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Info(Info),
    Message(Message),
    Ping,
    Pong,
    Fine,
    Error(String),
}

/// What a server tells of itself.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Info {
    pub(super) headers: bool,
    pub(super) max_payload: usize,
    pub(super) tls_required: bool,
    pub(super) tls_available: bool,
    pub(super) nonce: Option<String>,
}

/// A message that was asked for.
#[derive(Debug, PartialEq)]
pub(super) struct Message {
    pub(super) subject: String,
    pub(super) subscription: u64,
    /// The lines of its headers, with the line `NATS/1.0` before them.
    pub(super) headers: Bytes,
    pub(super) payload: Bytes,
}

/// Takes what a server says off `unread`, if it is whole. A message of more than `most` bytes is not waited for.
pub(super) fn said(unread: &mut BytesMut, most: usize) -> Result<Option<Said>, WireError> {
    const NO_NATS: WireError = WireError::Broken("what it says is no NATS: check host and port");
    let known = unread.first().is_none_or(|first| b"IMHP+-".contains(&first.to_ascii_uppercase()));
    if !known {
        return Err(NO_NATS);
    }
    let Some(length) = unread.iter().take(MAX_LINE).position(|byte| *byte == b'\n') else {
        return if unread.len() >= MAX_LINE { Err(NO_NATS) } else { Ok(None) };
    };
    let line = std::str::from_utf8(&unread[..length]).map_err(|_| NO_NATS)?.trim_end();
    let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let said = match word.to_ascii_uppercase().as_str() {
        "INFO" => Said::Info(serde_json::from_str(rest).map_err(|_| NO_NATS)?),
        "PING" => Said::Ping,
        "PONG" => Said::Pong,
        "+OK" => Said::Fine,
        "-ERR" => Said::Error(rest.trim_matches([' ', '\'']).chars().filter(|c| !c.is_control()).take(300).collect()),
        "MSG" | "HMSG" => {
            let has_headers = word.eq_ignore_ascii_case("HMSG");
            let head = head(rest, has_headers).ok_or(NO_NATS)?;
            if head.total > most {
                return Err(WireError::TooLong);
            }
            if unread.len() < length + 1 + head.total + 2 {
                return Ok(None);
            }
            unread.advance(length + 1);
            let mut content = unread.split_to(head.total).freeze();
            unread.advance(2);
            let headers = content.split_to(head.headers);
            let Head { subject, subscription, .. } = head;
            return Ok(Some(Said::Message(Message { subject, subscription, headers, payload: content })));
        }
        _ => return Err(NO_NATS),
    };
    unread.advance(length + 1);
    Ok(Some(said))
}

struct Head {
    subject: String,
    subscription: u64,
    headers: usize,
    total: usize,
}

/// `subject subscription [reply] [headers] total`.
fn head(rest: &str, has_headers: bool) -> Option<Head> {
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let sizes = if has_headers { 2 } else { 1 };
    if words.len() != 2 + sizes && words.len() != 3 + sizes {
        return None;
    }
    let total = words.last()?.parse().ok()?;
    let headers = if has_headers { words[words.len() - 2].parse().ok()? } else { 0 };
    let subscription = words[1].parse().ok()?;
    (headers <= total).then(|| Head { subject: words[0].to_owned(), subscription, headers, total })
}

/// Writes a message. Subject, answer's subject and headers were checked.
pub(super) fn publish(
    subject: &str,
    answer_to: Option<&str>,
    headers: &[(String, String)],
    payload: &[u8],
    out: &mut Vec<u8>,
) {
    let mut lines = Vec::new();
    if !headers.is_empty() {
        lines.extend_from_slice(b"NATS/1.0\r\n");
        for (name, value) in headers {
            lines.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        lines.extend_from_slice(b"\r\n");
    }
    let answer_to = answer_to.map(|to| format!("{to} ")).unwrap_or_default();
    let total = lines.len() + payload.len();
    let line = match lines.len() {
        0 => format!("PUB {subject} {answer_to}{total}\r\n"),
        length => format!("HPUB {subject} {answer_to}{length} {total}\r\n"),
    };
    out.extend_from_slice(line.as_bytes());
    out.extend_from_slice(&lines);
    out.extend_from_slice(payload);
    out.extend_from_slice(b"\r\n");
}

impl Message {
    /// The status in its first line; 503 is the server's word that nobody listens.
    pub(super) fn status(&self) -> Option<u16> {
        let line = self.headers.split(|byte| *byte == b'\n').next()?;
        let line = std::str::from_utf8(line).ok()?;
        line.strip_prefix("NATS/1.0")?.split_ascii_whitespace().next()?.parse().ok()
    }

    /// Its headers in order.
    pub(super) fn headers(&self) -> Vec<(String, String)> {
        let lines = String::from_utf8_lossy(&self.headers).into_owned();
        let fields = lines.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_read_piece_by_piece() {
        let mut unread = BytesMut::from(
            &b"INFO {\"headers\":true,\"max_payload\":10,\"x\":1} \r\n-ERR 'No, thanks'\r\nHMSG a.b 7 reply 12 14\r\nNATS/1.0\r\n\r\nhi\r"[..],
        );
        let mut next = |more: &[u8]| {
            unread.extend_from_slice(more);
            said(&mut unread, 100).expect("sound")
        };
        assert_eq!(next(b""), Some(Said::Info(Info { headers: true, max_payload: 10, ..Info::default() })));
        assert_eq!(next(b""), Some(Said::Error("No, thanks".into())));
        assert_eq!(next(b""), None);
        let Some(Said::Message(message)) = next(b"\nPING\r\n") else { panic!("no message") };
        assert_eq!((message.subject.as_str(), message.subscription, &message.payload[..]), ("a.b", 7, &b"hi"[..]));
        assert_eq!((message.status(), message.headers()), (None, vec![]));
        assert_eq!(next(b""), Some(Said::Ping));
    }

    #[test]
    fn headers_and_status_are_told() {
        let of = |headers: &'static str| Message {
            subject: String::new(),
            subscription: 1,
            headers: Bytes::from_static(headers.as_bytes()),
            payload: Bytes::new(),
        };
        assert_eq!(of("NATS/1.0 503\r\n\r\n").status(), Some(503));
        let headers = of("NATS/1.0\r\nA: b: c\r\nA:d\r\n\r\n").headers();
        assert_eq!(headers, [("A".into(), "b: c".into()), ("A".into(), "d".into())]);
    }

    #[test]
    fn what_is_no_nats_or_too_long_is_refused() {
        for noise in
            ["HTTP/1.1 400\r\n", "\u{a5}", "MSG a 1\r\n", "MSG a x 1\r\n", "HMSG a 1 5 4\r\n1234\r\n", "INFO {\r\n"]
        {
            assert!(said(&mut BytesMut::from(noise), 100).is_err(), "{noise}");
        }
        assert!(matches!(said(&mut BytesMut::from("MSG a 1 101\r\n"), 100), Err(WireError::TooLong)));
    }

    proptest::proptest! {
        #[test]
        fn anything_is_read_or_refused(bytes in "(INFO|MSG|HMSG|PING|-ERR)[ a-z0-9{}\\r\\n]{0,60}") {
            let _ = said(&mut BytesMut::from(&bytes[..]), 100);
        }
    }
}
