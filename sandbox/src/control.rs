//! The control socket: one order to the stage, then facts back, one JSON message a packet.
//!
//! A sequenced-packet socket keeps messages whole although the stage and PID 1 both write to it. The
//! program never holds it. Its end is the order to kill the run.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use serde::{Deserialize, Serialize};

use crate::error::StepError;
use crate::outcome::{ProgramEnd, Usage};
use crate::policy::{Policy, Program};
use crate::sys::packet;

/// Largest message; the kernel's default socket buffer holds it.
pub(crate) const MESSAGE_LIMIT_BYTES: usize = 160 * 1024;

/// What the caller wants run. The descriptors travel beside it: standard input, output and error,
/// then, if there is one, the channel that the program finds as descriptor 3.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) policy: Policy,
    pub(crate) program: Program,
    /// Whether the stage has to keep the limit of memory, because there is no cgroup that does.
    pub(crate) watch_memory: bool,
}

/// What stage and PID 1 tell the caller.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fact {
    /// A step of the set-up failed; the program was not started.
    Failed {
        /// The mechanism.
        step: String,
        /// What it was applied to.
        object: String,
        /// The system's error number.
        errno: i32,
    },
    /// The program ended.
    Ended(ProgramEnd),
    /// The run held more memory than it may, so the stage ends it.
    OutOfMemory,
    /// A run that the program, a zygote, had forked ended.
    ForkEnded {
        /// Its number as the zygote knows it.
        pid: i32,
        /// How.
        end: ProgramEnd,
        /// What it used.
        usage: Usage,
    },
    /// Everything of the run is gone; this is what it used.
    Used(Usage),
}

impl From<StepError> for Fact {
    fn from(error: StepError) -> Self {
        Self::Failed { step: error.step.to_owned(), object: error.object, errno: error.errno }
    }
}

/// Sends an order with its descriptors.
pub(crate) fn send_order(socket: impl AsFd, json: &[u8], descriptors: &[impl AsFd]) -> io::Result<()> {
    packet::send_with_descriptors(socket, json, descriptors)
}

/// Receives the order. An end of the socket before it is an error.
pub(crate) fn receive_order(socket: impl AsFd) -> io::Result<(Order, Vec<OwnedFd>)> {
    let (message, descriptors) = packet::receive_with_descriptors(socket, MESSAGE_LIMIT_BYTES)?;
    if message.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((serde_json::from_slice(&message)?, descriptors))
}

/// Sends a fact. A caller that is gone is no error here: the end of the socket ends the run anyway.
pub(crate) fn send_fact(socket: impl AsFd, fact: &Fact) {
    if let Ok(json) = serde_json::to_vec(fact) {
        let _ = nix::unistd::write(socket, &json);
    }
}

/// Reads the facts that are there, up to the end of the socket.
pub(crate) fn receive_facts(socket: impl AsFd) -> io::Result<Vec<Fact>> {
    let mut facts = Vec::new();
    while let Some(fact) = receive_fact(&socket)? {
        facts.push(fact);
    }
    Ok(facts)
}

/// Waits for the next fact; `None` at the end of the socket.
pub(crate) fn receive_fact(socket: impl AsFd) -> io::Result<Option<Fact>> {
    let mut buffer = [0; 4096];
    match nix::unistd::read(&socket, &mut buffer)? {
        0 => Ok(None),
        length => Ok(Some(serde_json::from_slice(&buffer[..length])?)),
    }
}
