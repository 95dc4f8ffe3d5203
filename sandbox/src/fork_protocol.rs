//! What the caller and a zygote say to each other: one JSON message a packet, on the zygote's descriptor 3.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::control::MESSAGE_LIMIT_BYTES;
use crate::error::StepError;
use crate::policy::{Limits, Policy};
use crate::sys::packet;
use crate::touched::Touched;

/// To the zygote.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ToZygote {
    /// First of all: the policy of every run.
    Serve(Box<Policy>),
    /// What all runs from now on will touch.
    TouchAhead(Touched),
    /// One run. With it come its standard output, standard error and channel, then its cgroup if it has one.
    Fork {
        /// What the answers call it: another may be asked for before it is ready.
        number: u64,
        /// Whether it gets a network namespace of its own.
        own_network: bool,
    },
}

/// From the zygote and, until it is ready, from the run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FromZygote {
    /// The zygote is prepared and waits.
    Serving,
    /// There is a child; its process's descriptor comes along.
    Forked {
        /// As it was asked for.
        number: u64,
        /// The process's number in the zygote's sandbox.
        pid: i32,
    },
    /// The child is in its sandbox. It holds this socket no longer.
    Ready(u64),
    /// A step failed; there is no run.
    Failed {
        /// The mechanism.
        step: String,
        /// What it was applied to.
        object: String,
        /// The system's error number.
        errno: i32,
    },
}

impl From<StepError> for FromZygote {
    fn from(error: StepError) -> Self {
        Self::Failed { step: error.step.to_owned(), object: error.object, errno: error.errno }
    }
}

/// Sends a message.
pub(crate) fn send(socket: impl AsFd, message: &impl Serialize, descriptors: &[impl AsFd]) -> io::Result<()> {
    packet::send_with_descriptors(socket, &serde_json::to_vec(message)?, descriptors)
}

/// Sends a message without descriptors, which a run may still do when it has restricted itself.
pub(crate) fn say(socket: impl AsFd, message: &impl Serialize) -> io::Result<()> {
    packet::send(socket, &serde_json::to_vec(message)?)
}

/// Receives a message; `None` at the end of the socket.
pub(crate) fn receive<T: DeserializeOwned>(socket: impl AsFd) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let (message, descriptors) = packet::receive_with_descriptors(socket, MESSAGE_LIMIT_BYTES)?;
    if message.is_empty() {
        return Ok(None);
    }
    Ok(Some((serde_json::from_slice(&message)?, descriptors)))
}

/// What a run that waits in its sandbox is told first, on its channel, by whoever has work for it: limits that follow from the
/// work. As bytes, because the interpreter has no part in this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkLimits {
    /// As in [`Limits`].
    pub data_bytes: u64,
    /// As in [`Limits`].
    pub address_space_bytes: Option<u64>,
    /// As in [`Limits`].
    pub cpu_time_s: u64,
}

impl WorkLimits {
    pub(crate) const BYTES: usize = 24;

    /// The part of the limits that is set at this moment.
    pub fn of(limits: &Limits) -> Self {
        Self {
            data_bytes: limits.data_bytes,
            address_space_bytes: limits.address_space_bytes,
            cpu_time_s: limits.cpu_time_s,
        }
    }

    /// As it is sent.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let numbers = [self.data_bytes, self.address_space_bytes.unwrap_or(u64::MAX), self.cpu_time_s];
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let number = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(eight)
        };
        let address_space_bytes = Some(number(8)).filter(|bytes| *bytes != u64::MAX);
        Self { data_bytes: number(0), address_space_bytes, cpu_time_s: number(16) }
    }

    /// These, in place of the zygote's own.
    pub(crate) fn within(self, limits: &Limits) -> Limits {
        Limits {
            data_bytes: self.data_bytes,
            address_space_bytes: self.address_space_bytes,
            cpu_time_s: self.cpu_time_s,
            ..limits.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn limits_survive_the_way_to_the_run(data_bytes: u64, address_space in prop::option::of(0..u64::MAX), cpu_time_s: u64) {
            let limits = WorkLimits { data_bytes, address_space_bytes: address_space, cpu_time_s };

            prop_assert_eq!(WorkLimits::from_bytes(limits.to_bytes()), limits);
        }

        #[test]
        fn whatever_bytes_come_are_limits(bytes: [u8; WorkLimits::BYTES]) {
            prop_assert_eq!(WorkLimits::from_bytes(bytes).to_bytes(), bytes);
        }
    }
}
