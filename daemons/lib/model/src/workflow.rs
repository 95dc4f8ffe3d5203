//! A workflow's document: triggers, blocks and the edges between them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::query::SqlQuery;
use crate::{Fault, LibraryNames, Name};

mod graph;
mod validate;

pub use graph::Graph;

/// Blocks that one workflow may have.
pub const MAX_BLOCKS: usize = 500;
/// The longest source of a code block, in bytes.
pub const MAX_SOURCE_BYTES: usize = 256 * 1024;

/// A whole workflow, as saved, exported and released.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WorkflowDocument {
    /// Version of this format: 1.
    pub format: u32,
    /// Shown in lists.
    pub title: String,
    /// What starts a run, by name. A person with the right can start any workflow by hand besides.
    #[serde(default)]
    pub triggers: BTreeMap<Name, Trigger>,
    /// The block that runs first.
    pub start: Name,
    /// Blocks by name. Later blocks and `{{ }}` see the result of a finished block under its name.
    pub blocks: BTreeMap<Name, Block>,
    /// What follows what.
    #[serde(default)]
    pub edges: Vec<Edge>,
    /// Queries that code blocks may call by name: `await query('name', {a: 1})` binds `{{ a }}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queries: BTreeMap<Name, SqlQuery>,
    /// The sets of libraries that its code finds beside the standard ones.
    #[serde(default, skip_serializing_if = "LibraryNames::is_empty")]
    pub libraries: LibraryNames,
}

/// What starts a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Trigger {
    /// `POST /hooks/<workflow>/<trigger>` with the trigger's key; the body is `trigger.body`.
    Webhook {
        /// Whether the caller waits for the response block.
        #[serde(default)]
        reply: WebhookReply,
    },
}

/// When a webhook's caller is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WebhookReply {
    /// When the response block has run (or the run has ended), within 60 seconds.
    #[default]
    Response,
    /// At once, with 202 and the run's id.
    Accepted,
}

/// `from` (through `port`, for a branch) leads to `to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Edge {
    /// The block that finished.
    pub from: Name,
    /// Which way out of a branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// The block that runs next.
    pub to: Name,
}

/// The ways out of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Port {
    /// The condition holds.
    True,
    /// It does not.
    False,
}

/// One block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Block {
    /// Runs a statement; its result is `{rows, columns, ...}`.
    Query(QueryBlock),
    /// Runs code; its result is what the code returns.
    Code(CodeBlock),
    /// Goes one of two ways.
    Branch(BranchBlock),
    /// Answers the webhook's caller; the run goes on.
    Response(ResponseBlock),
}

/// A block that runs a statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct QueryBlock {
    /// The statement and where it runs.
    #[serde(flatten)]
    pub query: SqlQuery,
    /// Whether a write may be repeated after a crash that left its outcome unknown.
    #[serde(default)]
    pub idempotent: bool,
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
}

fn default_code_timeout_ms() -> u32 {
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

/// A block that goes one of two ways.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BranchBlock {
    /// A JavaScript expression, without braces; its truth decides.
    pub condition: String,
}

/// A block that answers the webhook's caller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ResponseBlock {
    /// HTTP status, 200 to 599.
    #[serde(default = "default_status")]
    pub status: u16,
    /// A JavaScript expression, without braces; its value is the JSON body.
    pub body: String,
}

fn default_status() -> u16 {
    200
}

impl WorkflowDocument {
    /// A workflow that returns a greeting: a first thing to run and edit.
    pub fn starter(title: &str) -> Self {
        let hello: Name = "hello".parse().expect("`hello` is a name");
        let block = CodeBlock {
            language: Language::Javascript,
            source: "return { message: 'Hello from ' + trigger.kind };\n".into(),
            timeout_ms: default_code_timeout_ms(),
        };
        Self {
            format: 1,
            title: title.to_owned(),
            triggers: BTreeMap::new(),
            start: hello.clone(),
            blocks: BTreeMap::from([(hello, Block::Code(block))]),
            edges: Vec::new(),
            queries: BTreeMap::new(),
            libraries: LibraryNames::default(),
        }
    }

    /// All faults, each with its place. An empty list means that the document may be saved and released.
    pub fn validate(&self) -> Vec<Fault> {
        validate::faults(self)
    }
}
