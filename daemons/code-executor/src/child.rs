//! One sandboxed interpreter and the descriptors that lead to it, on tokio.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Arc;

use bulkhead_sandbox::{
    Descriptors, Forked, Launcher, Limits, Outcome, Policy, Program, Sandbox, SandboxError, Stop, Usage,
};
use futures_util::StreamExt;
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::net::unix::pipe;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinHandle;
use tokio_util::bytes::{Bytes, BytesMut};
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};

use crate::frames;
use crate::pool::Ready;

/// A longer line on the raw outputs is cut into several.
const RAW_LINE_BYTES: usize = 64 * 1024;

/// Why a child did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("cannot start a sandbox")]
    Sandbox(#[from] SandboxError),
    #[error("cannot make the descriptors of a sandbox")]
    Descriptors(#[source] io::Error),
}

/// A running child.
pub(crate) struct Child {
    process: Process,
    ended: AsyncFd<OwnedFd>,
    frames: FramedRead<OwnedReadHalf, LengthDelimitedCodec>,
    outgoing: mpsc::UnboundedSender<Outgoing>,
    writer: JoinHandle<()>,
    stdout: RawLines,
    stderr: RawLines,
}

/// A frame to write, and what is held until it is written.
type Outgoing = (Bytes, Option<OwnedSemaphorePermit>);

/// How it came to be.
enum Process {
    Started(Sandbox),
    Forked { forked: Box<Forked>, _zygote: Arc<()> },
}

/// Something that a child did.
pub(crate) enum Happening {
    /// A frame arrived.
    Frame(BytesMut),
    /// A frame arrived that is larger than any may be.
    TooLarge,
    /// The channel ended.
    ChannelEnd,
    /// Lines on standard output.
    Out(Vec<String>),
    /// Lines on standard error.
    Error(Vec<String>),
    /// The run ended and nothing is left of it.
    Ended,
}

impl Child {
    /// Starts a program. Takes about a millisecond, for which it blocks: a fork and a write.
    pub(crate) fn start(
        launcher: &Launcher,
        policy: Policy,
        program: Program,
        frame_limit: usize,
    ) -> Result<Self, StartError> {
        let pipe = || pipe2(OFlag::O_CLOEXEC).map_err(|error| StartError::Descriptors(error.into()));
        let (ours, theirs) = StdUnixStream::pair().map_err(StartError::Descriptors)?;
        ours.set_nonblocking(true).map_err(StartError::Descriptors)?;
        let ((stdout, stdout_end), (stderr, stderr_end)) = (pipe()?, pipe()?);
        let stdin = std::fs::File::open("/dev/null").map_err(StartError::Descriptors)?.into();
        let descriptors = Descriptors { stdin, stdout: stdout_end, stderr: stderr_end, channel: Some(theirs.into()) };
        let sandbox = launcher.start(policy, program, descriptors)?;
        Self::listen(Process::Started(sandbox), ours, stdout, stderr, frame_limit).map_err(StartError::Descriptors)
    }

    /// Takes one that waits, and tells it its limits and its first frame.
    pub(crate) fn take(ready: Ready, limits: &Limits, frame_limit: usize, start: Bytes) -> Result<Self, StartError> {
        let Ready { mut forked, channel, stdout, stderr, zygote } = ready;
        let header = forked.limit(limits)?;
        // Together, or the child would wake up twice; and before anything else, because it works while the rest is done here.
        let first: Bytes = [&header[..], &start].concat().into();
        channel.set_nonblocking(true).map_err(StartError::Descriptors)?;
        let written = (&channel).write(&first).unwrap_or(0);
        let process = Process::Forked { forked: Box::new(forked), _zygote: zygote };
        let child = Self::listen(process, channel, stdout, stderr, frame_limit).map_err(StartError::Descriptors)?;
        if written < first.len() {
            child.send(first.slice(written..), None);
        }
        Ok(child)
    }

    /// `channel` must not block.
    fn listen(
        process: Process,
        channel: StdUnixStream,
        stdout: OwnedFd,
        stderr: OwnedFd,
        frame_limit: usize,
    ) -> io::Result<Self> {
        let (read_half, write_half) = UnixStream::from_std(channel)?.into_split();
        let ended = match &process {
            Process::Started(sandbox) => sandbox.process().try_clone_to_owned()?,
            Process::Forked { forked, .. } => forked.process().try_clone_to_owned()?,
        };
        let (outgoing, queue) = mpsc::unbounded_channel();
        Ok(Self {
            process,
            ended: watch(ended)?,
            frames: FramedRead::new(read_half, frames::codec(frame_limit)),
            outgoing,
            writer: tokio::spawn(write_all(write_half, queue)),
            stdout: RawLines::new(stdout)?,
            stderr: RawLines::new(stderr)?,
        })
    }

    /// Queues a frame; `place` is given back when it is written. A child that is gone needs none.
    pub(crate) fn send(&self, frame: Bytes, place: Option<OwnedSemaphorePermit>) {
        let _ = self.outgoing.send((frame, place));
    }

    /// Orders the end.
    pub(crate) fn stop(&mut self, why: Stop) {
        match &mut self.process {
            Process::Started(sandbox) => sandbox.stop(why),
            Process::Forked { forked, .. } => forked.stop(why),
        }
    }

    /// The next happening; may be dropped and asked again. Frames are held back while there is no place for a call.
    pub(crate) async fn next(&mut self, calls_full: bool) -> Happening {
        tokio::select! {
            // Frames first: a result is worth more than what happens beside it.
            biased;
            frame = self.frames.next(), if !calls_full => match frame {
                Some(Ok(frame)) => Happening::Frame(frame),
                // The codec's word for a frame over the limit; all else is a child that died in the middle.
                Some(Err(error)) if error.kind() == io::ErrorKind::InvalidData => Happening::TooLarge,
                Some(Err(_)) | None => Happening::ChannelEnd,
            },
            lines = self.stdout.next(), if !self.stdout.ended => Happening::Out(lines),
            lines = self.stderr.next(), if !self.stderr.ended => Happening::Error(lines),
            _ = self.ended.readable() => Happening::Ended,
        }
    }

    /// The next frame of a child that has ended, up to the last. The channel ends with its last holder.
    pub(crate) async fn rest(&mut self) -> Option<BytesMut> {
        self.frames.next().await?.ok()
    }

    /// What it has used, where that can be known before its end.
    pub(crate) fn usage_so_far(&self) -> Option<Usage> {
        match &self.process {
            Process::Started(_) => None,
            Process::Forked { forked, .. } => forked.usage_so_far(),
        }
    }

    /// What is in the pipes now.
    pub(crate) fn lines_so_far(&mut self) -> (Vec<String>, Vec<String>) {
        (self.stdout.so_far(), self.stderr.so_far())
    }

    /// Ends it and waits until nothing is left. Whoever used it has what they wanted.
    pub(crate) async fn discard(mut self) {
        self.stop(Stop::Cancelled);
        let _ = self.ended.readable().await;
        self.writer.abort();
    }

    /// Waits until nothing is left, and gives what was still in the pipes and how it ended.
    pub(crate) async fn finish(mut self) -> Result<(Vec<String>, Vec<String>, Outcome), SandboxError> {
        // An error of the descriptor leaves the wait to the sandbox itself.
        let _ = self.ended.readable().await;
        self.writer.abort();
        let (mut out, mut error) = (Vec::new(), Vec::new());
        // Every writer is gone, so both pipes end.
        while !self.stdout.ended {
            out.extend(self.stdout.next().await);
        }
        while !self.stderr.ended {
            error.extend(self.stderr.next().await);
        }
        let outcome = match self.process {
            Process::Started(sandbox) => sandbox.finish()?,
            Process::Forked { forked, .. } => forked.finish()?,
        };
        Ok((out, error, outcome))
    }
}

/// Registers a process's descriptor with the event loop.
#[allow(deprecated, reason = "unsound only for types that change their descriptor, which OwnedFd does not")]
fn watch(process: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(process, Interest::READABLE)
}

/// Writes beside the reading, because a child may be slow to read what it asked for.
async fn write_all(mut channel: tokio::net::unix::OwnedWriteHalf, mut queue: mpsc::UnboundedReceiver<Outgoing>) {
    while let Some((frame, _place)) = queue.recv().await {
        if channel.write_all(&frame).await.is_err() {
            return;
        }
    }
}

/// One of the child's outputs, cut into lines.
struct RawLines {
    pipe: pipe::Receiver,
    open: Vec<u8>,
    ended: bool,
}

impl RawLines {
    fn new(pipe: OwnedFd) -> io::Result<Self> {
        Ok(Self { pipe: pipe::Receiver::from_owned_fd(pipe)?, open: Vec::new(), ended: false })
    }

    /// Waits for more and gives the lines that are complete.
    async fn next(&mut self) -> Vec<String> {
        self.open.reserve(8 * 1024);
        match self.pipe.read_buf(&mut self.open).await {
            Ok(length) if length > 0 => {}
            _ => self.ended = true,
        }
        self.take_lines()
    }

    /// All that is there, without waiting; an open last line is closed.
    fn so_far(&mut self) -> Vec<String> {
        while let Ok(length) = self.pipe.try_read_buf(&mut self.open)
            && length > 0
        {
            self.open.reserve(8 * 1024);
        }
        self.ended = true;
        self.take_lines()
    }

    fn take_lines(&mut self) -> Vec<String> {
        let complete = match self.open.iter().rposition(|byte| *byte == b'\n') {
            _ if self.ended || self.open.len() > RAW_LINE_BYTES => self.open.len(),
            Some(newline) => newline + 1,
            None => return Vec::new(),
        };
        let taken: Vec<u8> = self.open.drain(..complete).collect();
        String::from_utf8_lossy(&taken).lines().map(str::to_owned).collect()
    }
}
