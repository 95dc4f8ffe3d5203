//! The messages of an answer, as gRPC frames them in the body: a byte for compression, four for the length, and the message.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use h2::RecvStream;
use http::HeaderMap;
use thiserror::Error;

const PREFIX: usize = 5;

/// Why there is no next message.
#[derive(Debug, Error)]
pub(super) enum FrameError {
    #[error("the connection was lost")]
    Lost,
    #[error("a message is longer than it may be")]
    TooLong,
    #[error("the answer is none of gRPC: {0}")]
    Form(&'static str),
}

/// A message as it is sent.
pub(super) fn framed(message: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(PREFIX + message.len());
    out.put_u8(0);
    // Requests end far below this at the socket of the connector.
    out.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    out.extend_from_slice(message);
    out.freeze()
}

/// The messages of one answer.
pub(super) struct Frames {
    body: RecvStream,
    unread: BytesMut,
    most: usize,
    /// The trailers of an answer that has told them at once, in the place of messages.
    told: Option<HeaderMap>,
}

impl Frames {
    /// Those of an answer, each of `most` bytes at most.
    pub(super) fn new(body: RecvStream, most: usize, told: Option<HeaderMap>) -> Self {
        Self { body, unread: BytesMut::new(), most, told }
    }

    /// The next message; nothing where they have ended. May be dropped and asked again.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, FrameError> {
        loop {
            if let Some(message) = take(&mut self.unread, self.most)? {
                return Ok(Some(message));
            }
            match self.body.data().await {
                Some(Ok(data)) => {
                    // What was read makes room for more.
                    let _ = self.body.flow_control().release_capacity(data.len());
                    self.unread.extend_from_slice(&data);
                }
                Some(Err(_)) => return Err(FrameError::Lost),
                None if self.unread.is_empty() => return Ok(None),
                None => return Err(FrameError::Form("it ends within a message")),
            }
        }
    }

    /// What follows the messages.
    pub(super) async fn trailers(&mut self) -> Result<HeaderMap, FrameError> {
        let trailers = self.body.trailers().await.map_err(|_| FrameError::Lost)?;
        trailers.or_else(|| self.told.take()).ok_or(FrameError::Form("it ends without a status"))
    }
}

fn take(unread: &mut BytesMut, most: usize) -> Result<Option<Bytes>, FrameError> {
    let Some(&[compressed, a, b, c, d]) = unread.get(..PREFIX) else { return Ok(None) };
    if compressed != 0 {
        return Err(FrameError::Form("it is compressed, which was not offered"));
    }
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > most {
        return Err(FrameError::TooLong);
    }
    if unread.len() < PREFIX + length {
        return Ok(None);
    }
    unread.advance(PREFIX);
    Ok(Some(unread.split_to(length).freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_when_they_are_whole() {
        let mut unread = BytesMut::from(&framed(b"abc")[..]);
        unread.extend_from_slice(&framed(b"")[..4]);
        assert_eq!(take(&mut unread, 3).expect("sound").as_deref(), Some(&b"abc"[..]));
        assert_eq!(take(&mut unread, 3).expect("sound"), None);
        unread.put_u8(0);
        assert_eq!(take(&mut unread, 3).expect("sound").as_deref(), Some(&b""[..]));
        assert!(unread.is_empty());
    }

    #[test]
    fn what_is_too_long_or_compressed_is_refused_before_it_is_read() {
        let mut long = BytesMut::from(&[0, 0xff, 0xff, 0xff, 0xff][..]);
        assert!(matches!(take(&mut long, 1 << 20), Err(FrameError::TooLong)));
        let mut compressed = BytesMut::from(&[1, 0, 0, 0, 0][..]);
        assert!(matches!(take(&mut compressed, 1 << 20), Err(FrameError::Form(_))));
    }
}
