//! A query: one statement, or one change of a table, against one resource, with limits.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::change::TableChange;
use crate::sql::{CompiledStatement, SqlError};
use crate::{Fault, Slug, sql};

/// The longest statement, in bytes.
pub const MAX_STATEMENT_BYTES: usize = 256 * 1024;

/// A SQL statement with `{{ }}` bindings, or a change of a table. Every binding becomes a bind parameter; text is never spliced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SqlQuery {
    /// The resource's name.
    pub resource: Slug,
    /// The statement; nothing where there is a `change`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub statement: String,
    /// A change of a table that is said without SQL, in the place of a statement. It is a write, whatever `mode` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<TableChange>,
    /// Whether the statement may change anything.
    #[serde(default)]
    pub mode: QueryMode,
    /// Caps on one execution.
    #[serde(default, skip_serializing_if = "QueryLimits::is_default")]
    pub limits: QueryLimits,
}

/// Whether a statement may change anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QueryMode {
    /// Runs in a read-only transaction: the database refuses changes. Safe to repeat.
    #[default]
    Read,
    /// May change data: journalled before it runs in a workflow, never silently repeated.
    Write,
}

/// Caps on one execution of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct QueryLimits {
    /// Rows returned at most; a result with more is cut and marked `truncated`.
    pub max_rows: u32,
    /// Bytes of JSON returned at most; a larger result is an error, since a cut one could not be told from a whole one.
    pub max_bytes: u32,
    /// Milliseconds until the statement is cancelled on the server.
    pub timeout_ms: u32,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self { max_rows: 10_000, max_bytes: 16 * 1024 * 1024, timeout_ms: 10_000 }
    }
}

impl QueryLimits {
    /// The most that a document may ask for.
    pub const MAX: Self = Self { max_rows: 100_000, max_bytes: 64 * 1024 * 1024, timeout_ms: 120_000 };

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl SqlQuery {
    /// Whether it may change anything.
    pub fn effect(&self) -> QueryMode {
        if self.change.is_some() { QueryMode::Write } else { self.mode }
    }

    /// The statement to prepare and the expressions to bind.
    pub fn compile(&self) -> Result<CompiledStatement<'_>, SqlError> {
        sql::compile_either(&self.statement, self.change.as_ref())
    }

    /// The expressions whose values it needs, each once. None of one that does not compile: whoever runs it says why.
    pub fn expressions(&self) -> BTreeSet<&str> {
        self.compile().map(|compiled| compiled.expressions.into_iter().collect()).unwrap_or_default()
    }

    /// Faults of this query; `path` is its place in the document.
    pub fn validate(&self, path: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        if let Some(change) = &self.change {
            if !self.statement.is_empty() {
                let message = "a query has a statement or a change: remove one of them";
                faults.push(Fault::new(format!("{path}.statement"), message));
            }
            change.faults(&format!("{path}.change"), &mut faults);
        } else if self.statement.len() > MAX_STATEMENT_BYTES {
            faults.push(Fault::new(
                format!("{path}.statement"),
                format!("is {} bytes long; the most is {MAX_STATEMENT_BYTES}", self.statement.len()),
            ));
        } else if let Err(error) = self.compile() {
            faults.push(Fault::new(format!("{path}.statement"), error.to_string()));
        }
        let limits = [
            ("max-rows", self.limits.max_rows, QueryLimits::MAX.max_rows),
            ("max-bytes", self.limits.max_bytes, QueryLimits::MAX.max_bytes),
            ("timeout-ms", self.limits.timeout_ms, QueryLimits::MAX.timeout_ms),
        ];
        for (key, value, max) in limits {
            if value == 0 || value > max {
                faults.push(Fault::new(format!("{path}.limits.{key}"), format!("must be between 1 and {max}")));
            }
        }
        faults
    }
}
