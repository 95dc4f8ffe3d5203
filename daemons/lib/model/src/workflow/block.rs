//! The kinds of blocks.
//!
//! A kind says which ways lead out of a block: `ways`, by which the walk goes on, and `scopes`, whose walk comes back to the
//! block when it has nowhere left to go.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ApprovalBlock, EventWait, Port, Retry};
use crate::query::ResourceQuery;
use crate::{Name, Slug};

/// One block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Block {
    /// Runs a statement; its result is `{rows, columns, ...}`.
    Query(QueryBlock),
    /// Runs code; its result is what the code returns.
    Code(CodeBlock),
    /// Sends an HTTP request; its result is `{status, headers, body}`.
    Http(HttpBlock),
    /// Goes one of two ways.
    Branch(BranchBlock),
    /// Goes the way of the first case that holds.
    Switch(SwitchBlock),
    /// Runs its body once for each item; its result is the list of what the bodies came to.
    Loop(LoopBlock),
    /// Runs several bodies at the same time and goes on when all have ended.
    Parallel(ParallelBlock),
    /// Runs a body, and another one if that fails.
    Try(TryBlock),
    /// Keeps the items for which an expression holds.
    Filter(FilterBlock),
    /// Changes variables of the run.
    Set(SetBlock),
    /// Goes on later.
    Wait(WaitBlock),
    /// Goes on when a person has decided.
    Approval(ApprovalBlock),
    /// Runs another workflow.
    Workflow(RunWorkflowBlock),
    /// Answers the webhook's caller; the run goes on.
    Response(ResponseBlock),
    /// Ends the run.
    Stop(StopBlock),
}

/// A block that runs a statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct QueryBlock {
    /// The statement and where it runs.
    #[serde(flatten)]
    pub query: ResourceQuery,
    /// Whether a write may be repeated: after a crash that left its outcome unknown, and by `retry`.
    #[serde(default)]
    pub idempotent: bool,
    /// Whether a failure is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

/// A block that runs code in the sandbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CodeBlock {
    /// The language.
    pub language: Language,
    /// The source: a function's body, `return` gives the result.
    pub source: String,
    /// Milliseconds of wall clock until it is ended.
    #[serde(default = "default_code_timeout_ms")]
    pub timeout_ms: u32,
    /// Whether `retry` may repeat it even though it has made calls that change something.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idempotent: bool,
    /// Whether a failure is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

pub(super) fn default_code_timeout_ms() -> u32 {
    10_000
}

/// The languages of code blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// Node.js.
    Javascript,
    /// CPython.
    Python,
}

impl Language {
    /// The word in documents and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Javascript => "javascript",
            Self::Python => "python",
        }
    }
}

impl std::str::FromStr for Language {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Javascript, Self::Python].into_iter().find(|language| language.as_str() == text).ok_or(())
    }
}

/// A block that sends an HTTP request. An answer of status 400 and above is a failure of kind `http-status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpBlock {
    /// `GET`, `POST` and so on.
    #[serde(default = "default_method")]
    pub method: String,
    /// The address, with `{{ }}`. A value is encoded for the place that it stands in, unless the address begins with it.
    pub url: String,
    /// Headers; the values with `{{ }}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// A JavaScript expression, without braces: a text is sent as it is, anything else as JSON. Nothing is sent when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// Whether it may be repeated whatever its method. It carries an `Idempotency-Key` that stays the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idempotent: bool,
    /// Whether a failure is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

fn default_method() -> String {
    "GET".to_owned()
}

/// A block that goes one of two ways.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BranchBlock {
    /// A JavaScript expression, without braces; its truth decides.
    pub condition: String,
}

/// A block that goes the way of the first case that holds, or by `else`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SwitchBlock {
    /// In the order in which they are looked at.
    pub cases: Vec<SwitchCase>,
}

/// A case of a switch: its own way out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SwitchCase {
    /// The way out.
    pub port: Port,
    /// A JavaScript expression, without braces; its truth decides.
    pub when: String,
}

/// A block that runs its body, the walk from its port `each`, once for each item. The body sees `item` and `index`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LoopBlock {
    /// A JavaScript expression, without braces: a list; an object, whose items are `{key, value}`; or a number of repetitions.
    pub over: String,
    /// How the bodies follow one another.
    #[serde(default)]
    pub mode: LoopMode,
    /// How many bodies run at the same time at most, 1 to 50, unless the mode is `sequential`.
    #[serde(default = "default_at_once")]
    pub at_once: u32,
    /// Milliseconds between two batches.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delay_ms: u32,
    /// A JavaScript expression that is looked at after each body, which it sees; the loop ends when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// What becomes of the loop when a body fails.
    #[serde(default)]
    pub on_failure: ItemFailure,
    /// Whether the results of the bodies are kept; without them the result is their number alone.
    #[serde(default = "yes")]
    pub collect: bool,
    /// Seconds after which the loop fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u32>,
}

fn yes() -> bool {
    true
}

fn default_at_once() -> u32 {
    5
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// How the bodies of a loop follow one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LoopMode {
    /// One after the other.
    #[default]
    Sequential,
    /// Some at the same time; as one ends, the next begins.
    Parallel,
    /// Some at the same time; when all of them have ended and a pause is over, the next ones.
    Batch,
}

/// What becomes of a loop when a body fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ItemFailure {
    /// It fails too.
    #[default]
    Fail,
    /// It goes on; the item's result is `{error}`.
    Continue,
}

/// A block that runs several bodies at the same time: the walk from each of its ports. Its result has that of each by its port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ParallelBlock {
    /// The ways into the bodies, 2 to 20.
    pub branches: Vec<Port>,
}

/// A block that runs the walk from its port `try` and, when a block of it fails, the one from `catch`, which sees `error`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TryBlock {
    /// The kinds of errors that are caught (`query-failed`, `http-status`, ...); all of them when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<String>,
}

/// A block that keeps the items for which an expression holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FilterBlock {
    /// A JavaScript expression, without braces: a list.
    pub over: String,
    /// A JavaScript expression over `item` and `index`; its truth decides.
    #[serde(rename = "where")]
    pub keep: String,
}

/// A block that changes variables of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SetBlock {
    /// JavaScript expressions, without braces, by the variable that takes their value. All see the values from before.
    pub values: BTreeMap<Name, String>,
}

/// A block that goes on later. The run takes up nothing meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitBlock {
    /// Until when.
    #[serde(rename = "for")]
    pub wait_for: WaitFor,
}

/// Until when a run waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum WaitFor {
    /// For some seconds: a JavaScript expression, without braces.
    Seconds(String),
    /// Until a point in time: a JavaScript expression whose value is a text such as `2026-05-01T09:00:00Z`, a `Date`, or
    /// milliseconds since 1970.
    Until(String),
    /// Until an event comes.
    Event(EventWait),
}

/// A block that runs another workflow's released version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RunWorkflowBlock {
    /// The workflow.
    pub workflow: Slug,
    /// A JavaScript expression, without braces; the run sees its value as `trigger.body`. Null when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub input: String,
    /// Whether to wait for its end. The block's result is then what its response answered, or that of its last block;
    /// otherwise `{run}`.
    #[serde(default = "yes")]
    pub wait: bool,
}

/// A block that answers the webhook's caller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ResponseBlock {
    /// HTTP status, 200 to 599.
    #[serde(default = "default_status")]
    pub status: u16,
    /// Headers; the values with `{{ }}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// A JavaScript expression, without braces; its value is the JSON body.
    pub body: String,
}

fn default_status() -> u16 {
    200
}

/// A block that ends the run, wherever in it it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StopBlock {
    /// How the run ends.
    #[serde(default)]
    pub status: StopStatus,
    /// Why, with `{{ }}`: the run's error if it ends as failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// How a stop block ends a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StopStatus {
    /// As a success.
    #[default]
    Succeeded,
    /// As a failure.
    Failed,
}

impl Block {
    /// The ways by which the walk goes on, the plain one as none.
    pub fn ways(&self) -> Vec<Option<Port>> {
        let ports = |ports: &[&'static str]| ports.iter().map(|port| Some(Port::known(port))).collect();
        match self {
            Self::Branch(_) => ports(&[Port::TRUE, Port::FALSE, Port::ERROR]),
            Self::Approval(_) => ports(&[Port::APPROVED, Port::REJECTED, Port::ERROR]),
            Self::Switch(block) => {
                let cases = block.cases.iter().map(|case| Some(case.port.clone()));
                cases.chain([Some(Port::known(Port::ELSE)), Some(Port::known(Port::ERROR))]).collect()
            }
            Self::Stop(_) => Vec::new(),
            _ => vec![None, Some(Port::known(Port::ERROR))],
        }
    }

    /// The ports whose walk comes back to the block.
    pub fn scopes(&self) -> Vec<Port> {
        match self {
            Self::Loop(_) => vec![Port::known(Port::EACH)],
            Self::Parallel(block) => block.branches.clone(),
            Self::Try(_) => vec![Port::known(Port::TRY), Port::known(Port::CATCH)],
            _ => Vec::new(),
        }
    }

    /// Whether a failure is tried again.
    pub fn retry(&self) -> Option<&Retry> {
        match self {
            Self::Query(block) => block.retry.as_ref(),
            Self::Code(block) => block.retry.as_ref(),
            Self::Http(block) => block.retry.as_ref(),
            _ => None,
        }
    }

    /// Whether it may be repeated although it has changed something.
    pub fn is_idempotent(&self) -> bool {
        match self {
            Self::Query(block) => block.idempotent,
            Self::Code(block) => block.idempotent,
            Self::Http(block) => block.idempotent,
            _ => false,
        }
    }
}
