//! Kinds of statements that a query cannot be, told by their words.
//!
//! SQL Server has no transaction that only reads, and takes several statements without anything between them. So a read is one whose
//! words can only read; whatever it does all the same is rolled back, since it cannot end its transaction. Names in brackets or quotes
//! are no words.

use bulkhead_model::query::QueryMode;
use bulkhead_model::sql::{Dialect, bare};

use crate::error::QueryError;

/// First words of statements that read.
const READING: [&str; 2] = ["select", "with"];
/// Words that begin, or belong to, a statement that does more than read. All but the last two are reserved: no name is one of them without
/// brackets or quotes.
const DOING: [&str; 50] = [
    "alter",
    "backup",
    "begin",
    "bulk",
    "checkpoint",
    "commit",
    "create",
    "dbcc",
    "declare",
    "delete",
    "deny",
    "drop",
    "dump",
    "exec",
    "execute",
    "goto",
    "grant",
    "if",
    "insert",
    "into",
    "kill",
    "load",
    "merge",
    "opendatasource",
    "openquery",
    "openrowset",
    "print",
    "raiserror",
    "reconfigure",
    "restore",
    "return",
    "revert",
    "revoke",
    "rollback",
    "save",
    "set",
    "setuser",
    "shutdown",
    "tran",
    "transaction",
    "trigger",
    "truncate",
    "update",
    "updatetext",
    "use",
    "waitfor",
    "while",
    "writetext",
    "conversation",
    "receive",
];
/// First words of statements that call no procedure.
const PLAIN: [&str; 10] =
    ["insert", "update", "delete", "merge", "select", "with", "create", "alter", "drop", "truncate"];
/// Words of statements that call something whose effects may outlast a rollback.
const CALLING: [&str; 6] = ["exec", "execute", "openquery", "openrowset", "opendatasource", "bulk"];

/// What a statement's words say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nature {
    /// Whether all that it does is undone with its transaction: a procedure may end it, or reach beyond the database.
    pub(super) is_undone: bool,
}

impl Nature {
    /// Looks at a statement, and refuses one that must not or cannot run as a query.
    pub(super) fn of(text: &str, mode: QueryMode) -> Result<Self, QueryError> {
        let refuse = |refusal| Err(QueryError::Unsupported(refusal));
        // Whether such a line has an end there, where a comment would end, is not for this side to guess.
        if has_odd_break(text) {
            return refuse("it holds a line break that is no newline; write a newline in its place");
        }
        let bare = bare(text, Dialect::SqlServer).unwrap_or_default().to_lowercase();
        let words: Vec<&str> = bare
            .split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '@' | '#' | '$'))
            .filter(|word| !word.is_empty())
            .collect();
        let first = words.first().copied().unwrap_or_default();
        let pairs = || words.iter().copied().zip(words.iter().copied().skip(1).chain([""]));
        let is_transaction = |word: &str| matches!(word, "tran" | "transaction" | "distributed");
        if pairs().any(|(word, next)| {
            matches!(word, "commit" | "rollback") || matches!(word, "begin" | "save") && is_transaction(next)
        }) || words.iter().any(|word| matches!(*word, "implicit_transactions" | "xact_abort"))
        {
            return refuse("each query is a transaction of its own; write the statement itself");
        }
        if pairs().any(|(word, next)| word == "use" && !is_hint(word, next)) {
            return refuse(
                "a query has no session of its own, so USE would have no effect; write database.schema.table",
            );
        }
        if mode == QueryMode::Read {
            if !READING.contains(&first) || pairs().any(|(word, next)| DOING.contains(&word) && !is_hint(word, next)) {
                return refuse(
                    "it does not surely read; set the query's mode to \"write\" if it is meant to change data, and put names that are reserved words into brackets",
                );
            }
            if words.windows(3).any(|words| words == ["next", "value", "for"]) {
                return refuse("it takes the next value of a sequence; set the query's mode to \"write\"");
            }
            let inner = bare.trim_matches(|c: char| c.is_whitespace() || c == ';');
            if inner.contains(';') {
                return refuse("a read is one statement; set the query's mode to \"write\" for several");
            }
        }
        Ok(Self { is_undone: PLAIN.contains(&first) && !words.iter().any(|word| CALLING.contains(word)) })
    }
}

/// Whether a text holds a carriage return without a newline, or another character that some take for the end of a line.
fn has_odd_break(text: &str) -> bool {
    text.replace("\r\n", "\n").contains(['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'])
}

/// Whether two words are a hint about how to read: MERGE JOIN, MERGE UNION, USE HINT, USE PLAN.
fn is_hint(word: &str, next: &str) -> bool {
    matches!((word, next), ("merge", "join" | "union") | ("use", "hint" | "plan"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, mode: QueryMode) -> bool {
        Nature::of(text, mode).is_err()
    }

    #[test]
    fn a_comment_ends_where_everybody_says_that_it_does() {
        for mode in [QueryMode::Read, QueryMode::Write] {
            for mark in ["\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"] {
                assert!(refused(&format!("select 1 --{mark}delete from t commit"), mode), "{mark:?}");
            }
        }
        assert!(!refused("select 1 -- one\r\nfrom t", QueryMode::Read));
        assert!(refused("select 1 -- one\r\ndelete from t", QueryMode::Read));
    }

    #[test]
    fn a_read_is_a_statement_that_surely_reads() {
        for text in [
            "select 1",
            "/* a /* b */ */ (select [update], \"delete\" from [into])",
            "-- x\nWITH x AS (SELECT 1 AS a) SELECT a FROM x;",
            ";with x as (select 1 as a) select 'delete from t; drop' from x",
            "select a from t inner merge join u on t.a = u.a option (use hint('x'), merge join)",
            "select case when a = 1 then 2 end as updated, @begin from t order by a offset 1 rows fetch next 2 rows only",
        ] {
            assert!(!refused(text, QueryMode::Read), "{text}");
        }
        for text in [
            "",
            "insert into t values (1)",
            "select 1 delete from t",
            "select 1; select 2",
            "select * into u from t",
            "exec p",
            "sp_who",
            "with x as (select 1 as a) update x set a = 2",
            "select * from openquery(s, 'delete from t')",
            "select next value for s",
            "select 1 EXECUTE p",
            "select 1 waitfor delay '1:00'",
            "[select] 1",
            "select 1 --x\nmerge t using u on 1 = 1 when matched then delete",
            "set rowcount 1 select 1",
            "select [a]]'] delete from t --'",
        ] {
            assert!(refused(text, QueryMode::Read), "{text}");
        }
        assert!(!refused("select 1 delete from t", QueryMode::Write) && !refused("exec p", QueryMode::Write));
    }

    #[test]
    fn no_query_ends_its_transaction_or_changes_its_database() {
        for text in [
            "commit",
            "insert into t values (1) COMMIT TRAN",
            "select 1 rollback",
            "begin transaction",
            "BEGIN DISTRIBUTED tran",
            "save tran a",
            "set implicit_transactions off delete from t",
            "use other",
        ] {
            assert!(refused(text, QueryMode::Read) && refused(text, QueryMode::Write), "{text}");
        }
        assert!(!refused("begin insert into t values (1) end", QueryMode::Write));
    }

    #[test]
    fn what_calls_procedures_may_have_effects_that_stay() {
        let is_undone = |text| Nature::of(text, QueryMode::Write).expect("runs").is_undone;
        assert!(is_undone("insert into t values (1)") && is_undone("select 1"));
        for text in [
            "exec p",
            "p 1",
            "insert into t exec p",
            "declare @a int exec @a = p",
            "insert into openquery(s, 't') values (1)",
        ] {
            assert!(!is_undone(text), "{text}");
        }
    }
}
