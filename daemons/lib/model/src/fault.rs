//! What is wrong with a document, and where.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One fault of a document: the place as a dotted path (`blocks.load.statement`) and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// Dotted path from the root of the document.
    pub path: String,
    /// What is wrong and what would mend it, as a sentence for a person.
    pub message: String,
}

impl Fault {
    /// A fault at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}
