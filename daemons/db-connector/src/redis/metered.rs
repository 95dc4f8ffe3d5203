//! A stream of which an answer may have so many bytes: the client's library reads answers whole.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::memory::{FREE, Share};
use crate::route::ByteStream;

/// What may still be read.
#[derive(Clone, Debug)]
pub(super) struct Budget(Arc<Mutex<Left>>);

#[derive(Debug)]
struct Left {
    bytes: usize,
    most: usize,
    /// What the answer takes of the memory of all; another task reads it than the one that waits for it.
    share: Option<Share>,
    had_room: bool,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Mutex::new(Left { bytes, most: bytes, share: None, had_room: true })))
    }

    /// For the next answer, which this task waits for.
    pub(super) fn set(&self, bytes: usize) {
        *self.left() = Left { bytes, most: bytes, share: Share::current(), had_room: true };
    }

    /// Whether an answer was longer than it might be. The connection is broken then.
    pub(super) fn is_spent(&self) -> bool {
        self.left().bytes == 0
    }

    /// Whether there was room for what was read of an answer. The connection is broken where there was none.
    pub(super) fn had_room(&self) -> bool {
        self.left().had_room
    }

    /// Whether that much may be read.
    fn take(&self, bytes: usize) -> bool {
        let mut left = self.left();
        left.bytes = left.bytes.saturating_sub(bytes);
        if left.most - left.bytes > FREE
            && let Some(share) = &left.share
        {
            left.had_room = share.try_take(left.most).is_ok();
        }
        left.bytes > 0 && left.had_room
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream with its budget.
pub(super) struct Metered {
    stream: Box<dyn ByteStream>,
    budget: Budget,
}

impl Metered {
    pub(super) fn new(stream: Box<dyn ByteStream>, budget: Budget) -> Self {
        Self { stream, budget }
    }
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, read: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = read.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, read))?;
        let is_within = self.budget.take(read.filled().len() - before);
        Poll::Ready(if is_within { Ok(()) } else { Err(io::Error::other("the answer is too large")) })
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
