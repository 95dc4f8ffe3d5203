//! A query: one statement, one change of a table or one operation, against one resource, with limits.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::binding::{BindingError, Template};
use crate::change::TableChange;
use crate::operation::Operation;
use crate::{Fault, Slug, sql};

/// The longest statement, in bytes.
pub const MAX_STATEMENT_BYTES: usize = 256 * 1024;

/// What a resource is asked: a SQL statement with `{{ }}` bindings, a change of a table, or an operation of a resource that speaks no SQL.
/// Every binding of a statement becomes a bind parameter; text is never spliced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ResourceQuery {
    /// The resource's name.
    pub resource: Slug,
    /// The statement; nothing where there is a `change` or an `operation`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub statement: String,
    /// A change of a table that is said without SQL, in the place of a statement. It is a write, whatever `mode` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<TableChange>,
    /// What a resource that speaks no SQL is asked, in the place of a statement. It says itself whether it changes anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
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

impl ResourceQuery {
    /// Whether it may change anything.
    pub fn effect(&self) -> QueryMode {
        match (&self.change, &self.operation) {
            (Some(_), _) => QueryMode::Write,
            (None, Some(operation)) => operation.effect(),
            (None, None) => self.mode,
        }
    }

    /// The expressions whose values it needs, each once.
    pub fn expressions(&self) -> Result<BTreeSet<String>, BindingError> {
        match (&self.change, &self.operation) {
            (Some(change), _) => Ok(change.expressions().into_iter().map(|text| text.trim().to_owned()).collect()),
            (None, Some(operation)) => operation.expressions(),
            (None, None) => Ok(Template::parse(&self.statement)?.expressions().map(str::to_owned).collect()),
        }
    }

    /// The member that says what is asked.
    pub(crate) fn written_in(&self) -> &'static str {
        match (&self.change, &self.operation) {
            (Some(_), _) => "change",
            (None, Some(_)) => "operation",
            (None, None) => "statement",
        }
    }

    /// Faults of this query; `path` is its place in the document.
    pub fn validate(&self, path: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        let ways = [!self.statement.is_empty(), self.change.is_some(), self.operation.is_some()];
        if ways.into_iter().filter(|is_used| *is_used).count() > 1 {
            let message = "a query has a statement, a change or an operation: keep one of them";
            faults.push(Fault::new(format!("{path}.statement"), message));
        }
        match (&self.change, &self.operation) {
            (Some(change), _) => change.faults(&format!("{path}.change"), &mut faults),
            (None, Some(operation)) => operation.faults(&format!("{path}.operation"), &mut faults),
            (None, None) if self.statement.len() > MAX_STATEMENT_BYTES => faults.push(Fault::new(
                format!("{path}.statement"),
                format!("is {} bytes long; the most is {MAX_STATEMENT_BYTES}", self.statement.len()),
            )),
            (None, None) => {
                if let Err(error) = sql::compile(&self.statement) {
                    faults.push(Fault::new(format!("{path}.statement"), error.to_string()));
                }
            }
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
