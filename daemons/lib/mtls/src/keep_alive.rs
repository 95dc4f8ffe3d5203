//! Noticing a machine that is gone without a word: a Unix socket never has one on its other end.

use std::os::fd::AsFd;

use nix::sys::socket::{setsockopt, sockopt};

/// Seconds without a packet until the other end is asked, seconds between questions, questions without an answer until it counts as gone.
const IDLE_S: u32 = 10;
const INTERVAL_S: u32 = 5;
const PROBES: u32 = 3;

/// Has the kernel ask whether the other end is there while a connection is silent, so that one that waits for a machine without power
/// ends within half a minute instead of never; and has it send at once. Where it cannot, the connection works without.
pub fn keep_alive(stream: &impl AsFd) {
    let _ = setsockopt(stream, sockopt::TcpNoDelay, &true);
    let _ = setsockopt(stream, sockopt::KeepAlive, &true);
    let _ = setsockopt(stream, sockopt::TcpKeepIdle, &IDLE_S);
    let _ = setsockopt(stream, sockopt::TcpKeepInterval, &INTERVAL_S);
    let _ = setsockopt(stream, sockopt::TcpKeepCount, &PROBES);
    // For what was sent and is never acknowledged, which the above says nothing about.
    let _ = setsockopt(stream, sockopt::TcpUserTimeout, &((IDLE_S + INTERVAL_S * PROBES) * 1000));
}
