//! Messages of MongoDB's protocol: OP_MSG with one document, in each direction.
//! <https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/>

use bson::{Document, RawDocumentBuf};
use bytes::{Buf, BytesMut};

/// The largest message that servers send or take.
pub(super) const MAX_MESSAGE: usize = 48_000_000;

const HEADER: usize = 16;
const OP_MSG: i32 = 2013;
const CHECKSUM_PRESENT: u32 = 1;
/// Length of what an OP_MSG has beside its document: header, flags and the kind of the section.
const BESIDE: usize = HEADER + 5;

/// A command as it is sent.
pub(super) fn command(id: i32, command: &Document) -> Result<Vec<u8>, bson::error::Error> {
    let document = command.to_vec()?;
    let length = i32::try_from(BESIDE + document.len()).unwrap_or(i32::MAX);
    let mut out = Vec::with_capacity(BESIDE + document.len());
    for number in [length, id, 0, OP_MSG, 0] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.push(0);
    out.extend_from_slice(&document);
    Ok(out)
}

/// The reply to the command of this id, if it is whole.
pub(super) fn reply(unread: &mut BytesMut, id: i32) -> Result<Option<RawDocumentBuf>, &'static str> {
    let Some(header) = unread.get(..HEADER) else { return Ok(None) };
    let number = |at: usize| i32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (length, answers, operation) = (number(0), number(8), number(12));
    let length = usize::try_from(length).map_err(|_| "it does not speak MongoDB's protocol")?;
    if operation != OP_MSG || !(BESIDE..=MAX_MESSAGE).contains(&length) {
        return Err("it does not speak MongoDB's protocol, or an old one (before MongoDB 4.4)");
    }
    if unread.len() < length {
        return Ok(None);
    }
    let mut message = unread.split_to(length);
    if answers != id {
        return Err("it answers another question than was asked");
    }
    message.advance(HEADER);
    let flags = message.get_u32_le();
    let kind = message.get_u8();
    if flags & !CHECKSUM_PRESENT != 0 || kind != 0 {
        return Err("it answers in a form that was not agreed on");
    }
    if flags & CHECKSUM_PRESENT != 0 {
        message.truncate(message.len().saturating_sub(4));
    }
    RawDocumentBuf::from_bytes(message.to_vec()).map(Some).map_err(|_| "its answer is no document")
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    fn as_reply(to: i32, document: &Document) -> BytesMut {
        let mut bytes = BytesMut::from(&command(1, document).expect("a message")[..]);
        bytes[8..12].copy_from_slice(&to.to_le_bytes());
        bytes
    }

    #[test]
    fn a_reply_is_taken_when_it_is_whole() {
        let document = doc! { "ok": 1.0 };
        let whole = as_reply(7, &document);
        for end in 0..whole.len() {
            assert!(reply(&mut BytesMut::from(&whole[..end]), 7).expect("sound").is_none());
        }
        let mut whole = whole;
        let told = reply(&mut whole, 7).expect("sound").expect("whole");
        assert_eq!((told.as_bytes(), whole.len()), (document.to_vec().expect("a document").as_slice(), 0));
        assert!(reply(&mut as_reply(8, &document), 7).is_err());
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_refused_and_no_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), length in 0_i32..200) {
            let _ = reply(&mut BytesMut::from(&bytes[..]), 1);
            let mut framed = BytesMut::new();
            for number in [length, 1, 1, OP_MSG] {
                framed.extend_from_slice(&number.to_le_bytes());
            }
            framed.extend_from_slice(&bytes);
            let _ = reply(&mut framed, 1);
        }
    }
}
