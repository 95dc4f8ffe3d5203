//! A message as it travels: headers and parts, with the addresses that it goes to.
//!
//! What a value brings cannot become a header: an address must be one, and no header takes a control character.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_model::operation::{AttachmentContent, FilledAttachment, FilledMail, MAX_RECIPIENTS};
use bulkhead_model::resource::SmtpConfig;
use lettre::address::{Address, Envelope};
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Attachment, Body, Mailbox, Message, MultiPart, SinglePart};

use crate::error::QueryError;

/// A message's bytes at most, with its attachments as they travel.
const MAX_MESSAGE_BYTES: usize = 25 * 1024 * 1024;
/// What ends a message.
pub(super) const END: &[u8] = b".\r\n";
/// The longest header that a value may make, in bytes.
const MAX_HEADER_BYTES: usize = 2000;

/// A message that is ready to go.
pub(super) struct Outgoing {
    pub(super) from: String,
    /// Each recipient with its place in the operation.
    pub(super) recipients: Vec<(String, String)>,
    /// Its bytes, and the dot that ends it.
    pub(super) data: Vec<u8>,
    pub(super) message_id: String,
}

/// Puts a message together.
pub(super) fn build(config: &SmtpConfig, mail: FilledMail) -> Result<Outgoing, QueryError> {
    let from = address("config.from", &config.from)?;
    let name = Some(&mail.from_name).filter(|name| !name.is_empty()).unwrap_or(&config.from_name);
    let name = Some(header("from-name", name)?.trim().to_owned()).filter(|name| !name.is_empty());
    let mut builder = Message::builder().from(Mailbox::new(name, from.clone()));
    let mut recipients = Vec::new();
    for (list, addresses) in [("to", &mail.to), ("cc", &mail.cc), ("bcc", &mail.bcc)] {
        for (index, text) in addresses.iter().enumerate() {
            let place = format!("{list}[{index}]");
            let recipient = address(&place, text)?;
            builder = match list {
                "to" => builder.to(recipient.clone().into()),
                "cc" => builder.cc(recipient.clone().into()),
                // Who gets a copy unseen stands in the envelope alone.
                _ => builder,
            };
            recipients.push((place, recipient));
        }
    }
    if recipients.is_empty() || recipients.len() > MAX_RECIPIENTS {
        return Err(field(
            "to",
            format!("a message has 1 to {MAX_RECIPIENTS} recipients, and this one has {}", recipients.len()),
        ));
    }
    if !mail.reply_to.is_empty() {
        builder = builder.reply_to(address("reply-to", &mail.reply_to)?.into());
    }
    let message_id = format!("<{}@{}>", uuid::Uuid::new_v4(), from.domain());
    let addresses = recipients.iter().map(|(_, address)| address.clone()).collect();
    let envelope = Envelope::new(Some(from.clone()), addresses).map_err(|error| field("to", error.to_string()))?;
    let builder =
        builder.subject(header("subject", &mail.subject)?).message_id(Some(message_id.clone())).envelope(envelope);
    let message = match parts(&mail)? {
        Parts::One(part) => builder.singlepart(part),
        Parts::Several(parts) => builder.multipart(parts),
    };
    let message = message.map_err(|error| field("text", error.to_string()))?;
    Ok(Outgoing {
        from: from.to_string(),
        recipients: recipients.into_iter().map(|(place, address)| (place, address.to_string())).collect(),
        data: with_dots(&message.formatted())?,
        message_id,
    })
}

enum Parts {
    One(SinglePart),
    Several(MultiPart),
}

fn parts(mail: &FilledMail) -> Result<Parts, QueryError> {
    for (place, text) in [("text", &mail.text), ("html", &mail.html)] {
        if text.contains('\0') {
            return Err(field(place, "holds a NUL character, which no mail carries: remove it"));
        }
    }
    let (text, html) = (lines_ended(&mail.text), lines_ended(&mail.html));
    let body = match (text.is_empty(), html.is_empty()) {
        (_, true) => Parts::One(SinglePart::plain(text)),
        (true, false) => Parts::One(SinglePart::html(html)),
        (false, false) => Parts::Several(MultiPart::alternative_plain_html(text, html)),
    };
    if mail.attachments.is_empty() {
        return Ok(body);
    }
    let mixed = MultiPart::mixed();
    let mut parts = match body {
        Parts::One(part) => mixed.singlepart(part),
        Parts::Several(parts) => mixed.multipart(parts),
    };
    for (index, file) in mail.attachments.iter().enumerate() {
        parts = parts.singlepart(attachment(&format!("attachments[{index}]"), file)?);
    }
    Ok(Parts::Several(parts))
}

fn attachment(place: &str, file: &FilledAttachment) -> Result<SinglePart, QueryError> {
    let name = header(&format!("{place}.name"), &file.name)?;
    let (bytes, usual) = match &file.content {
        AttachmentContent::Text(text) => (text.clone().into_bytes(), "text/plain; charset=utf-8"),
        AttachmentContent::Base64(text) => {
            let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            let bytes = STANDARD.decode(compact);
            let bytes = bytes.map_err(|_| field(format!("{place}.base64"), "must be base64 with its padding"))?;
            (bytes, "application/octet-stream")
        }
    };
    let wanted = Some(file.media_type.as_str()).filter(|wanted| !wanted.is_empty()).unwrap_or(usual);
    let wrong =
        || field(format!("{place}.type"), "must be a media type such as application/pdf, and none of multipart");
    let media_type = ContentType::parse(&header(&format!("{place}.type"), wanted)?).map_err(|_| wrong())?;
    if wanted.trim_start().to_ascii_lowercase().starts_with("multipart/") {
        return Err(wrong());
    }
    // Always base64, so that no byte of a file can be taken for the protocol's.
    let body = Body::new_with_encoding(bytes, ContentTransferEncoding::Base64);
    let body = body.map_err(|_| field(place, "cannot be encoded"))?;
    Ok(Attachment::new(name).body(body, media_type))
}

/// One address, without a name, that every server can carry.
fn address(place: &str, text: &str) -> Result<Address, QueryError> {
    let wrong = |problem: &str| field(place, problem);
    let parsed: Address = text.trim().parse().map_err(|_| wrong("must be one e-mail address, without a name"))?;
    if !parsed.user().is_ascii() || parsed.user().chars().any(|c| c.is_control()) {
        return Err(wrong("has characters before the @ that not every mail server can carry: only ASCII is sent"));
    }
    if parsed.domain().is_ascii() {
        return Ok(parsed);
    }
    let domain = url::Host::parse(parsed.domain()).map_err(|_| wrong("has a domain that cannot be"))?;
    Address::new(parsed.user(), domain.to_string()).map_err(|_| wrong("has a domain that cannot be"))
}

/// A value that becomes part of a header.
fn header(place: &str, value: &str) -> Result<String, QueryError> {
    if value.len() > MAX_HEADER_BYTES {
        return Err(field(place, format!("is {} bytes long; the most is {MAX_HEADER_BYTES}", value.len())));
    }
    if value.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(field(place, "holds a line break or another control character: remove it"));
    }
    Ok(value.to_owned())
}

fn field(place: impl Into<String>, problem: impl Into<String>) -> QueryError {
    QueryError::Field { field: place.into(), problem: problem.into() }
}

/// A text whose lines end as mail's do.
fn lines_ended(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

/// The bytes as DATA carries them: a line that begins with a dot gets one more, and a dot alone ends them.
fn with_dots(message: &[u8]) -> Result<Vec<u8>, QueryError> {
    if message.len() > MAX_MESSAGE_BYTES {
        let problem = format!("makes a message of {} bytes; the most is {MAX_MESSAGE_BYTES}", message.len());
        return Err(field("attachments", problem));
    }
    let mut data = Vec::with_capacity(message.len() + 64);
    let mut before = b'\n';
    for (at, byte) in message.iter().copied().enumerate() {
        // A line end of one character is read as an end by some servers and not by others, which lets a text pass for two messages.
        let next = message.get(at + 1);
        if (byte == b'\n' && before != b'\r' && at > 0) || (byte == b'\r' && next != Some(&b'\n')) {
            return Err(field("text", "has a line that does not end as lines of mail do"));
        }
        if byte == b'.' && before == b'\n' {
            data.push(b'.');
        }
        data.push(byte);
        before = byte;
    }
    if before != b'\n' {
        data.extend_from_slice(b"\r\n");
    }
    data.extend_from_slice(END);
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> SmtpConfig {
        let config = serde_json::json!({ "host": "mail", "from": "tools@example.com", "from-name": "Tools" });
        serde_json::from_value(config).expect("settings")
    }

    fn mail() -> FilledMail {
        FilledMail {
            to: vec!["ann@example.org".into()],
            subject: "s".into(),
            text: "t".into(),
            ..FilledMail::default()
        }
    }

    fn place_of(mail: FilledMail) -> String {
        match build(&config(), mail) {
            Err(QueryError::Field { field, .. }) => field,
            Err(other) => other.to_string(),
            Ok(_) => "built".to_owned(),
        }
    }

    #[test]
    fn no_value_becomes_a_header() {
        let lines = "x\r\nBcc: eve@example.net";
        assert_eq!(place_of(FilledMail { subject: lines.into(), ..mail() }), "subject");
        assert_eq!(place_of(FilledMail { subject: "x\nBcc: eve".into(), ..mail() }), "subject");
        assert_eq!(place_of(FilledMail { from_name: lines.into(), ..mail() }), "from-name");
        assert_eq!(place_of(FilledMail { reply_to: "a@b.org\r\nBcc: c@d.org".into(), ..mail() }), "reply-to");
        for address in
            ["a@b.org, c@d.org", "A <a@b.org>", "a@b.org\r\nRCPT TO:<c@d.org>", "a@b.org>", "\"a\nb\"@c.org", ""]
        {
            assert_eq!(place_of(FilledMail { to: vec![address.into()], ..mail() }), "to[0]", "{address}");
        }
        let file = |name: &str, media_type: &str| FilledAttachment {
            name: name.into(),
            media_type: media_type.into(),
            content: AttachmentContent::Text("x".into()),
        };
        let with = |file| FilledMail { attachments: vec![file], ..mail() };
        assert_eq!(place_of(with(file("a\r\nb", ""))), "attachments[0].name");
        assert_eq!(place_of(with(file("a", "text/plain\r\nX: y"))), "attachments[0].type");
        assert_eq!(place_of(with(file("a", "multipart/mixed"))), "attachments[0].type");
        assert_eq!(place_of(with(file("a\"; x=\"b", "text/csv"))), "built");
        assert_eq!(place_of(FilledMail { to: Vec::new(), ..mail() }), "to");
        assert_eq!(place_of(FilledMail { text: "a\0b".into(), ..mail() }), "text");
    }

    #[test]
    fn no_line_of_a_text_ends_the_message() {
        let outgoing = build(&config(), FilledMail { text: "a\n.\nb\r.\r\nQUIT".into(), ..mail() }).expect("built");
        let data = String::from_utf8(outgoing.data).expect("text");
        assert!(data.ends_with("a\r\n..\r\nb\r\n..\r\nQUIT\r\n.\r\n"), "{data}");
        assert_eq!(data.matches("\r\n.\r\n").count(), 1, "{data}");
    }

    #[test]
    fn who_gets_a_copy_unseen_is_in_the_envelope_alone() {
        let outgoing =
            build(&config(), FilledMail { bcc: vec!["eve@b\u{fc}cher.example".into()], ..mail() }).expect("built");
        let recipients: Vec<_> =
            outgoing.recipients.iter().map(|(place, address)| (place.as_str(), address.as_str())).collect();
        assert_eq!(recipients, [("to[0]", "ann@example.org"), ("bcc[0]", "eve@xn--bcher-kva.example")]);
        assert!(!String::from_utf8_lossy(&outgoing.data).contains("eve@"));
    }
}
