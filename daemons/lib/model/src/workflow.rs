//! A workflow's document: triggers, blocks and the edges between them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::query::ResourceQuery;
use crate::{Fault, LibraryNames, Name, Slug};

mod approval;
mod block;
mod event;
mod expressions;
mod form;
mod function;
mod graph;
mod port;
mod references;
mod retry;
mod schedule;
mod trigger;
mod validate;

pub use approval::{ApprovalBlock, DeadlineOutcome, Deciders};
pub use block::{
    Block, BranchBlock, CodeBlock, FilterBlock, HttpBlock, ItemFailure, Language, LoopBlock, LoopMode, ParallelBlock,
    QueryBlock, ResponseBlock, RunWorkflowBlock, SetBlock, StopBlock, StopStatus, SwitchBlock, SwitchCase, TryBlock,
    WaitBlock, WaitFor,
};
pub use event::{
    EventDelivery, EventKeyError, EventWait, MAX_EVENT_BODY_BYTES, MAX_EVENT_KEY_BYTES, TimeoutOutcome, event_key,
};
pub use expressions::OWN_EXPRESSION;
pub use form::{FieldKind, FormField, MAX_FORM_FIELDS, form_answers};
pub use function::{CodeFunction, Function, MAX_FUNCTIONS, QueryFunction};
pub use graph::{Graph, Scope, Visible};
pub use port::{Port, PortError};
pub use references::mentions;
pub use retry::Retry;
pub use schedule::{Overlap, Schedule};
pub use trigger::{Signature, SignatureEncoding, SignedTime, Trigger, Webhook, WebhookReply};

/// Blocks that one workflow may have.
pub const MAX_BLOCKS: usize = 500;
/// Triggers that one workflow may have.
pub const MAX_TRIGGERS: usize = 50;
/// The longest source of a code block, in bytes.
pub const MAX_SOURCE_BYTES: usize = 256 * 1024;
/// How deep scopes (bodies of loops and the like) may nest.
pub const MAX_NESTING: usize = 8;
/// The longest that a run may be allowed to take: a year of seconds.
pub const MAX_RUN_SECONDS: u32 = 366 * 24 * 3600;

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
    pub queries: BTreeMap<Name, ResourceQuery>,
    /// What code blocks may call by name, at most 50: `await functions.name({a: 1})` in JavaScript, `functions.name(a=1)` in Python.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub functions: BTreeMap<Name, Function>,
    /// The sets of libraries that its code finds beside the standard ones.
    #[serde(default, skip_serializing_if = "LibraryNames::is_empty")]
    pub libraries: LibraryNames,
    /// Values that `set` blocks change during a run, with what they are at its start. Expressions see them as `vars.<name>`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<Name, Value>,
    /// The block that a failing run goes to before it ends as failed; it and what follows it see the cause as `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_error: Option<Name>,
    /// Seconds after which a run fails, waits included; without it a run may take for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u32>,
    /// What becomes of a run when nothing tells whether a block of it took effect.
    #[serde(default, skip_serializing_if = "UnknownOutcome::is_default")]
    pub unknown_outcome: UnknownOutcome,
    /// The workflow that is run when a run of this one has failed; it sees which run and why as `trigger.body`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<Slug>,
}

/// What becomes of a run when nothing tells whether a block of it took effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownOutcome {
    /// It waits until a person has chosen to try again, to go on without it or to fail; unless the block has a way out for errors.
    #[default]
    Ask,
    /// The block has failed.
    Fail,
}

impl UnknownOutcome {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// `from` (through `port`, where it has several ways out) leads to `to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Edge {
    /// The block that finished.
    pub from: Name,
    /// Which way out; the plain one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// The block that runs next.
    pub to: Name,
}

impl WorkflowDocument {
    /// A workflow that returns a greeting: a first thing to run and edit.
    pub fn starter(title: &str) -> Self {
        let hello: Name = "hello".parse().expect("`hello` is a name");
        let block = CodeBlock {
            language: Language::Javascript,
            source: "return { message: 'Hello from ' + trigger.kind };\n".into(),
            timeout_ms: block::default_code_timeout_ms(),
            retry: None,
            idempotent: false,
        };
        Self {
            format: 1,
            title: title.to_owned(),
            triggers: BTreeMap::new(),
            start: hello.clone(),
            blocks: BTreeMap::from([(hello, Block::Code(block))]),
            edges: Vec::new(),
            queries: BTreeMap::new(),
            functions: BTreeMap::new(),
            libraries: LibraryNames::default(),
            variables: BTreeMap::new(),
            on_error: None,
            timeout_s: None,
            unknown_outcome: UnknownOutcome::Ask,
            on_failure: None,
        }
    }

    /// All faults, each with its place. An empty list means that the document may be saved and released.
    pub fn validate(&self) -> Vec<Fault> {
        validate::faults(self)
    }
}
