//! The sandbox: one program in namespaces of its own, on a read-only root, under landlock, a seccomp
//! allow list and resource limits, without a capability, a network or an environment.
//!
//! It needs no privilege and no helper that has any: an unprivileged caller gets everything from a
//! user namespace. Nothing here degrades: a mechanism that the kernel lacks is an error that names
//! the setting which gives it ([`selfcheck`]), never a run with less.
//!
//! How a run comes to be, one process after the other:
//!
//! ```text
//! caller            Launcher::start: re-executes the stage, sends policy and descriptors
//!  `- stage         single-threaded: identity, unshare, id maps          (stage.rs)
//!      `- PID 1     root, pivot, capabilities, landlock; reaps           (init.rs)
//!          `- PROGRAM   descriptors, rlimits, seccomp, execve            (init.rs)
//! ```
//!
//! Where PROGRAM is an interpreter that serves forks (a [`Zygote`]), each run is a copy of it in a sandbox of its own, a child of
//! the same PID 1, which takes milliseconds less than a start (fork_server.rs).
//!
//! The control socket between caller and stage is also the kill order: when the caller closes it, or
//! dies, the stage kills PID 1, and the kernel ends every process of the pid namespace with it.
//!
//! A binary that starts sandboxes must call [`init_if_requested`] first thing in `main`. `policy` and
//! `seccomp_rules` are pure data, `sys` holds the only unsafe code, and each mechanism has its file.

mod capabilities;
pub mod cgroup;
mod command;
mod control;
mod error;
mod fork_protocol;
pub mod fork_server;
mod identity;
mod inherited;
mod init;
mod landlock;
mod launcher;
mod memory_watch;
mod namespaces;
mod outcome;
mod policy;
mod resident;
mod rlimits;
mod root;
mod seccomp;
mod seccomp_rules;
mod selfcheck;
mod stage;
mod sys;
mod touched;
mod zygote;

pub use command::{Stream, exit_code, run_command};
pub use error::SandboxError;
pub use fork_protocol::WorkLimits;
pub use launcher::{Descriptors, Launcher, Sandbox, Stop};
pub use outcome::{Ending, Outcome, Usage};
pub use policy::{Identity, Limits, Mount, Policy, Proc, Processes, Program};
pub use selfcheck::{Finding, Mechanism, Report, selfcheck};
pub use stage::init_if_requested;
pub use zygote::{Forked, Zygote};
