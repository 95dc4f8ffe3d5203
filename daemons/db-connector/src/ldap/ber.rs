//! The part of BER that LDAP uses (RFC 4511, section 5.1): tags of one byte and definite lengths.

use bytes::{Bytes, BytesMut};

use crate::wire::WireError;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// What is no BER.
const BROKEN: &str = "what it says is no LDAP: check host, port and TLS";

/// Writes values one behind the other.
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn primitive(&mut self, tag: u8, content: &[u8]) {
        self.0.push(tag);
        match content.len() {
            short @ ..0x80 => self.0.push(short as u8),
            long => {
                let bytes = long.to_be_bytes();
                let skipped = bytes.iter().take_while(|byte| **byte == 0).count();
                self.0.push(0x80 | (bytes.len() - skipped) as u8);
                self.0.extend_from_slice(&bytes[skipped..]);
            }
        }
        self.0.extend_from_slice(content);
    }

    pub(super) fn constructed(&mut self, tag: u8, write: impl FnOnce(&mut Self)) {
        let mut inside = Self::default();
        write(&mut inside);
        self.primitive(tag, &inside.0);
    }

    pub(super) fn integer(&mut self, tag: u8, value: u32) {
        let bytes = i64::from(value).to_be_bytes();
        // As short as it can be with its first bit telling that it is not negative.
        let skipped = (0..7).take_while(|at| bytes[*at] == 0 && bytes[at + 1] < 0x80).count();
        self.primitive(tag, &bytes[skipped..]);
    }

    pub(super) fn boolean(&mut self, tag: u8, value: bool) {
        self.primitive(tag, &[if value { 0xff } else { 0 }]);
    }
}

/// Reads values one behind the other.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next value's tag and content; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, &'static str> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (head, length) = extent(self.0)?.ok_or(BROKEN)?;
        let rest = self.0.get(head..).ok_or(BROKEN)?;
        let (content, rest) = rest.split_at_checked(length).ok_or(BROKEN)?;
        let tag = self.0[0];
        self.0 = rest;
        Ok(Some((tag, content)))
    }

    /// The content of the next value, which has this tag.
    pub(super) fn expect(&mut self, wanted: u8) -> Result<&'a [u8], &'static str> {
        match self.next()? {
            Some((tag, content)) if tag == wanted => Ok(content),
            _ => Err(BROKEN),
        }
    }

    pub(super) fn integer(&mut self, wanted: u8) -> Result<u32, &'static str> {
        let content = self.expect(wanted)?;
        let is_negative = content.first().is_none_or(|first| *first >= 0x80);
        if is_negative || content.len() > 5 {
            return Err(BROKEN);
        }
        let value = content.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
        u32::try_from(value).map_err(|_| BROKEN)
    }

    pub(super) fn text(&mut self, wanted: u8) -> Result<String, &'static str> {
        self.expect(wanted).map(|content| String::from_utf8_lossy(content).into_owned())
    }
}

/// Takes the content of a whole message off `unread`, if there is one. A longer one than `most` is refused.
pub(super) fn message(unread: &mut BytesMut, most: usize) -> Result<Option<Bytes>, WireError> {
    if unread.first().is_some_and(|tag| *tag != SEQUENCE) {
        return Err(BROKEN.into());
    }
    let Some((head, length)) = extent(unread)? else { return Ok(None) };
    if length > most {
        return Err(WireError::TooLong);
    }
    if unread.len() < head + length {
        return Ok(None);
    }
    let mut whole = unread.split_to(head + length);
    let _ = whole.split_to(head);
    Ok(Some(whole.freeze()))
}

/// How long the head and the content of the value at the start of `bytes` are; nothing, if the head is not whole.
fn extent(bytes: &[u8]) -> Result<Option<(usize, usize)>, &'static str> {
    let (Some(tag), Some(first)) = (bytes.first(), bytes.get(1)) else { return Ok(None) };
    if tag & 0x1f == 0x1f {
        return Err(BROKEN);
    }
    if *first < 0x80 {
        return Ok(Some((2, usize::from(*first))));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return Err(BROKEN);
    }
    let Some(digits) = bytes.get(2..2 + count) else { return Ok(None) };
    let length = digits.iter().fold(0_usize, |length, digit| (length << 8) | usize::from(*digit));
    Ok(Some((2 + count, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(number in proptest::num::u32::ANY, length in 0_usize..70_000) {
            let mut writer = Writer::default();
            writer.constructed(SEQUENCE, |inside| {
                inside.integer(INTEGER, number);
                inside.primitive(OCTETS, &vec![7; length]);
            });
            let mut unread = BytesMut::from(&writer.0[..]);
            let content = message(&mut unread, 100_000).expect("sound").expect("whole");
            proptest::prop_assert!(unread.is_empty());
            let mut reader = Reader(&content);
            proptest::prop_assert_eq!(reader.integer(INTEGER), Ok(number));
            proptest::prop_assert_eq!(reader.expect(OCTETS).map(<[u8]>::len), Ok(length));
            proptest::prop_assert_eq!(reader.next(), Ok(None));
        }

        #[test]
        fn anything_is_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..100)) {
            let mut reader = Reader(&bytes);
            while let Ok(Some(_)) = reader.next() {}
            let _ = message(&mut BytesMut::from(&bytes[..]), 50);
        }
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        let written = |number| {
            let mut writer = Writer::default();
            writer.integer(INTEGER, number);
            writer.0
        };
        assert_eq!(written(0), [2, 1, 0]);
        assert_eq!(written(127), [2, 1, 127]);
        assert_eq!(written(128), [2, 2, 0, 128]);
        assert_eq!(written(u32::MAX), [2, 5, 0, 255, 255, 255, 255]);
    }

    #[test]
    fn a_message_without_end_is_refused_when_its_head_is_read() {
        assert!(message(&mut BytesMut::from(&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff][..]), 1000).is_err());
        assert!(message(&mut BytesMut::from(&[0x30, 0x84, 0][..]), 1000).is_ok_and(|message| message.is_none()));
        assert!(message(&mut BytesMut::from(&[0x30, 0x80][..]), 1000).is_err(), "an indefinite length");
    }
}
