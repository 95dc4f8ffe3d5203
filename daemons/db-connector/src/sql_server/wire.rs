//! Packets of TDS, the protocol of SQL Server: how messages are cut into them, and the fields in messages.

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::route::ByteStream;

/// Bytes of a packet's head: kind, status, length, and four that are not used here.
pub(super) const HEAD: usize = 8;
/// The size of packets until the server has agreed to another.
const FIRST_PACKET_SIZE: usize = 4096;
/// Bytes read at once.
const READ_BYTES: usize = 32 * 1024;
/// The last packet of a message.
const END: u8 = 0x01;
/// The session begins anew before the message is looked at.
const RESET: u8 = 0x08;

/// The kinds of messages that are used here.
pub(super) mod message {
    pub(in super::super) const BATCH: u8 = 0x01;
    pub(in super::super) const CALL: u8 = 0x03;
    pub(in super::super) const ANSWER: u8 = 0x04;
    pub(in super::super) const ATTENTION: u8 = 0x06;
    pub(in super::super) const LOG_IN: u8 = 0x10;
    pub(in super::super) const BEFORE_LOG_IN: u8 = 0x12;
}

/// Why a connection gives no answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// It is lost, or what came is no TDS. The connection serves no more.
    Gone(String),
    /// A row is larger than what was wanted. The connection serves no more.
    TooLarge,
    /// A column has a type that is not known here. The connection serves no more.
    UnknownType,
    /// The server's own words. The connection goes on.
    Server(ServerError),
}

/// What the server says about an error.
#[derive(Debug)]
pub(super) struct ServerError {
    pub(super) number: u32,
    pub(super) message: String,
}

impl Failed {
    /// What came is no answer of SQL Server's.
    pub(super) fn no_protocol() -> Self {
        Self::Gone("it does not speak SQL Server's protocol".to_owned())
    }

    /// Whether the connection serves no more because it is lost.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Gone(_))
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Gone(error.to_string())
    }
}

/// A stream of packets, and the message that is being read.
pub(super) struct Wire {
    stream: Box<dyn ByteStream>,
    packets: BytesMut,
    message: BytesMut,
    /// Whether the message's last packet has come.
    is_whole: bool,
    packet_size: usize,
    /// Whether a message was begun and not ended.
    is_sending: bool,
    is_broken: bool,
}

impl Wire {
    pub(super) fn new(stream: Box<dyn ByteStream>) -> Self {
        Self {
            stream,
            packets: BytesMut::new(),
            message: BytesMut::new(),
            is_whole: true,
            packet_size: FIRST_PACKET_SIZE,
            is_sending: false,
            is_broken: false,
        }
    }

    /// Whether nothing can be said on it any more.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken || self.is_sending
    }

    /// What the server has agreed to.
    pub(super) fn set_packet_size(&mut self, size: usize) {
        self.packet_size = size.clamp(512, 32_767);
    }

    /// The stream below, to turn it to TLS. What has come and was not asked for came unprotected, and is refused.
    pub(super) fn into_stream(self) -> Result<Box<dyn ByteStream>, Failed> {
        let is_empty = self.packets.is_empty() && self.message.is_empty();
        if is_empty { Ok(self.stream) } else { Err(Failed::no_protocol()) }
    }

    /// Sends a message; what was left of the last answer is forgotten.
    pub(super) async fn send(&mut self, kind: u8, payload: &[u8], is_reset: bool) -> Result<(), Failed> {
        // An attention is answered behind what is on its way already.
        if kind != message::ATTENTION {
            self.message.clear();
            self.is_whole = false;
        }
        let packets = in_packets(kind, payload, is_reset, self.packet_size);
        self.is_sending = true;
        let sent = async {
            self.stream.write_all(&packets).await?;
            self.stream.flush().await
        };
        if let Err(error) = sent.await {
            return Err(self.broken(error.into()));
        }
        self.is_sending = false;
        Ok(())
    }

    /// What was read of the message and not taken yet.
    pub(super) fn unread(&mut self) -> &mut BytesMut {
        &mut self.message
    }

    /// Whether all that belongs to the message was read.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Expects one more message: the answer to an attention.
    pub(super) fn expect_another(&mut self) {
        self.is_whole = false;
    }

    /// Reads until `wanted` bytes of the message are there, of `most`. May be dropped and called again.
    pub(super) async fn fill(&mut self, wanted: usize, most: usize) -> Result<(), Failed> {
        let filled = self.read(wanted, most).await;
        filled.map_err(|error| self.broken(error))
    }

    async fn read(&mut self, wanted: usize, most: usize) -> Result<(), Failed> {
        if wanted > most {
            return Err(Failed::TooLarge);
        }
        while self.message.len() < wanted {
            if self.take_packet()? {
                continue;
            }
            if self.is_whole {
                return Err(Failed::no_protocol());
            }
            self.packets.reserve(READ_BYTES);
            if self.stream.read_buf(&mut self.packets).await? == 0 {
                return Err(Failed::Gone("it closed the connection".to_owned()));
            }
        }
        Ok(())
    }

    /// Moves a packet that is there to the message. Whether there was one.
    fn take_packet(&mut self) -> Result<bool, Failed> {
        let Some(head) = self.packets.get(..HEAD).filter(|_| !self.is_whole) else { return Ok(false) };
        let (kind, status, length) = (head[0], head[1], usize::from(u16::from_be_bytes([head[2], head[3]])));
        if kind != message::ANSWER || length < HEAD {
            return Err(Failed::no_protocol());
        }
        if self.packets.len() < length {
            return Ok(false);
        }
        self.packets.advance(HEAD);
        let payload = self.packets.split_to(length - HEAD);
        self.message.extend_from_slice(&payload);
        self.is_whole = status & END != 0;
        Ok(true)
    }

    fn broken(&mut self, error: Failed) -> Failed {
        self.is_broken = true;
        error
    }
}

/// A message, cut into packets.
fn in_packets(kind: u8, payload: &[u8], is_reset: bool, packet_size: usize) -> Vec<u8> {
    let most = packet_size - HEAD;
    let mut out = Vec::with_capacity(payload.len() + HEAD * (payload.len() / most + 1));
    let (mut rest, mut number) = (payload, 1_u8);
    loop {
        let (packet, after) = rest.split_at(rest.len().min(most));
        let mut status = if after.is_empty() { END } else { 0 };
        if is_reset && number == 1 && packet.len() + after.len() == payload.len() {
            status |= RESET;
        }
        let length = u16::try_from(packet.len() + HEAD).unwrap_or(u16::MAX).to_be_bytes();
        out.extend_from_slice(&[kind, status, length[0], length[1], 0, 0, number, 0]);
        out.extend_from_slice(packet);
        number = number.wrapping_add(1);
        rest = after;
        if rest.is_empty() {
            return out;
        }
    }
}

/// Reads the fields of a message. `None` when it ends before they do; `wanted` then says how long it has to be.
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    pub(super) wanted: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, wanted: 0 }
    }

    /// How much was read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.saturating_add(length);
        let Some(taken) = self.bytes.get(self.at..end) else {
            self.wanted = end;
            return None;
        };
        self.at = end;
        Some(taken)
    }

    /// What is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        self.take(self.bytes.len() - self.at).unwrap_or_default()
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A text behind its length in one byte.
    pub(super) fn short_text(&mut self) -> Option<String> {
        let length = usize::from(self.u8()?);
        self.take(length * 2).map(from_utf16)
    }

    /// A text behind its length in two bytes.
    pub(super) fn text(&mut self) -> Option<String> {
        let length = usize::from(self.u16()?);
        self.take(length * 2).map(from_utf16)
    }
}

/// UTF-16, the lower byte first. A half of a pair, which SQL Server can store, becomes the sign for what is no character.
pub(super) fn from_utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Appends UTF-16, the lower byte first.
pub(super) fn put_utf16(text: &str, out: &mut Vec<u8>) {
    text.encode_utf16().for_each(|unit| out.extend_from_slice(&unit.to_le_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_of_several_packets_is_put_together() {
        for length in [0, 1, 4087, 4088, 4089, 20_000] {
            let payload: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).expect("small")).collect();
            let packets = in_packets(message::ANSWER, &payload, true, FIRST_PACKET_SIZE);
            assert_eq!(packets[1] & RESET, RESET);
            let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
            theirs.write_all(&packets).await.expect("written");
            let mut wire = Wire::new(Box::new(ours));
            wire.expect_another();
            wire.fill(length, usize::MAX).await.expect("read");
            assert!(wire.unread()[..] == payload, "{length}");
        }
    }

    #[tokio::test]
    async fn a_message_that_is_too_large_or_none_is_refused() {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        theirs.write_all(b"HTTP/1.1 400 Bad Request\r\n").await.expect("written");
        let mut wire = Wire::new(Box::new(ours));
        wire.expect_another();
        assert!(matches!(wire.fill(11, 10).await, Err(Failed::TooLarge)));
        assert!(wire.fill(1, 10).await.is_err_and(|failed| failed.is_gone()) && wire.is_broken());
    }

    #[test]
    fn texts_read_back_as_they_were() {
        let mut out = Vec::new();
        put_utf16("aé😀", &mut out);
        assert_eq!(from_utf16(&out), "aé😀");
        assert_eq!(from_utf16(&[0x3D, 0xD8]), "\u{fffd}");
        let mut fields = Fields::new(&[2, b'a', 0]);
        assert_eq!((fields.short_text(), fields.wanted), (None, 5));
    }
}
