//! Kinds of statements that a query cannot be, told by their words. The database keeps a query that reads from changing rows, but MySQL
//! ends a transaction by itself before some statements, and MariaDB then runs them: so a read is one of those that surely read.

use bulkhead_model::query::QueryMode;
use bulkhead_model::sql::{Dialect, bare};

use crate::error::QueryError;

/// First words of statements that read.
const READING: [&str; 8] = ["select", "with", "values", "table", "show", "explain", "describe", "desc"];
/// Words of statements that leave something in the session of a connection that reads.
const LEAVING: [&str; 5] = ["get_lock", "last_insert_id", "sql_calc_found_rows", "found_rows", "into"];

/// What a statement's words say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nature {
    /// Whether it counts the rows that it changes.
    pub(super) changes_rows: bool,
    /// Whether the rows that it returns are those that it changes.
    pub(super) returns_changed: bool,
    /// Whether the session has to be reset behind it though it reads.
    pub(super) leaves_traces: bool,
}

impl Nature {
    /// Looks at a statement, and refuses one that must not or cannot run as a query.
    pub(super) fn of(text: &str, mode: QueryMode) -> Result<Self, QueryError> {
        let refuse = |refusal| Err(QueryError::Unsupported(refusal));
        let Some(bare) = bare(text, Dialect::Mysql) else {
            return refuse("it has a comment that the server runs, /*! ... */: write what is in it, or remove it");
        };
        let bare = bare.to_lowercase();
        let words: Vec<&str> =
            bare.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
        let first = words.first().copied().unwrap_or_default();
        match first {
            "begin" | "start" | "commit" | "rollback" | "savepoint" | "release" | "xa" | "prepare" | "execute"
            | "deallocate" => {
                return refuse("each query is prepared and is a transaction of its own; write the statement itself");
            }
            "set" | "use" | "lock" | "unlock" | "handler" => {
                return refuse("a query has no session of its own, so this would have no effect");
            }
            "load" => return refuse("LOAD moves data outside a result; use INSERT, or a change of the table"),
            _ => {}
        }
        if words.iter().any(|word| matches!(*word, "outfile" | "dumpfile")) {
            return refuse("it writes a file on the server; use the result");
        }
        if mode == QueryMode::Read && !READING.contains(&first) {
            return refuse("it does not surely read; set the query's mode to \"write\" if it is meant to change data");
        }
        Ok(Self {
            changes_rows: !READING.contains(&first) || first == "with",
            returns_changed: matches!(first, "insert" | "replace" | "delete" | "update"),
            leaves_traces: bare.contains('@') || words.iter().any(|word| LEAVING.contains(word)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, mode: QueryMode) -> bool {
        Nature::of(text, mode).is_err()
    }

    #[test]
    fn a_read_is_a_statement_that_surely_reads() {
        for text in ["select 1", "/* a */ (select 1)", "# x\nSHOW tables", "desc t", "with x as (select 1) select 2"] {
            assert!(!refused(text, QueryMode::Read), "{text}");
        }
        for text in
            ["create table t (a int)", "call p()", "analyze table t", "do sleep(1)", "", "`select` 1", "flush tables"]
        {
            assert!(refused(text, QueryMode::Read), "{text}");
        }
        assert!(!refused("create table t (a int)", QueryMode::Write) && !refused("call p()", QueryMode::Write));
    }

    #[test]
    fn what_reaches_files_or_the_session_is_refused() {
        for text in [
            "select 1 into outfile 'x'",
            "select 1 INTO/**/DUMPFILE 'x'",
            "select 1 /*!50000 into outfile 'x' */",
            "select /*M! 1, */ 2",
            "load data infile 'x' into table t",
            "set @a = 1",
            "use other",
            "-- x\nCOMMIT",
            "lock tables t read",
        ] {
            assert!(refused(text, QueryMode::Read) && refused(text, QueryMode::Write), "{text}");
        }
        assert!(!refused("select 'into outfile /*!' -- outfile", QueryMode::Read));
    }

    #[test]
    fn the_words_say_what_it_counts_and_leaves() {
        let write = |text| Nature::of(text, QueryMode::Write).expect("runs");
        assert!(write("insert into t values (1)").changes_rows);
        assert!(!write("select 1").changes_rows && write("with x as (select 1) delete from t").changes_rows);
        assert!(write("select @a := 1").leaves_traces && write("select GET_LOCK('a', 1)").leaves_traces);
        assert!(!write("select '@' as a").leaves_traces);
    }
}
