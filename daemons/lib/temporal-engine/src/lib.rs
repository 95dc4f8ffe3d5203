//! The glue to the Temporal SDK: one workflow type, its activities, a client.
//!
//! Temporal owns that a run starts once, goes on after any crash, and can be cancelled. What a run does is behind
//! [`Advance`]; the journal of it lies elsewhere. Temporal's history holds the run's id and words such as `continue`, never data.
//!
//! The crate is apart from the worker because any edit of the SDK's macros costs minutes of compiling.

mod connection;
mod engine;
mod replay;
mod workflow;

use std::pin::Pin;
use std::time::Duration;

pub use connection::{ConnectionConfig, TlsFiles};
pub use engine::{Engine, EngineError, EngineState};
pub use replay::History;

/// What one step of a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do: step again.
    Continue,
    /// There is nothing to do until this long has passed, or until the run is woken where nothing is said.
    Wait(Option<Duration>),
    /// The run has ended, well or not, and its end is stored.
    Finished,
}

/// A step that could not be made. It is tried again, with growing pauses, until it succeeds or the run is cancelled.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StepError(pub String);

/// A future of [`Advance`].
pub type StepFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StepError>> + Send + 'a>>;

/// What a run does, step by step. Each method may be called again after a crash with the same run: the journal tells what is
/// done already.
pub trait Advance: Send + Sync + 'static {
    /// Goes on with the run from its journal for about a second.
    fn advance<'a>(&'a self, run: &'a str) -> StepFuture<'a, Progress>;

    /// Stores that the run was cancelled.
    fn cancelled<'a>(&'a self, run: &'a str) -> StepFuture<'a, ()>;
}
