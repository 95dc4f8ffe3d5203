//! A query: one statement or a list of them, one change of a table, one operation or one query of the library, against one resource, with
//! limits.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::binding::{BindingError, Template};
use crate::change::TableChange;
use crate::library_query::LibraryUse;
use crate::operation::Operation;
use crate::sql::pages::{CutPages, paged};
use crate::sql::{self, Dialect};
use crate::{Fault, Slug};

/// The longest statement, in bytes.
pub const MAX_STATEMENT_BYTES: usize = 256 * 1024;

/// The longest time that a result is kept, in seconds: a day.
pub const MAX_CACHE_SECONDS: u32 = 86_400;

/// The most statements in one query.
pub const MAX_STATEMENTS: usize = 20;

/// What a resource is asked: a SQL statement with `{{ }}` bindings, a change of a table, an operation of a resource that speaks no SQL, or a query of
/// the library.
/// Every binding of a statement becomes a bind parameter; text is never spliced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ResourceQuery {
    /// The resource's name.
    pub resource: Slug,
    /// The statement; nothing where there is a `change` or an `operation`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub statement: String,
    /// Statements in the place of one. They run in one transaction, all or none, and the result is that of the last. A write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<String>,
    /// A change of a table that is said without SQL, in the place of a statement. It is a write, whatever `mode` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<TableChange>,
    /// What a resource that speaks no SQL is asked, in the place of a statement. It says itself whether it changes anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// A query of the library in the place of a statement. `resource` and `mode` say what they are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library: Option<Box<LibraryUse>>,
    /// Which page of its rows is asked for, of a statement that reads: the database cuts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<Box<CutPages>>,
    /// Whether the statement may change anything.
    #[serde(default)]
    pub mode: QueryMode,
    /// Caps on one execution.
    #[serde(default, skip_serializing_if = "QueryLimits::is_default")]
    pub limits: QueryLimits,
    /// For how many seconds the result of a read may be given again to whoever asks the same with the same values; 0 for never.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_seconds: u32,
}

/// For `skip_serializing_if`.
fn is_zero(number: &u32) -> bool {
    *number == 0
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

    /// These, within what no caller can leave; a limit of time is at least a millisecond, since 0 means none to some databases.
    pub fn within_bounds(self) -> Self {
        Self {
            max_rows: self.max_rows.min(Self::MAX.max_rows),
            max_bytes: self.max_bytes.min(Self::MAX.max_bytes),
            timeout_ms: self.timeout_ms.clamp(1, Self::MAX.timeout_ms),
        }
    }
}

impl ResourceQuery {
    /// Whether it may change anything.
    pub fn effect(&self) -> QueryMode {
        match (&self.change, &self.operation) {
            (Some(_), _) => QueryMode::Write,
            (None, Some(operation)) => operation.effect(),
            (None, None) if !self.statements.is_empty() => QueryMode::Write,
            (None, None) => self.mode,
        }
    }

    /// The expressions whose values it needs, each once.
    pub fn expressions(&self) -> Result<BTreeSet<String>, BindingError> {
        if let Some(library) = &self.library {
            return Ok(library.expressions());
        }
        match (&self.change, &self.operation) {
            (Some(change), _) => Ok(change.expressions().into_iter().map(|text| text.trim().to_owned()).collect()),
            (None, Some(operation)) => operation.expressions(),
            (None, None) => {
                let mut found = BTreeSet::new();
                for statement in self.statements.iter().chain([&self.statement]) {
                    found.extend(Template::parse(statement)?.expressions().map(str::to_owned));
                }
                found.extend(self.pages.iter().flat_map(|pages| pages.expressions()).map(str::to_owned));
                Ok(found)
            }
        }
    }

    /// The member that says what is asked.
    pub(crate) fn written_in(&self) -> &'static str {
        if self.library.is_some() {
            return "library.arguments";
        }
        match (&self.change, &self.operation) {
            (Some(_), _) => "change",
            (None, Some(_)) => "operation",
            (None, None) if !self.statements.is_empty() => "statements",
            (None, None) => "statement",
        }
    }

    /// Faults of this query; `path` is its place in the document.
    pub fn validate(&self, path: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        let has_list = !self.statements.is_empty();
        let is_of_library = self.library.is_some();
        let ways =
            [!self.statement.is_empty(), has_list, self.change.is_some(), self.operation.is_some(), is_of_library];
        if ways.into_iter().filter(|is_used| *is_used).count() > 1 {
            let message = "a query has a statement, a list of statements, a change, an operation or a query of the library: keep one of them";
            faults.push(Fault::new(format!("{path}.statement"), message));
        }
        if let Some(pages) = &self.pages {
            self.pages_faults(pages, &format!("{path}.pages"), &mut faults);
        }
        if let Some(library) = &self.library {
            library.faults(&format!("{path}.library"), &mut faults);
            // They are the library's to say.
            if self.limits != QueryLimits::default() || self.cache_seconds != 0 {
                let message = "limits and kept results are said by the query of the library: leave them out here";
                faults.push(Fault::new(format!("{path}.limits"), message));
            }
            return faults;
        }
        match (&self.change, &self.operation) {
            (Some(change), _) => change.faults(&format!("{path}.change"), &mut faults),
            (None, Some(operation)) => operation.faults(&format!("{path}.operation"), &mut faults),
            (None, None) if has_list => self.list_faults(&format!("{path}.statements"), &mut faults),
            (None, None) if self.statement.len() > MAX_STATEMENT_BYTES => faults.push(Fault::new(
                format!("{path}.statement"),
                format!("is {} bytes long; the most is {MAX_STATEMENT_BYTES}", self.statement.len()),
            )),
            (None, None) => {
                if let Err(error) = sql::check(&self.statement) {
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
        let cache = format!("{path}.cache-seconds");
        if self.cache_seconds > MAX_CACHE_SECONDS {
            faults.push(Fault::new(cache, format!("must be between 0 and {MAX_CACHE_SECONDS}")));
        } else if self.cache_seconds > 0 && self.effect() == QueryMode::Write {
            faults.push(Fault::new(cache, "is for queries that read; a write is made each time: leave it out"));
        }
        faults
    }

    /// Whether some dialect can cut its statement: a document does not say which one its resource speaks.
    fn pages_faults(&self, pages: &CutPages, path: &str, faults: &mut Vec<Fault>) {
        if self.statement.is_empty() || self.effect() == QueryMode::Write {
            faults.push(Fault::new(path, "pages are for one statement that reads: leave them out"));
            return;
        }
        if pages.expressions().iter().any(|expression| expression.is_empty()) {
            faults.push(Fault::new(path, "needs two expressions: `size` and `offset`"));
        }
        let mut outcomes = Dialect::ALL.into_iter().map(|dialect| paged(&self.statement, pages, dialect).map(drop));
        let first = outcomes.next().unwrap_or(Ok(()));
        if let (Err(error), false) = (first, outcomes.any(|outcome| outcome.is_ok())) {
            faults.push(Fault::new(path, error.to_string()));
        }
    }

    fn list_faults(&self, path: &str, faults: &mut Vec<Fault>) {
        if self.statements.len() > MAX_STATEMENTS {
            let message = format!("has {} statements; the most is {MAX_STATEMENTS}", self.statements.len());
            faults.push(Fault::new(path, message));
        }
        let bytes: usize = self.statements.iter().map(String::len).sum();
        if bytes > MAX_STATEMENT_BYTES {
            faults.push(Fault::new(path, format!("is {bytes} bytes long; the most is {MAX_STATEMENT_BYTES}")));
        }
        for (index, statement) in self.statements.iter().enumerate() {
            if let Err(error) = sql::check(statement) {
                faults.push(Fault::new(format!("{path}.{index}"), error.to_string()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(query: serde_json::Value) -> Vec<String> {
        let query: ResourceQuery = serde_json::from_value(query).expect("a query");
        query.validate("q").into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn a_list_of_statements_is_a_write_with_the_expressions_of_all() {
        let list = |statements: serde_json::Value| json!({ "resource": "tables", "statements": statements });
        let query = list(json!(["update a set b = {{ b }}", "update c set d = {{ d }} where b = {{ b }}"]));
        let query: ResourceQuery = serde_json::from_value(query).expect("a query");
        assert_eq!((query.effect(), query.validate("q")), (QueryMode::Write, Vec::new()));
        assert_eq!(query.expressions(), Ok(BTreeSet::from(["b".to_owned(), "d".to_owned()])));
        assert_eq!(faults(list(json!(["select 1", " ", "select '{{ x }}'"]))), ["q.statements.1", "q.statements.2"]);
        assert_eq!(faults(list(json!(vec!["select 1"; MAX_STATEMENTS + 1]))), ["q.statements"]);
        let both = json!({ "resource": "tables", "statement": "select 1", "statements": ["select 1"] });
        assert_eq!(faults(both), ["q.statement"]);
    }

    #[test]
    fn pages_are_cut_from_one_statement_that_reads() {
        let pages = json!({ "size": "t.pageSize", "offset": " t.offset " });
        let query = json!({ "resource": "tables", "statement": "select {{ a }} as a order by 1", "pages": pages });
        let read: ResourceQuery = serde_json::from_value(query.clone()).expect("a query");
        assert_eq!(read.validate("q"), Vec::new());
        let expressions = BTreeSet::from(["a", "t.offset", "t.pageSize"].map(str::to_owned));
        assert_eq!(read.expressions(), Ok(expressions));
        let with = |key: &str, value: serde_json::Value| {
            let mut query = query.clone();
            query[key] = value;
            faults(query)
        };
        assert_eq!(with("mode", json!("write")), ["q.pages"]);
        assert_eq!(with("statement", json!("select 1 limit 3")), ["q.pages"]);
        assert_eq!(with("pages", json!({ "size": " ", "offset": "x" })), ["q.pages"]);
        let list = json!({ "resource": "tables", "statements": ["select 1"], "pages": pages });
        assert_eq!(faults(list), ["q.pages"]);
    }

    #[test]
    fn the_result_of_a_read_is_kept_for_a_day_at_most() {
        let query = |more: serde_json::Value| {
            let mut query = json!({ "resource": "tables", "statement": "select 1" });
            query.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            faults(query)
        };
        assert!(query(json!({ "cache-seconds": 86_400 })).is_empty());
        assert_eq!(query(json!({ "cache-seconds": 86_401 })), ["q.cache-seconds"]);
        assert_eq!(query(json!({ "cache-seconds": 1, "mode": "write" })), ["q.cache-seconds"]);
        assert!(query(json!({ "cache-seconds": 0, "mode": "write" })).is_empty());
    }
}
