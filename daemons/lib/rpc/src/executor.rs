//! code-executor: runs a chain of blocks, each in a sandboxed child of its own.
//!
//! `POST /v1/run` answers 200 with one JSON event a line ([`RunEvent`]); a refusal before the first block is a problem
//! document (429 with `Retry-After` when the queue is full). Closing the connection ends the run.

use std::collections::BTreeMap;

use bulkhead_model::Libraries;
use bulkhead_model::run::{Iteration, LogLevel, RunError, Usage};
use bulkhead_model::workflow::{Function, Language, WorkflowDocument};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Where the service listens.
pub const SOCKET: &str = "/run/bulkhead/code-executor.sock";

/// A chain of blocks to run in order. The first that fails ends it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// The capability that `query()` calls carry to workflows-backend. Without one `query()` is refused.
    #[serde(default)]
    pub token: Option<String>,
    /// Whether this is a trial from the editor, whose calls no journal knows: where workflows-backend does not answer one, the code is
    /// told. The chain of a run ends without a result then, and runs again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draft: bool,
    /// On whose behalf, as any text: runs of one tenant wait behind one another, never behind a queue of another's.
    #[serde(default)]
    pub tenant: String,
    /// The sets of libraries that the code finds beside the standard ones.
    #[serde(default)]
    pub libraries: Libraries,
    /// Variables that every block sees, by name. The result of each block joins them under the block's id.
    #[serde(default)]
    pub inputs: BTreeMap<String, Value>,
    /// The blocks.
    pub blocks: Vec<BlockSpec>,
}

/// One block.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockSpec {
    /// Its name: an identifier.
    pub id: String,
    /// In which round of which loops it runs.
    #[serde(default)]
    pub iteration: Iteration,
    /// Which attempt it is, from 1.
    #[serde(default = "first_attempt")]
    pub attempt: u32,
    /// Variables that this block alone sees, before those of the chain.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Value>,
    /// What to run.
    pub work: Work,
    /// Limits.
    #[serde(default)]
    pub limits: CodeLimits,
}

fn first_attempt() -> u32 {
    1
}

impl BlockSpec {
    /// A block outside of loops, in its first attempt, that sees what all see.
    pub fn new(id: impl Into<String>, work: Work, limits: CodeLimits) -> Self {
        Self { id: id.into(), iteration: Iteration::default(), attempt: 1, inputs: BTreeMap::new(), work, limits }
    }
}

/// What a block runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Work {
    /// A function's body.
    Code {
        /// Its language.
        language: Language,
        /// Its source.
        source: String,
        /// What it may call as `functions.<name>`.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        functions: BTreeMap<String, FunctionSpec>,
    },
    /// JavaScript expressions by key; the result is an object of their values by the same keys.
    Expressions {
        /// The expressions.
        expressions: BTreeMap<String, String>,
    },
}

impl Work {
    /// Code that calls no functions of its workflow.
    pub fn code(language: Language, source: impl Into<String>) -> Self {
        Self::Code { language, source: source.into(), functions: BTreeMap::new() }
    }

    /// Code with the functions of its workflow that it may call.
    pub fn code_of(document: &WorkflowDocument, language: Language, source: String) -> Self {
        let functions = document.functions_of(language, &source).into_iter();
        let functions = functions.map(|(name, function)| (name.to_string(), FunctionSpec::of(function))).collect();
        Self::Code { language, source, functions }
    }
}

/// A function that code may call. It is run in the code's own process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FunctionSpec {
    /// A function's body, in the language of the code.
    Code {
        /// The names under which it sees what it is called with.
        parameters: Vec<String>,
        /// Its source.
        source: String,
    },
    /// The query of the function's name, with these parameters.
    Query {
        /// The names of its parameters.
        parameters: Vec<String>,
    },
}

impl FunctionSpec {
    fn of(function: &Function) -> Self {
        let parameters = function.parameters().iter().map(ToString::to_string).collect();
        match function {
            Function::Code(code) => Self::Code { parameters, source: code.source.clone() },
            Function::Query(_) => Self::Query { parameters },
        }
    }

    /// The names of its parameters.
    pub fn parameters(&self) -> &[String] {
        match self {
            Self::Code { parameters, .. } | Self::Query { parameters } => parameters,
        }
    }

    /// Its source; nothing for a query, whose statement stays where it is run.
    pub fn source(&self) -> &str {
        match self {
            Self::Code { source, .. } => source,
            Self::Query { .. } => "",
        }
    }
}

/// Limits on one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodeLimits {
    /// Wall clock, milliseconds.
    pub wall_ms: u32,
    /// Memory, bytes.
    pub memory_bytes: u64,
    /// JSON of the result, bytes.
    pub result_bytes: u32,
    /// Log text, bytes; more is cut with a marker.
    pub log_bytes: u32,
}

impl Default for CodeLimits {
    fn default() -> Self {
        Self { wall_ms: 10_000, memory_bytes: 256 * 1024 * 1024, result_bytes: 5 * 1024 * 1024, log_bytes: 1024 * 1024 }
    }
}

/// What happens while a chain runs, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum RunEvent {
    /// A line that the code logged.
    Log(LogLine),
    /// A block ended.
    Result(BlockResult),
}

/// A line that code logged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// The block.
    pub block: String,
    /// Counts from 0 within the block.
    pub seq: u32,
    /// Its level.
    pub level: LogLevel,
    /// Milliseconds since the epoch.
    pub time_ms: u64,
    /// The text.
    pub text: String,
}

/// How a block ended: `value` or `error`, never both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BlockResult {
    /// The block.
    pub block: String,
    /// What it returned (`null` for nothing), when it ended well.
    #[serde(default)]
    pub value: Value,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
    /// What it used.
    pub usage: Usage,
}
