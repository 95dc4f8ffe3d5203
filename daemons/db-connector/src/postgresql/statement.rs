//! Statements that a query cannot be. The database itself keeps a read query from writing: its transaction is read-only, and its role
//! has no more rights than it was given. This is the fence before that wall: it refuses what would not be undone by the transaction's
//! end, what would fail there in less helpful words, and commands for a session that is shared.

mod lexer;
mod reading;

use bulkhead_model::query::QueryMode;

use crate::error::QueryError;
use lexer::{Token, tokens};

/// Refuses a statement that must not or cannot run as a query.
pub(super) fn refuse_unsupported(text: &str, mode: QueryMode) -> Result<(), QueryError> {
    let tokens = tokens(text);
    let refusal = match (first_word(&tokens), mode) {
        ("copy", _) => Some("COPY moves data outside a result; use SELECT or INSERT".to_owned()),
        (
            "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint" | "release" | "prepare"
            | "execute" | "deallocate",
            _,
        ) => Some("each query is prepared and is a transaction of its own; write the statement itself".to_owned()),
        ("set" | "reset" | "discard" | "listen" | "unlisten" | "load", _) => Some(
            "a query has no session of its own, so this would have no effect; for one statement use set_config(name, value, true)"
                .to_owned(),
        ),
        // A function's body or a rule may hold several statements; whatever else does, the server refuses.
        (_, QueryMode::Write) => None,
        (_, QueryMode::Read) => reading::refusal(&tokens),
    };
    refusal.map_or(Ok(()), |refusal| Err(QueryError::StatementRefused(refusal)))
}

/// Refuses a statement that cannot be explained, or may not be run to measure it.
pub(super) fn refuse_unexplained(text: &str, analyze: bool) -> Result<(), QueryError> {
    let refusal = reading::explain_refusal(&tokens(text), analyze);
    refusal.map_or(Ok(()), |refusal| Err(QueryError::StatementRefused(refusal)))
}

/// Whether a statement that returned columns counts the rows that it changed, not those that it read.
pub(super) fn changes_rows(text: &str) -> bool {
    !matches!(first_word(&tokens(text)), "select" | "values" | "table" | "show" | "explain" | "fetch")
}

/// The first word, behind what may stand before it; nothing where it is no word.
fn first_word<'a>(tokens: &'a [Token<'_>]) -> &'a str {
    let first = tokens.iter().find(|token| !matches!(token, Token::Sign(';' | '(')));
    if let Some(Token::Word(word)) = first { word } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, mode: QueryMode) -> bool {
        refuse_unsupported(text, mode).is_err()
    }

    #[test]
    fn the_first_word_is_found_behind_comments() {
        for text in ["copy t to program 'x'", "/* a /* b */ */ COPY t to stdout", "-- x\n\tCopy t", ";copy t", " (copy"]
        {
            assert_eq!(first_word(&tokens(text)), "copy", "{text}");
        }
        assert_eq!(first_word(&tokens("/* é never closed")), "");
        assert_eq!(first_word(&tokens("(select 1)")), "select");
    }

    #[test]
    fn commands_for_a_session_are_refused() {
        for text in
            ["set role other", "BEGIN", "/**/ commit", "prepare x as select 1", "discard all", "copy t from stdin"]
        {
            assert!(refused(text, QueryMode::Read) && refused(text, QueryMode::Write), "{text}");
        }
    }

    #[test]
    fn code_for_its_effects_is_for_writing() {
        for text in ["do $$ begin end $$", "call f()", "checkpoint", "insert into t select 1; ", "nonsense"] {
            assert!(refused(text, QueryMode::Read), "{text}");
            assert!(!refused(text, QueryMode::Write), "{text}");
        }
        assert!(!refused("with x as (select 1) select * from x", QueryMode::Read));
    }
}
