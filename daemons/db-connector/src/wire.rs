//! A stream to a server with what was read of it and not understood yet, for the protocols that are spoken here by hand.

use std::io;
use std::task::Poll;

use bytes::BytesMut;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

use crate::route::ByteStream;

/// Bytes asked of the stream at a time.
const PIECE: usize = 16 * 1024;

/// Why there is no answer.
#[derive(Debug, Error)]
pub(crate) enum WireError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it closed the connection")]
    Closed,
    #[error("its answer is longer than is read here")]
    TooLong,
    #[error("{0}")]
    Broken(&'static str),
}

impl From<&'static str> for WireError {
    fn from(problem: &'static str) -> Self {
        Self::Broken(problem)
    }
}

/// A stream with its buffer.
pub(crate) struct Wire {
    stream: Box<dyn ByteStream>,
    unread: BytesMut,
    most: usize,
}

impl Wire {
    /// One that keeps `most` bytes of an answer that is not whole.
    pub(crate) fn new(stream: Box<dyn ByteStream>, most: usize) -> Self {
        Self { stream, unread: BytesMut::new(), most }
    }

    /// Sends all of it.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        self.stream.write_all(bytes).await?;
        Ok(self.stream.flush().await?)
    }

    /// Waits until `understand` makes something of what was read; it takes off what it used. May be dropped and asked again.
    pub(crate) async fn receive<T, E: Into<WireError>>(
        &mut self,
        mut understand: impl FnMut(&mut BytesMut) -> Result<Option<T>, E>,
    ) -> Result<T, WireError> {
        loop {
            if let Some(found) = understand(&mut self.unread).map_err(Into::into)? {
                return Ok(found);
            }
            if self.unread.len() >= self.most {
                return Err(WireError::TooLong);
            }
            self.unread.reserve(PIECE);
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                return Err(WireError::Closed);
            }
        }
    }

    /// Reads what is there without waiting, and tells whether the stream still lives. For one that rested in a pool: a server that
    /// was stopped meanwhile has closed it, and a write would be taken by the kernel and never arrive.
    pub(crate) async fn still_lives(&mut self) -> bool {
        let mut piece = [0; 1024];
        loop {
            let mut read = ReadBuf::new(&mut piece);
            let polled = std::future::poll_fn(|context| {
                Poll::Ready(std::pin::Pin::new(&mut self.stream).poll_read(context, &mut read))
            });
            match polled.await {
                Poll::Pending => return true,
                Poll::Ready(Ok(())) if !read.filled().is_empty() && self.unread.len() < self.most => {
                    self.unread.extend_from_slice(read.filled());
                }
                Poll::Ready(_) => return false,
            }
        }
    }

    /// What was read and not understood yet.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.unread
    }

    /// The stream itself, to turn it to TLS. What the server has said beyond its consent came unprotected, and is refused.
    pub(crate) fn into_stream(self) -> Result<Box<dyn ByteStream>, WireError> {
        if self.unread.is_empty() {
            Ok(self.stream)
        } else {
            Err(WireError::Broken("it went on without TLS after it had agreed to TLS"))
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    fn line(unread: &mut BytesMut) -> Result<Option<BytesMut>, &'static str> {
        Ok(unread.iter().position(|byte| *byte == b'\n').map(|end| unread.split_to(end + 1)))
    }

    #[tokio::test]
    async fn an_answer_in_pieces_is_put_together_and_one_without_end_is_refused() {
        let (ours, mut theirs) = duplex(1024);
        let mut wire = Wire::new(Box::new(ours), 8);
        theirs.write_all(b"ab").await.expect("written");
        let late = tokio::time::timeout(std::time::Duration::from_millis(20), wire.receive(line)).await;
        assert!(late.is_err(), "half a line is none");
        theirs.write_all(b"c\nd").await.expect("written");
        assert_eq!(&wire.receive(line).await.expect("a line")[..], b"abc\n");
        theirs.write_all(b"efghijkl").await.expect("written");
        assert!(matches!(wire.receive(line).await, Err(WireError::TooLong)));
    }

    #[tokio::test]
    async fn a_stream_that_was_closed_in_rest_is_noticed() {
        let (ours, mut theirs) = duplex(1024);
        let mut wire = Wire::new(Box::new(ours), 1024);
        assert!(wire.still_lives().await);
        theirs.write_all(b"PING").await.expect("written");
        assert!(wire.still_lives().await);
        assert_eq!(wire.unread(), b"PING");
        drop(theirs);
        assert!(!wire.still_lives().await);
        assert!(wire.into_stream().is_err(), "something is unread");
    }
}
