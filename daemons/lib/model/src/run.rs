//! The states of a run and of its blocks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

macro_rules! state {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// The word in documents and in the database.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($word => Ok(Self::$variant),)+ _ => Err(()) }
            }
        }
    };
}

state!(
    /// The state of a run. `queued -> running <-> waiting -> succeeded | failed | cancelled`.
    RunStatus {
        /// Written, not yet picked up by a worker.
        Queued = "queued",
        /// A worker has begun it.
        Running = "running",
        /// Nothing of it runs until a time has come, a person has decided or another run has ended.
        Waiting = "waiting",
        /// All its blocks ended well.
        Succeeded = "succeeded",
        /// A block failed, or its outcome is unknown.
        Failed = "failed",
        /// A person ended it.
        Cancelled = "cancelled",
    }
);

state!(
    /// The state of one block of a run.
    BlockStatus {
        /// Begun; what is stored as its result says where it stands.
        Running = "running",
        /// Its result is stored.
        Succeeded = "succeeded",
        /// Its error is stored.
        Failed = "failed",
        /// A crash struck while a write was under way, and nothing tells whether it took effect.
        OutcomeUnknown = "outcome-unknown",
    }
);

state!(
    /// What a person chooses for a block whose outcome is unknown.
    Choice {
        /// It is made again, whatever came of it before.
        Retry = "retry",
        /// The run goes on as if it had ended well, with no result.
        Skip = "skip",
        /// It has failed.
        Fail = "fail",
    }
);

state!(
    /// The level of a log line.
    LogLevel {
        /// `console.debug`.
        Debug = "debug",
        /// `console.log`, `console.info`, `print`, `log`.
        Info = "info",
        /// `console.warn`.
        Warn = "warn",
        /// `console.error`, Python's stderr.
        Error = "error",
    }
);

impl RunStatus {
    /// Whether the run will not change any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// Why a block or a run failed, as shown to the person who built it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RunError {
    /// A stable word: `thrown`, `syntax`, `wall-time`, `memory`, `query-failed`, `outcome-unknown`, ...
    pub kind: String,
    /// What happened and what to do.
    pub message: String,
    /// 1-based line in the block's source, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// 1-based column in that line, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The frames of the user's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// The block that failed, on a run's error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<String>,
}

impl RunError {
    /// An error without a place.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into(), line: None, column: None, stack: None, block: None }
    }
}

/// Which round of each loop around a block, the outermost first; rounds count from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Iteration(pub Vec<u32>);

impl Iteration {
    /// The round `index` of a loop that is itself at `self`.
    pub fn round(&self, index: u32) -> Self {
        Self(self.0.iter().copied().chain([index]).collect())
    }
}

impl std::fmt::Display for Iteration {
    /// `2.0` for the first round of a loop in the third round of another; nothing outside of loops.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, index) in self.0.iter().enumerate() {
            let dot = if number == 0 { "" } else { "." };
            write!(f, "{dot}{index}")?;
        }
        Ok(())
    }
}

/// The answer that a response block gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// JSON body.
    pub body: Value,
}

/// How much one block used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// Wall clock, milliseconds.
    pub wall_ms: f64,
    /// Processor time, milliseconds.
    pub cpu_ms: f64,
    /// Peak memory, bytes.
    pub peak_memory_bytes: u64,
}
