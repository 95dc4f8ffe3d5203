//! MySQL's packets: their framing, and the fields in them.

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::route::ByteStream;

/// The most that one packet of the framing carries; what is longer goes on in the next.
const MAX_FRAME: usize = 0xFF_FFFF;
/// Bytes read at once.
const READ_BYTES: usize = 32 * 1024;
/// The most that a packet of anything but a row has.
pub(super) const MAX_CONTROL_BYTES: usize = 1024 * 1024;

/// Why a connection gives no answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// It is lost, or what came is no MySQL. The connection serves no more.
    Gone(String),
    /// A packet is larger than what was wanted. The connection serves no more.
    TooLarge,
    /// The server's own words. The connection goes on.
    Server(ServerError),
}

/// What the server says about an error.
#[derive(Debug)]
pub(super) struct ServerError {
    pub(super) code: u16,
    pub(super) sqlstate: String,
    pub(super) message: String,
}

impl Failed {
    /// What came is no answer of MySQL's.
    pub(super) fn no_protocol() -> Self {
        Self::Gone("it does not speak MySQL's protocol".to_owned())
    }

    /// The server's code.
    pub(super) fn code(&self) -> Option<u16> {
        match self {
            Self::Server(error) => Some(error.code),
            Self::Gone(_) | Self::TooLarge => None,
        }
    }

    /// Whether the connection serves no more.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Gone(_))
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Gone(error.to_string())
    }
}

/// A stream of packets.
pub(super) struct Wire {
    stream: Box<dyn ByteStream>,
    read: BytesMut,
    sequence: u8,
    is_broken: bool,
}

impl Wire {
    pub(super) fn new(stream: Box<dyn ByteStream>) -> Self {
        Self { stream, read: BytesMut::new(), sequence: 0, is_broken: false }
    }

    /// Whether it failed.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// The stream below, to turn it to TLS, and the number of the next packet. Nothing may have come that was not asked for: it would
    /// be read as if it had come encrypted.
    pub(super) fn into_stream(self) -> Result<(Box<dyn ByteStream>, u8), Failed> {
        if self.read.is_empty() { Ok((self.stream, self.sequence)) } else { Err(Failed::no_protocol()) }
    }

    /// Goes on with this number, behind the turn to TLS.
    pub(super) fn continue_at(&mut self, sequence: u8) {
        self.sequence = sequence;
    }

    /// Sends a command: its packets are numbered from 0.
    pub(super) async fn command(&mut self, payload: &[u8]) -> Result<(), Failed> {
        self.sequence = 0;
        self.send(payload).await
    }

    /// Sends what answers the server's last packet.
    pub(super) async fn send(&mut self, payload: &[u8]) -> Result<(), Failed> {
        // A packet that fills its last frame is followed by an empty one.
        let mut framed = Vec::with_capacity(payload.len() + 4 * (payload.len() / MAX_FRAME + 1));
        let mut rest = payload;
        loop {
            let (frame, after) = rest.split_at(rest.len().min(MAX_FRAME));
            let length = u32::try_from(frame.len()).unwrap_or_default().to_le_bytes();
            framed.extend_from_slice(&[length[0], length[1], length[2], self.sequence]);
            framed.extend_from_slice(frame);
            self.sequence = self.sequence.wrapping_add(1);
            rest = after;
            if frame.len() < MAX_FRAME {
                break;
            }
        }
        let sent = async {
            self.stream.write_all(&framed).await?;
            self.stream.flush().await
        };
        if let Err(error) = sent.await {
            return Err(self.broken(error.into()));
        }
        Ok(())
    }

    /// The next packet, of `most` bytes. May be dropped and called again.
    pub(super) async fn packet(&mut self, most: usize) -> Result<Bytes, Failed> {
        match self.frames(most).await {
            Ok(packet) => Ok(packet),
            Err(error) => Err(self.broken(error)),
        }
    }

    async fn frames(&mut self, most: usize) -> Result<Bytes, Failed> {
        // The frames of a packet stay in the buffer until all are there.
        let (mut at, mut payload) = (0, 0);
        loop {
            self.fill(at + 4).await?;
            let head = &self.read[at..at + 4];
            let length = usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16;
            self.sequence = head[3].wrapping_add(1);
            payload += length;
            if payload > most {
                return Err(Failed::TooLarge);
            }
            at += 4 + length;
            self.fill(at).await?;
            if length < MAX_FRAME {
                break;
            }
        }
        let mut packet = self.read.split_to(at);
        if payload + 4 == at {
            packet.advance(4);
            return Ok(packet.freeze());
        }
        let mut whole = BytesMut::with_capacity(payload);
        while packet.len() >= 4 {
            packet.advance(4);
            let frame = packet.split_to(packet.len().min(MAX_FRAME));
            whole.extend_from_slice(&frame);
        }
        Ok(whole.freeze())
    }

    /// Reads until `wanted` bytes are there.
    async fn fill(&mut self, wanted: usize) -> Result<(), Failed> {
        while self.read.len() < wanted {
            self.read.reserve(READ_BYTES.max(wanted - self.read.len()).min(READ_BYTES * 8));
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(Failed::Gone("it closed the connection".to_owned()));
            }
        }
        Ok(())
    }

    fn broken(&mut self, error: Failed) -> Failed {
        self.is_broken = true;
        error
    }
}

/// Reads the fields of a packet. `None` when it ends before they do.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        Some(self.array::<1>()?[0])
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// A whole number in 1, 3, 4 or 9 bytes.
    pub(super) fn number(&mut self) -> Option<u64> {
        match self.u8()? {
            small @ 0..=0xFA => Some(small.into()),
            0xFC => self.u16().map(u64::from),
            0xFD => self.array::<3>().map(|[a, b, c]| u64::from(u32::from_le_bytes([a, b, c, 0]))),
            0xFE => self.array().map(u64::from_le_bytes),
            _ => None,
        }
    }

    /// Bytes behind their number.
    pub(super) fn counted(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(usize::try_from(length).ok()?)
    }

    /// Bytes before a NUL, or all that are left where there is none.
    pub(super) fn terminated(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == 0);
        let (taken, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest.get(1..).unwrap_or_default();
        taken
    }
}

/// Appends a whole number in 1, 3, 4 or 9 bytes.
pub(super) fn put_number(number: usize, out: &mut Vec<u8>) {
    let bytes = (number as u64).to_le_bytes();
    match number {
        0..=0xFA => out.push(bytes[0]),
        0xFB..=0xFFFF => {
            out.push(0xFC);
            out.extend_from_slice(&bytes[..2]);
        }
        0x1_0000..=0xFF_FFFF => {
            out.push(0xFD);
            out.extend_from_slice(&bytes[..3]);
        }
        _ => {
            out.push(0xFE);
            out.extend_from_slice(&bytes);
        }
    }
}

/// Appends bytes behind their number.
pub(super) fn put_counted(bytes: &[u8], out: &mut Vec<u8>) {
    put_number(bytes.len(), out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_as_they_were() {
        for number in [0, 1, 250, 251, 65_535, 65_536, 0xFF_FFFF, 0x100_0000, usize::MAX] {
            let mut out = Vec::new();
            put_number(number, &mut out);
            assert_eq!(Fields(&out).number(), Some(number as u64));
        }
        assert_eq!((Fields(&[0xFB]).number(), Fields(&[0xFC, 1]).number()), (None, None));
    }

    #[tokio::test]
    async fn a_packet_of_several_frames_is_put_together() {
        for length in [0, 5, MAX_FRAME - 1, MAX_FRAME, MAX_FRAME + 1, 2 * MAX_FRAME + 7] {
            let (one, other) = tokio::io::duplex(64 * 1024);
            let payload: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).expect("small")).collect();
            let sent = payload.clone();
            let sender = tokio::spawn(async move { Wire::new(Box::new(one)).command(&sent).await });
            let packet = Wire::new(Box::new(other)).packet(usize::MAX).await.expect("a packet");
            assert!(packet == payload, "{length}");
            sender.await.expect("ran").expect("sent");
        }
    }

    #[tokio::test]
    async fn a_packet_that_is_too_large_is_not_kept() {
        let (mut one, other) = tokio::io::duplex(1024);
        one.write_all(&[0xFF, 0xFF, 0xFF, 0]).await.expect("sent");
        let mut wire = Wire::new(Box::new(other));
        assert!(matches!(wire.packet(MAX_CONTROL_BYTES).await, Err(Failed::TooLarge)));
        assert!(wire.is_broken());
    }
}
