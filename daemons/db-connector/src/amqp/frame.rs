//! Frames of AMQP 0-9-1, and the values in them.

use bytes::{Buf, Bytes, BytesMut};
use serde_json::Value;

use crate::wire::WireError;

pub(super) const METHOD: u8 = 1;
pub(super) const HEADER: u8 = 2;
pub(super) const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;
const END: u8 = 0xce;
/// Head and end of a frame, in bytes.
pub(super) const AROUND: usize = 8;
/// How deep the values of headers nest.
const MAX_DEPTH: usize = 16;

const NO_AMQP: WireError = WireError::Broken("what it says is no AMQP 0-9-1: check host, port and TLS");

/// A frame that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) channel: u16,
    pub(super) payload: Bytes,
}

/// Takes a whole frame off `unread`, if there is one of `most` bytes.
pub(super) fn frame(unread: &mut BytesMut, most: usize) -> Result<Option<Frame>, WireError> {
    // A broker that does not speak this version answers with the name of the one that it speaks.
    if unread.first().is_some_and(|kind| !matches!(*kind, METHOD | HEADER | BODY | HEARTBEAT)) {
        return Err(NO_AMQP);
    }
    let Some(mut head) = unread.get(..7) else { return Ok(None) };
    let (kind, channel, size) = (head.get_u8(), head.get_u16(), head.get_u32() as usize);
    if size > most {
        return Err(NO_AMQP);
    }
    if unread.len() < size + AROUND {
        return Ok(None);
    }
    unread.advance(7);
    let payload = unread.split_to(size).freeze();
    if unread.get_u8() != END {
        return Err(NO_AMQP);
    }
    Ok(Some(Frame { kind, channel, payload }))
}

/// Writes frames.
#[derive(Default)]
pub(super) struct Frames(pub(super) Vec<u8>);

impl Frames {
    pub(super) fn add(&mut self, kind: u8, channel: u16, payload: &[u8]) {
        self.0.push(kind);
        self.0.extend_from_slice(&channel.to_be_bytes());
        self.0.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.0.extend_from_slice(payload);
        self.0.push(END);
    }

    /// A method by its class and number, with what `write` writes behind them.
    pub(super) fn method(&mut self, channel: u16, method: (u16, u16), write: impl FnOnce(&mut Payload)) {
        let mut payload = Payload::default();
        payload.u16(method.0);
        payload.u16(method.1);
        write(&mut payload);
        self.add(METHOD, channel, &payload.0);
    }
}

/// Writes values.
#[derive(Default)]
pub(super) struct Payload(pub(super) Vec<u8>);

impl Payload {
    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    /// A text of 255 bytes at most; what is longer was refused before, and is cut.
    pub(super) fn short(&mut self, text: &str) {
        let bytes = &text.as_bytes()[..text.len().min(255)];
        self.u8(bytes.len() as u8);
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn long(&mut self, bytes: &[u8]) {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.0.extend_from_slice(bytes);
    }

    /// A table. An error says what has no form in one.
    pub(super) fn table<'a>(
        &mut self,
        fields: impl IntoIterator<Item = (&'a str, &'a Value)>,
    ) -> Result<(), &'static str> {
        self.table_within(fields, MAX_DEPTH)
    }

    fn table_within<'a>(
        &mut self,
        fields: impl IntoIterator<Item = (&'a str, &'a Value)>,
        depth: usize,
    ) -> Result<(), &'static str> {
        let mut inside = Self::default();
        for (name, value) in fields {
            if name.len() > 255 {
                return Err("has a name of more than 255 bytes");
            }
            inside.short(name);
            inside.value(value, depth)?;
        }
        self.long(&inside.0);
        Ok(())
    }

    fn value(&mut self, value: &Value, depth: usize) -> Result<(), &'static str> {
        let Some(depth) = depth.checked_sub(1) else { return Err("nests too deep") };
        match value {
            Value::Null => self.u8(b'V'),
            Value::Bool(truth) => self.0.extend_from_slice(&[b't', u8::from(*truth)]),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => match i32::try_from(whole) {
                    Ok(short) => {
                        self.u8(b'I');
                        self.0.extend_from_slice(&short.to_be_bytes());
                    }
                    // Signed, as RabbitMQ and its clients have it; some others read it as unsigned.
                    Err(_) => {
                        self.u8(b'l');
                        self.0.extend_from_slice(&whole.to_be_bytes());
                    }
                },
                (None, Some(double)) if !number.is_u64() => {
                    self.u8(b'd');
                    self.0.extend_from_slice(&double.to_be_bytes());
                }
                _ => return Err("holds a number that is too large: send it as a text"),
            },
            Value::String(text) => {
                self.u8(b'S');
                self.long(text.as_bytes());
            }
            Value::Array(items) => {
                self.u8(b'A');
                let mut inside = Self::default();
                items.iter().try_for_each(|item| inside.value(item, depth))?;
                self.long(&inside.0);
            }
            Value::Object(fields) => {
                self.u8(b'F');
                self.table_within(fields.iter().map(|(name, value)| (name.as_str(), value)), depth)?;
            }
        }
        Ok(())
    }
}

/// Reads values of a method.
pub(super) struct Arguments(pub(super) Bytes);

impl Arguments {
    pub(super) fn u8(&mut self) -> Result<u8, WireError> {
        self.0.try_get_u8().map_err(|_| NO_AMQP)
    }

    pub(super) fn u16(&mut self) -> Result<u16, WireError> {
        self.0.try_get_u16().map_err(|_| NO_AMQP)
    }

    pub(super) fn u32(&mut self) -> Result<u32, WireError> {
        self.0.try_get_u32().map_err(|_| NO_AMQP)
    }

    pub(super) fn u64(&mut self) -> Result<u64, WireError> {
        self.0.try_get_u64().map_err(|_| NO_AMQP)
    }

    pub(super) fn short(&mut self) -> Result<String, WireError> {
        let length = usize::from(self.u8()?);
        self.bytes(length)
    }

    /// A long text, or a table that is passed by.
    pub(super) fn long(&mut self) -> Result<String, WireError> {
        let length = self.u32()? as usize;
        self.bytes(length)
    }

    fn bytes(&mut self, length: usize) -> Result<String, WireError> {
        if self.0.len() < length {
            return Err(NO_AMQP);
        }
        Ok(String::from_utf8_lossy(&self.0.split_to(length)).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let mut frames = Frames::default();
        frames.method(1, (85, 10), |payload| payload.u8(0));
        let whole = frames.0.len();
        let mut unread = BytesMut::from(&frames.0[..whole - 1]);
        assert!(frame(&mut unread, 100).is_ok_and(|frame| frame.is_none()));
        unread.extend_from_slice(&[END, METHOD]);
        let read = frame(&mut unread, 100).expect("sound").expect("whole");
        assert_eq!(read, Frame { kind: METHOD, channel: 1, payload: Bytes::from_static(&[0, 85, 0, 10, 0]) });
        assert_eq!(&unread[..], [METHOD]);
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for noise in [&b"AMQP\x01\x01\x00\x09"[..], &[0xa5], &[1, 0, 0, 0xff, 0, 0, 0], &[8, 0, 0, 0, 0, 0, 0, 1]] {
            assert!(frame(&mut BytesMut::from(noise), 100).is_err(), "{noise:?}");
        }
    }

    #[test]
    fn a_table_has_the_types_of_its_values() {
        let mut payload = Payload::default();
        let value = json!({ "a": [true, null, -5], "b": 1.5, "c": 4_294_967_296_i64 });
        let fields = value.as_object().expect("an object").iter().map(|(name, value)| (name.as_str(), value));
        payload.table(fields).expect("a table");
        let expected = [
            &b"\0\0\0\x25\x01aA\0\0\0\x08t\x01VI\xff\xff\xff\xfb"[..],
            b"\x01bd\x3f\xf8\0\0\0\0\0\0",
            b"\x01cl\0\0\0\x01\0\0\0\0",
        ];
        assert_eq!(payload.0, expected.concat());
        let deep = (0..20).fold(json!(1), |inner, _| json!([inner]));
        for wrong in [json!(u64::MAX), deep] {
            assert!(Payload::default().table([("x", &wrong)]).is_err());
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_is_read_or_refused(bytes in proptest::collection::vec(0_u8..10, 0..60)) {
            let mut unread = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = frame(&mut unread, 40) {}
        }
    }
}
