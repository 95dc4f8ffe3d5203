//! n8n's workflow exports as drafts of workflows.
//!
//! [`import`] reads the JSON that n8n's editor downloads and gives a document, with a report on what became of each node. It is pure:
//! no IO and no clock. The file is untrusted: it is limited in bytes, nodes, links and depth, and whatever stands in it, the
//! document reads as one. What cannot be said in a document becomes a block that fails with a clear message, or is left out; the
//! report says so.
//!
//! # Items and results
//!
//! Between n8n's nodes go lists of items, each with fields in `json`, and most nodes run once for each item. Our blocks run once and
//! come to one result. Everywhere in this crate:
//!
//! - An item is its `json`; there are no files beside it.
//! - A node's items are found in its block's result: in the list itself if the block is code, in `rows` of a query, in `body` of an
//!   http block. `$json` is the first of them, `$input.all()` the list.
//! - The item of a webhook is `trigger`, which has `headers`, `query` and `body` as n8n's has. That of any other trigger is
//!   `trigger.body`.
//! - A node that only passes items on (IF, Switch, Wait, a response) has the items that it was given.
//! - Where there may be several items (behind a query, a split list, code that goes over lists), a node that runs for each of them
//!   and has a block other than code becomes a loop with that block as its body.
//! - IF and Switch decide once, by the first item. A filter behind a single item is a branch.
//!
//! # How it is done
//!
//! `export` reads the file, `flow` makes a graph without cycles of it, `facts` finds where there may be several items, `shape` brings
//! the graph into walks and bodies, `plan` names each block and says where items are found, `nodes` translates each node and
//! `document` puts the blocks together and mends what faults are left.

use bulkhead_model::workflow::{MAX_BLOCKS, WorkflowDocument};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

mod conditions;
mod document;
mod export;
mod expressions;
mod facts;
mod flow;
mod kinds;
mod mentions;
mod names;
mod nodes;
mod plan;
mod report;
mod scan;
mod shape;
mod source;
mod text;
mod triggers;
mod view;

pub use export::{MAX_BYTES, MAX_LINKS, MAX_NODES};
pub use report::{Level, Note};

/// A workflow that was read from an export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Import {
    /// Its title.
    pub name: String,
    /// The draft. It has no faults, unless the report names them.
    pub document: WorkflowDocument,
    /// What became of each node.
    pub report: Vec<Note>,
}

/// Why an export cannot be read at all.
#[derive(Debug, Error)]
pub enum ImportError {
    /// Larger than [`MAX_BYTES`].
    #[error("the file has {bytes} bytes, and the most is {MAX_BYTES}: delete pinned data in n8n and export again")]
    TooLarge {
        /// Its bytes.
        bytes: usize,
    },
    /// No JSON.
    #[error("the file is no JSON: download the workflow in n8n's editor and take that file as it is")]
    Json(#[source] serde_json::Error),
    /// Values within values without end.
    #[error(
        "the values in the file are nested more than 127 levels deep: flatten the settings of the node that has them"
    )]
    TooDeep,
    /// JSON, and no workflow.
    #[error("the file has no list `nodes`, so it is no workflow of n8n's: export a workflow, not credentials or data")]
    NoNodes,
    /// Several workflows.
    #[error("the file has {workflows} workflows: export them one by one, in n8n's command line with `--separate`")]
    Several {
        /// How many there are.
        workflows: usize,
    },
    /// More than [`MAX_NODES`].
    #[error("the workflow has {nodes} nodes, and the most is {MAX_NODES}: divide it in n8n")]
    TooManyNodes {
        /// How many there are.
        nodes: usize,
    },
    /// More than [`MAX_LINKS`].
    #[error("the workflow has more than {MAX_LINKS} links between nodes: divide it in n8n")]
    TooManyLinks,
    /// More blocks than a document may have.
    #[error(
        "the workflow would have {blocks} blocks, loops and the like included, and the most is {MAX_BLOCKS}: divide it in n8n"
    )]
    TooManyBlocks {
        /// How many there would be.
        blocks: usize,
    },
}

impl ImportError {
    fn from_json(error: serde_json::Error) -> Self {
        // The parser has no kind for this, only words.
        if error.to_string().starts_with("recursion limit exceeded") { Self::TooDeep } else { Self::Json(error) }
    }
}

/// Reads an n8n workflow, the JSON of one export, as a draft.
pub fn import(text: &[u8]) -> Result<Import, ImportError> {
    let mut report = report::Report::default();
    let mut export = export::Export::read(text, &mut report)?;
    triggers::add_answer(&mut export);
    let mut flow = flow::Flow::of(&export, &mut report);
    triggers::connect_answer(&export, &mut flow, &mut report);
    let triggers = triggers::find(&export, &flow, &mut report);
    let facts = facts::Facts::of(&export, &flow);
    let given = shape::Given { export: &export, flow: &flow, facts: &facts };
    let shape = shape::Shape::of(given, &triggers, &mut report);
    let plan = plan::Plan::of(given, &shape, &triggers);
    let document = document::of(&plan, &mut report);
    if document.blocks.len() > MAX_BLOCKS {
        return Err(ImportError::TooManyBlocks { blocks: document.blocks.len() });
    }
    Ok(Import { name: document.title.clone(), document, report: report.into_notes() })
}
