//! Replies of a mail server (RFC 5321, section 4.2).

use bytes::BytesMut;

/// A reply may have this many bytes.
pub(super) const MAX_REPLY: usize = 64 * 1024;
/// Characters of a reply that are shown.
const SHOWN: usize = 400;

/// A reply: its code and its lines, without the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) lines: Vec<String>,
}

impl Reply {
    /// Whether what was asked is done.
    pub(super) fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// As it is shown: one line, without control characters.
    pub(super) fn shown(&self) -> String {
        let text = format!("{} {}", self.code, self.lines.join(" "));
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect::<String>().trim_end().to_owned()
    }
}

/// Takes a whole reply off `unread`, if there is one.
pub(super) fn reply(unread: &mut BytesMut) -> Result<Option<Reply>, &'static str> {
    const NO_REPLY: &str = "what it says is no SMTP: check host and port";
    if unread.first().is_some_and(|first| !first.is_ascii_digit()) {
        return Err(NO_REPLY);
    }
    let mut lines = Vec::new();
    let mut from = 0;
    while let Some(length) = unread[from..].iter().position(|byte| *byte == b'\n') {
        let line = unread[from..from + length].trim_ascii_end();
        from += length + 1;
        let (code, rest) = line.split_at_checked(3).ok_or(NO_REPLY)?;
        let code = std::str::from_utf8(code).ok().and_then(|code| code.parse::<u16>().ok());
        let code = code.filter(|code| (200..600).contains(code)).ok_or(NO_REPLY)?;
        let text = rest.get(1..).unwrap_or_default();
        lines.push(String::from_utf8_lossy(text).into_owned());
        match rest.first() {
            Some(b'-') => {}
            Some(b' ') | None => {
                let _ = unread.split_to(from);
                return Ok(Some(Reply { code, lines }));
            }
            Some(_) => return Err(NO_REPLY),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_of_several_lines_is_one() {
        let mut unread = BytesMut::from(&b"250-mail.example.com\r\n250-SIZE 100\r\n250"[..]);
        assert_eq!(reply(&mut unread), Ok(None));
        unread.extend_from_slice(b" HELP\r\n354 go\r\n");
        let first = reply(&mut unread).expect("a reply").expect("whole");
        assert_eq!(
            (first.code, first.lines),
            (250, ["mail.example.com", "SIZE 100", "HELP"].map(str::to_owned).to_vec())
        );
        assert_eq!(reply(&mut unread).expect("a reply").expect("whole").shown(), "354 go");
        assert_eq!((reply(&mut unread), unread.len()), (Ok(None), 0));
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for noise in ["\u{a5}", "HTTP/1.1 400 Bad Request\r\n", "25\r\n", "250_x\r\n", "999 x\r\n", "25x y\r\n"] {
            assert!(reply(&mut BytesMut::from(noise)).is_err(), "{noise}");
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_is_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = reply(&mut BytesMut::from(&bytes[..]));
        }
    }
}
