//! workflows-backend: owns the effects, results, logs and status of runs.
//!
//! | route | caller | what |
//! |---|---|---|
//! | `GET /v1/runs/{run}` | worker | [`RunState`]: definition, trigger, what its blocks came to, a capability token. Marks the run as running; `?quietly=true` changes nothing, and is [`NOT_QUIETLY`] where something has to |
//! | `POST /v1/runs/{run}/blocks/{block}` | worker | has a block act under the journal: [`BlockAction`] -> [`BlockOutcome`] |
//! | `POST /v1/runs/{run}/blocks` | worker | stores what blocks came to: [`BlockReports`] -> [`Stored`], idempotent |
//! | `POST /v1/runs/{run}/wait` | worker | [`WaitingFor`]: nothing of the run is under way until then |
//! | `POST /v1/runs/{run}/finish` | worker | [`FinishRequest`], idempotent |
//! | `POST /v1/calls` (bearer token) | code-executor | `query()` and `fetch()` from code: [`CallRequest`] -> the result |
//! | `POST /v1/secrets` (bearer token) | code-executor | `secret()` from code: [`SecretRequest`] -> [`SecretValue`] |
//! | `POST /v1/signatures` | api | [`SignatureRequest`] -> [`SignatureAnswer`]: whether a webhook's caller has signed with the secret |
//! | `POST /v1/codes` | api | [`CodeRequest`] -> [`CodeAnswer`]: whether a code of a second factor is right, and of when |
//! | `POST /v1/tokens` | api | [`TokenRequest`] -> [`Token`]: the capability of a single-block run from the editor |

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_model::run::{BlockStatus, Choice, Iteration, RunError, RunResponse, RunStatus, Usage};
use bulkhead_model::workflow::{Port, WorkflowDocument};
use bulkhead_model::{EnvironmentId, Libraries, Name, RunId, UserId, WorkflowId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::executor::LogLine;
use crate::fetch::FetchRequest;

/// Where the service listens.
pub const SOCKET: &str = "/run/bulkhead/workflows-backend.sock";

/// The code of the problem that says that calls of an execution were answered which nobody remembers: the code has to run again.
pub const CALLS_FORGOTTEN: &str = "calls-forgotten";

/// The code of the problem that says that a run cannot be looked at quietly: it takes over what an earlier one came to.
pub const NOT_QUIETLY: &str = "not-quietly";

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
    pub document: Arc<WorkflowDocument>,
    /// What code sees as `trigger`.
    pub trigger: Value,
    /// Where the run stands.
    pub status: RunStatus,
    /// Whether a person has paused it.
    #[serde(default)]
    pub is_paused: bool,
    /// What its blocks came to: the newest attempt of each, in each round that has not ended.
    pub journal: Vec<JournalEntry>,
    /// Rounds of its loops that ended well and have nothing to tell; the journal leaves them out.
    #[serde(default)]
    pub rounds: Vec<EndedRounds>,
    /// Variables that were set.
    #[serde(default)]
    pub variables: BTreeMap<Name, Value>,
    /// When it was accepted, milliseconds since the epoch.
    pub created_at_ms: u64,
    /// The capability for code of this run.
    pub token: String,
    /// What the sets of libraries that the release names are now.
    #[serde(default)]
    pub libraries: Libraries,
    /// The name of the environment that it runs in.
    #[serde(default = "default_environment")]
    pub environment: String,
}

/// Of those who know of no environments.
fn default_environment() -> String {
    "production".to_owned()
}

/// One attempt of a block, in one round of the loops around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlockPlace {
    /// The block.
    pub block: Name,
    /// In which round of which loops. One round more than the block has loops around it: a round of this block itself, a loop.
    #[serde(default)]
    pub iteration: Iteration,
    /// Counts from 1.
    #[serde(default = "first_attempt")]
    pub attempt: u32,
}

fn first_attempt() -> u32 {
    1
}

/// What a block came to, as the journal has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Which.
    pub place: BlockPlace,
    /// What came of it.
    pub outcome: BlockOutcome,
    /// Milliseconds since the epoch.
    pub started_at_ms: u64,
    /// Milliseconds since the epoch; 0 while it has not ended.
    #[serde(default)]
    pub finished_at_ms: u64,
    /// Whether it failed after it had made calls that change something.
    #[serde(default)]
    pub wrote: bool,
    /// What a person has chosen, where its outcome is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
}

/// Rounds of a loop, one after the other, that ended well, by the plain way and with the result null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndedRounds {
    /// The loop.
    pub block: Name,
    /// In which round of which loops around it.
    pub iteration: Iteration,
    /// The first of them.
    pub first: u32,
    /// The last of them.
    pub last: u32,
    /// When the last of them ended, in milliseconds since the epoch.
    pub finished_at_ms: u64,
}

/// How a block ended, or that it has begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockOutcome {
    /// Its state.
    pub status: BlockStatus,
    /// Its result when it succeeded; where it stands while it runs.
    #[serde(default)]
    pub result: Value,
    /// Which way it is left; the plain one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
}

impl BlockOutcome {
    /// A success, left by the plain way.
    pub fn succeeded(result: Value) -> Self {
        Self { status: BlockStatus::Succeeded, result, port: None, error: None }
    }

    /// A failure.
    pub fn failed(error: RunError) -> Self {
        Self { status: BlockStatus::Failed, result: Value::Null, port: None, error: Some(error) }
    }

    /// A beginning, with where it stands.
    pub fn running(standing: Value) -> Self {
        Self { status: BlockStatus::Running, result: standing, port: None, error: None }
    }
}

/// Has a block act. What it does comes from the pinned release, only values from the worker. Asked again, it attaches to what is
/// under way or tells what came of it; an outcome of `running` is one that the run is woken for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockAction {
    /// In which round of which loops.
    #[serde(default)]
    pub iteration: Iteration,
    /// Counts from 1.
    pub attempt: u32,
    /// The row that covers that of the block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<Cover>,
    /// The values that it acts with.
    pub values: ActionValues,
}

/// The values that a block acts with, by its kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ActionValues {
    /// Runs the statement.
    Query {
        /// The value of each expression, by its text.
        parameters: BTreeMap<String, Value>,
    },
    /// Sends the request.
    Http {
        /// The request, with the method of the release.
        request: FetchRequest,
    },
    /// Asks for an approval.
    Approval {
        /// What is asked.
        title: String,
        /// What there is to know.
        description: String,
    },
    /// Waits for an event.
    Event {
        /// The value of its key's expression.
        key: Value,
    },
    /// Runs the other workflow.
    Workflow {
        /// What it sees as `trigger.body`.
        input: Value,
    },
}

/// The row of the journal that makes another one unnecessary once it has ended: that of a round for the blocks in it, that of a
/// loop for its rounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cover {
    /// Its block.
    pub block: Name,
    /// How many of the other's rounds are its own.
    pub depth: u16,
}

/// What blocks came to on the worker's side, and what came of the run with them: all of it is stored, or none.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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

/// What a block came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockReport {
    /// Which.
    pub place: BlockPlace,
    /// How it ended, or that it has begun.
    pub outcome: BlockOutcome,
    /// The row that covers this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<Cover>,
    /// What it was given, for the run's history.
    pub input: Value,
    /// Milliseconds since the epoch.
    pub started_at_ms: u64,
    /// Milliseconds since the epoch; 0 while it has not ended.
    #[serde(default)]
    pub finished_at_ms: u64,
    /// What it used.
    pub usage: Usage,
    /// What it logged.
    #[serde(default)]
    pub logs: Vec<LogLine>,
    /// Variables that it sets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<BTreeMap<Name, Value>>,
}

/// What was stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Stored {
    /// The reports, by their number, of failed attempts that had made calls which change something.
    pub wrote: Vec<usize>,
}

/// What a run waits for, for those who look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitingFor {
    /// The kind of block that it waits at: `wait`, `event`, `approval`, `workflow`; `retry` between two attempts; `outcome-unknown` until a
    /// person has chosen what becomes of it; `paused` until a person lets it go on.
    pub kind: String,
    /// That block, where it waits at one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Name>,
    /// Until when at most, milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// The event that it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<AwaitedEvent>,
    /// From when on others may decide too, milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalates_ms: Option<u64>,
    /// The round and attempt of the block, where a person is to choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<Iteration>,
    /// See `iteration`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

/// The event that a block waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedEvent {
    /// Its name.
    pub name: Name,
    /// Its key; empty where it has none.
    pub key: String,
}

/// Where a block stands that waits for an event, a decision or another run: the result of its outcome meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Until when at most, milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// The event that it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<AwaitedEvent>,
    /// From when on others may decide too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalates_ms: Option<u64>,
    /// The run that it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

/// Ends a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinishRequest {
    /// A final status.
    pub status: RunStatus,
    /// Why, when it failed.
    pub error: Option<RunError>,
    /// What its last block came to, kept where another run waits for it.
    #[serde(default)]
    pub result: Value,
}

/// `query('name', {params})` or `fetch(url)` from code.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRequest {
    /// The block whose code calls.
    pub block: String,
    /// In which round of which loops.
    #[serde(default)]
    pub iteration: Iteration,
    /// Counts from 1.
    #[serde(default = "first_attempt")]
    pub attempt: u32,
    /// The execution of the code: code that runs again is another one.
    pub execution: Uuid,
    /// Counts from 0 within the execution, in the order in which calls were heard.
    pub call: u32,
    /// Whether an earlier call of the execution was answered before this one was made.
    #[serde(default)]
    pub was_answered: bool,
    /// Whether the code makes no call before the one before it is answered.
    #[serde(default)]
    pub in_order: bool,
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
    /// The revision of the draft whose queries that person may run.
    pub revision: i64,
    /// The environment that they run in.
    #[serde(default)]
    pub environment: EnvironmentId,
}

/// A capability token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    /// Opaque text.
    pub token: String,
}

/// Asks whether a webhook's caller has signed with a secret. The secret itself stays where it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureRequest {
    /// The workflow, which must be allowed to use the secret.
    pub workflow: WorkflowId,
    /// The secret's name.
    pub secret: Name,
    /// The bytes that are signed, in base64.
    pub signed: String,
    /// The HMAC-SHA256 that the caller sent, in base64.
    pub signature: String,
}

/// Whether it is right.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SignatureAnswer {
    /// Whether the secret gives this signature; false too where the workflow may not use it.
    pub is_right: bool,
}

/// The path of [`CodeRequest`].
pub const CODES: &str = "/v1/codes";

/// Asks whether a code of a second factor is right. Its secret stays where it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeRequest {
    /// The second factor.
    pub factor: Uuid,
    /// The six digits that the person entered.
    pub code: String,
}

/// Whether it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeAnswer {
    /// Of which step of 30 seconds it is, counted as RFC 6238 does; absent when it is wrong. Whoever asks sees to it that each step is used
    /// once.
    pub step: Option<i64>,
}
