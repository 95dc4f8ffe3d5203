//! TLS within TDS: as long as the handshake lasts, its records travel in packets; then they travel as they are.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::wire::{HEAD, message};
use crate::route::ByteStream;

/// The most that one packet carries here.
const MOST: usize = 4096 - HEAD;

/// The stream below TLS.
pub(super) struct Wrapped {
    stream: Box<dyn ByteStream>,
    /// Whether the handshake is over.
    is_done: Arc<AtomicBool>,
    /// Records that wait for the others of their flight, which travel as one message.
    flight: BytesMut,
    /// What is on its way out.
    outgoing: BytesMut,
    head: BytesMut,
    /// What is left of the packet that is being read.
    left: usize,
    /// Whether records have come as they are: from then on all do.
    is_plain: bool,
}

impl Wrapped {
    /// A stream, and what is set when the handshake is over.
    pub(super) fn new(stream: Box<dyn ByteStream>) -> (Self, Arc<AtomicBool>) {
        let is_done = Arc::new(AtomicBool::new(false));
        let (flight, outgoing, head) = (BytesMut::new(), BytesMut::new(), BytesMut::new());
        let wrapped = Self { stream, is_done: Arc::clone(&is_done), flight, outgoing, head, left: 0, is_plain: false };
        (wrapped, is_done)
    }

    /// Puts a flight into packets.
    fn wrap(&mut self) {
        while !self.flight.is_empty() {
            let records = self.flight.split_to(self.flight.len().min(MOST));
            let length = u16::try_from(records.len() + HEAD).unwrap_or(u16::MAX).to_be_bytes();
            let is_last = u8::from(self.flight.is_empty());
            self.outgoing.extend_from_slice(&[message::BEFORE_LOG_IN, is_last, length[0], length[1], 0, 0, 0, 0]);
            self.outgoing.extend_from_slice(&records);
        }
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(context, &self.outgoing))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.advance(sent);
        }
        Poll::Ready(Ok(()))
    }

    /// Reads the head of a packet, of which there is one as long as the handshake lasts; behind it, the server may send some more.
    fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.left == 0 && !self.is_plain {
            let mut space = [0; HEAD];
            let mut read = ReadBuf::new(&mut space[..HEAD - self.head.len()]);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.head.extend_from_slice(read.filled());
            let kind = self.head.first().copied().unwrap_or_default();
            if !matches!(kind, message::ANSWER | message::BEFORE_LOG_IN) {
                // Records of TLS begin with numbers from 20 on.
                if !self.is_done.load(Ordering::Relaxed) {
                    return Poll::Ready(Err(io::Error::other("it does not answer to the offer of TLS")));
                }
                self.is_plain = true;
            } else if self.head.len() == HEAD {
                self.left = usize::from(u16::from_be_bytes([self.head[2], self.head[3]])).saturating_sub(HEAD);
                self.head.clear();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Wrapped {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.poll_head(context))?;
        if this.is_plain {
            if this.head.is_empty() {
                return Pin::new(&mut this.stream).poll_read(context, buf);
            }
            let length = this.head.len().min(buf.remaining());
            buf.put_slice(&this.head.split_to(length));
            return Poll::Ready(Ok(()));
        }
        let mut space = [0; MOST];
        let mut part = ReadBuf::new(&mut space[..MOST.min(this.left).min(buf.remaining())]);
        ready!(Pin::new(&mut this.stream).poll_read(context, &mut part))?;
        let filled = part.filled().len();
        buf.put_slice(part.filled());
        this.left -= filled;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wrapped {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(context))?;
        if self.is_done.load(Ordering::Relaxed) {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        }
        self.flight.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wrap();
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wrap();
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
