//! workflows-backend: owns the effects, results, logs and status of runs.
//!
//! | route | caller | what |
//! |---|---|---|
//! | `GET /v1/runs/{run}` | worker | [`RunState`]: definition, trigger, finished blocks, a capability token |
//! | `POST /v1/runs/{run}/blocks/{block}/query` | worker | runs a query block under the journal: [`QueryBlockRequest`] -> [`BlockOutcome`] |
//! | `POST /v1/runs/{run}/blocks` | worker | ends blocks: [`BlockReports`], idempotent |
//! | `POST /v1/runs/{run}/response` | worker | stores the response for the webhook's caller, once |
//! | `POST /v1/runs/{run}/finish` | worker | [`FinishRequest`], idempotent |
//! | `POST /v1/calls` (bearer token) | code-executor | `query()` and `fetch()` from code: [`CallRequest`] -> the result |
//! | `POST /v1/secrets` (bearer token) | code-executor | `secret()` from code: [`SecretRequest`] -> [`SecretValue`] |
//! | `POST /v1/tokens` | api | [`TokenRequest`] -> [`Token`]: the capability of a single-block run from the editor |

use std::collections::BTreeMap;

use bulkhead_model::run::{BlockStatus, RunError, RunResponse, RunStatus, Usage};
use bulkhead_model::workflow::{Port, WorkflowDocument};
use bulkhead_model::{Libraries, Name, RunId, UserId, WorkflowId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::executor::LogLine;
use crate::fetch::FetchRequest;

/// Where the service listens.
pub const SOCKET: &str = "/run/bulkhead/workflows-backend.sock";

/// All that a worker needs to go on with a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunState {
    /// The run.
    pub run: RunId,
    /// Its workflow.
    pub workflow: WorkflowId,
    /// The release it is pinned to.
    pub version: i32,
    /// That release.
    pub document: WorkflowDocument,
    /// What code sees as `trigger`.
    pub trigger: Value,
    /// Where the run stands.
    pub status: RunStatus,
    /// Blocks that ended, by name.
    pub finished: BTreeMap<Name, BlockOutcome>,
    /// The capability for code of this run.
    pub token: String,
    /// What the sets of libraries that the release names are now.
    #[serde(default)]
    pub libraries: Libraries,
}

/// How a block ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockOutcome {
    /// Its state.
    pub status: BlockStatus,
    /// Its result, when it succeeded.
    #[serde(default)]
    pub result: Value,
    /// Which way a branch went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
}

/// Runs a query block: the statement and resource come from the pinned release, only the values from the worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryBlockRequest {
    /// The value of each expression, by its text.
    pub parameters: BTreeMap<String, Value>,
}

/// Blocks that ended on the worker's side, and what came of the run with them: all of it is stored, or none.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockReports {
    /// One each.
    pub blocks: Vec<BlockReport>,
    /// The run's answer, if one of them gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<RunResponse>,
    /// The run's end, if it ended with the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish: Option<FinishRequest>,
}

/// A block that ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockReport {
    /// The block.
    pub block: Name,
    /// How it ended.
    pub outcome: BlockOutcome,
    /// What it was given, for the run's history.
    pub input: Value,
    /// Milliseconds since the epoch.
    pub started_at_ms: u64,
    /// Milliseconds since the epoch.
    pub finished_at_ms: u64,
    /// What it used.
    pub usage: Usage,
    /// What it logged.
    #[serde(default)]
    pub logs: Vec<LogLine>,
}

/// Ends a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinishRequest {
    /// A final status.
    pub status: RunStatus,
    /// Why, when it failed.
    pub error: Option<RunError>,
}

/// `query('name', {params})` or `fetch(url)` from code.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRequest {
    /// The block whose code calls.
    pub block: String,
    /// Counts from 0 within the block: with run and block, the key under which a repeat finds the stored result.
    pub call: u32,
    /// What for.
    pub ask: CallAsk,
}

/// What code asks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CallAsk {
    /// One of the workflow's queries.
    Query {
        /// Its name in the workflow's document.
        query: String,
        /// Its parameters: `{a: 1}` binds `{{ a }}`.
        parameters: BTreeMap<String, Value>,
    },
    /// An HTTP request; the answer is a [`crate::fetch::FetchAnswer`].
    Fetch {
        /// The request.
        request: FetchRequest,
    },
}

/// `secret('name')` from code. 403 `secret-not-granted` where the workflow may not use it, whether or not it exists.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretRequest {
    /// The secret's name.
    pub name: String,
}

/// The value of a secret, in the clear. It belongs into the memory of the code that asked, and nowhere else.
#[derive(Clone, Serialize, Deserialize)]
pub struct SecretValue {
    /// The value.
    pub value: String,
}

impl std::fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretValue(redacted)")
    }
}

/// Asks for the capability of a single-block run from the editor, on the saved draft.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// The workflow whose draft names the queries.
    pub workflow: WorkflowId,
    /// Who runs it.
    pub user: UserId,
}

/// A capability token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    /// Opaque text.
    pub token: String,
}
